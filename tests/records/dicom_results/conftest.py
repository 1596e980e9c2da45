"""A small study with everything results speak of: two stills, a sweep and an assessment."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from deeppcos.records.assessment_document import (
    AssessmentDocument,
    Conclusion,
    CountMeasurement,
    CriterionFinding,
    Findings,
    FollicleRecord,
    FrameRecord,
    FrameReference,
    InputFile,
    LesionRecord,
    Measurements,
    OvaryRecord,
    PixelScale,
    Provenance,
    SectionCount,
    Severity,
    SeverityAxis,
    SideMeasurements,
    Signature,
    VolumeMeasurement,
)
from deeppcos.records.dicom_source import read_source_image, refuse_mixed
from deeppcos.records.result_content import ResultContent, result_content

ROWS, COLUMNS, FRAMES = 61, 83, 12
"""Odd on purpose: a binary frame of 5,063 pixels ends within a byte."""

STUDY_UID = "1.2.826.0.1.3680043.8.498.1"
MM = 0.3
SIGNATURE = Signature.model_validate(
    {
        "name": "Dr Ayşe Yılmaz",
        "role": "gynaecologist",
        "signed": "2026-02-03T09:00:00+00:00",
    }
)


@dataclass(frozen=True)
class Study:
    """Files and the assessment of them."""

    folder: Path
    document: AssessmentDocument = field(repr=False)
    content: ResultContent = field(repr=False)
    files: tuple[Path, ...] = field(default=())
    frames: int = FRAMES

    def without_outlines(self) -> ResultContent:
        """The same study in which no frame could be judged."""
        frames = [
            one.model_copy(update={"assessable": False, "ovaries": []})
            for one in self.document.frames
        ]
        document = self.document.model_copy(update={"frames": frames})
        return result_content(document, self.content.images)


MakeStudy = Callable[..., Study]


def circle(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    at = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in at]


def write_image(path: Path, *, number: int, side: str, frames: int = 1, **tags: Any) -> Path:
    image = Dataset()
    image.SpecificCharacterSet = tags.pop("SpecificCharacterSet", "ISO_IR 192")
    image.SOPClassUID = UltrasoundImageStorage if frames == 1 else UltrasoundMultiFrameImageStorage
    image.SOPInstanceUID = f"{STUDY_UID}.3.{number}"
    image.StudyInstanceUID, image.SeriesInstanceUID = STUDY_UID, f"{STUDY_UID}.2"
    image.PatientName, image.PatientID = "DOE^JANE", "P-1"
    image.PatientBirthDate, image.PatientSex = "19980104", "F"
    image.StudyDate, image.StudyTime = "20260105", "101500"
    image.StudyID, image.AccessionNumber = "S1", "A-77"
    image.ReferringPhysicianName = "ROE^RICHARD"
    image.Modality, image.InstanceNumber = "US", number
    image.ImageLaterality = side
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = ROWS, COLUMNS
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    if frames > 1:
        image.NumberOfFrames = frames
        image.FrameTime = 50.0
        image.FrameIncrementPointer = 0x00181063
    grey = np.random.default_rng(number).integers(0, 255, (frames, ROWS, COLUMNS), np.uint8)
    image.PixelData = grey.tobytes() + b"\0" * (grey.size % 2)
    for keyword, value in tags.items():
        if value is None:
            delattr(image, keyword)
        else:
            setattr(image, keyword, value)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.save_as(path, enforce_file_format=True)
    return path


def _follicle(x: float, y: float, radius: float, *, sized: bool = True) -> FollicleRecord:
    mm = 2 * radius * MM if sized else None
    kind = "unsized" if mm is None else "dominant" if mm >= 10 else "antral"
    return FollicleRecord.model_validate(
        {
            "polygon": circle(x, y, radius),
            "probability": 0.9,
            "mean_diameter_mm": mm,
            "kind": kind,
        }
    )


def _ovary(follicles: list[FollicleRecord], radius: float = 25.0) -> OvaryRecord:
    return OvaryRecord(
        polygon=circle(40, 30, radius),
        probability=0.97,
        follicle_count_section=SectionCount(
            value=len(follicles), low=max(0, len(follicles) - 1), high=len(follicles) + 3
        ),
        follicles=follicles,
        length_mm=2 * radius * MM,
        width_mm=1.9 * radius * MM,
        area_mm2=math.pi * (radius * MM) ** 2,
    )


def _frame(source: Path, index: int, ovaries: list[OvaryRecord], **more: Any) -> FrameRecord:
    return FrameRecord(
        source=str(source),
        frame=index,
        width=COLUMNS,
        height=ROWS,
        mm_per_pixel=PixelScale(x=MM, y=MM, source="dicom_regions"),
        assessable=bool(ovaries),
        ovaries=ovaries,
        **more,
    )


def _sweep_frames(source: Path) -> list[FrameRecord]:
    """Three balls in an ellipsoid, cut by twelve frames a millimetre apart."""
    balls = ((30, 22, 4, 9.0), (48, 24, 6, 8.0), (40, 40, 8, 9.5))
    frames = []
    for index in range(FRAMES):
        follicles = [
            _follicle(x, y, math.sqrt(squared))
            for x, y, middle, radius in balls
            if (squared := radius**2 - ((index - middle) / MM) ** 2) > 3
        ]
        height = 1 - ((index - 5.5) / 6.2) ** 2
        frames.append(_frame(source, index, [_ovary(follicles, 26 * math.sqrt(height))]))
    return frames


def _side(source: Path, **more: Any) -> SideMeasurements:
    where = [FrameReference(source=str(source), frame=0)]
    return SideMeasurements(
        fnps=CountMeasurement(value=3, low=2, high=6, method="largest count", sources=where),
        volume_ml=VolumeMeasurement(
            value=7.25, low=3.41, high=12.5, method="pi/6 x 3 diameters", sources=where
        ),
        length_mm=15.0,
        width_mm=14.25,
        **more,
    )


def assessment(files: list[Path], frames: list[FrameRecord], **more: Any) -> AssessmentDocument:
    unknown, axis = CriterionFinding(state="unknown"), SeverityAxis()
    hashed = [
        InputFile(source=str(one), sha256=hashlib.sha256(one.read_bytes()).hexdigest())
        for one in files
    ]
    return AssessmentDocument(
        conclusion=Conclusion(
            status="indeterminate", profile="guideline_2023", reasons=["two criteria are unknown"]
        ),
        findings=Findings(
            ovulatory_dysfunction=unknown,
            hyperandrogenism=unknown,
            polycystic_morphology=unknown,
            exclusions=unknown,
        ),
        severity=Severity(reproductive=axis, morphology=axis, androgen=axis, metabolic=axis),
        frames=frames,
        release={"name": "seeing-2", "weights_sha256": "5" * 64},
        provenance=Provenance.model_validate(
            {"created": "2026-02-01T08:30:00+00:00", "version": "0.1.0", "inputs": hashed}
        ),
        **more,
    )


def write_study(folder: Path, *, signature: Signature | None = None, **tags: Any) -> Study:
    """Write the study; tags are set in every image, ``signature`` signs the assessment."""
    left = write_image(folder / "left.dcm", number=1, side="L", **tags)
    right = write_image(folder / "right.dcm", number=2, side="R", **tags)
    sweep = write_image(folder / "sweep.dcm", number=3, side="R", frames=FRAMES, **tags)
    files = [left, right, sweep]
    three = [_follicle(30, 22, 7), _follicle(48, 24, 6), _follicle(40, 40, 8)]
    lesion = LesionRecord(polygon=circle(70, 50, 6), probability=0.8, largest_diameter_mm=3.6)
    tracked = CountMeasurement(
        value=3,
        low=3,
        high=5,
        method="followed",
        coverage=0.97,
        sources=[FrameReference(source=str(sweep), frame=0)],
    )
    document = assessment(
        files,
        [
            _frame(left, 0, [_ovary(three)], lesions=[lesion]),
            _frame(right, 0, [_ovary([_follicle(30, 22, 5, sized=False)])]),
            *_sweep_frames(sweep),
        ],
        measurements=Measurements(left=_side(left), right=_side(right, tracked_estimate=tracked)),
        signature=signature,
    )
    images = [read_source_image(one) for one in files]
    refuse_mixed(images)
    return Study(folder, document, result_content(document, images), tuple(files))


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    """Writes a study of the test's own."""

    def made(**tags: Any) -> Study:
        return write_study(tmp_path, **tags)

    return made


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A draft."""
    return write_study(tmp_path_factory.mktemp("draft"))


@pytest.fixture(scope="session")
def signed_study(study: Study) -> Study:
    """The same, signed."""
    document = study.document.model_copy(update={"signature": SIGNATURE})
    content = result_content(document, study.content.images)
    return Study(study.folder, document, content, study.files)
