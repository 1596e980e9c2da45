import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset

from deeppcos.records.dicom_images import open_dicom_image

Rgb = npt.NDArray[np.uint8]
WriteDicom = Callable[..., Path]
Transcode = Callable[[Path, str], Path]


def test_the_header_offers_the_chart_its_hints_and_never_the_name(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    probe = Dataset()
    probe.TransducerFrequency = 7500
    path = write_dicom(
        grey_picture,
        PatientAge="027Y",
        LastMenstrualDate="20240401",
        StudyDate="20240420",
        TransducerType="ENDOCAV_CLA",
        ImageLaterality="L",
        BodyPartExamined="OVARY",
        Manufacturer="Maker",
        ManufacturerModelName="Model 1",
        SequenceOfUltrasoundRegions=[probe],
    )
    opened = open_dicom_image(path)
    assert opened.header is not None
    assert opened.header.age_years == 27
    assert opened.header.last_menstrual_date == dt.date(2024, 4, 1)
    assert opened.header.study_date == dt.date(2024, 4, 20)
    assert opened.header.transducer_mhz == pytest.approx(7.5)
    assert opened.header.transducer_type == "ENDOCAV_CLA"
    assert opened.header.laterality == "L"
    assert opened.header.body_part == "OVARY"
    assert (opened.header.manufacturer, opened.header.model) == ("Maker", "Model 1")
    assert opened.identifiers is not None
    assert opened.identifiers.sop_instance_uid == pydicom.dcmread(path).SOPInstanceUID
    known = repr((opened.header, opened.identifiers))
    assert "Doe" not in known
    assert "12345" not in known


def test_missing_and_malformed_hints_are_unknown(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    path = write_dicom(grey_picture)
    opened = open_dicom_image(path)
    assert opened.header is not None
    hints = opened.header
    assert (hints.age_years, hints.study_date, hints.transducer_mhz) == (None, None, None)
    content = path.read_bytes().replace(b"Doe^Jane", b"\xff\xfe\xfd\xfcJane")
    path.write_bytes(content)
    assert open_dicom_image(path).header == hints


def test_age_is_taken_from_the_dates_when_it_is_not_stated(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    path = write_dicom(grey_picture, PatientBirthDate="19960101", StudyDate="20240101")
    header = open_dicom_image(path).header
    assert header is not None
    assert header.age_years == pytest.approx(28, abs=0.01)
