"""Ovulatory dysfunction from cycles, by years since menarche.

Owns the limits of regular cycles and when they may be read. Days of bleeding are never an
interval; an absent age at menarche never means that menarche has not happened, so primary
amenorrhoea is not concluded from a chart.
"""

from enum import Enum

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import (
    Finding,
    State,
    absent,
    any_of,
    hinging_on,
    not_assessable,
    present,
    unknown,
)
from deeppcos.clinical.patient import PRESUMED_ADULT, Cycles, Patient
from deeppcos.clinical.sourcing import Relation, Rule, Verification

_GUIDELINE = "2023 International Guideline [G2, G4]"

SHORT_INTERVAL = Rule(
    key="cycle_interval_short",
    value=21,
    unit="d",
    relation=Relation.LESS_THAN,
    text="Irregular from 1 year after menarche: usual interval under 21 days.",
    source=_GUIDELINE,
    verification=Verification.SECONDARY,
)
LONG_INTERVAL_EARLY = Rule(
    key="cycle_interval_long_1_to_3_years",
    value=45,
    unit="d",
    relation=Relation.MORE_THAN,
    text="Irregular from 1 to under 3 years after menarche: usual interval over 45 days.",
    source="2023 International Guideline [G2]",
    verification=Verification.SECONDARY,
)
LONG_INTERVAL = Rule(
    key="cycle_interval_long",
    value=35,
    unit="d",
    relation=Relation.MORE_THAN,
    text="Irregular from 3 years after menarche to perimenopause: usual interval over 35 days.",
    source=_GUIDELINE,
    verification=Verification.SECONDARY,
)
FEW_CYCLES = Rule(
    key="cycles_per_year_few",
    value=8,
    unit="cycles/year",
    relation=Relation.LESS_THAN,
    text="Irregular from 3 years after menarche: fewer than 8 cycles a year.",
    source=_GUIDELINE,
    verification=Verification.SECONDARY,
)
SINGLE_LONG_INTERVAL = Rule(
    key="single_interval_long",
    value=90,
    unit="d",
    relation=Relation.MORE_THAN,
    text="Irregular from 1 year after menarche: any single cycle over 90 days.",
    source=_GUIDELINE,
    verification=Verification.SECONDARY,
)
IRREGULARITY_NORMAL = Rule(
    key="irregularity_normal_years",
    value=1,
    unit="years since menarche",
    relation=Relation.LESS_THAN,
    text="In the first year after menarche irregular cycles are normal.",
    source="2023 International Guideline [G2]",
    verification=Verification.SECONDARY,
)
MATURE_CYCLES = Rule(
    key="mature_cycles_years",
    value=3,
    unit="years since menarche",
    relation=Relation.AT_LEAST,
    text="From 3 years after menarche the adult limits of the cycle apply.",
    source=_GUIDELINE,
    verification=Verification.SECONDARY,
)
LUTEAL_PROGESTERONE = Rule(
    key="luteal_progesterone",
    value=1,
    unit="x laboratory ovulation limit",
    relation=Relation.LESS_THAN,
    text="Regular cycles in doubt: luteal progesterone can show anovulation. One sample may be "
    "mistimed, so it is provisional.",
    source="2023 International Guideline [G2]; provisional reading: project",
    verification=Verification.SECONDARY,
)

REPEATED_PROGESTERONE = "a second mid-luteal progesterone"


class Stage(Enum):
    """Which limits of the cycle apply, by years since menarche."""

    EARLY = "1 to under 3 years after menarche"
    MATURE = "3 years or more after menarche"


def ovulatory_dysfunction(chart: PatientChart) -> Finding:
    """Whether cycles show ovulatory dysfunction.

    Absent only when usual interval, longest interval and, from three years after menarche,
    cycles a year were all known and regular, and hormonal contraception was known not to be
    in use.
    """
    closed = _closed_because(chart.patient)
    if closed:
        return not_assessable(closed)
    finding = _with_progesterone(chart, _irregular_cycles(chart))
    if chart.patient.is_on_contraception is None:
        return hinging_on(
            finding,
            "patient.hormonal_contraception",
            "Hormonal contraception is not recorded: the cycles may be its effect.",
        )
    return finding


def _closed_because(patient: Patient) -> str:
    """Why cycles cannot be read at all; empty when they can."""
    if patient.pregnant:
        return "Pregnant: cycles cannot be read now."
    if patient.postmenopausal:
        return "Postmenopausal: cycles cannot be read."
    if patient.is_on_contraception:
        return (
            f"Hormonal contraception ({patient.hormonal_contraception}): bleeding does not show "
            "ovulation; reassess 3 months after stopping, with other contraception."
        )
    years = patient.years_since_menarche
    if years is not None and IRREGULARITY_NORMAL.applies_to(years):
        return f"{years:g} years since menarche: irregular cycles are normal in the first year."
    return ""


def possible_stages(patient: Patient) -> tuple[Stage, ...]:
    """The stages the known ages allow; empty where adolescent status is unknown.

    Examples:
        >>> possible_stages(Patient(age_years=27))
        (<Stage.MATURE: '3 years or more after menarche'>,)
    """
    years = patient.years_since_menarche
    if years is not None:
        return (Stage.MATURE,) if MATURE_CYCLES.applies_to(years) else (Stage.EARLY,)
    least = patient.least_years_since_menarche
    if patient.age_years is None or not PRESUMED_ADULT.applies_to(patient.age_years):
        return ()
    is_mature = least is not None and MATURE_CYCLES.applies_to(least)
    return (Stage.MATURE,) if is_mature else (Stage.EARLY, Stage.MATURE)


def _irregular_cycles(chart: PatientChart) -> Finding:
    """Cycles against the limits of every stage the ages allow; the stages must agree."""
    patient = chart.patient
    stages = possible_stages(patient)
    if not stages:
        missing = ["patient.age_years"] if patient.age_years is None else []
        if patient.age_at_menarche_years is None:
            missing.append("patient.age_at_menarche_years")
        return unknown("Years since menarche are not known.", missing=missing)
    answers = [irregular_at(chart.cycles, stage) for stage in stages]
    if len({a.state for a in answers}) > 1:
        return unknown(
            "Whether these cycles are irregular depends on the years since menarche.",
            missing=["patient.age_at_menarche_years"],
        )
    return answers[-1]


def irregular_at(cycles: Cycles, stage: Stage) -> Finding:
    """Cycles against the limits of one stage."""
    long_interval = LONG_INTERVAL if stage is Stage.MATURE else LONG_INTERVAL_EARLY
    parts = [
        _beyond(cycles.interval_days, "cycles.interval_days", (SHORT_INTERVAL, long_interval)),
        _beyond(
            cycles.longest_interval_days, "cycles.longest_interval_days", (SINGLE_LONG_INTERVAL,)
        ),
    ]
    if stage is Stage.MATURE:
        parts.append(_beyond(cycles.per_year, "cycles.per_year", (FEW_CYCLES,)))
    return any_of(*parts)


_NAMES = {
    "cycles.interval_days": "Usual cycle interval {:g} days",
    "cycles.longest_interval_days": "Longest cycle interval {:g} days",
    "cycles.per_year": "{:g} cycles a year",
}


def _beyond(reading: float | None, field: str, limits: tuple[Rule, ...]) -> Finding:
    """Whether one reading is beyond one of its limits."""
    if reading is None:
        return unknown(missing=[field], rules=limits)
    name = _NAMES[field].format(reading)
    crossed = [rule for rule in limits if rule.applies_to(reading)]
    if crossed:
        return present(f"{name}: irregular {crossed[0]}.", rules=crossed)
    return absent(f"{name}: regular.", rules=limits)


def _with_progesterone(chart: PatientChart, cycles: Finding) -> Finding:
    """Cycles that are not irregular, with what a luteal progesterone adds."""
    lab = chart.measured(Analyte.PROGESTERONE)
    if cycles.state is State.PRESENT or lab is None or not possible_stages(chart.patient):
        return cycles
    if lab.upper_limit is None:
        note = f"{lab}: the laboratory's ovulation limit is not given, so it is not read."
        return any_of(cycles, absent(note)) if cycles.state is State.ABSENT else cycles
    times = lab.times_upper_limit or 0.0
    if not LUTEAL_PROGESTERONE.applies_to(times):
        return cycles
    return present(
        *cycles.reasons,
        f"{lab}, below the laboratory's ovulation limit of {lab.upper_limit:g} {lab.unit}: can "
        "show anovulation; one sample may be mistimed.",
        rules=[LUTEAL_PROGESTERONE],
        provisional_on=[REPEATED_PROGESTERONE],
    )
