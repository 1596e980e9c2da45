import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.assessment import assess
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.document import to_document
from deeppcos.clinical.ovary import MeasurementSource, Route
from deeppcos.clinical.patient import Contraception, Population
from deeppcos.errors import InvalidInput
from deeppcos.records.assessment_json import build_document
from deeppcos.records.chart_document import json_schema
from deeppcos.records.chart_json import LARGEST_BYTES, ChartProblems, chart_from_text, read_chart

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "chart-1.schema.json"


def full_chart() -> dict[str, Any]:
    """The example of the public contract."""
    return {
        "schema": "deeppcos.chart/1",
        "patient": {
            "age_years": 27.5,
            "age_at_menarche_years": 12,
            "population": "han_chinese",
            "pregnant": False,
            "postmenopausal": False,
            "hormonal_contraception": "none",
        },
        "cycles": {
            "interval_days": 50,
            "per_year": 7,
            "longest_interval_days": 95,
            "bleeding_days": 5,
        },
        "signs": {
            "mfg_score": 9,
            "acne": False,
            "scalp_hair_loss": False,
            "rapid_onset": False,
            "virilisation": False,
        },
        "labs": [
            {
                "analyte": "total_testosterone",
                "value": 62,
                "unit": "ng/dL",
                "upper_limit": 48,
                "assay": "lc_ms_ms",
            }
        ],
        "body": {
            "height_cm": 165,
            "weight_kg": 70,
            "waist_cm": 85,
            "systolic_mmhg": 120,
            "diastolic_mmhg": 78,
        },
        "ultrasound": {
            "route": "transvaginal",
            "probe_mhz": 9,
            "left": {
                "fnpo": 22,
                "fnps": 11,
                "volume_ml": 9.1,
                "dominant_follicle_or_corpus_luteum": False,
            },
            "right": {},
        },
    }


def read(content: object) -> PatientChart:
    return chart_from_text(json.dumps(content))


def problems_of(content: object) -> list[str]:
    with pytest.raises(ChartProblems) as refusal:
        read(content)
    return str(refusal.value).splitlines()


def test_the_example_of_the_contract_is_read_field_by_field() -> None:
    chart = read(full_chart())
    assert chart.patient.population is Population.HAN_CHINESE
    assert chart.patient.hormonal_contraception is Contraception.NONE
    assert chart.cycles.longest_interval_days == 95
    assert chart.cycles.bleeding_days == 5
    assert chart.signs.mfg_score == 9
    lab = chart.lab(Analyte.TOTAL_TESTOSTERONE)
    assert lab is not None
    assert (lab.value, lab.unit, lab.upper_limit, lab.assay) == (62, "ng/dL", 48, "lc_ms_ms")
    assert chart.body.waist_cm == 85
    assert chart.ultrasound.route is Route.TRANSVAGINAL
    assert chart.ultrasound.left.fnpo is not None
    assert chart.ultrasound.left.fnpo.value == 22
    assert chart.ultrasound.left.fnpo.source is MeasurementSource.CHART
    assert not chart.ultrasound.right.was_seen


def test_the_assessment_of_the_example_fits_the_public_document() -> None:
    document = build_document(clinical=to_document(assess(read(full_chart()))))
    assert document.conclusion.status == "exclusion_incomplete"
    assert document.conclusion.phenotype == "A"
    assert {s.measurement for s in document.would_settle} == {"tsh", "prolactin", "fsh", "17_ohp"}


def test_every_field_may_be_absent() -> None:
    assert read({"schema": "deeppcos.chart/1"}) == PatientChart()
    assert read({}) == PatientChart()


def test_null_is_unknown_exactly_like_absent() -> None:
    nulled = {
        "schema": "deeppcos.chart/1",
        "patient": {"age_years": None, "pregnant": None, "population": None},
        "cycles": None,
        "labs": None,
        "ultrasound": {"route": None, "left": None, "right": {"fnpo": None}},
    }
    assert read(nulled) == PatientChart()


def test_a_laboratory_limit_without_a_result_is_kept() -> None:
    content = {
        "schema": "deeppcos.chart/1",
        "labs": [{"analyte": "free_testosterone", "unit": "pmol/L", "upper_limit": 30}],
    }
    chart = read(content)
    assert chart.measured(Analyte.FREE_TESTOSTERONE) is None
    lab = chart.lab(Analyte.FREE_TESTOSTERONE)
    assert lab is not None
    assert lab.upper_limit == 30


def test_usual_spellings_of_units_are_read_as_ucum() -> None:
    content = full_chart()
    content["labs"] = [
        {"analyte": "tsh", "value": 2, "unit": "mIU/L"},
        {"analyte": "dheas", "value": 250, "unit": "µg/dL"},
        {"analyte": "amh", "value": 4, "unit": "ng/ml"},
    ]
    assert [lab.unit for lab in read(content).labs] == ["m[IU]/L", "ug/dL", "ng/mL"]


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    content = full_chart()
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(weight=70), ["unknown key weight", "patient, cycles"]),
        (
            lambda c: c["patient"].update(age_yaers=27),
            ["unknown key patient.age_yaers", "did you mean age_years?"],
        ),
        (
            lambda c: c["ultrasound"]["left"].update(fnpo_count=3),
            ["ultrasound.left.fnpo_count", "fnpo, fnps, volume_ml"],
        ),
        (
            lambda c: c["labs"].append({"analyte": "testosteron", "value": 1, "unit": "nmol/L"}),
            ["labs[1].analyte", "'testosteron'", "17_ohp", "did you mean"],
        ),
        (lambda c: c["labs"][0].update(unit="ng/d"), ["total_testosterone", "'ng/d'", "nmol/L"]),
        (lambda c: c["labs"][0].pop("unit"), ["labs[0].unit is missing"]),
        (lambda c: c["labs"][0].update(unit="nmol/L"), ["implausible", "62 ng/dL"]),
        (
            lambda c: c["patient"].update(population="chinese"),
            ["patient.population", "'chinese'", "han_chinese"],
        ),
        (
            lambda c: c["patient"].update(hormonal_contraception="pill"),
            ["hormonal_contraception", "stopped_under_3_months"],
        ),
        (lambda c: c["ultrasound"].update(route="abdominal"), ["transabdominal"]),
        (lambda c: c["patient"].update(age_years=-3), ["patient.age_years", "-3 years"]),
        (lambda c: c["patient"].update(age_years="27"), ["patient.age_years", "a number"]),
        (lambda c: c["patient"].update(pregnant="no"), ["patient.pregnant", "true or false"]),
        (lambda c: c["patient"].update(pregnant=0), ["patient.pregnant", "true or false"]),
        (lambda c: c["cycles"].update(per_year=True), ["cycles.per_year", "a number"]),
        (lambda c: c["ultrasound"]["left"].update(fnpo=22.5), ["fnpo"]),
        (lambda c: c["ultrasound"]["left"].update(fnpo=-1), ["ultrasound.left.fnpo", "-1"]),
        (lambda c: c["ultrasound"]["right"].update(volume_ml=900), ["ultrasound.right", "900"]),
        (lambda c: c.update(labs={}), ["labs", "a list"]),
        (lambda c: c.update(patient=[]), ["patient", "an object"]),
        (lambda c: c["labs"].append(c["labs"][0]), ["total_testosterone is given twice"]),
        (lambda c: c.update(schema="deeppcos.chart/2"), ["schema", "deeppcos.chart/1"]),
        (lambda c: c["patient"].update(age_at_menarche_years=30), ["age_at_menarche_years"]),
        (lambda c: c["body"].update(systolic_mmhg=70), ["exchanged"]),
    ],
)
def test_one_problem_is_one_line_that_names_field_value_and_remedy(
    change: Callable[[dict[str, Any]], object], words: list[str]
) -> None:
    (line,) = problems_of(changed(change))
    for word in words:
        assert word in line
    assert line.startswith("chart: ")


def test_several_problems_are_reported_together() -> None:
    def spoil(content: dict[str, Any]) -> None:
        content["patient"]["age_years"] = -3
        content["body"]["height_cm"] = 1.65
        content["labs"][0]["unit"] = "nmol/L"
        content["ultrasound"]["left"]["volume_ml"] = 9100

    lines = problems_of(changed(spoil))
    assert len(lines) == 4
    unknown = problems_of({"schema": "deeppcos.chart/1", "a": 1, "patient": {"b": 2}})
    assert len(unknown) == 2


def test_a_whole_number_written_with_a_decimal_point_is_whole() -> None:
    content = changed(lambda c: c["ultrasound"]["left"].update(fnpo=22.0))
    assert read(content) == read(full_chart())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"schema": "deeppcos.chart/1", "patient": {"age_years": NaN}}', "NaN"),
        ('{"schema": "deeppcos.chart/1", "patient": {"age_years": -Infinity}}', "Infinity"),
        ('{"schema": "deeppcos.chart/1", "patient": {"age_years": 1e999}}', "finite"),
        ('{"schema": "deeppcos.chart/1", "schema": "deeppcos.chart/1"}', "given twice"),
        ('{"patient": {"age_years": 27, "age_years": 28}}', "'age_years' is given twice"),
        ('{"schema": "deeppcos.chart/1",}', "not JSON"),
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[]", "the document"),
        ("17", "the document"),
        ("null", "the document"),
        ('{"schema": "deeppcos.chart/1", "a\\nb": 1}', "unknown key 'a\\nb'"),
        ('{"schema": "deeppcos.chart/1", "\\ud800": 1}', "ud800"),
        (
            '{"schema": "deeppcos.chart/1", "ultrasound": {"left": {"fnpo": 1' + "0" * 400 + "}}}",
            "beyond all limits",
        ),
        ("[" * 100_000, "not JSON"),
        ('{"patient": {"age_years": ' + "9" * 5000 + "}}", "not JSON"),
    ],
)
def test_what_is_no_chart_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        chart_from_text(text)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_chart_is_read_from_a_file_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    plain, marked = tmp_path / "a.json", tmp_path / "b.json"
    plain.write_text(json.dumps(full_chart()), encoding="utf-8")
    marked.write_text(json.dumps(full_chart()), encoding="utf-8-sig")
    assert read_chart(plain) == read_chart(str(marked)) == read(full_chart())
    assert read_chart(json.dumps(full_chart())) == read(full_chart())


def test_problems_are_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "anna.json"
    path.write_text('{"schema": "deeppcos.chart/1", "labs": 3}', encoding="utf-8")
    with pytest.raises(ChartProblems, match=r"anna\.json: labs"):
        read_chart(path)


def test_unreadable_files_are_refused_with_the_remedy(tmp_path: Path) -> None:
    binary, huge = tmp_path / "scan.json", tmp_path / "huge.json"
    binary.write_bytes(b"\xff\xfe\x00\x9c")
    huge.write_bytes(b" " * (LARGEST_BYTES + 1))
    for path, words in (
        (binary, "not UTF-8"),
        (huge, "too large"),
        (tmp_path / "none.json", "cannot be read"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(InvalidInput, match=words) as refusal:
            read_chart(path)
        assert "\n" not in str(refusal.value)


def test_the_published_schema_is_the_one_the_code_writes() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()


def test_the_published_schema_accepts_the_example_and_refuses_unknown_keys() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid(full_chart())
    assert validator.is_valid({"schema": "deeppcos.chart/1"})
    assert not validator.is_valid(changed(lambda c: c.update(weight=70)))
    assert not validator.is_valid(changed(lambda c: c["patient"].update(population="martian")))
