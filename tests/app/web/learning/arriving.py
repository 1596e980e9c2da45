"""Women whose pictures arrive at the desk by its own door: DICOM, uploaded, read by the worker."""

from io import BytesIO

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

from deeppcos.app.example_study import CHART_CONTENT
from deeppcos.app.web import jobs
from deeppcos.app.web.models import Job, JobState, Patient, Site, Study

GREYS = 256
DYNAMIC_RANGE_DB = 50.0
MM_PER_PIXEL = 0.14
"""Of every scanner here: what is counted matters less than that it is counted the same way."""


def turned_down(grey: np.ndarray, *, by_db: float) -> np.ndarray:
    """The picture at a lower gain: on compressed greys a gain is a shift."""
    shift = by_db / DYNAMIC_RANGE_DB * GREYS
    return np.asarray(np.clip(grey.astype(np.float32) - shift, 0, 255), np.uint8)


def dicom_of(grey: np.ndarray, *, scanner: tuple[str, str]) -> bytes:
    """A still as a scanner writes it: calibrated, with its maker's name."""
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = UltrasoundImageStorage, generate_uid()
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    image.PatientName, image.PatientID, image.PatientSex = "PHANTOM", "PHANTOM", "F"
    image.Modality, image.BurnedInAnnotation = "US", "NO"
    image.Manufacturer, image.ManufacturerModelName = scanner
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = grey.shape
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.SequenceOfUltrasoundRegions = [_region(grey)]
    image.PixelData = np.ascontiguousarray(grey).tobytes() + b"\0" * (grey.size % 2)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written = BytesIO()
    image.save_as(written, enforce_file_format=True)
    return written.getvalue()


def _region(grey: np.ndarray) -> Dataset:
    """One calibrated region of tissue that covers the picture."""
    region = Dataset()
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.RegionFlags = 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = grey.shape[1] - 1, grey.shape[0] - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = MM_PER_PIXEL / 10
    return region


def arrive(site: Site, name: str, still: bytes, *, sender: Client) -> Study:
    """A woman nobody has seen before, her study, its picture, and what the worker says of it."""
    patient = Patient.objects.create(site=site, identifier=f"MRN-{name}", may_teach=True)
    study = Study.objects.create(
        site=site, patient=patient, accession=f"ACC-{name}", chart=dict(CHART_CONTENT)
    )
    sent = {"files": [SimpleUploadedFile(f"{name}.dcm", still)]}
    assert sender.post(reverse("studies:files", args=[study.pk]), sent).status_code < 400
    job = Job.objects.get(study=study, state=JobState.WAITING)
    jobs.run.func(str(job.pk))
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.problem
    study.refresh_from_db()
    return study
