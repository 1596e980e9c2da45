"""Severity as four independent ordinal axes, never summed.

Owns the axis record and the two rules common to all axes: too little known leaves only a lower
bound, and an interval across a boundary prints both grades. How each axis is graded is in
``severity_axes`` and ``severity_morphology``. Grades are defined by this project: the anchors
come from cited criteria, the boundaries between grades are not validated on outcomes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from deeppcos.clinical.sourcing import RULE_VERSION

SEVERITY_NOTICE = (
    "Project-defined grading: anchors come from cited criteria; "
    "grade boundaries are not outcome-validated."
)

LEAST_COVERAGE = 0.5
"""Below this part of the required inputs there is no grade. Clinical reference 2.2 rule 2."""

GRADE_WORDS = ("none", "mild", "moderate", "marked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The grade on one axis.

    Attributes:
        letter: ``R``, ``M``, ``H`` or ``B``.
        grade: 0 to 3, or None where too little is known or the axis does not apply.
        lower_bound: The grade the known items prove at least; None where nothing is known or
            the axis does not apply.
        coverage: Known part of the required inputs, 0 to 1.
        drivers: What raised the grade, with numbers.
        missing: Inputs that were not there.
        borderline: All grades the measurement interval reaches, where it reaches more than
            one; empty otherwise.
        confidence: ``firm``, ``borderline``, ``partial`` or ``none``.
        not_graded_because: Why there is no grade; empty when there is one.
        rule_version: Version of the clinical rules.
    """

    letter: str
    grade: int | None
    lower_bound: int | None
    coverage: float
    drivers: tuple[str, ...]
    missing: tuple[str, ...]
    borderline: tuple[int, ...]
    confidence: str
    not_graded_because: str
    rule_version: str

    @property
    def label(self) -> str:
        """The axis in short, such as ``R2``, ``B≥1``, ``M1-2`` or ``H?``."""
        if self.grade is None:
            bound = self.lower_bound
            return f"{self.letter}?" if not bound else f"{self.letter}≥{bound}"
        if self.borderline:
            return f"{self.letter}{self.borderline[0]}-{self.borderline[-1]}"
        is_bound = self.coverage < 1 and self.grade < 3
        return f"{self.letter}{'≥' if is_bound else ''}{self.grade}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """The four axes. There is no total.

    Attributes:
        reproductive: R, from cycles.
        morphology: M, from the ovaries; adults only.
        androgen: H, from hair and hormones.
        metabolic: B, from body, pressure, lipids and glycaemia.
        notice: Printed wherever a grade is shown.
        overridden_because: Why no grade may be read as severity of the condition; empty when
            nothing overrides.
    """

    reproductive: Axis
    morphology: Axis
    androgen: Axis
    metabolic: Axis
    notice: str = SEVERITY_NOTICE
    overridden_because: str = ""

    @property
    def axes(self) -> tuple[Axis, Axis, Axis, Axis]:
        """The axes in the order they are printed."""
        return (self.reproductive, self.morphology, self.androgen, self.metabolic)

    def profile(self, phenotype: str | None) -> str:
        """All four axes in one line, such as ``A · R2 M2 H1 B≥1``; never a sum or an average."""
        labels = " ".join(axis.label for axis in self.axes)
        return f"{phenotype} · {labels}" if phenotype else labels

    @property
    def highest(self) -> str:
        """If one word is demanded: the highest axis, named."""
        graded = [(a.grade if a.grade is not None else a.lower_bound, a.letter) for a in self.axes]
        known = [(grade, letter) for grade, letter in graded if grade is not None]
        if not known:
            return "no axis could be graded"
        top = max(grade for grade, _ in known)
        letters = ", ".join(letter for grade, letter in known if grade == top)
        return f"highest axis = {GRADE_WORDS[top]} ({letters})"


def axis(
    letter: str,
    *,
    bound: int | None,
    coverage: float,
    drivers: Iterable[str],
    missing: Iterable[str],
    reaches: tuple[int, int] | None = None,
) -> Axis:
    """An axis by the two common rules.

    Args:
        letter: Letter of the axis.
        bound: Grade the known items prove; None if nothing is known.
        coverage: Known part of the required inputs, 0 to 1.
        drivers: What raised the grade.
        missing: Inputs that were not there.
        reaches: Lowest and highest grade the measurement interval reaches.

    Returns:
        The axis; without a grade where coverage is under a half.
    """
    is_graded = coverage >= LEAST_COVERAGE and bound is not None
    low, high = reaches or (0, 0)
    borderline = tuple(range(low, high + 1)) if is_graded and high > low else ()
    words = list(drivers)
    if borderline:
        words.append(f"borderline: the measurement interval reaches grades {low} to {high}")
    return Axis(
        letter=letter,
        grade=bound if is_graded else None,
        lower_bound=_proven(bound, low if borderline else None),
        coverage=coverage,
        drivers=tuple(words),
        missing=tuple(missing),
        borderline=borderline,
        confidence=_confidence(is_graded, coverage, borderline),
        not_graded_because="" if is_graded else f"{coverage:.0%} of the required inputs are known",
        rule_version=RULE_VERSION,
    )


def _proven(bound: int | None, low: int | None) -> int | None:
    """The grade that holds even at the low end of the measurement interval."""
    return bound if bound is None or low is None else min(bound, low)


def _confidence(is_graded: bool, coverage: float, borderline: tuple[int, ...]) -> str:
    """One word on how far to trust the grade."""
    if not is_graded:
        return "none"
    if borderline:
        return "borderline"
    return "firm" if coverage == 1 else "partial"


def not_graded(letter: str, because: str, *, missing: Iterable[str] = ()) -> Axis:
    """An axis that does not apply to this chart."""
    return Axis(
        letter=letter,
        grade=None,
        lower_bound=None,
        coverage=0.0,
        drivers=(),
        missing=tuple(missing),
        borderline=(),
        confidence="none",
        not_graded_because=because,
        rule_version=RULE_VERSION,
    )
