import datetime as dt
import json
from pathlib import Path

import pytest

from deeppcos.app.desk.chart_choices import IN_THE_CHART, FilledIn, filled_in
from deeppcos.app.desk.chart_fields import FIELDS
from deeppcos.app.desk.chart_form import read_form, typed_form
from deeppcos.app.desk.chart_import import chart_in
from deeppcos.errors import InvalidInput

STUDY_DAY = dt.date(2026, 3, 10)


def table(*rows: str) -> str:
    return "\n".join(["field,value,unit,upper_limit,assay,date", *rows])


def filled(
    folder: Path, text: str, *, standing: dict[str, str] | None = None, day: dt.date | None = None
) -> FilledIn:
    path = folder / "chart"
    path.write_text(text, encoding="utf-8")
    return filled_in(standing or typed_form({}), chart_in(path, name="chart"), study_day=day)


def test_the_latest_result_up_to_the_study_is_suggested_and_never_taken_unseen(
    tmp_path: Path,
) -> None:
    result = filled(
        tmp_path,
        table("tsh,2,mIU/L,,,2026-01-05", "tsh,5.5,mIU/L,,,2026-03-01", "tsh,9,mIU/L,,,2026-04-01"),
        day=STUDY_DAY,
    )
    [choice] = result.choices
    assert "labs.tsh.value" not in result.typed
    assert "10 Mar 2026" in choice.rule
    said = [(one.words, one.day, one.is_suggested, one.why) for one in choice.options]
    assert said == [
        ("2 mIU/L", dt.date(2026, 1, 5), False, "not the latest"),
        ("5.5 mIU/L", dt.date(2026, 3, 1), True, ""),
        ("9 mIU/L", dt.date(2026, 4, 1), False, "after the study"),
    ]
    assert choice.options[1].typed["labs.tsh.value"] == "5.5"


@pytest.mark.parametrize(
    "rows",
    [
        ("tsh,2,mIU/L,,,", "tsh,5.5,mIU/L,,,"),
        ("tsh,2,mIU/L,,,2026-03-01", "tsh,5.5,mIU/L,,,"),
        ("tsh,2,mIU/L,,,2026-03-01", "tsh,5.5,mIU/L,,,2026-03-01"),
    ],
    ids=["no dates", "one date", "same day"],
)
def test_nothing_is_suggested_where_the_order_is_not_known(
    tmp_path: Path, rows: tuple[str, ...]
) -> None:
    [choice] = filled(tmp_path, table(*rows), day=STUDY_DAY).choices
    assert not any(one.is_suggested for one in choice.options)
    assert "nothing says which of these is the latest" in choice.rule


def test_the_public_chart_may_bring_several_results_and_says_when(tmp_path: Path) -> None:
    labs = [
        {"analyte": "TSH", "value": 2, "unit": "mIU/L", "date": "2026-01-05"},
        {"analyte": "tsh", "value": 5.5, "unit": "mIU/L", "date": "2026-03-01"},
        {"analyte": "prolactin", "value": 12, "unit": "ng/mL"},
    ]
    result = filled(tmp_path, json.dumps({"labs": labs}), day=STUDY_DAY)
    assert [choice.label for choice in result.choices] == ["TSH"]
    assert [one.is_suggested for one in result.choices[0].options] == [False, True]
    assert result.typed["labs.prolactin.value"] == "12"


def test_every_one_of_several_results_is_held_to_the_contract(tmp_path: Path) -> None:
    labs = [{"analyte": "tsh", "value": 2, "unit": "mIU/L"}, {"analyte": "tsh", "value": "3"}]
    with pytest.raises(InvalidInput, match="unit"):
        filled(tmp_path, json.dumps({"labs": labs}))


def test_the_same_result_in_two_units_is_one(tmp_path: Path) -> None:
    rows = ("fasting_glucose,90,mg/dL,,,", "fasting_glucose,4.996,mmol/L,,,")
    result = filled(tmp_path, table(*rows))
    assert result.choices == ()
    assert result.typed["labs.fasting_glucose.value"] == "90"


def test_a_result_that_differs_from_the_charts_is_asked(tmp_path: Path) -> None:
    standing = typed_form({"labs": [{"analyte": "tsh", "value": 2.0, "unit": "mIU/L"}]})
    [choice] = filled(tmp_path, table("TSH,5.5,mIU/L,,,"), standing=standing).choices
    assert [one.origin for one in choice.options] == [IN_THE_CHART, "line 2"]


def test_what_the_file_adds_to_the_charts_result_is_joined(tmp_path: Path) -> None:
    standing = typed_form({"labs": [{"analyte": "tsh", "value": 2.0, "unit": "mIU/L"}]})
    result = filled(tmp_path, table("tsh,2.0,mIU/L,4.2,,2026-01-05"), standing=standing)
    assert result.choices == ()
    assert result.typed["labs.tsh.upper_limit"] == "4.2"


def test_a_field_that_differs_from_the_charts_is_asked_and_one_that_agrees_is_not(
    tmp_path: Path,
) -> None:
    standing = typed_form({"body": {"height_cm": 165, "waist_cm": 89}})
    rows = table("body.height_cm,165.0", "body.waist_cm,95", "body.weight_kg,70")
    result = filled(tmp_path, rows, standing=standing)
    [choice] = result.choices
    assert [one.words for one in choice.options] == ["89 cm", "95 cm"]
    assert result.typed["body.waist_cm"] == "89"
    assert result.typed["body.weight_kg"] == "70"


@pytest.mark.parametrize(
    ("path", "text", "stored"),
    [
        ("patient.population", "Turkish", "turkish"),
        ("patient.population", "HAN CHINESE", "han_chinese"),
        ("patient.population", "African-American", "black_american"),
        ("patient.hormonal_contraception", "COC", "combined"),
        ("patient.hormonal_contraception", "Stopped less than 3 months", "stopped_under_3_months"),
        ("ultrasound.route", "TVUS", "transvaginal"),
        ("patient.pregnant", "Yes", True),
        ("signs.acne", "FALSE", False),
    ],
)
def test_a_choice_is_understood_in_any_case_and_by_its_synonyms(
    path: str, text: str, stored: object
) -> None:
    read = read_form({path: text})
    room, name = path.split(".")
    assert read.questions == {}
    assert read.chart[room][name] == stored


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("patient.population", "Chinese"),
        ("patient.hormonal_contraception", "pill"),
        ("patient.pregnant", "perhaps"),
    ],
)
def test_a_word_that_could_mean_several_is_asked_back_and_never_dropped(
    path: str, text: str
) -> None:
    read = read_form({path: text})
    assert set(read.questions) == {path}
    assert "patient" not in read.chart


def test_a_public_chart_is_understood_in_any_case(tmp_path: Path) -> None:
    result = filled(tmp_path, '{"patient": {"population": "Turkish"}}')
    assert result.typed["patient.population"] == "turkish"


def test_choices_are_printed_with_capitals() -> None:
    words = [words for _value, words in FIELDS["patient.population"].choices]
    assert {"Turkish", "White American", "Southern Chinese"} <= set(words)


def test_a_choice_of_a_table_fills_its_list_and_what_is_not_understood_is_kept_to_be_asked(
    tmp_path: Path,
) -> None:
    rows = table("patient.population,Turkish", "patient.pregnant,No", "ultrasound.route,sideways")
    typed = filled(tmp_path, rows).typed
    assert typed["patient.population"] == "turkish"
    assert typed["patient.pregnant"] == "no"
    assert typed["ultrasound.route"] == "sideways"
    assert "ultrasound.route" in read_form(typed).questions
