"""One frozen record of an assessment: findings, conclusion, severity, considerations.

Owns the record and the one function that fills it. Each rule is the business of the module
named after its question.
"""

from dataclasses import dataclass

from deeppcos.clinical.considerations import Consideration
from deeppcos.clinical.criteria import Conclusion
from deeppcos.clinical.finding import Finding
from deeppcos.clinical.severity import Severity
from deeppcos.clinical.sourcing import Rule


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What DeepPCOS concludes from one chart, and why.

    Attributes:
        conclusion: Status, phenotype, reasons, what is missing, red flags.
        findings: The four findings.
        severity: Four axes, never summed.
        considerations: What the guideline suggests considering.
        would_settle: The shortest list of inputs that would turn an open conclusion into an
            answer; empty when the conclusion is settled or nothing would settle it now.
        rules: Every threshold that was applied, with its source.
        rule_version: Version of the clinical rules.
        condition_name: Display name of the condition.
    """

    conclusion: Conclusion
    findings: Findings
    severity: Severity
    considerations: tuple[Consideration, ...]
    would_settle: tuple[str, ...]
    rules: tuple[Rule, ...]
    rule_version: str
    condition_name: str
