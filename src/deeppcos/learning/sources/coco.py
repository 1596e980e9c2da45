"""COCO instance exports: polygons and run lengths, from CVAT, Label Studio, Roboflow and others.

Read from the folder: one JSON file with ``images``, ``annotations`` and ``categories`` at its top,
in ``annotations/`` or in a folder a side. ``certainty`` (``sure`` or ``maybe``) and ``reader`` are
taken from an annotation or its ``attributes``, the patient from ``patient_group`` of an image or
from ``groups.csv``. An image without any annotation is passed over unless it says
``"reviewed": true``: COCO does not tell "nothing there" from "not annotated yet". ``readers`` of an
image names those who looked for follicles, so that one who found none is not lost.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import FollicleMark, Mask, Sample
from deeppcos.learning.sources.categories import TARGETS, target_of_names
from deeppcos.learning.sources.folders import SIDES
from deeppcos.learning.sources.grouping import group_of, read_groups
from deeppcos.learning.sources.labelled import inside
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.outlined import Identity, Outlines, outlined_sample
from deeppcos.learning.sources.outlines import (
    Polygon,
    checked_polygon,
    outer_border,
    separate_pieces,
)
from deeppcos.learning.sources.pictures import filled, picture_size
from deeppcos.learning.sources.run_lengths import mask_of_run_lengths

Entry = dict[str, Any]

READER = "coco"
_LARGEST_SEARCHED_BYTES = 512 * 1024**2


def is_coco(folder: Path) -> bool:
    """Whether a folder holds this layout."""
    return bool(coco_documents(folder))


def coco_documents(folder: Path) -> list[Path]:
    """The COCO files of a folder, at its top, in ``annotations/`` or in a folder a side."""
    if not folder.is_dir():
        return []
    below = (p for p in sorted(folder.iterdir()) if p.is_dir())
    places = [folder, *(p for p in below if p.name.lower() in {"annotations", *SIDES})]
    return [path for place in places for path in sorted(place.glob("*.json")) if _is_coco(path)]


def read_coco(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Read every annotated image.

    Args:
        folder: The data set.
        ledger: Where faulty images are written down; without one the first is refused.

    Returns:
        One sample an image.

    Raises:
        InvalidInput: If a category is unknown, or patient groups are missing.
    """
    ledger = ledger or strict()
    samples: list[Sample] = []
    for document in coco_documents(folder):
        samples += _read_document(folder, document, ledger)
    return samples


def _read_document(folder: Path, document: Path, ledger: Ledger) -> list[Sample]:
    """The images of one file."""
    content = json.loads(document.read_text(encoding="utf-8"))
    targets = _targets(folder, content, ledger)
    by_image: dict[Any, list[Entry]] = defaultdict(list)
    for annotation in content["annotations"]:
        by_image[annotation["image_id"]].append(annotation)
    known = {target: target in targets.values() for target in TARGETS}
    says_all = all(image.get("patient_group") for image in content["images"])
    groups = {} if says_all else read_groups(folder)
    samples = []
    for image in content["images"]:
        name = str(image.get("file_name", image.get("id")))
        with ledger.passing_over(folder.name, name):
            path = _picture(folder, document, name)
            file = path.relative_to(folder).as_posix()
            group = str(image.get("patient_group") or "") or group_of(groups, file)
            identity = Identity(
                name=f"{folder.name}/{file}", source=folder.name, group=f"{folder.name}/{group}"
            )
            outlines = _outlines(image, by_image[image["id"]], targets, path)
            samples.append(outlined_sample(path, identity, outlines, known, reader=READER))
    orphans = len(set(by_image) - {image["id"] for image in content["images"]})
    if orphans:
        ledger.remark(f"{folder.name}: annotations of {orphans} images that {document.name} lacks")
    return samples


def _targets(folder: Path, content: Entry, ledger: Ledger) -> dict[Any, str]:
    """Category number to target; categories without annotations are remarked, not refused."""
    used = {annotation["category_id"] for annotation in content["annotations"]}
    names = {c["id"]: str(c["name"]) for c in content["categories"]}
    nameless = used - set(names)
    if nameless:
        raise InvalidInput(
            f"{folder}: annotations of categories that are not listed",
            value=", ".join(map(str, sorted(nameless))),
            remedy="export it again",
        )
    meaning: dict[Any, str] = {}
    for number, name in names.items():
        try:
            meaning[number] = target_of_names(folder, [name])[name]
        except InvalidInput:
            if number in used:
                raise
    for number in names:
        if number not in used:
            ledger.remark(f"{folder.name}: category {names[number]} has no annotation")
    return meaning


def _outlines(
    image: Entry, annotations: list[Entry], targets: dict[Any, str], path: Path
) -> Outlines:
    """What is outlined on one image."""
    name = path.name
    if not annotations and image.get("reviewed") is not True:
        raise InvalidInput(
            f"{name}: no annotation",
            accepted='one or more, or "reviewed": true on the image',
            remedy="annotate it, or state that nothing is there",
        )
    height, width = picture_size(path)
    if (image.get("width", width), image.get("height", height)) != (width, height):
        raise InvalidInput(
            f"{name}: annotated at another size",
            value=f"{image['width']} x {image['height']}",
            accepted=f"{width} x {height} pixels, as the picture is",
            remedy="export both at one size",
        )
    outlines = Outlines(follicles={str(reader): [] for reader in image.get("readers", ())})
    for annotation in annotations:
        target = targets[annotation["category_id"]]
        if target == "follicle":
            reader = str(_attribute(annotation, "reader") or READER)
            mark = _follicle(annotation, height, width, name)
            outlines.follicles.setdefault(reader, []).append(mark)
        elif target:
            outlines.add_area(target, _mask(annotation, height, width, name))
    return outlines


def _follicle(annotation: Entry, height: int, width: int, name: str) -> FollicleMark:
    """One follicle; its outline is kept as drawn where it is one polygon."""
    certainty = _attribute(annotation, "certainty") or "sure"
    if certainty not in ("sure", "maybe"):
        raise InvalidInput(
            f"{name}: unknown certainty", value=str(certainty), accepted="sure or maybe"
        )
    polygons = _polygons(annotation, height, width, name)
    if len(polygons) == 1:
        return FollicleMark(polygon=polygons[0], is_sure=certainty == "sure")
    mask = _mask(annotation, height, width, name)
    if annotation.get("iscrowd") and not polygons and separate_pieces(mask).max() > 1:
        raise InvalidInput(
            f"{name}: one annotation covers several follicles", remedy="outline each of them"
        )
    if separate_pieces(mask).max() != 1:
        raise InvalidInput(
            f"{name}: a follicle in {separate_pieces(mask).max()} pieces",
            accepted="one piece",
            remedy="outline it again",
        )
    return FollicleMark(polygon=outer_border(mask), is_sure=certainty == "sure")


def _mask(annotation: Entry, height: int, width: int, name: str) -> Mask:
    """The area of an annotation."""
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        return mask_of_run_lengths(segmentation, height=height, width=width, name=name)
    mask = np.zeros((height, width), bool)
    polygons = _polygons(annotation, height, width, name)
    if not polygons:
        raise InvalidInput(
            f"{name}: an annotation without outline",
            accepted="polygons or run lengths; a box is no outline",
            remedy="export segmentations, not boxes",
        )
    for polygon in polygons:
        mask |= filled(polygon, height=height, width=width)
    return mask


def _polygons(annotation: Entry, height: int, width: int, name: str) -> list[Polygon]:
    """Polygons of an annotation; none where it has run lengths or only a box."""
    segmentation = annotation.get("segmentation")
    if not isinstance(segmentation, list):
        return []
    polygons = []
    for flat in segmentation:
        if len(flat) % 2:
            raise InvalidInput(f"{name}: an outline with half a corner", remedy="export it again")
        corners = np.asarray(flat, np.float64).reshape(-1, 2)
        polygons.append(checked_polygon(corners, height=height, width=width, name=name))
    return polygons


def _attribute(annotation: Entry, key: str) -> Any:
    """A value of the annotation or of its attributes."""
    return annotation.get(key, (annotation.get("attributes") or {}).get(key))


def _picture(folder: Path, document: Path, name: str) -> Path:
    """The picture of a file name: beside the document, in ``images/`` or below the set."""
    for place in (document.parent, document.parent / "images", folder / "images", folder):
        if (place / name).is_file():
            path = (place / name).resolve()
            return folder / inside(folder.resolve(), str(path)).relative_to(folder.resolve())
    raise InvalidInput(f"{name}: no such picture", remedy="put it beside the annotations")


def _is_coco(path: Path) -> bool:
    """Whether a JSON file is a COCO document."""
    if path.stat().st_size > _LARGEST_SEARCHED_BYTES:
        return False
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError):
        return False
    needed = {"images", "annotations", "categories"}
    return isinstance(content, dict) and needed <= set(content)
