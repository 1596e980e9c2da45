"""Tables: one person twice, values that cannot be, columns that give the label away."""

from pathlib import Path

import numpy as np
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning.audit.findings import Finding, Weight
from deeppcos.learning.audit.picture_table import ColumnChoice
from deeppcos.learning.audit.report import audit_dataset
from deeppcos.learning.audit.table_reading import Column, Table, read_table
from deeppcos.learning.audit.table_rows import find_row_copies
from deeppcos.learning.audit.table_values import quantity_of, value_troubles

HEADINGS = (
    "Sl. No",
    "Age (yrs)",
    "Weight (Kg)",
    "Height(Cm)",
    "AMH(ng/mL)",
    "FSH(mIU/mL)",
    "Follicle No. (L)",
    "BP _Systolic (mmHg)",
    "PCOS (Y/N)",
)


def women(count: int = 120, *, seed: int = 0) -> list[list[str]]:
    """Made-up rows whose follicles and AMH follow the label."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        positive = int(draw.random() < 0.4)
        rows.append(
            [
                str(number + 1),
                str(draw.integers(19, 45)),
                f"{draw.normal(62, 9):.1f}",
                f"{draw.normal(157, 6):.1f}",
                f"{draw.lognormal(1 + 0.5 * positive, 0.4):.2f}",
                f"{draw.lognormal(1.6, 0.4):.2f}",
                str(draw.poisson(14 if positive else 5)),
                str(draw.choice([100, 110, 120, 130])),
                str(positive),
            ]
        )
    return rows


def written(folder: Path, rows: list[list[str]], *, separator: str = ",") -> Path:
    path = folder / "women.csv"
    lines = [HEADINGS, *rows]
    path.write_text("\n".join(separator.join(line) for line in lines) + "\n", encoding="utf-8")
    return path


def findings_of(path: Path, *, label: str = "") -> dict[str, Finding]:
    report = audit_dataset(path, ColumnChoice(label=label))
    return {finding.code: finding for finding in report.findings}


def test_one_woman_entered_twice_is_found_in_spite_of_changed_cells(tmp_path: Path) -> None:
    rows = women()
    again = rows[17].copy()
    again[0], again[7], again[8] = "121", "140", str(1 - int(rows[17][8]))
    found = findings_of(written(tmp_path, [*rows, again]))
    assert found["near_duplicate_rows"].figures["pairs"] == 1
    assert found["near_duplicate_rows"].examples[0].startswith("row 19 = row 122")
    assert found["near_duplicate_rows"].weight is Weight.SPOILS
    assert found["labels_contradict"].figures["groups"] == 1


def test_different_women_are_not_taken_for_one(tmp_path: Path) -> None:
    found = findings_of(written(tmp_path, women()))
    assert "near_duplicate_rows" not in found
    assert "equal_rows" not in found


def test_equal_rows_with_another_row_number_are_equal(tmp_path: Path) -> None:
    rows = women()
    found = findings_of(written(tmp_path, [*rows, ["121", *rows[3][1:]]]))
    assert found["equal_rows"].figures["pairs"] == 1
    assert found["equal_rows"].weight is Weight.SPOILS


def test_equal_answers_to_few_coarse_questions_are_not_one_person() -> None:
    draw = np.random.default_rng(0)
    columns = tuple(
        Column(name=f"question {n}", texts=tuple(str(v) for v in draw.integers(0, 2, 200)))
        for n in range(6)
    )
    rows = find_row_copies(
        Table(source="q", columns=columns, row_names=tuple(f"row {n}" for n in range(200)))
    )
    assert rows.equal_by_chance > 100
    assert rows.near == ()


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("AMH(ng/mL)", "-3", "values_impossible"),
        ("FSH(mIU/mL)", "5052", "values_impossible"),
        ("Height(Cm)", "1.57", "values_other_unit"),
        ("Weight (Kg)", "0", "values_impossible"),
        ("BP _Systolic (mmHg)", "12", "values_other_unit"),
        ("AMH(ng/mL)", "a", "text_in_numbers"),
        ("FSH(mIU/mL)", "1.99.", "text_in_numbers"),
        ("AMH(ng/mL)", "#NAME?", "broken_formulas"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_row(
    tmp_path: Path, column: str, value: str, code: str
) -> None:
    rows = women()
    rows[40][HEADINGS.index(column)] = value
    finding = findings_of(written(tmp_path, rows))[code]
    assert column in finding.examples[0]
    assert finding.figures["cells"] == 1
    if code != "broken_formulas":
        assert "row 42" in finding.examples[0]


def test_decimal_commas_are_read_and_said(tmp_path: Path) -> None:
    rows = [[cell.replace(".", ",") for cell in row] for row in women()]
    path = written(tmp_path, rows, separator=";")
    assert findings_of(path)["decimal_commas"].figures["columns"] == 4
    column = read_table(path).column("AMH(ng/mL)")
    assert column is not None
    assert column.is_numeric
    assert column.numbers[0] == pytest.approx(float(women()[0][4]))


def test_the_columns_that_define_the_condition_are_weighed_against_the_rest(
    tmp_path: Path,
) -> None:
    found = findings_of(written(tmp_path, women(300)))
    definition = found["definition_restates_label"]
    assert definition.weight is Weight.SPOILS
    assert (definition.figures["definition"] or 0) > 0.95
    assert (definition.figures["without_definition"] or 1) < 0.65
    assert found["columns_restate_label"].examples[0].startswith("Follicle No. (L)")


def test_the_label_under_another_name_is_found(tmp_path: Path) -> None:
    rows = women()
    for row in rows:
        row[2] = "yes" if row[8] == "1" else "no"
    assert findings_of(written(tmp_path, rows))["label_under_another_name"].weight is Weight.SPOILS


def test_gaps_and_order_that_tell_the_label_are_found(tmp_path: Path) -> None:
    rows = sorted(women(), key=lambda row: row[8])
    for row in rows:
        if row[8] == "0":
            row[4] = ""
    found = findings_of(written(tmp_path, rows))
    assert "gaps_tell_label" in found
    assert "row_order_tells_label" in found


def test_a_table_without_a_known_label_says_so(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,4\n5,6\n", encoding="utf-8")
    assert "no_label" in findings_of(path)


def test_a_missing_column_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no column 'Diagnosis'.*PCOS \(Y/N\)"):
        findings_of(written(tmp_path, women()), label="Diagnosis")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no rows under its heading"),
        (b"a,b\n", "no rows under its heading"),
        (b"\x00\x01\x02\x03binary", "not a text table"),
        (b"only\n1\n2\n", "one column only"),
    ],
    ids=["empty", "heading_only", "binary", "one_column"],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        audit_dataset(path, ColumnChoice())


def test_a_table_of_another_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("größe;klasse\n1,5;ä\n2,5;ö\n".encode("cp1252"))
    table = read_table(path)
    assert [column.name for column in table.columns] == ["größe", "klasse"]
    assert list(table.columns[0].numbers) == [1.5, 2.5]


def test_sheets_of_one_heading_are_read_together(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="needs the audit extra")
    book = openpyxl.Workbook()
    first, second = book.active, book.create_sheet("Healthy")
    first.title = "Ill"
    for sheet, rows in ((first, [(1, 2.5)]), (second, [(3, None), (5, 6)])):
        sheet.append(("a", "b"))
        for row in rows:
            sheet.append(row)
    book.create_sheet("Notes").append(("read me",))
    book.save(tmp_path / "t.xlsx")
    table = read_table(tmp_path / "t.xlsx")
    assert set(table.row_names) == {"Ill row 2", "Healthy row 2", "Healthy row 3"}
    assert [column.texts for column in table.columns] == [("1", "3", "5"), ("2.5", "", "6")]


def test_a_body_mass_index_that_does_not_follow_from_weight_and_height_is_found() -> None:
    table = Table(
        source="t",
        columns=(
            Column(name="Weight (Kg)", texts=("60", "70", "80")),
            Column(name="Height(Cm)", texts=("160", "160", "160")),
            Column(name="BMI", texts=("23.4", "35", "31.2")),
        ),
        row_names=("a", "b", "c"),
    )
    wrong = [trouble for trouble in value_troubles(table) if trouble.column == "BMI"]
    assert [trouble.rows for trouble in wrong] == [(1,)]


@pytest.mark.parametrize(
    ("heading", "low", "high"),
    [
        ("Waist(inch)", 40 / 2.54, 250 / 2.54),
        ("FSH(mIU/mL)", 0, 250),
        ("Endometrium (mm)", 0.5, 40),
        ("Age (yrs)", 5, 110),
    ],
)
def test_limits_follow_the_unit_of_the_heading(heading: str, low: float, high: float) -> None:
    quantity = quantity_of(heading)
    assert quantity is not None
    assert [quantity.low, quantity.high] == pytest.approx([low, high])
