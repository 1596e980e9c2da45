"""What a report shows, in the order a clinician needs it, taken from the document alone.

Owns the wording of cards, grades and measured values. Which frames are shown is the business
of ``key_frames``; how it looks that of ``html``, ``pdf`` and ``text``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deeppcos.app.report import wording
from deeppcos.app.report.field_names import readable
from deeppcos.app.report.key_frames import (
    SilentFrames,
    key_frames_of,
    silent_frames,
    unshown_frames,
)
from deeppcos.app.report.marks import doubtful_ovaries, sure_ovaries
from deeppcos.app.report.research_markers import MarkersShown, markers_shown
from deeppcos.app.report.sentences import clause, sources_of, spelled, told
from deeppcos.records.assessment_document import (
    AssessmentDocument,
    CountMeasurement,
    FrameRecord,
    FrameReference,
    OvaryRecord,
    SeverityAxis,
    SideMeasurements,
    VolumeMeasurement,
)

_CONFIDENCE = {
    "borderline": "The range of the measurement crosses a limit.",
    "partial": "Partial: some inputs are unknown.",
}
SIDE_TITLES = {"left": "Left ovary", "right": "Right ovary", "side_unknown": "Side not stated"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionCard:
    """One criterion as shown."""

    key: str
    title: str
    state: str
    word: str
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    provisional_on: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisRow:
    """One severity axis as shown.

    Attributes:
        letter: Short name, such as R.
        reach: The highest grade that is certain, or None where nothing is.
        possible: The highest grade that is not ruled out.
        short: Such as ``R2``, ``B≥1``, ``M1–2`` or ``H?``.
        words: The same in words.
        remark: Why there is no grade, or how sure it is; empty when it is firm.
    """

    letter: str
    title: str
    reach: int | None
    possible: int
    coverage: float
    short: str
    words: str
    drivers: tuple[str, ...]
    missing: tuple[str, ...]
    remark: str
    sources: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether missing inputs leave the bar open above what is certain."""
        return self.reach is not None and self.possible == 3 > self.reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One measured value as shown: the value, or why it is unknown."""

    value: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementRow:
    """One quantity for every side shown."""

    title: str
    explanation: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """Everything a renderer lays out."""

    document: AssessmentDocument
    title: str
    sentence: str
    reasons: tuple[str, ...]
    profile: str
    criteria: tuple[CriterionCard, ...]
    severity: tuple[AxisRow, ...]
    severity_profile: str
    sides: tuple[str, ...]
    measurements: tuple[MeasurementRow, ...]
    markers: MarkersShown | None
    key_frames: tuple[FrameRecord, ...]
    unshown: tuple[str, ...]
    silent: tuple[SilentFrames, ...]


def report_view(document: AssessmentDocument) -> ReportView:
    """Arrange a document for reading."""
    conclusion = document.conclusion
    severity = _severity_rows(document)
    key_frames, _ = key_frames_of(document)
    sides = tuple(side for side in SIDE_TITLES if getattr(document.measurements, side) is not None)
    return ReportView(
        document=document,
        title=wording.STATUS_WORDS[conclusion.status],
        sentence=wording.conclusion_sentence(conclusion, condition=document.condition),
        reasons=tuple(told(reason) for reason in conclusion.reasons),
        profile=wording.profile_name(conclusion.profile),
        criteria=_criterion_cards(document),
        severity=severity,
        severity_profile=" ".join(row.short for row in severity),
        sides=tuple(SIDE_TITLES[side] for side in sides),
        measurements=_measurement_rows([getattr(document.measurements, side) for side in sides]),
        markers=markers_shown(document),
        key_frames=key_frames,
        unshown=unshown_frames(document),
        silent=silent_frames(document.frames),
    )


def frame_summary(frame: FrameRecord) -> str:
    """What one frame shows, in a sentence."""
    sure, doubtful = sure_ovaries(frame), doubtful_ovaries(frame)
    follicles = sum(len(ovary.follicles) for ovary in sure)
    parts = []
    if sure or not doubtful:
        parts.append(_counted(len(sure), "ovary", "ovaries") + " outlined")
    if doubtful:
        outlines = _counted(len(doubtful), "doubtful outline", "doubtful outlines")
        parts.append(f"{outlines}, nothing counted in {'it' if len(doubtful) == 1 else 'them'}")
    if sure:
        parts.append(_counted(follicles, "follicle", "follicles") + " marked")
    if frame.lesions:
        parts.append(_counted(len(frame.lesions), "other structure", "other structures"))
    sentence = ", ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}"


def ovary_lines(frame: FrameRecord) -> tuple[str, ...]:
    """Every ovary of a frame in one line: count with interval, size, probability."""
    return (
        *(_ovary_line(ovary) for ovary in sure_ovaries(frame)),
        *(_doubtful_line(ovary) for ovary in doubtful_ovaries(frame)),
    )


def _doubtful_line(ovary: OvaryRecord) -> str:
    return (
        f"Doubtful: probability of an ovary {ovary.probability:.2f}. Nothing is measured or "
        "counted in this outline."
    )


def _ovary_line(ovary: OvaryRecord) -> str:
    count = ovary.follicle_count_section
    size = (
        "size unknown"
        if ovary.length_mm is None or ovary.width_mm is None
        else f"{ovary.length_mm:.1f} × {ovary.width_mm:.1f} mm in this section"
    )
    return (
        f"FNPS {count.value}{_interval(count.low, count.high)}; {size}; "
        f"probability of an ovary {ovary.probability:.2f}"
    )


def _counted(number: int, one: str, many: str) -> str:
    return f"{number or 'no'} {one if number == 1 else many}"


def _criterion_cards(document: AssessmentDocument) -> tuple[CriterionCard, ...]:
    cards = []
    for key, title in wording.CRITERION_TITLES.items():
        finding = getattr(document.findings, key)
        cards.append(
            CriterionCard(
                key=key,
                title=title,
                state=finding.state,
                word=wording.state_word(finding.state, criterion=key),
                reasons=tuple(told(reason) for reason in finding.reasons),
                missing=tuple(readable(item) for item in finding.missing),
                provisional_on=tuple(readable(item) for item in finding.provisional_on),
                sources=sources_of(finding.reasons),
            )
        )
    return tuple(cards)


def _severity_rows(document: AssessmentDocument) -> tuple[AxisRow, ...]:
    return tuple(
        _axis_row(letter, title, getattr(document.severity, key))
        for key, (letter, title) in wording.AXIS_TITLES.items()
    )


def _axis_row(letter: str, title: str, axis: SeverityAxis) -> AxisRow:
    reach, possible = _certain_and_possible(axis)
    short, words = _grade_words(letter, reach, possible)
    return AxisRow(
        letter=letter,
        title=title,
        reach=reach,
        possible=possible,
        coverage=axis.coverage,
        short=short,
        words=words,
        drivers=tuple(clause(driver) for driver in axis.drivers),
        missing=tuple(readable(item) for item in axis.missing),
        remark=_remark(axis),
        sources=sources_of(axis.drivers),
    )


def _remark(axis: SeverityAxis) -> str:
    """Why there is no grade, or what it lacks."""
    if axis.not_graded_because:
        return told(axis.not_graded_because)
    return _CONFIDENCE.get(axis.confidence or "", "")


def _certain_and_possible(axis: SeverityAxis) -> tuple[int | None, int]:
    """The highest certain grade and the highest that is not ruled out.

    With inputs missing a grade is a lower bound. Under a null grade a bound of zero says
    nothing, so it is not shown as a reading.
    """
    if axis.grade is None:
        return axis.lower_bound or None, 3
    if axis.borderline:
        return min(axis.borderline), max(axis.borderline)
    return axis.grade, axis.grade if axis.coverage >= 1 else 3


def _grade_words(letter: str, reach: int | None, possible: int) -> tuple[str, str]:
    if reach is None:
        return f"{letter}?", "grade unknown"
    if reach == possible:
        return f"{letter}{reach}", f"grade {reach} of 3"
    if possible == 3:
        return f"{letter}≥{reach}", f"grade {reach} or higher"
    return f"{letter}{reach}–{possible}", f"grade {reach} to {possible}, borderline"


def _measurement_rows(sides: Sequence[SideMeasurements]) -> tuple[MeasurementRow, ...]:
    return (
        MeasurementRow(
            title="FNPS",
            explanation="follicles in one section",
            cells=tuple(_count_cell(side.fnps) for side in sides),
        ),
        MeasurementRow(
            title="Tracked estimate",
            explanation="follicles followed through a 2D sweep",
            cells=tuple(_count_cell(side.tracked_estimate) for side in sides),
        ),
        MeasurementRow(
            title="FNPO",
            explanation="follicles in the whole ovary",
            cells=tuple(_count_cell(side.fnpo) for side in sides),
        ),
        MeasurementRow(
            title="Volume",
            explanation="three orthogonal diameters or a segmented volume",
            cells=tuple(_volume_cell(side.volume_ml) for side in sides),
        ),
        MeasurementRow(
            title="Diameters",
            explanation="length × width of the largest section; thickness where it was measured",
            cells=tuple(_diameter_cell(side) for side in sides),
        ),
    )


def _count_cell(count: CountMeasurement) -> Cell:
    if count.value is None:
        return Cell(value=None, detail=_why(count.unknown_because))
    coverage = None if count.coverage is None else f"{count.coverage:.0%} of the sweep covered"
    return Cell(
        value=f"{count.value}{_interval(count.low, count.high)}",
        detail=_how(count.method, coverage, count.sources, is_whole_file=coverage is not None),
    )


def _volume_cell(volume: VolumeMeasurement) -> Cell:
    if volume.value is None:
        return Cell(value=None, detail=_why(volume.unknown_because))
    return Cell(
        value=f"{volume.value:.1f} mL{_interval(volume.low, volume.high, decimals=1)}",
        detail=_how(volume.method, None, volume.sources),
    )


def _why(unknown_because: str | None) -> str:
    return spelled(unknown_because) if unknown_because else "not measured"


def _diameter_cell(side: SideMeasurements) -> Cell:
    diameters = (side.length_mm, side.width_mm, side.thickness_mm)
    if all(diameter is None for diameter in diameters):
        return Cell(value=None, detail="no section with a scale in which the ovary can be judged")
    if side.thickness_mm is None and None not in diameters[:2]:
        return Cell(
            value=f"{side.length_mm:.1f} × {side.width_mm:.1f} mm",
            detail="thickness unknown: it does not lie in this section",
        )
    words = " × ".join("?" if diameter is None else f"{diameter:.1f}" for diameter in diameters)
    gap = "? was not measured" if None in diameters else ""
    return Cell(value=f"{words} mm", detail=gap)


def _interval(low: float | None, high: float | None, *, decimals: int = 0) -> str:
    if low is None or high is None:
        return ""
    return f" ({low:.{decimals}f}–{high:.{decimals}f})"


def _how(
    method: str | None,
    coverage: str | None,
    sources: Sequence[FrameReference],
    *,
    is_whole_file: bool = False,
) -> str:
    """Method, coverage and pictures; what rests on a whole file names no frame."""
    first = None
    if sources:
        number = "" if is_whole_file else f", {wording.frame_number(sources[0].frame)}"
        first = f"{sources[0].source}{number}"
    more = f"and {len(sources) - 1} more" if len(sources) > 1 else None
    words = None if method is None else spelled(method)
    return "; ".join(part for part in (words, coverage, first, more) if part)
