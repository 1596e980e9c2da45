"""The frames of a segmentation: which segment in which frame of the image, and its bits.

Owns what highdicom does not do for a multi-frame image without a frame of reference: the
functional groups that tie each binary frame to a segment and to a numbered frame of the image,
and the packing of bits. The order is by segment, then by frame.

Dimension indices are Segment Number and In-Stack Position Number. An index that points at
Referenced Frame Number is legal, and makes common readers fail.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.valuerep import DSfloat

from deeppcos.errors import InvalidInput
from deeppcos.records.codes import SEGMENTATION_DERIVATION, SOURCE_FOR_PROCESSING, Code
from deeppcos.records.dicom_source import SourceImage
from deeppcos.vision.findings import Polygon
from deeppcos.vision.geometry import polygon_mask

MOST_BYTES = 1 << 30
"""Longest pixel data written: archives and viewers hold it in memory."""

PIXEL_GRID = (1, 0, 0, 0, 1, 0)
STACK = "1"
_SEGMENT_NUMBER, _SEGMENT_IDENTIFICATION = Tag("ReferencedSegmentNumber"), Tag(0x0062, 0x000A)
_IN_STACK_POSITION, _FRAME_CONTENT = Tag("InStackPositionNumber"), Tag("FrameContentSequence")


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFrame:
    """One binary frame.

    Attributes:
        segment: Segment number, from 1.
        frame: Frame number in the image, from 0.
        polygon: What is inside, frame pixels.
    """

    segment: int
    frame: int
    polygon: Polygon


def packed_frames(frames: Sequence[SegmentFrame], image: SourceImage) -> bytes:
    """The masks as one stream of bits, first pixel in the lowest bit (PS3.5 8.1.1).

    Frames follow each other without padding, so a frame may begin within a byte. One mask is
    held at a time.

    Args:
        frames: The frames, in the order in which they are written.
        image: The image they lie on.

    Returns:
        An even number of bytes.

    Raises:
        InvalidInput: If there is more than ``MOST_BYTES``.
    """
    bits = len(frames) * image.rows * image.columns
    if bits > 8 * MOST_BYTES:
        raise InvalidInput(
            f"{image.source}: its segmentation is too large",
            value=f"{len(frames)} binary frames of {image.columns} x {image.rows} pixels",
            accepted=f"up to {MOST_BYTES // 2**20} MB",
            remedy="export a shorter sweep",
        )
    packed = b"".join(_packed(_masks(frames, image)))
    return packed + b"\0" * (len(packed) % 2)


def _masks(frames: Iterable[SegmentFrame], image: SourceImage) -> Iterator[npt.NDArray[np.bool_]]:
    for one in frames:
        yield polygon_mask(one.polygon, width=image.columns, height=image.rows)


def _packed(masks: Iterable[npt.NDArray[np.bool_]]) -> Iterator[bytes]:
    """Bits of one mask after the other; up to seven wait for the next byte."""
    waiting = np.zeros(0, dtype=np.bool_)
    for mask in masks:
        bits = np.concatenate([waiting, mask.ravel()])
        whole = len(bits) // 8 * 8
        yield np.packbits(bits[:whole], bitorder="little").tobytes()
        waiting = bits[whole:]
    if len(waiting):
        yield np.packbits(waiting, bitorder="little").tobytes()


def frame_groups(frames: Sequence[SegmentFrame], image: SourceImage) -> list[Dataset]:
    """The Per-Frame Functional Groups Sequence.

    Args:
        frames: The frames, in the order in which they are written.
        image: The image they lie on.

    Returns:
        One item a frame.
    """
    return [_group(one, image) for one in frames]


def shared_groups(spacing_mm: tuple[float, float] | None, slice_mm: float) -> list[Dataset]:
    """The Shared Functional Groups Sequence for viewers that show nothing without a plane.

    The orientation is that of the pixel grid itself, which viewers assume for images without
    one. As there is neither a position nor a frame of reference, it says nothing of how the
    section lies in the patient.

    Args:
        spacing_mm: Distance between rows and between columns, mm, as the image's header states
            it; None writes the orientation alone, which is what cornerstone3D asks for.
        slice_mm: Thickness of the section, mm, as the site states it of its probe.

    Returns:
        One item.
    """
    orientation = Dataset()
    orientation.ImageOrientationPatient = list(PIXEL_GRID)
    group = Dataset()
    group.PlaneOrientationSequence = [orientation]
    if spacing_mm is not None:
        measures = Dataset()
        measures.PixelSpacing = [DSfloat(one, auto_format=True) for one in spacing_mm]
        measures.SliceThickness = DSfloat(slice_mm, auto_format=True)
        group.PixelMeasuresSequence = [measures]
    return [group]


def dimension_items(organization_uid: str) -> list[Dataset]:
    """The Dimension Index Sequence.

    Args:
        organization_uid: Dimension Organization UID.
    """
    items = []
    for pointer, group, label in (
        (_SEGMENT_NUMBER, _SEGMENT_IDENTIFICATION, "Segment Number"),
        (_IN_STACK_POSITION, _FRAME_CONTENT, "In-Stack Position Number"),
    ):
        item = Dataset()
        item.DimensionOrganizationUID = organization_uid
        item.DimensionIndexPointer = pointer
        item.FunctionalGroupPointer = group
        item.DimensionDescriptionLabel = label
        items.append(item)
    return items


def _group(one: SegmentFrame, image: SourceImage) -> Dataset:
    """The functional groups of one frame."""
    content = Dataset()
    content.StackID = STACK
    content.InStackPositionNumber = one.frame + 1
    content.DimensionIndexValues = [one.segment, one.frame + 1]
    segment = Dataset()
    segment.ReferencedSegmentNumber = one.segment
    group = Dataset()
    group.DerivationImageSequence = [_derivation(one, image)]
    group.FrameContentSequence = [content]
    group.SegmentIdentificationSequence = [segment]
    return group


def _derivation(one: SegmentFrame, image: SourceImage) -> Dataset:
    """Which frame of which image it was made from."""
    source = Dataset()
    source.ReferencedSOPClassUID = image.sop_class_uid
    source.ReferencedSOPInstanceUID = image.sop_instance_uid
    if image.frames > 1:
        source.ReferencedFrameNumber = one.frame + 1
    source.SpatialLocationsPreserved = "YES"
    source.PurposeOfReferenceCodeSequence = [_coded(SOURCE_FOR_PROCESSING)]
    derivation = Dataset()
    derivation.SourceImageSequence = [source]
    derivation.DerivationCodeSequence = [_coded(SEGMENTATION_DERIVATION)]
    return derivation


def _coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme.value
    item.CodeMeaning = code.meaning
    return item
