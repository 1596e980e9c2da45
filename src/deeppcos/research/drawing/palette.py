"""Colours of one theme, as whoever asks for a picture gives them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of one theme, as hex.

    Attributes:
        ink: Text.
        muted: Quiet text and axes.
        line: Grid.
        paper: Ground.
        accent: Bars and points.
        caution: Changes.
        sunken: What is withheld.
        hatch: Its hatching.
        ramp: Four grades, from none to marked.
        on_ramp: Text on each of them.
    """

    ink: str
    muted: str
    line: str
    paper: str
    accent: str
    caution: str
    sunken: str
    hatch: str
    ramp: tuple[str, str, str, str]
    on_ramp: tuple[str, str, str, str]
