"""One frozen record of an assessment: findings, conclusion, severity, considerations.

Owns the record and the one function that fills it. Each rule is the business of the module
named after its question; writing the record as a document that of ``document``.
"""

from dataclasses import dataclass, replace

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.considerations import Consideration, Situation, considerations
from deeppcos.clinical.criteria import Conclusion, Findings, Status, conclude, find
from deeppcos.clinical.exclusions import red_flags
from deeppcos.clinical.profiles import DEFAULT_PROFILE, CriteriaProfile, profile_named
from deeppcos.clinical.settling import SettlingStep, would_settle
from deeppcos.clinical.severity import Severity
from deeppcos.clinical.severity_axes import androgen_axis, metabolic_axis, reproductive_axis
from deeppcos.clinical.severity_morphology import morphology_axis
from deeppcos.clinical.sourcing import RULE_VERSION, Rule
from deeppcos.clinical.wording import ConditionName, condition_name

NOTHING_SETTLES = "Nothing that could be asked or measured now would settle this."


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What DeepPCOS concludes from one chart, and why.

    Attributes:
        chart: What was assessed.
        conclusion: Status, phenotype, reasons, what is missing, red flags.
        findings: The four findings.
        severity: Four axes, never summed.
        considerations: What the guideline suggests considering.
        would_settle: The shortest list of enquiries that would turn an open conclusion into an
            answer; empty when it is settled or nothing would settle it now.
        rules: Every threshold that was applied, with its source.
        rule_version: Version of the clinical rules.
        condition: Display name of the condition.
    """

    chart: PatientChart
    conclusion: Conclusion
    findings: Findings
    severity: Severity
    considerations: tuple[Consideration, ...]
    would_settle: tuple[SettlingStep, ...]
    rules: tuple[Rule, ...]
    rule_version: str
    condition: str


def assess(
    chart: PatientChart,
    *,
    profile: str = DEFAULT_PROFILE,
    display_name: ConditionName | str = ConditionName.BOTH,
) -> Assessment:
    """Assess one chart.

    Args:
        chart: Everything known of the patient; any part may be unknown.
        profile: Key of the criteria profile.
        display_name: Which name of the condition is shown: ``pcos``, ``pmos`` or ``both``.

    Returns:
        The assessment. It answers published criteria; it is not a diagnosis.

    Raises:
        InvalidInput: If there is no such profile.

    Examples:
        >>> assessment = assess(PatientChart())
        >>> assessment.conclusion.status.value
        'indeterminate'
    """
    chosen = profile_named(profile)
    findings = find(chart, chosen)
    conclusion = conclude(chart.patient, findings, chosen, red_flags(chart))
    steps = would_settle(chart, chosen)
    if not conclusion.status.is_settled and not steps:
        conclusion = replace(conclusion, reasons=(*conclusion.reasons, NOTHING_SETTLES))
    severity = _severity(chart, conclusion)
    return Assessment(
        chart=chart,
        conclusion=conclusion,
        findings=findings,
        severity=severity,
        considerations=considerations(
            Situation(chart=chart, findings=findings, conclusion=conclusion, severity=severity)
        ),
        would_settle=steps,
        rules=_applied(findings, chosen),
        rule_version=RULE_VERSION,
        condition=condition_name(display_name),
    )


def _severity(chart: PatientChart, conclusion: Conclusion) -> Severity:
    """The four axes, marked as overridden where another cause is suspected."""
    is_overridden = conclusion.status is Status.OTHER_CAUSE_SUSPECTED
    return Severity(
        reproductive=reproductive_axis(chart),
        morphology=morphology_axis(chart),
        androgen=androgen_axis(chart),
        metabolic=metabolic_axis(chart),
        overridden_because=(
            "another cause is suspected: the axes describe the chart, not a severity of the "
            "condition"
            if is_overridden
            else ""
        ),
    )


def _applied(findings: Findings, profile: CriteriaProfile) -> tuple[Rule, ...]:
    """Every rule the findings applied and the thresholds of the profile, each once."""
    morphology = profile.morphology
    of_profile = (
        morphology.follicles_per_ovary,
        morphology.volume,
        morphology.follicles_per_section,
    )
    four = (
        findings.ovulatory_dysfunction,
        findings.hyperandrogenism,
        findings.polycystic_morphology,
        findings.exclusions,
    )
    rules = [rule for finding in four for rule in finding.rules]
    return tuple(dict.fromkeys([*(r for r in of_profile if r is not None), *rules]))
