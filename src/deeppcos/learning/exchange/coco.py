"""Samples as a COCO set that reads back the same: pictures, outlines, readers, doubt, patients.

Owns writing. Areas go out as run lengths, which keep holes and separate pieces; follicles as the
polygons that were drawn. A target nobody looked for is not written as absent: sets whose pictures
differ in what was looked for must be written apart.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Mask, Sample
from deeppcos.learning.sources.run_lengths import run_lengths_of_mask

CATEGORIES = {"ovary": 1, "follicle": 2, "lesion": 3}
DOCUMENT_NAME = "annotations.json"


def looked_for(sample: Sample) -> frozenset[str]:
    """Targets somebody looked for in a sample."""
    known = {"ovary": sample.ovary is not None, "lesion": sample.lesion is not None}
    return frozenset(t for t, is_known in known.items() if is_known) | (
        {"follicle"} if sample.readings else frozenset()
    )


def coco_document(samples: Sequence[Sample]) -> dict[str, Any]:
    """The COCO document of samples whose pictures are ``0.png``, ``1.png`` and so on.

    Args:
        samples: Samples in which the same targets were looked for.

    Returns:
        The document.

    Raises:
        InvalidInput: If there is none, or they differ in what was looked for.
    """
    targets = {looked_for(sample) for sample in samples}
    if len(targets) != 1:
        raise InvalidInput(
            "samples that cannot be written as one COCO set",
            value=f"{len(targets)} kinds of what was looked for",
            accepted="one",
            remedy="write them apart: COCO cannot say that nobody looked",
        )
    (known,) = targets
    return {
        "info": {"description": "Written by DeepPCOS. Research use."},
        "categories": [{"id": n, "name": name} for name, n in CATEGORIES.items() if name in known],
        "images": [_image(number, sample) for number, sample in enumerate(samples)],
        "annotations": [
            {"id": number, **annotation}
            for number, annotation in enumerate(
                annotation
                for image, sample in enumerate(samples)
                for annotation in _annotations(image, sample)
            )
        ],
    }


def write_coco(samples: Sequence[Sample], folder: Path) -> Path:
    """Write pictures and document.

    Args:
        samples: Samples in which the same targets were looked for.
        folder: Where to; must be new.

    Returns:
        The document, written last.

    Raises:
        InvalidInput: If the samples cannot be one set, or the folder is there already.
        OSError: If a picture cannot be written.
    """
    document = coco_document(samples)
    if folder.exists():
        raise InvalidInput(f"{folder}: is there already", remedy="name a new folder")
    (folder / "images").mkdir(parents=True)
    for number, sample in enumerate(samples):
        path = folder / "images" / f"{number}.png"
        if not cv2.imwrite(str(path), sample.raw_grey):
            raise OSError(f"{path}: cannot be written")
    path = folder / DOCUMENT_NAME
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _image(number: int, sample: Sample) -> dict[str, Any]:
    """One picture; what is not annotated was looked at in vain."""
    height, width = sample.raw_grey.shape
    return {
        "id": number,
        "file_name": f"{number}.png",
        "height": height,
        "width": width,
        "patient_group": sample.group,
        "name": sample.name,
        "reviewed": True,
        "readers": sorted(sample.readings),
    }


def _annotations(image: int, sample: Sample) -> list[dict[str, Any]]:
    """Areas and follicles of one picture."""
    areas = (("ovary", sample.ovary), ("lesion", sample.lesion))
    found = [_area(image, name, mask) for name, mask in areas if mask is not None and mask.any()]
    for reader, marks in sample.readings.items():
        for mark in marks:
            left, top = mark.polygon.min(axis=0)
            right, bottom = mark.polygon.max(axis=0)
            found.append(
                {
                    "image_id": image,
                    "category_id": CATEGORIES["follicle"],
                    "segmentation": [[float(v) for v in mark.polygon.ravel()]],
                    "area": float(cv2.contourArea(mark.polygon)),
                    "bbox": [float(v) for v in (left, top, right - left, bottom - top)],
                    "iscrowd": 0,
                    "attributes": {
                        "reader": reader,
                        "certainty": "sure" if mark.is_sure else "maybe",
                    },
                }
            )
    return found


def _area(image: int, name: str, mask: Mask) -> dict[str, Any]:
    """An ovary or a lesion."""
    left, top, width, height = cv2.boundingRect(mask.astype("uint8"))
    return {
        "image_id": image,
        "category_id": CATEGORIES[name],
        "segmentation": run_lengths_of_mask(mask),
        "area": int(mask.sum()),
        "bbox": [left, top, width, height],
        "iscrowd": 0,
    }
