"""Sweeps analysed frame by frame: order, guidance, scale, progress, cancelling, damage, memory."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.vision import sweep_analysis
from deeppcos.vision.analyse import analyse_frame
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame
from deeppcos.vision.geometry import centroid, polygon_iou
from deeppcos.vision.guided_looking import Guide, WholeLook, between
from deeppcos.vision.release import Release, load_release
from deeppcos.vision.sweep_analysis import analyse_sweep

Floats = npt.NDArray[np.float32]
TENTH = MmPerPixel(x=0.1, y=0.1, source=ScaleSource.DICOM_REGIONS)
BACKGROUND, STROMA, FLUID = 20, 110, 200


class BrightnessNetwork:
    """Stroma and fluid are ovary, fluid is follicle; counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self._lock = threading.Lock()

    def __call__(self, pictures: Floats) -> tuple[Floats, Floats]:
        with self._lock:
            self.asked += 1
        level = pictures[:, 0]
        ovary = np.clip(2 * level, 0, 1)
        follicle = np.clip(2 * level - 1, 0, 1)
        maps = np.stack([ovary, np.zeros_like(level), follicle, follicle], axis=1)
        answer = np.where(ovary.mean(axis=(1, 2)) > 0.01, 0.95, 0.02)
        answers = np.stack([answer, np.zeros_like(answer)], axis=1)
        return maps.astype(np.float32), answers.astype(np.float32)


@pytest.fixture(scope="module")
def shipped() -> Release:
    return load_release(threads=1)


def seeing(shipped: Release, network: BrightnessNetwork) -> Release:
    return replace(shipped, network=network)


def painted(index: int, *, x: int = 200, shows: bool = True) -> UltrasoundFrame:
    """An ovary with two follicles; without them a frame of plain tissue."""
    rng = np.random.default_rng(index)
    picture = np.full((300, 420), BACKGROUND, np.uint8)
    if shows:
        cv2.ellipse(picture, (x, 150), (100, 70), 0, 0, 360, STROMA, -1)
        cv2.circle(picture, (x - 40, 150), 22, FLUID, -1)
        cv2.circle(picture, (x + 40, 140), 16, FLUID, -1)
    noisy = np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
    return UltrasoundFrame(
        source="sweep.mp4",
        index=index,
        pixels=np.repeat(noisy[:, :, None], 3, axis=2),
        mm_per_pixel=TENTH,
    )


def test_every_frame_is_found_in_order_and_as_by_two_looks(shipped: Release) -> None:
    frames = [painted(i, x=190 + 2 * i) for i in range(11)]
    release = seeing(shipped, BrightnessNetwork())
    found = list(analyse_sweep(frames, release))
    assert [one.frame for one in found] == list(range(11))
    for frame, one in zip(frames, found, strict=True):
        apart = analyse_frame(frame, release)
        assert one.is_assessable
        assert len(one.ovaries[0].follicles) == len(apart.ovaries[0].follicles) == 2
        assert polygon_iou(one.ovaries[0].polygon, apart.ovaries[0].polygon) > 0.95
        assert one.ovaries[0].follicles[0].mean_diameter_mm == pytest.approx(4.4, abs=0.4)


def test_a_frame_costs_little_more_than_one_look(shipped: Release) -> None:
    network = BrightnessNetwork()
    list(analyse_sweep((painted(i) for i in range(41)), seeing(shipped, network)))
    assert network.asked <= 41 * 1.3 + 1


def test_an_ovary_that_enters_between_two_whole_looks_is_not_missed(shipped: Release) -> None:
    frames = [painted(i, shows=3 <= i <= 14) for i in range(20)]
    found = list(analyse_sweep(frames, seeing(shipped, BrightnessNetwork())))
    assert [one.frame for one in found if one.ovaries] == list(range(3, 15))


def test_the_place_between_two_whole_looks_is_followed() -> None:
    def whole(x: float) -> WholeLook:
        guide = Guide(x0=x, y0=10, x1=x + 50, y1=60, score=0.9)
        return WholeLook(ovary_answer=0.9, lesion_answer=0.0, guides=(guide,), lesions=())

    place = between(whole(100), whole(120), share=0.25)
    assert place is not None
    assert (place[0].x0, place[0].x1) == (105, 155)
    far = between(whole(100), whole(300), share=0.25)
    assert far is not None
    assert far[0].x0 == 100


def test_progress_is_told_after_every_frame(shipped: Release) -> None:
    told: list[int] = []
    release = seeing(shipped, BrightnessNetwork())
    list(analyse_sweep((painted(i) for i in range(7)), release, progress=told.append))
    assert told == [1, 2, 3, 4, 5, 6, 7]


def test_a_cancelled_sweep_reads_no_further_and_keeps_what_was_found(shipped: Release) -> None:
    told: list[int] = []
    read: list[int] = []

    def frames() -> Iterator[UltrasoundFrame]:
        for index in range(100):
            read.append(index)
            yield painted(index)

    found = list(
        analyse_sweep(
            frames(),
            seeing(shipped, BrightnessNetwork()),
            progress=told.append,
            is_cancelled=lambda: len(told) >= 5,
        )
    )
    assert 5 <= len(found) == len(told) < 30
    assert len(read) < 30


def test_a_sweep_left_half_way_stops_its_workers(shipped: Release) -> None:
    findings = analyse_sweep((painted(i) for i in range(50)), seeing(shipped, BrightnessNetwork()))
    next(findings)
    findings.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("sweep")]


def test_frames_before_a_damaged_one_are_kept(shipped: Release) -> None:
    def frames() -> Iterator[UltrasoundFrame]:
        for index in range(7):
            yield painted(index)
        raise InvalidInput("frame 7 cannot be decoded")

    found: list[int] = []
    findings = analyse_sweep(frames(), seeing(shipped, BrightnessNetwork()))
    with pytest.raises(InvalidInput, match="frame 7"):
        found.extend(one.frame for one in findings)
    assert found == list(range(7))


def test_pictures_are_not_kept(shipped: Release) -> None:
    alive: list[int] = []
    most = 0

    class Tracked(np.ndarray[tuple[int, ...], np.dtype[np.uint8]]):
        def __del__(self) -> None:
            if self.base is not None and getattr(self, "is_root", False):
                alive.pop()

    def frames() -> Iterator[UltrasoundFrame]:
        for index in range(60):
            frame = painted(index)
            pixels = frame.pixels.view(Tracked)
            pixels.is_root = True  # type: ignore[attr-defined]
            alive.append(index)
            yield replace(frame, pixels=pixels)

    for _ in analyse_sweep(frames(), seeing(shipped, BrightnessNetwork())):
        most = max(most, len(alive))
    assert most <= 20


@pytest.mark.parametrize("changes_at", [None, 6])
def test_a_ruler_is_shared_only_where_it_is_the_same_on_both_sides(
    shipped: Release, monkeypatch: pytest.MonkeyPatch, changes_at: int | None
) -> None:
    read: list[int] = []

    def ruler(frame: UltrasoundFrame) -> UltrasoundFrame:
        read.append(frame.index)
        size = 0.2 if changes_at is not None and frame.index >= changes_at else 0.1
        scale = MmPerPixel(x=size, y=size, source=ScaleSource.BURNED_IN_RULER)
        return replace(frame, mm_per_pixel=scale, scale_problem="")

    monkeypatch.setattr(sweep_analysis, "scaled_frame", ruler)
    frames = [replace(painted(i), mm_per_pixel=None) for i in range(13)]
    found = list(analyse_sweep(frames, seeing(shipped, BrightnessNetwork())))
    sizes = [one.mm_per_pixel.x for one in found if one.mm_per_pixel]
    assert sizes == [0.2 if changes_at and i >= changes_at else 0.1 for i in range(13)]
    keys = {0, 4, 8, 12}
    assert set(read) == (keys if changes_at is None else keys | {5, 6, 7})


def test_outlines_lie_where_the_ovary_is(shipped: Release) -> None:
    [found] = analyse_sweep([painted(0, x=230)], seeing(shipped, BrightnessNetwork()))
    assert centroid(found.ovaries[0].polygon) == pytest.approx((230, 150), abs=1.0)
