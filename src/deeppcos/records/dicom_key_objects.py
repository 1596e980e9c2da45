"""Which images of the study are worth looking at, as a Key Object Selection.

Owns the object. The images are those a number was read from, with the frame of a sweep, and the
pictures with outlines. Needs highdicom (the ``records`` extra).
"""

import warnings
from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset

from deeppcos.records import codes
from deeppcos.records.dicom_report.content_items import dicom, observation_context, standing
from deeppcos.records.dicom_result import MAKER, ResultKind, completed
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.result_content import ResultContent
from deeppcos.records.result_outlines import FollowedBody

_PLACEHOLDER_UID = "1.2.3"


def key_images(content: ResultContent) -> tuple[tuple[SourceImage, tuple[int, ...]], ...]:
    """The images worth looking at, each once, with frame numbers of multi-frame ones from 1.

    Args:
        content: What is to be said.

    Returns:
        Images a number was read from, in the order of the study; where nothing was measured,
        the images on which something is outlined.
    """
    frames: dict[str, set[int]] = {}
    for measured in content.measured:
        for where in measured.sources if measured.coverage is None else ():
            frames.setdefault(where.source, set()).add(where.frame + 1)
    for body in content.followed:
        if isinstance(body, FollowedBody) and not frames.get(body.image.source):
            frames.setdefault(body.image.source, set()).add(body.largest_in + 1)
    if not frames:
        for outlined in content.outlined:
            frames.setdefault(outlined.image.source, set()).add(outlined.frame + 1)
    return tuple(
        (image, tuple(sorted(frames[image.source])) if image.frames > 1 else ())
        for image in content.images
        if image.source in frames
    )


def key_object_selection(
    content: ResultContent, *, pictures: Iterable[Dataset] = ()
) -> Dataset | None:
    """The selection; None where no image is worth looking at.

    Args:
        content: What is to be said.
        pictures: Pictures with outlines, as ``dicom_pictures`` made them.

    Returns:
        A Key Object Selection Document, ready to be written, or None.
    """
    from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument

    chosen = key_images(content)
    if not chosen:
        return None
    drawn = [_reference(one) for one in pictures]
    references = [*(image.reference() for image, _ in chosen), *drawn]
    observers = observation_context(content)
    selection = KeyObjectSelection(
        document_title=dicom(codes.OF_INTEREST),
        referenced_objects=references,
        description=f"Images that measurements of the ovaries were read from. {standing(content)}",
    )
    root = selection[0]
    root.ContentSequence = [*observers, *root.ContentSequence]
    _name_frames(root, chosen)
    with warnings.catch_warnings():
        # highdicom warns of names of one component; patients' names are not ours to mend.
        warnings.simplefilter("ignore")
        made = KeyObjectSelectionDocument(
            evidence=references,
            content=selection,
            series_instance_uid=_PLACEHOLDER_UID,
            series_number=1,
            sop_instance_uid=_PLACEHOLDER_UID,
            instance_number=1,
            manufacturer=MAKER,
        )
    plain = Dataset()
    plain.update({element.tag: element for element in made})
    return completed(plain, content, ResultKind.KEY_OBJECTS)


def _name_frames(root: Dataset, chosen: Sequence[tuple[SourceImage, tuple[int, ...]]]) -> None:
    """Name the frames of multi-frame images, which highdicom leaves out."""
    frames = {image.sop_instance_uid: numbers for image, numbers in chosen}
    for item in root.ContentSequence:
        for reference in item.get("ReferencedSOPSequence", []):
            numbers = frames.get(str(reference.ReferencedSOPInstanceUID), ())
            if numbers:
                reference.ReferencedFrameNumber = list(numbers)


def _reference(made: Dataset) -> Dataset:
    """One of our own pictures as evidence."""
    item = Dataset()
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(item, keyword, made[keyword].value)
    item.Rows, item.Columns, item.Modality = made.Rows, made.Columns, made.Modality
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID"):
        setattr(item, keyword, "")
    for keyword in ("AccessionNumber", "StudyDate", "StudyTime", "ReferringPhysicianName"):
        setattr(item, keyword, "")
    return item
