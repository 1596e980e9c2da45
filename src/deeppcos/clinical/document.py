"""The assessment as plain data, in the shape of the public document ``deeppcos.assessment/1``.

Owns the clinical keys: conclusion, findings, severity, considerations, would_settle,
condition, insulin_resistance.
Frames, release and provenance are joined on by ``deeppcos.records``.
"""

from typing import Any

from deeppcos.clinical.assessment import Assessment
from deeppcos.clinical.considerations import Consideration
from deeppcos.clinical.finding import Finding
from deeppcos.clinical.insulin_resistance import NOTICE, Marker, insulin_resistance_markers
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
        "severity": {
            **{name: _axis(axis) for name, axis in axes.items()},
            "notice": severity.notice,
            "overridden_because": severity.overridden_because or None,
        },
        "considerations": [_consideration(c) for c in assessment.considerations],
        "would_settle": [
            {"measurement": step.measurement, "because": step.because}
            for step in assessment.would_settle
        ],
        "insulin_resistance": {
            "notice": NOTICE,
            "markers": [_marker(one) for one in insulin_resistance_markers(assessment.chart)],
        },
    }


def _marker(marker: Marker) -> dict[str, Any]:
    """One research marker: its value, or why it has none."""
    return {
        "key": marker.key,
        "label": marker.label,
        "value": marker.value,
        "unit": marker.unit,
        "formula": marker.formula,
        "source": marker.source,
        "verification": marker.verification.value,
        "missing": list(marker.missing),
        "undefined_because": marker.undefined_because or None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """State, reasons, what is missing, what could withdraw it, and keys of applied rules."""
    return {
        "state": finding.state.value,
        "reasons": list(finding.reasons),
        "missing": list(finding.missing),
        "provisional_on": list(finding.provisional_on),
        "rules": [rule.key for rule in finding.rules],
    }


def _axis(axis: Axis) -> dict[str, Any]:
    """One axis, each fact in its own key."""
    return {
        "grade": axis.grade,
        "lower_bound": axis.lower_bound,
        "coverage": axis.coverage,
        # The axis says in words, too, which grades its interval reaches; here they are a key.
        "drivers": [words for words in axis.drivers if not words.startswith("borderline: ")],
        "missing": list(axis.missing),
        "borderline": list(axis.borderline),
        "confidence": axis.confidence,
        "not_graded_because": axis.not_graded_because or None,
        "rule_version": axis.rule_version,
    }


def _consideration(consideration: Consideration) -> dict[str, Any]:
    """One suggestion; a recommendation number only where a clinician has ticked it."""
    return {
        "key": consideration.key,
        "text": consideration.text,
        "because": consideration.because,
        "source": consideration.source,
        "verification": consideration.verification.value,
        "recommendation": consideration.shown_recommendation,
        "verified_by": consideration.verified_by,
        "verified_on": consideration.verified_on,
    }
