"""Folders as people keep them: what is understood, what is found, what is refused."""

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from deeppcos.errors import InvalidInput
from deeppcos.learning.audit.findings import Finding, Weight
from deeppcos.learning.audit.grouped_split import grouped_folds, random_folds
from deeppcos.learning.audit.picture_set import PictureSet, picture_folder
from deeppcos.learning.audit.picture_table import ColumnChoice, tabled_pictures
from deeppcos.learning.audit.report import AuditReport, audit_dataset, split_rows
from deeppcos.learning.audit.trivial import nearest_class, share_by_group

Pixels = npt.NDArray[np.uint8]


def blob(seed: int, *, width: int = 96, height: int = 80) -> Pixels:
    """A cheap picture with structure, different for every seed."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).random((height, width)), (0, 0), 2.5)
    grey = ((noise - noise.min()) / np.ptp(noise) * 235).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def save(path: Path, pixels: Pixels) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def placed(found: PictureSet) -> dict[str, tuple[str | None, str | None, str | None]]:
    return {p.name: (p.label, p.split, p.group) for p in found.pictures}


def codes(report: AuditReport) -> dict[str, Finding]:
    return {finding.code: finding for finding in report.findings}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("train/ill/1.png", ("ill", "train", None)),
        ("ill/Validation/1.png", ("ill", "validation", None)),
        ("set/v2/testing/ill/1.png", ("ill", "test", None)),
        ("train/images/ill/p7/1.png", ("ill", "train", "p7")),
        ("1.png", (None, None, None)),
    ],
)
def test_a_layout_is_understood(
    tmp_path: Path, path: str, expected: tuple[str | None, str | None, str | None]
) -> None:
    save(tmp_path / path, blob(1))
    other = path.replace("ill", "well").replace("1.png", "2.png")
    save(tmp_path / other, blob(2))
    assert placed(picture_folder(tmp_path))[path] == expected


def test_a_folder_a_patient_is_a_group_and_not_a_class(tmp_path: Path) -> None:
    for number in range(24):
        save(tmp_path / f"patient{number}" / "left.png", blob(number))
    found = picture_folder(tmp_path)
    assert {p.label for p in found.pictures} == {None}
    assert len({p.group for p in found.pictures}) == 24


@pytest.mark.parametrize("mask", ["masks/a/7.png", "a/7_mask.png", "a/7 mask_1.png"])
def test_masks_go_with_their_pictures(tmp_path: Path, mask: str) -> None:
    save(tmp_path / ("images/a/7.png" if mask.startswith("masks") else "a/7.png"), blob(1))
    save(tmp_path / mask, blob(2))
    found = picture_folder(tmp_path)
    assert [p.mask for p in found.pictures] == [tmp_path / mask]
    assert found.masks == ()


def test_a_table_beside_the_pictures_names_class_split_and_patient(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "images" / f"{number}.png", blob(number))
    (tmp_path / "index.csv").write_text(
        "id;class;fold;patient\n0;a;train;p1\n1;b;val;p1\n2;a;train;p2\n9;b;val;p3\n",
        encoding="utf-8",
    )
    found = tabled_pictures(tmp_path, ColumnChoice())
    assert found is not None
    assert placed(found) == {
        "images/0.png": ("a", "train", "p1"),
        "images/1.png": ("b", "validation", "p1"),
        "images/2.png": ("a", "train", "p2"),
        "images/3.png": (None, None, None),
    }
    assert found.absent == ("row 5: 9",)
    report = audit_dataset(tmp_path, ColumnChoice())
    assert codes(report)["patients_across_splits"].figures["crossing"] == 1
    assert codes(report)["absent_files"].figures["files"] == 1


def test_every_bad_file_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / "a" / f"{number}.png", blob(number))
    whole = (tmp_path / "a" / "0.png").read_bytes()
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    (tmp_path / "a" / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "a" / "text.jpg").write_text("not a picture", encoding="utf-8")
    (tmp_path / "a" / "liar.jpg").write_bytes(save(tmp_path / "a" / "x.png", blob(8)).read_bytes())
    (tmp_path / "a" / "no_ending").write_bytes(whole)
    (tmp_path / "a" / "notes.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "a" / ".hidden.png").write_bytes(whole)
    flat = np.full((40, 40, 3), 7, np.uint8)
    save(tmp_path / "a" / "flat.png", flat)
    report = audit_dataset(tmp_path, ColumnChoice())
    assert report.images is not None
    assert [(r.name, r.reason.split(";")[0]) for r in report.images.refused] == [
        ("a/empty.png", "the file is empty (0 bytes)"),
        ("a/half.png", "is damaged"),
        ("a/text.jpg", "is no picture"),
    ]
    assert report.images.pictures.passed_over == {".txt": 1, "hidden": 1}
    found = codes(report)
    assert found["unreadable_files"].figures["files"] == 3
    assert any("liar.jpg: named .jpg but is PNG" in e for e in found["mislabelled_files"].examples)
    assert found["flat_images"].examples == ("a/flat.png",)
    assert found["equal_files"].examples == ("a/0.png = a/no_ending", "a/liar.jpg = a/x.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    save(tmp_path / "1.png", blob(1))
    save(tmp_path / "2.png", blob(2)).chmod(0)
    report = audit_dataset(tmp_path, ColumnChoice())
    assert report.images is not None
    assert report.images.refused[0].reason == "Permission denied"


def test_deep_grey_transparent_and_paged_pictures_are_read(tmp_path: Path) -> None:
    deep = (blob(1)[:, :, 0].astype(np.uint16) * 200).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "1.png")
    clear = np.dstack((blob(2), np.full((80, 96), 128, np.uint8)))
    Image.fromarray(clear).save(tmp_path / "2.png")
    pages = [Image.fromarray(blob(3)), Image.fromarray(blob(4))]
    pages[0].save(tmp_path / "3.tif", save_all=True, append_images=pages[1:])
    Image.fromarray(blob(5)).convert("P").save(tmp_path / "4.gif")
    report = audit_dataset(tmp_path, ColumnChoice())
    assert report.images is not None
    assert (len(report.images.facts), report.images.refused) == (4, ())
    assert "has 2 pages" in codes(report)["mislabelled_files"].examples[0]


def test_masks_of_another_size_missing_empty_and_alone_are_found(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "images" / f"{number}.png", blob(number))
    half = np.zeros((80, 96, 3), np.uint8)
    half[20:60] = 255
    save(tmp_path / "masks" / "0.png", half)
    save(tmp_path / "masks" / "1.png", half[:40])
    save(tmp_path / "masks" / "2.png", np.zeros((80, 96, 3), np.uint8))
    save(tmp_path / "masks" / "77.png", half)
    found = codes(audit_dataset(tmp_path, ColumnChoice()))
    assert found["masks_wrong_size"].examples == ("images/1.png",)
    assert found["masks_empty"].examples == ("images/2.png",)
    assert found["masks_missing"].examples == ("images/3.png",)
    assert found["masks_alone"].examples == ("masks/77.png",)


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of different size; half of the held-out pictures are flipped copies."""
    root = tmp_path_factory.mktemp("leaking")
    for number in range(24):
        label, width = ("ill", 96) if number % 2 else ("well", 120)
        save(root / "train" / label / f"{number}.png", blob(number, width=width))
    for number in range(12):
        label, width = ("ill", 96) if number % 2 else ("well", 120)
        copied = number < 6
        pixels = blob(number if copied else 100 + number, width=width)
        pixels = pixels[:, ::-1].copy() if copied else pixels
        save(root / "test" / label / f"{200 + 10 * number}.png", pixels)
    return root


def test_copies_across_the_split_and_sizes_that_tell_are_found(leaking: Path) -> None:
    report = audit_dataset(leaking, ColumnChoice())
    found = codes(report)
    crossing = found["copies_across_splits"]
    assert crossing.weight is Weight.SPOILS
    assert (crossing.figures["held_out_with_copy"], crossing.figures["held_out"]) == (6, 12)
    assert found["near_duplicates"].figures["mirrored"] == 6
    assert found["source_images"].figures["sources"] == 30
    assert found["trivial_features"].figures["image_size_given"] == 1.0
    assert report.is_spoiled


def test_the_grouped_split_divides_no_copies(leaking: Path) -> None:
    report = audit_dataset(leaking, ColumnChoice(), folds=3)
    assert report.images is not None
    rows = split_rows(report)
    assert {fold for _, _, fold in rows} == {0, 1, 2}
    by_group: dict[int, set[int]] = {}
    for _, group, fold in rows:
        by_group.setdefault(group, set()).add(fold)
    assert {len(folds) for folds in by_group.values()} == {1}
    fold_of = {name: fold for name, _, fold in rows}
    assert fold_of["test/ill/210.png"] == fold_of["train/ill/1.png"]


def test_one_picture_in_two_classes_is_a_contradiction(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "a" / f"{number}.png", blob(number))
        save(tmp_path / "b" / f"{number}.png", blob(10 + number))
    save(tmp_path / "b" / "9.png", blob(2))
    found = codes(audit_dataset(tmp_path, ColumnChoice()))["copies_across_classes"]
    assert (found.weight, found.figures["sources"]) == (Weight.SPOILS, 1)


def test_series_of_one_patient_are_found_by_their_numbers(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    number = 0
    for _ in range(12):
        scene = cv2.resize(draw.random((4, 4)), (96, 80), interpolation=cv2.INTER_CUBIC)
        for _ in range(4):
            grain = cv2.GaussianBlur(draw.random((80, 96)), (0, 0), 1.5)
            grey = np.clip(scene * 150 + grain * 60, 0, 255).astype(np.uint8)
            split = "train" if draw.random() < 0.6 else "test"
            save(tmp_path / split / f"{number}.png", np.repeat(grey[:, :, None], 3, axis=2))
            number += 1
    report = audit_dataset(tmp_path, ColumnChoice())
    found = codes(report)["neighbouring_files_alike"]
    assert found.weight is Weight.SPOILS
    assert (found.figures["low"] or 0) > 0.6


def test_numbering_without_meaning_is_not_taken_for_series(tmp_path: Path) -> None:
    for number in range(40):
        save(tmp_path / f"{number}.png", blob(number))
    assert "neighbouring_files_alike" not in codes(audit_dataset(tmp_path, ColumnChoice()))


def test_an_honest_set_is_clean(tmp_path: Path) -> None:
    for number in range(20):
        split = "train" if number < 14 else "test"
        save(tmp_path / split / "ab"[number % 2] / f"x{number * 37 % 101}.png", blob(number))
    report = audit_dataset(tmp_path, ColumnChoice())
    assert [f.code for f in report.findings if f.weight is Weight.SPOILS] == []


@pytest.mark.parametrize("content", ["nothing", "text"])
def test_a_folder_without_pictures_is_refused(tmp_path: Path, content: str) -> None:
    if content == "text":
        (tmp_path / "a.dcm").write_bytes(b"x")
    with pytest.raises(InvalidInput, match="no picture found"):
        audit_dataset(tmp_path, ColumnChoice())


def test_several_tables_without_pictures_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"a\.csv, b\.csv"):
        audit_dataset(tmp_path, ColumnChoice())


def test_folds_keep_groups_whole_and_classes_even() -> None:
    groups = [n // 3 for n in range(60)]
    labels = ["a" if group % 2 else "b" for group in groups]
    folds = grouped_folds(groups, labels, folds=5)
    assert all(len({folds[i] for i in range(60) if groups[i] == g}) == 1 for g in set(groups))
    for fold in range(5):
        assert sum(f == fold and label == "a" for f, label in zip(folds, labels, strict=True)) == 6
    assert set(random_folds(["a"] * 10, folds=5)) == set(range(5))


def test_nearest_class_and_its_interval() -> None:
    known = np.asarray([[0.0], [1.0], [10.0], [11.0]])
    guessed = nearest_class(known, np.asarray([0, 0, 1, 1]), np.asarray([[0.4], [10.6]]), 2)
    assert list(guessed) == [0, 1]
    owners = np.repeat(np.arange(10), 10)
    hits = (owners % 2).astype(np.float64)
    wide = share_by_group(hits, owners)
    narrow = share_by_group(hits, np.arange(100))
    assert wide.value == narrow.value == 0.5
    assert (wide.high or 0) - (wide.low or 0) > 2 * ((narrow.high or 0) - (narrow.low or 0))
    assert share_by_group(hits[:20], owners[:20]).low is None
    assert share_by_group(np.ones(80), np.repeat(np.arange(8), 10)).low == pytest.approx(
        0.68, abs=0.01
    )
