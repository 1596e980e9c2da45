"""Pictures with the outlines drawn into them, as Secondary Capture, for every viewer there is.

Owns the object around the picture. Drawing is the business of ``deeppcos.app.report.overlay``.
A picture with drawings in it is a copy to look at: its pixels are marked as derived, and it
states no scale to measure with.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from deeppcos.errors import ContractBroken
from deeppcos.records.codes import SOURCE_FOR_PROCESSING
from deeppcos.records.dicom_result import ResultKind, completed, fitted
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.result_content import ResultContent


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedPicture:
    """A frame with its outlines drawn in.

    Attributes:
        image: The image it was made from.
        frame: Frame number, from 0.
        pixels: ``(H, W, 3) uint8`` RGB.
    """

    image: SourceImage
    frame: int
    pixels: npt.NDArray[np.uint8]


def secondary_capture(content: ResultContent, picture: MarkedPicture, *, number: int) -> Dataset:
    """A picture with outlines, in the study of its image.

    Args:
        content: What it was made from.
        picture: The picture.
        number: Instance Number.

    Returns:
        A Secondary Capture image, ready to be written.

    Raises:
        ContractBroken: If the pixels are not RGB.
    """
    pixels = picture.pixels
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ContractBroken(
            "a picture for the archive is not RGB",
            value=f"shape {pixels.shape}, {pixels.dtype}",
            accepted="(H, W, 3) uint8",
        )
    made = Dataset()
    made.SOPClassUID = SecondaryCaptureImageStorage
    made.ConversionType = "WSD"
    made.ImageType = ["DERIVED", "SECONDARY", "OUTLINES"]
    made.PatientOrientation = ""
    side = picture.image.side
    if side is None:
        made.Laterality = ""
    else:
        made.ImageLaterality = side.value[0].upper()
    made.BurnedInAnnotation = "YES"
    made.DerivationDescription = fitted(
        "Outlines of ovary and follicles drawn in by DeepPCOS", longest=1024
    )
    made.SourceImageSequence = [_source(picture)]
    made.LossyImageCompression = "01" if _is_lossy(picture.image) else "00"
    for element in picture.image.compression:
        made[element.tag] = element
    made.SamplesPerPixel, made.PhotometricInterpretation = 3, "RGB"
    made.PlanarConfiguration = 0
    made.Rows, made.Columns = pixels.shape[:2]
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.ImageComments = fitted(
        f"{picture.image.label}, frame {picture.frame + 1}. Research use. Not a medical device.",
        longest=1024,
    )
    data = np.ascontiguousarray(pixels).tobytes()
    made.PixelData = data + b"\0" * (len(data) % 2)
    made["PixelData"].VR = "OB"
    return completed(made, content, ResultKind.PICTURE, number=number)


def _is_lossy(image: SourceImage) -> bool:
    return str(image.compression.get("LossyImageCompression", "00")) == "01"


def _source(picture: MarkedPicture) -> Dataset:
    """The frame behind the picture."""
    purpose = Dataset()
    purpose.CodeValue = SOURCE_FOR_PROCESSING.value
    purpose.CodingSchemeDesignator = SOURCE_FOR_PROCESSING.scheme.value
    purpose.CodeMeaning = SOURCE_FOR_PROCESSING.meaning
    item = Dataset()
    item.ReferencedSOPClassUID = picture.image.sop_class_uid
    item.ReferencedSOPInstanceUID = picture.image.sop_instance_uid
    if picture.image.frames > 1:
        item.ReferencedFrameNumber = picture.frame + 1
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item
