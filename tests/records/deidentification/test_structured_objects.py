"""Structured reports and segmentations without their patient: what stays, goes, is refused."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("highdicom", reason="the records extra is not installed")

from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.records.deidentification.conftest import sees_nothing
from tests.records.dicom_results.conftest import SIGNATURE, Study, write_study

from deeppcos.records.deidentification import deidentify
from deeppcos.records.deidentification.folder import DeidentificationPolicy, DoneFile
from deeppcos.records.deidentification.key import DeidentificationKey
from deeppcos.records.dicom_documents import encapsulated_pdf
from deeppcos.records.dicom_report import measurement_report, ob_gyn_report
from deeppcos.records.dicom_result import write_object
from deeppcos.records.dicom_segmentation import read_segmentation, segmentations

DCIODVFY = shutil.which("dciodvfy")
NAME = "KOWALSKA^ANNA"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return write_study(
        tmp_path_factory.mktemp("study"), signature=SIGNATURE, PatientName=NAME, PatientID="NC-777"
    )


@pytest.fixture(scope="module")
def objects(study: Study, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("objects")
    outlines = segmentations(study.content)
    made = {
        "measurements": measurement_report(study.content, evidence=outlines),
        "ob_gyn": ob_gyn_report(study.content, evidence=outlines),
        "outlines": outlines[-1],
        "report": encapsulated_pdf(study.content, b"%PDF-1.4\n1 0 obj\nendobj\n%%EOF"),
    }
    for name, one in made.items():
        write_object(one, folder / f"{name}.dcm")
    return {name: folder / f"{name}.dcm" for name in made}


def clean(*paths: Path, into: Path) -> list[tuple[DoneFile, Dataset | None]]:
    """De-identify files; gives each with what was written of it."""
    done: list[DoneFile] = []
    deidentify(
        paths,
        into=into / "out",
        private=into / "private",
        key=DeidentificationKey(secret=bytes(range(32))),
        policy=DeidentificationPolicy(accept_unknown_layouts=True),
        find=sees_nothing,
        on_done=done.append,
    )
    written = [into / "out" / one.entry.output if one.entry.output else None for one in done]
    return [(one, dcmread(at) if at else None) for one, at in zip(done, written, strict=True)]


def changed(path: Path, folder: Path, **values: Any) -> Path:
    """A copy with some elements set."""
    one = dcmread(path)
    for keyword, value in values.items():
        setattr(one, keyword, value)
    folder.mkdir(exist_ok=True)
    one.save_as(folder / path.name, enforce_file_format=True)
    return folder / path.name


def items(dataset: Dataset) -> list[Dataset]:
    """Every content item, depth first."""
    below = dataset.get("ContentSequence") or []
    return [one for item in below for one in (item, *items(item))]


def numbers(dataset: Dataset) -> list[tuple[str, str]]:
    found = [one for one in items(dataset) if one.ValueType == "NUM"]
    return [
        (one.ConceptNameCodeSequence[0].CodeValue, str(value.NumericValue))
        for one in found
        for value in one.get("MeasuredValueSequence") or []
    ]


@pytest.mark.parametrize("kind", ["measurements", "ob_gyn"])
def test_a_report_keeps_its_measurements_and_loses_every_word_and_name(
    objects: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    [(done, written)] = clean(objects[kind], into=tmp_path)
    assert written is not None, done.entry.reason
    original = dcmread(objects[kind])
    assert numbers(written) == numbers(original)
    texts = {str(one.get("TextValue") or one.get("PersonName")) for one in items(written)
             if one.ValueType in ("TEXT", "PNAME")}  # fmt: skip
    assert texts <= {"removed", "removed^"}
    content = (tmp_path / "out" / done.entry.output).read_bytes()
    for word in ("Ayşe".encode(), b"KOWALSKA", b"NC-777", b"A-77", b"ROE", b"largest count"):
        assert word not in content
    assert written.VerifyingObserverSequence[0].VerifyingObserverName == "removed^"
    assert str(written.PatientName).startswith("P-")
    options = [one.CodeValue for one in written.DeidentificationMethodCodeSequence]
    assert options == ["113100", "113104", "113107", "113108"]
    assert any("Ayşe" in text for _, text in done.texts), "shown to whoever holds the key"


def test_references_lead_to_the_images_new_names(
    study: Study, objects: dict[str, Path], tmp_path: Path
) -> None:
    done = clean(*study.files, objects["measurements"], objects["outlines"], into=tmp_path)
    images = {str(one.SOPInstanceUID) for _, one in done[:3] if one is not None}
    assert len(images) == 3, [one.entry.reason for one, _ in done]
    (_, report), (_, outlines) = done[3:]
    assert report is not None
    assert outlines is not None
    referred = {
        str(ref.ReferencedSOPInstanceUID)
        for one in items(report)
        if one.ValueType == "IMAGE"
        for ref in one.ReferencedSOPSequence
    }
    assert referred & images
    assert referred <= images | {str(outlines.SOPInstanceUID)} | _segmentations(study, tmp_path)
    [series] = outlines.ReferencedSeriesSequence
    assert str(series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID) in images
    tracked = {one.TrackingUID for one in outlines.SegmentSequence}
    assert tracked & {str(one.UID) for one in items(report) if one.ValueType == "UIDREF"}


def _segmentations(study: Study, folder: Path) -> set[str]:
    """New names of all the study's segmentations."""
    key = DeidentificationKey(secret=bytes(range(32)))
    return {key.uid(str(one.SOPInstanceUID)) for one in segmentations(study.content)}


def test_a_segmentation_keeps_its_masks_bit_by_bit_and_its_labels_say_what_the_codes_mean(
    objects: dict[str, Path], tmp_path: Path
) -> None:
    label = changed(objects["outlines"], tmp_path / "named", ContentDescription=NAME)
    one = dcmread(label)
    one.SegmentSequence[0].SegmentLabel = "Ovary of Anna Kowalska"
    one.save_as(label)
    [(done, written)] = clean(label, into=tmp_path)
    assert written is not None, done.entry.reason
    before, after = read_segmentation(label), read_segmentation(
        tmp_path / "out" / done.entry.output
    )  # fmt: skip
    assert [one.masks.keys() for one in before] == [one.masks.keys() for one in after]
    for old, new in zip(before, after, strict=True):
        assert all((old.masks[frame] == new.masks[frame]).all() for frame in old.masks)
    assert {one.SegmentLabel for one in written.SegmentSequence} <= {"Ovary", "Ovarian Follicle"}
    assert b"Kowalska" not in (tmp_path / "out" / done.entry.output).read_bytes()


def test_what_hides_after_the_last_mask_is_not_passed_on(
    objects: dict[str, Path], tmp_path: Path
) -> None:
    one = dcmread(objects["outlines"])
    path = changed(
        objects["outlines"], tmp_path / "more", PixelData=one.PixelData + b"KOWALSKA ANNA "
    )
    [(done, written)] = clean(path, into=tmp_path)
    assert written is not None, done.entry.reason
    assert b"KOWALSKA" not in written.PixelData


@pytest.mark.parametrize("place", ["text", "concept", "code", "birth date", "private"])
def test_a_name_anywhere_in_a_report_is_gone(
    objects: dict[str, Path], tmp_path: Path, place: str
) -> None:
    one = dcmread(objects["ob_gyn"])
    one.ContentSequence.append(_with_name(place))
    folder = tmp_path / "named"
    folder.mkdir()
    one.save_as(folder / "a.dcm", enforce_file_format=True)
    [(done, written)] = clean(folder / "a.dcm", into=tmp_path)
    assert written is not None, done.entry.reason
    content = (tmp_path / "out" / done.entry.output).read_bytes().lower()
    assert b"kowalska" not in content
    assert b"19850512" not in content


def _with_name(place: str) -> Dataset:
    item, concept = Dataset(), Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
    concept.CodeValue, concept.CodingSchemeDesignator = "121106", "DCM"
    concept.CodeMeaning = "Comment"
    item.ConceptNameCodeSequence = [concept]
    if place == "concept":
        concept.CodeValue, concept.CodingSchemeDesignator = "K1", "99ROOM"
        concept.CodeMeaning = "Room of Kowalska"
    if place == "code":
        item.ValueType, value = "CODE", Dataset()
        value.CodeValue, value.CodingSchemeDesignator = "K1", "99ROOM"
        value.CodeMeaning = "Kowalska"
        item.ConceptCodeSequence = [value]
    elif place == "birth date":
        item.ValueType, item.Date = "DATE", "19850512"
        concept.CodeValue, concept.CodeMeaning = "121031", "Subject Birth Date"
    else:
        item.TextValue = "Anna Kowalska, born 19850512"
    if place == "private":
        item.add_new(0x00E10010, "LO", "MAKER")
        item.add_new(0x00E11001, "LO", "Kowalska")
    return item


def test_a_pdf_a_report_with_references_by_place_and_grey_masks_are_kept_aside(
    objects: dict[str, Path], tmp_path: Path
) -> None:
    by_place = dcmread(objects["ob_gyn"])
    by_place.ContentSequence[0].ReferencedContentItemIdentifier = [1, 2]
    (tmp_path / "in").mkdir()
    by_place.save_as(tmp_path / "in" / "place.dcm", enforce_file_format=True)
    grey = changed(objects["outlines"], tmp_path / "grey", SegmentationType="FRACTIONAL")
    done = clean(objects["report"], tmp_path / "in" / "place.dcm", grey, into=tmp_path)
    said = [one.entry.reason for one, written in done if written is None]
    assert len(said) == 3
    assert "not de-identified" in said[0]
    assert "by their place" in said[1]
    assert "masks of this kind" in said[2]
    assert not [one for one in (tmp_path / "out").rglob("*") if one.is_file()]


@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("kind", ["measurements", "ob_gyn", "outlines"])
def test_what_is_written_is_still_valid(
    objects: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    [(done, written)] = clean(objects[kind], into=tmp_path)
    assert written is not None, done.entry.reason
    said = subprocess.run(
        [str(DCIODVFY), str(tmp_path / "out" / done.entry.output)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert not [one for one in said.stderr.splitlines() if one.startswith("Error")], said.stderr
