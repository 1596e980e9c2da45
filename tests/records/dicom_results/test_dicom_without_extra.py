"""The default install has no highdicom: modules import, and the verb says what is missing."""

import subprocess
import sys

WITHOUT = "import sys; sys.modules['highdicom'] = None; "


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code], capture_output=True, encoding="utf-8", timeout=120
    )


def test_every_module_is_imported_without_highdicom() -> None:
    done = _run(
        "import deeppcos.app.dicom_results, deeppcos.app.dicom_reports, "
        "deeppcos.records.dicom_report, deeppcos.records.dicom_segmentation, "
        "deeppcos.records.dicom_key_objects, deeppcos.records.dicom_report_reading"
    )
    assert done.returncode == 0, done.stderr


def test_the_verb_names_the_extra() -> None:
    done = _run("from deeppcos.app.cli import app; app(['export-dicom', 'report', '--out', 'out'])")
    assert done.returncode == 2
    assert "pip install 'deeppcos[records]'" in done.stderr
