"""The edge around a click: on drawn ovaries with exact truth, and on real close-ups."""

import json
import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from deeppcos.app.desk.marks.edge import outline_at
from deeppcos.errors import InvalidInput, NotAssessable
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.geometry import area_px, centroid, outline_of, polygon_iou, polygon_mask

Grey = np.typing.NDArray[np.uint8]


def speckled(shape: tuple[int, int], holes: list[tuple[int, int, int, int]]) -> Grey:
    """Bright tissue with dark ellipses and multiplicative speckle."""
    picture = np.full(shape, 120.0, np.float32)
    for x, y, rx, ry in holes:
        cv2.ellipse(picture, (x, y), (rx, ry), 0, 0, 360, 15.0, cv2.FILLED)
    soft = np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.float32)
    noise = np.random.default_rng(7).rayleigh(0.8, shape).astype(np.float32)
    return np.asarray(np.clip(soft * noise, 0, 255), np.uint8)


@pytest.mark.parametrize("radius", [6, 12, 25, 50])
def test_a_round_space_is_outlined_wherever_it_is_clicked(radius: int) -> None:
    grey = speckled((480, 640), [(320, 240, radius, radius)])
    for share, angle in ((0.0, 0.0), (0.4, 1.0), (0.4, 4.0)):
        x, y = 320 + share * radius * math.cos(angle), 240 + share * radius * math.sin(angle)
        found = outline_at(grey, x=x, y=y, scale=None)
        assert math.dist(centroid(found.polygon), (320, 240)) < 0.35 * radius
        assert math.sqrt(area_px(found.polygon) / math.pi) == pytest.approx(radius, rel=0.2)


def test_an_oval_space_beside_another_is_outlined_alone() -> None:
    grey = speckled((480, 640), [(300, 240, 40, 22), (380, 240, 26, 26)])
    found = outline_at(grey, x=300, y=240, scale=None)
    truth = np.zeros((480, 640), np.uint8)
    cv2.ellipse(truth, (300, 240), (40, 22), 0, 0, 360, 1, cv2.FILLED)
    outline = outline_of(truth > 0)
    assert outline is not None
    assert polygon_iou(found.polygon, outline) > 0.75


def test_tissue_without_a_dark_space_is_refused_with_a_remedy() -> None:
    grey = speckled((480, 640), [])
    with pytest.raises(NotAssessable, match="draw the outline"):
        outline_at(grey, x=320, y=240, scale=None)


def test_a_point_outside_the_picture_is_refused() -> None:
    with pytest.raises(InvalidInput, match="0 to 639 across"):
        outline_at(speckled((480, 640), []), x=640, y=10, scale=None)


def test_a_space_at_the_edge_of_the_picture_stays_near_it() -> None:
    grey = speckled((480, 640), [(4, 240, 20, 20)])
    found = outline_at(grey, x=6, y=240, scale=None)
    inside = polygon_mask(found.polygon, width=640, height=480)
    assert inside.sum() > 0.3 * math.pi * 400


def test_a_scale_limits_how_far_the_edge_is_looked_for() -> None:
    grey = speckled((480, 640), [(320, 240, 100, 100)])
    coarse = MmPerPixel(x=0.4, y=0.4, source=ScaleSource.DICOM_REGIONS)
    with pytest.raises(NotAssessable):
        outline_at(grey, x=320, y=240, scale=coarse)


def _data_folder() -> Path:
    named = os.environ.get("DEEPPCOS_DATA")
    return Path(named) if named else Path(__file__).parents[5] / "shared" / "data"


def test_real_follicles_are_outlined_like_a_reader_did() -> None:
    folder = _data_folder() / "ovary_closeups"
    if not (folder / "marks.json").is_file():
        pytest.skip(f"no close-ups in {folder}")
    overlaps = []
    for entry in json.loads((folder / "marks.json").read_text(encoding="utf-8")):
        path = next((folder / "images").glob(f"{entry['id']}.*"))
        grey = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert grey is not None
        for one in entry["follicles"]:
            if one["certainty"] != "sure":
                continue
            truth = tuple((float(x), float(y)) for x, y in one["polygon"])
            x, y = centroid(truth)
            try:
                found = outline_at(np.asarray(grey, np.uint8), x=x, y=y, scale=None)
                overlaps.append(polygon_iou(found.polygon, truth))
            except NotAssessable:
                overlaps.append(0.0)
    assert len(overlaps) > 100
    assert float(np.median(overlaps)) > 0.7
    assert float(np.mean(np.asarray(overlaps) >= 0.5)) > 0.9
