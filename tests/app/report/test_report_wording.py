"""The fixed words: plain, never a verdict, and always about follicles."""

import re
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, get_args

import pytest

from deeppcos.app.report import wording
from deeppcos.records.assessment_document import (
    AppliedRule,
    AssessmentDocument,
    Conclusion,
    Consideration,
    FrameRecord,
    Signature,
    State,
    Status,
    Verification,
)


@pytest.mark.parametrize("status", get_args(Status))
def test_every_status_has_a_sentence_that_names_profile_and_condition(status: Any) -> None:
    conclusion = Conclusion(status=status, profile="guideline_2023")
    sentence = wording.conclusion_sentence(conclusion, condition="PMOS")
    assert "2023 international guideline" in sentence
    assert "PMOS" in sentence
    assert sentence.endswith(".")
    assert status in wording.STATUS_WORDS


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_a_word(state: str) -> None:
    assert wording.state_word(state, criterion="hyperandrogenism")


def test_excluded_other_causes_read_as_excluded() -> None:
    assert wording.state_word("absent", criterion="exclusions") == "Excluded"
    assert wording.state_word("absent", criterion="hyperandrogenism") == "Absent"


@pytest.mark.parametrize("code", get_args(Verification))
def test_every_verification_code_has_words(code: str) -> None:
    assert wording.VERIFICATION_WORDS[code]


def test_no_fixed_word_gives_a_verdict_or_calls_a_follicle_otherwise() -> None:
    package = files("deeppcos.app.report")
    names = [item for item in package.iterdir() if item.name.endswith(".py")]
    names += list(package.joinpath("templates").iterdir())
    assert len(names) > 10
    for name in names:
        words = name.read_text(encoding="utf-8").lower()
        assert not re.search(r"diagnos(ed|is)|\bcysts?\b", words), name.name


def test_a_profile_without_a_name_is_shown_by_its_code() -> None:
    assert wording.profile_name("clinic_2030") == "profile clinic 2030"


def test_the_phenotype_is_named_where_there_is_one() -> None:
    conclusion = Conclusion(status="criteria_met", profile="nih_1990", phenotype="A or B")
    sentence = wording.conclusion_sentence(conclusion, condition="PCOS")
    assert sentence.endswith("under the NIH 1990 criteria, phenotype A or B.")


def test_a_recommendation_number_waits_for_a_named_clinician_and_a_date() -> None:
    told = Consideration(text="t", source="guideline", verification="V2", recommendation="1.9.1")
    assert wording.standing(told) == (
        "guideline · read in a secondary source only; not yet verified by a clinician"
    )
    ticked = told.model_copy(update={"verified_by": "Dr Roe", "verified_on": "2026-11-01"})
    assert wording.standing(ticked) == (
        "guideline · recommendation 1.9.1, verified by Dr Roe on 2026-11-01"
    )


def test_a_threshold_reads_with_direction_and_unit() -> None:
    rule = AppliedRule(
        key="fnpo", value=20, unit="1", relation=">=", text="FNPO", source="g", verification="V2"
    )
    assert wording.rule_words(rule) == "FNPO: ≥ 20"
    volume = rule.model_copy(update={"value": 10.0, "unit": "mL", "text": "volume"})
    assert wording.rule_words(volume) == "volume: ≥ 10 mL"


def test_a_frame_without_scale_says_why(full_document: AssessmentDocument) -> None:
    unscaled = full_document.frames[-1]
    notes = wording.frame_notes(unscaled, has_picture=False)
    assert notes[0] == "The picture itself was not given to this report"
    assert notes[1] == "No scale, so no millimetres: the file states no pixel size"


def test_a_silent_frame_says_why(full_document: AssessmentDocument) -> None:
    silent: FrameRecord = full_document.frames[1]
    assert "Not assessable: no ovary in view" in wording.frame_notes(silent, has_picture=True)


def test_moments_are_told_in_utc() -> None:
    assert wording.moment_words(datetime.fromisoformat("2026-11-23T08:05:00+02:00")) == (
        "23 November 2026, 06:05 UTC"
    )


def test_a_signature_names_who_as_what_and_when() -> None:
    signed = Signature(name="Dr Roe", role="consultant", signed=datetime(2026, 1, 2, tzinfo=UTC))
    assert wording.signed_words(signed) == (
        "Signed by Dr Roe, consultant, 2 January 2026, 00:00 UTC."
    )
