import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from pydicom import dcmread
from pydicom.dataset import Dataset

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_result import write_object
from deeppcos.records.dicom_segmentation import (
    frame_table,
    read_segmentation,
    segmentation_of,
    segmentations,
)
from deeppcos.records.result_content import result_content
from deeppcos.records.result_outlines import FollowedBody
from deeppcos.records.tracking_identifiers import Outline
from deeppcos.vision.geometry import polygon_mask

pytest.importorskip("highdicom", reason="the records extra is not installed")

Mask = npt.NDArray[np.bool_]
DCIODVFY = shutil.which("dciodvfy")


def _drawn(study: Any, image: Any) -> dict[tuple[str, int], Mask]:
    """What must lie in the segmentation of an image, by tracking UID and frame."""
    size = {"width": image.columns, "height": image.rows}
    masks: dict[tuple[str, int], Mask] = {}
    for body in (*study.content.outlined, *study.content.followed):
        if body.image is not image:
            continue
        pairs = (
            zip(body.frames, body.outlines, strict=True)
            if isinstance(body, FollowedBody)
            else [(body.frame, body.polygon)]
        )
        masks |= {(body.identifier.uid, frame): polygon_mask(one, **size) for frame, one in pairs}
    return masks


@pytest.fixture(scope="module")
def written(study: Any, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, Path]]:
    folder, pairs = tmp_path_factory.mktemp("segmentations"), []
    for image, made in zip(study.content.images, segmentations(study.content), strict=True):
        path = folder / f"{Path(image.source).stem}_seg.dcm"
        write_object(made, path)
        pairs.append((image, path))
    return pairs


def test_stills_and_a_sweep_without_frame_of_reference_come_back_as_they_were_drawn(
    study: Any, written: list[tuple[Any, Path]]
) -> None:
    for image, path in written:
        read = read_segmentation(path, of_image=image.sop_instance_uid)
        came = {(one.tracking_uid, frame): m for one in read for frame, m in one.masks.items()}
        drawn = _drawn(study, image)
        assert came.keys() == drawn.keys()
        for key, mask in drawn.items():
            assert mask.any()
            np.testing.assert_array_equal(came[key], mask)


def test_highdicom_reads_the_same_masks(study: Any, written: list[tuple[Any, Path]]) -> None:
    from highdicom.seg import segread

    for image, path in written:
        stored = segread(path)
        if image.frames > 1:
            every = stored.get_pixels_by_source_frame(
                image.sop_instance_uid,
                list(range(1, image.frames + 1)),
                ignore_spatial_locations=True,
                assert_missing_frames_are_empty=True,
            )
        else:
            every = stored.get_pixels_by_source_instance(
                [image.sop_instance_uid], ignore_spatial_locations=True
            )
        assert every.shape[:3] == (image.frames, image.rows, image.columns)
        drawn = _drawn(study, image)
        empty = np.zeros((image.rows, image.columns), np.bool_)
        for number in stored.segment_numbers:
            uid = stored.get_segment_description(number).tracking_uid
            for frame in range(image.frames):
                expected = drawn.get((str(uid), frame), empty)
                np.testing.assert_array_equal(every[frame, ..., number - 1] > 0, expected)


def test_a_followed_follicle_is_one_segment_across_its_frames(
    study: Any, written: list[tuple[Any, Path]]
) -> None:
    sweep, path = written[-1]
    follicles = [one for one in study.content.followed if one.kind is Outline.TRACKED_FOLLICLE]
    assert len(follicles) == 3
    read = {one.tracking_uid: one for one in read_segmentation(path)}
    for one in follicles:
        segment = read[one.identifier.uid]
        assert tuple(sorted(segment.masks)) == one.frames
        assert len(one.frames) >= 4
        assert segment.tracking_id == one.identifier.label
        assert segment.property_code == "24162005"
    assert sweep.frames == study.frames


@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (dicom3tools) is not installed")
def test_dciodvfy_finds_nothing_to_say(written: list[tuple[Any, Path]]) -> None:
    for _, path in written:
        assert _dciodvfy_says(path) == "Segmentation"


def _dciodvfy_says(path: Path) -> str:
    said = subprocess.run(
        [str(DCIODVFY), "-new", str(path)], capture_output=True, encoding="utf-8", timeout=60
    )
    assert said.returncode == 0
    return said.stderr.strip()


def test_itk_reads_the_same_frames(written: list[tuple[Any, Path]]) -> None:
    for _, path in written:
        frames = (SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))) > 0).ravel()
        ours = dcmread(path).pixel_array.ravel() > 0
        # GDCM loses the pixels of a last byte that is not full.
        whole = len(ours) // 8 * 8
        np.testing.assert_array_equal(frames[:whole], ours[:whole])


def test_nothing_is_said_of_how_the_section_lies_in_the_patient(study: Any) -> None:
    for made in segmentations(study.content):
        assert "FrameOfReferenceUID" not in made
        for group in (
            *made.SharedFunctionalGroupsSequence,
            *made.PerFrameFunctionalGroupsSequence,
        ):
            for keyword in ("PlanePosition", "PlaneOrientation", "PixelMeasures"):
                assert f"{keyword}Sequence" not in group


def test_a_stated_section_thickness_gives_viewers_their_plane(study: Any, tmp_path: Path) -> None:
    from highdicom.seg import segread

    made = segmentation_of(study.content, study.content.images[0], slice_mm=1.5)
    [shared] = made.SharedFunctionalGroupsSequence
    [measures] = shared.PixelMeasuresSequence
    assert [float(one) for one in measures.PixelSpacing] == [0.3, 0.3]
    assert measures.SliceThickness == 1.5
    assert list(shared.PlaneOrientationSequence[0].ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    assert "PlanePositionSequence" not in shared
    write_object(made, tmp_path / "a.dcm")
    assert segread(tmp_path / "a.dcm").number_of_segments == 5
    read = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "a.dcm")))
    assert read.shape[1:] == (61, 83)


@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (dicom3tools) is not installed")
def test_a_scale_read_from_the_picture_is_not_passed_on_as_the_headers(
    study: Any, tmp_path: Path
) -> None:
    frames = [
        one.model_copy(
            update={
                "mm_per_pixel": one.mm_per_pixel.model_copy(update={"source": "burned_in_ruler"})
            }
        )
        for one in study.document.frames
    ]
    content = result_content(
        study.document.model_copy(update={"frames": frames}), study.content.images
    )
    made = segmentations(content, slice_mm=1.5)[0]
    [shared] = made.SharedFunctionalGroupsSequence
    assert "PixelMeasuresSequence" not in shared
    assert list(shared.PlaneOrientationSequence[0].ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    write_object(made, tmp_path / "a.dcm")
    assert _dciodvfy_says(tmp_path / "a.dcm") == "Segmentation"


def test_side_and_colour_go_with_each_segment(written: list[tuple[Any, Path]]) -> None:
    for image, path in written:
        for segment in dcmread(path).SegmentSequence:
            [region] = segment.AnatomicRegionSequence
            meaning = region.AnatomicRegionModifierSequence[0].CodeMeaning
            assert meaning.lower() == image.side.value
            assert len(segment.RecommendedDisplayCIELabValue) == 3
            assert segment.SegmentAlgorithmType == "AUTOMATIC"


def test_loss_in_the_image_is_said_of_its_outlines(make_study: Any) -> None:
    study = make_study(
        LossyImageCompression="01",
        LossyImageCompressionRatio="5.5",
        LossyImageCompressionMethod="ISO_10918_1",
    )
    made = segmentation_of(study.content, study.content.images[2])
    assert made.LossyImageCompression == "01"
    assert float(made.LossyImageCompressionRatio) == 5.5


def test_the_same_outlines_get_the_same_name_and_a_signature_changes_nothing(
    study: Any, signed_study: Any
) -> None:
    first = [made.SOPInstanceUID for made in segmentations(study.content)]
    again = [made.SOPInstanceUID for made in segmentations(signed_study.content)]
    assert first == again
    assert len(set(first)) == 3


def test_each_segmentation_is_a_series_because_viewers_show_the_first_of_one(study: Any) -> None:
    made = segmentations(study.content)
    assert len({one.SeriesInstanceUID for one in made}) == 3
    assert [one.SeriesNumber for one in made] == [9101, 9102, 9103]
    assert made[2].SeriesDescription == "DeepPCOS ovary and follicle outlines, image 3"


def test_an_image_without_outlines_has_no_segmentation(study: Any) -> None:
    bare = study.without_outlines()
    assert segmentations(bare) == ()
    with pytest.raises(InvalidInput, match="nothing is outlined"):
        segmentation_of(bare, bare.images[0])


def test_what_no_archive_could_hold_is_refused(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_table, "MOST_BYTES", 1000)
    with pytest.raises(InvalidInput, match="too large"):
        segmentation_of(study.content, study.content.images[2])


def _changed(path: Path, other: Path, tags: dict[str, Any]) -> Path:
    stored = dcmread(path)
    for keyword, value in tags.items():
        setattr(stored, keyword, value)
    stored.save_as(other)
    return other


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"SegmentationType": "FRACTIONAL"}, "no binary segmentation"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "no binary segmentation"),
        ({"NumberOfFrames": 3}, "cut short or too many"),
        ({"PixelData": b"\0\0"}, "cut short or too many"),
        ({"Rows": 0}, "no readable pixels"),
        ({"PerFrameFunctionalGroupsSequence": [Dataset()]}, "table of frames"),
        ({"SegmentSequence": []}, "belongs to no segment"),
    ],
    ids=["fractional", "other class", "frames", "cut", "empty", "table", "segments"],
)
def test_a_damaged_segmentation_is_refused(
    written: list[tuple[Any, Path]], tags: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_segmentation(_changed(written[0][1], tmp_path / "changed.dcm", tags))


def test_a_segmentation_of_another_image_is_refused(written: list[tuple[Any, Path]]) -> None:
    with pytest.raises(InvalidInput, match="another image"):
        read_segmentation(written[0][1], of_image=written[1][0].sop_instance_uid)


def test_the_image_itself_is_no_segmentation(study: Any) -> None:
    with pytest.raises(InvalidInput, match="no binary segmentation"):
        read_segmentation(study.files[0])
