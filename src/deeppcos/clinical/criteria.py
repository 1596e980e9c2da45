"""From findings to a conclusion and a phenotype, under one versioned profile of criteria.

Owns the statuses a conclusion can have. How each finding was reached is the business of the
module named after it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What may be concluded. None of them is a diagnosis."""

    CRITERIA_MET = "criteria_met"
    CRITERIA_NOT_MET = "criteria_not_met"
    INCREASED_RISK_ADOLESCENT = "increased_risk_adolescent"
    INDETERMINATE = "indeterminate"
    EXCLUSION_INCOMPLETE = "exclusion_incomplete"
    OTHER_CAUSE_SUSPECTED = "other_cause_suspected"

    @property
    def is_settled(self) -> bool:
        """Whether the conclusion is an answer rather than a question."""
        return self not in (Status.INDETERMINATE, Status.EXCLUSION_INCOMPLETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What the criteria say of one chart.

    Attributes:
        status: The conclusion.
        profile: Key of the criteria profile used.
        phenotype: ``A`` to ``D``, or a set such as ``A or B``; None where none applies.
        reasons: Sentences a clinician can check.
        missing: What stands between the chart and an answer.
        red_flags: Findings that override everything else.
    """

    status: Status
    profile: str
    phenotype: str | None
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    red_flags: tuple[str, ...]
