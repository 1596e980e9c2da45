"""Bad tables: each kind of dirt is repaired without a choice, asked back, or refused by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning.risk.dictionary import NAMES
from deeppcos.learning.risk.leakage import require_believable, require_no_leak, telling_columns
from deeppcos.learning.risk.repair import Action, Repair
from deeppcos.learning.risk.table import RiskTable, read_table

from .conftest import Rows, drawn_rows

Write = Callable[..., Path]


def column(table: RiskTable, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One feature."""
    values: np.ndarray[tuple[int], np.dtype[np.float64]] = table.values[:, NAMES.index(name)]
    return values


def repairs_of(table: RiskTable, name: str) -> list[Repair]:
    """What was done in one column."""
    return [r for r in table.repairs if r.column == name]


def with_cell(name: str, cell: str) -> Rows:
    """Drawn rows whose first woman has this cell."""
    rows = drawn_rows()
    rows[0][name] = cell
    return rows


def renamed(old: str, new: str) -> Rows:
    """Drawn rows with one column renamed."""
    return [{new if k == old else k: v for k, v in row.items()} for row in drawn_rows()]


def test_a_clean_table_is_read_in_the_units_of_the_dictionary(table_of: Write) -> None:
    rows = drawn_rows()
    table = read_table(table_of(rows))
    assert table.label.size == table.n_groups == len(rows)
    waist = float(rows[0]["Waist(inch)"])
    assert column(table, "waist_cm")[0] == pytest.approx(2.54 * waist)
    weight, height = float(rows[0]["Weight (Kg)"]), float(rows[0]["Height(Cm) "])
    assert column(table, "body_mass_index")[0] == pytest.approx(weight / (height / 100) ** 2)


@pytest.mark.parametrize(("cell", "value"), [("3.75.", 3.75), ("3,75", 3.75), (" 3.75 ", 3.75)])
def test_a_cell_that_can_be_read_one_way_only_is_repaired_and_reported(
    table_of: Write, cell: str, value: float
) -> None:
    table = read_table(table_of(with_cell("AMH(ng/mL)", cell)))
    assert column(table, "amh_ng_ml")[0] == value
    done = [r.action for r in repairs_of(table, "AMH(ng/mL)")]
    assert done == ([] if cell.strip() == "3.75" else [Action.REPAIRED])


@pytest.mark.parametrize(
    ("cell", "action"),
    [
        ("a", Action.REFUSED),
        ("#NAME?", Action.REFUSED),
        ("2021-03-04", Action.REFUSED),
        ("4-Mar", Action.REFUSED),
        ("3-4", Action.REFUSED),
        ("1,250", Action.ASKED_BACK),
        ("26 pmol/L", Action.ASKED_BACK),
        ("375", Action.ASKED_BACK),
        ("-3", Action.ASKED_BACK),
    ],
)
def test_a_cell_that_would_need_a_guess_stays_unknown_and_is_reported(
    table_of: Write, cell: str, action: Action
) -> None:
    table = read_table(table_of(with_cell("AMH(ng/mL)", cell)))
    assert np.isnan(column(table, "amh_ng_ml")[0])
    (done,) = repairs_of(table, "AMH(ng/mL)")
    assert (done.action, done.used, done.found) == (action, None, cell)


@pytest.mark.parametrize(
    ("header", "cell", "meant"),
    [
        ("BP _Systolic (mmHg)", "12", "120"),
        ("FSH(mIU/mL)", "5052", "50.52"),
        ("Pulse rate(bpm) ", "13", "130"),
    ],
)
def test_a_tenfold_slip_is_asked_back_with_what_was_perhaps_meant(
    table_of: Write, header: str, cell: str, meant: str
) -> None:
    table = read_table(table_of(with_cell(header, cell)))
    (done,) = repairs_of(table, header.strip())
    assert done.action is Action.ASKED_BACK
    assert meant in done.because
    assert "slip" in done.because


def test_an_empty_cell_is_unknown_and_no_repair(table_of: Write) -> None:
    table = read_table(table_of(with_cell("AMH(ng/mL)", "")))
    assert np.isnan(column(table, "amh_ng_ml")[0])
    assert repairs_of(table, "AMH(ng/mL)") == []


def test_an_unexplained_code_is_unknown(table_of: Write) -> None:
    table = read_table(table_of(with_cell("Cycle(R/I)", "5")))
    assert np.isnan(column(table, "cycle_irregular")[0])


def test_days_of_bleeding_are_never_an_interval(table_of: Write) -> None:
    table = read_table(table_of())
    assert 2 < np.nanmedian(column(table, "bleeding_days")) < 9
    meaning = {c.header: c.meaning for c in table.adapter.columns}["Cycle length"]
    assert "never the interval" in meaning


def test_a_semicolon_table_with_decimal_commas_is_read(table_of: Write) -> None:
    rows = [{k: v.replace(".", ",") for k, v in row.items()} for row in drawn_rows()]
    table = read_table(table_of(rows, delimiter=";"))
    plain = read_table(table_of())
    assert np.nanmean(column(table, "lh_iu_l")) == pytest.approx(
        np.nanmean(column(plain, "lh_iu_l")), rel=1e-9
    )


def test_another_stated_unit_is_converted_and_reported(table_of: Write) -> None:
    rows = renamed("AMH(ng/mL)", "AMH(pmol/L)")
    for row in rows:
        row["AMH(pmol/L)"] = f"{float(row['AMH(pmol/L)']) * 7.142857:.4f}"
    table = read_table(table_of(rows))
    plain = read_table(table_of())
    assert column(table, "amh_ng_ml") == pytest.approx(column(plain, "amh_ng_ml"), rel=1e-3)
    assert repairs_of(table, "AMH(pmol/L)")[0].action is Action.CONVERTED


def test_a_column_without_its_unit_is_asked_back_not_guessed(table_of: Write) -> None:
    table = read_table(table_of(renamed("AMH(ng/mL)", "AMH")))
    assert np.isnan(column(table, "amh_ng_ml")).all()
    assert "which unit" in repairs_of(table, "AMH")[0].because


def test_a_whole_column_ten_times_too_high_is_asked_back(table_of: Write) -> None:
    rows = drawn_rows()
    for row in rows:
        row["LH(mIU/mL)"] = f"{10 * float(row['LH(mIU/mL)']):.1f}"
    table = read_table(table_of(rows))
    assert np.isnan(column(table, "lh_iu_l")).all()
    assert "10-fold" in repairs_of(table, "LH")[0].because


def test_a_renamed_column_is_left_out_with_the_name_it_resembles(table_of: Write) -> None:
    table = read_table(table_of(renamed("Skin darkening (Y/N)", "Skin darkened (Y/N)")))
    assert np.isnan(column(table, "skin_darkening")).all()
    assert "'Skin darkening'" in repairs_of(table, "Skin darkened (Y/N)")[0].because


def test_a_missing_column_leaves_its_feature_unknown(table_of: Write) -> None:
    rows = [{k: v for k, v in row.items() if k != "AMH(ng/mL)"} for row in drawn_rows()]
    table = read_table(table_of(rows))
    assert np.isnan(column(table, "amh_ng_ml")).all()
    assert repairs_of(table, "AMH")[0].because == "no column: amh_ng_ml unknown"


def test_two_columns_for_one_feature_are_both_asked_back(table_of: Write) -> None:
    rows = [{**row, "Amh (ng/ml)": "3"} for row in drawn_rows()]
    table = read_table(table_of(rows))
    assert np.isnan(column(table, "amh_ng_ml")).all()
    assert len([r for r in table.repairs if "two columns" in r.because]) == 2


def test_an_extra_column_is_left_out_and_named(table_of: Write) -> None:
    rows = [{**row, "Favourite colour": "blue"} for row in drawn_rows()]
    table = read_table(table_of(rows))
    assert repairs_of(table, "Favourite colour")[0].action is Action.LEFT_OUT


def test_the_label_under_a_features_name_is_refused(table_of: Write) -> None:
    rows = [{**row, "hair growth(Y/N)": row["PCOS (Y/N)"]} for row in drawn_rows()]
    with pytest.raises(InvalidInput, match=r"tells the label.*hair_growth"):
        require_no_leak(read_table(table_of(rows)))


def test_the_label_in_an_extra_column_is_named_but_never_used(table_of: Write) -> None:
    rows = [{**row, "code": "7" if row["PCOS (Y/N)"] == "1" else "3"} for row in drawn_rows()]
    table = read_table(table_of(rows))
    assert list(telling_columns(table)) == ["code"]
    require_no_leak(table)


def test_a_code_that_is_not_in_order_is_seen_to_tell_the_label(table_of: Write) -> None:
    rows = [
        {**row, "code": "2" if row["PCOS (Y/N)"] == "1" else str(1 + 2 * (place % 2))}
        for place, row in enumerate(drawn_rows())
    ]
    assert "code" in telling_columns(read_table(table_of(rows)))


def test_one_class_is_refused(table_of: Write) -> None:
    rows = [{**row, "PCOS (Y/N)": "1"} for row in drawn_rows()]
    with pytest.raises(InvalidInput, match="all rows have the same label"):
        read_table(table_of(rows))


def test_fewer_than_thirty_rows_are_refused(table_of: Write) -> None:
    with pytest.raises(InvalidInput, match="too few labelled rows; got 29"):
        read_table(table_of(drawn_rows(29)))


def test_a_table_without_its_label_is_refused_and_none_is_guessed(table_of: Write) -> None:
    rows = [{k: v for k, v in row.items() if k != "PCOS (Y/N)"} for row in drawn_rows()]
    with pytest.raises(InvalidInput, match="label column 'PCOS' is not"):
        read_table(table_of(rows))


def test_a_table_of_another_kind_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("colour,size\nred,3\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"not those of any table known.*kerala_541"):
        read_table(path)


@pytest.mark.parametrize("name", ["absent.csv", "empty.csv", "table.docx", "broken.xlsx"])
def test_files_that_are_no_tables_are_refused(tmp_path: Path, name: str) -> None:
    pytest.importorskip("openpyxl")
    if name != "absent.csv":
        (tmp_path / name).write_bytes(b"" if name == "empty.csv" else b"PK no table")
    with pytest.raises(InvalidInput):
        read_table(tmp_path / name)


def test_scores_no_honest_model_reaches_are_refused() -> None:
    require_believable("a model", 0.96)
    with pytest.raises(InvalidInput, match="too good to be true"):
        require_believable("a model", 0.991)


def test_the_same_woman_twice_is_one_group(table_of: Write) -> None:
    rows = drawn_rows()
    rows.append({**rows[5], "Sl. No": "999", "Weight (Kg)": "63.5"})
    table = read_table(table_of(rows))
    assert table.groups[5] == table.groups[-1]
    assert table.n_groups == len(rows) - 1


def test_the_real_table_is_repaired_as_its_dirt_is_known(clinical_data: Path) -> None:
    table = read_table(clinical_data / "PCOS_data_without_infertility.xlsx")
    assert (table.label.size, int(table.label.sum())) == (541, 177)
    asked = {r.found for r in table.repairs if r.action is Action.ASKED_BACK}
    assert {"12", "8", "13", "18", "5052", "2018", "6014.66", "5418.6", "85", "65"} <= asked
    assert [r.found for r in table.repairs if r.because == "no number"] == ["a"]
    assert not np.isnan(column(table, "body_mass_index")).any()


def test_every_known_duplicate_of_the_real_table_is_found_and_two_more(
    clinical_data: Path,
) -> None:
    import csv

    table = read_table(clinical_data / "PCOS_data_without_infertility.xlsx")
    with (clinical_data / "dup_groups.csv").open(encoding="utf-8") as file:
        known = [row["dup_group"] for row in csv.DictReader(file)]
    found = table.groups
    pairs = [(a, b) for b in range(541) for a in range(b)]
    same = {p for p in pairs if known[p[0]] == known[p[1]]}
    ours = {p for p in pairs if found[p[0]] == found[p[1]]}
    assert same <= ours
    assert (len(same), len(ours), table.n_groups) == (20, 22, 519)


@pytest.mark.parametrize(
    ("name", "n", "labelled"),
    [("self_report_survey.csv", 465, 102), ("misahub_survey.xlsx", 242, 50)],
)
def test_the_surveys_are_read_with_what_they_do_not_ask_unknown(
    clinical_data: Path, name: str, n: int, labelled: int
) -> None:
    table = read_table(clinical_data / name)
    assert (table.label.size, int(table.label.sum())) == (n, labelled)
    assert np.isnan(column(table, "amh_ng_ml")).all()
    assert np.isfinite(column(table, "cycle_irregular")).mean() > 0.9
