"""Figures of counts with noise, for a release under a privacy budget.

Owns which tables are released with noise: few, since every table costs. Nothing measured is
released with them.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deeppcos.research.cohort import OpenCohort
from deeppcos.research.disclosure.counting import Cell
from deeppcos.research.disclosure.noise import NoisyCounts
from deeppcos.research.figures.families import Family
from deeppcos.research.figures.figure import Drawing, Figure

NOISY_FAMILIES = (
    *("conclusions", "axis_reproductive", "axis_morphology", "axis_androgen"),
    *("axis_metabolic", "age"),
)
"""Families released with noise: one table each."""
TITLES = {"conclusions": "Phenotypes", "age": "Age"}

Draw = Callable[..., tuple[NoisyCounts, ...]]


def noisy_figures(
    cohort: OpenCohort,
    families: Sequence[Family],
    members: Path,
    *,
    epsilon: float,
    draw: Draw,
) -> dict[str, Any]:
    """Counts with noise of the first table of every family.

    Args:
        cohort: The cohort.
        families: Families to release.
        members: Its members file.
        epsilon: Budget of all of them and of the size of the cohort.
        draw: Draws the noise; ``with_noise``.

    Returns:
        Women (with noise), figures and nothing withheld, as a release takes them.
    """
    tables: list[Mapping[Cell, int]] = [{(0, ("women",)): cohort.women}]
    tables += [_counts(cohort, family, members) for family in families]
    total, *drawn = draw(tables, epsilon=epsilon)
    [women] = total.counts.values()
    figures = [_figure(family, noisy) for family, noisy in zip(families, drawn, strict=True)]
    return {
        "women": women,
        "figures": [figure.as_data() for figure in figures],
        "withheld": {},
    }


def _counts(cohort: OpenCohort, family: Family, members: Path) -> dict[Cell, int]:
    """True counts of a family's first table, zeros among them: noise falls on every cell."""
    variable = family.variables[family.margins[0][0]]
    found = dict(
        cohort.rows(
            f'SELECT "{variable.name}", count(*) FROM read_parquet(?) GROUP BY 1', [str(members)]
        )
    )
    return {(0, (label,)): int(found.get(label, 0)) for label in variable.classes}


def _figure(family: Family, noisy: NoisyCounts) -> Figure:
    """One table with noise as bars."""
    rows = tuple(
        (cell[1][0], count, None, max(0, count - noisy.within), count + noisy.within)
        for cell, count in noisy.counts.items()
        if isinstance(cell, tuple)
    )
    words = family.key.removeprefix("axis_").replace("_", " ")
    return Figure(
        key=family.key,
        title=TITLES.get(family.key, f"{words.capitalize()} axis"),
        question="Counts with noise under a privacy budget.",
        drawing=Drawing.BARS,
        columns=("label", "women", "share", "low", "high"),
        rows=rows,
        notes=(
            f"Discrete Laplace noise (OpenDP), epsilon {noisy.epsilon:.3g} for this table: the "
            f"true count lies within {noisy.within} women of the one shown, 95 times of 100.",
        ),
    )
