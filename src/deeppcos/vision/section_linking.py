"""Which outlines in neighbouring frames are sections of the same body.

Owns the linking: a forecast of where each body's next section lies, the best one-to-one
assignment of outlines to bodies by overlap, bridging of frames in which a body was missed,
pieces of one body put together again, and two bodies drawn as one kept apart. Linking sees two
frames at a time and errs where bodies lie behind each other; ``body_separation`` puts that right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from deeppcos.vision.pairing import Matrix, best_pairs
from deeppcos.vision.sections import Chain, Section, Shift, convex_section, joined_section


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
    """

    least_overlap: float = 0.3
    longest_gap: int = 2
    moves: bool = True
    piece_share: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedSections:
    """What linking made of a sequence.

    Attributes:
        chains: One a body, in order of appearance; every section is in at most one.
        places: ``(frames, 2)``: how far the picture had moved by each frame, pixels.
    """

    chains: tuple[Chain, ...]
    places: Matrix


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
) -> LinkedSections:
    """Join sections frame by frame into bodies.

    Args:
        frames: Sections of each frame, in order.
        rules: How freely to join.
        drifts: First guess of how far the picture moved to each frame, pixels; None without.

    Returns:
        The chains, and how the picture moved.
    """
    growing: list[_Body] = []
    done: list[_Body] = []
    moves = np.zeros((len(frames), 2))
    for at, sections in enumerate(frames):
        guess = np.asarray(drifts[at]) if drifts is not None else np.zeros(2)
        moves[at] = _drift(growing, sections, guess, rules) if rules.moves else np.zeros(2)
        _take_in(growing, list(sections), moves[at], rules)
        done += [body for body in growing if _is_lost(body, rules)]
        growing = [body for body in growing if not _is_lost(body, rules)]
    chains = [
        Chain(sections=tuple(body.sections), merged=frozenset(body.merged))
        for body in (*done, *growing)
    ]
    return LinkedSections(
        chains=tuple(sorted(chains, key=lambda chain: (chain.first, chain.sections[0].item))),
        places=np.cumsum(moves, axis=0),
    )


def _is_lost(body: _Body, rules: LinkRules) -> bool:
    """Whether a body was missed too often in a row; what was long seen may be missed longer."""
    patience = min(len(body.sections) // 6, rules.longest_gap)
    return body.missed > rules.longest_gap + patience


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
    section = parts[0] if len(parts) == 1 else joined_section(parts)
    last = body.sections[-1]
    rest = section.centre - last.centre - body.moved - drift
    body.pieces = body.pieces + 1 if len(parts) > 1 else 0
    if is_merged:
        # The joint outline says where, not how large: the next forecast keeps the old shape.
        body.merged.add(section.frame)
        section = convex_section(
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
