"""Polycystic ovarian morphology: follicle counts, volume or AMH, each under its conditions.

Owns which measurement counts when, under the thresholds a criteria profile hands over. The
profiles themselves are in ``criteria``; measuring is done elsewhere.
"""

from dataclasses import dataclass, replace

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import (
    Finding,
    State,
    agreeing,
    any_of,
    hinging_on,
    not_assessable,
    unknown,
)
from deeppcos.clinical.hormones import polycystic_amh
from deeppcos.clinical.ovary import Route, Ultrasound
from deeppcos.clinical.ovary_readings import (
    all_measurements,
    follicles_per_ovary,
    follicles_per_section,
    tracked_notes,
    volumes,
)
from deeppcos.clinical.patient import AgeGroup
from deeppcos.clinical.sourcing import Relation, Rule, Verification

MODERN_PROBE = Rule(
    key="modern_probe_mhz",
    value=8,
    unit="MHz",
    relation=Relation.AT_LEAST,
    text="Whole-ovary counts need a transvaginal probe whose bandwidth reaches this frequency.",
    source="2023 International Guideline [G2, G3, G7]",
    verification=Verification.SECONDARY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MorphologyRules:
    """The thresholds of one criteria profile and the conditions they hold under.

    Attributes:
        follicles_per_ovary: Threshold of FNPO.
        volume: Threshold of ovarian volume.
        follicles_per_section: Threshold of FNPS, or None if the profile does not use it.
        needs_modern_probe: Whether FNPO counts only with a modern transvaginal probe, and
            volume and FNPS only without one.
        uses_amh: Whether AMH may stand in for the scan.
    """

    follicles_per_ovary: Rule
    volume: Rule
    follicles_per_section: Rule | None
    needs_modern_probe: bool
    uses_amh: bool


def polycystic_morphology(chart: PatientChart, rules: MorphologyRules) -> Finding:
    """Whether the ovaries are polycystic under the given thresholds.

    Adults only. Scan and AMH are two ways of asking one question: either may answer it, and
    where they disagree it stays open. Absent needs both ovaries read by every measurement the
    method allows, or AMH below its threshold, with contraception known not to be in use.
    """
    closed = _closed(chart)
    if closed is not None:
        return closed
    scan = scan_finding(chart.ultrasound, rules)
    has_amh = rules.uses_amh and chart.measured(Analyte.AMH) is not None
    finding = _one_test(scan, polycystic_amh(chart)) if has_amh else scan
    finding = replace(finding, reasons=(*finding.reasons, *tracked_notes(chart.ultrasound)))
    return _under_contraception(chart.patient.is_on_contraception, finding)


def _closed(chart: PatientChart) -> Finding | None:
    """Why morphology cannot be read at all, or None when it can."""
    patient = chart.patient
    if patient.pregnant:
        return not_assessable("Pregnant: ovarian morphology and AMH are not read.")
    if patient.postmenopausal:
        return not_assessable("Postmenopausal: thresholds of morphology and AMH do not hold.")
    if patient.age_group is AgeGroup.ADOLESCENT:
        return not_assessable(
            "Under 8 years since menarche: ovarian morphology and AMH are not used in "
            "adolescents [G2; V2]."
        )
    if patient.age_group is AgeGroup.UNKNOWN:
        missing = ["patient.age_years"] if patient.age_years is None else []
        if patient.age_at_menarche_years is None:
            missing.append("patient.age_at_menarche_years")
        return unknown(
            "Adolescent status unknown: ovarian morphology and AMH stay closed.", missing=missing
        )
    return None


def _one_test(scan: Finding, amh: Finding) -> Finding:
    """Scan or AMH, whichever was done; both only where they agree."""
    combined = agreeing(scan, amh)
    if combined.state.is_open and not (scan.state.is_open or amh.state.is_open):
        note = "One morphology test is suggested, not both [G2; M]; these two disagree."
        return replace(combined, reasons=(*combined.reasons, note))
    return combined


def _under_contraception(is_on: bool | None, finding: Finding) -> Finding:
    """Contraception shrinks ovaries and lowers AMH: what is absent may only be hidden."""
    if is_on is None and finding.state is State.ABSENT:
        return hinging_on(
            finding,
            "patient.hormonal_contraception",
            "Hormonal contraception is not recorded: it lowers counts, volume and AMH.",
        )
    if not is_on:
        return finding
    note = "On hormonal contraception: counts, volume and AMH may read low [G2; V2]."
    state = State.NOT_ASSESSABLE if finding.state is State.ABSENT else finding.state
    return replace(finding, state=state, reasons=(*finding.reasons, note))


def scan_finding(scan: Ultrasound, rules: MorphologyRules) -> Finding:
    """Polycystic morphology by ultrasound alone."""
    by_count = follicles_per_ovary(scan, rules.follicles_per_ovary)
    by_volume = volumes(scan, rules.volume)
    if not rules.needs_modern_probe:
        return any_of(by_count, by_volume)
    is_modern = has_modern_probe(scan)
    if is_modern is None:
        return _unknown_method(scan)
    if is_modern:
        return _with_note(by_count, _unread_beside_count(scan))
    older = [by_volume]
    if rules.follicles_per_section is not None:
        older.append(follicles_per_section(scan, rules.follicles_per_section))
    return _with_note(any_of(*older), _unread_count(scan))


def has_modern_probe(scan: Ultrasound) -> bool | None:
    """Whether follicles of the whole ovary can be counted reliably; None if it is not known.

    A transrectal scan uses the same kind of probe and is read like a transvaginal one (M).
    """
    if scan.route is Route.TRANSABDOMINAL:
        return False
    if scan.probe_mhz is not None and not MODERN_PROBE.applies_to(scan.probe_mhz):
        return False
    if scan.route is None or scan.probe_mhz is None:
        return None
    return True


def _unknown_method(scan: Ultrasound) -> Finding:
    """What to say while route or probe are not known."""
    ovaries = (scan.left, scan.right, *(seen.measurements for seen in scan.seen))
    if not any(ovary.was_seen for ovary in ovaries):
        return unknown(missing=["ultrasound.left.fnpo", "ultrasound.right.fnpo"])
    missing = [
        field
        for field, reading in (
            ("ultrasound.route", scan.route),
            ("ultrasound.probe_mhz", scan.probe_mhz),
        )
        if reading is None
    ]
    return unknown(
        "Which threshold counts depends on route and probe of the scan, which are not both given.",
        missing=missing,
        rules=[MODERN_PROBE],
    )


def _unread_beside_count(scan: Ultrasound) -> str:
    """Why volume and section counts are not read with a modern probe; empty if none is there."""
    if any(o.volume or o.fnps for o in all_measurements(scan)):
        return (
            "Ovarian volume and follicles per section are not read with a modern transvaginal "
            "probe: follicles of the whole ovary are [G2; V2]."
        )
    return ""


def _unread_count(scan: Ultrasound) -> str:
    """Why whole-ovary counts are not read with an older probe; empty if none is there."""
    if any(o.fnpo for o in all_measurements(scan)):
        return (
            f"Follicles per ovary are not read by this route or probe ({MODERN_PROBE}): volume "
            "and follicles per section are."
        )
    return ""


def _with_note(finding: Finding, note: str) -> Finding:
    """The finding with one more reason, if there is one."""
    return replace(finding, reasons=(*finding.reasons, note)) if note else finding
