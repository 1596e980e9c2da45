"""Pools of several data sets: what is read, joined, refused, and accounted for."""

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning import pool
from deeppcos.learning.layouts import LAYOUTS, layout_named, layout_of
from deeppcos.learning.pool import gather, gather_with_report


@pytest.fixture(autouse=True)
def no_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "photograph_folders", list)


def grey(seed: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(20, 200, (30, 40), np.uint8)


def coco(folder: Path, pictures: dict[str, tuple[int, str]]) -> Path:
    """A COCO set of files, each with the seed of its picture and its patient."""
    folder.mkdir(parents=True)
    for file, (seed, _) in pictures.items():
        assert cv2.imwrite(str(folder / file), grey(seed))
    document = {
        "images": [
            {"id": n, "file_name": file, "patient_group": patient}
            for n, (file, (_, patient)) in enumerate(pictures.items())
        ],
        "categories": [{"id": 1, "name": "ovary"}],
        "annotations": [
            {"image_id": n, "category_id": 1, "segmentation": [[2, 2, 20, 2, 20, 20, 2, 20]]}
            for n in range(len(pictures))
        ],
    }
    (folder / "coco.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_copies_of_a_picture_in_two_sets_share_a_group(tmp_path: Path) -> None:
    coco(tmp_path / "a", {"1.png": (1, "p1"), "2.png": (2, "p1"), "3.png": (3, "p2")})
    coco(tmp_path / "b", {"x.png": (2, "p9"), "y.png": (4, "p9"), "z.png": (5, "p8")})
    samples, report = gather_with_report(tmp_path, synthetic=0)
    group = {sample.name: sample.group for sample in samples}
    assert group["a/1.png"] == group["a/2.png"] == group["b/x.png"] == group["b/y.png"]
    assert len(set(group.values())) == 3
    assert "1 patient groups hold a picture of another one" in report.remarks[0]


def test_the_report_counts_what_was_read_and_names_what_was_not(tmp_path: Path) -> None:
    folder = coco(tmp_path / "a", {"1.png": (1, "p1"), "2.png": (2, "p2"), "3.png": (3, "p2")})
    (folder / "1.png").write_bytes(b"nothing")
    (folder / "2.png").unlink()
    samples, report = gather_with_report(folder, synthetic=1)
    assert [sample.name for sample in samples] == ["a/3.png", "synthetic/0"]
    assert {count.source: (count.samples, count.skipped) for count in report.sources} == {
        "a": (1, 2),
        "synthetic": (1, 0),
    }
    assert {item.item for item in report.skipped} == {"1.png", "2.png"}
    text = "\n".join(report.lines())
    assert "a: 1 pictures of 1 groups (1 ovary), 2 passed over" in text
    assert "passed over: 1 x no such picture" in text
    document = json.loads(json.dumps(report.document()))
    assert document["schema"] == "deeppcos.pool-report/1"
    assert len(document["skipped"]) == 2


def test_without_a_report_nothing_faulty_is_passed_over(tmp_path: Path) -> None:
    folder = coco(tmp_path / "a", {"1.png": (1, "p1"), "2.png": (2, "p2")})
    (folder / "1.png").write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match=r"1\.png"):
        gather(folder, synthetic=0)


def test_a_set_of_which_nothing_can_be_read_is_refused_with_the_first_reason(
    tmp_path: Path,
) -> None:
    folder = coco(tmp_path / "a", {"1.png": (1, "p1")})
    (folder / "1.png").unlink()
    with pytest.raises(InvalidInput, match=r"1 passed over, first: 1\.png: no such picture"):
        gather_with_report(folder, synthetic=0)


def test_classes_without_outlines_are_read_only_when_they_are_named(tmp_path: Path) -> None:
    coco(tmp_path / "a", {"1.png": (1, "p1")})
    for seed, name in enumerate(("infected", "notinfected")):
        (tmp_path / "kaggle" / name).mkdir(parents=True)
        assert cv2.imwrite(str(tmp_path / "kaggle" / name / "x.png"), grey(10 + seed))
    (tmp_path / "notes").mkdir()
    samples, report = gather_with_report(tmp_path, synthetic=0)
    assert [sample.name for sample in samples] == ["a/1.png"]
    assert report.remarks == (
        "kaggle/ has classes but no outlines: left out; name it to read it",
        "notes/ has no known layout: left out",
    )
    (tmp_path / "kaggle" / "groups.csv").write_text(
        "file,group\ninfected/x.png,p1\nnotinfected/x.png,p2\n", encoding="utf-8"
    )
    both = gather([tmp_path / "a", tmp_path / "kaggle"], synthetic=0)
    assert [sample.label for sample in both] == ["", "infected", "notinfected"]


def test_patients_of_two_folders_that_share_names_are_kept_apart(tmp_path: Path) -> None:
    one = coco(tmp_path / "x" / "a", {"1.png": (1, "p1")})
    two = coco(tmp_path / "y" / "a", {"1.png": (2, "p1")})
    samples, report = gather_with_report([one, two], synthetic=0)
    assert [(s.name, s.group) for s in samples] == [("a/1.png", "a/p1"), ("2:a/1.png", "2:a/p1")]
    assert report.remarks[0].startswith("folder 2 uses names of another one")


def structured(seed: int) -> npt.NDArray[np.uint8]:
    """A picture with enough structure to be known again."""
    small = np.random.default_rng(seed).integers(0, 255, (30, 40)).astype(np.uint8)
    picture = cv2.resize(small, (400, 300), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(seed + 100).normal(0, 6, picture.shape)
    return np.asarray(np.clip(picture + grain, 0, 255), np.uint8)


def test_a_copy_in_another_folder_is_found_though_mirrored_cropped_and_shrunk(
    tmp_path: Path,
) -> None:
    one = coco(tmp_path / "a", {"1.png": (1, "p1"), "2.png": (2, "p2")})
    two = coco(tmp_path / "b", {"x.png": (3, "q1"), "y.png": (4, "q2")})
    for folder, name, seed in ((one, "1", 1), (one, "2", 2), (two, "x", 3)):
        assert cv2.imwrite(str(folder / f"{name}.png"), structured(seed))
    copied = cv2.resize(structured(2)[20:, ::-1][:, 30:], (300, 227), interpolation=cv2.INTER_AREA)
    assert cv2.imwrite(str(two / "y.png"), copied)
    samples, report = gather_with_report([one, two], synthetic=0)
    group = {sample.name: sample.group for sample in samples}
    assert group["a/2.png"] == group["b/y.png"]
    assert len(set(group.values())) == 3
    assert report.remarks[0].startswith("2 pictures of one folder are copies")


def test_another_folder_never_moves_the_first_ones_patients_to_another_fold(
    tmp_path: Path,
) -> None:
    one = coco(tmp_path / "x" / "a", {"1.png": (1, "p1"), "2.png": (2, "p2")})
    two = coco(tmp_path / "y" / "a", {"1.png": (3, "p1")})
    alone = {s.name: s.group for s in gather(one, synthetic=0)}
    together = {s.name: s.group for s in gather([one, two], synthetic=0)}
    assert alone.items() <= together.items()


@pytest.mark.parametrize("below", ["", "a"], ids=["the same", "one below it"])
def test_a_folder_named_twice_is_refused(below: str, tmp_path: Path) -> None:
    coco(tmp_path / "a", {"1.png": (1, "p1")})
    with pytest.raises(InvalidInput, match="named twice, or lies in another"):
        gather([tmp_path, tmp_path / below], synthetic=0)


def test_a_layout_can_be_named_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    folder = coco(tmp_path / "a", {"1.png": (1, "p1")})
    found = layout_of(folder)
    assert found is not None
    assert found is LAYOUTS["coco"]
    assert len(gather(folder, synthetic=0, layout="coco")) == 1
    with pytest.raises(InvalidInput, match="unknown layout; got dicom; accepted: reviewed, mmotu"):
        layout_named("dicom")
    with pytest.raises(InvalidInput, match="holds no data set; accepted: reviewed"):
        gather(tmp_path / "absent", synthetic=0)
