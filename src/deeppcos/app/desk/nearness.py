"""How close a study's counts and volumes lie to the thresholds of its profile.

Owns the figures the worklist sorts by. They rank what deserves a second look; they decide
nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from deeppcos.clinical.morphology import MorphologyRules
from deeppcos.clinical.profiles import profile_named
from deeppcos.records.assessment_document import AssessmentDocument, SideMeasurements


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """Signed distances from the nearest threshold; None where nothing was measured.

    Attributes:
        count_margin: Follicle count minus its threshold, follicles.
        volume_margin_ml: Volume minus its threshold, mL.
        closeness: The smaller of both as a share of its threshold; 0 lies on it.
    """

    count_margin: float | None = None
    volume_margin_ml: float | None = None
    closeness: float | None = None


def nearness_of(document: AssessmentDocument) -> Nearness:
    """The smallest distances over both ovaries under the document's own profile.

    A tracked estimate is left out: it decides nothing.
    """
    rules = profile_named(document.conclusion.profile).morphology
    measured = document.measurements
    sides = [side for side in (measured.left, measured.right, measured.side_unknown) if side]
    counts = [margin for side in sides for margin in _count_margins(side, rules)]
    volumes = [
        (side.volume_ml.value - rules.volume.value, rules.volume.value)
        for side in sides
        if side.volume_ml.value is not None
    ]
    return Nearness(
        count_margin=_nearest(counts),
        volume_margin_ml=_nearest(volumes),
        closeness=min((abs(margin) / limit for margin, limit in [*counts, *volumes]), default=None),
    )


def _count_margins(side: SideMeasurements, rules: MorphologyRules) -> Iterable[tuple[float, float]]:
    """Margin and threshold of every count the profile uses."""
    if side.fnpo.value is not None:
        limit = rules.follicles_per_ovary.value
        yield side.fnpo.value - limit, limit
    if side.fnps.value is not None and rules.follicles_per_section is not None:
        limit = rules.follicles_per_section.value
        yield side.fnps.value - limit, limit


def _nearest(margins: Iterable[tuple[float, float]]) -> float | None:
    return min((margin for margin, _ in margins), key=abs, default=None)
