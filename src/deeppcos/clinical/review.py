"""A clinician agrees with an assessment or corrects it.

Owns the record of that. Storing it and learning from it is the business of other rooms.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deeppcos.clinical.criteria import Status
from deeppcos.errors import InvalidInput


class Verdict(StrEnum):
    """What the clinician says of the assessment."""

    AGREE = "agree"
    CORRECT = "correct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One thing the clinician changed.

    Attributes:
        field: Place in the assessment or the chart, such as ``ultrasound.left.fnpo``.
        was: What stood there.
        now: What the clinician says.
        comment: Why, in the clinician's words.
    """

    field: str
    was: str
    now: str
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A clinician's reading of one assessment.

    Attributes:
        reviewer: Name of the clinician.
        role: Role of the clinician, such as ``gynaecologist``.
        signed: When, with a time zone.
        verdict: Agreement or correction.
        status: The status the clinician concludes.
        corrections: What was changed; empty on agreement, at least one on correction.
        comment: Free text.

    Raises:
        InvalidInput: If the verdict and the corrections contradict each other, the reviewer is
            not named, or the time has no zone.
    """

    reviewer: str
    role: str
    signed: datetime
    verdict: Verdict
    status: Status
    corrections: tuple[Correction, ...] = ()
    comment: str = ""

    def __post_init__(self) -> None:
        if not self.reviewer.strip():
            raise InvalidInput("a review needs the reviewer's name", remedy="sign with a name")
        if self.signed.tzinfo is None:
            raise InvalidInput(
                "the time of a review has no time zone",
                value=self.signed.isoformat(),
                accepted="a time with its zone, such as 2026-01-31T12:00:00+00:00",
            )
        if (self.verdict is Verdict.CORRECT) != bool(self.corrections):
            raise InvalidInput(
                "verdict and corrections contradict each other",
                value=f"{self.verdict} with {len(self.corrections)} corrections",
                accepted="agree with none, correct with at least one",
            )
