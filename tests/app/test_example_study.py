import json
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from deeppcos.app import example_study
from deeppcos.app.example_study import ExampleStudy, write_example_study
from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.assessment import assess
from deeppcos.clinical.criteria import Status
from deeppcos.errors import InvalidInput
from deeppcos.records.chart_json import read_chart
from deeppcos.records.open_study import open_paths
from deeppcos.records.study_file import MediaKind, OpenedStudyFile


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> ExampleStudy:
    return write_example_study(tmp_path_factory.mktemp("example") / "study")


def images(study: ExampleStudy) -> list[Dataset]:
    return [dcmread(path) for path in (*study.stills, study.sweep)]


def test_the_study_holds_the_promised_files_and_stays_small(study: ExampleStudy) -> None:
    names = {path.name for path in study.folder.iterdir()}
    assert names == {
        "left_ovary_long.dcm",
        "left_ovary_trans.dcm",
        "right_ovary_long.dcm",
        "right_ovary_trans.dcm",
        "right_ovary_sweep.dcm",
        "chart.json",
        "README.txt",
    }
    assert sum(path.stat().st_size for path in study.folder.iterdir()) < 8_000_000


def test_every_image_says_that_it_is_a_phantom(study: ExampleStudy) -> None:
    for image in images(study):
        assert image.PatientName == "PHANTOM^EXAMPLE"
        assert image.PatientIdentityRemoved == "YES"
        assert "phantom" in image.Manufacturer
    assert "SYNTHETIC" in study.readme.read_text(encoding="utf-8")


def test_uids_are_valid_and_tie_the_images_to_one_study(study: ExampleStudy) -> None:
    found = images(study)
    assert len({image.SOPInstanceUID for image in found}) == 5
    assert len({image.StudyInstanceUID for image in found}) == 1
    assert all(image.SOPInstanceUID.is_valid for image in found)
    for image in found:
        assert image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID


def test_regions_are_calibrated_in_centimetres_along_both_axes(study: ExampleStudy) -> None:
    for image in images(study):
        [region] = image.SequenceOfUltrasoundRegions
        assert (region.RegionSpatialFormat, region.RegionDataType) == (1, 1)
        assert (region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection) == (3, 3)
        # 52 mm of depth fill 88 % of the picture's height.
        expected_cm = 5.2 / (0.88 * image.Rows)
        assert region.PhysicalDeltaX == pytest.approx(expected_cm)
        assert region.PhysicalDeltaY == pytest.approx(expected_cm)
        assert region.TransducerFrequency == 8000


def test_the_ruler_in_the_picture_agrees_with_the_header(study: ExampleStudy) -> None:
    image = dcmread(study.stills[0])
    [region] = image.SequenceOfUltrasoundRegions
    long_ticks = np.flatnonzero(image.pixel_array[:, 628] > 200)
    assert len(long_ticks) == 6
    assert np.diff(long_ticks).mean() * region.PhysicalDeltaY == pytest.approx(1.0, rel=0.01)


def test_side_and_organ_are_coded(study: ExampleStudy) -> None:
    for image in images(study):
        [organ] = image.AnatomicRegionSequence
        [side] = organ.AnatomicRegionModifierSequence
        assert organ.CodeValue == "15497006"
        assert (image.ImageLaterality, side.CodeValue) in {("L", "7771000"), ("R", "24028007")}
    assert [image.ImageLaterality for image in images(study)] == ["L", "L", "R", "R", "R"]


def test_deeppcos_reads_the_study_with_its_scale(study: ExampleStudy) -> None:
    opened = [file for file in open_paths([study.folder]) if isinstance(file, OpenedStudyFile)]
    assert len(opened) == 5
    kinds = {Path(file.source).name: (file.kind, file.frame_count) for file in opened}
    assert kinds["right_ovary_sweep.dcm"] == (MediaKind.CINE, 40)
    assert kinds["left_ovary_long.dcm"] == (MediaKind.STILL, 1)
    for file in opened:
        frame = next(file.frames())
        assert frame.mm_per_pixel is not None
        assert frame.mm_per_pixel.y == pytest.approx(52.0 / (0.88 * frame.height))
        assert frame.pixels.std() > 20


def test_one_side_has_many_follicles_and_the_other_few(study: ExampleStudy) -> None:
    assert study.left.fnpo < 10
    assert study.right.fnpo >= 20
    assert study.left.volume_ml < 10 < study.right.volume_ml


def test_the_chart_leaves_prolactin_unknown(study: ExampleStudy) -> None:
    chart = json.loads(study.chart.read_text(encoding="utf-8"))
    assert chart["schema"] == "deeppcos.chart/1"
    analytes = {lab["analyte"] for lab in chart["labs"]}
    assert "prolactin" not in analytes
    assert {"tsh", "17_ohp", "fsh", "total_testosterone"} <= analytes


def test_the_chart_is_read_without_complaint(study: ExampleStudy) -> None:
    chart = read_chart(study.chart)
    assert chart.patient.age_years == 27.5
    assert chart.measured(Analyte.TSH) is not None
    assert chart.measured(Analyte.PROLACTIN) is None


def test_prolactin_is_the_only_thing_that_stands_between_the_chart_and_other_causes(
    study: ExampleStudy,
) -> None:
    assessment = assess(read_chart(study.chart))
    assert assessment.conclusion.status is Status.EXCLUSION_INCOMPLETE
    assert assessment.findings.exclusions.missing == ("prolactin",)
    assert [step.measurement for step in assessment.would_settle] == ["prolactin"]


def test_files_are_kept_unless_overwriting_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_study, "SWEEP_FRAMES", 2)
    mine = tmp_path / "chart.json"
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInput, match="overwrite"):
        write_example_study(tmp_path)
    assert mine.read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["chart.json"]
    write_example_study(tmp_path, force=True)
    assert mine.read_text(encoding="utf-8") != "mine"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "study"
    place.write_text("a file", encoding="utf-8")
    with pytest.raises(InvalidInput, match="is a file"):
        write_example_study(place)


def test_the_same_files_come_out_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_study, "SWEEP_FRAMES", 3)
    first = write_example_study(tmp_path / "a")
    second = write_example_study(tmp_path / "b")
    for one in first.folder.iterdir():
        assert one.read_bytes() == (second.folder / one.name).read_bytes()
