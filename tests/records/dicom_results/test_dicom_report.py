"""The reports: template rules no tool checks, written and read back, and the checkers' word."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset

from deeppcos.clinical.ovary import Side
from deeppcos.errors import NotAssessable
from deeppcos.records import codes
from deeppcos.records.assessment_document import (
    CountMeasurement,
    Measurements,
    SideMeasurements,
    VolumeMeasurement,
)
from deeppcos.records.codes import Code
from deeppcos.records.dicom_report import measurement_report, ob_gyn_report
from deeppcos.records.dicom_report.content_items import person_name
from deeppcos.records.dicom_report_reading import ovaries_of, read_report
from deeppcos.records.dicom_result import write_object
from deeppcos.records.dicom_segmentation import segmentations
from deeppcos.records.result_content import ResultContent, result_content
from deeppcos.records.result_sides import QUANTITY_CODES

pytest.importorskip("highdicom", reason="the records extra is not installed")

WRITERS = {"TID 1500": measurement_report, "TID 5000": ob_gyn_report}
TOOLS = {name: shutil.which(name) for name in ("dciodvfy", "dsrdump")}
PRIVATE_SCHEME = "Unrecognized defined term <99DEEPPCOS>"
"""The one thing dciodvfy says: it knows no private coding scheme, though the report names it."""


def _name(item: Dataset) -> tuple[str, str]:
    [code] = item.ConceptNameCodeSequence
    return code.CodeValue, code.CodingSchemeDesignator


def _is(item: Dataset, code: Code) -> bool:
    return _name(item) == (code.value, code.scheme.value)


def _children(item: Dataset, code: Code, relation: str = "CONTAINS") -> list[Dataset]:
    every = item.get("ContentSequence", [])
    return [one for one in every if one.RelationshipType == relation and _is(one, code)]


def _said(item: Dataset, code: Code, relation: str = "HAS CONCEPT MOD") -> str:
    [child] = _children(item, code, relation)
    if child.ValueType == "CODE":
        return str(child.ConceptCodeSequence[0].CodeValue)
    return str(child.get("TextValue") or child.get("UID"))


def _below(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence", []):
        yield child
        yield from _below(child)


def _section(report: Dataset, site: Code, side: Side | None = None) -> Dataset:
    sections = [
        one
        for one in _children(report, codes.FINDINGS)
        if _said(one, codes.FINDING_SITE) == site.value
        and (side is None or _said(one, codes.LATERALITY) == codes.SIDES[side].value)
    ]
    assert len(sections) == 1
    return sections[0]


@pytest.mark.parametrize("name", WRITERS)
def test_a_draft_is_partial_and_a_signed_report_names_its_observer(
    study: Any, signed_study: Any, name: str
) -> None:
    draft, signed = (WRITERS[name](one.content) for one in (study, signed_study))
    flags = ("CompletionFlag", "PreliminaryFlag", "VerificationFlag")
    assert [draft[flag].value for flag in flags] == ["PARTIAL", "PRELIMINARY", "UNVERIFIED"]
    assert "VerifyingObserverSequence" not in draft
    assert [signed[flag].value for flag in flags] == ["COMPLETE", "FINAL", "VERIFIED"]
    [observer] = signed.VerifyingObserverSequence
    assert observer.VerifyingObserverName == "Dr Ayşe Yılmaz^"
    assert observer.VerifyingOrganization == "not stated"
    assert observer.VerificationDateTime == "20260203090000+0000"
    names = [one.PersonName for one in _below(signed) if one.ValueType == "PNAME"]
    assert names == ["Dr Ayşe Yılmaz^"]
    assert draft.SOPInstanceUID != signed.SOPInstanceUID
    assert draft.SeriesInstanceUID == signed.SeriesInstanceUID


@pytest.mark.parametrize("name", WRITERS)
def test_the_checkers_find_nothing_but_our_private_codes(
    study: Any, signed_study: Any, name: str, tmp_path: Path
) -> None:
    if not all(TOOLS.values()):
        pytest.skip("dciodvfy (dicom3tools) or dsrdump (dcmtk) is not installed")
    for one in (study, signed_study):
        path = tmp_path / "report.dcm"
        write_object(WRITERS[name](one.content), path)
        said = subprocess.run(
            [str(TOOLS["dciodvfy"]), str(path)], capture_output=True, encoding="utf-8", timeout=60
        )
        lines = [line for line in said.stderr.splitlines() if PRIVATE_SCHEME not in line]
        assert lines == ["ComprehensiveSR"]
        read = subprocess.run(
            [str(TOOLS["dsrdump"]), str(path)], capture_output=True, encoding="utf-8", timeout=60
        )
        assert read.returncode == 0
        assert "E:" not in read.stderr
        assert "Right Ovary Volume" in read.stdout or "Imaging Measurements" in read.stdout


def test_every_measurement_carries_its_identifier_and_its_algorithm(study: Any) -> None:
    report = measurement_report(study.content, evidence=segmentations(study.content))
    [measurements] = _children(report, codes.IMAGING_MEASUREMENTS)
    groups = _children(measurements, codes.MEASUREMENT_GROUP)
    bodies = (*study.content.outlined, *study.content.followed)
    assert len(groups) == len(bodies) + 2
    uids = [_said(one, codes.TRACKING_UNIQUE_IDENTIFIER, "HAS OBS CONTEXT") for one in groups]
    assert uids[2:] == [one.identifier.uid for one in bodies]
    for group in groups:
        assert _said(group, codes.ALGORITHM_NAME) == "DeepPCOS seeing-2"
        assert _said(group, codes.ALGORITHM_VERSION) == "0.1.0"
        assert _said(group, codes.FINDING_SITE) == codes.OVARY.value
    numbers = [
        one for group in groups[:2] for one in group.ContentSequence if one.ValueType == "NUM"
    ]
    carried = [_said(one, codes.TRACKING_UNIQUE_IDENTIFIER, "HAS OBS CONTEXT") for one in numbers]
    assert carried == [one.identifier.uid for one in study.content.measured]


def test_the_segment_and_the_report_name_a_follicle_alike(study: Any) -> None:
    sweep = segmentations(study.content)[-1]
    in_segments = {one.TrackingUID for one in sweep.SegmentSequence}
    report = measurement_report(study.content)
    in_report = {one.UID for one in _below(report) if one.ValueType == "UIDREF"}
    ob_gyn = {one.UID for one in _below(ob_gyn_report(study.content)) if one.ValueType == "UIDREF"}
    follicles = {one.identifier.uid for one in study.content.followed[1:]}
    assert in_segments <= in_report
    assert follicles <= in_segments & in_report & ob_gyn


def test_an_outline_lies_in_its_frame_counted_from_the_corner_of_the_first_pixel(
    study: Any,
) -> None:
    regions = [
        one for one in _below(measurement_report(study.content)) if one.ValueType == "SCOORD"
    ]
    bodies = (*study.content.outlined, *study.content.followed)
    for region, body in zip(regions, bodies, strict=True):
        polygon = getattr(body, "polygon", None) or body.largest_outline
        data = [float(value) for value in region.GraphicData]
        assert region.GraphicType == "POLYLINE"
        assert data[:2] == data[-2:]
        assert data[0] == pytest.approx(polygon[0][0] + 0.5, abs=1e-4)
        assert data[1] == pytest.approx(polygon[0][1] + 0.5, abs=1e-4)
        [reference] = region.ContentSequence[0].ReferencedSOPSequence
        assert reference.ReferencedSOPInstanceUID == body.image.sop_instance_uid
        if body.image.frames > 1:
            assert reference.ReferencedFrameNumber == body.largest_in + 1
        else:
            assert "ReferencedFrameNumber" not in reference


def test_the_ovaries_section_keeps_tid_5012_and_5016(study: Any) -> None:
    report = ob_gyn_report(study.content)
    assert _is(report, codes.OB_GYN_REPORT)
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "5000"
    groups = _children(_section(report, codes.OVARY), codes.OVARY)
    assert len(groups) == 2
    for side, group in zip(Side, groups, strict=True):
        names = [_name(one) for one in group.ContentSequence]
        assert names == [
            (codes.OVARY_VOLUME[side].value, "LN"),
            (codes.OVARY_LENGTH[side].value, "LN"),
            (codes.OVARY_WIDTH[side].value, "LN"),
        ]
        units = [
            one.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue
            for one in group.ContentSequence
        ]
        assert units == ["cm3", "mm", "mm"]


def test_the_follicles_section_keeps_tid_5013_and_5014(study: Any) -> None:
    report = ob_gyn_report(study.content)
    right = _section(report, codes.OVARIAN_FOLLICLE, Side.RIGHT)
    groups = _children(right, codes.MEASUREMENT_GROUP)
    assert len(groups) == 3
    for group in groups:
        assert _said(group, codes.IDENTIFIER, "HAS OBS CONTEXT").startswith("right ovary follicle")
        diameters = _children(group, codes.FOLLICLE_DIAMETER)
        assert _said(diameters[0], codes.DERIVATION) == codes.MEAN.value
        mean, *two = [float(one.MeasuredValueSequence[0].NumericValue) for one in diameters]
        assert mean == pytest.approx(sum(two) / 2, abs=0.01)


def test_only_a_whole_ovary_count_is_written_as_the_number_of_follicles(study: Any) -> None:
    names = {_name(one) for one in _below(ob_gyn_report(study.content))}
    assert not {("11879-4", "LN"), ("11880-2", "LN")} & names
    assert {(codes.FNPS.value, "99DEEPPCOS"), (codes.TRACKED_ESTIMATE.value, "99DEEPPCOS")} <= names
    counted = _with_measurements(
        study.content, right=SideMeasurements(fnpo=CountMeasurement(value=24, low=19, high=29))
    )
    names = {_name(one) for one in _below(ob_gyn_report(counted))}
    assert ("11880-2", "LN") in names
    assert ("11879-4", "LN") not in names


def test_an_ovary_of_unknown_side_is_told_in_the_summary(study: Any) -> None:
    unknown = _with_measurements(
        study.content, side_unknown=SideMeasurements(fnps=CountMeasurement(value=11))
    )
    report = ob_gyn_report(unknown)
    [summary] = _children(report, codes.SUMMARY)
    told = [one.TextValue for one in _children(summary, codes.COMMENT)]
    assert told[-1] == "Ovary of unknown side, not listed below: FNPS 11 1."
    assert not _children(report, codes.FINDINGS)


def test_nothing_measured_gives_no_measurement_report(study: Any) -> None:
    frames = study.without_outlines().document.frames
    document = study.document.model_copy(update={"measurements": Measurements(), "frames": frames})
    with pytest.raises(NotAssessable, match="nothing was measured"):
        measurement_report(result_content(document, study.content.images))


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Dr Ayşe Yılmaz", "Dr Ayşe Yılmaz^"),
        ("Yılmaz, Ayşe", "Yılmaz^Ayşe"),
        ("山田 花子", "山田 花子^"),
        ("a^b=c\\d", "a b c/d^"),
    ],
)
def test_a_name_is_written_as_it_was_typed(typed: str, written: str) -> None:
    assert person_name(typed) == written


def _with_measurements(content: ResultContent, **sides: SideMeasurements) -> ResultContent:
    document = content.document.model_copy(update={"measurements": Measurements(**sides)})
    return result_content(document, content.images)


counts = st.integers(0, 60)
lengths = st.one_of(st.none(), st.floats(0.5, 90).map(lambda mm: round(mm, 2)))


@st.composite
def sides(draw: st.DrawFn) -> SideMeasurements:
    def count() -> CountMeasurement:
        value = draw(st.one_of(st.none(), counts))
        if value is None or draw(st.booleans()):
            return CountMeasurement(value=value)
        return CountMeasurement(
            value=value, low=draw(st.integers(0, value)), high=value + draw(counts)
        )

    ml = draw(st.one_of(st.none(), st.floats(0.2, 200).map(lambda one: round(one, 2))))
    volume = VolumeMeasurement()
    if ml is not None:
        above = round(ml + draw(st.floats(0, 20)), 2)
        volume = VolumeMeasurement(value=ml, low=round(ml / 2, 2), high=above)
    return SideMeasurements(
        fnps=count(),
        tracked_estimate=count(),
        fnpo=count(),
        volume_ml=volume,
        length_mm=draw(lengths),
        width_mm=draw(lengths),
        thickness_mm=draw(lengths),
    )


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(left=sides(), right=sides())
def test_measurements_written_are_measurements_read(
    study: Any, tmp_path: Path, left: SideMeasurements, right: SideMeasurements
) -> None:
    content = _with_measurements(study.without_outlines(), left=left, right=right)
    assume(content.measured)
    path = tmp_path / "report.dcm"
    write_object(measurement_report(content), path)
    by_uid = {one.tracking_uid: one for one in read_report(path).numbers}
    for stated in content.measured:
        read = by_uid[stated.identifier.uid]
        name, unit = QUANTITY_CODES[stated.quantity]
        assert read.name.is_(name)
        assert (read.value, read.unit, read.side) == (stated.value, unit.value, stated.side)
        assert (read.low, read.high) == (stated.low, stated.high)
    write_object(ob_gyn_report(content), path)
    report = read_report(path)
    found = {one.side: one for one in ovaries_of(report)}
    for side, wanted in ((Side.LEFT, left), (Side.RIGHT, right)):
        lengths_mm = (wanted.length_mm, wanted.width_mm, wanted.thickness_mm)
        whole_ovary = (wanted.volume_ml.value, wanted.fnpo.value, *lengths_mm)
        if all(value is None for value in whole_ovary):
            assert side not in found, "a count of a section is no number of the ovary"
            continue
        read_side = found[side]
        assert read_side.volume_ml == wanted.volume_ml.value
        assert read_side.length_mm == wanted.length_mm
        assert read_side.width_mm == wanted.width_mm
        assert read_side.height_mm == wanted.thickness_mm
        assert read_side.follicle_number == wanted.fnpo.value
        assert read_side.notes == ()


def test_both_reports_say_the_same_numbers(study: Any, tmp_path: Path) -> None:
    read = []
    for write in WRITERS.values():
        write_object(write(study.content), tmp_path / "report.dcm")
        read.append(
            {
                one.tracking_uid: (one.value, one.low, one.high, one.unit)
                for one in read_report(tmp_path / "report.dcm").numbers
            }
        )
    uids = {one.identifier.uid for one in study.content.measured}
    assert uids <= read[0].keys() & read[1].keys()
    assert all(read[0][uid] == read[1][uid] for uid in uids)


def test_pydicom_reads_the_file_and_its_meta_header(study: Any, tmp_path: Path) -> None:
    made = ob_gyn_report(study.content)
    write_object(made, tmp_path / "report.dcm")
    stored = dcmread(tmp_path / "report.dcm")
    assert stored.file_meta.MediaStorageSOPInstanceUID == stored.SOPInstanceUID
    assert stored.SpecificCharacterSet == "ISO_IR 192"
    assert (stored.PatientName, stored.AccessionNumber) == ("DOE^JANE", "A-77")
    assert not list(tmp_path.glob(".*.partial"))
