"""The classes the conformance statement names are those that are written."""

from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from deeppcos.records.dicom_documents import encapsulated_pdf
from deeppcos.records.dicom_key_objects import key_object_selection
from deeppcos.records.dicom_network.conformance import WRITTEN_CLASSES
from deeppcos.records.dicom_pictures import MarkedPicture, secondary_capture
from deeppcos.records.dicom_report import measurement_report, ob_gyn_report
from deeppcos.records.dicom_result import ResultKind
from deeppcos.records.dicom_segmentation import segmentations

pytest.importorskip("highdicom", reason="the records extra is not installed")


def test_each_kind_is_written_in_the_class_that_is_stated(study: Any) -> None:
    content = study.content
    pixels = np.zeros((31, 33, 3), np.uint8)
    outlines = segmentations(content)
    picture = secondary_capture(
        content, MarkedPicture(image=content.images[0], frame=0, pixels=pixels), number=1
    )
    made = {
        ResultKind.MEASUREMENTS: measurement_report(content, evidence=outlines),
        ResultKind.OB_GYN_REPORT: ob_gyn_report(content),
        ResultKind.SEGMENTATION: outlines[0],
        ResultKind.DOCUMENT: encapsulated_pdf(content, b"%PDF-1.4\n%%EOF"),
        ResultKind.PICTURE: picture,
        ResultKind.KEY_OBJECTS: key_object_selection(content, pictures=[picture]),
    }
    assert {kind: one.SOPClassUID for kind, one in made.items() if one} == WRITTEN_CLASSES
    assert {one.file_meta.TransferSyntaxUID for one in made.values() if one} == {
        ExplicitVRLittleEndian
    }
