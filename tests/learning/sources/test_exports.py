"""COCO, YOLO and mask exports: written by the tests, read back, refused where they are wrong."""

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.learning.sources.coco import is_coco, read_coco
from deeppcos.learning.sources.ledger import Ledger
from deeppcos.learning.sources.masks import is_masks, read_masks
from deeppcos.learning.sources.pictures import filled
from deeppcos.learning.sources.run_lengths import mask_of_run_lengths, run_lengths_of_mask
from deeppcos.learning.sources.yolo import is_yolo, read_yolo

HEIGHT, WIDTH = 48, 64
Mask = npt.NDArray[np.bool_]
SQUARE = [10.0, 10.0, 30.0, 10.0, 30.0, 30.0, 10.0, 30.0]

blobs = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(2, 20), st.integers(2, 14)),
    min_size=1,
    max_size=4,
)


def picture(path: Path, *, height: int = HEIGHT, width: int = WIDTH) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.random.default_rng(3).integers(20, 200, (height, width), np.uint8)
    assert cv2.imwrite(str(path), grey)
    return path


def boxes(shapes: list[tuple[int, int, int, int]]) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for x, y, width, height in shapes:
        mask[y : y + height, x : x + width] = True
    return mask


def groups(folder: Path, *files: str) -> None:
    with (folder / "groups.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([["file", "group"], *[[file, "p1"] for file in files]])


def coco(
    folder: Path, annotations: list[dict[str, Any]], *, file: str = "a.png", **image: Any
) -> Path:
    picture(folder / "images" / file)
    document = {
        "images": [{"id": 1, "file_name": file, "patient_group": "p1", **image}],
        "categories": [
            {"id": 1, "name": "ovary"},
            {"id": 2, "name": "follicle"},
            {"id": 3, "name": "lesion"},
        ],
        "annotations": [{"image_id": 1, **a} for a in annotations],
    }
    (folder / "instances.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def only_skip(reader: Any, folder: Path) -> str:
    """The one reason of a set in which one item is passed over."""
    ledger = Ledger()
    assert reader(folder, ledger) == []
    (item,) = ledger.skipped
    with pytest.raises(InvalidInput):
        reader(folder)
    return item.reason


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(blobs, blobs)
def test_masks_written_as_run_lengths_are_read_back_the_same(
    tmp_path: Path, ovary: list[tuple[int, int, int, int]], lesion: list[tuple[int, int, int, int]]
) -> None:
    written = {1: boxes(ovary), 3: boxes(lesion)}
    folder = coco(
        tmp_path,
        [{"category_id": n, "segmentation": run_lengths_of_mask(m)} for n, m in written.items()],
    )
    (sample,) = read_coco(folder)
    assert sample.ovary is not None
    assert sample.lesion is not None
    assert np.array_equal(sample.ovary, written[1])
    assert np.array_equal(sample.lesion, written[3])


@settings(deadline=None)
@given(blobs)
def test_run_lengths_agree_with_the_coco_tools(shapes: list[tuple[int, int, int, int]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about numpy 2
        tools = pytest.importorskip("pycocotools.mask")
    mask = boxes(shapes)
    packed = tools.encode(np.asfortranarray(mask.astype(np.uint8)))
    text = {"size": packed["size"], "counts": packed["counts"].decode()}
    for written in (text, run_lengths_of_mask(mask)):
        found = mask_of_run_lengths(written, height=HEIGHT, width=WIDTH, name="a")
        assert np.array_equal(found, mask)


def test_a_coco_follicle_keeps_its_polygon_reader_and_doubt(tmp_path: Path) -> None:
    follicle = {"category_id": 2, "segmentation": [SQUARE]}
    folder = coco(
        tmp_path,
        [
            follicle,
            {**follicle, "attributes": {"certainty": "maybe", "reader": "r2"}},
        ],
    )
    assert is_coco(folder)
    (sample,) = read_coco(folder)
    assert list(sample.readings) == ["coco", "r2"]
    assert sample.readings["coco"][0].polygon.ravel().tolist() == SQUARE
    assert [sample.readings[r][0].is_sure for r in ("coco", "r2")] == [True, False]
    assert sample.kind == "ovary"
    assert sample.group.endswith("/p1")
    assert sample.ovary is not None
    assert not sample.ovary.any()


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (
            {"category_id": 2, "segmentation": [[1.0, 1.0, 90.0, 1.0, 5.0, 9.0]]},
            "leaves the picture",
        ),
        ({"category_id": 2, "segmentation": [[1.0, 1.0, 9.0, 1.0]]}, "not an outline"),
        ({"category_id": 1, "bbox": [1, 1, 9, 9]}, "without outline"),
        ({"category_id": 2, "segmentation": [SQUARE, [40.0, 40, 45, 40, 45, 45]]}, "in 2 pieces"),
        ({"category_id": 1, "segmentation": {"size": [4, 4], "counts": [16]}}, "another size"),
        ({"category_id": 2, "segmentation": [SQUARE], "certainty": "perhaps"}, "certainty"),
    ],
    ids=["outside", "two-corners", "box", "two-pieces", "size", "certainty"],
)
def test_a_wrong_coco_annotation_passes_its_picture_over(
    tmp_path: Path, annotation: dict[str, Any], reason: str
) -> None:
    assert reason in only_skip(read_coco, coco(tmp_path, [annotation]))


def test_a_coco_image_of_another_size_or_without_annotation_is_passed_over(tmp_path: Path) -> None:
    ovary = {"category_id": 1, "segmentation": [SQUARE]}
    larger = coco(tmp_path / "larger", [ovary], width=2 * WIDTH, height=2 * HEIGHT)
    assert "another size" in only_skip(read_coco, larger)
    assert "no annotation" in only_skip(read_coco, coco(tmp_path / "empty", []))
    (sample,) = read_coco(coco(tmp_path / "reviewed", [], reviewed=True))
    assert sample.kind == "neither"
    assert sample.readings == {"coco": ()}


def test_an_unknown_coco_category_is_refused_unless_mapped(tmp_path: Path) -> None:
    folder = coco(tmp_path, [{"category_id": 2, "segmentation": [SQUARE]}])
    document = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    document["categories"][1]["name"] = "folicle"
    (folder / "instances.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InvalidInput, match="unknown category; got folicle"):
        read_coco(folder, Ledger())
    (folder / "categories.json").write_text('{"folicle": "follicle"}', encoding="utf-8")
    assert len(read_coco(folder)[0].readings["coco"]) == 1
    (folder / "categories.json").write_text('{"folicle": null}', encoding="utf-8")
    assert read_coco(folder)[0].readings == {}


def test_coco_pictures_without_patients_are_refused_as_a_set(tmp_path: Path) -> None:
    folder = coco(tmp_path, [{"category_id": 1, "segmentation": [SQUARE]}], patient_group="")
    with pytest.raises(InvalidInput, match="belong to one patient"):
        read_coco(folder, Ledger())
    groups(folder, "images/a.png")
    assert len(read_coco(folder)) == 1


def test_a_coco_file_name_cannot_leave_its_folder(tmp_path: Path) -> None:
    picture(tmp_path / "secret.png")
    folder = coco(tmp_path / "set", [{"category_id": 1, "segmentation": [SQUARE]}])
    document = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    document["images"][0]["file_name"] = "../secret.png"
    (folder / "instances.json").write_text(json.dumps(document), encoding="utf-8")
    assert "leads out" in only_skip(read_coco, folder)


def yolo(folder: Path, *lines: str, names: str = "[ovary, follicle]") -> Path:
    picture(folder / "train" / "images" / "a.png")
    labels = folder / "train" / "labels" / "a.txt"
    labels.parent.mkdir(parents=True, exist_ok=True)
    labels.write_text("\n".join(lines), encoding="utf-8")
    (folder / "data.yaml").write_text(f"names: {names}\n", encoding="utf-8")
    groups(folder, "train/images/a.png")
    return folder


def fractions(polygon: npt.NDArray[np.float32]) -> str:
    return " ".join(repr(float(v)) for v in (polygon / np.array([WIDTH, HEIGHT])).ravel())


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(blobs)
def test_polygons_written_for_yolo_are_read_back_the_same(
    tmp_path: Path, shapes: list[tuple[int, int, int, int]]
) -> None:
    written = [
        np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)
        for x, y, w, h in shapes
    ]
    folder = yolo(tmp_path, *[f"1 {fractions(p)}" for p in written])
    (sample,) = read_yolo(folder)
    found = sample.readings["yolo"]
    for mark, polygon in zip(found, written, strict=True):
        assert np.array_equal(
            filled(mark.polygon, height=HEIGHT, width=WIDTH),
            filled(polygon, height=HEIGHT, width=WIDTH),
        )


def test_an_empty_yolo_label_says_nothing_is_there_and_a_missing_one_says_nothing(
    tmp_path: Path,
) -> None:
    folder = yolo(tmp_path)
    assert is_yolo(folder)
    (sample,) = read_yolo(folder)
    assert sample.ovary is not None
    assert sample.lesion is None
    assert sample.kind == "unknown"
    (folder / "train" / "labels" / "a.txt").unlink()
    assert "no label file" in only_skip(read_yolo, folder)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.1 0.1", "a box"),
        ("7 0.1 0.1 0.2 0.1 0.2 0.2", "unknown class"),
        ("0 0.1 0.1 0.2 0.1 0.2", "half a corner"),
        ("0 0.1 0.1 1.2 0.1 0.2 0.2", "leaves the picture"),
        ("ovary 0.1 0.1 0.2 0.1 0.2 0.2", "no number"),
    ],
    ids=["box", "class", "half", "outside", "word"],
)
def test_a_wrong_yolo_line_passes_its_picture_over(tmp_path: Path, line: str, reason: str) -> None:
    assert reason in only_skip(read_yolo, yolo(tmp_path, line))


def test_an_unknown_yolo_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="unknown category; got cyst"):
        read_yolo(yolo(tmp_path, names="{0: ovary, 1: cyst}"), Ledger())


def mask_folder(folder: Path, labels: npt.NDArray[np.uint8], ovary: Mask) -> Path:
    picture(folder / "images" / "a.png")
    for target, mask in (("follicles", labels), ("ovary", ovary.astype(np.uint8) * 255)):
        (folder / "masks" / target).mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / "masks" / target / "a.png"), mask)
    groups(folder, "images/a.png")
    return folder


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.permutations(range(6)), st.integers(2, 6))
def test_numbered_masks_are_read_back_the_same(
    tmp_path: Path, places: list[int], count: int
) -> None:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number, place in enumerate(places[:count], start=1):
        labels[4:20, 10 * place : 10 * place + 10] = number  # neighbours touch
    folder = mask_folder(tmp_path, labels, labels > 0)
    assert is_masks(folder)
    (sample,) = read_masks(folder)
    assert sample.ovary is not None
    assert np.array_equal(sample.ovary, labels > 0)
    assert sample.lesion is None
    found = np.zeros_like(labels)
    for number, mark in enumerate(sample.readings["masks"], start=1):
        found[filled(mark.polygon, height=HEIGHT, width=WIDTH)] = number
    assert np.array_equal(found, labels)


def test_black_and_white_follicles_are_counted_by_piece(tmp_path: Path) -> None:
    labels = boxes([(2, 2, 9, 9), (20, 20, 9, 9)]).astype(np.uint8) * 255
    (sample,) = read_masks(mask_folder(tmp_path, labels, labels > 0))
    assert len(sample.readings["masks"]) == 2


def test_a_mask_of_another_size_or_a_follicle_in_pieces_is_passed_over(tmp_path: Path) -> None:
    small = mask_folder(tmp_path / "small", np.zeros((9, 9), np.uint8), boxes([(1, 1, 5, 5)]))
    assert "another size" in only_skip(read_masks, small)
    torn = boxes([(2, 2, 9, 9), (20, 20, 9, 9)]).astype(np.uint8)
    torn[40:45, 40:45] = 2
    folder = mask_folder(tmp_path / "torn", torn, torn > 0)
    assert "in 2 pieces" in only_skip(read_masks, folder)
    (small / "masks" / "follicles" / "a.png").unlink()
    assert "mask missing" in only_skip(read_masks, small)


def test_every_export_gives_the_same_sample_of_the_same_marks(tmp_path: Path) -> None:
    corners = np.array(SQUARE, np.float32).reshape(-1, 2)
    square = filled(corners, height=HEIGHT, width=WIDTH)
    from_coco = read_coco(
        coco(
            tmp_path / "c",
            [{"category_id": n, "segmentation": [SQUARE]} for n in (1, 2)],
        )
    )[0]
    from_yolo = read_yolo(yolo(tmp_path / "y", *[f"{n} {fractions(corners)}" for n in (0, 1)]))[0]
    from_masks = read_masks(mask_folder(tmp_path / "m", square.astype(np.uint8), square))[0]

    def follicle(sample: Sample) -> Mask:
        mark: FollicleMark
        ((mark,),) = sample.readings.values()
        return filled(mark.polygon, height=HEIGHT, width=WIDTH)

    for sample in (from_coco, from_yolo, from_masks):
        assert sample.ovary is not None
        assert np.array_equal(sample.ovary, square)
        assert np.array_equal(follicle(sample), square)
