"""From findings to a conclusion and a phenotype, under one versioned profile of criteria.

Owns the statuses a conclusion can have and what leads to each. The profiles are data, in
``profiles``; how a finding was reached is the business of the module named after it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.exclusions import RedFlag, exclusions
from deeppcos.clinical.finding import Finding, State, unique
from deeppcos.clinical.hyperandrogenism import hyperandrogenism
from deeppcos.clinical.morphology import polycystic_morphology
from deeppcos.clinical.ovulation import ovulatory_dysfunction
from deeppcos.clinical.patient import AgeGroup, Patient
from deeppcos.clinical.profiles import (
    CRITERION_NAMES,
    HA,
    HA_AND_OD,
    OD,
    PCOM,
    PHENOTYPES,
    CriteriaProfile,
    Criterion,
)


class Status(StrEnum):
    """What may be concluded. None of them is a diagnosis."""

    CRITERIA_MET = "criteria_met"
    CRITERIA_NOT_MET = "criteria_not_met"
    INCREASED_RISK_ADOLESCENT = "increased_risk_adolescent"
    INDETERMINATE = "indeterminate"
    EXCLUSION_INCOMPLETE = "exclusion_incomplete"
    OTHER_CAUSE_SUSPECTED = "other_cause_suspected"

    @property
    def is_settled(self) -> bool:
        """Whether the conclusion is an answer rather than a question."""
        return self not in (Status.INDETERMINATE, Status.EXCLUSION_INCOMPLETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The four questions of every assessment.

    Attributes:
        ovulatory_dysfunction: Irregular or absent ovulation.
        hyperandrogenism: Clinical or biochemical androgen excess.
        polycystic_morphology: Polycystic ovarian morphology.
        exclusions: Another cause: present where one is suspected, absent where all that must
            be excluded has been.
    """

    ovulatory_dysfunction: Finding
    hyperandrogenism: Finding
    polycystic_morphology: Finding
    exclusions: Finding

    def of(self, criterion: Criterion) -> Finding:
        """The finding of one criterion."""
        return {
            OD: self.ovulatory_dysfunction,
            HA: self.hyperandrogenism,
            PCOM: self.polycystic_morphology,
        }[criterion]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What the criteria say of one chart.

    Attributes:
        status: The conclusion.
        profile: Key of the criteria profile used.
        phenotype: ``A`` to ``D``, or a set such as ``A or B``; None where none applies.
        reasons: Sentences a clinician can check.
        missing: What stands between the chart and an answer.
        red_flags: Findings that override everything else.
    """

    status: Status
    profile: str
    phenotype: str | None
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    red_flags: tuple[RedFlag, ...]


def find(chart: PatientChart, profile: CriteriaProfile) -> Findings:
    """The four findings of a chart under a profile."""
    return Findings(
        ovulatory_dysfunction=ovulatory_dysfunction(chart),
        hyperandrogenism=hyperandrogenism(chart),
        polycystic_morphology=polycystic_morphology(chart, profile.morphology),
        exclusions=exclusions(chart),
    )


def conclude(
    patient: Patient,
    findings: Findings,
    profile: CriteriaProfile,
    flags: tuple[RedFlag, ...] = (),
) -> Conclusion:
    """The conclusion the findings allow under a profile.

    Args:
        patient: For the age group and the menopausal state.
        findings: The four findings.
        profile: Criteria and thresholds.
        flags: Red flags; any one overrides.

    Returns:
        The conclusion with its reasons.
    """
    status, why = status_of(patient, findings, profile)
    return Conclusion(
        status=status,
        profile=profile.key,
        phenotype=phenotype(findings) if status in _WITH_PHENOTYPE else None,
        reasons=(why, *(_sentence(c, findings) for c in Criterion)),
        missing=_missing(status, findings, profile),
        red_flags=flags,
    )


_WITH_PHENOTYPE = (Status.CRITERIA_MET, Status.EXCLUSION_INCOMPLETE)


def status_of(patient: Patient, findings: Findings, profile: CriteriaProfile) -> tuple[Status, str]:
    """The status and the sentence that explains it."""
    if findings.exclusions.state is State.PRESENT:
        return (
            Status.OTHER_CAUSE_SUSPECTED,
            "An exclusion test or red flag is positive: it comes before these criteria. "
            + " ".join(findings.exclusions.reasons),
        )
    if patient.postmenopausal:
        return (
            Status.INDETERMINATE,
            "Postmenopausal: considered only with a past diagnosis or a long history [G2; V2].",
        )
    if patient.age_group is AgeGroup.ADOLESCENT:
        return _adolescent_status(findings, profile)
    answer = criteria_state(findings, profile.accepted, lambda f: f.state)
    if answer is State.PRESENT:
        return _met_or_incomplete(findings, profile.accepted, profile)
    if answer is State.ABSENT and patient.age_group is AgeGroup.ADULT:
        return (
            Status.CRITERIA_NOT_MET,
            f"The criteria of {profile.title} were looked for and are not met.",
        )
    return (Status.INDETERMINATE, "What is known does not answer the criteria.")


def _adolescent_status(findings: Findings, profile: CriteriaProfile) -> tuple[Status, str]:
    """Under 8 years since menarche: both irregular cycles and hyperandrogenism are required."""
    answer = criteria_state(findings, HA_AND_OD, lambda f: f.state)
    if answer is State.PRESENT:
        return _met_or_incomplete(findings, HA_AND_OD, profile)
    states = {findings.ovulatory_dysfunction.state, findings.hyperandrogenism.state}
    if State.PRESENT in states and State.UNKNOWN not in states:
        return (
            Status.INCREASED_RISK_ADOLESCENT,
            "Adolescent with one of the two required features: increased risk; reassess by about "
            "8 years after menarche [G2; V2].",
        )
    if states != {State.ABSENT}:
        return (
            Status.INDETERMINATE,
            "Adolescent: irregular cycles and hyperandrogenism are both required, and not both "
            "could be read.",
        )
    return (Status.CRITERIA_NOT_MET, "Adolescent: neither required feature is present.")


def _met_or_incomplete(
    findings: Findings, accepted: tuple[frozenset[Criterion], ...], profile: CriteriaProfile
) -> tuple[Status, str]:
    """Met only on firm findings with other causes excluded."""
    firm = criteria_state(findings, accepted, lambda f: f.firm_state)
    if firm is State.PRESENT and findings.exclusions.state is State.ABSENT:
        return (
            Status.CRITERIA_MET,
            f"The criteria of {profile.title} are met and other causes were excluded.",
        )
    if firm is State.PRESENT:
        why = "other causes are not all excluded"
    else:
        why = "one of them is provisional"
    return (Status.EXCLUSION_INCOMPLETE, f"Enough criteria are present, but {why}.")


def criteria_state(
    findings: Findings,
    accepted: tuple[frozenset[Criterion], ...],
    reading: Callable[[Finding], State],
) -> State:
    """Present if one accepted set is wholly present, absent if each holds an absent, else unknown.

    Args:
        findings: The findings.
        accepted: Sets of criteria.
        reading: How a finding is read: its state, or its firm state.
    """
    sets = [{reading(findings.of(c)) for c in group} for group in accepted]
    if any(states == {State.PRESENT} for states in sets):
        return State.PRESENT
    if all(State.ABSENT in states for states in sets):
        return State.ABSENT
    return State.UNKNOWN


def phenotype(findings: Findings) -> str | None:
    """Phenotype A to D, or every one still possible; provisional findings count as unknown.

    Criteria present at least provisionally are taken as present where otherwise fewer than two
    would be.
    """
    firm = {c: findings.of(c).firm_state for c in Criterion}
    if list(firm.values()).count(State.PRESENT) < 2:
        firm = {c: findings.of(c).state for c in Criterion}
    present_now = {c for c, s in firm.items() if s is State.PRESENT}
    if len(present_now) < 2:
        return None
    possible = present_now | {c for c, s in firm.items() if s.is_open}
    return " or ".join(
        name for name, criteria in PHENOTYPES.items() if present_now <= criteria <= possible
    )


def _sentence(criterion: Criterion, findings: Findings) -> str:
    """One criterion, its state, and the first reason for it."""
    finding = findings.of(criterion)
    state = finding.state.value.replace("_", " ")
    if finding.is_provisional:
        state += f", provisional on {' and '.join(finding.provisional_on)}"
    first = f": {finding.reasons[0]}" if finding.reasons else "."
    return f"{CRITERION_NAMES[criterion].capitalize()} {state}{first}"


def _missing(status: Status, findings: Findings, profile: CriteriaProfile) -> tuple[str, ...]:
    """What stands between the chart and an answer; nothing once there is one."""
    if status.is_settled:
        return ()
    used = [c for c in Criterion if any(c in group for group in profile.accepted)]
    parts = [findings.of(c) for c in used]
    open_criteria = (
        [] if status is Status.EXCLUSION_INCOMPLETE else [m for f in parts for m in f.missing]
    )
    provisional = [p for f in parts for p in f.provisional_on]
    return unique((*open_criteria, *provisional, *findings.exclusions.missing))
