"""Families of counts: variables whose tables must be protected together.

Owns which variables are counted, in which classes, and which of their tables are published. Tables
of one variable and tables that cross it stand in one family, so that none gives another away.
"""

from dataclasses import dataclass

from deeppcos.research.cohort import VIEW, OpenCohort
from deeppcos.research.columns import AXES, MISSING_COLUMNS
from deeppcos.research.disclosure.protect import FEWEST

UNKNOWN = "unknown"
OTHER = "other"
MOST_GROUPS = 8

CLASSES = ("met", "met, tests missing", "open", "not met", "other cause or adolescent")
_CLASS_OF = {
    "criteria_met": CLASSES[0],
    "exclusion_incomplete": CLASSES[1],
    "indeterminate": CLASSES[2],
    "criteria_not_met": CLASSES[3],
    "other_cause_suspected": CLASSES[4],
    "increased_risk_adolescent": CLASSES[4],
}
PHENOTYPE_CLASSES = ("A", "B", "C", "D", "one of several", "none or open")
GRADES = ("0", "1", "2", "3", "not graded")
AGES = ("under 20", "20-24", "25-29", "30-34", "35-39", "40 and over", UNKNOWN)
AMH_BANDS = ("under 2", "2 to 4", "4 to 6", "6 to 9", "9 and over", "not both measured")
KNOWN = ("known", UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """Something counted in classes.

    Attributes:
        name: Name.
        expression: SQL over the cohort; gives one of ``classes`` for every woman.
        classes: All classes, in the order they are shown.
    """

    name: str
    expression: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Variables that are protected together.

    Attributes:
        key: Name.
        variables: What is counted.
        margins: Which tables are published: numbers of the variables each crosses.
    """

    key: str
    variables: tuple[Variable, ...]
    margins: tuple[tuple[int, ...], ...]


def families_of(cohort: OpenCohort) -> tuple[Family, ...]:
    """Every family of a cohort; groups that come from the data are read from it.

    Args:
        cohort: The cohort.
    """
    fixed = (
        _conclusions(),
        *(_single(f"axis_{axis}", _grade(axis), GRADES) for axis in AXES),
        _single("age", _banded("age_years", (20, 25, 30, 35, 40), AGES), AGES),
        _single("amh_follicles", _amh_bands(), AMH_BANDS),
    )
    grouped = (
        _grouped(cohort, "scanner", "manufacturer"),
        _grouped(cohort, "site", "site"),
        _quarters(cohort),
    )
    missing = tuple(
        _single(f"known_{column}", f"if({column} IS NULL, '{UNKNOWN}', 'known')", KNOWN)
        for column in MISSING_COLUMNS
    )
    return (*fixed, *grouped, *missing)


def _single(key: str, expression: str, classes: tuple[str, ...]) -> Family:
    """A family of one variable."""
    variable = Variable(name=key, expression=expression, classes=classes)
    return Family(key=key, variables=(variable,), margins=((0,),))


def _conclusions() -> Family:
    """Phenotype and class under both profiles, crossed and alone."""
    letters = ", ".join(f"'{letter}'" for letter in PHENOTYPE_CLASSES[:4])
    phenotype = (
        f"CASE WHEN phenotype_guideline_2023 IN ({letters}) THEN phenotype_guideline_2023 "
        f"WHEN phenotype_guideline_2023 IS NOT NULL THEN '{PHENOTYPE_CLASSES[4]}' "
        f"ELSE '{PHENOTYPE_CLASSES[5]}' END"
    )
    variables = (
        Variable(name="phenotype", expression=phenotype, classes=PHENOTYPE_CLASSES),
        *(
            Variable(name=f"class_{key}", expression=_class(f"status_{key}"), classes=_classes())
            for key in ("rotterdam_2003", "guideline_2023")
        ),
    )
    return Family(key="conclusions", variables=variables, margins=((0,), (1, 2), (1,), (2,)))


def _classes() -> tuple[str, ...]:
    return (*CLASSES, UNKNOWN)


def _class(column: str) -> str:
    """A status as a class."""
    cases = " ".join(f"WHEN '{status}' THEN '{words}'" for status, words in _CLASS_OF.items())
    return f"CASE {column} {cases} ELSE '{UNKNOWN}' END"


def _grade(axis: str) -> str:
    return f"coalesce(CAST(axis_{axis} AS VARCHAR), '{GRADES[4]}')"


def _banded(column: str, edges: tuple[float, ...], names: tuple[str, ...]) -> str:
    """Bands closed below; unknown is the last name."""
    cases = " ".join(
        f"WHEN {column} < {edge} THEN '{name}'" for edge, name in zip(edges, names, strict=False)
    )
    return f"CASE WHEN {column} IS NULL THEN '{names[-1]}' {cases} ELSE '{names[-2]}' END"


def _amh_bands() -> str:
    """AMH in bands, of women whose follicles were counted in the whole ovary too."""
    both = _banded("amh_ng_ml", (2, 4, 6, 9), AMH_BANDS)
    return f"CASE WHEN fnpo_largest IS NULL THEN '{AMH_BANDS[-1]}' ELSE {both} END"


def _grouped(cohort: OpenCohort, key: str, column: str) -> Family:
    """Groups as they occur; those too small to be named come under one name."""
    found = cohort.rows(
        f"SELECT {column} FROM {VIEW} WHERE {column} IS NOT NULL GROUP BY 1 "
        f"HAVING count(*) >= {FEWEST} ORDER BY count(*) DESC, 1 LIMIT {MOST_GROUPS}"
    )
    names = sorted(str(name) for (name,) in found)
    listed = ", ".join(_literal(name) for name in names) or "''"
    expression = (
        f"CASE WHEN {column} IS NULL THEN '{UNKNOWN}' WHEN {column} IN ({listed}) "
        f"THEN {column} ELSE '{OTHER}' END"
    )
    return _single(key, expression, (*names, OTHER, UNKNOWN))


def _quarters(cohort: OpenCohort) -> Family:
    """Quarters of a year from the first to the last examination."""
    [(first, last)] = cohort.rows(f"SELECT min(performed_on), max(performed_on) FROM {VIEW}")
    names: list[str] = []
    if first is not None:
        start, end = (d.year * 4 + (d.month - 1) // 3 for d in (first, last))
        names = [f"{q // 4} Q{q % 4 + 1}" for q in range(start, end + 1)]
    expression = (
        f"CASE WHEN performed_on IS NULL THEN '{UNKNOWN}' ELSE year(performed_on) || ' Q' || "
        "quarter(performed_on) END"
    )
    return _single("quarter", expression, (*names, UNKNOWN))


def _literal(text: str) -> str:
    """Text of the data as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
