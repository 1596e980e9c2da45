import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.assessment import NOTHING_SETTLES, assess
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.criteria import Status
from deeppcos.clinical.document import to_document
from deeppcos.clinical.profiles import PROFILES
from deeppcos.clinical.wording import PATIENT_MORPHOLOGY, condition_name, patient_sentence
from deeppcos.errors import InvalidInput

Chart = Callable[[Mapping[str, Any]], PatientChart]
Parts = dict[str, dict[str, Any]]


@pytest.fixture
def met(parts: Parts) -> dict[str, Any]:
    names = ("adult", "excluded", "irregular", "hirsute", "many_follicles")
    return {key: value for name in names for key, value in parts[name].items()}


def test_the_document_has_the_public_shape_and_is_plain_json(
    make_chart: Chart, met: dict[str, Any]
) -> None:
    document = to_document(assess(make_chart(met)))
    assert set(document) == {
        "condition",
        "conclusion",
        "findings",
        "severity",
        "considerations",
        "would_settle",
        "insulin_resistance",
    }
    assert set(document["conclusion"]) == {
        "status",
        "profile",
        "phenotype",
        "reasons",
        "missing",
        "red_flags",
    }
    assert set(document["severity"]) == {
        "reproductive",
        "morphology",
        "androgen",
        "metabolic",
        "notice",
        "overridden_because",
    }
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_every_suggestion_is_the_guidelines_with_source_and_verification(
    make_chart: Chart, met: dict[str, Any]
) -> None:
    suggestions = assess(make_chart(met)).considerations
    assert {"glycaemia", "lipids", "mental_health", "letrozole"} <= {s.key for s in suggestions}
    for suggestion in suggestions:
        assert suggestion.text.startswith("The guideline suggests considering ")
        assert suggestion.source
        assert suggestion.verification in ("V", "V2", "M", "project")
        assert suggestion.shown_recommendation is None


def test_a_red_flag_leaves_only_its_own_suggestion_and_overrides_severity(
    make_chart: Chart, met: dict[str, Any]
) -> None:
    assessment = assess(make_chart({**met, "signs.virilisation": True}))
    assert [s.key for s in assessment.considerations] == ["red_flag"]
    severity = to_document(assessment)["severity"]
    assert severity["overridden_because"] == assessment.severity.overridden_because
    assert "another cause is suspected" in severity["overridden_because"]
    assert not any("another cause" in d for d in severity["androgen"]["drivers"])


def test_what_nothing_overrides_is_null(make_chart: Chart, met: dict[str, Any]) -> None:
    assert to_document(assess(make_chart(met)))["severity"]["overridden_because"] is None


def test_the_document_names_the_rules_of_each_finding_by_key(
    make_chart: Chart, met: dict[str, Any]
) -> None:
    assessment = assess(make_chart(met))
    keys = {rule.key for rule in assessment.rules}
    for finding in to_document(assessment)["findings"].values():
        assert set(finding["rules"]) <= keys
    assert (
        "cycle_interval_long"
        in to_document(assessment)["findings"]["ovulatory_dysfunction"]["rules"]
    )


def test_what_could_withdraw_a_finding_stands_in_its_own_key(
    make_chart: Chart, met: dict[str, Any]
) -> None:
    unsure = make_chart({**met, "patient.hormonal_contraception": None})
    finding = to_document(assess(unsure))["findings"]["hyperandrogenism"]
    assert finding["state"] == "present"
    assert finding["provisional_on"] == ["patient.hormonal_contraception"]
    assert finding["missing"] == []
    assert not any("Provisional on" in reason for reason in finding["reasons"])


def test_why_an_axis_has_no_grade_is_no_driver(make_chart: Chart) -> None:
    axis = to_document(assess(make_chart({"patient.age_years": 16})))["severity"]["metabolic"]
    assert axis["not_graded_because"] == (
        "under 18 years: adult limits of body size and pressure do not hold"
    )
    assert axis["drivers"] == []


def test_grades_within_the_measurement_error_stand_in_their_own_key(
    make_chart: Chart, met: dict[str, Any]
) -> None:
    ranged = to_document(assess(make_chart({**met, "left.fnpo": 28})))["severity"]
    axis = ranged["morphology"]
    assert len(axis["borderline"]) > 1
    assert axis["confidence"] == "borderline"
    assert not any("borderline" in words for words in axis["drivers"])


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"labs.tsh": (9, "mIU/L", 4)}, "other_cause"),
        ({"labs.tsh": (2, "mIU/L", None)}, "exclusions"),
        ({"patient.hormonal_contraception": "combined"}, "contraception_retest"),
        ({"patient.age_years": 16, "signs.mfg_score": 1}, None),
        ({"cycles.longest_interval_days": 120}, "endometrium"),
        ({"labs.hba1c": (7, "%")}, "metformin"),
    ],
)
def test_suggestions_follow_what_was_found(
    make_chart: Chart, met: dict[str, Any], change: dict[str, Any], key: str | None
) -> None:
    keys = [s.key for s in assess(make_chart({**met, **change})).considerations]
    assert key in keys if key else "glycaemia" not in keys


def test_an_adolescent_at_risk_is_to_be_reassessed(make_chart: Chart, parts: Parts) -> None:
    fields = {
        **parts["adult"],
        **parts["excluded"],
        **parts["regular"],
        **parts["hirsute"],
        "patient.age_years": 16,
    }
    assessment = assess(make_chart(fields))
    assert assessment.conclusion.status is Status.INCREASED_RISK_ADOLESCENT
    assert [s.key for s in assessment.considerations] == ["adolescent_reassessment"]


def test_an_open_result_that_nothing_settles_says_so(make_chart: Chart, parts: Parts) -> None:
    chart = make_chart({**parts["adult"], "patient.hormonal_contraception": "combined"})
    assessment = assess(chart)
    assert assessment.would_settle == ()
    assert NOTHING_SETTLES in assessment.conclusion.reasons


@pytest.mark.parametrize("profile", PROFILES)
def test_the_thresholds_of_the_profile_are_part_of_the_record(
    make_chart: Chart, met: dict[str, Any], profile: str
) -> None:
    assessment = assess(make_chart(met), profile=profile)
    thresholds = {rule.key: rule.value for rule in assessment.rules}
    rules = PROFILES[profile].morphology
    assert thresholds[rules.follicles_per_ovary.key] == rules.follicles_per_ovary.value
    assert assessment.conclusion.profile == profile


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(InvalidInput, match="unknown criteria profile"):
        assess(PatientChart(), profile="lancet_1935")


def test_the_name_of_the_condition_is_one_setting() -> None:
    names = {setting: condition_name(setting) for setting in ("pcos", "pmos", "both")}
    assert names == {"pcos": "PCOS", "pmos": "PMOS", "both": "PCOS (now PMOS)"}
    assert assess(PatientChart(), display_name="pmos").condition == "PMOS"


@pytest.mark.parametrize("status", Status)
def test_patients_read_of_follicles_and_never_of_cysts_or_a_diagnosis(status: Status) -> None:
    words = f"{patient_sentence(status)} {PATIENT_MORPHOLOGY}".lower()
    assert "follicles" in words
    assert "cyst" not in words.replace("polycystic", "")
    assert "diagnosed" not in words


def test_the_same_chart_is_always_assessed_the_same(make_chart: Chart, met: dict[str, Any]) -> None:
    assert assess(make_chart(met)) == assess(make_chart(met))
