"""Which sections belong to one body, judged over the whole sequence.

Linking looks from one frame to the next. Where follicles lie behind each other it runs on from
one into the next, and where one was missed it loses it. Owns the second look: every chain is cut
where two bodies explain its sections better than one, and parts are put together where one body
explains them better than two. How well a body explains sections is the business of ``body_fit``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deeppcos.vision.body_fit import (
    BodyFit,
    Floats,
    Run,
    Spacing,
    costs_of,
    fit_of,
    run_of,
    together,
)
from deeppcos.vision.sections import Chain

COST_OF_A_BODY = 8.0
"""What explaining the same sections with one body more must save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparateBody:
    """Sections taken for one body.

    Attributes:
        chain: Its sections.
        fit: The body that explains them.
    """

    chain: Chain
    fit: BodyFit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A chain with its numbers and what it costs as one body."""

    chain: Chain
    run: Run
    cost: float


def separate_bodies(
    chains: Sequence[Chain],
    *,
    places: Floats,
    unit: tuple[float, float],
    spacing: Spacing,
    longest_gap: int,
) -> tuple[SeparateBody, ...]:
    """Cut and join chains until each is best explained as one body.

    Args:
        chains: As linked from frame to frame.
        places: ``(frames, 2)`` how far the picture had moved by each frame, pixels.
        unit: Size of a pixel across and down, in the unit of ``spacing``.
        spacing: What is known of the sequence.
        longest_gap: Most frames between two parts of one body.

    Returns:
        The bodies, in order of appearance; no section is lost or used twice.
    """
    parts = []
    for chain in chains:
        run = run_of(chain.sections, joint=chain.merged, places=places, unit=unit)
        for begin, end in _cuts(costs_of(run, spacing).cost):
            own = Chain(sections=chain.sections[begin:end], merged=chain.merged)
            own_run = run_of(own.sections, joint=own.merged, places=places, unit=unit)
            parts.append(_part(own, own_run, spacing))
    bodies = (
        SeparateBody(chain=part.chain, fit=fit_of(part.run, spacing))
        for part in _put_together(parts, spacing, longest_gap)
    )
    return tuple(sorted(bodies, key=lambda one: (one.chain.first, one.chain.sections[0].item)))


def _part(chain: Chain, run: Run, spacing: Spacing) -> _Part:
    """A part with its cost."""
    return _Part(chain=chain, run=run, cost=float(costs_of(run, spacing).cost[0, -1]))


def _cuts(cost: Floats) -> list[tuple[int, int]]:
    """The cheapest way to cut a chain into bodies, as half-open ranges in order.

    Examples:
        >>> cost = np.array([[0.0, 1.0, 90.0], [0.0, 0.0, 90.0], [0.0, 0.0, 0.0]])
        >>> _cuts(cost)
        [(0, 2), (2, 3)]
    """
    count = cost.shape[0]
    best, begins = np.zeros(count + 1), np.zeros(count + 1, dtype=int)
    for end in range(1, count + 1):
        totals = best[:end] + cost[:end, end - 1] + COST_OF_A_BODY
        begins[end] = int(np.argmin(totals))
        best[end] = totals[begins[end]]
    ranges, end = [], count
    while end > 0:
        ranges.append((int(begins[end]), end))
        end = int(begins[end])
    return ranges[::-1]


def _put_together(parts: list[_Part], spacing: Spacing, longest_gap: int) -> list[_Part]:
    """Join the two parts that gain most by it, as long as any gain."""
    joint: dict[tuple[int, int], _Part] = {}
    by_number = dict(enumerate(parts))
    following = len(parts)
    for one, other in _neighbours(by_number, by_number, longest_gap):
        joint[one, other] = _joint(by_number[one], by_number[other], spacing)
    while joint:
        gains = {pair: _gain(by_number, pair, part) for pair, part in joint.items()}
        pair = max(gains, key=lambda key: gains[key])
        if gains[pair] <= 0:
            break
        by_number[following] = joint[pair]
        for number in pair:
            del by_number[number]
        joint = {key: part for key, part in joint.items() if not set(key) & set(pair)}
        fresh = {following: by_number[following]}
        for one, other in (
            *_neighbours(fresh, by_number, longest_gap),
            *_neighbours(by_number, fresh, longest_gap),
        ):
            joint[one, other] = _joint(by_number[one], by_number[other], spacing)
        following += 1
    return list(by_number.values())


def _gain(parts: dict[int, _Part], pair: tuple[int, int], joint: _Part) -> float:
    """What two parts cost less as one body."""
    return parts[pair[0]].cost + parts[pair[1]].cost + COST_OF_A_BODY - joint.cost


def _joint(one: _Part, other: _Part, spacing: Spacing) -> _Part:
    """Two parts as one."""
    chain = Chain(
        sections=(*one.chain.sections, *other.chain.sections),
        merged=one.chain.merged | other.chain.merged,
    )
    return _part(chain, together(one.run, other.run), spacing)


def _neighbours(
    before: dict[int, _Part], after: dict[int, _Part], longest_gap: int
) -> list[tuple[int, int]]:
    """Pairs of which the second begins soon after the first ends, and near by."""
    return [
        (one, other)
        for one, first in before.items()
        for other, second in after.items()
        if 0 < second.chain.first - first.chain.last <= longest_gap + 1
        and _lie_near(first.run, second.run)
    ]


def _lie_near(one: Run, other: Run) -> bool:
    """Whether the last section of one and the first of the other would touch."""
    apart = float(np.linalg.norm(one.centres[-1] - other.centres[0]))
    return apart <= math.sqrt(one.squares[-1]) + math.sqrt(other.squares[0])
