"""The use cases: analyse a study, assess a chart, write a report.

Owns the order in which rooms are asked and what happens when one input is bad: it is named and
the rest goes on. No command line, no web.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import deeppcos
from deeppcos.app.study_record import (
    AnalysedFile,
    measurements_record,
    sides_of,
    with_header_hints,
)
from deeppcos.clinical.assessment import assess
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.document import to_document
from deeppcos.errors import InvalidInput
from deeppcos.records.assessment_document import (
    AssessmentDocument,
    InputFile,
    Provenance,
    Refusal,
)
from deeppcos.records.assessment_json import build_document, to_json
from deeppcos.records.chart_json import read_chart
from deeppcos.records.on_disk import sha256_of
from deeppcos.records.open_study import open_paths
from deeppcos.records.study_file import MediaKind, OpenedStudyFile, RefusedFile
from deeppcos.vision.analyse import analyse_frames
from deeppcos.vision.findings import FrameFindings
from deeppcos.vision.release import SHIPPED, Release, load_release
from deeppcos.vision.study_measurements import measure_study, to_chart
from deeppcos.vision.sweep_analysis import analyse_sweep

Progress = Callable[[str, int, int], None]
"""Called with the file, the frames done and the frames there are."""

Pictures = dict[tuple[str, int], npt.NDArray[np.uint8]]
REPORT_FILES = ("report.html", "report.pdf", "assessment.json")
OVERLAY_FOLDER = "overlays"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedStudy:
    """A document, and the files its pictures come from.

    Attributes:
        document: The public record.
        files: What was read, for drawing pictures.
    """

    document: AssessmentDocument
    files: tuple[AnalysedFile, ...]


def analyze(
    paths: Sequence[str | Path],
    *,
    chart: PatientChart | str | Path | None = None,
    profile: str = "guideline_2023",
    name: str = "both",
    release: str | Path | None = None,
) -> AssessmentDocument:
    """Measure ovaries in pictures and assess them together with a chart.

    Args:
        paths: Files and folders.
        chart: A chart, its file, or its JSON text; None when nothing else is known.
        profile: Criteria profile.
        name: Shown name of the condition: ``pcos``, ``pmos`` or ``both``.
        release: Folder of another release than the shipped one.

    Returns:
        The frozen record, as the command line writes it.

    Raises:
        InvalidInput: If the chart or an argument is wrong. Unreadable pictures do not raise:
            they stand under ``refused``.
    """
    folder = None if release is None else Path(release)
    return analyze_study(paths, chart=chart, profile=profile, name=name, release=folder).document


def assess_chart(
    chart: PatientChart | str | Path,
    *,
    profile: str = "guideline_2023",
    name: str = "both",
    refused: Sequence[Refusal] = (),
) -> AssessmentDocument:
    """Assess a chart alone.

    Args:
        chart: A chart, its file, or its JSON text.
        profile: Criteria profile.
        name: Shown name of the condition: ``pcos``, ``pmos`` or ``both``.
        refused: Inputs refused before.

    Returns:
        The frozen record, without frames.

    Raises:
        InvalidInput: If the chart or an argument is wrong.
    """
    assessment = assess(_chart(chart), profile=profile, display_name=name)
    return build_document(
        clinical=to_document(assessment),
        rules=assessment.rules,
        refused=refused,
        provenance=_provenance(_chart_inputs(chart)),
    )


def chart_or_refusals(path: Path) -> tuple[PatientChart | Path, list[Refusal]]:
    """The chart, or an empty one and why it was refused, so that the pictures go on.

    Args:
        path: The chart's file.

    Returns:
        The file itself when it is sound; else an empty chart and one refusal a problem.

    Raises:
        InvalidInput: If there is no such file: that is wrong usage, not a bad chart.
    """
    try:
        read_chart(path)
    except InvalidInput as problem:
        if not path.is_file():
            raise
        reasons = str(problem).splitlines()
        return PatientChart(), [Refusal(source=str(path), reason=line) for line in reasons]
    return path, []


def analyze_study(
    paths: Iterable[str | Path],
    *,
    chart: PatientChart | str | Path | None = None,
    profile: str = "guideline_2023",
    name: str = "both",
    release: Path | None = None,
    leave_out: Path | None = None,
    progress: Progress | None = None,
    already_refused: Sequence[Refusal] = (),
) -> AnalysedStudy:
    """Analyse a study and keep what is needed to draw its report.

    Args:
        paths: Files and folders.
        chart: A chart, its file, or its JSON text.
        profile: Criteria profile.
        name: Shown name of the condition.
        release: Folder of a release; the shipped one when None.
        leave_out: A folder not to read, such as the report's own.
        progress: Told of every frame.
        already_refused: Inputs refused before, such as the chart.

    Returns:
        The document and its files.

    Raises:
        InvalidInput: If the chart or an argument is wrong.
    """
    known = PatientChart() if chart is None else _chart(chart)
    # A wrong profile or name is told before minutes of looking.
    assess(known, profile=profile, display_name=name)
    loaded = load_release(release or SHIPPED)
    files: list[AnalysedFile] = []
    refused = list(already_refused)
    for opened in open_paths(paths):
        if _lies_in_a_report(Path(opened.source), leave_out):
            continue
        if isinstance(opened, RefusedFile):
            refused.append(Refusal(source=opened.source, reason=opened.reason))
            continue
        seen, problem = looked_through(opened, loaded, progress)
        files.append(AnalysedFile(file=opened, findings=seen))
        if problem is not None:
            refused.append(Refusal(source=opened.source, reason=problem))
    document = _document(
        known, files, refused, loaded, profile=profile, name=name, inputs=_chart_inputs(chart)
    )
    return AnalysedStudy(document=document, files=tuple(files))


def looked_through(
    opened: OpenedStudyFile, release: Release, progress: Progress | None = None
) -> tuple[tuple[FrameFindings, ...], str | None]:
    """Look at every readable frame of a file.

    Args:
        opened: The file.
        release: The release to look with.
        progress: Told of every frame.

    Returns:
        Findings, and the problem that ended the reading early, or None.
    """
    seen: list[FrameFindings] = []
    told = 0

    def tell(done: int) -> None:
        # A volume is looked through before its first slice is given: never count back.
        nonlocal told
        if progress is not None and done > told:
            told = done
            progress(opened.source, done, opened.frame_count)

    try:
        for findings in _looks(opened, release, tell):
            seen.append(findings)
            tell(len(seen))
    except InvalidInput as problem:
        return tuple(seen), str(problem)
    return tuple(seen), None


def _looks(
    opened: OpenedStudyFile, release: Release, tell: Callable[[int], None]
) -> Iterator[FrameFindings]:
    """Stills one by one, a sweep guided from frame to frame, a volume as a solid."""
    if opened.kind is MediaKind.CINE:
        return analyse_sweep(opened.frames(), release)
    if opened.kind is MediaKind.VOLUME and opened.slice_spacing_mm is not None:
        # Loads SimpleITK, which no still or sweep need wait for.
        from deeppcos.vision.volume_analysis import analyse_volume

        try:
            volume = analyse_volume(
                opened.frames(),
                release,
                slice_spacing_mm=opened.slice_spacing_mm,
                progress=lambda done, there: tell(done * (opened.frame_count - 1) // there),
            )
        except InvalidInput:
            # Damaged or of several scales: what can be read is still looked at slice by slice.
            return analyse_frames(opened.frames(), release)
        return iter(volume.findings)
    return analyse_frames(opened.frames(), release)


def _lies_in_a_report(path: Path, leave_out: Path | None) -> bool:
    """Whether a picture is one of our own overlays, which must not be read as a study."""
    if leave_out is not None and path.resolve().is_relative_to(leave_out.resolve()):
        return True
    return any(
        all((folder / name).is_file() for name in REPORT_FILES) for folder in path.parents[:2]
    )


def _document(
    chart: PatientChart,
    files: Sequence[AnalysedFile],
    refused: Sequence[Refusal],
    release: Release,
    *,
    profile: str,
    name: str,
    inputs: Sequence[Path],
) -> AssessmentDocument:
    """Join pictures and chart into the record."""
    measured = measure_study(analysed.as_measured() for analysed in files)
    chart = to_chart(with_header_hints(chart, files), measured)
    assessment = assess(chart, profile=profile, display_name=name)
    pictures = [Path(analysed.file.source) for analysed in files]
    return build_document(
        clinical=to_document(assessment),
        rules=assessment.rules,
        frames=[finding for analysed in files for finding in analysed.findings],
        measurements=measurements_record(measured, files),
        sides=sides_of(files),
        release=_release_record(release),
        refused=refused,
        provenance=_provenance([*inputs, *pictures]),
    )


def _chart(chart: PatientChart | str | Path) -> PatientChart:
    """A chart, however it was given."""
    return chart if isinstance(chart, PatientChart) else read_chart(chart)


def _chart_inputs(chart: PatientChart | str | Path | None) -> list[Path]:
    """The chart's file, when it was one."""
    if isinstance(chart, Path):
        return [chart]
    if isinstance(chart, str) and not chart.lstrip().startswith("{"):
        return [Path(chart)]
    return []


def _provenance(inputs: Iterable[Path]) -> Provenance:
    """When, by which version, and from what."""
    hashed = [
        InputFile(source=str(path), sha256=sha256_of(path))
        for path in dict.fromkeys(inputs)
        if path.is_file()
    ]
    return Provenance(
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        version=str(deeppcos.__version__),
        inputs=hashed,
    )


def _release_record(release: Release) -> dict[str, object]:
    """What the record says of the release; the model card has the rest."""
    manifest = release.manifest
    return {
        "name": manifest.name,
        "created": manifest.created,
        "weights_sha256": manifest.weights_sha256,
        "preprocessing_sha256": manifest.preprocessing_sha256,
        "intended_use": manifest.intended_use,
        "not_for": list(manifest.not_for),
    }


def claim_output(out: Path, *, force: bool) -> None:
    """Check before the work that a report may be written.

    Args:
        out: Folder of the report.
        force: Whether an earlier report may be replaced.

    Raises:
        InvalidInput: If a report is there already, or the place is a file.
    """
    if out.exists() and not out.is_dir():
        raise InvalidInput(f"{out} is a file", accepted="a folder", remedy="name another place")
    there = [name for name in (*REPORT_FILES, OVERLAY_FOLDER) if (out / name).exists()]
    if there and not force:
        raise InvalidInput(
            f"{out} already holds a report",
            value=", ".join(there),
            remedy="name another folder, or replace it with --force",
        )


def write_report(study: AnalysedStudy, out: Path) -> None:
    """Write ``assessment.json``, the overlays, ``report.html`` and ``report.pdf``.

    Each file is written beside and then renamed, so that a half-written one is never found.

    Args:
        study: The analysed study.
        out: Folder; made when it is missing.
    """
    from deeppcos.app.report.html import render_html
    from deeppcos.app.report.key_frames import key_frames_of
    from deeppcos.app.report.overlay import overlay_png
    from deeppcos.app.report.pdf import render_pdf

    out.mkdir(parents=True, exist_ok=True)
    shown, _ = key_frames_of(study.document)
    pictures = pictures_of(study.files, {(frame.source, frame.frame) for frame in shown})
    overlays = out / OVERLAY_FOLDER
    if overlays.is_dir():
        for old in overlays.glob("*.png"):
            old.unlink()
    overlays.mkdir(exist_ok=True)
    for number, frame in enumerate(shown, start=1):
        name = f"{number:03d}_{Path(frame.source).stem}_{frame.frame:04d}.png"
        _write(overlays / name, overlay_png(frame, pictures[frame.source, frame.frame]))
    _write(out / "report.html", render_html(study.document, pictures).encode())
    _write(out / "report.pdf", render_pdf(study.document, pictures))
    _write(out / "assessment.json", to_json(study.document).encode())


def pictures_of(files: Sequence[AnalysedFile], wanted: set[tuple[str, int]]) -> Pictures:
    """Read the wanted frames again, so that a long sweep is never held in memory.

    Args:
        files: Analysed files.
        wanted: Source and frame number.

    Returns:
        ``(H, W, 3) uint8`` RGB by source and frame.
    """
    pictures: Pictures = {}
    for analysed in files:
        numbers = {frame for source, frame in wanted if source == analysed.file.source}
        if not numbers:
            continue
        for frame in analysed.file.frames():
            if frame.index in numbers:
                pictures[frame.source, frame.index] = frame.pixels
            if frame.index >= max(numbers):
                break
    return pictures


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f".{path.name}.partial")
    fresh.write_bytes(content)
    fresh.replace(path)
