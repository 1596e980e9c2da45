"""Changes of a picture take its truth along, and an unchanged picture has no change to tell."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deeppcos.learning.samples import FollicleMark, Sample

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="the pool is read by the train extra")
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def sample() -> Sample:
    """An ovary with one follicle, right of the middle, on a screen that is black at the left."""
    grey = np.full((120, 160), 90, np.uint8)
    grey[:, :10] = 0
    ovary = np.zeros(grey.shape, bool)
    ovary[30:90, 70:140] = True
    corners = np.array([[100, 50], [120, 50], [120, 70], [100, 70]], np.float32)
    grey[50:71, 100:121] = 5
    return Sample(
        name="mmotu/1", source="mmotu", group="mmotu/1", kind="ovary", grey=grey, raw_grey=grey,
        ovary=ovary, lesion=None, subgroup="x",
        readings={"r1": (FollicleMark(polygon=corners, is_sure=True),)},
    )  # fmt: skip


def names() -> list[str]:
    return [
        "gain 6 dB lower", "gain 6 dB higher", "dynamic range a third narrower",
        "dynamic range half as wide again", "grey map darker (exponent 1.5)",
        "grey map brighter (exponent 0.67)", "strong speckle filter", "electronic noise",
        "half the pixels a side", "a third of the pixels a side", "shown at 60 % of its size",
        "squeezed sideways by a fifth", "mirrored",
    ]  # fmt: skip


@pytest.mark.parametrize("name", names())
def test_the_follicle_stays_dark_and_where_its_mark_is(name: str, sample: Sample) -> None:
    from benchmarks.other_machines import CHANGES

    changed = CHANGES[name](sample)
    assert changed.grey.shape == sample.grey.shape
    assert changed.grey.dtype == np.uint8
    inside = np.zeros(changed.grey.shape, np.uint8)
    cv2.fillPoly(inside, [np.round(changed.readings["r1"][0].polygon).astype(np.int32)], 1)
    core = cv2.erode(inside, np.ones((5, 5), np.uint8)) > 0
    assert changed.ovary is not None
    around = changed.ovary & (cv2.dilate(inside, np.ones((9, 9), np.uint8)) == 0)
    assert core.any()
    assert changed.grey[core].mean() < changed.grey[around].mean() - 20
    assert changed.ovary[core].all()


def test_every_change_is_tested() -> None:
    from benchmarks.other_machines import CHANGES

    assert names() == list(CHANGES)


def test_gain_lights_no_pixel_that_the_machine_left_black(sample: Sample) -> None:
    from benchmarks.other_machines import gain

    louder = gain(6)(sample).grey
    assert (louder[:, :10] == 0).all()
    assert louder[5, 50] == 90 + 25


def test_an_unchanged_picture_has_no_change_to_tell(sample: Sample) -> None:
    from benchmarks.other_machines import F1, told

    from deeppcos.learning.evaluate.compare import beside_truth
    from deeppcos.vision.looking import Look, SeenFollicle, SeenOvary

    square = tuple((float(x), float(y)) for x, y in sample.readings["r1"][0].polygon)
    seen = SeenOvary(
        polygon=square, score=0.9, follicles=(SeenFollicle(polygon=square, score=0.9),)
    )
    look: Any = Look(ovary_answer=0.9, lesion_answer=0.1, ovaries=(seen,), lesions=())
    results = [beside_truth(sample, look)]
    assert told(results, results, F1).change.value == 0.0
    blind = beside_truth(sample, Look(ovary_answer=0.1, lesion_answer=0.1, ovaries=(), lesions=()))
    assert told(results, [blind], F1).change.value == -1.0
