"""Which outlines in neighbouring frames are sections of the same body.

Owns the linking: a forecast of where each body's next section lies, the best one-to-one
assignment of outlines to bodies by overlap, bridging of frames in which a body was missed,
pieces of one body put together again, two bodies drawn as one kept apart, and the cut between
two bodies that lie behind each other. What the bodies are and how many count is the business of
``tracking``.

Everything is done in pixels on convex hulls: the share two sections have in common is the same
in any unit, and sections of follicles and ovaries are close to convex.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.vision.findings import Polygon
from deeppcos.vision.geometry import points_of

Hull = npt.NDArray[np.float32]
Shift = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRules:
    """How freely sections are joined. Chosen on phantoms, see ``docs/evidence/tracking.md``.

    Attributes:
        least_overlap: Smallest overlap, shared area over the geometric mean of both areas.
        longest_gap: Most frames in a row in which a body may be missed; up to twice as many
            for one that was seen in many frames.
        moves: Whether the picture may shift between frames, as under a moving hand. Slices of
            a volume do not.
        piece_share: Share of an outline that must lie within a body's forecast to be a piece
            of it, and share of a forecast that must be covered for the body to be hidden.
        valley: How far the area must fall between two maxima, 0 to 1, to cut a chain there;
            a sideways jump at the same place counts towards it.
    """

    least_overlap: float = 0.3
    longest_gap: int = 2
    moves: bool = True
    piece_share: float = 0.6
    valley: float = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One outline in one frame.

    Attributes:
        frame: Place of the frame in the sequence.
        item: Place of the outline among those of the frame.
        hull: ``(n, 1, 2) float32`` convex hull, pixels.
        low: Left and upper end of the hull's box, pixels.
        high: Right and lower end.
        area: Area of the hull, square pixels.
        probability: Probability of the outline, 0 to 1.
    """

    frame: int
    item: int
    hull: Hull
    low: Shift
    high: Shift
    area: float
    probability: float

    @property
    def centre(self) -> Shift:
        """Middle of the hull's box, pixels."""
        return (self.low + self.high) / 2


def section_of(polygon: Polygon, *, frame: int, item: int, probability: float) -> Section:
    """An outline made ready for linking."""
    corners = points_of(polygon).astype(np.float32)
    return _section(corners, frame=frame, item=item, probability=probability)


def _section(corners: Hull, *, frame: int, item: int, probability: float) -> Section:
    """The convex hull of some corners as a section."""
    hull = np.asarray(cv2.convexHull(corners), dtype=np.float32)
    flat = hull[:, 0].astype(np.float64)
    return Section(
        frame=frame,
        item=item,
        hull=hull,
        low=flat.min(axis=0),
        high=flat.max(axis=0),
        area=float(cv2.contourArea(hull)),
        probability=probability,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Sections of one body, one a frame, in order.

    Attributes:
        sections: The sections.
        merged: Frames whose section also covers a neighbour: no size is taken there.
    """

    sections: tuple[Section, ...]
    merged: frozenset[int] = frozenset()

    @property
    def first(self) -> int:
        """Frame of the first section."""
        return self.sections[0].frame

    @property
    def last(self) -> int:
        """Frame of the last section."""
        return self.sections[-1].frame

    @property
    def weight(self) -> float:
        """How much was seen of the body: its probabilities added up."""
        return sum(section.probability for section in self.sections)


@dataclass(slots=True, kw_only=True)
class _Body:
    """A chain still growing."""

    sections: list[Section]
    merged: set[int] = field(default_factory=set)
    velocity: Shift = field(default_factory=lambda: np.zeros(2))
    moved: Shift = field(default_factory=lambda: np.zeros(2))
    missed: int = 0
    hidden: int = 0
    pieces: int = 0

    @property
    def step(self) -> Shift:
        """How far it is expected to have moved on its own since its last section, pixels."""
        return self.moved + self.velocity


def link_sections(
    frames: Sequence[Sequence[Section]],
    rules: LinkRules,
    *,
    drifts: Sequence[tuple[float, float]] | None = None,
) -> tuple[Chain, ...]:
    """Join sections frame by frame into bodies.

    Args:
        frames: Sections of each frame, in order.
        rules: How freely to join.
        drifts: First guess of how far the picture moved to each frame, pixels; None without.

    Returns:
        One chain a body, in order of appearance; every section is in at most one.
    """
    growing: list[_Body] = []
    done: list[_Body] = []
    for at, sections in enumerate(frames):
        guess = np.asarray(drifts[at]) if drifts is not None else np.zeros(2)
        drift = _drift(growing, sections, guess, rules) if rules.moves else np.zeros(2)
        _take_in(growing, list(sections), drift, rules)
        done += [body for body in growing if _is_lost(body, rules)]
        growing = [body for body in growing if not _is_lost(body, rules)]
    chains = (
        Chain(sections=tuple(body.sections), merged=frozenset(body.merged))
        for body in (*done, *growing)
    )
    parts = (part for chain in chains for part in cut_at_valleys(chain, rules.valley))
    return tuple(sorted(parts, key=lambda chain: (chain.first, chain.sections[0].item)))


def _is_lost(body: _Body, rules: LinkRules) -> bool:
    """Whether a body was missed too often in a row; what was long seen may be missed longer."""
    patience = min(len(body.sections) // 6, rules.longest_gap)
    return body.missed > rules.longest_gap + patience


def best_pairs(overlap: Matrix, *, least: float) -> list[tuple[int, int]]:
    """The one-to-one pairing with the greatest total overlap.

    Args:
        overlap: ``(n, m)``, 0 to 1.
        least: Overlaps below this are no pair.

    Returns:
        Row and column of each pair.

    Examples:
        >>> best_pairs(np.array([[0.9, 0.8], [0.8, 0.1]]), least=0.3)
        [(0, 1), (1, 0)]
    """
    allowed = np.where(overlap >= least, overlap, 0.0)
    rows = np.flatnonzero(allowed.any(axis=1))
    columns = np.flatnonzero(allowed.any(axis=0))
    if not rows.size:
        return []
    part = allowed[np.ix_(rows, columns)]
    if part.shape[0] <= part.shape[1]:
        pairs = [(row, column) for row, column in enumerate(_assignment(-part))]
    else:
        pairs = [(row, column) for column, row in enumerate(_assignment(-part.T))]
    kept = [(int(rows[r]), int(columns[c])) for r, c in pairs if part[r, c] > 0]
    return sorted(kept)


def _assignment(cost: Matrix) -> list[int]:
    """Column of each row in the cheapest assignment; ``cost`` has at least as many columns.

    Shortest augmenting paths with potentials (Kuhn-Munkres, Jonker-Volgenant).
    """
    n, m = cost.shape
    row_price, column_price = np.zeros(n + 1), np.zeros(m + 1)
    owner, came_from = np.zeros(m + 1, dtype=int), np.zeros(m + 1, dtype=int)
    for row in range(1, n + 1):
        owner[0], column = row, 0
        nearest, visited = np.full(m + 1, np.inf), np.zeros(m + 1, dtype=bool)
        while owner[column] != 0 or column == 0:
            visited[column] = True
            reduced = cost[owner[column] - 1] - row_price[owner[column]] - column_price[1:]
            closer = ~visited[1:] & (reduced < nearest[1:])
            nearest[1:][closer] = reduced[closer]
            came_from[1:][closer] = column
            following = int(np.argmin(np.where(visited, np.inf, nearest)))
            step = nearest[following]
            row_price[owner[visited]] += step
            column_price[visited] -= step
            nearest[~visited] -= step
            column = following
        while column != 0:
            owner[column] = owner[came_from[column]]
            column = int(came_from[column])
    columns = np.zeros(n, dtype=int)
    columns[owner[1:][owner[1:] > 0] - 1] = np.flatnonzero(owner[1:] > 0)
    return [int(column) for column in columns]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meeting:
    """Forecasts of bodies against the sections of one frame.

    Attributes:
        overlap: ``(bodies, sections)``, 0 to 1.
        shared: ``(bodies, sections)`` shared areas, square pixels.
        sizes: Area of each body's forecast, square pixels.
    """

    overlap: Matrix
    shared: Matrix
    sizes: Matrix


def _meeting(bodies: Sequence[_Body], sections: Sequence[Section], drift: Shift) -> _Meeting:
    """Compare where bodies are expected with what a frame shows."""
    shared = np.zeros((len(bodies), len(sections)))
    lasts = [body.sections[-1] for body in bodies]
    sizes = np.array([last.area for last in lasts])
    if not shared.size:
        return _Meeting(overlap=shared, shared=shared, sizes=sizes)
    shifts = np.stack([body.step for body in bodies]) + drift
    low = np.stack([last.low for last in lasts]) + shifts
    high = np.stack([last.high for last in lasts]) + shifts
    section_low = np.stack([one.low for one in sections])
    section_high = np.stack([one.high for one in sections])
    meet = (low[:, None] < section_high[None]) & (section_low[None] < high[:, None])
    for row, column in zip(*np.nonzero(meet.all(axis=2)), strict=True):
        forecast = lasts[row].hull + shifts[row].astype(np.float32)
        shared[row, column], _ = cv2.intersectConvexConvex(forecast, sections[column].hull)
    section_sizes = np.array([one.area for one in sections])
    norm = np.sqrt(np.maximum(sizes[:, None] * section_sizes[None], 1e-9))
    return _Meeting(overlap=np.clip(shared / norm, 0, 1), shared=shared, sizes=sizes)


def _drift(
    bodies: Sequence[_Body], sections: Sequence[Section], guess: Shift, rules: LinkRules
) -> Shift:
    """How far the whole picture moved: what most follicles did."""
    if len(bodies) < 3 or len(sections) < 3:
        return guess
    best, best_total = np.zeros(2), -1.0
    for start in (np.zeros(2), guess):
        overlap = _meeting(bodies, sections, start).overlap
        pairs = best_pairs(overlap, least=rules.least_overlap / 2)
        total = sum(float(overlap[pair]) for pair in pairs)
        if total > best_total:
            best, best_total = start + _median_shift(bodies, sections, pairs, start), total
    return best


def _median_shift(
    bodies: Sequence[_Body],
    sections: Sequence[Section],
    pairs: Sequence[tuple[int, int]],
    start: Shift,
) -> Shift:
    """Median of what remains between forecast and section; three pairs or nothing."""
    if len(pairs) < 3:
        return np.zeros(2)
    rests = [
        sections[column].centre - bodies[row].sections[-1].centre - bodies[row].step - start
        for row, column in pairs
    ]
    return np.asarray(np.median(rests, axis=0), dtype=np.float64)


def _take_in(growing: list[_Body], sections: list[Section], drift: Shift, rules: LinkRules) -> None:
    """Give each section of one frame to a body, or start a new one with it."""
    meeting = _meeting(growing, sections, drift)
    pairs = dict(best_pairs(meeting.overlap, least=rules.least_overlap))
    taken = set(pairs.values())
    held = _hidden_bodies(meeting, sections, pairs, rules)
    pieces = _pieces(growing, meeting, sections, pairs, rules)
    for row, body in enumerate(growing):
        if row in pairs:
            parts = [sections[pairs[row]], *(sections[c] for c, r in pieces.items() if r == row)]
            _grow(body, parts, drift, is_merged=row in held.values())
        else:
            _miss(body, drift, is_hidden=row in held, rules=rules)
    born = [s for column, s in enumerate(sections) if column not in taken | pieces.keys()]
    growing += [_Body(sections=[section]) for section in born]


def _grow(body: _Body, parts: list[Section], drift: Shift, *, is_merged: bool) -> None:
    """Add a frame's section, put together from its pieces, to a body."""
    section = parts[0] if len(parts) == 1 else _joined(parts)
    last = body.sections[-1]
    rest = section.centre - last.centre - body.moved - drift
    body.pieces = body.pieces + 1 if len(parts) > 1 else 0
    if is_merged:
        # The joint outline says where, not how large: the next forecast keeps the old shape.
        body.merged.add(section.frame)
        section = _section(
            (last.hull + body.moved + drift).astype(np.float32),
            frame=section.frame,
            item=section.item,
            probability=section.probability,
        )
    else:
        body.velocity = 0.5 * body.velocity + 0.5 * rest / (body.missed + 1)
    body.sections.append(section)
    body.moved, body.missed, body.hidden = np.zeros(2), 0, 0


def _miss(body: _Body, drift: Shift, *, is_hidden: bool, rules: LinkRules) -> None:
    """Carry a body without a section of its own past a frame."""
    body.moved = body.moved + body.velocity + drift
    body.hidden += is_hidden
    # Under a joint outline a body is not lost, but not for ever either.
    body.missed += not (is_hidden and body.hidden <= 3 * rules.longest_gap)


def _hidden_bodies(
    meeting: _Meeting, sections: Sequence[Section], pairs: dict[int, int], rules: LinkRules
) -> dict[int, int]:
    """Bodies without a section that lie under a neighbour's, and that neighbour."""
    hidden, sizes = {}, meeting.sizes
    for lost in set(range(len(sizes))) - pairs.keys():
        for row, column in pairs.items():
            covers = meeting.shared[lost, column] >= rules.piece_share * sizes[lost]
            is_joint = sections[column].area >= max(
                0.7 * (sizes[lost] + sizes[row]), 1.2 * sizes[row]
            )
            if covers and is_joint:
                hidden[lost] = row
    return hidden


def _pieces(
    growing: Sequence[_Body],
    meeting: _Meeting,
    sections: Sequence[Section],
    pairs: dict[int, int],
    rules: LinkRules,
) -> dict[int, int]:
    """Sections left over that are pieces of a body already paired, and that body.

    A piece lies within the forecast and completes it. What stays apart for a third frame is no
    piece but a body of its own.
    """
    pieces: dict[int, int] = {}
    for column in set(range(len(sections))) - set(pairs.values()):
        for row, main in pairs.items():
            lies_within = meeting.shared[row, column] >= rules.piece_share * sections[column].area
            completes = sections[main].area + sections[column].area <= 1.25 * meeting.sizes[row]
            if lies_within and completes and growing[row].pieces < 2:
                pieces[column] = row
    return pieces


def _joined(parts: Sequence[Section]) -> Section:
    """Pieces of one body in one frame as one section."""
    return _section(
        np.concatenate([part.hull for part in parts]),
        frame=parts[0].frame,
        item=parts[0].item,
        probability=max(part.probability for part in parts),
    )


def cut_at_valleys(chain: Chain, valley: float) -> tuple[Chain, ...]:
    """Cut a chain where one body ends and the next, behind it, begins.

    Sections of one convex body grow and then shrink, once. A fall of the area between two
    maxima means two bodies; a sideways jump there makes it the likelier.

    Args:
        chain: Sections in order.
        valley: Fall of the area, as a share of the lower maximum, that cuts; jump included.

    Returns:
        One chain a body.
    """
    areas = _steady([section.area for section in chain.sections])
    centres = [section.centre for section in chain.sections]
    best, at = valley, 0
    for cut in range(1, len(areas)):
        left, right = max(areas[:cut]), max(areas[cut:])
        low = min(areas[cut - 1], areas[cut])
        fall = 1 - low / max(min(left, right), 1e-9)
        if fall < valley / 3:
            continue
        radius = np.sqrt((areas[cut - 1] + areas[cut]) / (2 * np.pi))
        jump = float(np.linalg.norm(_jump(centres, cut))) / max(float(radius), 1e-9)
        if fall + 0.5 * min(jump, 1.0) > best:
            best, at = fall + 0.5 * min(jump, 1.0), cut
    if not at:
        return (chain,)
    parts = (chain.sections[:at], chain.sections[at:])
    return tuple(
        piece
        for part in parts
        for piece in cut_at_valleys(Chain(sections=part, merged=chain.merged), valley)
    )


def _steady(areas: Sequence[float]) -> list[float]:
    """Areas without single-frame slips: median of three, ends kept; short chains as they are."""
    if len(areas) < 5:
        return list(areas)
    middle = [sorted(areas[i - 1 : i + 2])[1] for i in range(1, len(areas) - 1)]
    return [areas[0], *middle, areas[-1]]


def _jump(centres: Sequence[Shift], cut: int) -> Shift:
    """Sideways step at a cut beyond the chain's usual step, pixels."""
    steps = np.diff(np.stack(centres), axis=0)
    usual = np.median(steps, axis=0)
    return np.asarray(steps[cut - 1] - usual, dtype=np.float64)
