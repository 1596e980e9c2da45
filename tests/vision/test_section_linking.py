"""Outlines joined into bodies: assignment, gaps, pieces, joint outlines."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.vision.pairing import best_pairs
from deeppcos.vision.section_linking import LinkRules, link_sections
from deeppcos.vision.sections import Section, section_of

VOLUME = LinkRules(moves=False)


def disc(frame: int, item: int, x: float, y: float, radius: float, p: float = 0.9) -> Section:
    at = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    outline = tuple((x + radius * math.cos(a), y + radius * math.sin(a)) for a in at)
    return section_of(outline, frame=frame, item=item, probability=p)


def ball(x: float, y: float, z: float, radius: float, frames: int) -> dict[int, float]:
    """Radius of each section of a ball cut at whole numbers."""
    return {
        at: math.sqrt(radius**2 - (at - z) ** 2) for at in range(frames) if abs(at - z) < radius
    }


def test_the_greatest_total_overlap_wins_over_the_greatest_single_one() -> None:
    overlap = np.array([[0.9, 0.8], [0.8, 0.1]])
    assert best_pairs(overlap, least=0.3) == [(0, 1), (1, 0)]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10_000))
def test_no_other_pairing_has_a_greater_total(rows: int, columns: int, seed: int) -> None:
    overlap = np.random.default_rng(seed).random((rows, columns))
    pairs = best_pairs(overlap, least=0.2)
    allowed = np.where(overlap >= 0.2, overlap, 0)
    wide = allowed if rows <= columns else allowed.T
    best = max(
        sum(float(wide[r, c]) for r, c in enumerate(order))
        for order in itertools.permutations(range(wide.shape[1]), wide.shape[0])
    )
    assert sum(float(overlap[pair]) for pair in pairs) == pytest.approx(best)
    assert all(overlap[pair] >= 0.2 for pair in pairs)
    assert len({r for r, _ in pairs}) == len({c for _, c in pairs}) == len(pairs)


def test_nothing_is_paired_where_nothing_overlaps() -> None:
    assert best_pairs(np.zeros((3, 2)), least=0.3) == []
    assert best_pairs(np.zeros((0, 4)), least=0.3) == []
    assert link_sections([[], []], VOLUME).chains == ()


def test_two_balls_side_by_side_are_two_chains() -> None:
    frames = [
        [disc(z, 0, 50, 50, r), disc(z, 1, 72, 50, r)] for z, r in ball(0, 0, 10, 9.5, 20).items()
    ]
    chains = link_sections(frames, VOLUME).chains
    assert [len(chain.sections) for chain in chains] == [19, 19]


def test_a_body_missed_in_two_frames_stays_one() -> None:
    frames = [
        [disc(z, 0, 50, 50, r)] if z not in (8, 9) else []
        for z, r in ball(0, 0, 10, 9.5, 20).items()
    ]
    [chain] = link_sections(frames, VOLUME).chains
    assert len(chain.sections) == 17


def test_a_body_missed_for_long_is_not_taken_for_the_next() -> None:
    frames = [[disc(z, 0, 50, 50, 8.0)] if z < 5 or z > 14 else [] for z in range(20)]
    assert len(link_sections(frames, VOLUME).chains) == 2


def test_the_hand_may_move_farther_than_a_follicle_is_wide() -> None:
    frames = []
    for z in range(12):
        shift = 14.0 * (z % 3)
        frames.append(
            [disc(z, k, 40 + 25 * k + shift, 50 + 9 * (k % 2), 5 + 0.1 * k) for k in range(5)]
        )
    drifts = [(0.0, 0.0), *((14.0, 0.0) if z % 3 else (-28.0, 0.0) for z in range(1, 12))]
    chains = link_sections(frames, LinkRules(), drifts=drifts).chains
    assert [len(chain.sections) for chain in chains] == [12] * 5


def test_pieces_of_one_body_are_put_together() -> None:
    frames = [[disc(z, 0, 50, 50, 10.0)] for z in range(9)]
    frames[4] = [disc(4, 0, 45.5, 50, 5.0), disc(4, 1, 55.5, 50, 5.0)]
    [chain] = link_sections(frames, VOLUME).chains
    assert len(chain.sections) == 9
    assert chain.sections[4].area > 150


def test_two_bodies_drawn_as_one_for_two_frames_stay_two() -> None:
    frames = [[disc(z, 0, 40, 50, 10.0), disc(z, 1, 61, 50, 10.0)] for z in range(10)]
    outline = tuple(
        (50.5 + 20.5 * math.cos(a), 50 + 10 * math.sin(a)) for a in np.linspace(0, 6.2, 60)
    )
    for z in (4, 5):
        frames[z] = [section_of(outline, frame=z, item=0, probability=0.9)]
    chains = link_sections(frames, VOLUME).chains
    assert len(chains) == 2
    assert any(chain.merged == {4, 5} for chain in chains)
    assert max(s.area for chain in chains for s in chain.sections) < 330


def test_every_section_belongs_to_at_most_one_chain() -> None:
    rng = np.random.default_rng(8)
    frames = [
        [disc(z, k, rng.uniform(0, 80), rng.uniform(0, 80), rng.uniform(3, 9)) for k in range(8)]
        for z in range(20)
    ]
    chains = link_sections(frames, LinkRules()).chains
    places = [(s.frame, s.item) for chain in chains for s in chain.sections]
    assert len(places) == len(set(places)) <= 160
    assert all(
        one.frame < other.frame
        for chain in chains
        for one, other in itertools.pairwise(chain.sections)
    )
