"""Other makers' reports: legacy codes, centimetres, repeats, and reports of unknown honesty."""

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian

from deeppcos.clinical.ovary import Side
from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_report_reading import OvaryReport, numbers, ovaries_of, read_report

Concept = tuple[str, str, str]
FINDINGS = ("121070", "DCM", "Findings")
SITE = ("G-C0E3", "SRT", "Finding Site")
OVARY = ("T-87000", "SRT", "Ovary")
FOLLICLE = ("T-87600", "SRT", "Ovarian Follicle")
LATERALITY = ("G-C171", "SRT", "Laterality")
LEFT, RIGHT = ("G-A101", "SRT", "Left"), ("G-A100", "SRT", "Right")
DERIVATION, MEAN = ("121401", "DCM", "Derivation"), ("R-00317", "SRT", "Mean")
GROUP = ("125007", "DCM", "Measurement Group")
IDENTIFIER = ("125010", "DCM", "Identifier")
DIAMETER = ("11793-7", "LN", "Follicle Diameter")
CM = ("cm", "UCUM", "centimeter")


def coded(concept: Concept) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = concept
    return item


def item(kind: str, name: Concept, relation: str = "CONTAINS", *children: Dataset) -> Dataset:
    made = Dataset()
    made.ValueType, made.RelationshipType = kind, relation
    made.ConceptNameCodeSequence = [coded(name)]
    if children:
        made.ContentSequence = list(children)
    if kind == "CONTAINER":
        made.ContinuityOfContent = "SEPARATE"
    return made


def container(name: Concept, *children: Dataset) -> Dataset:
    return item("CONTAINER", name, "CONTAINS", *children)


def modifier(name: Concept, value: Concept) -> Dataset:
    made = item("CODE", name, "HAS CONCEPT MOD")
    made.ConceptCodeSequence = [coded(value)]
    return made


def num(name: Concept, value: str, unit: Concept = CM, *children: Dataset) -> Dataset:
    made = item("NUM", name, "CONTAINS", *children)
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = [coded(unit)]
    made.MeasuredValueSequence = [measured]
    return made


def follicle(name: str, *values: Dataset) -> Dataset:
    identifier = item("TEXT", IDENTIFIER, "HAS OBS CONTEXT")
    identifier.TextValue = name
    return container(GROUP, identifier, *values)


def report(path: Path, *sections: Dataset, **tags: Any) -> Path:
    made = container(("125000", "DCM", "OB-GYN Ultrasound Procedure Report"), *sections)
    del made.RelationshipType
    made.SOPClassUID, made.SOPInstanceUID = ComprehensiveSRStorage, "1.2.3.9"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.Modality = "1.2.3", "1.2.4", "SR"
    made.PatientID, made.Manufacturer = "P-1", "Some Maker"
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "UNVERIFIED"
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.save_as(path, enforce_file_format=True)
    return path


def ovary_section(*groups: Dataset) -> Dataset:
    return container(FINDINGS, modifier(SITE, OVARY), *groups)


def follicle_section(side: Concept, *items: Dataset) -> Dataset:
    return container(FINDINGS, modifier(SITE, FOLLICLE), modifier(LATERALITY, side), *items)


def of(path: Path) -> dict[Side, OvaryReport]:
    return {one.side: one for one in ovaries_of(read_report(path))}


def test_a_legacy_report_in_centimetres_is_read(tmp_path: Path) -> None:
    mean = modifier(DERIVATION, MEAN)
    path = report(
        tmp_path / "vendor.dcm",
        ovary_section(
            container(
                OVARY,
                num(("12164-0", "LN", "Left Ovary Volume"), "6.3", ("cm3", "UCUM", "cm3")),
                num(("11840-6", "LN", "Left Ovary Length"), "3.1"),
                num(("11840-6", "LN", "Left Ovary Length"), "3.3"),
                num(("11840-6", "LN", "Left Ovary Length"), "3.2", CM, mean),
                num(("11829-9", "LN", "Left Ovary Width"), "21", ("mm", "UCUM", "mm")),
            )
        ),
        follicle_section(
            RIGHT,
            num(("11880-2", "LN", "Number of follicles in right ovary"), "2", ("1", "UCUM", "")),
            follicle(
                "#1", num(DIAMETER, "1.2"), num(DIAMETER, "1.0"), num(DIAMETER, "1.1", CM, mean)
            ),
            follicle("#2", num(DIAMETER, "0.6"), num(DIAMETER, "0.8")),
        ),
    )
    found = of(path)
    left = found[Side.LEFT]
    assert (left.volume_ml, left.length_mm, left.width_mm) == (6.3, 32.0, 21.0)
    assert left.height_mm is None
    assert left.follicle_diameters_mm == ()
    right = found[Side.RIGHT]
    assert right.follicle_number == 2
    assert right.follicle_diameters_mm == (11.0, 7.0)
    assert not left.notes
    assert not right.notes


def test_a_generic_code_under_site_and_side_is_read(tmp_path: Path) -> None:
    side = modifier(LATERALITY, RIGHT)
    volume = ("G-D705", "SRT", "Volume")
    path = report(
        tmp_path / "a.dcm",
        ovary_section(container(OVARY, side, num(volume, "9500", ("mm3", "UCUM", "mm3")))),
    )
    assert of(path)[Side.RIGHT].volume_ml == 9.5


def test_repeats_without_a_mean_are_left_open(tmp_path: Path) -> None:
    length = ("11840-6", "LN", "Left Ovary Length")
    path = report(
        tmp_path / "a.dcm", ovary_section(container(OVARY, num(length, "3.1"), num(length, "3.6")))
    )
    left = of(path)[Side.LEFT]
    assert left.length_mm is None
    assert left.notes == ("Left Ovary Length: 31, 36 are stated and none is marked as the mean",)


def test_an_unknown_unit_is_never_guessed(tmp_path: Path) -> None:
    length = ("11840-6", "LN", "Left Ovary Length")
    path = report(
        tmp_path / "a.dcm",
        ovary_section(container(OVARY, num(length, "1.3", ("[in_i]", "UCUM", "inch")))),
        follicle_section(LEFT, follicle("#1", num(DIAMETER, "3", ("px", "99X", "pixel")))),
    )
    left = of(path)[Side.LEFT]
    assert left.length_mm is None
    assert left.follicle_diameters_mm == ()
    assert left.notes == (
        "Left Ovary Length: unit [in_i] is not read",
        "follicle #1: unit px is not read",
    )


def test_a_number_without_value_is_passed_over_and_named(tmp_path: Path) -> None:
    empty = num(("12164-0", "LN", "Left Ovary Volume"), "1")
    empty.MeasuredValueSequence = []
    wrong = num(("12165-7", "LN", "Right Ovary Volume"), "1")
    wrong.MeasuredValueSequence[0].MeasurementUnitsCodeSequence = []
    read = read_report(report(tmp_path / "a.dcm", ovary_section(container(OVARY, empty, wrong))))
    assert read.numbers == ()
    assert read.notes == (
        "Left Ovary Volume: no value",
        "Right Ovary Volume: value or unit cannot be read",
    )


def test_another_report_is_refused(tmp_path: Path) -> None:
    title = [coded(("125200", "DCM", "Adult Echocardiography Procedure Report"))]
    path = report(tmp_path / "a.dcm", ConceptNameCodeSequence=title)
    with pytest.raises(InvalidInput, match="no OB-GYN ultrasound report"):
        ovaries_of(read_report(path))


def test_an_image_is_no_report(study: Any) -> None:
    with pytest.raises(InvalidInput, match="no structured report"):
        read_report(study.files[0])


def test_a_file_that_is_no_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"\0" * 300)
    with pytest.raises(InvalidInput):
        read_report(tmp_path / "a.dcm")


def test_a_tree_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = container(GROUP)
    for _ in range(numbers.DEEPEST + 2):
        deep = container(GROUP, deep)
    with pytest.raises(InvalidInput, match="larger or deeper"):
        read_report(report(tmp_path / "deep.dcm", deep))
    monkeypatch.setattr(numbers, "MOST_ITEMS", 20)
    wide = container(GROUP, *(container(GROUP) for _ in range(30)))
    with pytest.raises(InvalidInput, match="larger or deeper"):
        read_report(report(tmp_path / "wide.dcm", wide))


@pytest.mark.parametrize("cut", [10, 200, 400, 700, 900])
def test_a_report_cut_short_is_refused_or_read_never_a_crash(tmp_path: Path, cut: int) -> None:
    volume = num(("12164-0", "LN", "Left Ovary Volume"), "6.3", ("cm3", "UCUM", "cm3"))
    path = report(tmp_path / "a.dcm", ovary_section(container(OVARY, volume)))
    path.write_bytes(path.read_bytes()[:-cut])
    try:
        read = read_report(path)
    except InvalidInput:
        return
    assert all(one.value == 6.3 for one in read.numbers)
