from itertools import product

import pytest

from deeppcos.clinical.criteria import Findings, Status, conclude, phenotype
from deeppcos.clinical.finding import Finding, State, absent, not_assessable, present, unknown
from deeppcos.clinical.patient import Patient
from deeppcos.clinical.profiles import DEFAULT_PROFILE, PROFILES, profile_named
from deeppcos.errors import InvalidInput

ADULT = Patient(age_years=27, age_at_menarche_years=12)
GIRL = Patient(age_years=16, age_at_menarche_years=12)
YES, NO, OPEN = present("yes"), absent("no"), unknown("open", missing=["x"])
SHAKY = present("perhaps", provisional_on=["y"])


def findings(od: Finding, ha: Finding, pcom: Finding, other: Finding = NO) -> Findings:
    return Findings(
        ovulatory_dysfunction=od,
        hyperandrogenism=ha,
        polycystic_morphology=pcom,
        exclusions=other,
    )


def status(found: Findings, profile: str = DEFAULT_PROFILE, patient: Patient = ADULT) -> Status:
    return conclude(patient, found, PROFILES[profile]).status


@pytest.mark.parametrize(("od", "ha", "pcom"), list(product([YES, NO], repeat=3)))
def test_the_definitions_agree_with_their_published_wording(
    od: Finding, ha: Finding, pcom: Finding
) -> None:
    """Rotterdam and 2023: any two. NIH: HA + OD. AE-PCOS: HA + (OD or PCO). [C1]"""
    o, h, p = (f.state is State.PRESENT for f in (od, ha, pcom))
    expected = {
        "guideline_2023": o + h + p >= 2,
        "rotterdam_2003": o + h + p >= 2,
        "nih_1990": h and o,
        "aepcos_2006": h and (o or p),
        "aepcos_2006_fnpo25": h and (o or p),
    }
    assert set(expected) == set(PROFILES)
    for profile, is_met in expected.items():
        wanted = Status.CRITERIA_MET if is_met else Status.CRITERIA_NOT_MET
        assert status(findings(od, ha, pcom), profile) is wanted


@pytest.mark.parametrize(
    ("od", "ha", "pcom", "expected"),
    [
        (YES, YES, YES, "A"),
        (YES, YES, NO, "B"),
        (NO, YES, YES, "C"),
        (YES, NO, YES, "D"),
        (YES, YES, OPEN, "A or B"),
        (OPEN, YES, YES, "A or C"),
        (YES, OPEN, YES, "A or D"),
        (YES, YES, SHAKY, "A or B"),
        (YES, NO, NO, None),
        (YES, OPEN, OPEN, None),
    ],
)
def test_the_phenotype_is_a_letter_or_every_letter_still_possible(
    od: Finding, ha: Finding, pcom: Finding, expected: str | None
) -> None:
    assert phenotype(findings(od, ha, pcom)) == expected


def test_two_criteria_without_exclusions_are_exclusion_incomplete() -> None:
    found = findings(YES, YES, OPEN, unknown(missing=["tsh"]))
    conclusion = conclude(ADULT, found, PROFILES[DEFAULT_PROFILE])
    assert conclusion.status is Status.EXCLUSION_INCOMPLETE
    assert conclusion.missing == ("tsh",)
    assert conclusion.phenotype == "A or B"


def test_a_provisional_criterion_never_suffices_for_met() -> None:
    conclusion = conclude(ADULT, findings(YES, SHAKY, NO), PROFILES[DEFAULT_PROFILE])
    assert conclusion.status is Status.EXCLUSION_INCOMPLETE
    assert conclusion.missing == ("y",)
    assert status(findings(YES, SHAKY, YES)) is Status.CRITERIA_MET


def test_a_positive_exclusion_overrides_even_an_open_result() -> None:
    for triple in ((YES, YES, YES), (NO, NO, NO), (OPEN, OPEN, OPEN)):
        conclusion = conclude(ADULT, findings(*triple, YES), PROFILES[DEFAULT_PROFILE])
        assert conclusion.status is Status.OTHER_CAUSE_SUSPECTED
        assert conclusion.phenotype is None


def test_one_present_and_two_open_is_indeterminate_and_says_what_is_missing() -> None:
    conclusion = conclude(ADULT, findings(YES, OPEN, OPEN), PROFILES[DEFAULT_PROFILE])
    assert conclusion.status is Status.INDETERMINATE
    assert conclusion.missing == ("x",)


def test_a_settled_conclusion_misses_nothing() -> None:
    conclusion = conclude(ADULT, findings(NO, NO, OPEN), PROFILES[DEFAULT_PROFILE])
    assert conclusion.status is Status.CRITERIA_NOT_MET
    assert conclusion.missing == ()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("od", "ha", "expected"),
    [
        (YES, YES, Status.CRITERIA_MET),
        (YES, NO, Status.INCREASED_RISK_ADOLESCENT),
        (NO, YES, Status.INCREASED_RISK_ADOLESCENT),
        (not_assessable(), YES, Status.INCREASED_RISK_ADOLESCENT),
        (NO, NO, Status.CRITERIA_NOT_MET),
        (YES, OPEN, Status.INDETERMINATE),
        (OPEN, NO, Status.INDETERMINATE),
        (not_assessable(), NO, Status.INDETERMINATE),
        (not_assessable(), not_assessable(), Status.INDETERMINATE),
    ],
)
def test_adolescents_need_both_irregular_cycles_and_hyperandrogenism(
    profile: str, od: Finding, ha: Finding, expected: Status
) -> None:
    assert status(findings(od, ha, not_assessable()), profile, GIRL) is expected


def test_with_the_age_group_unknown_nothing_is_concluded_as_not_met() -> None:
    found = findings(OPEN, NO, NO)
    assert status(found, "nih_1990", Patient()) is Status.INDETERMINATE


def test_after_the_menopause_the_criteria_are_not_concluded() -> None:
    patient = Patient(age_years=55, age_at_menarche_years=12, postmenopausal=True)
    assert status(findings(NO, NO, NO), patient=patient) is Status.INDETERMINATE


def test_an_unknown_profile_is_refused_with_the_closest_name() -> None:
    with pytest.raises(InvalidInput, match="did you mean rotterdam_2003") as refusal:
        profile_named("roterdam_2003")
    assert "guideline_2023" in refusal.value.accepted


def test_no_reason_ever_says_diagnosed() -> None:
    for triple in product([YES, NO, OPEN], repeat=3):
        conclusion = conclude(ADULT, findings(*triple), PROFILES[DEFAULT_PROFILE])
        assert "diagnos" not in " ".join(conclusion.reasons).lower()
