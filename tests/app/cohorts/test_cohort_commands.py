"""From a raw table to a report in one command, and every step between."""

import json
from pathlib import Path

import pytest
from tests.learning.risk.conftest import drawn_rows, write_rows
from typer.testing import CliRunner

from deeppcos.app.cli import app
from deeppcos.app.cohorts.folders import write_simulated
from deeppcos.research.simulation import simulated_visits


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["cohort", *words])
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: str) -> str:
    result = CliRunner().invoke(app, ["cohort", *words])
    assert result.exit_code == 2
    return " ".join(result.output.split())


def clinical_table(file: Path, cells: dict[str, str], *, rows: int = 60) -> Path:
    """Drawn women as a raw table, with some cells of the first as given."""
    drawn = drawn_rows(rows)
    drawn[0] |= cells
    return write_rows(file, drawn)


def test_every_step_from_tables_to_a_report(tables: Path, tmp_path: Path) -> None:
    saved, out = tmp_path / "c.json", tmp_path / "report"
    said = run("build", str(tables), "--where", "age_years=16..45", "--out", str(saved))
    assert "about 140 women" in said or "about 150 women" in said
    shown = run("show", str(saved), str(tables))
    assert "From Rotterdam 2003 to the 2023 guideline" in shown
    run("report", str(tables), "--out", str(out), "--where", "age_years=16..45")
    page = (out / "report.html").read_text(encoding="utf-8")
    record = json.loads((out / "release.json").read_text(encoding="utf-8"))
    assert f"{record['women']:,}" in page
    assert record["query_sha256"][:12] in page
    for figure in record["figures"]:
        svg = (out / "pictures" / f"{figure['key']}.svg").read_text(encoding="utf-8")
        table = (out / "tables" / f"{figure['key']}.csv").read_text(encoding="utf-8")
        assert svg.rstrip().endswith("</svg>")
        assert record["query_sha256"][:12] in table
        assert (out / "pictures" / f"{figure['key']}.png").read_bytes()[1:4] == b"PNG"
    assert "there is a report already" in refused("report", str(tables), "--out", str(out))


def test_a_raw_clinical_table_becomes_a_report_with_its_repairs(tmp_path: Path) -> None:
    source = clinical_table(tmp_path / "raw.csv", {"AMH(ng/mL)": "3,75", "Height(Cm) ": "16.1"})
    out = tmp_path / "report"
    run("report", str(source), "--out", str(out), "--name", "Raw")
    repairs = (out / "repairs.csv").read_text(encoding="utf-8")
    assert "a decimal comma" in repairs
    assert "10-fold slip" in repairs
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "asked back" in page
    assert "times repaired" in page


def test_a_raw_table_of_fewer_than_thirty_rows_is_refused(tmp_path: Path) -> None:
    source = clinical_table(tmp_path / "raw.csv", {}, rows=29)
    said = refused("report", str(source), "--out", str(tmp_path / "out"))
    assert "too few labelled rows; got 29" in said


def test_a_raw_table_of_one_class_is_refused(tmp_path: Path) -> None:
    rows = [row | {"PCOS (Y/N)": "1"} for row in drawn_rows(60)]
    source = write_rows(tmp_path / "raw.csv", rows)
    said = refused("report", str(source), "--out", str(tmp_path / "out"))
    assert "all rows have the same label" in said


def test_a_raw_table_with_the_label_under_another_name_is_refused(tmp_path: Path) -> None:
    rows = [row | {"hair growth(Y/N)": row["PCOS (Y/N)"]} for row in drawn_rows(120)]
    source = write_rows(tmp_path / "raw.csv", rows)
    said = refused("report", str(source), "--out", str(tmp_path / "out"))
    assert "tells the label" in said


@pytest.mark.parametrize(
    ("why", "rows"),
    [("too few labelled rows", 29), ("all rows have the same label", 60)],
    ids=["few", "one class"],
)
def test_a_refused_table_still_gets_its_repair_report(tmp_path: Path, why: str, rows: int) -> None:
    drawn = [row | {"PCOS (Y/N)": "1"} if rows == 60 else row for row in drawn_rows(rows)]
    drawn[0] |= {"AMH(ng/mL)": "3,75"}
    source, out = write_rows(tmp_path / "raw.csv", drawn), tmp_path / "out"
    said = refused("report", str(source), "--out", str(out))
    assert "repairs.csv" in said
    lines = (out / "repairs.csv").read_text(encoding="utf-8").splitlines()
    assert any('"3,75"' in line and ",repaired," in line for line in lines)
    assert ",refused," in lines[-1]
    assert why in lines[-1]
    assert not (out / "report.html").exists()


def test_a_raw_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "other.csv"
    source.write_text("a,b\n1,2\n", encoding="utf-8")
    assert "not those of any table known" in refused(
        "report", str(source), "--out", str(tmp_path / "out")
    )


def test_a_folder_of_assessments_is_read_and_what_cannot_be_is_named(tmp_path: Path) -> None:
    studies = tmp_path / "studies"
    count = write_simulated(studies, simulated_visits(30, seed=2))
    (studies / "broken").mkdir()
    (studies / "broken" / "assessment.json").write_text('{"schema": "other"}', encoding="utf-8")
    result = CliRunner().invoke(
        app, ["cohort", "table", str(studies), "--out", str(tmp_path / "table")]
    )
    assert result.exit_code == 1
    assert f"{count} assessments" in result.output
    assert "broken/assessment.json" in result.output


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        ("assessment,patient", "x,p", "columns do not fit"),
        ("assessment,patient_id,consent", "x,p,perhaps", "line 2: consent; got perhaps"),
        ("assessment,patient_id,performed_on", "x,p,3/4/2026", "can be read two ways"),
        ("assessment,patient_id", "x,", "line 2: patient_id; got empty"),
    ],
)
def test_a_list_of_studies_that_would_need_a_guess_is_refused(
    tmp_path: Path, header: str, line: str, said: str
) -> None:
    write_simulated(tmp_path / "s", simulated_visits(1, seed=2))
    (tmp_path / "s" / "studies.csv").write_text(f"{header}\n{line}\n", encoding="utf-8")
    assert said in refused("table", str(tmp_path / "s"), "--out", str(tmp_path / "t"))


def test_a_saved_query_that_was_changed_is_refused(tables: Path, tmp_path: Path) -> None:
    saved = tmp_path / "c.json"
    run("build", str(tables), "--where", "age_years=16..45", "--out", str(saved))
    assert "is there already" in refused("build", str(tables), "--out", str(saved))
    changed = saved.read_text(encoding="utf-8").replace("45", "46")
    saved.write_text(changed, encoding="utf-8")
    assert "was changed after it was saved" in refused("show", str(saved), str(tables))


def test_noise_is_released_instead_where_it_is_asked_for(tables: Path, tmp_path: Path) -> None:
    pytest.importorskip("opendp", reason="noise needs the research extra")
    out = tmp_path / "noisy"
    run("report", str(tables), "--out", str(out), "--epsilon", "1")
    record = json.loads((out / "release.json").read_text(encoding="utf-8"))
    assert record["epsilon"] == 1
    assert "Laplace" in (out / "report.html").read_text(encoding="utf-8")
