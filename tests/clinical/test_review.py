from datetime import UTC, datetime

import pytest

from deeppcos.clinical.criteria import Status
from deeppcos.clinical.review import Correction, Review, Verdict
from deeppcos.errors import InvalidInput

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIX = Correction(field="ultrasound.left.fnpo", was="22", now="18", comment="two were vessels")


def review(verdict: Verdict, *corrections: Correction, reviewer: str = "Dr A") -> Review:
    return Review(
        reviewer=reviewer,
        role="gynaecologist",
        signed=NOW,
        verdict=verdict,
        status=Status.CRITERIA_MET,
        corrections=corrections,
    )


def test_a_clinician_agrees_or_corrects() -> None:
    assert review(Verdict.AGREE).corrections == ()
    assert review(Verdict.CORRECT, FIX).corrections[0].now == "18"


def test_agreeing_with_corrections_or_correcting_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="contradict"):
        review(Verdict.AGREE, FIX)
    with pytest.raises(InvalidInput, match="contradict"):
        review(Verdict.CORRECT)


def test_a_review_is_signed_with_a_name_and_a_time_zone() -> None:
    with pytest.raises(InvalidInput, match="name"):
        review(Verdict.AGREE, reviewer=" ")
    with pytest.raises(InvalidInput, match="time zone"):
        Review(
            reviewer="Dr A",
            role="",
            signed=datetime(2026, 11, 23),
            verdict=Verdict.AGREE,
            status=Status.CRITERIA_MET,
        )
