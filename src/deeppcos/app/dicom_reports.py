"""Scanners' own OB-GYN reports into the chart, and held against what DeepPCOS measured.

Owns what of a report may fill a chart and when two measurements disagree. Reading reports is the
business of ``deeppcos.records.dicom_report_reading``.

What a sonographer measured is charted as a person's measurement. Nothing charted is overwritten.
Our own reports never fill a chart: a measurement must not come back as somebody else's. The
number of follicles a report states is not taken for the count of the whole ovary unless the site
says that it is (``numbers_are_whole_ovary``): the template does not say which sizes it holds.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    MeasurementSource,
    OvarianVolume,
    OvaryMeasurements,
    Side,
    VolumeMethod,
    ellipsoid_volume_ml,
)
from deeppcos.clinical.plausibility import LIMITS
from deeppcos.errors import InvalidInput
from deeppcos.records.assessment_json import from_json
from deeppcos.records.dicom_report_reading import OvaryReport, ReadReport, ovaries_of
from deeppcos.records.dicom_result import MAKER
from deeppcos.records.result_sides import SideMeasurement, side_measurements
from deeppcos.records.tracking_identifiers import Quantity, scope_of

DOMINANT_FROM_MM = 10.0
UNSTATED_ERROR = 0.15
"""Share by which two diameters may differ where no interval is known (project rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """A quantity the report and the pictures give differently.

    Attributes:
        side: Which ovary.
        quantity: What was measured.
        reported: What the report says.
        measured: What DeepPCOS measured.
        sentence: The same in words.
    """

    side: Side
    quantity: Quantity
    reported: float
    measured: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartedReports:
    """A chart filled from reports.

    Attributes:
        chart: The chart.
        taken: What was filled in, and from which report.
        notes: What was not, and why.
        ovaries: What each report says of each ovary, with its file.
    """

    chart: PatientChart
    taken: tuple[str, ...]
    notes: tuple[str, ...]
    ovaries: tuple[tuple[str, OvaryReport], ...]


def with_reports(
    chart: PatientChart, reports: Iterable[ReadReport], *, numbers_are_whole_ovary: bool = False
) -> ChartedReports:
    """The chart with what scanners' reports say of the ovaries, where it leaves them open.

    Args:
        chart: The chart; not changed.
        reports: Reports of the same study.
        numbers_are_whole_ovary: Whether the site's "number of follicles" counts the follicles of
            2-9 mm of the whole ovary.

    Returns:
        The chart and what was taken.

    Raises:
        InvalidInput: If a report is no OB-GYN report, or the reports belong to several studies
            or patients.
    """
    every = tuple(reports)
    _refuse_mixed(every)
    taken: list[str] = []
    notes: list[str] = []
    said: list[tuple[str, OvaryReport]] = []
    scan = chart.ultrasound
    for report in every:
        if report.maker == MAKER:
            notes.append(f"{report.source}: is DeepPCOS' own report and fills no chart")
            continue
        notes += (f"{report.source}: {note}" for note in report.notes)
        for ovary in ovaries_of(report):
            said.append((report.source, ovary))
            notes += (f"{report.source}: {ovary.side} ovary: {note}" for note in ovary.notes)
            known = scan.left if ovary.side is Side.LEFT else scan.right
            filled = _filled(
                known, ovary, report.source, taken, notes, is_whole=numbers_are_whole_ovary
            )
            scan = (
                replace(scan, left=filled)
                if ovary.side is Side.LEFT
                else replace(scan, right=filled)
            )
    return ChartedReports(
        chart=replace(chart, ultrasound=scan),
        taken=tuple(taken),
        notes=tuple(notes),
        ovaries=tuple(said),
    )


def reported_volume_ml(ovary: OvaryReport) -> float | None:
    """The volume a report states, else that of the three diameters it states, mL."""
    if ovary.volume_ml is not None:
        return ovary.volume_ml
    length, width, height = ovary.length_mm, ovary.width_mm, ovary.height_mm
    if length is None or width is None or height is None:
        return None
    try:
        return round(ellipsoid_volume_ml(length_mm=length, width_mm=width, thickness_mm=height), 2)
    except InvalidInput:
        return None


def discrepancies(
    ovaries: Iterable[OvaryReport], measured: Sequence[SideMeasurement]
) -> tuple[Discrepancy, ...]:
    """Where a report and our own measurement do not agree.

    Volumes and counts disagree when the report lies outside our measurement interval, diameters
    when they differ by more than 15 %.

    Args:
        ovaries: What the reports say.
        measured: What DeepPCOS measured (``result_content.side_measurements``).

    Returns:
        One entry a quantity, in the order of the ovaries.
    """
    own = {(one.side, one.quantity): one for one in measured}
    found = []
    for ovary in ovaries:
        for quantity, value, unit in (
            (Quantity.VOLUME, reported_volume_ml(ovary), " mL"),
            (Quantity.LENGTH, ovary.length_mm, " mm"),
            (Quantity.WIDTH, ovary.width_mm, " mm"),
            (Quantity.FNPO, _number(ovary), ""),
        ):
            mine = own.get((ovary.side, quantity))
            if value is not None and mine is not None and not _agree(value, mine):
                found.append(_discrepancy(ovary.side, value, mine, unit))
    return tuple(found)


def _number(ovary: OvaryReport) -> float | None:
    return None if ovary.follicle_number is None else float(ovary.follicle_number)


def _agree(reported: float, mine: SideMeasurement) -> bool:
    """Whether a reported value lies where ours may lie."""
    if mine.low is not None and mine.high is not None:
        return mine.low <= reported <= mine.high
    return abs(reported - mine.value) <= UNSTATED_ERROR * max(reported, mine.value)


def _discrepancy(side: Side, value: float, mine: SideMeasurement, unit: str) -> Discrepancy:
    is_count = mine.quantity is Quantity.FNPO
    name = "follicles of the whole ovary" if is_count else mine.quantity.value
    interval = (
        f" ({mine.low:g} to {mine.high:g})"
        if mine.low is not None and mine.high is not None
        else ""
    )
    return Discrepancy(
        side=side,
        quantity=mine.quantity,
        reported=value,
        measured=mine.value,
        sentence=f"{side.value.capitalize()} ovary, {name}: the scanner's report says "
        f"{value:g}{unit}, DeepPCOS measured {mine.value:g}{unit}{interval}.",
    )


def _filled(
    known: OvaryMeasurements,
    ovary: OvaryReport,
    source: str,
    taken: list[str],
    notes: list[str],
    *,
    is_whole: bool,
) -> OvaryMeasurements:
    """One ovary of the chart with what the report adds."""
    filled = known
    where = f"{ovary.side} ovary from {source}"
    volume = reported_volume_ml(ovary)
    if volume is not None and known.volume is None:
        if _is_plausible("ovary.volume_ml", volume):
            stated = OvarianVolume(
                ml=volume, source=MeasurementSource.CHART, method=VolumeMethod.TWO_D
            )
            filled = replace(filled, volume=stated)
            taken.append(f"volume {volume:g} mL of the {where}")
        else:
            notes.append(f"volume {volume:g} mL of the {where} is no ovary's; not used")
    largest = max(ovary.follicle_diameters_mm, default=0.0)
    if largest >= DOMINANT_FROM_MM and known.dominant_follicle_or_corpus_luteum is None:
        filled = replace(filled, dominant_follicle_or_corpus_luteum=True)
        taken.append(f"a follicle of {largest:g} mm in the {where}")
    return _with_number(filled, ovary, where, taken, notes, is_whole=is_whole)


def _with_number(
    known: OvaryMeasurements,
    ovary: OvaryReport,
    where: str,
    taken: list[str],
    notes: list[str],
    *,
    is_whole: bool,
) -> OvaryMeasurements:
    """The follicle number, only where the site vouches for what it counts."""
    number = ovary.follicle_number
    if number is None or known.fnpo is not None:
        return known
    if not is_whole:
        notes.append(
            f"{number} follicles in the {where}: not used as the count of the whole ovary, "
            "because the report does not say which sizes it holds; enter fnpo in the chart if "
            "it is"
        )
        return known
    if not _is_plausible("ovary.fnpo", number):
        notes.append(f"{number} follicles in the {where} are implausible; not used")
        return known
    taken.append(f"{number} follicles of the {where}")
    return replace(known, fnpo=FollicleNumberPerOvary(value=number, source=MeasurementSource.CHART))


def _is_plausible(limit: str, value: float) -> bool:
    return LIMITS[limit].low <= value <= LIMITS[limit].high


def _refuse_mixed(reports: Sequence[ReadReport]) -> None:
    """Refuse reports of several studies or patients."""
    for what, values in (
        ("studies", {one.study_instance_uid for one in reports}),
        ("patients", {one.patient_id for one in reports}),
    ):
        if len(values) > 1:
            raise InvalidInput(
                f"the reports belong to several {what}",
                value=", ".join(sorted(values)),
                accepted="reports of one study of one patient",
                remedy="read the reports of each study alone",
            )


def chart_json_with(text: str, charted: ChartedReports) -> str:
    """The chart's JSON text with what the reports filled in; nothing else changes.

    Args:
        text: The chart, ``deeppcos.chart/1``, as ``read_chart`` took it.
        charted: The filled chart.

    Returns:
        JSON text that ends in a newline.
    """
    content = json.loads(text)
    scan = content.get("ultrasound") or {}
    filled = charted.chart.ultrasound
    for side, known in (("left", filled.left), ("right", filled.right)):
        values = {
            "volume_ml": known.volume.ml if known.volume else None,
            "fnpo": known.fnpo.value if known.fnpo else None,
            "dominant_follicle_or_corpus_luteum": known.dominant_follicle_or_corpus_luteum,
        }
        section = scan.get(side) or {}
        added = {key: value for key, value in values.items() if section.get(key) is None}
        section |= {key: value for key, value in added.items() if value is not None}
        if section:
            scan[side] = section
    if scan:
        content["ultrasound"] = scan
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def discrepancies_with_report(charted: ChartedReports, folder: Path) -> tuple[Discrepancy, ...]:
    """Where scanners' reports and a report of ours do not agree.

    Args:
        charted: What the scanners' reports say.
        folder: Folder that ``deeppcos analyze --out`` wrote.

    Raises:
        InvalidInput: If the folder holds no report.
    """
    path = folder / "assessment.json"
    if not path.is_file():
        raise InvalidInput(
            f"{folder}: holds no report",
            accepted="a folder with assessment.json",
            remedy="write one with deeppcos analyze --out",
        )
    document = from_json(path.read_text(encoding="utf-8"))
    measured = tuple(side_measurements(document, scope_of(document)))
    return discrepancies((ovary for _, ovary in charted.ovaries), measured)
