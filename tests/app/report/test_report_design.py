"""Colours can be read by everyone, and no two marks look alike."""

from itertools import combinations
from pathlib import Path

import pytest

from deeppcos.app.report.design import DARK, LIGHT, MARKS, font_file

GROUNDS = ("paper", "card", "sunken")
INKS = ("ink", "muted", "accent", "present", "absent", "unknown", "not-assessable", "alert")


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("ink", INKS)
def test_text_reaches_wcag_aa(colours: dict[str, str], ground: str, ink: str) -> None:
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [("ink", "accent-soft"), ("accent", "accent-soft"), ("alert", "alert-soft")]
    + [("ink", "alert-soft"), ("muted", "accent-soft")]
    + [(f"on-ramp-{grade}", f"ramp-{grade}") for grade in range(4)],
)
def test_tinted_grounds_reach_wcag_aa(colours: dict[str, str], ink: str, ground: str) -> None:
    assert contrast(colours[ink], colours[ground]) >= 4.5


def test_both_grounds_name_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()


def test_no_two_marks_share_colour_and_line() -> None:
    looks = [(mark.colour, mark.dashes) for mark in MARKS.values()]
    assert all(one != other for one, other in combinations(looks, 2))


def test_marks_stand_out_on_dark_tissue() -> None:
    assert all(contrast(mark.colour, "#404040") >= 3.0 for mark in MARKS.values())


@pytest.mark.parametrize("is_bold", [False, True])
def test_the_font_comes_with_the_default_install(is_bold: bool) -> None:
    assert Path(font_file(bold=is_bold)).is_file()
