"""Every figure of a cohort, in the order of a report.

Owns which figures there are. Counts come protected from ``disclosure``; what is measured in a
group is told only where the group's count is.
"""

from collections.abc import Callable, Mapping, Sequence

from deeppcos.research.cohort import OpenCohort
from deeppcos.research.columns import AXES, MISSING_COLUMNS
from deeppcos.research.disclosure.counting import ProtectedFamily
from deeppcos.research.figures import measuring
from deeppcos.research.figures.families import (
    CLASSES,
    PHENOTYPE_CLASSES,
    UNKNOWN,
)
from deeppcos.research.figures.figure import LEFT_OUT_WHY, WITHHELD, Drawing, Figure, Value
from deeppcos.research.figures.intervals import paired_change, share

Protected = Mapping[str, ProtectedFamily]
BAR_COLUMNS = ("label", "women", "share", "low", "high")
PROFILES_COMPARED = ("Rotterdam 2003", "guideline 2023")


def figures_of(cohort: OpenCohort, families: Sequence[ProtectedFamily]) -> tuple[Figure, ...]:
    """Every figure of a cohort.

    Args:
        cohort: The cohort.
        families: Its protected counts.

    Returns:
        Figures in the order of a report.
    """
    protected = {one.family.key: one for one in families}
    builders: tuple[Callable[[OpenCohort, Protected], Figure], ...] = (
        _phenotypes,
        _ages,
        _profiles,
        _axes,
        measuring.follicles_and_amh,
        measuring.scanners,
        measuring.course,
        _sites,
        _missing,
        measuring.agreement,
    )
    return tuple(build(cohort, protected) for build in builders)


def bar_rows(
    family: ProtectedFamily, women: int, *, margin: int = 0
) -> tuple[tuple[Value, ...], ...]:
    """One row a class: count and share with its interval, or withheld.

    Args:
        family: A protected family.
        women: Women of the cohort.
        margin: Which of its tables; one of a single variable.
    """
    [variable] = family.family.margins[margin]
    return tuple(
        (label, *_counted(family.shown(margin, label), women))
        for label in family.family.variables[variable].classes
    )


def _counted(count: int | None, women: int) -> tuple[Value, ...]:
    """Count, share and interval; all withheld where the count is."""
    if count is None:
        return (WITHHELD,) * 4
    found = share(count, women)
    return (count, round(found.value, 4), round(found.low, 4), round(found.high, 4))


def _phenotypes(cohort: OpenCohort, protected: Protected) -> Figure:
    return Figure(
        key="phenotypes",
        title="Phenotypes",
        question="Which phenotypes does the 2023 guideline's profile find?",
        drawing=Drawing.BARS,
        columns=BAR_COLUMNS,
        rows=bar_rows(protected["conclusions"], cohort.women),
        notes=(
            f"{PHENOTYPE_CLASSES[4]}: what is missing leaves more than one letter possible.",
            "Shares are of all women of the cohort; 95 % Wilson intervals.",
        ),
    )


def _profiles(cohort: OpenCohort, protected: Protected) -> Figure:
    """Who changes class between the profiles of 2003 and 2023."""
    family = protected["conclusions"]
    classes = family.family.variables[1].classes
    is_left_out = all(family.shown(1, a, b) is None for a in classes for b in classes)
    rows = tuple(
        (before, after, WITHHELD if count is None else count)
        for before in classes
        for after in classes
        if not is_left_out and (count := family.shown(1, before, after)) != 0
    )
    margins = tuple(
        (place, label, WITHHELD if count is None else count)
        for place, margin in ((PROFILES_COMPARED[0], 2), (PROFILES_COMPARED[1], 3))
        for label in classes
        if (count := family.shown(margin, label)) != 0
    )
    return Figure(
        key="profiles",
        title="From Rotterdam 2003 to the 2023 guideline",
        question="Who changes class when the same chart is read by the newer profile?",
        drawing=Drawing.FLOW,
        columns=("from", "to", "women"),
        rows=(*rows, *(("total " + place, label, count) for place, label, count in margins)),
        summary=_change_words(family, cohort.women),
        notes=(
            "From: Rotterdam 2003. To: 2023 guideline. The same inputs, read twice by the rule "
            "engine. Lines 'total' are the sums of either side.",
            "Met, tests missing: enough criteria present, other causes not yet excluded.",
            *((LEFT_OUT_WHY,) if is_left_out else ()),
        ),
    )


def _change_words(family: ProtectedFamily, women: int) -> tuple[str, ...]:
    """How many change, where every count it takes is shown."""
    classes = family.family.variables[1].classes
    same = [family.shown(1, one, one) for one in classes]
    words = []
    if None not in same:
        changed = share(women - sum(n for n in same if n is not None), women)
        words.append(f"Another class under 2023: {changed.words()} of {women} women.")
    met = CLASSES[:2]
    cells = {
        (a, b): family.shown(1, a, b) for a in classes for b in classes if (a in met) != (b in met)
    }
    if None not in cells.values():
        lost = sum(n for (a, _), n in cells.items() if n is not None and a in met)
        won = sum(n for (a, _), n in cells.items() if n is not None and a not in met)
        change = paired_change(only_before=lost, only_after=won, total=women)
        words.append(
            f"Criteria met, 2023 minus 2003: {change.words(3)} of all women; {lost} meet only "
            f"2003, {won} only 2023."
        )
    return tuple(words)


def _axes(cohort: OpenCohort, protected: Protected) -> Figure:
    rows = tuple(
        (axis, *row) for axis in AXES for row in bar_rows(protected[f"axis_{axis}"], cohort.women)
    )
    return Figure(
        key="axes",
        title="Severity axes",
        question="How are the four separate axes graded?",
        drawing=Drawing.STACKED,
        columns=("axis", *BAR_COLUMNS),
        rows=rows,
        notes=(
            "Grades are defined by this project and not validated on outcomes; the axes are never "
            "summed. Not graded: too little known, or the axis does not apply.",
        ),
    )


def _ages(cohort: OpenCohort, protected: Protected) -> Figure:
    return Figure(
        key="ages",
        title="Age",
        question="How old are the women at their examination?",
        drawing=Drawing.BARS,
        columns=BAR_COLUMNS,
        rows=bar_rows(protected["age"], cohort.women),
    )


def _missing(cohort: OpenCohort, protected: Protected) -> Figure:
    """Of each column, how many women it is unknown of."""
    rows = tuple(
        (label, *_counted(protected[f"known_{column}"].shown(0, UNKNOWN), cohort.women))
        for column, label in MISSING_COLUMNS.items()
    )
    return Figure(
        key="missing",
        title="What is not known",
        question="Of how many women is each value missing?",
        drawing=Drawing.BARS,
        columns=BAR_COLUMNS,
        rows=rows,
        notes=("Missing stays missing: nothing is filled in anywhere in these figures.",),
    )


def _sites(cohort: OpenCohort, protected: Protected) -> Figure:
    return Figure(
        key="sites",
        title="Sites",
        question="Where were the women examined?",
        drawing=Drawing.BARS,
        columns=BAR_COLUMNS,
        rows=bar_rows(protected["site"], cohort.women),
    )
