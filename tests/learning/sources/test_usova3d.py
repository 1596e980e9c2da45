"""USOVA3D volumes: written as legacy VTK by the tests, cut into sections."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK

from deeppcos.errors import InvalidInput
from deeppcos.learning.sources.ledger import Ledger
from deeppcos.learning.sources.usova3d import (
    is_usova3d,
    read_rated_volume,
    read_usova3d,
    sections_of,
)

sitk: Any = SimpleITK
SHAPE = (20, 40, 50)


def write(path: Path, voxels: npt.NDArray[np.uint8], spacing: tuple[float, float, float]) -> None:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))


def ball(z: int, y: int, x: int, radius: int) -> npt.NDArray[np.bool_]:
    at = np.indices(SHAPE).astype(float)
    return np.asarray((at[0] - z) ** 2 + (at[1] - y) ** 2 + (at[2] - x) ** 2 <= radius**2)


def volume(
    folder: Path, name: str = "vol1", *, spacing: tuple[float, float, float] = (0.5, 0.5, 0.6)
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(2)
    write(folder / f"{name}.vtk", rng.integers(0, 255, SHAPE).astype(np.uint8), spacing)
    ovary = ball(10, 20, 25, 12)
    follicles = ball(10, 20, 18, 5).astype(np.uint8) + 2 * ball(10, 20, 32, 5).astype(np.uint8)
    write(folder / f"{name}_o_r1.vtk", ovary.astype(np.uint8) * 255, spacing)
    write(folder / f"{name}_o_r2.vtk", np.roll(ovary, 4, axis=2).astype(np.uint8), spacing)
    write(folder / f"{name}_f_r1.vtk", follicles, spacing)
    write(folder / f"{name}_f_r2.vtk", (follicles > 0).astype(np.uint8) * 255, spacing)
    return folder


def test_a_volume_has_its_spacing_and_both_raters(tmp_path: Path) -> None:
    rated = read_rated_volume(volume(tmp_path) / "vol1.vtk")
    assert rated.grey.shape == SHAPE
    assert rated.spacing_mm == pytest.approx((0.6, 0.5, 0.5))
    assert set(rated.ovary) == set(rated.follicles) == {"r1", "r2"}
    # Painted follicles of the second rater are numbered by piece.
    assert [int(f.max()) for f in rated.follicles.values()] == [2, 2]
    for number in (1, 2):
        assert (rated.follicles["r1"] == number).sum() == ball(10, 20, 18, 5).sum()


def test_sections_belong_to_their_volume_and_carry_both_readings(tmp_path: Path) -> None:
    folder = volume(tmp_path)
    assert is_usova3d(folder)
    samples = read_usova3d(folder)
    assert len(samples) == 20
    assert {s.group for s in samples} == {"usova3d/vol1"}
    middle = samples[10]
    assert middle.name == "usova3d/vol1/10"
    assert [len(middle.readings[r]) for r in ("r1", "r2")] == [2, 2]
    assert middle.ovary is not None
    both = ball(10, 20, 25, 12)[10] & np.roll(ball(10, 20, 25, 12), 4, axis=2)[10]
    assert np.array_equal(middle.ovary, both)
    assert middle.lesion is None


def test_fewer_sections_are_spread_over_the_whole_volume(tmp_path: Path) -> None:
    rated = read_rated_volume(volume(tmp_path) / "vol1.vtk")
    names = [s.name for s in sections_of(rated, count=3)]
    assert names == ["usova3d/vol1/0", "usova3d/vol1/10", "usova3d/vol1/19"]


def test_sections_are_shown_with_square_pixels(tmp_path: Path) -> None:
    folder = volume(tmp_path, spacing=(0.5, 1.0, 0.6))
    middle = read_usova3d(folder)[10]
    assert middle.grey.shape == (80, 50)
    assert middle.ovary is not None
    assert middle.ovary.shape == (80, 50)
    height = np.ptp(middle.readings["r1"][0].polygon[:, 1])
    width = np.ptp(middle.readings["r1"][0].polygon[:, 0])
    assert height == pytest.approx(2 * width, abs=2)


def test_unrated_volumes_are_counted_and_damaged_ones_named(tmp_path: Path) -> None:
    folder = volume(tmp_path)
    write(folder / "vol7.vtk", np.zeros(SHAPE, np.uint8), (0.5, 0.5, 0.5))
    volume(folder, "vol2")
    whole = (folder / "vol2.vtk").read_bytes()
    (folder / "vol2.vtk").write_bytes(whole[: len(whole) // 2])
    volume(folder, "vol3")
    write(folder / "vol3_f_r1.vtk", np.zeros((4, 4, 4), np.uint8), (0.5, 0.5, 0.5))
    ledger = Ledger()
    assert {s.group for s in read_usova3d(folder, ledger)} == {"usova3d/vol1"}
    assert [item.item for item in ledger.skipped] == ["vol2", "vol3"]
    assert "of another size than its volume" in ledger.skipped[1].reason
    assert ledger.remarks == ["usova3d: 1 volumes without ratings are left out"]


def test_a_set_without_ratings_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "vol7.vtk", np.zeros(SHAPE, np.uint8), (0.5, 0.5, 0.5))
    with pytest.raises(InvalidInput, match="no rated volume"):
        read_usova3d(tmp_path, Ledger())
