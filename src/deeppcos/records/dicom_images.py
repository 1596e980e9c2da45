"""DICOM ultrasound: stills, cines and volumes.

Owns the decision whether a DICOM file holds an ultrasound picture DeepPCOS may read, and puts
together what its neighbours know: ``dicom_file`` (header and layout), ``dicom_pixel_data``
(whether all frames are there), ``dicom_frames`` (decoding), ``dicom_display`` (grey levels and
colours), ``dicom_geometry`` (scale and time) and ``dicom_header`` (what a chart can use).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pydicom.uid import UID

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_display import shown_frames
from deeppcos.records.dicom_file import EXPORT_AGAIN, DicomFile, PixelLayout, open_dicom
from deeppcos.records.dicom_file import pixel_layout as checked_layout
from deeppcos.records.dicom_frames import decoded_frames
from deeppcos.records.dicom_geometry import (
    ENHANCED_US_VOLUME,
    frame_scale,
    frame_times_s,
    refuse_mixed_volume,
    slice_spacing_mm,
)
from deeppcos.records.dicom_header import (
    chart_hints,
    study_identifiers,
    text_of,
)
from deeppcos.records.dicom_pixel_data import check_frames
from deeppcos.records.study_file import MediaKind, OpenedStudyFile
from deeppcos.vision.decoder_guard import guarded, guarded_items
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.stills import refuse_size

ACCEPTED_MODALITIES = frozenset({"US", "IVUS", "OT", "SC"})
"""Ultrasound, and the two names under which archives keep captured screens."""

OWN_PICTURE = frozenset({"DERIVED", "OUTLINES"})
"""Image Type of the pictures with outlines that ``dicom_pictures`` writes: no study of its own."""

DICOMDIR_CLASS = "1.2.840.10008.1.3.10"


def open_dicom_image(path: str | Path, *, source: str = "") -> OpenedStudyFile:
    """Open a DICOM file as pictures.

    Everything that can be known without decoding is checked here; frames are decoded one at a
    time as they are asked for.

    Args:
        path: The file.
        source: The file, as the user named it; the path when empty.

    Returns:
        The opened file, with what its header offers a chart.

    Raises:
        InvalidInput: If it holds no picture, is not ultrasound, is damaged or cut short, uses
            a compression that is not read, or contradicts itself.
    """
    path, source = Path(path), source or str(path)
    refuse_size(path, source)
    file = open_dicom(path, source)
    with guarded(source, problem="cannot be read as DICOM", remedy=EXPORT_AGAIN):
        _refuse_other_objects(file)
        layout = checked_layout(file.header, source)
        check_frames(file, layout)
        kind = _kind(file, layout)
        if kind is MediaKind.VOLUME:
            refuse_mixed_volume(file.header, layout.frames, source)
        return OpenedStudyFile(
            source=source,
            kind=kind,
            frame_count=layout.frames,
            frames=partial(_guarded_frames, file, layout),
            slice_spacing_mm=(
                slice_spacing_mm(file.header, layout.frames) if kind is MediaKind.VOLUME else None
            ),
            header=chart_hints(file.header),
            identifiers=study_identifiers(file.header),
        )


def _refuse_other_objects(file: DicomFile) -> None:
    """Refuse what is DICOM but no ultrasound picture."""
    modality = text_of(file.header, "Modality") or ""
    what = UID(text_of(file.header, "SOPClassUID") or "").name or "of unknown kind"
    if file.pixel_offset is None and ("Rows" in file.header or "Image Storage" in what):
        raise InvalidInput(
            f"{file.source}: has no pixel data",
            value=f"a DICOM object, {what}, that may have been cut short",
            remedy=EXPORT_AGAIN,
        )
    if file.pixel_offset is None:
        raise InvalidInput(
            f"{file.source}: holds no picture",
            value=f"a DICOM object, {what}",
            accepted="an ultrasound image",
            remedy="give the image files of the study",
        )
    if {str(one) for one in file.header.get("ImageType") or ()} >= OWN_PICTURE:
        raise InvalidInput(
            f"{file.source}: is a picture with outlines that DeepPCOS drew",
            accepted="images as the scanner made them",
            remedy="give the image it was made from",
        )
    if modality and modality not in ACCEPTED_MODALITIES:
        raise InvalidInput(
            f"{file.source}: is not ultrasound",
            value=f"modality {modality}",
            accepted=", ".join(sorted(ACCEPTED_MODALITIES)),
            remedy="give the ultrasound images of the study",
        )


def _kind(file: DicomFile, layout: PixelLayout) -> MediaKind:
    if text_of(file.header, "SOPClassUID") == ENHANCED_US_VOLUME:
        return MediaKind.VOLUME
    return MediaKind.CINE if layout.frames > 1 else MediaKind.STILL


def _guarded_frames(file: DicomFile, layout: PixelLayout) -> Iterator[UltrasoundFrame]:
    return guarded_items(
        _frames(file, layout),
        file.source,
        problem="the pixel data cannot be decoded",
        remedy=EXPORT_AGAIN,
    )


def _frames(file: DicomFile, layout: PixelLayout) -> Iterator[UltrasoundFrame]:
    times = frame_times_s(file.header, layout.frames)
    shown = shown_frames(partial(decoded_frames, file, layout), file.header, layout)
    for index, pixels in enumerate(shown):
        scale = frame_scale(file.header, index, width=layout.columns, height=layout.rows)
        yield UltrasoundFrame(
            source=file.source,
            index=index,
            pixels=pixels,
            mm_per_pixel=scale.mm_per_pixel,
            scale_problem=scale.problem,
            tissue_region=scale.tissue_region,
            time_s=times[index],
        )
