import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput
from deeppcos.vision.frame import ScaleSource
from deeppcos.vision.volumes import open_volume

sitk: Any = SimpleITK
SPACING = (0.3, 0.4, 0.8)
Levels = npt.NDArray[Any]


@pytest.fixture
def levels() -> Levels:
    return np.random.default_rng(3).integers(0, 256, (5, 12, 16)).astype(np.uint8)


def written(path: Path, levels: Levels, *, compressed: bool = False, vector: bool = False) -> Path:
    image = sitk.GetImageFromArray(levels, isVector=vector)
    if image.GetDimension() == 3:
        image.SetSpacing(SPACING)
    sitk.WriteImage(image, str(path), compressed)
    return path


@pytest.mark.parametrize("name", ["v.nii", "v.nii.gz", "v.mha", "v.mhd", "v.nrrd"])
@pytest.mark.parametrize("compressed", [False, True])
def test_slices_and_spacing_come_back_as_written(
    tmp_path: Path, levels: Levels, name: str, compressed: bool
) -> None:
    volume = open_volume(written(tmp_path / name, levels, compressed=compressed))
    frames = list(volume.frames())
    assert volume.frame_count == len(frames) == 5
    assert volume.slice_spacing_mm == pytest.approx(0.8)
    for index, frame in enumerate(frames):
        assert frame.index == index
        assert frame.mm_per_pixel is not None
        assert (frame.mm_per_pixel.x, frame.mm_per_pixel.y) == pytest.approx((0.3, 0.4))
        assert frame.mm_per_pixel.source is ScaleSource.VOLUME_SPACING
        np.testing.assert_array_equal(frame.pixels[:, :, 1], levels[index])


def test_deep_levels_share_one_window_over_the_volume(tmp_path: Path) -> None:
    deep = np.stack([np.full((4, 4), level, np.int16) for level in (-1000, 0, 1000)])
    volume = open_volume(written(tmp_path / "deep.nrrd", deep))
    assert [int(frame.pixels[0, 0, 0]) for frame in volume.frames()] == [0, 128, 255]


def test_a_label_map_keeps_its_labels(tmp_path: Path) -> None:
    labels = np.zeros((2, 4, 4), np.int32)
    labels[1, 2, 2] = 17
    frames = list(open_volume(written(tmp_path / "labels.mha", labels)).frames())
    assert frames[1].pixels[2, 2].tolist() == [17, 17, 17]


def without_lines(path: Path, *starts: bytes) -> Path:
    """Take fields out of a text header."""
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(line for line in lines if not line.startswith(starts)))
    return path


def test_nifti_without_a_unit_of_length_has_no_scale(tmp_path: Path, levels: Levels) -> None:
    path = written(tmp_path / "v.nii", levels)
    content = bytearray(path.read_bytes())
    assert content[123] & 7 == 2  # millimetres
    content[123] &= 0xF8
    path.write_bytes(content)
    volume = open_volume(path)
    assert volume.mm_per_pixel is None
    assert volume.slice_spacing_mm is None
    assert next(volume.frames()).scale_problem == "the NIfTI header names no unit of length"


def test_nifti_in_metres_is_converted(tmp_path: Path, levels: Levels) -> None:
    path = written(tmp_path / "v.nii", levels)
    content = bytearray(path.read_bytes())
    content[123] = content[123] & 0xF8 | 1
    for place in (80, 84, 88):  # pixdim[1..3]
        (step,) = struct.unpack_from("<f", content, place)
        struct.pack_into("<f", content, place, step / 1000)
    struct.pack_into("<hh", content, 252, 0, 0)  # no qform or sform: pixdim alone counts
    path.write_bytes(content)
    volume = open_volume(path)
    assert volume.mm_per_pixel is not None
    assert volume.mm_per_pixel.x == pytest.approx(0.3)
    assert volume.slice_spacing_mm == pytest.approx(0.8)


def test_metaimage_without_spacing_has_no_scale(tmp_path: Path, levels: Levels) -> None:
    path = without_lines(written(tmp_path / "v.mha", levels), b"ElementSpacing", b"ElementSize")
    volume = open_volume(path)
    assert volume.mm_per_pixel is None
    assert volume.scale_problem == "the MetaImage header states no ElementSpacing"
    assert volume.frame_count == 5


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("", "states no spacing"),
        ("spacings: 0.3 0.4 0.8\n", "without unit or patient space"),
        ('spacings: 0.3 0.4 0.8\nunits: "cm" "cm" "cm"\n', "is in cm cm cm, not mm"),
        ('spacings: 0.3 0.4 0.8\nunits: "mm" "mm" "mm"\n', ""),
    ],
)
def test_nrrd_spacing_counts_only_in_millimetres(tmp_path: Path, header: str, problem: str) -> None:
    path = tmp_path / "v.nrrd"
    text = f"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 3 2\n{header}encoding: raw\n\n"
    path.write_bytes(text.encode() + bytes(range(24)))
    volume = open_volume(path)
    assert problem in volume.scale_problem
    assert (volume.mm_per_pixel is None) == bool(problem)
    assert [frame.pixels.shape for frame in volume.frames()] == [(3, 4, 3)] * 2


def test_an_implausible_spacing_is_no_scale(tmp_path: Path, levels: Levels) -> None:
    image = sitk.GetImageFromArray(levels)
    image.SetSpacing((30.0, 30.0, 30.0))
    path = tmp_path / "far.mha"
    sitk.WriteImage(image, str(path))
    assert "implausible pixel size along x" in open_volume(path).scale_problem


@pytest.mark.parametrize(
    ("shape", "vector"), [((2, 5, 12, 16), False), ((5, 12, 16, 3), True), ((12, 16), False)]
)
def test_what_is_not_one_scalar_volume_is_refused(
    tmp_path: Path, shape: tuple[int, ...], vector: bool
) -> None:
    path = written(tmp_path / "v.nrrd", np.zeros(shape, np.uint8), vector=vector)
    with pytest.raises(InvalidInput, match="is not one scalar volume"):
        open_volume(path)


def test_a_header_that_names_voxels_elsewhere_is_refused(tmp_path: Path, levels: Levels) -> None:
    path = written(tmp_path / "v.mhd", levels)
    (tmp_path / "inner").mkdir()
    stolen = tmp_path / "inner" / "v.mhd"
    stolen.write_bytes(path.read_bytes().replace(b"= v.raw", b"= ../v.raw"))
    with pytest.raises(InvalidInput, match=r"its voxels are in other files; got \.\./v\.raw"):
        open_volume(stolen)
    detached = tmp_path / "v.nhdr"
    detached.write_text(
        "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 16 12 5\nencoding: raw\n"
        "data file: /etc/hostname\n\n"
    )
    with pytest.raises(InvalidInput, match="its voxels are in other files"):
        open_volume(detached)


@pytest.mark.parametrize("name", ["v.nii", "v.nii.gz", "v.mha", "v.nrrd"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.98])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_cut_volume_is_refused_quietly(
    tmp_path: Path,
    levels: Levels,
    name: str,
    kept: float,
    compressed: bool,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = written(tmp_path / name, np.tile(levels, (1, 4, 4)), compressed=compressed)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(InvalidInput, match=name):
        list(open_volume(path).frames())
    assert capfd.readouterr() == ("", "")


def test_nifti_under_another_name_is_refused_with_the_remedy(
    tmp_path: Path, levels: Levels
) -> None:
    path = written(tmp_path / "v.nii", levels).rename(tmp_path / "v.vol")
    with pytest.raises(InvalidInput, match=r"is NIfTI under another name.*rename the file"):
        open_volume(path)


def test_a_header_that_promises_the_earth_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.nrrd"
    head = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4000 4000 4000\nencoding: raw\n\n"
    path.write_bytes(head.encode() + bytes(100))
    with pytest.raises(InvalidInput, match="the volume is too large"):
        open_volume(path)
    path.write_bytes(head.replace("4000 4000 4000", "1000 1000 100").encode() + bytes(100))
    with pytest.raises(InvalidInput, match="the volume is truncated"):
        open_volume(path)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["v.nii", "v.nii.gz", "v.mha", "v.nrrd"]),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
    kept=st.floats(0.05, 1),
)
def test_damaged_volumes_are_read_or_refused_and_nothing_else(
    tmp_path: Path, name: str, flips: list[tuple[float, int]], kept: float
) -> None:
    plain = tmp_path / "whole" / name.removesuffix(".gz")
    plain.parent.mkdir(exist_ok=True)
    if not plain.exists():
        written(plain, np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    content = bytearray(plain.read_bytes())
    for place, value in flips:
        content[int(place * len(content))] = value
    damaged = bytes(content[: max(1, int(kept * len(content)))])
    path = tmp_path / name
    path.write_bytes(gzip.compress(damaged) if name.endswith(".gz") else damaged)
    try:
        for frame in open_volume(path).frames():
            assert frame.pixels.dtype == np.uint8
    except InvalidInput as refusal:
        named = str(path) in str(refusal)
    else:
        named = True
    assert named
