"""No identity of a header survives, in any attribute, at any depth; what a study needs does."""

import datetime as dt
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import keyword_dict, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification.actions import ACTIONS, Action
from deeppcos.records.deidentification.header import Disguise, disguise_of, patient_of
from deeppcos.records.deidentification.image import clean_image
from deeppcos.records.deidentification.key import DeidentificationKey, new_key
from deeppcos.records.deidentification.second_look import identifying_texts, what_came_through
from deeppcos.records.deidentification.text_finding import FoundText, Look

KEY = DeidentificationKey(secret=bytes(range(32)))
RETAINED_BY_OPTION = {
    "PatientAge",
    "PatientSex",
    "PatientSize",
    "PatientWeight",
    "PregnancyStatus",
    "SmokingStatus",
    "SourceImageSequence",
    "ReferencedImageSequence",
}
"""Attributes of Table E.1-1 that the options retain, or (sequences) that are kept with new UIDs."""


def no_text(_: Any, __: Look) -> tuple[FoundText, ...]:
    return ()


def disguise(header: Dataset, *, key: DeidentificationKey = KEY) -> Disguise:
    return disguise_of(header, key=key, patient=patient_of(header, default_issuer=""))


def cleaned(image: Dataset, folder: Path, *, key: DeidentificationKey = KEY) -> Path:
    original, into = folder / "original.dcm", folder / "cleaned.dcm"
    image.save_as(original, enforce_file_format=True)
    into.unlink(missing_ok=True)
    clean_image(original, into=into, disguise=disguise(image, key=key), find=no_text, source="it")
    return into


def test_no_attribute_of_the_standards_table_is_kept_but_by_the_options_taken() -> None:
    table = pytest.importorskip(
        "dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c",
        reason="dicom-anonymizer is not installed",
    )
    listed = {keyword_for_tag(Tag(tag)) for tag in table.ALL_TAGS if len(tag) == 2}
    assert len(listed) > 500
    kept = {Action.NUMBER, Action.TERM, Action.TAGS, Action.STANDARD_UID, Action.CODES}
    kept |= {Action.WALK, Action.AGE, Action.MAKER, Action.MODEL}
    assert {
        keyword for keyword, action in ACTIONS.items() if keyword in listed and action in kept
    } == RETAINED_BY_OPTION


def test_every_keyword_of_the_table_is_an_attribute_of_dicom() -> None:
    assert [keyword for keyword in ACTIONS if tag_for_keyword(keyword) is None] == []


def test_names_numbers_addresses_and_words_are_gone_from_the_bytes(
    make_image: Any, tmp_path: Path
) -> None:
    image = make_image()
    content = cleaned(image, tmp_path).read_bytes().lower()
    for text in (b"kowalska", b"anna", b"20481632", b"gdansk", b"nowak", b"house", b"sally",
                 b"778812", b"5561", b"urgent", b"555-0143", b"9981277", b"556677",
                 b"voluson-r3", b"19850512", b"1.2.826.0.1.77", b"north clinic"):  # fmt: skip
        assert text not in content, text


def test_what_the_measurements_need_is_kept(make_image: Any, tmp_path: Path) -> None:
    written = dcmread(cleaned(make_image(), tmp_path))
    [region] = written.SequenceOfUltrasoundRegions
    assert (region.PhysicalDeltaX, region.RegionLocationMinY0) == (0.01, 10)
    assert (written.PatientSex, written.PatientAge) == ("F", "040Y")
    assert (written.Manufacturer, written.ManufacturerModelName) == (
        "GE Healthcare",
        "Voluson E10",
    )
    [anatomy] = written.AnatomicRegionSequence
    assert (anatomy.CodeValue, anatomy.CodeMeaning) == ("15497006", "Ovary")


def test_it_says_what_was_done(make_image: Any, tmp_path: Path) -> None:
    written = dcmread(cleaned(make_image(), tmp_path))
    assert (written.PatientIdentityRemoved, written.BurnedInAnnotation) == ("YES", "NO")
    assert written.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [item.CodeValue for item in written.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113101", "113107", "113108"]
    assert "SourceApplicationEntityTitle" not in written.file_meta
    assert written.file_meta.MediaStorageSOPInstanceUID == written.SOPInstanceUID


def test_dates_move_together_and_times_start_at_noon(make_image: Any, tmp_path: Path) -> None:
    image = make_image()
    written = dcmread(cleaned(image, tmp_path))

    def days(header: Dataset) -> int:
        study, period = (
            dt.datetime.strptime(header[name].value, "%Y%m%d")
            for name in ("StudyDate", "LastMenstrualDate")
        )
        return (study - period).days

    assert days(written) == days(image) == 20
    assert written.StudyDate != image.StudyDate
    assert written.StudyTime == "120000"
    # An hour and three quarters later, over the original's midnight.
    assert (written.ContentDate, written.ContentTime) == (written.StudyDate, "134500")


@pytest.mark.parametrize(
    ("age", "kept"),
    [("089Y", "089Y"), ("090Y", "090Y"), ("104Y", "090Y"), ("999M", "999M"), ("1Kow", None)],
    ids=["89", "90", "104", "months", "no-age"],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR AS")
def test_ages_above_89_are_grouped(
    make_image: Any, tmp_path: Path, age: str, kept: str | None
) -> None:
    image = make_image()
    image.PatientAge = age
    image.PatientBirthDate = ""
    assert dcmread(cleaned(image, tmp_path)).get("PatientAge") == kept


def test_a_missing_age_is_taken_from_the_birth_date_before_that_is_removed(
    make_image: Any, tmp_path: Path
) -> None:
    image = make_image()
    del image.PatientAge
    written = dcmread(cleaned(image, tmp_path))
    assert (written.PatientAge, written.PatientBirthDate) == ("040Y", "")


def test_the_same_uid_becomes_the_same_one_wherever_it_stands(
    make_image: Any, tmp_path: Path
) -> None:
    image = make_image()
    image.SourceImageSequence[0].ReferencedSOPInstanceUID = image.SOPInstanceUID
    written = dcmread(cleaned(image, tmp_path))
    assert written.SourceImageSequence[0].ReferencedSOPInstanceUID == written.SOPInstanceUID
    assert re.fullmatch(r"2\.25\.[1-9]\d*", written.SOPInstanceUID)
    assert len(written.SOPInstanceUID) <= 64


def test_the_same_key_writes_the_same_bytes_and_another_key_shares_nothing(
    make_image: Any, tmp_path: Path
) -> None:
    image = make_image()
    first, again = (cleaned(image, tmp_path).read_bytes() for _ in range(2))
    assert first == again
    one = dcmread(cleaned(image, tmp_path))
    other = dcmread(cleaned(image, tmp_path, key=new_key()))
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert one[keyword].value != other[keyword].value


TEXT_VRS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "AS", "DA", "DT", "TM"}
TEXT_KEYWORDS = sorted(
    keyword
    for keyword, tag in keyword_dict.items()
    if keyword and Tag(tag).group > 2 and Tag(tag).group < 0x5000
)


def _vr(keyword: str) -> str:
    from pydicom.datadict import dictionary_VR

    return dictionary_VR(tag_for_keyword(keyword) or 0)


WORDLIKE = [keyword for keyword in TEXT_KEYWORDS if _vr(keyword) in TEXT_VRS]
LETTERS = "abcdefghijklmnopqrstuvwxyzäöüßéèñçåø"  # of Latin-1: coded strings hold no others
secrets_of_people = st.builds(
    lambda first, last: f"{first.capitalize()} {last.capitalize()}",
    st.text(LETTERS, min_size=5, max_size=9),
    st.text(LETTERS, min_size=5, max_size=12),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), secret=secrets_of_people)
@pytest.mark.filterwarnings("ignore")
def test_a_secret_put_into_any_attribute_at_any_depth_does_not_survive(
    make_image: Any, data: st.DataObject, secret: str
) -> None:
    image = make_image()
    image.SpecificCharacterSet = "ISO_IR 192"
    holders = [
        image,
        image.SequenceOfUltrasoundRegions[0],
        image.SourceImageSequence[0],
        image.AnatomicRegionSequence[0],
        image.RequestAttributesSequence[0],
    ]
    # A birth date and the file's own identifiers are put back: they must be readable.
    kept = {"SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "PhotometricInterpretation"}
    kept |= {"Modality", "SpecificCharacterSet", "LossyImageCompression"}
    chosen = st.lists(st.sampled_from([one for one in WORDLIKE if one not in kept]), min_size=8)
    for keyword in data.draw(chosen):
        holder = data.draw(st.sampled_from(holders))
        holder.add_new(tag_for_keyword(keyword) or 0, _vr(keyword), secret)
        nested = Dataset()
        nested.PatientName = secret
        nested.add_new(0x00091010, "UN", secret.encode())
        holder.ReferencedStudySequence = Sequence([nested])
    with tempfile.TemporaryDirectory() as folder:
        content = cleaned(image, Path(folder)).read_bytes().lower()
    with tempfile.TemporaryDirectory() as folder:
        said_anyway = cleaned(make_image(), Path(folder)).read_bytes().lower()
    for encoding in ("utf-8", "latin-1", "iso8859-2"):
        try:
            sought = secret.lower().encode(encoding)
        except UnicodeEncodeError:
            continue
        # Nobody is called "Patient": a word of the file without the secret tells nothing of it.
        assume(not any(part in said_anyway for part in sought.split()))
        assert sought not in content
        assert all(part not in content for part in sought.split() if len(part) > 5)


@settings(max_examples=30, deadline=None)
@given(
    gap=st.integers(0, 4000),
    start=st.dates(dt.date(2000, 1, 1), dt.date(2030, 1, 1)),
    number=st.text("0123456789", min_size=4, max_size=10),
)
def test_intervals_between_the_visits_of_a_patient_stay(
    gap: int, start: dt.date, number: str
) -> None:
    moved = []
    for day in (start, start + dt.timedelta(days=gap)):
        header = Dataset()
        header.PatientID, header.StudyDate, header.StudyTime = number, f"{day:%Y%m%d}", "101500"
        moved.append(disguise(header).shift.date(header.StudyDate))
    first, second = (dt.datetime.strptime(one, "%Y%m%d").date() for one in moved)
    assert (second - first).days == gap
    assert dt.timedelta(days=30) <= start - first <= dt.timedelta(days=3650)


def test_patients_of_two_issuers_with_one_number_stay_two_patients() -> None:
    header = Dataset()
    header.PatientID = "7"
    north, south = (patient_of(header, default_issuer=issuer) for issuer in ("North", "South"))
    assert KEY.pseudonym(north) != KEY.pseudonym(south)


def test_a_study_without_a_patient_number_is_a_patient_of_its_own() -> None:
    header = Dataset()
    header.StudyInstanceUID = "1.2.3"
    assert patient_of(header, default_issuer="").value == "1.2.3"
    with pytest.raises(InvalidInput, match="neither a patient nor a study"):
        patient_of(Dataset(), default_issuer="")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("StudyDescription", "TVUS"),
        ("Manufacturer", "Dr Kowalska"),
        ("PatientID", "somebody"),
        ("StudyInstanceUID", "1.2.826.0.1.77.1"),
        ("BodyPartExamined", "KOWALSKA"),
    ],
)
def test_the_second_look_finds_what_a_broken_cleaner_would_leave(
    make_image: Any, tmp_path: Path, keyword: str, value: str
) -> None:
    image = make_image()
    path = cleaned(image, tmp_path)
    pseudonym = disguise(image).pseudonym
    assert what_came_through(path, original=image, pseudonym=pseudonym) == ()
    broken = dcmread(path)
    setattr(broken, keyword, value)
    broken.save_as(path)
    found = what_came_through(path, original=image, pseudonym=pseudonym)
    assert found
    assert value not in " ".join(found)


def test_the_second_look_finds_a_private_element_and_a_long_number(
    make_image: Any, tmp_path: Path
) -> None:
    image = make_image(PatientID="20481632")
    path = cleaned(image, tmp_path)
    broken = dcmread(path)
    broken.private_block(0x0011, "ANY", create=True).add_new(0x01, "DS", "1.5")
    broken.InstanceNumber = 20481632
    broken.save_as(path)
    found = what_came_through(path, original=image, pseudonym=disguise(image).pseudonym)
    assert len(found) >= 3  # creator, element, number


def test_a_file_in_which_something_came_through_is_not_left_behind(
    make_image: Any, tmp_path: Path
) -> None:
    image = make_image(PatientID="20481632", InstanceNumber=20481632)
    with pytest.raises(InvalidInput, match="came through"):
        cleaned(image, tmp_path)
    assert not (tmp_path / "cleaned.dcm").exists()


def test_names_count_in_their_parts(make_image: Any) -> None:
    assert {"kowalska", "anna", "nc-20481632"} <= identifying_texts(make_image())


@pytest.mark.parametrize(
    ("character_set", "name", "codec"),
    [
        ("ISO_IR 192", "山田^花子", "utf-8"),
        ("ISO_IR 126", "Νικολάου^Ελένη", "iso8859-7"),
        ("GB18030", "王^秀英", "gb18030"),
    ],
    ids=["utf-8", "greek", "gb18030"],
)
def test_names_in_other_character_sets_are_gone(
    make_image: Any, tmp_path: Path, character_set: str, name: str, codec: str
) -> None:
    image = make_image(SpecificCharacterSet=character_set)
    image.PatientName = image.OtherPatientNames = image.StudyDescription = name
    content = cleaned(image, tmp_path).read_bytes()
    assert (tmp_path / "original.dcm").read_bytes().count(name.encode(codec)) == 3
    for part in (name, *name.split("^")):
        for encoding in ("utf-8", codec):
            assert part.encode(encoding) not in content
