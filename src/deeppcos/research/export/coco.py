"""Outlines of ovaries and follicles as a COCO data set.

Owns the annotations. Pictures come cleaned; a frame that is not assessable has no annotation, and
says so, since nothing was marked in it with confidence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CATEGORIES = ("ovary", "antral follicle", "dominant follicle", "follicle under 2 mm",
              "follicle without scale", "other structure")  # fmt: skip
_KINDS = {"antral": 2, "dominant": 3, "below_range": 4, "unsized": 5}
OVARY, OTHER = 1, 6


COCO_DICTIONARY: tuple[tuple[str, str, str, str], ...] = (
    ("images", "id", "integer", "Number of the picture in this set."),
    ("images", "file_name", "text", "The cleaned picture below this folder; every text is blank."),
    ("images", "width, height", "integer", "Size of the picture, pixels."),
    ("images", "patient", "text", "Pseudonym of the woman; keep her on one side of every split."),
    ("images", "side", "text or null", "Ovary: left or right; null where not known."),
    ("images", "assessable", "true or false", "Whether an ovary could be judged in the picture."),
    ("images", "mm_per_pixel", "object or null", "Scale; null where none is known, never guessed."),
    ("images", "read_by", "text", "Whose outlines: machine, reader, or signed by a clinician."),
    ("annotations", "image_id", "integer", "The picture an outline lies in."),
    ("annotations", "category_id", "integer", "What it outlines, see categories."),
    ("annotations", "segmentation", "list", "Polygon as x, y, x, y, ... in pixels."),
    ("annotations", "bbox", "list", "Left, top, width and height of the polygon, pixels."),
    ("annotations", "area", "number", "Area inside the polygon, square pixels."),
    ("annotations", "score", "number", "Calibrated probability; 1 where a person drew."),
    ("categories", "ovary", "1", "Outline of an ovary."),
    ("categories", "antral follicle", "2", "Follicle of 2 to 9 mm; needs a scale."),
    ("categories", "dominant follicle", "3", "Follicle of 10 mm and more; needs a scale."),
    ("categories", "follicle under 2 mm", "4", "Not counted."),
    ("categories", "follicle without scale", "5", "Not sized: no scale is known."),
    ("categories", "other structure", "6", "Cyst-like or solid structure that is no follicle."),
)  # fmt: skip
"""What stands in the file, line by line: part, field, type, meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoFrame:
    """One frame of a document and the file its cleaned picture has.

    Attributes:
        file_name: Name of the cleaned picture.
        patient: Pseudonym of the woman, so that splits can keep her on one side.
        frame: The frame as ``deeppcos.assessment/1`` describes it.
        read_by: Whose outlines they are.
    """

    file_name: str
    patient: str
    frame: Mapping[str, Any]
    read_by: str


def coco_dataset(frames: Iterable[CocoFrame], *, description: str) -> dict[str, Any]:
    """The data set as COCO's ``instances`` JSON.

    Args:
        frames: Frames in the order they are numbered.
        description: What the set is.

    Returns:
        Plain data. ``mm_per_pixel`` of an image is null where no scale is known.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, one in enumerate(frames, start=1):
        frame = one.frame
        images.append(
            {
                "id": number,
                "file_name": one.file_name,
                "width": frame["width"],
                "height": frame["height"],
                "patient": one.patient,
                "side": frame["side"],
                "assessable": frame["assessable"],
                "mm_per_pixel": frame["mm_per_pixel"],
                "read_by": one.read_by,
            }
        )
        if frame["assessable"]:
            for category, polygon, score in _outlines(frame):
                annotations.append(
                    _annotation(len(annotations) + 1, number, category, polygon, score)
                )
    return {
        "info": {"description": description, "version": "1"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": n, "name": name, "supercategory": "ultrasound"}
            for n, name in enumerate(CATEGORIES, start=1)
        ],
    }


def _outlines(frame: Mapping[str, Any]) -> list[tuple[int, Any, float]]:
    """Category, polygon and probability of everything in a frame."""
    found: list[tuple[int, Any, float]] = []
    for ovary in frame["ovaries"]:
        found.append((OVARY, ovary["polygon"], ovary["probability"]))
        found += [
            (_KINDS[follicle["kind"]], follicle["polygon"], follicle["probability"])
            for follicle in ovary["follicles"]
        ]
    found += [(OTHER, lesion["polygon"], lesion["probability"]) for lesion in frame["lesions"]]
    return found


def _annotation(
    number: int, image: int, category: int, polygon: Any, score: float
) -> dict[str, Any]:
    """One outline with its box and area, in pixels."""
    xs, ys = [float(p[0]) for p in polygon], [float(p[1]) for p in polygon]
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": [
            [value for point in polygon for value in (float(point[0]), float(point[1]))]
        ],
        "bbox": [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)],
        "area": round(_area(xs, ys), 1),
        "iscrowd": 0,
        "score": score,
    }


def _area(xs: list[float], ys: list[float]) -> float:
    """Area inside a polygon (shoelace).

    Examples:
        >>> _area([0, 2, 2, 0], [0, 0, 3, 3])
        6.0
    """
    pairs = zip(xs, ys, xs[1:] + xs[:1], ys[1:] + ys[:1], strict=True)
    return abs(sum(x * next_y - next_x * y for x, y, next_x, next_y in pairs)) / 2
