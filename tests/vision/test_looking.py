"""Two looks of a network that paints known truth: where outlines land on the frame.

The painted network knows each view because the test hands every view over as it is shown; it
answers what a perfect network would answer through that view, so every error measured here is
one of geometry.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.errors import NotAssessable
from deeppcos.vision import looking
from deeppcos.vision.findings import Polygon
from deeppcos.vision.follicles import FollicleRule
from deeppcos.vision.geometry import area_px
from deeppcos.vision.looking import (
    Look,
    carried,
    finer_views,
    joint_score,
    look_at,
    outline_of,
)
from deeppcos.vision.preprocess import INPUT_SIDE_PX, View, to_tensor
from deeppcos.vision.release import OperatingPoints

Floats = npt.NDArray[np.float32]
Greys = npt.NDArray[np.uint8]
Ellipse = tuple[float, float, float, float]
"""Centre x, centre y, half width and half height, frame pixels."""

POINTS = OperatingPoints(
    ovary_map=0.5,
    lesion_map=0.5,
    close_margin=0.25,
    asks_mirror_image=False,
    ovary_probability=0.5,
    lesion_probability=0.3,
    follicle_interior=0.45,
    follicle_top=0.5,
    follicle_least_area_px=14,
    follicle_least_score=0.5,
)


def signed_share(
    ellipse: Ellipse, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """1 in the centre, 0 on the rim, negative outside."""
    cx, cy, half_width, half_height = ellipse
    return np.asarray(1 - np.hypot((x - cx) / half_width, (y - cy) / half_height))


@dataclass
class Truth:
    """What stands on the frame, and a network that paints it through any view."""

    ovaries: tuple[Ellipse, ...] = ()
    lesions: tuple[Ellipse, ...] = ()
    follicles: tuple[Ellipse, ...] = ()
    strength: float = 1.0
    answers: tuple[float, float] = (0.95, 0.05)
    unseen_below_px: float = 0.0
    """Half width in the network's view under which a shape is overlooked."""

    views: list[View] = field(default_factory=list)

    def network(self, pictures: Floats) -> tuple[Floats, Floats]:
        assert pictures.shape[1:] == (1, INPUT_SIDE_PX, INPUT_SIDE_PX)
        view = self.views[-1]
        step = (np.arange(INPUT_SIDE_PX) + 0.5) / view.scale - 0.5
        x, y = np.meshgrid(step + view.x, step + view.y)
        maps = np.zeros((1, 4, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
        for channel, shapes in enumerate((self.ovaries, self.lesions, self.follicles)):
            for shape in shapes:
                if min(shape[2:]) * view.scale < self.unseen_below_px:
                    continue
                edge = 0.5 + signed_share(shape, x, y) * min(shape[2:]) * view.scale
                maps[0, channel] = np.maximum(maps[0, channel], np.clip(edge, 0, 1))
        maps[0, :2] *= self.strength
        for shape in self.follicles:
            maps[0, 3] = np.maximum(maps[0, 3], signed_share(shape, x, y))
        answers = np.array([self.answers], np.float32)
        if len(pictures) == 1:
            return maps, answers
        assert np.array_equal(pictures[1], pictures[0][..., ::-1])
        return np.concatenate([maps, maps[..., ::-1]]), np.concatenate([answers, 0 * answers])


class Looker(Protocol):
    """Looks at a textured frame of a size on which the truth stands."""

    def __call__(
        self, truth: Truth, width: int, height: int, points: OperatingPoints = POINTS
    ) -> Look: ...


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Looker:
    """Look at a textured frame of a size, the truth painted by a perfect network."""

    def looked(truth: Truth, width: int, height: int, points: OperatingPoints = POINTS) -> Look:
        def shown(grey: Greys, view: View) -> Floats:
            truth.views.append(view)
            return to_tensor(grey, view)

        monkeypatch.setattr(looking, "to_tensor", shown)
        rng = np.random.default_rng(0)
        grey = rng.integers(30, 180, (height, width)).astype(np.uint8)
        return look_at(grey, truth.network, points=points, rule=FollicleRule())

    return looked


def distance_to_rim(polygon: Polygon, ellipse: Ellipse) -> float:
    """Farthest any corner lies from the ellipse, pixels, to first order."""
    points = np.array(polygon)
    return float(np.abs(signed_share(ellipse, points[:, 0], points[:, 1])).max() * max(ellipse[2:]))


def ellipse_area(ellipse: Ellipse) -> float:
    return float(np.pi * ellipse[2] * ellipse[3])


SCENES = [
    pytest.param(320, 240, (150.0, 120.0, 70.0, 50.0), id="small frame"),
    pytest.param(640, 480, (330.5, 250.2, 85.0, 60.0), id="usual frame"),
    pytest.param(640, 480, (80.0, 70.0, 60.0, 45.0), id="in a corner"),
    pytest.param(480, 640, (200.0, 500.0, 70.0, 80.0), id="upright frame"),
    pytest.param(1024, 768, (600.0, 300.0, 85.0, 70.0), id="large frame"),
]


@pytest.mark.parametrize(("width", "height", "ovary"), SCENES)
def test_the_outline_of_the_ovary_lands_within_a_pixel(
    look: Looker, width: int, height: int, ovary: Ellipse
) -> None:
    found = look(Truth(ovaries=(ovary,)), width, height)
    assert len(found.ovaries) == 1
    polygon = found.ovaries[0].polygon
    assert distance_to_rim(polygon, ovary) <= 1.0
    assert area_px(polygon) == pytest.approx(ellipse_area(ovary), rel=0.03)


@pytest.mark.parametrize(("width", "height", "ovary"), SCENES)
def test_every_follicle_lands_within_a_pixel(
    look: Looker, width: int, height: int, ovary: Ellipse
) -> None:
    x, y, a, b = ovary
    follicles = tuple(
        (x + dx * a, y + dy * b, 9.0, 8.0)
        for dx, dy in ((-0.5, 0.0), (0.5, 0.1), (0.0, -0.5), (0.0, 0.5))
    )
    found = look(Truth(ovaries=(ovary,), follicles=follicles), width, height)
    polygons = [f.polygon for f in found.ovaries[0].follicles]
    assert len(polygons) == 4
    for follicle in follicles:
        assert min(distance_to_rim(polygon, follicle) for polygon in polygons) <= 1.0


@pytest.mark.parametrize(("width", "height", "ovary"), SCENES)
def test_asking_the_mirror_image_too_moves_nothing(
    look: Looker, width: int, height: int, ovary: Ellipse
) -> None:
    both = POINTS.model_copy(update={"asks_mirror_image": True})
    follicle = (ovary[0] - 0.4 * ovary[2], ovary[1], 9.0, 8.0)
    truth = Truth(ovaries=(ovary,), follicles=(follicle,), answers=(0.9, 0.1))
    found = look(truth, width, height, both)
    assert found.ovary_answer == pytest.approx(0.45)
    assert distance_to_rim(found.ovaries[0].polygon, ovary) <= 1.0
    assert distance_to_rim(found.ovaries[0].follicles[0].polygon, follicle) <= 1.0


def test_an_ovary_larger_than_the_network_lands_within_a_network_pixel(look: Looker) -> None:
    ovary = (640.0, 480.0, 400.0, 300.0)
    truth = Truth(ovaries=(ovary,))
    (found,) = look(truth, 1280, 960).ovaries
    assert distance_to_rim(found.polygon, ovary) <= 1.0 / truth.views[-1].scale


def test_the_second_look_is_closer_than_the_first(look: Looker) -> None:
    truth = Truth(ovaries=((330.0, 250.0, 60.0, 45.0),))
    look(truth, 640, 480)
    whole, close = truth.views
    assert whole.side == 640.0
    assert close.side == pytest.approx(120.0 * 1.5, rel=0.06)
    assert close.x + close.side / 2 == pytest.approx(330.0, abs=2.5)


def test_touching_follicles_come_out_as_two(look: Looker) -> None:
    pair = ((305.0, 250.0, 16.0, 16.0), (336.0, 250.0, 16.0, 16.0))
    (ovary,) = look(Truth(ovaries=((320.0, 250.0, 80.0, 60.0),), follicles=pair), 640, 480).ovaries
    assert len(ovary.follicles) == 2
    areas = [area_px(f.polygon) for f in ovary.follicles]
    assert areas == pytest.approx([ellipse_area(pair[0])] * 2, rel=0.1)


def test_fluid_outside_the_ovary_is_no_follicle(look: Looker) -> None:
    truth = Truth(
        ovaries=((320.0, 250.0, 60.0, 45.0),),
        follicles=((320.0, 250.0, 10.0, 10.0), (395.0, 250.0, 9.0, 9.0)),
    )
    (ovary,) = look(truth, 640, 480).ovaries
    assert len(ovary.follicles) == 1


def test_two_ovaries_are_both_outlined(look: Looker) -> None:
    both = ((150.0, 240.0, 70.0, 50.0), (480.0, 240.0, 60.0, 50.0))
    found = look(Truth(ovaries=both), 640, 480).ovaries
    assert len(found) == 2
    for ovary in both:
        assert min(distance_to_rim(f.polygon, ovary) for f in found) <= 1.5


def test_lesions_are_outlined_in_the_first_look(look: Looker) -> None:
    lesion = (300.0, 240.0, 110.0, 80.0)
    truth = Truth(lesions=(lesion,), answers=(0.1, 0.9))
    found = look(truth, 640, 480)
    assert found.ovaries == ()
    assert len(truth.views) == 1
    assert distance_to_rim(found.lesions[0].polygon, lesion) <= 1.0 / truth.views[0].scale
    assert found.lesion_answer == pytest.approx(0.9)


def test_a_faint_ovary_is_still_outlined_with_a_low_score(look: Looker) -> None:
    ovary = (320.0, 250.0, 80.0, 60.0)
    (sure,) = look(Truth(ovaries=(ovary,)), 640, 480).ovaries
    (faint,) = look(Truth(ovaries=(ovary,), strength=0.3, answers=(0.2, 0.1)), 640, 480).ovaries
    assert faint.score < 0.4 < 0.9 < sure.score
    assert distance_to_rim(faint.polygon, ovary) <= 2.0


def test_a_map_without_a_peak_shows_nothing(look: Looker) -> None:
    faint = Truth(ovaries=((320.0, 250.0, 80.0, 60.0),), strength=0.14)
    assert look(faint, 640, 480).ovaries == ()


def test_a_black_picture_is_not_assessable() -> None:
    with pytest.raises(NotAssessable):
        look_at(np.zeros((300, 300), np.uint8), Truth().network, points=POINTS, rule=FollicleRule())


def test_the_joint_score_is_the_mean_on_the_log_odds_scale() -> None:
    assert joint_score((0.8,)) == pytest.approx(0.8)
    assert joint_score((0.8, 0.2)) == pytest.approx(0.5)
    assert joint_score((0.9, 0.9, 0.5)) > 0.5


def test_a_map_carried_between_views_keeps_its_place_on_the_frame() -> None:
    whole, close = View(x=0.0, y=-80.0, side=640.0), View(x=230.0, y=160.0, side=180.0)
    ellipse = (320.0, 250.0, 50.0, 40.0)

    def painted(view: View) -> Floats:
        truth = Truth(ovaries=(ellipse,), views=[view])
        maps, _ = truth.network(np.zeros((1, 1, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32))
        return np.asarray(maps[0, 0], np.float32)

    moved = carried(painted(whole), whole, close) > 0.5
    wanted = painted(close) > 0.5
    assert (moved & wanted).sum() / (moved | wanted).sum() > 0.97


def test_an_outline_runs_along_pixel_edges() -> None:
    mask = np.zeros((INPUT_SIDE_PX, INPUT_SIDE_PX), bool)
    mask[100:140, 60:120] = True
    polygon = np.array(outline_of(mask, View(x=0.0, y=0.0, side=float(INPUT_SIDE_PX))))
    assert polygon.min(axis=0) == pytest.approx([59.5, 99.5], abs=0.2)
    assert polygon.max(axis=0) == pytest.approx([119.5, 139.5], abs=0.2)


def test_an_empty_mask_has_no_outline() -> None:
    mask = np.zeros((INPUT_SIDE_PX, INPUT_SIDE_PX), bool)
    assert outline_of(mask, View(x=0.0, y=0.0, side=300.0)) == ()


def test_one_ovary_seen_as_two_from_afar_is_not_counted_twice(look: Looker) -> None:
    """Two lobes apart in the whole view that join in the close one."""
    lobes = ((280.0, 250.0, 38.0, 40.0), (366.0, 250.0, 38.0, 40.0))
    bridge = (323.0, 250.0, 20.0, 24.0)
    truth = Truth(ovaries=lobes)
    perfect = truth.network

    def near_sees_the_bridge(pictures: Floats) -> tuple[Floats, Floats]:
        truth.ovaries = lobes if len(truth.views) == 1 else (*lobes, bridge)
        return perfect(pictures)

    truth.network = near_sees_the_bridge  # type: ignore[method-assign]
    found = look(truth, 640, 480).ovaries
    assert len(found) in (1, 2)
    if len(found) == 2:
        one, other = (np.array(o.polygon)[:, 0].mean() for o in found)
        assert abs(one - other) > 40


FINER = POINTS.model_copy(update={"finer_squares": 3, "close_looks": 2})


@pytest.mark.parametrize(("width", "height", "ovary"), SCENES)
def test_finer_squares_leave_an_outline_within_a_pixel(
    look: Looker, width: int, height: int, ovary: Ellipse
) -> None:
    found = look(Truth(ovaries=(ovary,)), width, height, FINER)
    assert len(found.ovaries) == 1
    assert distance_to_rim(found.ovaries[0].polygon, ovary) <= 1.0


def test_an_ovary_too_small_for_the_whole_view_is_found_in_a_finer_square(look: Looker) -> None:
    small = Truth(ovaries=((330.0, 250.0, 30.0, 24.0),), unseen_below_px=14.0)
    assert look(small, 640, 480).ovaries == ()
    found = look(small, 640, 480, FINER)
    assert len(found.ovaries) == 1
    assert area_px(found.ovaries[0].polygon) == pytest.approx(
        ellipse_area(small.ovaries[0]), rel=0.1
    )


def test_lesions_are_read_from_the_whole_view_alone(look: Looker) -> None:
    small = Truth(lesions=((330.0, 250.0, 30.0, 24.0),), unseen_below_px=14.0)
    assert look(small, 640, 480, FINER).lesions == ()


def test_a_close_look_follows_the_outline_of_the_one_before(look: Looker) -> None:
    # In the whole view half of the ovary is seen; the first close look shows the rest.
    half = Truth(ovaries=((300.0, 240.0, 40.0, 40.0), (360.0, 240.0, 90.0, 60.0)))
    once, twice = (
        look(half, 640, 480, POINTS.model_copy(update={"close_looks": looks})).ovaries
        for looks in (1, 2)
    )
    assert len(once) == len(twice) == 1
    close = [view for view in half.views if view.side < 640]
    assert len(close) == 3, "one close look, then two"


@pytest.mark.parametrize("a_side", [2, 3, 4])
def test_finer_squares_cover_the_view_and_stay_inside(a_side: int) -> None:
    view = View(x=-40.0, y=12.0, side=640.0)
    covered = np.zeros((INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
    for square in finer_views(view, a_side):
        assert square.side == 320.0
        assert -40.0 <= square.x <= 280.0
        assert 12.0 <= square.y <= 332.0
        covered += carried(np.ones_like(covered), square, view)
    assert covered[2:-2, 2:-2].min() >= 1.0


def test_without_finer_squares_nothing_else_is_looked_at() -> None:
    assert finer_views(View(x=0.0, y=0.0, side=100.0), 0) == []


def test_squares_without_tissue_are_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def network(pictures: Floats) -> tuple[Floats, Floats]:
        asked.append(float((pictures > 0.02).mean()))
        side = INPUT_SIDE_PX
        return np.zeros((len(pictures), 4, side, side), np.float32), np.zeros(
            (len(pictures), 2), np.float32
        )

    grey = np.zeros((480, 640), np.uint8)
    grey[:, :300] = 90
    grey[200:210] = 90
    look_at(grey, network, points=FINER, rule=FollicleRule())
    assert 1 < len(asked) < 10
    assert min(asked) >= 0.2
