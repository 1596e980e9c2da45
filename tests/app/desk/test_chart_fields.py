from pathlib import Path

import pytest

from deeppcos.app.desk.chart_choices import filled_in
from deeppcos.app.desk.chart_fields import FIELDS, LAB_GROUPS, usual_range
from deeppcos.app.desk.chart_form import number_of, read_form, typed_form
from deeppcos.app.desk.chart_import import chart_in
from deeppcos.app.example_study import CHART_CONTENT
from deeppcos.clinical.analytes import Analyte
from deeppcos.errors import InvalidInput
from deeppcos.records.chart_json import chart_from_text


def test_a_chart_survives_its_form() -> None:
    read = read_form(typed_form(CHART_CONTENT))
    assert read.questions == {}
    assert typed_form(read.chart) == typed_form(CHART_CONTENT)
    chart_from_text(json_of(read.chart))


def json_of(chart: object) -> str:
    import json

    return json.dumps(chart)


def test_an_empty_form_is_an_empty_chart() -> None:
    read = read_form(dict.fromkeys(FIELDS, ""))
    assert read.chart == {"schema": "deeppcos.chart/1"}


def test_every_test_is_in_one_group() -> None:
    grouped = [analyte for group in LAB_GROUPS for analyte in group.analytes]
    assert sorted(grouped) == sorted(Analyte)


def test_what_is_implausible_is_asked_back_at_its_field_and_not_used() -> None:
    read = read_form({"body.height_cm": "1.65", "body.weight_kg": "76", "labs.tsh.value": "19000"})
    assert set(read.questions) == {"body.height_cm", "labs.tsh.value"}
    assert "100 to 230 cm" in read.questions["body.height_cm"].accepted
    assert read.chart["body"] == {"weight_kg": 76}
    assert "labs" not in read.chart


def test_what_only_fields_together_show_is_asked_of_the_whole() -> None:
    read = read_form({"patient.age_years": "11", "patient.age_at_menarche_years": "14"})
    assert set(read.questions) == {""}


@pytest.mark.parametrize(("text", "number"), [("3,5", 3.5), ("0,125", 0.125), ("−2", -2.0)])
def test_a_comma_is_a_decimal_point(text: str, number: float) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["1,234", "12,500"])
def test_a_comma_that_may_stand_for_thousands_is_asked_back(text: str) -> None:
    with pytest.raises(InvalidInput, match="two ways"):
        number_of(text)


@pytest.mark.parametrize("text", ["1.99.", "a", "#NAME?", "1e5", "nan", "1 2"])
def test_what_is_no_number_is_asked_back(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a number"):
        number_of(text)


def test_a_unit_of_another_quantity_is_asked_back() -> None:
    read = read_form({"labs.shbg.value": "34", "labs.shbg.unit": "mg/L"})
    assert set(read.questions) == {"labs.shbg.value"}


def test_ranges_are_in_words() -> None:
    assert usual_range("body.waist_cm") == "40 to 250 cm"
    assert usual_range("ultrasound.left.volume_ml") == "0.1 to 300 mL"
    assert usual_range("signs.acne") == ""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "chart"
    path.write_text(text, encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_of_fields_is_read(tmp_path: Path, mark: str) -> None:
    lines = [
        ("field", "value", "unit", "upper_limit"),
        ("patient.age_years", "31", "", ""),
        ("tsh", "1.9", "mIU/L", "4.2"),
    ]
    path = written(tmp_path, "\n".join(mark.join(line) for line in lines))
    read = read_form(filled_in({}, chart_in(path, name="chart.csv"), study_day=None).typed)
    assert read.questions == {}
    assert read.chart["patient"] == {"age_years": 31}
    assert read.chart["labs"] == [
        {"analyte": "tsh", "value": 1.9, "unit": "mIU/L", "upper_limit": 4.2}
    ]


def test_a_public_chart_is_read(tmp_path: Path) -> None:
    given = chart_in(written(tmp_path, json_of(CHART_CONTENT)), name="chart.json")
    filled = filled_in(typed_form({}), given, study_day=None)
    assert filled.typed == typed_form(CHART_CONTENT)
    assert filled.choices == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,age\nx,3", "not a table of chart fields"),
        ("", "not a table of chart fields"),
        ("field,value\nheight,3", "line 2: there is no such field"),
        ("field,value\nbody.waist_cm,80\nbody.waist_cm,90", "given twice"),
        ('{"body": {"hight_cm": 3}}', "unknown key"),
        ('{"body": {"waist_cm": 80}, "body": {"waist_cm": 90}}', "given twice"),
        ("field,value,unit\ntsh,2,", "has no unit"),
        ("field,value,unit,date\ntsh,2,mIU/L,3/4/2026", "is not a day"),
    ],
)
def test_another_file_is_refused_in_words(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as told:
        chart_in(written(tmp_path, text), name="chart.csv")
    assert problem in str(told.value)
