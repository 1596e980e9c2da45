"""From a raw table to a report with pictures in one command."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deeppcos.app.cli import app

from .conftest import drawn_rows

for needed in ("lightgbm", "sklearn", "matplotlib", "imblearn"):
    pytest.importorskip(needed)

Write = Callable[..., Path]


def run(*words: object) -> tuple[int, str]:
    """Exit status and output of a command."""
    result = CliRunner().invoke(app, ["risk", "report", *map(str, words)])
    return result.exit_code, result.output


@pytest.mark.slow
def test_one_command_turns_a_table_into_a_report(table_of: Write, tmp_path: Path) -> None:
    rows = drawn_rows(150)
    rows[3]["AMH(ng/mL)"] = "a"
    out = tmp_path / "report"
    status, output = run(
        table_of(rows), "--out", out, "--repeats", 1, "--rounds", 50, "--no-comparators"
    )
    assert status == 0, output
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Research estimate" in page
    assert "diagnosed" not in page
    for name in ("tiers", "calibration", "decision", "certainty", "effects", "fusion"):
        assert f"pictures/{name}.svg" in page
        assert (out / "pictures" / f"{name}.svg").stat().st_size > 5_000
    figures = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert len(figures["tiers"]) == 8
    assert all(t["auroc"][1] < t["auroc"][0] < t["auroc"][2] for t in figures["tiers"])
    assert ",a,refused," in (out / "repairs.csv").read_text(encoding="utf-8")
    again, message = run(table_of(rows), "--out", out)
    assert (again, "a report already" in message) == (2, True)


def test_a_refused_table_still_leaves_its_repair_report(table_of: Write, tmp_path: Path) -> None:
    rows = [{**row, "hair growth(Y/N)": row["PCOS (Y/N)"]} for row in drawn_rows()]
    rows[0]["AMH(ng/mL)"] = "a"
    out = tmp_path / "report"
    status, output = run(table_of(rows), "--out", out)
    assert status == 2
    assert "tells the label" in output
    assert ",a,refused," in (out / "repairs.csv").read_text(encoding="utf-8")
    assert not (out / "report.html").exists()


@pytest.mark.slow
def test_a_label_made_of_the_features_together_is_refused_as_too_good(
    table_of: Write, tmp_path: Path
) -> None:
    rows = drawn_rows(160)
    for row in rows:
        signs = sum(int(row[n]) for n in ("hair growth(Y/N)", "Pimples(Y/N)", "Hair loss(Y/N)"))
        row["PCOS (Y/N)"] = str(int(signs + (row["Cycle(R/I)"] == "4") >= 2))
    status, output = run(table_of(rows), "--out", tmp_path / "report", "--rounds", 50)
    assert status == 2
    assert "too good to be true" in output
