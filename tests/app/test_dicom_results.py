"""From a report's folder to files, through the door people use."""

import json
from pathlib import Path

import pytest
from pydicom import dcmread
from typer.testing import CliRunner

from deeppcos.app.cli import app
from deeppcos.app.example_study import write_example_study
from deeppcos.app.workflow import analyze_study, claim_output, write_report

pytest.importorskip("highdicom", reason="the records extra is not installed")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    example = write_example_study(folder)
    out = folder / "report"
    claim_output(out, force=False)
    write_report(analyze_study([example.stills[0], example.sweep], chart=example.chart), out)
    return out


def test_a_report_becomes_dicom_and_says_what_it_wrote(report: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export-dicom", str(report), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    names = sorted(one.name for one in (tmp_path / "out").iterdir())
    assert {"measurements.dcm", "ob_gyn_report.dcm", "report.dcm", "key_objects.dcm"} <= set(names)
    assert [name for name in names if name.startswith("segmentation")] == [
        "segmentation_01.dcm",
        "segmentation_02.dcm",
    ]
    assert all(f"wrote {tmp_path / 'out' / name}" in done.output for name in names)
    uids = {dcmread(tmp_path / "out" / name).StudyInstanceUID for name in names}
    assert len(uids) == 1
    again = CliRunner().invoke(app, ["export-dicom", str(report), "--out", str(tmp_path / "two")])
    assert again.exit_code == 0
    for name in names:
        one, other = ((tmp_path / place / name).read_bytes() for place in ("out", "two"))
        assert one == other
    refused = CliRunner().invoke(app, ["export-dicom", str(report), "--out", str(tmp_path / "out")])
    assert refused.exit_code == 2


def test_the_followed_follicles_of_the_example_are_segments(report: Path, tmp_path: Path) -> None:
    CliRunner().invoke(app, ["export-dicom", str(report), "--out", str(tmp_path)])
    document = json.loads((report / "assessment.json").read_text(encoding="utf-8"))
    tracked = document["measurements"]["right"]["tracked_estimate"]["value"]
    segments = dcmread(tmp_path / "segmentation_02.dcm").SegmentSequence
    follicles = [
        one for one in segments if one.SegmentedPropertyTypeCodeSequence[0].CodeValue == "24162005"
    ]
    assert len(follicles) >= 0.7 * tracked
    assert len({one.TrackingUID for one in segments}) == len(segments)


def test_a_folder_without_report_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export-dicom", str(tmp_path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "holds no report" in done.output


def test_an_image_that_is_gone_is_named(report: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = CliRunner().invoke(
        app,
        ["export-dicom", str(report), "--out", str(tmp_path / "out"), "--images", str(empty)],
    )
    assert done.exit_code == 2
    assert "is not there any more" in done.output
