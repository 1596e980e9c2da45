import pytest

from deeppcos.clinical.patient import (
    AgeGroup,
    Body,
    Contraception,
    Cycles,
    Patient,
    Signs,
)
from deeppcos.errors import InvalidInput


@pytest.mark.parametrize(
    ("age", "menarche", "group"),
    [
        (20.0, 12.0, AgeGroup.ADULT),  # exactly 8 years
        (19.9, 12.0, AgeGroup.ADOLESCENT),  # just under
        (20.1, 12.0, AgeGroup.ADULT),
        (20.0, None, AgeGroup.ADULT),
        (19.9, None, AgeGroup.UNKNOWN),
        (None, 12.0, AgeGroup.UNKNOWN),
        (None, None, AgeGroup.UNKNOWN),
    ],
)
def test_adult_rules_apply_from_8_years_after_menarche(
    age: float | None, menarche: float | None, group: AgeGroup
) -> None:
    assert Patient(age_years=age, age_at_menarche_years=menarche).age_group is group


def test_an_unknown_age_at_menarche_is_not_a_missing_menarche() -> None:
    patient = Patient(age_years=17)
    assert patient.years_since_menarche is None
    assert patient.least_years_since_menarche == 0


def test_unknown_contraception_is_neither_use_nor_non_use() -> None:
    assert Patient().is_on_contraception is None
    assert Patient(hormonal_contraception=Contraception.NONE).is_on_contraception is False
    recent = Patient(hormonal_contraception=Contraception.STOPPED_UNDER_3_MONTHS)
    assert recent.is_on_contraception is True


@pytest.mark.parametrize(("age", "is_needed"), [(44.9, False), (45, True), (None, False)])
def test_the_menopausal_state_is_asked_for_from_45(age: float | None, is_needed: bool) -> None:
    assert Patient(age_years=age).needs_menopausal_state is is_needed


@pytest.mark.parametrize("age", [-1, 0, 4.9, 111, float("nan")])
def test_an_implausible_age_is_asked_back(age: float) -> None:
    with pytest.raises(InvalidInput, match=r"patient\.age_years"):
        Patient(age_years=age)


def test_menarche_after_the_present_age_is_asked_back() -> None:
    with pytest.raises(InvalidInput, match="greater than"):
        Patient(age_years=12, age_at_menarche_years=14)


def test_exchanged_blood_pressures_are_asked_back() -> None:
    with pytest.raises(InvalidInput, match="exchanged"):
        Body(systolic_mmhg=78, diastolic_mmhg=120)
    assert Body(systolic_mmhg=120).diastolic_mmhg is None


def test_a_blood_pressure_in_centimetres_is_asked_back() -> None:
    with pytest.raises(InvalidInput, match="systolic"):
        Body(systolic_mmhg=12)


def test_a_hair_score_must_be_a_whole_number_up_to_36() -> None:
    assert Signs(mfg_score=36).mfg_score == 36
    for score in (37, -1, 4.5):
        with pytest.raises(InvalidInput, match="mfg_score"):
            Signs(mfg_score=score)


def test_days_of_bleeding_have_a_limit_of_their_own() -> None:
    assert Cycles(bleeding_days=0).bleeding_days == 0
    with pytest.raises(InvalidInput, match="bleeding_days"):
        Cycles(bleeding_days=91)
