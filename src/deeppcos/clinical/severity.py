"""Severity as four independent ordinal axes, never summed.

Owns the axis record and the grading of each axis. Grades are defined by this project: the
anchors come from cited criteria, the boundaries between grades are not validated on outcomes.
"""

from dataclasses import dataclass

SEVERITY_NOTICE = (
    "Project-defined grading: anchors come from cited criteria; "
    "grade boundaries are not outcome-validated."
)


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
