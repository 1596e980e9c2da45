"""PDF, pictures and key objects, and what all objects have in common: identity and characters."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.records.dicom_results.conftest import write_image

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.records.dicom_documents import encapsulated_pdf, pdf_of
from deeppcos.records.dicom_images import open_dicom_image
from deeppcos.records.dicom_key_objects import key_images, key_object_selection
from deeppcos.records.dicom_pictures import MarkedPicture, secondary_capture
from deeppcos.records.dicom_report import ob_gyn_report
from deeppcos.records.dicom_result import write_object
from deeppcos.records.dicom_segmentation import segmentation_of
from deeppcos.records.dicom_source import read_source_image, refuse_mixed

pytest.importorskip("highdicom", reason="the records extra is not installed")

DCIODVFY = shutil.which("dciodvfy")
PDF = b"%PDF-1.4\n1 0 obj\nendobj\n%%EOF"

NAMES = {
    "japanese": (["", "ISO 2022 IR 87"], "Yamada^Hanako=山田^花子=やまだ^はなこ"),
    "korean": (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
    "turkish": ("ISO_IR 148", "Şahin^Gülğün İnci"),
    "arabic": ("ISO_IR 127", "قباني^لنزار"),
    "greek": ("ISO_IR 126", "Διονυσιος"),
    "russian": ("ISO_IR 144", "Люкceмбypг^Роза"),
    "chinese": ("GB18030", "Wang^XiaoDong=王^小东"),
    "unicode": ("ISO_IR 192", "Çelik^Ayşe=山田^花子"),
}


def _written(made: Dataset, path: Path) -> Dataset:
    write_object(made, path)
    return dcmread(path)


def _picture(study: Any, image: int = 0, frame: int = 0) -> MarkedPicture:
    pixels = np.random.default_rng(1).integers(0, 255, (31, 33, 3), np.uint8)
    return MarkedPicture(image=study.content.images[image], frame=frame, pixels=pixels)


def test_the_pdf_comes_back_byte_for_byte(study: Any, tmp_path: Path) -> None:
    for pdf in (PDF, PDF + b"!"):
        stored = _written(encapsulated_pdf(study.content, pdf), tmp_path / "report.dcm")
        assert pdf_of(stored) == pdf
        assert len(stored.EncapsulatedDocument) % 2 == 0
    assert stored.DocumentTitle == "DeepPCOS ovarian ultrasound report, draft, not signed"
    assert len(stored.SourceInstanceSequence) == 3


def test_a_signed_pdf_says_so(signed_study: Any) -> None:
    made = encapsulated_pdf(signed_study.content, PDF)
    assert made.VerificationFlag == "VERIFIED"
    assert "signed by Dr Ayşe Yılmaz" in made.DocumentTitle
    assert (made.ContentDate, made.ContentTime) == ("20260203", "090000")


def test_what_is_no_pdf_is_refused(study: Any) -> None:
    with pytest.raises(InvalidInput, match="no PDF"):
        encapsulated_pdf(study.content, b"<html>")
    with pytest.raises(InvalidInput, match="no Encapsulated PDF"):
        pdf_of(Dataset())


def test_a_picture_keeps_its_pixels_and_names_its_frame(study: Any, tmp_path: Path) -> None:
    picture = _picture(study, image=2, frame=4)
    stored = _written(secondary_capture(study.content, picture, number=1), tmp_path / "a.dcm")
    np.testing.assert_array_equal(stored.pixel_array, picture.pixels)
    [source] = stored.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == picture.image.sop_instance_uid
    assert source.ReferencedFrameNumber == 5
    assert "PixelSpacing" not in stored
    assert "SequenceOfUltrasoundRegions" not in stored


def test_our_own_picture_is_never_read_as_a_study(study: Any, tmp_path: Path) -> None:
    _written(secondary_capture(study.content, _picture(study), number=1), tmp_path / "a.dcm")
    with pytest.raises(InvalidInput, match="outlines that DeepPCOS drew"):
        open_dicom_image(tmp_path / "a.dcm")


def test_pixels_that_are_no_picture_are_refused(study: Any) -> None:
    grey = MarkedPicture(image=study.content.images[0], frame=0, pixels=np.zeros((4, 4), np.uint8))
    with pytest.raises(ContractBroken, match="not RGB"):
        secondary_capture(study.content, grey, number=1)


def test_key_objects_name_images_frames_and_pictures(study: Any, tmp_path: Path) -> None:
    chosen = {image.sop_instance_uid: frames for image, frames in key_images(study.content)}
    assert [bool(frames) for frames in chosen.values()] == [False, False, True]
    picture = secondary_capture(study.content, _picture(study), number=1)
    made = key_object_selection(study.content, pictures=[picture])
    assert made is not None
    stored = _written(made, tmp_path / "keys.dcm")
    referenced = {
        one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID: one.ReferencedSOPSequence[0]
        for one in stored.ContentSequence
        if one.ValueType == "IMAGE"
    }
    assert referenced.keys() == {*chosen, picture.SOPInstanceUID}
    for uid, frames in chosen.items():
        named = referenced[uid].get("ReferencedFrameNumber")
        assert (named == frames[0]) if frames else named is None


def test_where_nothing_was_seen_there_is_no_key_object(study: Any) -> None:
    bare = study.without_outlines()
    document = bare.document.model_copy(update={"measurements": type(bare.document.measurements)()})
    from deeppcos.records.result_content import result_content

    assert key_object_selection(result_content(document, bare.images)) is None


@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (dicom3tools) is not installed")
def test_dciodvfy_finds_nothing_to_say_of_the_others(
    study: Any, signed_study: Any, tmp_path: Path
) -> None:
    for one in (study, signed_study):
        picture = secondary_capture(one.content, _picture(one), number=1)
        keys = key_object_selection(one.content, pictures=[picture])
        for made in (encapsulated_pdf(one.content, PDF), picture, keys):
            assert made is not None
            write_object(made, tmp_path / "a.dcm")
            said = subprocess.run(
                [str(DCIODVFY), str(tmp_path / "a.dcm")],
                capture_output=True,
                encoding="utf-8",
                timeout=60,
            )
            assert len(said.stderr.splitlines()) == 1, said.stderr


@pytest.mark.parametrize("script", NAMES)
def test_a_name_in_any_script_arrives_in_every_object(
    make_study: Any, script: str, tmp_path: Path
) -> None:
    characters, name = NAMES[script]
    content = make_study(
        SpecificCharacterSet=characters, PatientName=name, ReferringPhysicianName=name
    ).content
    for made in (encapsulated_pdf(content, PDF), segmentation_of(content, content.images[0])):
        stored = _written(made, tmp_path / "a.dcm")
        assert stored.SpecificCharacterSet == "ISO_IR 192"
        assert str(stored.PatientName) == name
        assert str(stored.ReferringPhysicianName) == name


def test_a_report_keeps_a_multi_byte_name(make_study: Any, tmp_path: Path) -> None:
    characters, name = NAMES["japanese"]
    content = make_study(SpecificCharacterSet=characters, PatientName=name).content
    stored = _written(ob_gyn_report(content), tmp_path / "a.dcm")
    assert str(stored.PatientName.ideographic) == "山田^花子"


@pytest.mark.parametrize("is_known", [True, False], ids=["the site states it", "nobody does"])
@pytest.mark.parametrize("script", NAMES)
def test_a_name_in_an_unstated_character_set_is_right_or_left_out_and_never_garbled(
    tmp_path: Path, script: str, is_known: bool
) -> None:
    characters, name = NAMES[script]
    path = write_image(
        tmp_path / "a.dcm", number=1, side="L", SpecificCharacterSet=characters, PatientName=name
    )
    content = path.read_bytes()
    start = content.index(b"\x08\x00\x05\x00CS")
    length = int.from_bytes(content[start + 6 : start + 8], "little")
    path.write_bytes(content[:start] + content[start + 8 + length :])
    said = characters if isinstance(characters, str) else "\\".join(characters)
    image = read_source_image(path, unstated_character_set=said if is_known else "")
    assert str(image.identity.PatientName) == (name if is_known else "")
    assert image.identity.PatientID == "P-1"


def test_an_image_that_states_little_still_gets_valid_results(make_study: Any) -> None:
    study = make_study(
        PatientBirthDate=None, AccessionNumber=None, ReferringPhysicianName=None, StudyTime=None
    )
    made = encapsulated_pdf(study.content, PDF)
    assert (made.PatientBirthDate, made.AccessionNumber, made.StudyTime) == ("", "", "")
    assert made.PatientID == "P-1"


def test_the_clock_is_the_images_own(make_study: Any) -> None:
    made = encapsulated_pdf(make_study(TimezoneOffsetFromUTC="+0530").content, PDF)
    assert (made.ContentDate, made.ContentTime) == ("20260201", "140000")
    assert made.TimezoneOffsetFromUTC == "+0530"


def test_all_objects_lie_in_the_study_of_the_images_in_series_of_their_own(study: Any) -> None:
    content = study.content
    objects = [
        encapsulated_pdf(content, PDF),
        secondary_capture(content, _picture(study), number=1),
        segmentation_of(content, content.images[0]),
    ]
    assert {one.StudyInstanceUID for one in objects} == {content.images[0].study_instance_uid}
    assert len({one.SeriesInstanceUID for one in objects}) == 3
    assert content.images[0].series_instance_uid not in {one.SeriesInstanceUID for one in objects}


def test_a_file_that_changed_since_the_analysis_is_refused(study: Any, tmp_path: Path) -> None:
    changed = tmp_path / "changed.dcm"
    changed.write_bytes(study.files[0].read_bytes() + b"\0\0")
    with pytest.raises(InvalidInput, match="is not the file that was analysed"):
        read_source_image(changed, sha256=study.document.provenance.inputs[0].sha256)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"StudyInstanceUID": "1.2.3.4"}, "several studies"),
        ({"PatientID": "P-2"}, "several patients"),
    ],
)
def test_images_that_do_not_belong_together_are_refused(
    study: Any, tmp_path: Path, tags: dict[str, str], said: str
) -> None:
    stored = dcmread(study.files[0])
    for keyword, value in tags.items():
        setattr(stored, keyword, value)
    stored.save_as(tmp_path / "other.dcm")
    other = read_source_image(tmp_path / "other.dcm")
    with pytest.raises(InvalidInput, match=said):
        refuse_mixed([*study.content.images, other])
    with pytest.raises(InvalidInput, match="no DICOM image"):
        refuse_mixed([])


def test_an_image_without_uid_is_refused(study: Any, tmp_path: Path) -> None:
    stored = dcmread(study.files[0])
    stored.StudyInstanceUID = ""
    stored.save_as(tmp_path / "nameless.dcm")
    with pytest.raises(InvalidInput, match="StudyInstanceUID is missing"):
        read_source_image(tmp_path / "nameless.dcm")
