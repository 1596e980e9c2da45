"""Pictures of which only a class is known: class folders and the index made of them."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning.sources.folders import is_folders, read_folders
from deeppcos.learning.sources.grouping import read_groups, write_groups
from deeppcos.learning.sources.labelled import is_labelled, read_labelled
from deeppcos.learning.sources.ledger import Ledger


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.random.default_rng(seed).integers(20, 200, (30, 40), np.uint8)
    assert cv2.imwrite(str(path), grey)


def class_folders(folder: Path) -> Path:
    files = {
        "train/infected/a.png": "p1",
        "train/infected/b.png": "p2",
        "train/notinfected/c.png": "p3",
        "test/infected/d.png": "p1",
        "test/notinfected/e.png": "p4",
    }
    for seed, file in enumerate(files):
        picture(folder / file, seed)
    write_groups(folder, files)
    return folder


def test_a_class_is_a_label_and_says_nothing_about_what_the_picture_shows(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "k")
    assert is_folders(folder)
    ledger = Ledger()
    samples = read_folders(folder, ledger)
    assert sorted(s.label for s in samples) == ["infected"] * 3 + ["notinfected"] * 2
    assert {s.kind for s in samples} == {"unknown"}
    assert all(s.ovary is None and s.lesion is None and not s.readings for s in samples)
    assert {s.group for s in samples} == {f"k/p{n}" for n in (1, 2, 3, 4)}
    assert ledger.remarks == [
        "k: the split it comes with is not used; 1 of 4 patient groups stand on both sides of it, "
        "such as p1"
    ]


def test_classes_can_be_told_what_they_show(tmp_path: Path) -> None:
    folder = class_folders(tmp_path)
    (folder / "classes.json").write_text('{"notinfected": "neither"}', encoding="utf-8")
    by_label = {s.label: s for s in read_folders(folder)}
    assert by_label["notinfected"].kind == "neither"
    assert by_label["notinfected"].ovary is not None
    assert by_label["infected"].kind == "unknown"
    (folder / "classes.json").write_text('{"healthy": "neither"}', encoding="utf-8")
    with pytest.raises(InvalidInput, match="unknown class or kind; got healthy"):
        read_folders(folder)


def test_class_folders_without_patients_are_refused(tmp_path: Path) -> None:
    folder = class_folders(tmp_path)
    (folder / "groups.csv").unlink()
    with pytest.raises(InvalidInput, match="belong to one patient"):
        read_folders(folder, Ledger())


def test_a_file_without_patient_or_that_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "k")
    picture(folder / "train" / "infected" / "new.png", 9)
    (folder / "train" / "infected" / "broken.png").write_bytes(b"\x89PNG nothing")
    write_groups(folder, {**read_groups(folder), "train/infected/broken.png": "p1"})
    ledger = Ledger()
    assert len(read_folders(folder, ledger)) == 5
    assert {(s.item, s.reason.split(";")[0].split(": ")[-1]) for s in ledger.skipped} == {
        ("train/infected/new.png", "no patient group"),
        ("train/infected/broken.png", "is not a picture or its header is damaged"),
    }


def test_a_picture_that_is_cut_short_is_passed_over(tmp_path: Path) -> None:
    folder = class_folders(tmp_path)
    whole = (folder / "train/infected/a.png").read_bytes()
    (folder / "train/infected/a.png").write_bytes(whole[: len(whole) // 2])
    ledger = Ledger()
    assert len(read_folders(folder, ledger)) == 4
    assert [s.item for s in ledger.skipped] == ["train/infected/a.png"]


def test_a_class_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    folder = class_folders(tmp_path)
    for file in ("train/notinfected/c.png", "test/notinfected/e.png"):
        (folder / file).write_bytes(b"")
    with pytest.raises(InvalidInput, match="without examples; got notinfected"):
        read_folders(folder, Ledger())


def test_groups_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("file,group\na.png,p1\na.png,p2\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"a\.png is in two groups"):
        read_groups(tmp_path)
    (tmp_path / "groups.csv").write_text("name,patient\na.png,p1\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="columns missing; got name, patient"):
        read_groups(tmp_path)


def labelled(folder: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    for seed, row in enumerate(rows):
        picture(folder / row[0], seed)
    with (folder / "index.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([("file", "class", "group", "source_split"), *rows])
    return folder


def test_an_index_gives_class_group_and_the_verdict_on_its_split(tmp_path: Path) -> None:
    folder = labelled(
        tmp_path / "k",
        [("images/a.png", "pcos", "g1", "train"), ("images/b.png", "normal", "g2", "test")],
    )
    assert is_labelled(folder)
    ledger = Ledger()
    first, second = read_labelled(folder, ledger)
    assert (first.label, first.group, second.label) == ("pcos", "k/g1", "normal")
    assert "no patient group of 2 stands on both sides" in ledger.remarks[0]


def test_an_index_cannot_name_a_file_outside_its_folder(tmp_path: Path) -> None:
    picture(tmp_path / "secret.png", 1)
    folder = labelled(tmp_path / "k", [("images/a.png", "pcos", "g1", "")])
    with (folder / "index.csv").open("a") as lines:
        lines.write("../secret.png,pcos,g2,\n")
    ledger = Ledger()
    assert len(read_labelled(folder, ledger)) == 1
    assert "leads out" in ledger.skipped[0].reason
