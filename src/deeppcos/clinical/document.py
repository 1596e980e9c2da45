"""The assessment as plain data, in the shape of the public document ``deeppcos.assessment/1``.

Owns the clinical keys: conclusion, findings, severity, considerations, would_settle, condition.
Frames, release and provenance are joined on by ``deeppcos.records``.
"""

from typing import Any

from deeppcos.clinical.assessment import Assessment
from deeppcos.clinical.considerations import Consideration
from deeppcos.clinical.finding import Finding
from deeppcos.clinical.severity import Axis


def to_document(assessment: Assessment) -> dict[str, Any]:
    """The clinical part of the document: dicts, lists, strings, numbers and None only.

    Args:
        assessment: The assessment.

    Returns:
        Plain data, fit for JSON.
    """
    conclusion, severity = assessment.conclusion, assessment.severity
    axes = {
        "reproductive": severity.reproductive,
        "morphology": severity.morphology,
        "androgen": severity.androgen,
        "metabolic": severity.metabolic,
    }
    return {
        "condition": assessment.condition,
        "conclusion": {
            "status": conclusion.status.value,
            "profile": conclusion.profile,
            "phenotype": conclusion.phenotype,
            "reasons": list(conclusion.reasons),
            "missing": list(conclusion.missing),
            "red_flags": [
                {"trigger": f.trigger, "message": f.message, "source": f.source}
                for f in conclusion.red_flags
            ],
        },
        "findings": {
            "ovulatory_dysfunction": _finding(assessment.findings.ovulatory_dysfunction),
            "hyperandrogenism": _finding(assessment.findings.hyperandrogenism),
            "polycystic_morphology": _finding(assessment.findings.polycystic_morphology),
            "exclusions": _finding(assessment.findings.exclusions),
        },
        "severity": {name: _axis(axis, severity.overridden_because) for name, axis in axes.items()},
        "considerations": [_consideration(c) for c in assessment.considerations],
        "would_settle": [
            {"measurement": step.measurement, "because": step.because}
            for step in assessment.would_settle
        ],
    }


def applied_thresholds(assessment: Assessment) -> dict[str, float]:
    """Every threshold that was applied, by key, for the document's provenance."""
    return {rule.key: rule.value for rule in assessment.rules}


def _finding(finding: Finding) -> dict[str, Any]:
    """State, reasons and what is missing; what a finding is provisional on is missing too."""
    reasons = list(finding.reasons)
    if finding.is_provisional:
        reasons.append(f"Provisional on {' and '.join(finding.provisional_on)}.")
    return {
        "state": finding.state.value,
        "reasons": reasons,
        "missing": [*finding.missing, *finding.provisional_on],
    }


def _axis(axis: Axis, overridden_because: str) -> dict[str, Any]:
    """One axis; why it is not graded, or overridden, stands first among its drivers."""
    notes = [f"not graded: {axis.not_graded_because}"] if axis.not_graded_because else []
    if overridden_because:
        notes.append(f"overridden: {overridden_because}")
    return {
        "grade": axis.grade,
        "lower_bound": axis.lower_bound,
        "coverage": axis.coverage,
        "drivers": [*notes, *axis.drivers],
        "missing": list(axis.missing),
        "confidence": axis.confidence,
        "rule_version": axis.rule_version,
    }


def _consideration(consideration: Consideration) -> dict[str, Any]:
    """One suggestion; a recommendation number only where a clinician has ticked it."""
    number = consideration.shown_recommendation
    source = consideration.source
    return {
        "text": consideration.text,
        "because": consideration.because,
        "source": f"{source}, recommendation {number}" if number else source,
        "verification": consideration.verification.value,
    }
