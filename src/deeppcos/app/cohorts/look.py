"""How a cohort report looks: colours from the design system, the page from its template.

Owns what the template is given. The page holds its pictures itself and asks nothing of the
network.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from deeppcos.app.report.design import DARK, LIGHT
from deeppcos.research.drawing.palette import Palette
from deeppcos.research.drawing.pictures import picture
from deeppcos.research.figures.figure import Figure
from deeppcos.research.query import query_from
from deeppcos.research.release import CohortRelease


def palette_of(colours: Mapping[str, str]) -> Palette:
    """Colours of pictures from the design system's names."""
    return Palette(
        ink=colours["ink"],
        muted=colours["muted"],
        line=colours["line"],
        paper=colours["card"],
        accent=colours["accent"],
        caution=colours["unknown"],
        sunken=colours["sunken"],
        hatch=colours["hatch"],
        ramp=tuple(colours[f"ramp-{n}"] for n in range(4)),  # type: ignore[arg-type]
        on_ramp=tuple(colours[f"on-ramp-{n}"] for n in range(4)),  # type: ignore[arg-type]
    )


PAPER, SCREEN_DARK = palette_of(LIGHT), palette_of(DARK)


def report_page(
    release: CohortRelease,
    *,
    repairs: Sequence[str] = (),
    refused: Sequence[tuple[str, str]] = (),
) -> str:
    """The page of a report.

    Args:
        release: The released cohort.
        repairs: What was done to a raw clinical table, in sentences.
        refused: File and reason of what could not be read.

    Returns:
        One HTML file with everything in it.
    """
    query = query_from(release.document["query"])
    origin = release.origin()
    return (
        _environment()
        .get_template("cohort_report.html")
        .render(
            release=release.document,
            figures=[_shown(figure, origin) for figure in release.figures],
            criteria=[criterion.words() for criterion in query.criteria],
            origin=origin,
            repairs=repairs,
            refused=refused,
            light=LIGHT,
            dark=DARK,
        )
    )


def _shown(figure: Figure, origin: str) -> dict[str, Any]:
    """A figure with its pictures for both grounds."""
    return {
        "figure": figure,
        "light": _address(picture(figure, PAPER, origin=origin)),
        "dark": _address(picture(figure, SCREEN_DARK, origin=origin)),
    }


def _address(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"


@cache
def _environment() -> Environment:
    """Templates of this package; an undefined name is an error."""
    assert files("deeppcos.app.cohorts").is_dir()
    return Environment(
        loader=PackageLoader("deeppcos.app.cohorts"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
