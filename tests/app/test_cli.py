"""The command line: quick to answer, one document on stdout, honest exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deeppcos.app.cli import app

HEAVY = ("numpy", "cv2", "torch", "onnxruntime", "pydicom", "SimpleITK", "reportlab")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["analyze", "--help"]])
def test_help_and_version_load_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\nfrom deeppcos.__main__ import main\n"
        f"sys.argv = ['deeppcos', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"loaded = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr


def test_version_is_the_installed_one() -> None:
    import deeppcos

    result = CliRunner().invoke(app, ["--version"])
    assert result.stdout.strip() == f"deeppcos {deeppcos.__version__}"


def test_assess_prints_one_json_document_and_nothing_else(tmp_path: Path) -> None:
    chart = tmp_path / "chart.json"
    chart.write_text(
        '{"schema": "deeppcos.chart/1", "cycles": {"interval_days": 60}}', encoding="utf-8"
    )
    result = CliRunner().invoke(app, ["assess", str(chart), "--format", "json"])
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["schema"] == "deeppcos.assessment/1"
    assert document["frames"] == []


def test_assess_reads_a_chart_from_standard_input() -> None:
    result = CliRunner().invoke(
        app, ["assess", "-", "--format", "json"], input='{"schema": "deeppcos.chart/1"}'
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["conclusion"]["status"] == "indeterminate"


@pytest.mark.parametrize(
    ("name", "shown"), [("pcos", "PCOS"), ("pmos", "PMOS"), ("both", "PCOS (now PMOS)")]
)
def test_the_name_of_the_condition_is_a_setting(tmp_path: Path, name: str, shown: str) -> None:
    chart = tmp_path / "chart.json"
    chart.write_text('{"schema": "deeppcos.chart/1"}', encoding="utf-8")
    result = CliRunner().invoke(app, ["assess", str(chart), "--format", "json", "--name", name])
    assert json.loads(result.stdout)["condition"] == shown


def test_a_missing_chart_is_wrong_usage_in_one_line() -> None:
    result = CliRunner().invoke(app, ["assess", "no_such_chart.json"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no_such_chart.json" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_example_is_not_overwritten_without_force(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "chart.json").write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(app, ["example", str(folder)])
    assert result.exit_code == 2
    assert (folder / "chart.json").read_text(encoding="utf-8") == "mine"
