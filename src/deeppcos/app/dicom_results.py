"""An assessment as the set of DICOM objects a hospital stores beside its images.

Owns which objects there are, their file names, and finding the images again behind a stored
report. Each object is made in ``deeppcos.records``; sending them is the business of others.

Everything is made from the published assessment, so a report opened tomorrow gives the objects
of today, under the same UIDs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from deeppcos.app.report.key_frames import key_frames_of
from deeppcos.app.report.overlay import marked_picture
from deeppcos.app.workflow import AnalysedStudy
from deeppcos.errors import InvalidInput, NotAssessable
from deeppcos.records.assessment_document import AssessmentDocument, Signature
from deeppcos.records.assessment_json import from_json
from deeppcos.records.dicom_documents import encapsulated_pdf
from deeppcos.records.dicom_images import open_dicom_image
from deeppcos.records.dicom_key_objects import key_object_selection
from deeppcos.records.dicom_pictures import MarkedPicture, secondary_capture
from deeppcos.records.dicom_report import measurement_report, ob_gyn_report
from deeppcos.records.dicom_result import write_object
from deeppcos.records.dicom_segmentation import SliceMm, segmentations
from deeppcos.records.dicom_source import SourceImage, read_source_image, refuse_mixed
from deeppcos.records.file_types import Reader, recognise
from deeppcos.records.result_content import ResultContent, result_content

ASSESSMENT, PDF = "assessment.json", "report.pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomResults:
    """Everything to be stored for one study.

    Attributes:
        content: What the objects say, with the identifier of every measurement.
        objects: File name and object, in the order in which they refer to each other.
        left_out: What has no object, and why.
    """

    content: ResultContent
    objects: tuple[tuple[str, Dataset], ...]
    left_out: tuple[str, ...]


def results_of_study(
    study: AnalysedStudy, *, signature: Signature | None = None, pdf: bytes | None = None
) -> DicomResults:
    """The objects of a study that was just analysed.

    Args:
        study: The study; its files must still be where they were.
        signature: A clinician's signature; None keeps that of the assessment.
        pdf: The report as PDF, of the same standing as the signature; None sends none.

    Returns:
        The objects.

    Raises:
        InvalidInput: If no image is DICOM, or the images belong to several studies.
    """
    paths = {one.file.source: Path(one.file.source) for one in study.files}
    return dicom_results(study.document, paths, signature=signature, pdf=pdf)


def results_of_report(
    folder: Path, *, images: Path | None = None, slice_mm: float | None = None
) -> DicomResults:
    """The objects of a report that ``deeppcos analyze --out`` wrote.

    Args:
        folder: The report's folder.
        images: Folder with the images; None looks where they were when they were analysed.
        slice_mm: Thickness of the probe's section, mm, for viewers that need one; or None.

    Returns:
        The objects.

    Raises:
        InvalidInput: If the folder holds no report, an image is gone or has changed, no image is
            DICOM, or the images belong to several studies.
    """
    document, paths = report_of(folder, images=images)
    pdf = folder / PDF
    return dicom_results(
        document,
        paths,
        pdf=pdf.read_bytes() if pdf.is_file() else None,
        slice_mm=slice_mm,
    )


def report_of(
    folder: Path, *, images: Path | None = None
) -> tuple[AssessmentDocument, dict[str, Path]]:
    """A report that ``deeppcos analyze --out`` wrote, and where its files lie.

    Args:
        folder: The report's folder.
        images: Folder with the images; None looks where they were when they were analysed.

    Returns:
        The assessment, and the place of each file it names.

    Raises:
        InvalidInput: If the folder holds no report.
    """
    path = folder / ASSESSMENT
    if not path.is_file():
        raise InvalidInput(
            f"{folder}: holds no report",
            accepted=f"a folder with {ASSESSMENT}",
            remedy="write one with deeppcos analyze --out",
        )
    document = from_json(path.read_text(encoding="utf-8"))
    places = {
        one.source: place_of(one.source, folder, images) for one in document.provenance.inputs
    }
    return document, places


def dicom_results(
    document: AssessmentDocument,
    paths: Mapping[str, Path],
    *,
    signature: Signature | None = None,
    pdf: bytes | None = None,
    slice_mm: SliceMm = None,
    unstated_character_set: str = "",
) -> DicomResults:
    """The objects of an assessment.

    Args:
        document: The assessment.
        paths: Where each file the assessment names lies.
        signature: A clinician's signature; None keeps that of the assessment.
        pdf: The report as PDF; None sends none.
        slice_mm: Thickness of the probe's section, mm, for viewers that need one: of all images,
            or of each by the name the assessment knows it by.
        unstated_character_set: What images without Specific Character Set are written in; empty
            leaves names beyond ASCII empty.

    Returns:
        Segmentations first, because the reports refer to them; then the TID 1500 and TID 5000
        reports, the PDF, pictures with outlines, and the selection of key objects.

    Raises:
        InvalidInput: As above.
    """
    if signature is not None:
        document = document.model_copy(update={"signature": signature})
    images = tuple(_images(document, paths, unstated_character_set))
    refuse_mixed(images)
    content = result_content(document, images)
    left_out = list(content.left_out)
    outlines = segmentations(content, slice_mm=slice_mm)
    objects = list(_numbered("segmentation", outlines))
    try:
        report = measurement_report(content, evidence=outlines)
        objects.append(("measurements.dcm", report))
    except NotAssessable as reason:
        left_out.append(str(reason))
    objects.append(("ob_gyn_report.dcm", ob_gyn_report(content, evidence=outlines)))
    if pdf is not None:
        objects.append(("report.dcm", encapsulated_pdf(content, pdf)))
    pictures = [
        secondary_capture(content, picture, number=number)
        for number, picture in enumerate(_marked(content, paths), start=1)
    ]
    objects += _numbered("picture", pictures)
    selection = key_object_selection(content, pictures=pictures)
    if selection is not None:
        objects.append(("key_objects.dcm", selection))
    return DicomResults(content=content, objects=tuple(objects), left_out=tuple(left_out))


def write_results(results: DicomResults, out: Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write every object to a file.

    Args:
        results: The objects.
        out: Folder; made when it is missing.
        force: Whether files of the same names may be replaced.

    Returns:
        The files.

    Raises:
        InvalidInput: If ``out`` is a file, or holds DICOM files and ``force`` is false.
    """
    if out.exists() and not out.is_dir():
        raise InvalidInput(f"{out} is a file", accepted="a folder", remedy="name another place")
    there = sorted(one.name for one in out.glob("*.dcm")) if out.is_dir() else []
    if there and not force:
        raise InvalidInput(
            f"{out} already holds DICOM files",
            value=", ".join(there[:5]),
            remedy="name another folder, or replace them with --force",
        )
    out.mkdir(parents=True, exist_ok=True)
    for name, made in results.objects:
        write_object(made, out / name)
    return tuple(out / name for name, _ in results.objects)


def _numbered(name: str, made: Sequence[Dataset]) -> Iterator[tuple[str, Dataset]]:
    """File names of several objects of a kind."""
    for number, one in enumerate(made, start=1):
        yield f"{name}_{number:02d}.dcm", one


def _images(
    document: AssessmentDocument, paths: Mapping[str, Path], unstated_character_set: str
) -> Iterator[SourceImage]:
    """The DICOM images an assessment rests on, each the file that was analysed."""
    hashes = {one.source: one.sha256 for one in document.provenance.inputs}
    for source in dict.fromkeys(frame.source for frame in document.frames):
        path = paths.get(source, Path(source))
        if not path.is_file():
            raise InvalidInput(
                f"{source}: is not there any more",
                accepted="the images that were analysed",
                remedy="name the folder with the images (--images)",
            )
        if recognise(path, source) is Reader.DICOM:
            yield read_source_image(
                path,
                source=source,
                sha256=hashes.get(source),
                unstated_character_set=unstated_character_set,
            )


def place_of(source: str, report: Path, images: Path | None) -> Path:
    """Where a file lies now: under the named folder, else where it was or beside the report.

    Args:
        source: The file as it was named when it was analysed.
        report: Folder of the report.
        images: Folder with the images, or None.

    Returns:
        The place, whether or not a file is there.
    """
    path = Path(source)
    if images is None:
        beside = report.parent / path.name
        return path if path.is_file() or not beside.is_file() else beside
    return next(iter(sorted(images.rglob(path.name))), images / path.name)


def _marked(content: ResultContent, paths: Mapping[str, Path]) -> Iterable[MarkedPicture]:
    """The frames worth a picture, with outlines drawn in."""
    shown, _ = key_frames_of(content.document)
    for image in content.images:
        wanted = {frame.frame: frame for frame in shown if frame.source == image.source}
        if not wanted:
            continue
        path = paths.get(image.source, Path(image.source))
        for seen in open_dicom_image(path, source=image.source).frames():
            if seen.index in wanted:
                pixels = marked_picture(wanted[seen.index], seen.pixels)
                yield MarkedPicture(image=image, frame=seen.index, pixels=pixels)
            if seen.index >= max(wanted):
                break
