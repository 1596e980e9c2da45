"""The masks of a Segmentation object again, by tracking identifier and frame of the image.

Owns reading binary segmentations, ours and others', and refusing what cannot be tied to an
image. Needs no highdicom.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import SegmentationStorage

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_file import EXPORT_AGAIN, read_object
from deeppcos.records.dicom_header import items_of, number_of, text_of
from deeppcos.records.dicom_items import MOST_OF_SEGMENTATIONS
from deeppcos.vision.decoder_guard import guarded
from deeppcos.vision.stills import refuse_size

Mask = npt.NDArray[np.bool_]
_MOST_PIXELS = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSegment:
    """One segment and where it lies.

    Attributes:
        number: Segment Number.
        label: Segment Label.
        tracking_uid: Tracking UID, or empty.
        tracking_id: Tracking ID, or empty.
        property_code: Code value of the Segmented Property Type.
        image: SOP Instance UID of the image it lies on.
        masks: ``(H, W) bool`` by frame number of the image, from 0.
    """

    number: int
    label: str
    tracking_uid: str
    tracking_id: str
    property_code: str
    image: str
    masks: dict[int, Mask] = field(default_factory=dict)


def read_segmentation(path: Path, *, of_image: str | None = None) -> tuple[ReadSegment, ...]:
    """Read a binary segmentation.

    Args:
        path: The file.
        of_image: SOP Instance UID of the image it must lie on; None accepts any one image.

    Returns:
        Its segments by number.

    Raises:
        InvalidInput: If it is no binary Segmentation, is damaged, lies on another image or on
            several, or two masks of one segment lie on the same frame.
    """
    source = str(path)
    refuse_size(path, source)
    with guarded(source, problem="cannot be read as a segmentation", remedy=EXPORT_AGAIN):
        stored = read_object(path, source, most_items=MOST_OF_SEGMENTATIONS)
        _refuse_other_objects(stored, source)
        masks = _masks(stored, source)
        groups = items_of(stored, "PerFrameFunctionalGroupsSequence")
        if len(groups) != len(masks):
            raise InvalidInput(
                f"{source}: its table of frames does not fit its pixels",
                value=f"{len(groups)} entries, {len(masks)} frames",
                remedy=EXPORT_AGAIN,
            )
        places = [_place(group, source) for group in groups]
        image = _one_image((place[1] for place in places), source, of_image)
        segments = {one.number: one for one in _segments(stored, image)}
        for (number, _, frame), mask in zip(places, masks, strict=True):
            _lay(segments, number, frame, mask, source)
    return tuple(segments[number] for number in sorted(segments))


def _refuse_other_objects(stored: Dataset, source: str) -> None:
    kind = text_of(stored, "SegmentationType") or "nothing"
    if stored.get("SOPClassUID") != SegmentationStorage or kind != "BINARY":
        raise InvalidInput(
            f"{source}: is no binary segmentation",
            value=f"{text_of(stored, 'Modality') or 'no modality'}, {kind}",
            accepted="a DICOM Segmentation of type BINARY",
            remedy="export the segmentation as BINARY",
        )
    pixels = [number_of(stored, name) or 0 for name in ("NumberOfFrames", "Rows", "Columns")]
    if not 0 < pixels[0] * pixels[1] * pixels[2] <= _MOST_PIXELS:
        raise InvalidInput(f"{source}: has no readable pixels", remedy=EXPORT_AGAIN)


def _masks(stored: Dataset, source: str) -> npt.NDArray[np.bool_]:
    """``(N, H, W) bool``."""
    frames, rows, columns = stored.NumberOfFrames, stored.Rows, stored.Columns
    needed = (frames * rows * columns + 7) // 8
    held = len(stored.PixelData)
    if held not in (needed, needed + needed % 2):
        raise InvalidInput(
            f"{source}: its pixels are cut short or too many",
            value=f"{held} bytes",
            accepted=f"{needed} bytes",
            remedy=EXPORT_AGAIN,
        )
    packed = np.frombuffer(stored.PixelData, dtype=np.uint8)
    bits = np.unpackbits(packed, bitorder="little", count=frames * rows * columns)
    return bits.reshape(frames, rows, columns).astype(np.bool_)


def _place(group: Dataset, source: str) -> tuple[int, str, int]:
    """Segment number, image and frame (from 0) of one binary frame."""
    for segment in items_of(group, "SegmentIdentificationSequence"):
        for derivation in items_of(group, "DerivationImageSequence"):
            for image in items_of(derivation, "SourceImageSequence"):
                number = number_of(segment, "ReferencedSegmentNumber")
                frame = number_of(image, "ReferencedFrameNumber") or 1
                uid = text_of(image, "ReferencedSOPInstanceUID")
                if number is not None and uid:
                    return int(number), uid, int(frame) - 1
    raise InvalidInput(
        f"{source}: a frame names no segment or no image",
        accepted="a segment number and a source image for each frame",
        remedy=EXPORT_AGAIN,
    )


def _one_image(uids: Iterable[str], source: str, of_image: str | None) -> str:
    found = sorted(set(uids))
    if len(found) != 1 or (of_image is not None and found != [of_image]):
        raise InvalidInput(
            f"{source}: lies on another image",
            value=", ".join(found),
            accepted=of_image or "one image",
            remedy="give the segmentation of this image",
        )
    return found[0]


def _segments(stored: Dataset, image: str) -> list[ReadSegment]:
    return [
        ReadSegment(
            number=int(number_of(item, "SegmentNumber") or 0),
            label=text_of(item, "SegmentLabel") or "",
            tracking_uid=text_of(item, "TrackingUID") or "",
            tracking_id=text_of(item, "TrackingID") or "",
            property_code=next(
                (
                    text_of(code, "CodeValue") or ""
                    for code in items_of(item, "SegmentedPropertyTypeCodeSequence")
                ),
                "",
            ),
            image=image,
        )
        for item in items_of(stored, "SegmentSequence")
    ]


def _lay(
    segments: dict[int, ReadSegment], number: int, frame: int, mask: Mask, source: str
) -> None:
    """Put one mask where it belongs."""
    if number not in segments or frame in segments[number].masks or frame < 0:
        raise InvalidInput(
            f"{source}: a frame belongs to no segment, or to one twice",
            value=f"segment {number}, frame {frame + 1}",
            remedy=EXPORT_AGAIN,
        )
    segments[number].masks[frame] = mask
