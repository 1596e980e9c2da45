"""Graphics drawn over phantom pictures, of which every pixel is known."""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.learning.phantom import (
    PhantomSection,
    Plane,
    ProbeSettings,
    burn_in,
    draw_section,
    ovary_calipers,
    random_ovary,
)
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.graphics import CleanFrame, neutralise_graphics

YELLOW = (255, 255, 0)
GREEN = (0, 255, 60)
ORANGE = (255, 140, 0)
SEPIA = np.array([1.0, 0.89, 0.74])
BLUISH = np.array([0.82, 0.9, 1.0])
Greys = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint8]


@lru_cache(maxsize=4)
def bare(seed: int = 1) -> PhantomSection:
    rng = np.random.default_rng(seed)
    ovary = random_ovary(rng, follicle_count=10, volume_ml=9.0)
    return draw_section(ovary, ProbeSettings(), plane=Plane(depth_mm=28.0), rng=rng)


def cleaned(pixels: Pixels) -> CleanFrame:
    return neutralise_graphics(UltrasoundFrame(source="a.png", index=0, pixels=pixels))


def grey_of(pixels: Pixels) -> Greys:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def measured(section: PhantomSection, colour: tuple[int, int, int] = YELLOW) -> PhantomSection:
    """The section with calipers on the ovary, a dotted line between, read-outs and a name."""
    drawn = burn_in(
        section, calipers=ovary_calipers(section), texts=(("LT OV", (20, 60)),), colour=colour
    )
    return drawn.section


def is_near(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Drawn, or within the three pixels that smear and widening reach."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)), bool)


def compressed(pixels: Pixels, *, quality: int) -> Pixels:
    """As a JPEG with halved chroma leaves it."""
    ok, content = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert ok
    shown = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)
    return shown[..., ::-1].copy()


@pytest.mark.parametrize("colour", [YELLOW, GREEN, ORANGE])
def test_coloured_calipers_dots_and_text_are_found(colour: tuple[int, int, int]) -> None:
    section = measured(bare(), colour)
    clean = cleaned(section.pixels)
    assert clean.graphics_mask[section.graphics_mask].mean() >= 0.95
    assert clean.graphics_mask[~is_near(section.graphics_mask)].mean() < 0.01


@pytest.mark.parametrize(("quality", "least"), [(95, 0.95), (85, 0.94), (75, 0.90)])
def test_they_are_found_behind_jpeg_too(quality: int, least: float) -> None:
    section = measured(bare())
    clean = cleaned(compressed(section.pixels, quality=quality))
    assert clean.graphics_mask[section.graphics_mask].mean() >= least
    assert clean.graphics_mask[~is_near(section.graphics_mask)].mean() < 0.01


def test_the_filled_picture_is_closer_to_the_clean_one_than_the_drawn_one() -> None:
    section = measured(bare())
    clean = grey_of(section.clean_pixels).astype(np.float64)
    filled, drawn = cleaned(section.pixels).grey, grey_of(section.pixels)
    there = section.graphics_mask
    left = np.abs(filled - clean)[there].mean()
    assert left < 0.35 * np.abs(drawn - clean)[there].mean()
    untouched = ~cleaned(section.pixels).graphics_mask
    assert np.array_equal(filled[untouched], drawn[untouched])


def test_white_crosses_are_found() -> None:
    pixels = bare().pixels.copy()
    there = np.zeros(pixels.shape[:2], bool)
    for x, y in ((250, 200), (400, 320)):
        pixels[y, x - 4 : x + 5] = pixels[y - 4 : y + 5, x] = 250
        there[y, x - 4 : x + 5] = there[y - 4 : y + 5, x] = True
    clean = cleaned(pixels)
    assert "white_marks" in clean.kinds
    assert clean.graphics_mask[there].mean() >= 0.95
    assert clean.graphics_mask[~is_near(there)].mean() < 0.01


@pytest.mark.xfail(reason="letters that touch are longer than a glyph may be, and stay")
def test_saturated_white_lettering_is_found() -> None:
    section = bare()
    drawn = burn_in(section, texts=(("1 D 3.29cm", (500, 440)),), colour=(250, 250, 250)).section
    clean = cleaned(drawn.pixels)
    assert "white_marks" in clean.kinds
    saturated = drawn.graphics_mask & (grey_of(drawn.pixels) > 220)
    assert clean.graphics_mask[saturated].mean() >= 0.95


def test_where_nothing_is_drawn_nothing_changes() -> None:
    """Below the level of drawn strokes: brighter speckle may be taken for one, see below."""
    pixels = np.minimum(bare().pixels, 200)
    clean = cleaned(pixels)
    assert clean.kinds == ()
    assert not clean.graphics_mask.any()
    assert np.array_equal(clean.grey, grey_of(pixels))


@pytest.mark.parametrize("seed", [2, 3])
def test_hardly_any_tissue_is_taken_for_graphics(seed: int) -> None:
    assert cleaned(bare(seed).pixels).graphics_mask.mean() < 0.01


@pytest.mark.parametrize("tint", [SEPIA, BLUISH], ids=["sepia", "bluish"])
def test_a_tinted_picture_is_not_taken_for_graphics(tint: npt.NDArray[np.float64]) -> None:
    tinted = np.asarray(np.round(bare().pixels * tint), np.uint8)
    assert cleaned(tinted).graphics_mask.mean() < 0.01


def test_yellow_calipers_are_found_on_a_sepia_picture() -> None:
    section = measured(bare())
    tinted = np.asarray(np.round(bare().pixels * SEPIA), np.uint8)
    tinted[section.graphics_mask] = section.pixels[section.graphics_mask]
    clean = cleaned(tinted)
    assert clean.graphics_mask[section.graphics_mask].mean() >= 0.95


def with_colour_box(section: PhantomSection) -> Pixels:
    """A Doppler patch of red and blue flow."""
    pixels = section.pixels.copy()
    rng = np.random.default_rng(5)
    flow = cv2.GaussianBlur(rng.normal(0, 1, (70, 90)).astype(np.float32), (0, 0), 8)
    patch = np.zeros((70, 90, 3), np.uint8)
    patch[np.asarray(flow) > 0] = (210, 40, 20)
    patch[np.asarray(flow) <= 0] = (20, 60, 210)
    pixels[200:270, 280:370] = patch
    return pixels


def test_colour_flow_is_found_and_named() -> None:
    clean = cleaned(with_colour_box(bare()))
    assert "colour_doppler" in clean.kinds
    assert clean.graphics_mask[200:270, 280:370].mean() >= 0.95


def test_a_lone_cross_is_called_a_mark() -> None:
    pixels = np.minimum(bare().pixels, 200)
    cv2.line(pixels, (300, 240), (308, 240), YELLOW, 1)
    cv2.line(pixels, (304, 236), (304, 244), YELLOW, 1)
    assert "coloured_marks" in cleaned(pixels).kinds
    assert "colour_doppler" not in cleaned(pixels).kinds


def test_a_yellow_cross_is_not_called_white() -> None:
    pixels = np.minimum(bare().pixels, 200)
    pixels[236:245, 304] = pixels[240, 300:309] = YELLOW
    assert cleaned(pixels).kinds == ("coloured_marks",)


def test_calipers_are_not_called_colour_doppler() -> None:
    assert "colour_doppler" not in cleaned(measured(bare()).pixels).kinds
