"""Where a rule comes from, and how far anybody has checked it.

Owns the record every threshold of this room is written as, so that a number never travels
without its source. Deciding what a number means is the business of the module that states it.
"""

from dataclasses import dataclass
from enum import StrEnum

RULE_VERSION = "1.0.0"
"""Version of the clinical rules as a whole: raise it with every change of clinical behaviour."""


class Verification(StrEnum):
    """How the statement was checked before it was written down."""

    PRIMARY = "V"  # read in a primary text, abstract, standard file or data
    SECONDARY = "V2"  # read only in a secondary source
    UNVERIFIED = "M"  # general knowledge, not checked against a text
    PROJECT = "project"  # a decision of this project, not a published rule


class Relation(StrEnum):
    """How a reading is compared with the threshold."""

    AT_LEAST = ">="
    MORE_THAN = ">"
    LESS_THAN = "<"


_SYMBOLS = {Relation.AT_LEAST: "≥", Relation.MORE_THAN: ">", Relation.LESS_THAN: "<"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One threshold with its unit, its wording and its source.

    Attributes:
        key: Stable name, used in documents and tests.
        value: The threshold.
        unit: Unit of the threshold, UCUM where it has one.
        relation: How a reading must stand to the threshold for the rule to apply.
        text: The rule in words, paraphrased.
        source: Short source, as printed beside the result.
        verification: How the rule was checked.
        recommendation: Recommendation number in the guideline, where one is claimed.
        verified_by: Clinician who ticked the rule against the primary text, or None.
        verified_on: Date of that, ISO 8601, or None.
    """

    key: str
    value: float
    unit: str
    relation: Relation
    text: str
    source: str
    verification: Verification
    recommendation: str | None = None
    verified_by: str | None = None
    verified_on: str | None = None

    def applies_to(self, reading: float) -> bool:
        """Whether the reading stands to the threshold as the rule says.

        Examples:
            >>> rule = Rule(key="k", value=20, unit="1", relation=Relation.AT_LEAST, text="",
            ...             source="", verification=Verification.PROJECT)
            >>> rule.applies_to(20), rule.applies_to(19)
            (True, False)
        """
        if self.relation is Relation.AT_LEAST:
            return reading >= self.value
        if self.relation is Relation.MORE_THAN:
            return reading > self.value
        return reading < self.value

    @property
    def shown_recommendation(self) -> str | None:
        """The recommendation number, only where a named clinician has ticked it on a date."""
        return shown_recommendation(self.recommendation, self.verified_by, self.verified_on)

    def __str__(self) -> str:
        unit = "" if self.unit == "1" else f" {self.unit}"
        return (
            f"{_SYMBOLS[self.relation]} {self.value:g}{unit} ({self.source}; {self.verification})"
        )


def shown_recommendation(
    recommendation: str | None, verified_by: str | None, verified_on: str | None
) -> str | None:
    """A recommendation number may be printed only with both a verifier and a date."""
    return recommendation if verified_by and verified_on else None
