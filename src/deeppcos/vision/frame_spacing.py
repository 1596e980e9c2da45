"""How far the frames of a sweep lie apart, told from the roundness of what they show.

A hand does not say how fast it moved. Owns the inference; what too wide a step forbids is the
business of ``tracking_limits``. Lengths are in mm where there is a scale, else in pixels.
"""

import math
from collections.abc import Sequence

import numpy as np

from deeppcos.vision.body_fit import Spacing
from deeppcos.vision.body_separation import SeparateBody
from deeppcos.vision.followed_ovary import FollowedOvary, OvaryCoverage
from deeppcos.vision.sections import Chain

LEAST_SEEN_RADIUS_MM = 0.8
"""Radius from which a section of a follicle is expected to be found."""

LEAST_SEEN_SHARE = 0.35
"""The same as a share of the usual radius, where there is no scale."""

FEWEST_BODIES = 3
USUAL_STEP_SHARE = 0.025
"""Step as a share of the ovary's width where nothing else tells: a slow sweep."""


def spacing_of(sequence: FollowedOvary, chains: Sequence[Chain], *, step: float) -> Spacing:
    """What is known of a sequence, once its step is.

    Args:
        sequence: The followed ovary.
        chains: Sections of all that was followed in it; at least one.
        step: Distance between frames, in the unit of the sequence.
    """
    radius = float(np.median([r for chain in chains for r in _radii(chain, sequence.unit)]))
    least = min(LEAST_SEEN_RADIUS_MM, radius) if sequence.has_scale else LEAST_SEEN_SHARE * radius
    return Spacing(
        step=step,
        usual_radius=radius,
        least_radius=least,
        first=sequence.ovary.first,
        last=sequence.ovary.last,
    )


def step_between_frames(
    sequence: FollowedOvary,
    chains: Sequence[Chain],
    coverage: OvaryCoverage,
) -> float | None:
    """Distance between the frames of a sweep, as follicles and ovary themselves suggest.

    Both are about as deep as they are wide. Of the two answers the wider is taken: in a crowded
    ovary swept in haste different follicles are linked and look deep.

    Args:
        sequence: The followed ovary.
        chains: Sections of all that was followed in it.
        coverage: How much of the ovary was shown.

    Returns:
        Step in the unit of the sequence; None where neither can tell.
    """
    steps = (_step_by_follicles(sequence, chains), _step_by_ovary(sequence, coverage))
    return max((step for step in steps if step is not None), default=None)


def step_of_bodies(bodies: Sequence[SeparateBody], spacing: Spacing) -> float | None:
    """The same from bodies already told apart: how deep they should be over the frames they fill.

    Args:
        bodies: Told apart with a first guess of the step.
        spacing: That guess, and the smallest section seen.

    Returns:
        Step in the unit of the sequence; None with too few bodies.
    """
    sized = sorted(
        (body.chain.last - body.chain.first + 1, body.fit.radius)
        for body in bodies
        if len(body.chain.sections) >= 2 and body.fit.radius > spacing.least_radius
    )
    if len(sized) < FEWEST_BODIES:
        return None
    longest = sized[_longer_half([span for span, _ in sized]) :]
    deep = sum(2 * math.sqrt(radius**2 - spacing.least_radius**2) for _, radius in longest)
    return deep / sum(span for span, _ in longest)


def fallback_step(sequence: FollowedOvary) -> float:
    """A step for sweeps that do not tell theirs: as of a slow one."""
    largest = max(sequence.ovary.sections, key=lambda section: section.area)
    return USUAL_STEP_SHARE * _extent(largest.hull[:, 0] * np.asarray(sequence.unit))[1]


def _radii(chain: Chain, unit: tuple[float, float]) -> list[float]:
    """Radii of the discs of equal area."""
    return [math.sqrt(s.area * unit[0] * unit[1] / math.pi) for s in chain.sections]


def _step_by_follicles(sequence: FollowedOvary, chains: Sequence[Chain]) -> float | None:
    """Width of follicles over the frames they fill."""
    sized = sorted(
        (chain.last - chain.first + 1, 2 * max(_radii(chain, sequence.unit)))
        for chain in chains
        if len(chain.sections) >= 2
    )
    if len(sized) < FEWEST_BODIES:
        return None
    longest = sized[_longer_half([span for span, _ in sized]) :]
    return sum(width for _, width in longest) / sum(span for span, _ in longest)


def _longer_half(spans: Sequence[int]) -> int:
    """Where the longest bodies begin that hold half of all frames; ``spans`` ascend.

    Flickers are short, may be many, and would make the steps look wide. Never fewer than
    ``FEWEST_BODIES`` are kept.

    Examples:
        >>> _longer_half([1, 1, 2, 2, 9, 9, 9, 9])
        5
    """
    half = sum(spans) / 2
    place, held = len(spans), 0
    while held < half:
        place -= 1
        held += spans[place]
    return min(place, len(spans) - FEWEST_BODIES)


def _step_by_ovary(sequence: FollowedOvary, coverage: OvaryCoverage) -> float | None:
    """Shorter diameter of the ovary's largest section over the frames the ovary fills.

    Swept along its length an ovary is deeper than that: the answer is then too small, and
    seldom too large. Only of an ovary passed from margin to margin.
    """
    if not coverage.is_margin_to_margin:
        return None
    ovary = sequence.ovary
    largest = max(ovary.sections, key=lambda section: section.area)
    across = _extent(largest.hull[:, 0] * np.asarray(sequence.unit))[1]
    return across / (ovary.last - ovary.first + 1)


def _extent(corners: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float]:
    """Longest diameter of a convex outline, and the widest extent at right angles to it."""
    between = corners[:, None, :] - corners[None, :, :]
    squared = (between**2).sum(axis=2)
    one, other = np.unravel_index(int(squared.argmax()), squared.shape)
    longest = math.sqrt(float(squared.max())) or 1.0
    along = between[one, other] / longest
    across = corners @ np.array((-along[1], along[0]))
    return longest, float(across.max() - across.min())
