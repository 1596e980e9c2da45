import math

import pytest

from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.clinical.units import LabValue, convert, known_assay, parse_unit
from deeppcos.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "ucum"),
    [
        ("mIU/L", "m[IU]/L"),
        ("m[IU]/L", "m[IU]/L"),
        ("mU/L", "m[IU]/L"),
        ("IU/L", "[IU]/L"),
        ("U/L", "[IU]/L"),
        ("µIU/mL", "u[IU]/mL"),
        ("uU/ml", "u[IU]/mL"),
        ("\u00b5g/dL", "ug/dL"),
        ("\u03bcg/dL", "ug/dL"),
        ("mcg/dL", "ug/dL"),
        ("ng/ml", "ng/mL"),
        ("ng / dl", "ng/dL"),
        ("nmol/l", "nmol/L"),
        ("µmol/L", "umol/L"),
        ("g/L", "g/L"),
        ("%", "%"),
        ("mmol/mol", "mmol/mol"),
    ],
)
def test_units_are_read_as_laboratories_spell_them(written: str, ucum: str) -> None:
    assert parse_unit(written).ucum == ucum


@pytest.mark.parametrize("written", ["", "ng", "Mmol/L", "ng/kg", "mg%", "mm[Hg]", "furlong/L"])
def test_what_is_no_concentration_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput, match="unknown unit"):
        parse_unit(written)


KNOWN_FACTORS = [
    # Published factors of the clinical reference, 5.1: computed here from molar mass.
    (Analyte.AMH, "ng/mL", "pmol/L", 7.143),
    (Analyte.TOTAL_TESTOSTERONE, "ng/dL", "nmol/L", 1 / 28.84),
    (Analyte.FREE_TESTOSTERONE, "pg/mL", "pmol/L", 3.467),
    (Analyte.DHEAS, "ug/dL", "umol/L", 1 / 36.85),
    (Analyte.ANDROSTENEDIONE, "ng/mL", "nmol/L", 3.491),
    (Analyte.OHP_17, "ng/dL", "nmol/L", 1 / 33.05),
    (Analyte.PROGESTERONE, "ng/mL", "nmol/L", 3.180),
    (Analyte.LH, "m[IU]/mL", "[IU]/L", 1),
    (Analyte.FSH, "m[IU]/mL", "[IU]/L", 1),
    (Analyte.TSH, "u[IU]/mL", "m[IU]/L", 1),
    (Analyte.PROLACTIN, "ng/mL", "m[IU]/L", 21.2),
    (Analyte.FASTING_GLUCOSE, "mg/dL", "mmol/L", 1 / 18.02),
    (Analyte.FASTING_INSULIN, "u[IU]/mL", "pmol/L", 6.0),
    (Analyte.TOTAL_CHOLESTEROL, "mg/dL", "mmol/L", 1 / 38.67),
    (Analyte.HDL, "mg/dL", "mmol/L", 1 / 38.67),
    (Analyte.LDL, "mg/dL", "mmol/L", 1 / 38.67),
    (Analyte.TRIGLYCERIDES, "mg/dL", "mmol/L", 1 / 88.5),
    (Analyte.ALBUMIN, "g/dL", "g/L", 10),
]


@pytest.mark.parametrize(("analyte", "mass", "molar", "factor"), KNOWN_FACTORS)
def test_conversions_match_published_factors_both_ways(
    analyte: Analyte, mass: str, molar: str, factor: float
) -> None:
    assert convert(analyte, 1, source=mass, target=molar) == pytest.approx(factor, rel=1e-3)
    assert convert(analyte, 1, source=molar, target=mass) == pytest.approx(1 / factor, rel=1e-3)


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "expected", "other"),
    [
        (Analyte.AMH, 3.2, "ng/mL", 22.9, "pmol/L"),
        (Analyte.OHP_17, 200, "ng/dL", 6.05, "nmol/L"),  # a copied table prints 605
        (Analyte.TOTAL_TESTOSTERONE, 150, "ng/dL", 5.2, "nmol/L"),
        (Analyte.DHEAS, 700, "ug/dL", 19.0, "umol/L"),
        (Analyte.TRIGLYCERIDES, 150, "mg/dL", 1.7, "mmol/L"),
        (Analyte.HDL, 50, "mg/dL", 1.3, "mmol/L"),
        (Analyte.FASTING_GLUCOSE, 100, "mg/dL", 5.55, "mmol/L"),
        (Analyte.HBA1C, 6.5, "%", 47.5, "mmol/mol"),
        (Analyte.HBA1C, 5.7, "%", 38.8, "mmol/mol"),
    ],
)
def test_clinical_thresholds_convert_to_their_published_twins(
    analyte: Analyte, value: float, unit: str, expected: float, other: str
) -> None:
    there = convert(analyte, value, source=unit, target=other)
    assert there == pytest.approx(expected, rel=0.012)
    assert convert(analyte, there, source=other, target=unit) == pytest.approx(value)


@pytest.mark.parametrize("analyte", Analyte)
def test_every_usual_unit_converts_to_every_other_and_back(analyte: Analyte) -> None:
    units = ANALYTES[analyte].units
    for source in units:
        for target in units:
            there = convert(analyte, 7.0, source=source, target=target)
            assert convert(analyte, there, source=target, target=source) == pytest.approx(7.0)


def test_mass_units_of_shbg_are_refused_with_the_reason() -> None:
    with pytest.raises(InvalidInput, match="disagree") as refusal:
        LabValue(analyte=Analyte.SHBG, value=4, unit="ug/dL")
    assert refusal.value.accepted == "nmol/L"


@pytest.mark.parametrize(
    ("analyte", "unit"),
    [
        (Analyte.TSH, "nmol/L"),
        (Analyte.TOTAL_TESTOSTERONE, "IU/L"),
        (Analyte.HBA1C, "mg/dL"),
        (Analyte.ALBUMIN, "umol/L"),
        (Analyte.FASTING_INSULIN, "ng/mL"),
        (Analyte.AMH, "bananas"),
    ],
)
def test_a_wrong_unit_is_refused_by_name_with_the_accepted_ones(
    analyte: Analyte, unit: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        LabValue(analyte=analyte, value=1, unit=unit)
    message = str(refusal.value)
    assert analyte.value in message
    assert unit in message
    assert ANALYTES[analyte].units[0] in message


def test_62_nmol_per_litre_of_testosterone_is_asked_back() -> None:
    with pytest.raises(InvalidInput, match="implausible") as refusal:
        LabValue(analyte=Analyte.TOTAL_TESTOSTERONE, value=62, unit="nmol/L")
    assert "62 ng/dL" in str(refusal.value)


def test_glucose_in_the_wrong_unit_is_asked_back() -> None:
    with pytest.raises(InvalidInput, match="did you mean 95 mg/dL"):
        LabValue(analyte=Analyte.FASTING_GLUCOSE, value=95, unit="mmol/L")


@pytest.mark.parametrize("analyte", Analyte)
def test_plausible_limits_hold_at_the_edge_and_refuse_beyond(analyte: Analyte) -> None:
    facts = ANALYTES[analyte]
    unit = facts.units[0]
    for edge, beyond in ((facts.high, facts.high * 1.01), (facts.low, facts.low - 0.01)):
        assert LabValue(analyte=analyte, value=edge, unit=unit).value == edge
        with pytest.raises(InvalidInput, match="implausible"):
            LabValue(analyte=analyte, value=beyond, unit=unit)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0])
def test_numbers_that_measure_nothing_are_refused(value: float) -> None:
    with pytest.raises(InvalidInput):
        LabValue(analyte=Analyte.AMH, value=value, unit="ng/mL")


def test_an_implausible_or_empty_upper_limit_is_refused_too() -> None:
    with pytest.raises(InvalidInput, match="upper_limit"):
        LabValue(analyte=Analyte.TSH, value=2, unit="mIU/L", upper_limit=5000)
    with pytest.raises(InvalidInput, match="upper_limit"):
        LabValue(analyte=Analyte.TSH, value=2, unit="mIU/L", upper_limit=0)


def test_a_result_and_its_limit_can_be_had_in_another_unit() -> None:
    lab = LabValue(analyte=Analyte.TOTAL_TESTOSTERONE, value=62, unit="ng/dL", upper_limit=48)
    assert lab.value_in("nmol/L") == pytest.approx(2.15, abs=0.005)
    assert lab.upper_limit_in("nmol/L") == pytest.approx(1.664, abs=0.005)
    assert lab.times_upper_limit == pytest.approx(62 / 48)


def test_an_unknown_result_stays_unknown_in_every_unit() -> None:
    lab = LabValue(analyte=Analyte.TSH, value=None, unit="mIU/L", upper_limit=4)
    assert lab.value_in("u[IU]/mL") is None
    assert lab.times_upper_limit is None
    assert str(lab) == "TSH not measured"


def test_known_assays_are_recognised_however_spelt_and_empty_is_unknown() -> None:
    assert known_assay("LC-MS/MS") == "lc_ms_ms"
    assert known_assay("Immunoassay") == "immunoassay"
    assert known_assay("  ") is None
    assert known_assay("Brand X") == "Brand X"
