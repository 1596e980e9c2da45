"""From the ready example to a report: the README's first command, step by step."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

import deeppcos

Completed = subprocess.CompletedProcess[str]
Command = Callable[..., Completed]
SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "assessment-1.schema.json"


@pytest.fixture(scope="module")
def report(
    tmp_path_factory: pytest.TempPathFactory, example: Path, deeppcos_command: Command
) -> Path:
    out = tmp_path_factory.mktemp("report") / "out"
    result = deeppcos_command("analyze", example, "--chart", example / "chart.json", "--out", out)
    assert result.returncode == 0, result.stderr
    (out / "terminal.txt").write_text(result.stdout, encoding="utf-8")
    return out


def _document(report: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads(
        (report / "assessment.json").read_text(encoding="utf-8")
    )
    return content


def test_the_report_has_every_file_and_none_is_half_written(report: Path) -> None:
    assert (report / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (report / "report.pdf").read_bytes().startswith(b"%PDF")
    assert list((report / "overlays").glob("*.png"))
    assert not list(report.rglob("*.partial"))


def test_the_document_keeps_its_published_schema(report: Path) -> None:
    jsonschema.validate(_document(report), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_an_ovary_with_measured_follicles_is_found_in_every_still(report: Path) -> None:
    frames = _document(report)["frames"]
    assert isinstance(frames, list)
    stills = [f for f in frames if "sweep" not in f["source"]]
    assert len(stills) == 4
    for frame in stills:
        assert frame["assessable"], frame["source"]
        assert frame["mm_per_pixel"]["source"] == "dicom_regions"
        sizes = [f["mean_diameter_mm"] for o in frame["ovaries"] for f in o["follicles"]]
        assert sizes
        assert all(size is not None for size in sizes)


def test_one_frame_never_yields_a_follicle_number_per_ovary(report: Path) -> None:
    measured = _document(report)["measurements"]
    assert isinstance(measured, dict)
    for side in measured.values():
        if side is not None:
            assert side["fnpo"]["value"] is None
            assert side["fnpo"]["unknown_because"]


def test_the_conclusion_says_what_is_missing_and_nobody_is_diagnosed(report: Path) -> None:
    text = (report / "terminal.txt").read_text(encoding="utf-8")
    assert "Research use" in text
    assert "prolactin" in text
    assert "diagnosed" not in text.lower()
    assert "diagnosed" not in (report / "report.html").read_text(encoding="utf-8").lower()


def test_analysing_the_study_again_does_not_read_the_report_inside_it(
    tmp_path: Path,
    example: Path,
    deeppcos_command: Command,
) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "still.dcm").write_bytes((example / "left_ovary_long.dcm").read_bytes())
    out = study / "report"
    first = deeppcos_command("analyze", study, "--out", out, "--format", "json")
    again = deeppcos_command("analyze", study, "--format", "json")
    sources = [
        {frame["source"] for frame in json.loads(run.stdout)["frames"]} for run in (first, again)
    ]
    assert sources[0] == sources[1]
    assert len(sources[0]) == 1


def test_python_returns_the_same_record_as_the_command_line(example: Path) -> None:
    still = example / "left_ovary_long.dcm"
    record = deeppcos.analyze([still], chart=example / "chart.json")
    assert record.conclusion.profile == "guideline_2023"
    assert record.frames[0].ovaries[0].follicles
    with pytest.raises(ValueError, match="frozen"):
        record.conclusion.profile = "another"


def test_no_picture_is_read_from_a_folder_without_any(
    tmp_path: Path, deeppcos_command: Command
) -> None:
    result = deeppcos_command("analyze", tmp_path / "nothing")
    assert result.returncode == 1
    assert "nothing" in result.stderr


def test_an_empty_folder_is_refused_by_name(tmp_path: Path, deeppcos_command: Command) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    result = deeppcos_command("analyze", folder, "--format", "json")
    assert result.returncode == 1
    [refused] = json.loads(result.stdout)["refused"]
    assert str(folder) in refused["reason"]
    assert "holds no image" in refused["reason"]
