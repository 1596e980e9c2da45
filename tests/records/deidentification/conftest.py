"""Images that are full of identity, and engines that read text or see none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from deeppcos.records.deidentification.key import DeidentificationKey
from deeppcos.records.deidentification.text_finding import FoundText, Look

MakeImage = Callable[..., Dataset]
WriteImage = Callable[..., Path]

NAME, NUMBER = "Kowalska^Anna Maria", "NC-20481632"


def sees_nothing(_: npt.NDArray[np.uint8], __: Look) -> tuple[FoundText, ...]:
    """An engine for pictures without text."""
    return ()


@pytest.fixture
def key() -> DeidentificationKey:
    return DeidentificationKey(secret=bytes(range(32)))


@pytest.fixture
def make_image() -> MakeImage:
    """An ultrasound image with identity in every corner of its header."""

    def make(pixels: npt.NDArray[np.uint8] | None = None, **values: Any) -> Dataset:
        if pixels is None:
            pixels = np.random.default_rng(5).integers(1, 200, (60, 80), dtype=np.uint8)
        image = _described(pixels)
        _identified(image)
        for keyword, value in values.items():
            setattr(image, keyword, value)
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.file_meta.SourceApplicationEntityTitle = "KOWALSKA_ROOM"
        return image

    return make


@pytest.fixture
def write_image(tmp_path: Path, make_image: MakeImage) -> WriteImage:
    """Write such an image and give its path."""

    def write(name: str = "image.dcm", **values: Any) -> Path:
        path = tmp_path / "originals" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        make_image(**values).save_as(path, enforce_file_format=True)
        return path

    return write


def _described(pixels: npt.NDArray[np.uint8]) -> Dataset:
    """What the picture is."""
    image = Dataset()
    frames = pixels.shape[0] if pixels.ndim == 3 else 1
    image.SOPClassUID = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
    image.SOPInstanceUID, image.StudyInstanceUID = "1.2.826.0.1.77.3", "1.2.826.0.1.77.1"
    image.SeriesInstanceUID = "1.2.826.0.1.77.2"
    image.Modality = "US"
    image.Rows, image.Columns = pixels.shape[-2:]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 8, 8, 7
    image.PixelRepresentation = 0
    if frames > 1:
        image.NumberOfFrames, image.FrameTime = frames, 40
        image.FrameIncrementPointer = 0x00181063
    image.PixelData = pixels.tobytes()
    image.SequenceOfUltrasoundRegions = Sequence([_region(image)])
    image.ImageType = ["ORIGINAL", "PRIMARY", "ENDOVAGINAL", "0001"]
    image.LossyImageCompression = "00"
    image.ImageLaterality = "R"
    return image


def _region(image: Dataset) -> Dataset:
    """Everything but the top ten rows."""
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 10
    region.RegionLocationMaxX1 = image.Columns - 1
    region.RegionLocationMaxY1 = image.Rows - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.01
    return region


def _identified(image: Dataset) -> None:
    """Whose it is, in public, private and nested attributes."""
    image.PatientName, image.PatientID = NAME, NUMBER
    image.IssuerOfPatientID = "North Clinic"
    image.PatientBirthDate, image.PatientSex, image.PatientAge = "19850512", "F", "040Y"
    image.PatientAddress = "12 Harbour Lane, Gdansk"
    image.OtherPatientNames = "Nowak^Anna"
    image.ReferringPhysicianName = "House^Gregory"
    image.OperatorsName = "Sonographer^Sally"
    image.InstitutionName, image.StationName = "North Clinic Gdansk", "VOLUSON-R3"
    image.AccessionNumber, image.StudyID = "ACC-778812", "ST-5561"
    image.StudyDescription = "TVUS pelvis Kowalska urgent"
    image.ImageComments = "call husband 555-0143-77"
    image.Manufacturer, image.ManufacturerModelName = "GE Healthcare Austria", "Voluson E10"
    image.DeviceSerialNumber = "SN-9981277"
    image.StudyDate, image.StudyTime = "20260302", "223000"
    image.ContentDate, image.ContentTime = "20260303", "001500"
    image.LastMenstrualDate = "20260210"
    request = Dataset()
    request.RequestedProcedureDescription = "for Dr Kowalska herself"
    request.RequestedProcedureID = "RP-556677"
    image.RequestAttributesSequence = Sequence([request])
    source = Dataset()
    source.ReferencedSOPClassUID = UltrasoundImageStorage
    source.ReferencedSOPInstanceUID = "1.2.826.0.1.77.9"
    source.PatientName = NAME
    image.SourceImageSequence = Sequence([source])
    anatomy = Dataset()
    anatomy.CodeValue, anatomy.CodingSchemeDesignator = "15497006", "SCT"
    anatomy.CodeMeaning = "Ovary of Mrs Kowalska"
    image.AnatomicRegionSequence = Sequence([anatomy])
    block = image.private_block(0x0009, "KOWALSKA PRIVATE", create=True)
    block.add_new(0x01, "LO", "Anna Kowalska, room 3")
    block.add_new(0x02, "UN", b"Kowalska^Anna Maria")
