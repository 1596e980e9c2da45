"""The verb, its two folders and its sheet; and that a study still measures the same."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deeppcos.app.deidentified_export import export_deidentified, private_folder
from deeppcos.app.example_study import PATIENT_NAME, STILLS, write_example_study
from deeppcos.app.workflow import analyze_study
from deeppcos.records.deidentification import DeidentificationPolicy
from deeppcos.records.deidentification.text_finding import is_text_finding_installed


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    write_example_study(folder)
    return folder


def deeppcos(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deeppcos", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


@pytest.mark.slow
def test_the_verb_writes_results_a_report_and_what_stays_here(
    example: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    broken = tmp_path / "PHANTOM.dcm"
    broken.write_bytes((example / STILLS[0][0]).read_bytes()[:4000])
    done = deeppcos(
        "deidentify", str(example / STILLS[0][0]), str(example / STILLS[1][0]), str(broken),
        "--out", str(out), "--regions-only",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "2 images written, 0 identical duplicates, 1 kept aside" in done.stdout
    assert "PHANTOM.dcm" not in done.stdout + done.stderr
    report = json.loads((out / "deidentification.json").read_text())
    assert report["counts"]["written"] == 2
    given_away = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert PATIENT_NAME.encode() not in given_away
    private = private_folder(out)
    assert {path.name for path in private.iterdir()} == {
        "key.json", "journal.jsonl", "kept_aside.csv", "sheet.html", "sheet",
    }  # fmt: skip
    assert "PHANTOM.dcm" in (private / "kept_aside.csv").read_text()
    sheet = (private / "sheet.html").read_text()
    pictures = sorted(path.name for path in (private / "sheet").iterdir())
    assert len(pictures) == 2
    assert all(f"sheet/{name}" in sheet for name in pictures)
    again = deeppcos("deidentify", str(example / STILLS[0][0]), "--out", str(out), "--regions-only")
    assert "1 images written, 0 identical duplicates, 0 kept aside; 1 were done" in again.stdout


def _measured(folder: Path) -> tuple[Any, Any, list[str]]:
    """What a study measures and concludes, frame by frame, without what names its files."""
    document = analyze_study([folder]).document.model_dump(mode="json")
    frames = [json.dumps(_unnamed(frame), sort_keys=True) for frame in document["frames"]]
    assert len(frames) == 2
    assert document["refused"] == []
    return _unnamed(document["measurements"]), document["conclusion"], sorted(frames)


def _unnamed(part: Any) -> Any:
    """A part of the document without the files that it comes from."""
    if isinstance(part, dict):
        return {key: _unnamed(value) for key, value in part.items() if "source" not in key} | (
            {"scale": part["source"]} if part.get("source") == "dicom_regions" else {}
        )
    return [_unnamed(one) for one in part] if isinstance(part, list) else part


@pytest.mark.slow
@pytest.mark.skipif(not is_text_finding_installed(), reason="rapidocr is not installed")
def test_a_study_measures_the_same_before_and_after(example: Path, tmp_path: Path) -> None:
    stills = tmp_path / "stills"
    stills.mkdir()
    for name, _, _ in STILLS[:2]:
        (stills / name).write_bytes((example / name).read_bytes())
    done = export_deidentified([stills], out=tmp_path / "out", policy=DeidentificationPolicy())
    assert (done.report.written, done.report.refused) == (2, 0)
    assert _measured(stills) == _measured(tmp_path / "out")
