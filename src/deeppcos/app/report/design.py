"""The design system of the reports: colours, line styles and type, in one place.

Owns what HTML, PDF and overlay pictures share, so that a state or a mark looks the same
everywhere. Colour never carries meaning alone: every state has a word and a shape too.
"""

from dataclasses import dataclass
from importlib.resources import files

LIGHT: dict[str, str] = {
    "paper": "#f5f4f1",
    "card": "#ffffff",
    "sunken": "#f1f2f5",
    "ink": "#17202c",
    "muted": "#4d5968",
    "line": "#d5dae1",
    "accent": "#2c4a94",
    "accent-soft": "#e9eef9",
    "present": "#2c4a94",
    "absent": "#44525f",
    "unknown": "#7d4f00",
    "not-assessable": "#5c5470",
    "alert": "#a0152a",
    "alert-soft": "#fdeef0",
    "caution-soft": "#fdf5e4",
    "ramp-0": "#dbe3f3",
    "ramp-1": "#a9bce3",
    "ramp-2": "#5373bd",
    "ramp-3": "#2c4a94",
    "on-ramp-0": "#17202c",
    "on-ramp-1": "#17202c",
    "on-ramp-2": "#ffffff",
    "on-ramp-3": "#ffffff",
    "hatch": "#8b95a3",
}
"""Colours on a light ground and on paper. Text colours reach 4.5:1 on paper and card."""

DARK: dict[str, str] = {
    "paper": "#10151d",
    "card": "#18202b",
    "sunken": "#202a37",
    "ink": "#e8ecf2",
    "muted": "#a9b4c3",
    "line": "#334152",
    "accent": "#9db8f5",
    "accent-soft": "#1f2b45",
    "present": "#9db8f5",
    "absent": "#b4bfcc",
    "unknown": "#f0bd5c",
    "not-assessable": "#c2b6dd",
    "alert": "#ff9aa5",
    "alert-soft": "#3a1b22",
    "caution-soft": "#33290f",
    "ramp-0": "#263348",
    "ramp-1": "#3b548c",
    "ramp-2": "#7393dd",
    "ramp-3": "#b5caff",
    "on-ramp-0": "#e8ecf2",
    "on-ramp-1": "#ffffff",
    "on-ramp-2": "#10151d",
    "on-ramp-3": "#10151d",
    "hatch": "#77859a",
}
"""The same names on a dark ground."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkStyle:
    """How one kind of outline is drawn on a picture.

    Attributes:
        colour: Hex colour, chosen for the eye that cannot tell red from green.
        width: Line width in points of a 640-pixel picture.
        dashes: Dash pattern in the same unit; empty for a solid line.
        meaning: What the legend says.
        legend_on_paper: Colour and line in words, for print without colour.
    """

    colour: str
    width: float
    dashes: tuple[float, ...]
    meaning: str
    legend_on_paper: str


MARKS: dict[str, MarkStyle] = {
    "ovary": MarkStyle(
        colour="#56b4e9", width=1.6, dashes=(), meaning="ovary", legend_on_paper="blue solid"
    ),
    "antral": MarkStyle(
        colour="#f4dc4e",
        width=1.2,
        dashes=(),
        meaning="follicle 2–9.9 mm",
        legend_on_paper="yellow solid",
    ),
    "unsized": MarkStyle(
        colour="#f4dc4e",
        width=1.2,
        dashes=(4, 2),
        meaning="follicle, no scale",
        legend_on_paper="yellow dashed",
    ),
    "dominant": MarkStyle(
        colour="#ff9a3c",
        width=2.2,
        dashes=(),
        meaning="10 mm and over",
        legend_on_paper="orange thick",
    ),
    "below_range": MarkStyle(
        colour="#ffffff",
        width=1.2,
        dashes=(2, 2),
        meaning="under 2 mm, not counted",
        legend_on_paper="white dotted",
    ),
    "doubtful": MarkStyle(
        colour="#8fb6cc",
        width=1.1,
        dashes=(5, 5),
        meaning="doubtful ovary: nothing is measured in it",
        legend_on_paper="pale blue dashed",
    ),
    "uncounted": MarkStyle(
        colour="#b9b7a4",
        width=0.9,
        dashes=(1.5, 3),
        meaning="in a doubtful ovary, not counted",
        legend_on_paper="grey dotted",
    ),
    "luteal_like": MarkStyle(
        colour="#c7a6ff",
        width=1.8,
        dashes=(3, 3),
        meaning="corpus-luteum-like, research flag",
        legend_on_paper="violet ring of short dashes",
    ),
    "lesion": MarkStyle(
        colour="#ee93c8",
        width=1.6,
        dashes=(7, 3),
        meaning="other structure, not a follicle",
        legend_on_paper="pink dashed",
    ),
}
"""Outline styles by kind: hue from the Okabe-Ito set, told apart by line as well."""

MARK_REFERENCE_WIDTH = 640
"""Picture width, pixels, for which the widths in ``MARKS`` are meant."""


def font_file(*, bold: bool = False) -> str:
    """Path of the Bitstream Vera font that comes with reportlab (free to embed)."""
    return str(files("reportlab").joinpath("fonts", "VeraBd.ttf" if bold else "Vera.ttf"))
