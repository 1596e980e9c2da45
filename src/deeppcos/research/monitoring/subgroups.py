"""For whom the machine does how well: one table a property, small groups withheld.

Owns bands, figures and what is shown of them. Choosing what to withhold is the business of
``deeppcos.research.disclosure``: groups of fewer than ten women, and as many others as hide them.
"""

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deeppcos.research.disclosure.bounds import Fact
from deeppcos.research.disclosure.protect import FEWEST, protect
from deeppcos.research.figures.intervals import Estimate, share

UNKNOWN = "unknown"
SITE = "Site"
NORMAL_95 = 1.959963984540054
AGE_LIMITS = (20, 25, 30, 35, 40)
BMI_LIMITS = (18.5, 25, 30)
BMI_BANDS = ("under 18.5", "18.5 to 24.9", "25 to 29.9", "30 and over")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One woman's study; None is unknown.

    Attributes:
        age_years: Her age.
        bmi_kg_m2: Her body mass index.
        population: Population for limits.
        vendor: Manufacturer of the scanner.
        route: Route of the scan.
        site: Site.
        phenotype: Phenotype of the assessment that stands.
        abstained: Whether the machine gave no count; None where it read no picture.
        edits: Corrections, where a reader finished.
        count_difference: Reader's count minus the machine's.
        outside_interval: Whether the reader's count lay outside the machine's interval.
    """

    age_years: float | None = None
    bmi_kg_m2: float | None = None
    population: str | None = None
    vendor: str | None = None
    route: str | None = None
    site: str | None = None
    phenotype: str | None = None
    abstained: bool | None = None
    edits: int | None = None
    count_difference: float | None = None
    outside_interval: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One group of a table.

    Attributes:
        group: Its name.
        women: Women in it; None where it is withheld, and then nothing else is told.
        abstained: Share without a count; None under ten women with a picture read.
        corrected: Share with a correction; None under ten women a reader finished.
        difference: Mean of reader minus machine; None under ten pairs of counts.
        outside: Share of the reader's counts outside the interval; None under ten.
    """

    group: str
    women: int | None
    abstained: Estimate | None = None
    corrected: Estimate | None = None
    difference: Estimate | None = None
    outside: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    """The groups of one property.

    Attributes:
        title: The property.
        rows: Its groups; empty where none may be shown.
    """

    title: str
    rows: tuple[GroupRow, ...]


def age_band(years: float | None) -> str:
    """Band of an age.

    Examples:
        >>> age_band(19.5), age_band(20), age_band(None)
        ('under 20', '20 to 24', 'unknown')
    """
    if years is None:
        return UNKNOWN
    place = bisect.bisect_right(AGE_LIMITS, years)
    if place == 0:
        return f"under {AGE_LIMITS[0]}"
    if place == len(AGE_LIMITS):
        return f"{AGE_LIMITS[-1]} and over"
    return f"{AGE_LIMITS[place - 1]} to {AGE_LIMITS[place] - 1}"


def bmi_band(bmi: float | None) -> str:
    """Band of a body mass index; of Asian women too, whose clinical limits are lower.

    Examples:
        >>> bmi_band(24.95), bmi_band(25)
        ('18.5 to 24.9', '25 to 29.9')
    """
    return UNKNOWN if bmi is None else BMI_BANDS[bisect.bisect_right(BMI_LIMITS, bmi)]


PROPERTIES: Mapping[str, Callable[[Case], str]] = {
    "Age": lambda case: age_band(case.age_years),
    "Body mass index": lambda case: bmi_band(case.bmi_kg_m2),
    "Population": lambda case: case.population or UNKNOWN,
    "Scanner": lambda case: case.vendor or UNKNOWN,
    "Route": lambda case: case.route or UNKNOWN,
    SITE: lambda case: case.site or UNKNOWN,
    "Phenotype": lambda case: case.phenotype or "none or open",
}
"""Properties women are grouped by. To add one, a line here and an attribute of ``Case``."""


def tables(
    cases: Sequence[Case], *, beside: Sequence[Case] | None = None
) -> tuple[GroupTable, ...]:
    """Every table.

    Args:
        cases: One case a woman, in the order they came. Only whole tens are used: between two
            looks the tables change by ten women at once, not by one whose groups could be told.
        beside: Cases of all the sites that are compared, for the table by site; those of ``cases``
            when None.

    Returns:
        A table a property.
    """
    return tuple(
        _table(title, group_of, _whole_tens(cases if title != SITE or beside is None else beside))
        for title, group_of in PROPERTIES.items()
    )


def _whole_tens(cases: Sequence[Case]) -> Sequence[Case]:
    return cases[: len(cases) // FEWEST * FEWEST]


def _table(title: str, group_of: Callable[[Case], str], cases: Sequence[Case]) -> GroupTable:
    """The table of one property."""
    members: dict[str, list[Case]] = {}
    for case in cases:
        members.setdefault(group_of(case), []).append(case)
    names = sorted(members)
    sizes = [len(members[name]) for name in names]
    every = Fact(key=("all",), atoms=frozenset(range(len(names))), value=sum(sizes), is_fixed=True)
    groups = [
        Fact(key=("group", name), atoms=frozenset({number}), value=size)
        for number, (name, size) in enumerate(zip(names, sizes, strict=True))
    ]
    found = protect(sizes, [every, *groups])
    if not found.is_enough:
        return GroupTable(title=title, rows=())
    return GroupTable(
        title=title,
        rows=tuple(
            GroupRow(group=name, women=None)
            if ("group", name) in found.withheld
            else _row(name, members[name])
            for name in names
        ),
    )


def _row(name: str, cases: Sequence[Case]) -> GroupRow:
    """Figures of one group that may be shown."""
    edits = [case.edits > 0 for case in cases if case.edits is not None]
    return GroupRow(
        group=name,
        women=len(cases),
        abstained=_share([case.abstained for case in cases if case.abstained is not None]),
        corrected=_share(edits),
        difference=_mean([c.count_difference for c in cases if c.count_difference is not None]),
        outside=_share([c.outside_interval for c in cases if c.outside_interval is not None]),
    )


def _share(flags: Sequence[bool]) -> Estimate | None:
    """A share with its Wilson interval; None under ten."""
    return None if len(flags) < FEWEST else share(sum(flags), len(flags))


def _mean(values: Sequence[float]) -> Estimate | None:
    """A mean with its 95 % interval; None under ten."""
    if len(values) < FEWEST:
        return None
    n = len(values)
    mean = sum(values) / n
    error = NORMAL_95 * (sum((one - mean) ** 2 for one in values) / (n - 1) / n) ** 0.5
    return Estimate(value=mean, low=mean - error, high=mean + error)
