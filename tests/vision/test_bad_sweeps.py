"""Sweeps nobody could count in, drawn and read by the shipped network: no number, and a reason."""

from collections.abc import Iterator

import numpy as np
import pytest

from deeppcos.learning.phantom import Plane, ProbeSettings, draw_sweep, varied_ovary
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame
from deeppcos.vision.release import load_release
from deeppcos.vision.sweep_analysis import analyse_sweep
from deeppcos.vision.tracking import TrackedFollicles, track_follicles

FOLLICLES = 20


def read_sweep(*, frames: int, noise_db: float) -> TrackedFollicles:
    """An ovary of twenty follicles passed in some frames, at some electronic noise."""
    rng = np.random.default_rng(31)
    ovary = varied_ovary(rng, follicle_count=FOLLICLES)
    probe = ProbeSettings(depth_mm=60.0, frequency_mhz=7.0, noise_db=noise_db)
    drawn = draw_sweep(ovary, probe, plane=Plane(depth_mm=30.0), frames=frames, rng=rng)
    mm = drawn.sections[0].mm_per_pixel
    scale = MmPerPixel(x=mm, y=mm, source=ScaleSource.DICOM_REGIONS)

    def pictures() -> Iterator[UltrasoundFrame]:
        for index, section in enumerate(drawn.sections):
            yield UltrasoundFrame(
                source="phantom", index=index, pixels=section.pixels, mm_per_pixel=scale
            )

    found = list(analyse_sweep(pictures(), load_release(threads=1)))
    return track_follicles(found, slice_spacing_mm=None)


@pytest.mark.slow
def test_a_sweep_passed_too_fast_gets_no_count_and_the_reason() -> None:
    read = read_sweep(frames=10, noise_db=-30.0)
    assert read.count is None
    assert read.estimate is None
    assert any(reason.startswith("too fast") for reason in read.not_counted_because)


@pytest.mark.slow
def test_a_sweep_drowned_in_noise_gets_no_count_and_a_reason() -> None:
    read = read_sweep(frames=26, noise_db=12.0)
    assert read.count is None
    assert read.estimate is None
    assert read.not_counted_because


@pytest.mark.slow
def test_a_slow_and_clean_sweep_of_the_same_ovary_is_not_called_fast() -> None:
    read = read_sweep(frames=48, noise_db=-30.0)
    assert read.step_mm == pytest.approx(0.6, rel=0.3)
    assert not any(reason.startswith("too fast") for reason in read.not_counted_because)
