"""How well a run of sections is explained as the sections of one body.

Planes at even steps cut an ellipsoid in sections whose areas lie on a parabola and whose centres
lie on a line. Owns the fit of both and what it costs to explain every run of consecutive
sections as one body. Which runs are taken is the business of ``body_separation``.

Lengths are in one unit, millimetres where there is a scale, else pixels. A cost is half-way a
negative log-likelihood: squared deviations in standard deviations, plus the frames in which the
body should have been seen and was not. The constants were chosen on phantoms, see
``docs/evidence/tracking.md``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from deeppcos.vision.sections import Section

Floats = npt.NDArray[np.float64]

SIZE_ERROR = 0.07
"""Standard deviation of a section's radius, as a share of it."""

PLACE_ERROR = 0.12
"""Standard deviation of a section's centre, as a share of its radius."""

LEAST_ERROR = 0.08
"""Part of both errors that does not shrink with the section, as a share of the usual radius."""

FLATNESS_SPREAD = 0.45
"""Standard deviation of the squared ratio of a follicle's width to its depth, about 1."""

LEAN_SPREAD = 0.4
"""Standard deviation of a body's lean: sideways way of its centre per unit of depth."""

COST_OF_A_MISS = 3.0
"""Cost of a frame in which the body should be seen and is not."""

MOST_MISSES_AT_AN_END = 8
"""Beyond this, sections missing at an end say no more: the ovary itself was lost there."""

JOINT_WEIGHT = 0.05
"""Weight of a section drawn together with a neighbour: it says where, hardly how large."""

FEWEST_TO_TELL_A_SLIP = 5
SLIP_ROOM = 1.3

NOT_A_RUN = 1e18


@dataclass(frozen=True, slots=True, kw_only=True)
class Spacing:
    """What is known of the sequence in which bodies are sought.

    Attributes:
        step: Distance between frames.
        usual_radius: Median radius of all sections.
        least_radius: Radius from which a section is expected to be seen.
        first: First frame in which a body may be seen.
        last: Last one.
    """

    step: float
    usual_radius: float
    least_radius: float
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Sections of what may be one body or several, in order.

    Attributes:
        frames: ``(n,)`` frame of each.
        squares: ``(n,)`` squared radius of the disc of equal area.
        centres: ``(n, 2)`` centres, the hand's move taken out.
        weights: ``(n,)`` 1, or less where the section is joint.
    """

    frames: Floats
    squares: Floats
    centres: Floats
    weights: Floats


def run_of(
    sections: Sequence[Section],
    *,
    joint: frozenset[int],
    places: Floats,
    unit: tuple[float, float],
) -> Run:
    """Sections as numbers.

    Args:
        sections: In order.
        joint: Frames whose section also covers a neighbour.
        places: ``(frames, 2)`` how far the picture had moved by each frame, pixels.
        unit: Size of a pixel across and down.
    """
    size = np.asarray(unit)
    return Run(
        frames=np.array([s.frame for s in sections], dtype=np.float64),
        squares=np.array([max(s.area, 1e-6) * unit[0] * unit[1] / math.pi for s in sections]),
        centres=np.stack([(s.centre - places[s.frame]) * size for s in sections]),
        weights=np.array([JOINT_WEIGHT if s.frame in joint else 1.0 for s in sections]),
    )


def together(one: Run, other: Run) -> Run:
    """Two runs, the first wholly before the second, as one."""
    return Run(
        frames=np.concatenate([one.frames, other.frames]),
        squares=np.concatenate([one.squares, other.squares]),
        centres=np.concatenate([one.centres, other.centres]),
        weights=np.concatenate([one.weights, other.weights]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCosts:
    """One body for every run of consecutive sections; entry ``[i, j]`` is for i to j inclusive.

    Attributes:
        cost: ``(n, n)``; ``NOT_A_RUN`` below the diagonal.
        square: ``(n, n)`` squared radius of the largest section of the fitted body.
        flatness: ``(n, n)`` squared ratio of its width to its depth.
    """

    cost: Floats
    square: Floats
    flatness: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFit:
    """One body for a whole run.

    Attributes:
        cost: What it costs to take the run for one body.
        radius: Radius of its largest section.
        half_depth: Half its extent across the frames.
        frames_expected: Frames in which such a body is seen.
    """

    cost: float
    radius: float
    half_depth: float
    frames_expected: float


def costs_of(run: Run, spacing: Spacing) -> RunCosts:
    """What it costs to take each run of consecutive sections for one body."""
    depth = (run.frames - run.frames.mean()) * spacing.step
    run = replace(run, squares=_without_slips(run.squares, spacing.step))
    floor = (LEAST_ERROR * spacing.usual_radius) ** 2
    size_variance = 4 * run.squares * (SIZE_ERROR**2 * run.squares + floor)
    # Near the poles the radius vanishes and its error with it; the outline's own does not.
    size_variance += (LEAST_ERROR * spacing.usual_radius**2) ** 2
    alpha, beta, flatness, misfit = _parabolas(run, depth, run.weights / size_variance, spacing)
    place_weights = run.weights / (PLACE_ERROR**2 * run.squares + floor)
    misfit = np.asarray(misfit + _lines(run, depth, place_weights))
    bounded = np.clip(flatness, 0.35, 2.5)
    square = np.maximum(alpha + beta**2 / (4 * bounded), 0.0)
    reach = np.sqrt(np.maximum(square - spacing.least_radius**2, 0.0) / bounded)
    middle = run.frames.mean() + beta / (2 * bounded) / spacing.step
    misses = _misses(run.frames, middle, reach / spacing.step, spacing)
    is_run = np.triu(np.ones(misfit.shape, dtype=bool))
    return RunCosts(
        cost=np.where(is_run, misfit + COST_OF_A_MISS * misses, NOT_A_RUN),
        square=square,
        flatness=bounded,
    )


def fit_of(run: Run, spacing: Spacing) -> BodyFit:
    """The whole run as one body.

    The largest of few sections is smaller than the body: the parabola says by how much. It is
    trusted for a tenth of the radius, since a short run leaves it open.
    """
    costs = costs_of(run, spacing)
    largest = math.sqrt(float(run.squares.max()))
    square, flatness = float(costs.square[0, -1]), float(costs.flatness[0, -1])
    if run.frames.size == 1:
        # Cut once, anywhere within a step: the mean square of the distance from its middle.
        square, flatness = float(run.squares[0]) + spacing.step**2 / 12, 1.0
    radius = min(max(math.sqrt(square), largest), 1.1 * largest)
    beyond = max(radius**2 - spacing.least_radius**2, 0.0)
    return BodyFit(
        cost=float(costs.cost[0, -1]),
        radius=radius,
        half_depth=radius / math.sqrt(flatness),
        frames_expected=2 * math.sqrt(beyond / flatness) / spacing.step,
    )


def _without_slips(squares: Floats, step: float) -> Floats:
    """Squared radii without sections that no body could have between its neighbours.

    From one frame to the next the squared radius of a ball changes by at most twice radius
    times step. A single section beyond that is a slip of the outline, not a waist.
    """
    if squares.size < FEWEST_TO_TELL_A_SLIP:
        return squares
    three = np.stack([squares[:-2], squares[1:-1], squares[2:]])
    usual = np.median(three, axis=0)
    room = SLIP_ROOM * (2 * np.sqrt(usual) * step + step**2)
    steady = squares.copy()
    steady[1:-1] = np.clip(squares[1:-1], usual - room, usual + room)
    return steady


def _runs(values: Floats) -> Floats:
    """Sum over every run of consecutive entries, ``(n, n)``."""
    summed = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(summed[None, 1:] - summed[:-1, None])


def _parabolas(
    run: Run, depth: Floats, weights: Floats, spacing: Spacing
) -> tuple[Floats, Floats, Floats, Floats]:
    """Least squares of area over depth, ``alpha + beta z - flatness z²``, for every run.

    Flatness has a prior about 1, so that one section fits as well as many.

    Returns:
        Each ``(n, n)``: alpha, beta, flatness and the misfit.
    """
    count, prior = run.frames.size, 1 / FLATNESS_SPREAD**2
    powers = [_runs(weights * depth**k) for k in range(5)]
    moments = [_runs(weights * run.squares * depth**k) for k in range(3)]
    matrix = np.empty((count, count, 3, 3))
    for row, column in np.ndindex(2, 2):
        matrix[..., row, column] = powers[row + column]
    matrix[..., 0, 2] = matrix[..., 2, 0] = -powers[2]
    matrix[..., 1, 2] = matrix[..., 2, 1] = -powers[3]
    matrix[..., 2, 2] = powers[4] + prior
    right = np.stack([moments[0], moments[1], prior - moments[2]], axis=-1)
    # A slope cannot be told from one section: it is then zero.
    matrix[..., 0, 0] *= 1 + 1e-9
    matrix[..., 1, 1] += 1e-9 * powers[0] * spacing.step**2
    is_no_run = ~np.triu(np.ones((count, count), dtype=bool))
    matrix[is_no_run], right[is_no_run] = np.eye(3), 0.0
    found = np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0], dtype=np.float64)
    explained = np.asarray((right * found).sum(axis=-1), dtype=np.float64)
    misfit = np.maximum(_runs(weights * run.squares**2) + prior - explained, 0.0)
    return found[..., 0], found[..., 1], found[..., 2], misfit


def _lines(run: Run, depth: Floats, weights: Floats) -> Floats:
    """Misfit of the centres to a line through every run that leans within reason."""
    mass = np.maximum(_runs(weights), 1e-12)
    first = _runs(weights * depth)
    spread = _runs(weights * depth**2) - first**2 / mass + 1 / LEAN_SPREAD**2
    misfit = np.zeros(mass.shape)
    for along in (run.centres - run.centres.mean(axis=0)).T:
        total = _runs(weights * along)
        slope = _runs(weights * along * depth) - first * total / mass
        rest = _runs(weights * along**2) - total**2 / mass - slope**2 / spread
        misfit += np.maximum(rest, 0.0)
    return misfit


def _misses(frames: Floats, middle: Floats, reach: Floats, spacing: Spacing) -> Floats:
    """Frames in which each fitted body should be seen and was not, ``(n, n)``."""
    begins = np.maximum(middle - reach, spacing.first)
    ends = np.minimum(middle + reach, spacing.last)
    before = np.clip(frames[:, None] - begins - 0.5, 0, None).round()
    after = np.clip(ends - frames[None, :] - 0.5, 0, None).round()
    seen = np.arange(frames.size)[None, :] - np.arange(frames.size)[:, None] + 1
    between = frames[None, :] - frames[:, None] + 1 - seen
    return np.asarray(np.minimum(before + after, MOST_MISSES_AT_AN_END) + between)
