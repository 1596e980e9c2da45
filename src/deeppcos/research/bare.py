"""The assessment document of a chart alone, for many charts at once.

Owns leaving out what many rows do not need: advice, and what would settle an open conclusion.
The documents people read are written by ``records``.
"""

from typing import Any

from deeppcos.clinical.assessment import Assessment
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.criteria import conclude, find
from deeppcos.clinical.document import to_document
from deeppcos.clinical.exclusions import red_flags
from deeppcos.clinical.profiles import DEFAULT_PROFILE, profile_named
from deeppcos.clinical.severity import Severity
from deeppcos.clinical.severity_axes import androgen_axis, metabolic_axis, reproductive_axis
from deeppcos.clinical.severity_morphology import morphology_axis
from deeppcos.clinical.sourcing import RULE_VERSION
from deeppcos.clinical.wording import ConditionName, condition_name
from deeppcos.research.flatten import ASSESSMENT_SCHEMA


def bare_document(
    chart: PatientChart, *, release: str | None = None, profile: str = DEFAULT_PROFILE
) -> dict[str, Any]:
    """What the rule engine says of a chart, in the shape of ``deeppcos.assessment/1``.

    Args:
        chart: The chart.
        release: Name of the release that is stated; None when no picture was read.
        profile: Criteria profile.

    Returns:
        Plain data; without advice, frames and measurements.
    """
    return {
        "schema": ASSESSMENT_SCHEMA,
        **to_document(_assessed(chart, profile)),
        "rule_version": RULE_VERSION,
        "measurements": {"left": None, "right": None, "side_unknown": None},
        "frames": [],
        "refused": [],
        "release": {} if release is None else {"name": release},
        "signature": None,
    }


def _assessed(chart: PatientChart, profile: str) -> Assessment:
    """The assessment without its advice."""
    chosen = profile_named(profile)
    findings = find(chart, chosen)
    return Assessment(
        chart=chart,
        conclusion=conclude(chart.patient, findings, chosen, red_flags(chart)),
        findings=findings,
        severity=Severity(
            reproductive=reproductive_axis(chart),
            morphology=morphology_axis(chart),
            androgen=androgen_axis(chart),
            metabolic=metabolic_axis(chart),
        ),
        considerations=(),
        would_settle=(),
        rules=(),
        rule_version=RULE_VERSION,
        condition=condition_name(ConditionName.BOTH),
    )
