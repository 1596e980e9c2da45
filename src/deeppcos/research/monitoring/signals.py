"""What is watched: properties of a study, of what the machine said, and of what readers did to it.

Owns names, kinds and words. Where a value comes from is the business of the application.
"""

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """What a signal is a property of."""

    INPUT = "input"
    OUTPUT = "output"
    READER = "reader"


class Kind(StrEnum):
    """How values of a signal compare."""

    NUMBER = "number"
    CATEGORY = "category"
    SHARE = "share"  # yes or no, told as a share


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One thing that may drift.

    Attributes:
        name: Key in windows and alarms.
        title: What people read.
        source: What it is a property of.
        kind: How its values compare.
        unit: Unit of its numbers; empty where there is none.
    """

    name: str
    title: str
    source: Source
    kind: Kind
    unit: str = ""


def _signals() -> tuple[Signal, ...]:
    rows = (
        (Source.INPUT, Kind.CATEGORY, "scanner", "Scanner", ""),
        (Source.INPUT, Kind.CATEGORY, "route", "Route of the scan", ""),
        (Source.INPUT, Kind.CATEGORY, "probe", "Probe", ""),
        (Source.INPUT, Kind.NUMBER, "probe_mhz", "Probe frequency", "MHz"),
        (Source.INPUT, Kind.NUMBER, "depth_mm", "Depth of the picture", "mm"),
        (Source.INPUT, Kind.NUMBER, "brightness", "Brightness (gain)", "grey levels"),
        (Source.INPUT, Kind.SHARE, "has_scale", "Pictures with a scale", ""),
        (Source.INPUT, Kind.CATEGORY, "population", "Population", ""),
        (Source.INPUT, Kind.NUMBER, "age_years", "Age", "years"),
        (Source.INPUT, Kind.NUMBER, "bmi_kg_m2", "Body mass index", "kg/m2"),
        (Source.OUTPUT, Kind.NUMBER, "count", "Follicles counted by the machine", ""),
        (Source.OUTPUT, Kind.SHARE, "abstained", "No count given (abstention)", ""),
        (Source.OUTPUT, Kind.CATEGORY, "status", "Conclusion", ""),
        (Source.READER, Kind.NUMBER, "edits", "Corrections a study", ""),
        (Source.READER, Kind.NUMBER, "count_difference", "Reader's count minus machine's", ""),
        (Source.READER, Kind.SHARE, "outside_interval", "Reader's count outside the interval", ""),
        (Source.READER, Kind.NUMBER, "calibration", "Marks kept minus probability", ""),
    )
    return tuple(
        Signal(name=name, title=title, source=source, kind=kind, unit=unit)
        for source, kind, name, title, unit in rows
    )


SIGNALS: tuple[Signal, ...] = _signals()
"""Everything that is watched. A window names the signals it has, so that one more changes none."""

BY_NAME = {signal.name: signal for signal in SIGNALS}
ORDER = {signal.name: number for number, signal in enumerate(SIGNALS)}
"""Causes before what follows from them: a new scanner stands above the counts it changes."""
