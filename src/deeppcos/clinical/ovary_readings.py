"""Each ovarian measurement against its threshold: both sides, both sources, with intervals.

Owns how a count or volume of the left and the right ovary, charted or measured in pictures,
answers "at the threshold or over?". Which of these answers counts is the business of
``morphology``.
"""

from deeppcos.clinical.finding import Finding, absent, agreeing, any_of, present, unknown
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    OvaryMeasurements,
    SeenOvary,
    Side,
    Ultrasound,
)
from deeppcos.clinical.sourcing import Rule

ONE_OVARY_SEEN = (
    "Only one ovary was seen: its volume or section count alone does not answer [U5; V]."
)


def all_measurements(scan: Ultrasound) -> tuple[OvaryMeasurements, ...]:
    """Every ovary of the scan, charted and measured."""
    return (scan.left, scan.right, *(seen.measurements for seen in scan.seen))


def charted(scan: Ultrasound, side: Side) -> OvaryMeasurements:
    """One ovary as the chart has it."""
    return scan.left if side is Side.LEFT else scan.right


def against(
    reading: float, low: float | None, high: float | None, *, name: str, rule: Rule
) -> Finding:
    """A reading against a threshold that more of it crosses; its interval must not straddle it."""
    bottom, top = (reading, reading) if low is None or high is None else (low, high)
    shown = name if bottom == top else f"{name} (interval {bottom:g} to {top:g})"
    if rule.applies_to(bottom):
        return present(f"{shown}: {rule}.", rules=[rule])
    if not rule.applies_to(top):
        return absent(f"{shown}: not {rule}.", rules=[rule])
    return unknown(f"{shown}: the measurement interval crosses {rule}.", rules=[rule])


def follicles_per_ovary(scan: Ultrasound, rule: Rule) -> Finding:
    """FNPO of either ovary; one ovary suffices for present, both are needed for absent."""
    chart = any_of(*(_count(charted(scan, side).fnpo, side, rule) for side in Side))
    measured = [s for s in scan.seen if s.measurements.fnpo is not None]
    if not measured:
        return chart
    return agreeing(chart, any_of(*_by_side(measured, rule)))


def _count(count: FollicleNumberPerOvary | None, side: Side | None, rule: Rule) -> Finding:
    """One whole-ovary count."""
    if count is None:
        return unknown(missing=[f"ultrasound.{side}.fnpo"] if side else [])
    name = f"{count.value} follicles in the {side or 'one'} ovary{_by(count.source)}"
    return against(count.value, count.low, count.high, name=name, rule=rule)


def _by_side(measured: list[SeenOvary], rule: Rule) -> list[Finding]:
    """Measured counts by side; a count of unknown side can only show presence."""
    findings = [
        agreeing(
            *(_count(s.measurements.fnpo, side, rule) for s in measured if s.side is side),
            unknown(missing=[f"ultrasound.{side}.fnpo"]),
        )
        for side in Side
    ]
    unsided = [_count(s.measurements.fnpo, None, rule) for s in measured if s.side is None]
    return [*findings, *unsided]


def _by(source: str) -> str:
    """Said of measurements a person did not make."""
    return ", measured in the picture" if source == "image" else ""


def were_both_seen(scan: Ultrasound) -> bool:
    """Whether something was measured in both ovaries."""
    return all(
        charted(scan, side).was_seen
        or any(s.side is side and s.measurements.was_seen for s in scan.seen)
        for side in Side
    )


def volumes(scan: Ultrasound, rule: Rule) -> Finding:
    """Ovarian volume of either ovary, leaving out one with a dominant follicle or corpus luteum.

    Whether there is one is taken from the source that measured the volume.
    """
    chart = any_of(*(_volume(charted(scan, side), side, rule) for side in Side))
    measured = [s for s in scan.seen if s.measurements.volume is not None]
    if not measured:
        return _needing_both(scan, chart, rule)
    sides = [
        agreeing(
            *(_volume(s.measurements, side, rule) for s in measured if s.side is side),
            unknown(missing=[f"ultrasound.{side}.volume_ml"]),
        )
        for side in Side
    ]
    unsided = [_volume(s.measurements, None, rule) for s in measured if s.side is None]
    return _needing_both(scan, agreeing(chart, any_of(*sides, *unsided)), rule)


def _volume(ovary: OvaryMeasurements, side: Side | None, rule: Rule) -> Finding:
    """One volume, read only where no dominant follicle or corpus luteum enlarges the ovary."""
    volume, dominant = ovary.volume, ovary.dominant_follicle_or_corpus_luteum
    if volume is None:
        return unknown(missing=[f"ultrasound.{side}.volume_ml"] if side else [])
    name = f"Volume of the {side or 'one'} ovary {volume.ml:g} mL{_by(volume.source)}"
    if dominant is None:
        field = "dominant_follicle_or_corpus_luteum"
        return unknown(
            f"{name}: not read until a dominant follicle or corpus luteum is ruled out.",
            missing=[f"ultrasound.{side}.{field}"] if side else [],
        )
    if dominant:
        return unknown(
            f"{name}: not read, a dominant follicle or corpus luteum enlarges it; repeat when "
            "the ovary is quiet [U1, U2; V].",
        )
    return against(volume.ml, volume.low_ml, volume.high_ml, name=name, rule=rule)


def follicles_per_section(scan: Ultrasound, rule: Rule) -> Finding:
    """FNPS of either ovary. A section measured in a picture can show presence, never absence.

    The picture may not hold the section with the most follicles, so a low count in it proves
    nothing.
    """
    chart = any_of(*(_section(charted(scan, side), f"{side}", rule, side=side) for side in Side))
    shown = [
        _section(s.measurements, s.side.value if s.side else "one", rule)
        for s in scan.seen
        if s.measurements.fnps is not None
    ]
    if not shown:
        return _needing_both(scan, chart, rule)
    section = any_of(*shown, unknown("A single picture may not hold the fullest section."))
    return _needing_both(scan, agreeing(chart, section), rule)


def _section(
    ovary: OvaryMeasurements, name: str, rule: Rule, *, side: Side | None = None
) -> Finding:
    """One section count."""
    count = ovary.fnps
    if count is None:
        return unknown(missing=[f"ultrasound.{side}.fnps"] if side else [])
    words = f"{count.value} follicles in one section of the {name} ovary{_by(count.source)}"
    return against(count.value, count.low, count.high, name=words, rule=rule)


def _needing_both(scan: Ultrasound, finding: Finding, rule: Rule) -> Finding:
    """The finding, open while only one ovary was seen."""
    if were_both_seen(scan) or finding.state.is_open:
        return finding
    unseen = [f"ultrasound.{s}" for s in Side if not charted(scan, s).was_seen]
    quantity = "volume_ml" if "volume" in rule.key else "fnps"
    return unknown(
        *finding.reasons,
        ONE_OVARY_SEEN,
        missing=[f"{u}.{quantity}" for u in unseen],
        rules=finding.rules,
    )


def tracked_notes(scan: Ultrasound) -> tuple[str, ...]:
    """What a tracked 2D sweep suggests. It is an estimate and answers nothing by itself."""
    return tuple(
        f"Tracked through a 2D sweep: about {t.value} follicles ({t.low} to {t.high}) in the "
        f"{seen.side or 'one'} ovary, {t.coverage:.0%} of it covered. An estimate, not a count "
        "of the whole ovary: it decides nothing."
        for seen in scan.seen
        if (t := seen.measurements.tracked) is not None
    )
