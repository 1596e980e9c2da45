"""Where the network looked: on the ovary, past its own test, and nowhere when nothing decided."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.app.example_study import write_example_study
from deeppcos.records.open_study import open_file
from deeppcos.vision import saliency
from deeppcos.vision.analyse import analyse_frame
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.release import Release, load_release
from deeppcos.vision.saliency import SaliencyTest, explain_frame, explain_ovary

Floats = npt.NDArray[np.float32]
Greys = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def release() -> Release:
    return load_release(threads=1)


class _PaintedOvary:
    """A network that sees an ovary wherever one square of the picture keeps its stripes."""

    def __call__(self, pictures: Floats) -> tuple[Floats, Floats]:
        stripes = pictures[:, 0, 96:160, 96:160].std(axis=(1, 2)) / 0.5
        maps = np.zeros((len(pictures), 4, 256, 256), np.float32)
        maps[:, 0, 96:160, 96:160] = np.clip(stripes, 0.01, 0.99)[:, None, None]
        answers = np.repeat(np.clip(stripes, 0.01, 0.99)[:, None], 2, axis=1)
        return maps, answers.astype(np.float32)


class _Deaf:
    """A network that answers alike whatever it is shown."""

    def __call__(self, pictures: Floats) -> tuple[Floats, Floats]:
        maps = np.zeros((len(pictures), 4, 256, 256), np.float32)
        maps[:, 0, 60:90, 60:90] = 0.9
        return maps, np.full((len(pictures), 2), 0.9, np.float32)


def _striped() -> Greys:
    grey = np.full((256, 256), 128, np.uint8)
    grey[:, ::2] = 255
    grey[:, 1::2] = 14
    return grey


def test_the_map_lies_where_a_network_that_is_known_looks(release: Release) -> None:
    known = Release(manifest=release.manifest, network=_PaintedOvary())
    shown = explain_ovary(_striped(), known)
    assert shown.heat is not None, shown.why_none
    inside = shown.heat[80:176, 80:176].sum() / shown.heat.sum()
    assert inside > 0.5, "the square is 14 % of the picture"
    assert shown.test is not None
    assert shown.test.is_passed


def test_a_network_that_ignores_the_picture_gets_no_map(release: Release) -> None:
    deaf = Release(manifest=release.manifest, network=_Deaf())
    shown = explain_ovary(_striped(), deaf)
    assert shown.heat is None
    assert shown.why_none == "no single place decided the answer"


def test_a_black_picture_gets_a_reason_instead_of_a_map(release: Release) -> None:
    frame = UltrasoundFrame(source="black.png", index=0, pixels=np.zeros((300, 300, 3), np.uint8))
    shown = explain_frame(frame, release)
    assert shown.heat is None
    assert "black" in shown.why_none


@pytest.mark.parametrize(
    ("deletion", "insertion", "passes"),
    [(0.1, 0.8, True), (0.48, 0.8, False), (0.1, 0.22, False), (0.6, 0.1, False)],
)
def test_a_map_must_beat_chance_in_both_directions(
    deletion: float, insertion: float, passes: bool
) -> None:
    test = SaliencyTest(
        deletion=deletion, insertion=insertion, chance_deletion=0.5, chance_insertion=0.2
    )
    assert test.is_passed is passes


def test_the_test_fills_with_something_else_than_the_map_was_made_with() -> None:
    picture = np.random.default_rng(3).random((256, 256)).astype(np.float32)
    blurred = saliency._blurred(picture)
    assert float(np.median(picture)) != pytest.approx(float(blurred[0, 0]), abs=1e-4)


@pytest.mark.slow
def test_the_shipped_network_looks_at_the_ovary_of_a_phantom(
    release: Release, tmp_path: Path
) -> None:
    write_example_study(tmp_path / "study")
    opened = open_file(sorted((tmp_path / "study").rglob("*.dcm"))[0])
    frame = next(iter(opened.frames()))
    shown = explain_frame(frame, release)
    assert shown.heat is not None, shown.why_none
    outline = np.zeros(shown.heat.shape, np.uint8)
    polygon = analyse_frame(frame, release).ovaries[0].polygon
    cv2.fillPoly(outline, [np.round(polygon).astype(np.int32)], 1)
    ovary = outline > 0
    share = float(shown.heat[ovary].sum() / shown.heat.sum())
    assert share > 1.5 * float(ovary.mean())
