"""Data sets read from tiny folders that the tests write themselves."""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning import pool
from deeppcos.learning.sources.closeups import read_closeups
from deeppcos.learning.sources.mmotu import read_mmotu
from deeppcos.learning.sources.pictures import filled, read_grey
from deeppcos.learning.sources.refusals import read_refusals
from deeppcos.learning.sources.synthetic import draw_synthetic

Greys = npt.NDArray[np.uint8]
SQUARE = [[30.0, 20.0], [60.0, 20.0], [60.0, 50.0], [30.0, 50.0]]


def texture(seed: int, *, height: int = 90, width: int = 120) -> Greys:
    field = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(field, (0, 0), 6))
    return np.clip(110 + 900 * smooth, 15, 200).astype(np.uint8)


def write_picture(path: Path, grey: Greys) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [cv2.IMWRITE_WEBP_QUALITY, 101] if path.suffix == ".webp" else []
    assert cv2.imwrite(str(path), np.repeat(grey[..., None], 3, axis=2), options)


def box_mask(x: int, y: int, width: int, height: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros((90, 120), bool)
    mask[y : y + height, x : x + width] = True
    return mask


def mmotu_folder(
    folder: Path, rows: list[tuple[int, str, int, int]], pictures: dict[int, Greys]
) -> Path:
    """Rows of id, class, series and cluster; every mask is a box that moves with the id."""
    folder.mkdir(parents=True)
    with (folder / "index.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["id", "class", "group", "duplicate_cluster"])
        writer.writerows(rows)
    for number, *_ in rows:
        write_picture(folder / "images" / f"{number}.webp", pictures[number])
        mask = box_mask(10 * number, 10, 20, 30).astype(np.uint8) * 255
        (folder / "masks").mkdir(exist_ok=True)
        assert cv2.imwrite(str(folder / "masks" / f"{number}.png"), mask)
    return folder


def marked(*certainties: str) -> dict[str, Any]:
    return {
        "quality": "good",
        "follicles": [{"certainty": c, "polygon": SQUARE} for c in certainties],
    }


def test_an_mmotu_ovary_has_its_outline_and_its_readings(tmp_path: Path) -> None:
    folder = mmotu_folder(tmp_path / "m", [(1, "Ovary_Normal", 0, 0)], {1: texture(1)})
    (folder / "follicles.json").write_text(
        json.dumps({"1": {"r2": marked("sure"), "r1": marked("sure", "maybe")}}), encoding="utf-8"
    )
    (sample,) = read_mmotu(folder)
    assert (sample.name, sample.kind, sample.subgroup) == ("mmotu/1", "ovary", "Ovary_Normal")
    assert sample.ovary is not None
    assert np.array_equal(sample.ovary, box_mask(10, 10, 20, 30))
    assert sample.lesion is not None
    assert not sample.lesion.any()
    assert list(sample.readings) == ["r1", "r2"]
    assert [mark.is_sure for mark in sample.readings["r1"]] == [True, False]
    assert sample.readings["r2"][0].polygon.tolist() == SQUARE


def test_an_mmotu_lesion_outlines_no_ovary_and_nobody_marked_follicles(tmp_path: Path) -> None:
    folder = mmotu_folder(tmp_path / "m", [(2, "Teratoma", 0, 0)], {2: texture(1)})
    (sample,) = read_mmotu(folder)
    assert sample.kind == "lesion"
    assert sample.readings == {}
    assert sample.ovary is not None
    assert not sample.ovary.any()
    assert sample.lesion is not None
    assert sample.lesion.any()


def test_series_and_duplicates_together_make_a_group(tmp_path: Path) -> None:
    rows = [
        (1, "Ovary_Normal", 0, 0),
        (2, "Ovary_Normal", 0, 1),
        (3, "Teratoma", 1, 1),
        (4, "Teratoma", 2, 2),
    ]
    folder = mmotu_folder(tmp_path / "m", rows, {n: texture(n) for n in range(1, 5)})
    groups = {s.name: s.group for s in read_mmotu(folder)}
    assert groups["mmotu/1"] == groups["mmotu/2"] == groups["mmotu/3"]
    assert groups["mmotu/4"] != groups["mmotu/1"]


def test_one_frame_with_two_masks_becomes_one_sample_with_both(tmp_path: Path) -> None:
    rows = [(1, "Teratoma", 0, 5), (4, "Ovary_Normal", 0, 5)]
    folder = mmotu_folder(tmp_path / "m", rows, {1: texture(1), 4: texture(1)})
    (sample,) = read_mmotu(folder)
    assert (sample.name, sample.kind) == ("mmotu/4", "ovary")
    assert sample.ovary is not None
    assert sample.lesion is not None
    assert sample.ovary.sum() == sample.lesion.sum() == 20 * 30


def test_pictures_of_one_cluster_that_differ_stay_apart(tmp_path: Path) -> None:
    rows = [(1, "Teratoma", 0, 5), (4, "Ovary_Normal", 0, 5)]
    folder = mmotu_folder(tmp_path / "m", rows, {1: texture(1), 4: texture(2)})
    assert len(read_mmotu(folder)) == 2


def test_a_missing_index_or_mask_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"index\.csv"):
        read_mmotu(tmp_path)
    folder = mmotu_folder(tmp_path / "m", [(7, "Ovary_Normal", 0, 0)], {7: texture(1)})
    (folder / "masks" / "7.png").unlink()
    with pytest.raises(InvalidInput, match="MMOTU 7: mask"):
        read_mmotu(folder)


def closeups_folder(folder: Path, entries: dict[str, Greys], **changes: Any) -> Path:
    listed = []
    for name, grey in entries.items():
        write_picture(folder / "images" / f"{name}.webp", grey)
        listed.append(
            {
                "id": name,
                "ovary": SQUARE,
                "follicles": [{"certainty": "maybe", "polygon": SQUARE}],
                "note": None,
                **changes.get(name, {}),
            }
        )
    (folder / "marks.json").write_text(json.dumps(listed), encoding="utf-8")
    return folder


def test_a_close_up_has_one_reading_and_its_ovary(tmp_path: Path) -> None:
    (sample,) = read_closeups(closeups_folder(tmp_path, {"pco_1": texture(1)}))
    assert (sample.name, sample.kind) == ("closeups/pco_1", "ovary")
    assert sample.ovary is not None
    assert sample.ovary.sum() == 31 * 31
    assert [m.is_sure for m in sample.readings["r1"]] == [False]


def test_an_ovary_nobody_outlined_is_unknown_not_absent(tmp_path: Path) -> None:
    folder = closeups_folder(tmp_path, {"pco_1": texture(1)}, pco_1={"ovary": None})
    (sample,) = read_closeups(folder)
    assert sample.ovary is None


def test_close_ups_of_one_scan_share_a_group_whatever_their_names(tmp_path: Path) -> None:
    brighter = np.clip(texture(1).astype(int) + 12, 0, 200).astype(np.uint8)
    pictures = {
        "normal_1": texture(1),
        "pco_7": brighter,
        "pco_8": texture(8),
        "pco_9": texture(9),
    }
    noted = {"note": "same scan as pco_8, cropped"}
    folder = closeups_folder(tmp_path, pictures, pco_9=noted)
    groups = {s.name.removeprefix("closeups/"): s.group for s in read_closeups(folder)}
    assert groups["normal_1"] == groups["pco_7"]
    assert groups["pco_8"] == groups["pco_9"]
    assert groups["normal_1"] != groups["pco_8"]


def test_close_ups_without_marks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"marks\.json"):
        read_closeups(tmp_path)


def test_refusals_are_known_to_hold_neither_ovary_nor_lesion(tmp_path: Path) -> None:
    write_picture(tmp_path / "b.png", texture(1))
    write_picture(tmp_path / "a.JPG", texture(2))
    (tmp_path / "readme.txt").write_text("not a picture", encoding="utf-8")
    first, second = read_refusals(tmp_path, kind="neither")
    assert (first.name, second.name) == ("neither/a.JPG", "neither/b.png")
    for sample in (first, second):
        assert sample.ovary is not None
        assert sample.lesion is not None
        assert not sample.ovary.any()
        assert not sample.lesion.any()
        assert sample.readings == {}


def test_copies_of_a_refusal_share_a_group(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", texture(1))
    write_picture(tmp_path / "copy.png", texture(1))
    write_picture(tmp_path / "other.png", texture(2))
    groups = [s.group for s in read_refusals(tmp_path, kind="foreign")]
    assert groups[0] == groups[1] != groups[2]


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match=r"broken\.png"):
        read_grey(tmp_path / "broken.png")


def test_graphics_are_filled_in_one_of_the_two_greys_only(tmp_path: Path) -> None:
    pixels = np.repeat(texture(1)[..., None], 3, axis=2)
    pixels[40, 30:60] = (0, 255, 255)
    assert cv2.imwrite(str(tmp_path / "a.png"), pixels)
    clean, raw = read_grey(tmp_path / "a.png")
    assert raw[40, 45] > 210
    assert clean[40, 45] < 210
    assert np.array_equal(clean[60:], raw[60:])


def test_a_filled_polygon_holds_its_corners() -> None:
    mask = filled(np.array(SQUARE, np.float32), height=90, width=120)
    assert mask[20, 30]
    assert mask[50, 60]
    assert mask.sum() == 31 * 31


def test_synthetic_scenes_are_the_same_every_time_and_marked_exactly() -> None:
    scenes = draw_synthetic(count=2, seed=11)
    (again,) = draw_synthetic(count=1, seed=11)
    assert np.array_equal(scenes[0].grey, again.grey)
    assert not np.array_equal(scenes[0].grey, scenes[1].grey[: scenes[0].grey.shape[0]])
    for scene in scenes:
        assert scene.ovary is not None
        assert (scene.kind == "ovary") == bool(scene.ovary.any())
        assert bool(scene.readings) == (scene.kind == "ovary")
        for mark in scene.readings.get("truth", ()):
            height, width = scene.grey.shape
            inside = filled(mark.polygon, height=height, width=width)
            assert scene.ovary[inside].mean() > 0.9


def test_everything_a_folder_offers_is_gathered_in_a_fixed_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mmotu_folder(tmp_path / "mmotu", [(1, "Ovary_Normal", 0, 0)], {1: texture(1)})
    (tmp_path / "ovary_closeups").mkdir()
    closeups_folder(tmp_path / "ovary_closeups", {"pco_1": texture(2)})
    write_picture(tmp_path / "refuse" / "u.png", texture(3))
    photographs = tmp_path / "photographs"
    for name in ("b.png", "a.jpg", "phantom.png", "c.tif"):
        write_picture(photographs / name, texture(4))
    monkeypatch.setattr(pool, "photograph_folders", lambda: [photographs])
    names = [s.name for s in pool.gather(tmp_path, synthetic=1)]
    assert names == [
        "mmotu/1",
        "closeups/pco_1",
        "neither/u.png",
        "foreign/a.jpg",
        "foreign/b.png",
        "synthetic/0",
    ]


def test_a_folder_without_a_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no data set"):
        pool.gather(tmp_path, synthetic=0)


def test_only_photographs_are_read_from_a_packages_folder(tmp_path: Path) -> None:
    picture = np.full((40, 40, 3), 120, np.uint8)
    for name in ("cat.png", "phantom.png"):
        cv2.imwrite(str(tmp_path / name), picture)
    (tmp_path / "stack.tif").write_bytes(b"II*\0 not one that can be read")
    names = [sample.name for sample in pool._photographs(tmp_path)]
    assert names == ["foreign/cat.png"]
