"""The criteria alone: what our own rule engine says of each row, beside every model.

Owns building a chart from a row without inventing anything, and reading what a table reports of
the criteria as findings. The rules are ``deeppcos.clinical``'s.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.criteria import Findings, Status, find, status_of
from deeppcos.clinical.exclusions import exclusions
from deeppcos.clinical.finding import Finding, absent, present, unknown
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    MeasurementSource,
    OvaryMeasurements,
    Ultrasound,
)
from deeppcos.clinical.patient import Cycles, Patient, Signs
from deeppcos.clinical.profiles import profile_named
from deeppcos.clinical.units import LabValue
from deeppcos.learning.risk.dictionary import BY_NAME, NAMES
from deeppcos.learning.risk.table import RiskTable

Floats = npt.NDArray[np.float64]

PROFILES = ("rotterdam_2003", "guideline_2023")
_LABS = {
    "amh_ng_ml": (Analyte.AMH, "ng/mL"),
    "lh_iu_l": (Analyte.LH, "IU/L"),
    "fsh_iu_l": (Analyte.FSH, "IU/L"),
    "tsh_miu_l": (Analyte.TSH, "mIU/L"),
    "prolactin_ng_ml": (Analyte.PROLACTIN, "ng/mL"),
    "progesterone_ng_ml": (Analyte.PROGESTERONE, "ng/mL"),
}
MET = (Status.CRITERIA_MET, Status.EXCLUSION_INCOMPLETE)
"""Statuses with enough criteria present; other causes may still be open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the criteria alone say of a table.

    Attributes:
        profile: Criteria profile.
        engine: How often each status came out of the rule engine on the chart of the row.
        reported_count: Of shape (n_women,), how many of three criteria the table reports.
        reported_met: Of shape (n_women,), whether the profile is met by what is reported.
    """

    profile: str
    engine: dict[str, int]
    reported_count: npt.NDArray[np.int_]
    reported_met: npt.NDArray[np.bool_]


def criteria_baseline(table: RiskTable, *, profile: str) -> Baseline:
    """The criteria alone, strictly and by what the table reports.

    Strictly, a row becomes a chart and the rule engine answers; such tables have no cycle
    interval, no hair score and no androgens, so it mostly has to leave the question open. By
    report, "irregular", "excess hair" and the follicle count are taken for findings, without
    inventing a number for them.

    Args:
        table: The table.
        profile: Key of the criteria profile.

    Returns:
        Both answers.
    """
    rules = profile_named(profile)
    follicles = rules.morphology.follicles_per_ovary.value
    statuses: Counter[str] = Counter()
    counts, met = [], []
    for row in table.values:
        chart = chart_of(row)
        # The status alone: what would settle an open one is not asked for hundreds of rows.
        status, _ = status_of(chart.patient, find(chart, rules), rules)
        statuses[status.value] += 1
        reported = reported_findings(row, chart, follicles=follicles)
        status, _ = status_of(chart.patient, reported, rules)
        met.append(status in MET)
        counts.append(_n_present(reported))
    return Baseline(
        profile=profile,
        engine=dict(statuses),
        reported_count=np.array(counts),
        reported_met=np.array(met, dtype=bool),
    )


def chart_of(row: Floats) -> PatientChart:
    """A row as a chart: only what the row says, under the name the chart has for it.

    Args:
        row: Of shape (n_features,), in the order of the dictionary, NaN unknown.

    Returns:
        The chart. "Irregular" and "excess hair" have no place in it: a chart wants the interval
        and the score, which the tables do not have.
    """
    known = {n: float(v) for n, v in zip(NAMES, row, strict=True) if np.isfinite(v)}
    return PatientChart(
        patient=Patient(age_years=known.get("age_years")),
        cycles=Cycles(bleeding_days=known.get("bleeding_days")),
        signs=Signs(acne=_flag(known, "acne"), scalp_hair_loss=_flag(known, "hair_loss")),
        labs=tuple(
            LabValue(analyte=analyte, value=known[name], unit=unit)
            for name, (analyte, unit) in _LABS.items()
            if name in known
        ),
        ultrasound=Ultrasound(
            left=_ovary(known.get("follicles_left")), right=_ovary(known.get("follicles_right"))
        ),
    )


def reported_findings(row: Floats, chart: PatientChart, *, follicles: float) -> Findings:
    """What the table reports of the three criteria, as findings.

    Args:
        row: Of shape (n_features,), NaN unknown.
        chart: The same row as a chart, for the exclusions.
        follicles: Follicles from which an ovary counts as polycystic under the profile.
    """
    known = dict(zip(NAMES, row, strict=True))
    most = np.fmax(known["follicles_left"], known["follicles_right"])
    return Findings(
        ovulatory_dysfunction=_reported(known["cycle_irregular"], "cycle_irregular"),
        hyperandrogenism=_reported(known["hair_growth"], "hair_growth"),
        polycystic_morphology=_reported(
            float(most >= follicles) if np.isfinite(most) else np.nan, "follicles_left"
        ),
        exclusions=exclusions(chart),
    )


def _reported(value: float, name: str) -> Finding:
    """A reported yes or no as a finding; not asked is unknown."""
    label = BY_NAME[name].label
    if not np.isfinite(value):
        return unknown(missing=[label])
    return present(f"{label} reported") if value > 0 else absent(f"no {label} reported")


def _n_present(findings: Findings) -> int:
    """How many of the three criteria are present."""
    three = (
        findings.ovulatory_dysfunction,
        findings.hyperandrogenism,
        findings.polycystic_morphology,
    )
    return sum(finding.state.value == "present" for finding in three)


def _flag(known: dict[str, float], name: str) -> bool | None:
    """A yes or no of the row, or None."""
    return None if name not in known else known[name] > 0


def _ovary(count: float | None) -> OvaryMeasurements:
    """An ovary with the table's count, read as follicles of the whole ovary."""
    if count is None:
        return OvaryMeasurements()
    fnpo = FollicleNumberPerOvary(value=int(count), source=MeasurementSource.CHART)
    return OvaryMeasurements(fnpo=fnpo)
