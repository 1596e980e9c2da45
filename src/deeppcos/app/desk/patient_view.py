"""What of an assessment is told to the patient: few facts, nothing unsigned, nothing guessed.

Owns the choice of facts. The words, in every language, are the business of
``web.patient.words``.
"""

from dataclasses import dataclass
from enum import StrEnum

from deeppcos.app.report.key_frames import key_frames_of
from deeppcos.errors import NotAssessable
from deeppcos.records.assessment_document import (
    AssessmentDocument,
    CriterionFinding,
    FrameReference,
    SideMeasurements,
)


class Seen(StrEnum):
    """How a feature stands, as far as a patient needs it."""

    YES = "yes"
    NO = "no"
    NOT_KNOWN = "not_known"


class Feature(StrEnum):
    """The three features that the criteria ask about."""

    CYCLES = "cycles"
    ANDROGENS = "androgens"
    OVARIES = "ovaries"


class CountKind(StrEnum):
    """What a number of follicles was counted in; the three are never the same."""

    SECTION = "section"
    SWEEP = "sweep"
    OVARY = "ovary"


@dataclass(frozen=True, slots=True, kw_only=True)
class OvaryFacts:
    """What is told of one ovary.

    Attributes:
        side: ``left``, ``right``, or ``unknown``.
        follicle_count: Follicles counted; None when nothing was counted.
        counted_in: What they were counted in; None without a count.
        volume_ml: Volume, mL; None when it was not measured.
    """

    side: str
    follicle_count: int | None
    counted_in: CountKind | None
    volume_ml: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientView:
    """Everything a patient page tells.

    Attributes:
        status: Conclusion status, such as ``criteria_met``.
        features: The three features and how they stand.
        ovaries: Facts of each ovary of which anything is known.
        is_something_missing: Whether tests are still to come.
        picture: Her own picture to show; None when none shows an ovary.
        has_pictures: Whether any picture was looked at.
    """

    status: str
    features: tuple[tuple[Feature, Seen], ...]
    ovaries: tuple[OvaryFacts, ...]
    is_something_missing: bool
    picture: FrameReference | None
    has_pictures: bool


def patient_view(document: AssessmentDocument) -> PatientView:
    """Choose what of a signed assessment is told to the patient.

    Args:
        document: The signed assessment.

    Returns:
        The facts.

    Raises:
        NotAssessable: If the document is a draft: nothing unsigned is told.
    """
    if document.signature is None:
        raise NotAssessable(
            "this assessment is a draft",
            accepted="an assessment that a named clinician has signed",
            remedy="sign it first",
        )
    found = document.findings
    return PatientView(
        status=document.conclusion.status,
        features=(
            (Feature.CYCLES, _seen(found.ovulatory_dysfunction)),
            (Feature.ANDROGENS, _seen(found.hyperandrogenism)),
            (Feature.OVARIES, _seen(found.polycystic_morphology)),
        ),
        ovaries=_ovaries(document),
        is_something_missing=bool(document.would_settle),
        picture=_picture(document),
        has_pictures=bool(document.frames),
    )


def _seen(finding: CriterionFinding) -> Seen:
    """A finding in two words; unknown and not assessable are both not known."""
    return {"present": Seen.YES, "absent": Seen.NO}.get(finding.state, Seen.NOT_KNOWN)


def _ovaries(document: AssessmentDocument) -> tuple[OvaryFacts, ...]:
    """Facts of each ovary of which a count or a volume is known."""
    measured = document.measurements
    sides = (
        ("left", measured.left),
        ("right", measured.right),
        ("unknown", measured.side_unknown),
    )
    facts = (_facts(side, one) for side, one in sides if one is not None)
    return tuple(f for f in facts if f.follicle_count is not None or f.volume_ml is not None)


def _facts(side: str, one: SideMeasurements) -> OvaryFacts:
    """The best count of an ovary, named for what it is, and its volume."""
    counts = (
        (CountKind.OVARY, one.fnpo.value),
        (CountKind.SECTION, one.fnps.value),
        (CountKind.SWEEP, one.tracked_estimate.value),
    )
    kind, count = next(((k, c) for k, c in counts if c is not None), (None, None))
    return OvaryFacts(
        side=side, follicle_count=count, counted_in=kind, volume_ml=one.volume_ml.value
    )


def _picture(document: AssessmentDocument) -> FrameReference | None:
    """The assessable frame that shows the most follicles of one ovary."""
    shown, _ = key_frames_of(document)
    speaking = [frame for frame in shown if frame.assessable and frame.ovaries]
    if not speaking:
        return None
    best = max(speaking, key=lambda frame: len(frame.ovaries[0].follicles))
    return FrameReference(source=best.source, frame=best.frame)
