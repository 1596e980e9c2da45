"""Bodies that look like a corpus luteum: echoes inside, in outlines large enough to tell."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.vision.findings import Follicle, FollicleKind, Interval, Ovary, Polygon
from deeppcos.vision.luteal_bodies import (
    FITTED_WITH,
    LEAST_MM,
    Appearance,
    appearances,
    luteal_like,
    sign_of,
)
from deeppcos.vision.release import SHIPPED, read_manifest

Grey = npt.NDArray[np.uint8]


def circle(x: float, y: float, radius: float) -> Polygon:
    at = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return tuple((float(x + radius * np.cos(a)), float(y + radius * np.sin(a))) for a in at)


def follicle(x: float, y: float, radius: float, *, mm: float | None) -> Follicle:
    kind = FollicleKind.UNSIZED if mm is None else FollicleKind.ANTRAL
    return Follicle(polygon=circle(x, y, radius), probability=0.95, mean_diameter_mm=mm, kind=kind)


def ovary(*follicles: Follicle) -> Ovary:
    return Ovary(
        polygon=circle(200, 150, 90),
        probability=0.9,
        follicles=follicles,
        follicle_count_section=Interval(value=2, low=1, high=4),
        length_mm=36.0,
        width_mm=30.0,
        area_mm2=None,
    )


def picture(*bodies: tuple[float, float, float, int]) -> Grey:
    """Stroma of grey 90, with bodies of a grey each."""
    grey = np.full((320, 400), 90, np.uint8)
    for x, y, radius, level in bodies:
        cv2.circle(grey, (int(x), int(y)), int(radius), level, -1)
    return grey


HAZY, CLEAR = (160.0, 150.0, 24.0), (245.0, 150.0, 24.0)


def test_a_body_with_echoes_inside_is_named_and_a_fluid_one_is_not() -> None:
    seen = ovary(follicle(*HAZY, mm=8.5), follicle(*CLEAR, mm=8.5))
    grey = picture((*HAZY, 65), (*CLEAR, 3))
    assert luteal_like(grey, seen) == (0,)


def test_the_rule_was_fitted_with_the_release_that_ships() -> None:
    """It stands on its probabilities: ``benchmarks/corpus_luteum.py --fit``, then measure."""
    assert read_manifest(SHIPPED).name == FITTED_WITH


def test_enhancement_behind_a_body_speaks_against_it() -> None:
    seen = ovary(follicle(*HAZY, mm=8.5))
    grey = picture((*HAZY, 25))
    bright = grey.copy()
    bright[176:220, 140:180] = 230
    plain, enhanced = appearances(grey, seen, [0])[0], appearances(bright, seen, [0])[0]
    assert plain is not None
    assert enhanced is not None
    assert sign_of(plain, 0.95) > sign_of(enhanced, 0.95)


@pytest.mark.parametrize("mm", [None, LEAST_MM - 0.1], ids=["unsized", "small"])
def test_without_millimetres_or_under_the_least_size_nothing_is_said(mm: float | None) -> None:
    seen = ovary(follicle(*HAZY, mm=mm))
    assert luteal_like(picture((*HAZY, 45)), seen) == ()


def test_an_ovary_without_tissue_to_compare_with_is_left_open() -> None:
    full = ovary(follicle(200, 150, 90, mm=30.0))
    assert appearances(picture((200, 150, 90, 45)), full, [0]) == (None,)
    assert luteal_like(picture((200, 150, 90, 45)), full) == ()


def test_a_doubtful_outline_is_not_taken_for_one() -> None:
    look = Appearance(echo=-0.6, enhancement=0.9)
    assert sign_of(look, 0.95) > 0 > sign_of(look, 0.3)


def test_an_ovary_at_the_border_of_the_picture_is_measured_within_it() -> None:
    seen = ovary(follicle(*HAZY, mm=8.5))
    shifted = replace(
        seen,
        polygon=tuple((x - 130, y) for x, y in seen.polygon),
        follicles=(replace(seen.follicles[0], polygon=circle(30, 150, 24)),),
    )
    (look,) = appearances(picture((30, 150, 24, 45)), shifted, [0])
    assert look is not None
    assert look.echo == pytest.approx(np.log(48 / 93), abs=0.02)
