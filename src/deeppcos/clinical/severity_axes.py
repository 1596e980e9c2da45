"""The four axes of severity, each graded from the chart.

Owns what is required for a grade and where one grade ends and the next begins. The record of
an axis and how the four stand together are in ``severity``.
"""

from collections.abc import Iterable

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.androgen_multiples import androgen_multiples, has_full_first_line
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import Finding, State, unique
from deeppcos.clinical.hyperandrogenism import MFG_BORDERLINE, MFG_CUT_OFFS, MFG_POSITIVE
from deeppcos.clinical.metabolic import (
    glycaemia,
    high_blood_pressure,
    high_body_mass,
    metabolic_syndrome_items,
)
from deeppcos.clinical.ovulation import (
    FEW_CYCLES,
    LONG_INTERVAL,
    LUTEAL_PROGESTERONE,
    SHORT_INTERVAL,
    SINGLE_LONG_INTERVAL,
    Stage,
    possible_stages,
)
from deeppcos.clinical.severity import Axis, axis, not_graded
from deeppcos.clinical.sourcing import Relation, Rule, Verification

MFG_GRADE_2 = Rule(
    key="severity_mfg_grade_2",
    value=15,
    unit="points",
    relation=Relation.MORE_THAN,
    text="Androgen axis grade 2 by hair score: 16 to 25 points.",
    source="common clinical convention",
    verification=Verification.UNVERIFIED,
)
MFG_GRADE_3 = Rule(
    key="severity_mfg_grade_3",
    value=25,
    unit="points",
    relation=Relation.MORE_THAN,
    text="Androgen axis grade 3 by hair score: over 25 points.",
    source="common clinical convention",
    verification=Verification.UNVERIFIED,
)
ANDROGEN_BANDS = tuple(
    Rule(
        key=f"severity_androgen_grade_{grade}",
        value=value,
        unit="x upper limit",
        relation=Relation.MORE_THAN,
        text=f"Androgen axis grade {grade} by hormones: over this multiple of the upper limit.",
        source="clinical reference 2.2",
        verification=Verification.PROJECT,
    )
    for grade, value in ((1, 1), (2, 1.5), (3, 2))
)
METABOLIC_SYNDROME_ITEMS = Rule(
    key="metabolic_syndrome_items",
    value=3,
    unit="items",
    relation=Relation.AT_LEAST,
    text="Metabolic syndrome: three of the five items.",
    source="metabolic syndrome tables [M1, M6]",
    verification=Verification.PRIMARY,
)
ADULT_BODY_AGE = Rule(
    key="severity_metabolic_age",
    value=18,
    unit="years of age",
    relation=Relation.AT_LEAST,
    text="Adult limits of body size and pressure are applied from this age.",
    source="project rule",
    verification=Verification.PROJECT,
)


def reproductive_axis(chart: PatientChart) -> Axis:
    """R: from cycles, from 3 years after menarche, without hormonal contraception."""
    closed = _reproductive_closed(chart)
    if closed:
        return not_graded("R", closed)
    cycles = chart.cycles
    grades = [
        _cycle_grade(cycles.interval_days, "usual interval {:g} days"),
        _cycle_grade(
            cycles.longest_interval_days, "longest interval {:g} days", (SINGLE_LONG_INTERVAL,)
        ),
        _yearly_grade(cycles.per_year),
        _progesterone_grade(chart),
    ]
    known = [g for g in grades if g is not None]
    required = (cycles.interval_days, cycles.per_year)
    missing = [
        field
        for field, reading in (
            ("cycles.interval_days", cycles.interval_days),
            ("cycles.per_year", cycles.per_year),
            ("cycles.longest_interval_days", cycles.longest_interval_days),
        )
        if reading is None
    ]
    return axis(
        "R",
        bound=max((g for g, _ in known), default=None),
        coverage=sum(r is not None for r in required) / len(required),
        drivers=[words for grade, words in known if grade],
        missing=missing,
    )


def _reproductive_closed(chart: PatientChart) -> str:
    """Why cycles cannot be graded; empty when they can."""
    patient = chart.patient
    if patient.pregnant or patient.postmenopausal:
        return "pregnant or postmenopausal: cycles are not graded"
    if patient.is_on_contraception is not False:
        state = "not recorded" if patient.is_on_contraception is None else "in use"
        return f"hormonal contraception {state}: cycles are not graded"
    if possible_stages(patient) != (Stage.MATURE,):
        return "graded only from 3 years after menarche, which are not established"
    return ""


def _cycle_grade(
    days: float | None, words: str, limits: tuple[Rule, ...] = (SHORT_INTERVAL, LONG_INTERVAL)
) -> tuple[int, str] | None:
    """Grade by an interval: over 90 days is 3, otherwise irregular is 2."""
    if days is None:
        return None
    if SINGLE_LONG_INTERVAL.applies_to(days):
        return 3, words.format(days)
    is_irregular = any(rule.applies_to(days) for rule in limits)
    return (2 if is_irregular else 0), words.format(days)


def _yearly_grade(per_year: float | None) -> tuple[int, str] | None:
    """Grade by cycles a year: none is amenorrhoea."""
    if per_year is None:
        return None
    if per_year == 0:
        return 3, "no cycle in a year"
    return (2 if FEW_CYCLES.applies_to(per_year) else 0), f"{per_year:g} cycles a year"


def _progesterone_grade(chart: PatientChart) -> tuple[int, str] | None:
    """Grade 1 where luteal progesterone stays below the laboratory's ovulation limit."""
    lab = chart.measured(Analyte.PROGESTERONE)
    if lab is None or lab.times_upper_limit is None:
        return None
    if LUTEAL_PROGESTERONE.applies_to(lab.times_upper_limit):
        return 1, f"{lab}, below the ovulation limit"
    return None


def androgen_axis(chart: PatientChart) -> Axis:
    """H: the higher of hair score and hormones."""
    if chart.patient.pregnant:
        return not_graded("H", "pregnant: androgens are not graded")
    if chart.patient.is_on_contraception is not False:
        state = "not recorded" if chart.patient.is_on_contraception is None else "in use"
        return not_graded("H", f"hormonal contraception {state}: androgens are not graded")
    hair = _hair_grades(chart)
    hormones = [
        (
            sum(rule.applies_to(times) for rule in ANDROGEN_BANDS),
            f"{name} {times:.2f} x upper limit",
        )
        for name, times in androgen_multiples(chart)
    ]
    bound = max([*hair[:1], *(g for g, _ in hormones)], default=None)
    top = max([*hair[1:], *(g for g, _ in hormones)], default=None)
    drivers = [words for grade, words in hormones if grade]
    if hair and hair[-1]:
        drivers.insert(0, f"mFG score {chart.signs.mfg_score:g}")
    return axis(
        "H",
        bound=bound,
        coverage=1.0 if hair else has_full_first_line(chart) / 2,
        drivers=drivers,
        missing=_androgen_missing(chart),
        reaches=(bound, top) if bound is not None and top is not None else None,
    )


def androgen_grade(times_upper_limit: float) -> int:
    """Grade of a hormone by its multiple of the upper limit.

    Examples:
        >>> [androgen_grade(times) for times in (1, 1.5, 2, 2.1)]
        [0, 1, 2, 3]
    """
    return sum(rule.applies_to(times_upper_limit) for rule in ANDROGEN_BANDS)


def _hair_grades(chart: PatientChart) -> tuple[int, ...]:
    """Lowest and highest grade the hair score allows; empty if it is unknown."""
    score, population = chart.signs.mfg_score, chart.patient.population
    if score is None:
        return ()
    higher = 1 + MFG_GRADE_2.applies_to(score) + MFG_GRADE_3.applies_to(score)
    if population is not None:
        grade = higher if MFG_CUT_OFFS[population].applies_to(score) else 0
        return (grade, grade)
    sure = higher if MFG_POSITIVE.applies_to(score) else 0
    return (sure, higher if MFG_BORDERLINE.applies_to(score) else 0)


def _androgen_missing(chart: PatientChart) -> list[str]:
    """Hair score and first-line androgens that were not there."""
    missing = [] if chart.signs.mfg_score is not None else ["signs.mfg_score"]
    if chart.measured(Analyte.TOTAL_TESTOSTERONE) is None:
        missing.append("total_testosterone")
    if chart.measured(Analyte.FREE_TESTOSTERONE) is None and chart.measured(Analyte.SHBG) is None:
        missing.append("free_testosterone")
    return missing


def metabolic_axis(chart: PatientChart) -> Axis:
    """B: body mass, metabolic syndrome items and glycaemia."""
    closed = _metabolic_closed(chart)
    if closed:
        return not_graded("B", closed)
    items, sugar = metabolic_syndrome_items(chart), glycaemia(chart)
    body_mass = high_body_mass(chart)
    known = [f for f in (*items, body_mass, sugar.prediabetes) if not f.state.is_open]
    low = _metabolic_grade(items, body_mass, sugar.prediabetes, sugar.diabetes, State.PRESENT)
    coverage = _metabolic_coverage(chart, items, sugar.n_tests)
    return axis(
        "B",
        bound=low if known else None,
        coverage=coverage,
        drivers=_drivers((*items, body_mass, sugar.prediabetes)),
        missing=unique(m for f in (body_mass, *items, sugar.prediabetes) for m in f.missing),
        reaches=(low, max(low, 1)) if _only_population_decides((*items, body_mass)) else None,
    )


def _metabolic_closed(chart: PatientChart) -> str:
    """Why the metabolic axis cannot be graded; empty when it can."""
    if chart.patient.pregnant:
        return "pregnant: limits of body size and glucose do not hold"
    age = chart.patient.age_years
    if age is None:
        return "age unknown: adult limits may not hold"
    if not ADULT_BODY_AGE.applies_to(age):
        return "under 18 years: adult limits of body size and pressure do not hold"
    return ""


def _metabolic_grade(
    items: tuple[Finding, ...],
    body_mass: Finding,
    prediabetes: Finding,
    diabetes: Finding,
    counted: State,
) -> int:
    """Grade by the items in the counted state."""
    n_items = sum(f.state is counted for f in items)
    has_syndrome = METABOLIC_SYNDROME_ITEMS.applies_to(n_items)
    has_prediabetes = prediabetes.state is counted
    if diabetes.state is counted or (has_syndrome and has_prediabetes):
        return 3
    if has_syndrome or has_prediabetes:
        return 2
    return 1 if n_items or body_mass.state is counted else 0


def _metabolic_coverage(chart: PatientChart, items: tuple[Finding, ...], n_tests: int) -> float:
    """Known part of BMI, blood pressure, lipids and a glycaemic test."""
    body = chart.body
    lipids = (chart.measured(Analyte.TRIGLYCERIDES), chart.measured(Analyte.HDL))
    known = [
        body.height_cm is not None and body.weight_kg is not None,
        not high_blood_pressure(body).state.is_open,
        all(lab is not None for lab in lipids),
        n_tests > 0,
    ]
    return sum(known) / len(known)


def _only_population_decides(findings: Iterable[Finding]) -> bool:
    """Whether some reading lies between the limits of different populations."""
    return any("patient.population" in f.missing for f in findings)


def _drivers(findings: Iterable[Finding]) -> list[str]:
    """Reasons of the findings that are present."""
    return [r for f in findings if f.state is State.PRESENT for r in f.reasons]
