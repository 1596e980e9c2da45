"""Chains cut and joined until each is one body, against balls whose every section is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from deeppcos.vision.body_fit import Spacing, costs_of, fit_of, run_of
from deeppcos.vision.body_separation import SeparateBody, separate_bodies
from deeppcos.vision.sections import Chain, Section, section_of

PLACES = np.zeros((80, 2))
LEAST = 0.8


@dataclass(frozen=True)
class Ball:
    x: float
    y: float
    z: float
    radius: float


def sections_of(balls: Sequence[Ball], *, step: float, seen_from: float = LEAST) -> list[Section]:
    """Sections in order of frames; where two balls meet in a frame, both."""
    found = []
    for frame in range(80):
        for item, ball in enumerate(balls):
            squared = ball.radius**2 - (frame * step - ball.z) ** 2
            if squared > seen_from**2:
                at = np.linspace(0, 2 * math.pi, 48, endpoint=False)
                outline = np.array([ball.x, ball.y]) + math.sqrt(squared) * np.stack(
                    [np.cos(at), np.sin(at)], axis=1
                )
                polygon = tuple((float(x), float(y)) for x, y in outline)
                found.append(section_of(polygon, frame=frame, item=item, probability=0.9))
    return found


def spacing(step: float) -> Spacing:
    return Spacing(step=step, usual_radius=2.0, least_radius=LEAST, first=0, last=79)


def separated(chains: Sequence[Chain], *, step: float) -> tuple[SeparateBody, ...]:
    return separate_bodies(
        chains, places=PLACES, unit=(1.0, 1.0), spacing=spacing(step), longest_gap=2
    )


@pytest.mark.parametrize("radius", [1.2, 2.0, 3.5, 7.0])
@pytest.mark.parametrize("step", [0.25, 0.5, 1.0])
def test_one_ball_stays_one_body_of_its_own_size(radius: float, step: float) -> None:
    chain = Chain(sections=tuple(sections_of([Ball(0, 0, 10.1, radius)], step=step)))
    [body] = separated([chain], step=step)
    assert body.chain.sections == chain.sections
    assert body.fit.radius == pytest.approx(radius, rel=0.06)
    assert body.fit.frames_expected == pytest.approx(len(chain.sections), abs=1.5)


@pytest.mark.parametrize("step", [0.25, 0.5, 1.0])
def test_a_body_behind_another_is_cut_off_at_the_waist(step: float) -> None:
    near, far = Ball(0, 0, 5.0, 2.5), Ball(0.5, 0.3, 10.1, 2.5)
    sections = sections_of([near, far], step=step)
    bodies = separated([Chain(sections=tuple(sections))], step=step)
    assert [body.chain.first * step < 7.6 for body in bodies] == [True, False]
    assert [body.fit.radius for body in bodies] == pytest.approx([2.5, 2.5], rel=0.1)


def test_a_large_body_behind_a_small_one_beside_it_is_told_by_its_place() -> None:
    sections = sections_of([Ball(0, 0, 5.0, 1.5), Ball(2.6, 0, 8.3, 2.2)], step=0.5)
    assert len(separated([Chain(sections=tuple(sections))], step=0.5)) == 2


def test_parts_of_one_body_parted_by_missed_frames_are_put_together() -> None:
    sections = sections_of([Ball(0, 0, 8.0, 3.0)], step=0.5)
    early = Chain(sections=tuple(sections[:4]))
    late = Chain(sections=tuple(sections[6:]))
    [body] = separated([early, late], step=0.5)
    assert len(body.chain.sections) == len(sections) - 2


def test_a_chain_that_runs_on_into_the_wrong_body_is_put_right_at_both_ends() -> None:
    left = sections_of([Ball(0, 0, 6.0, 2.5)], step=0.5)
    right = sections_of([Ball(3.5, 0, 9.5, 2.5)], step=0.5)
    wrong = Chain(sections=(*left[:7], *right[5:]))
    rest = Chain(sections=tuple(right[:5]))
    tail = Chain(sections=tuple(left[7:]))
    bodies = separated([wrong, rest, tail], step=0.5)
    assert sorted(len(body.chain.sections) for body in bodies) == sorted([len(left), len(right)])
    assert all(len({s.centre[0] > 1.75 for s in body.chain.sections}) == 1 for body in bodies)


def test_a_single_slip_of_the_area_is_no_waist() -> None:
    sections = sections_of([Ball(0, 0, 8.0, 4.0)], step=0.5)
    small = sections_of([Ball(0, 0, sections[7].frame * 0.5, 2.4)], step=0.5, seen_from=2.3)
    [slip] = [one for one in small if one.frame == sections[7].frame]
    sections[7] = slip
    assert len(separated([Chain(sections=tuple(sections))], step=0.5)) == 1


def test_no_section_is_lost_or_used_twice() -> None:
    rng = np.random.default_rng(5)
    chains = []
    for _ in range(12):
        balls = [
            Ball(float(rng.uniform(0, 12)), float(rng.uniform(0, 12)), 4.0 + 5 * k, 2.2)
            for k in range(3)
        ]
        chains.append(Chain(sections=tuple(sections_of(balls, step=0.5))))
    bodies = separated(chains, step=0.5)
    given = sorted(id(s) for chain in chains for s in chain.sections)
    assert sorted(id(s) for body in bodies for s in body.chain.sections) == given


def test_a_ball_cut_once_is_taken_for_a_little_wider_than_its_section() -> None:
    [section] = sections_of([Ball(0, 0, 5.0, 1.0)], step=1.0)
    run = run_of([section], joint=frozenset(), places=PLACES, unit=(1.0, 1.0))
    assert 1.0 < fit_of(run, spacing(1.0)).radius < 1.1


def test_sections_of_a_column_cost_more_than_those_of_a_ball() -> None:
    ball = sections_of([Ball(0, 0, 8.0, 3.0)], step=0.5)
    column = [
        section_of(tuple(map(tuple, ball[5].hull[:, 0].tolist())), frame=f, item=0, probability=0.9)
        for f in range(5, 35)
    ]
    costs = [
        costs_of(run_of(own, joint=frozenset(), places=PLACES, unit=(1.0, 1.0)), spacing(0.5)).cost[
            0, -1
        ]
        for own in (ball, column)
    ]
    assert costs[0] < 1 < 4 < costs[1]
