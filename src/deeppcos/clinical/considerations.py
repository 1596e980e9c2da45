"""What the guideline suggests considering, for this conclusion and these findings.

Owns the wording of each suggestion, its source and how far it was checked. Suggests, never
orders; whether it fits the patient is for the clinician.
"""

from dataclasses import dataclass

from deeppcos.clinical.sourcing import Verification, shown_recommendation


@dataclass(frozen=True, slots=True, kw_only=True)
class Consideration:
    """One suggestion.

    Attributes:
        key: Stable name.
        text: The suggestion; begins "The guideline suggests considering".
        because: What in this chart brought it up.
        source: Short source.
        verification: How it was checked.
        recommendation: Recommendation number claimed, or None.
        verified_by: Clinician who ticked it against the primary text, or None.
        verified_on: Date of that, ISO 8601, or None.
    """

    key: str
    text: str
    because: str
    source: str
    verification: Verification
    recommendation: str | None = None
    verified_by: str | None = None
    verified_on: str | None = None

    @property
    def shown_recommendation(self) -> str | None:
        """The recommendation number, only where a named clinician has ticked it on a date."""
        return shown_recommendation(self.recommendation, self.verified_by, self.verified_on)
