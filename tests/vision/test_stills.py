import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deeppcos.errors import InvalidInput
from deeppcos.vision.stills import open_still, read_still

Rgb = npt.NDArray[np.uint8]


@pytest.fixture
def rgb() -> Rgb:
    rows, columns = np.mgrid[0:30, 0:40]
    return np.stack([rows * 8, columns * 6, rows + columns], axis=-1).astype(np.uint8)


def saved(folder: Path, picture: Image.Image, name: str, **options: Any) -> Path:
    path = folder / name
    picture.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.tif", {}),
        ("b.tif", {"compression": "tiff_lzw"}),
        ("c.tif", {"compression": "tiff_deflate"}),
    ],
)
def test_lossless_pictures_come_back_as_written(
    tmp_path: Path, rgb: Rgb, name: str, options: dict[str, Any]
) -> None:
    frame = read_still(saved(tmp_path, Image.fromarray(rgb), name, **options))
    np.testing.assert_array_equal(frame.pixels, rgb)
    assert frame.index == 0
    assert frame.time_s is None


def test_a_jpeg_comes_back_nearly_as_written(tmp_path: Path, rgb: Rgb) -> None:
    path = saved(tmp_path, Image.fromarray(rgb), "a.jpg", quality=95, subsampling=0)
    difference = np.abs(read_still(path).pixels.astype(int) - rgb)
    assert difference.mean() < 2


def test_dots_per_inch_are_no_scale(tmp_path: Path, rgb: Rgb) -> None:
    frame = read_still(saved(tmp_path, Image.fromarray(rgb), "a.png", dpi=(96, 96)))
    assert frame.mm_per_pixel is None
    assert "states no pixel size" in frame.scale_problem


def test_the_content_decides_and_not_the_name(tmp_path: Path, rgb: Rgb) -> None:
    path = saved(tmp_path, Image.fromarray(rgb), "really_a_png.jpg", format="PNG")
    np.testing.assert_array_equal(read_still(path).pixels, rgb)


def test_grey_one_bit_and_palette_pictures_become_rgb(tmp_path: Path, rgb: Rgb) -> None:
    grey = Image.fromarray(rgb[:, :, 0])
    read = read_still(saved(tmp_path, grey, "grey.png")).pixels
    np.testing.assert_array_equal(read, np.repeat(rgb[:, :, :1], 3, axis=2))
    bits = read_still(saved(tmp_path, grey.convert("1"), "bits.png")).pixels
    assert set(np.unique(bits)) == {0, 255}
    palette = Image.fromarray(rgb).quantize(16)
    read = read_still(saved(tmp_path, palette, "palette.png")).pixels
    np.testing.assert_array_equal(read, np.asarray(palette.convert("RGB")))


def test_what_is_transparent_is_shown_over_black(tmp_path: Path, rgb: Rgb) -> None:
    clear = np.dstack([rgb, np.zeros(rgb.shape[:2], np.uint8)])
    clear[:10, :, 3] = 255
    read = read_still(saved(tmp_path, Image.fromarray(clear), "alpha.png")).pixels
    np.testing.assert_array_equal(read[:10], rgb[:10])
    assert not read[10:].any()


def test_cmyk_is_shown_as_rgb(tmp_path: Path) -> None:
    white_then_red = np.zeros((8, 8, 4), np.uint8)
    white_then_red[4:, :, 1:3] = 255
    picture = Image.fromarray(white_then_red, mode="CMYK")
    read = read_still(saved(tmp_path, picture, "cmyk.tif")).pixels
    assert read[0, 0].tolist() == [255, 255, 255]
    assert read[7, 7].tolist() == [255, 0, 0]


def test_a_turned_picture_is_shown_upright(tmp_path: Path, rgb: Rgb) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    path = saved(tmp_path, Image.fromarray(rgb), "turned.png", exif=exif)
    np.testing.assert_array_equal(read_still(path).pixels, np.rot90(rgb, -1))


def test_sixteen_bit_levels_are_stretched_from_smallest_to_largest(tmp_path: Path) -> None:
    deep = np.array([[100, 1100], [2100, 4100]], dtype=np.uint16)
    read = read_still(saved(tmp_path, Image.fromarray(deep), "deep.png")).pixels
    assert read[:, :, 0].tolist() == [[0, 64], [128, 255]]


def test_sixteen_bit_levels_that_fit_eight_bits_stay_as_they_are(tmp_path: Path) -> None:
    shallow = np.array([[7, 90], [200, 255]], dtype=np.uint16)
    read = read_still(saved(tmp_path, Image.fromarray(shallow), "shallow.tif")).pixels
    assert read[:, :, 1].tolist() == shallow.tolist()


def test_floats_from_zero_to_one_span_black_to_white(tmp_path: Path) -> None:
    unit = np.array([[0.0, 0.25], [0.5, np.nan]], dtype=np.float32)
    read = read_still(saved(tmp_path, Image.fromarray(unit), "float.tif")).pixels
    assert read[:, :, 2].tolist() == [[0, 64], [128, 0]]


def test_pages_share_one_window_and_come_in_order(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((5, 6), level, np.uint16)) for level in (0, 1000, 4000)]
    path = saved(tmp_path, pages[0], "p.tif", save_all=True, append_images=pages[1:])
    still = open_still(path)
    assert still.page_count == 3
    assert [(f.index, int(f.pixels[0, 0, 0])) for f in still.frames()] == [
        (0, 0),
        (1, 64),
        (2, 255),
    ]
    assert len(list(still.frames())) == 3  # may be read again
    with pytest.raises(InvalidInput, match=r"p\.tif: has 3 pages"):
        read_still(path)


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header states a size its data does not have."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height"), [(40_000, 10), (10, 16_385), (8_000, 8_000), (60_000, 60_000)]
)
def test_large_pictures_and_bombs_are_refused_by_their_header(
    tmp_path: Path, width: int, height: int
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of_size(width, height))
    with pytest.raises(InvalidInput, match=r"bomb\.png: the picture is too large.*export it"):
        open_still(path)


def test_the_largest_accepted_side_is_accepted(tmp_path: Path) -> None:
    wide = saved(tmp_path, Image.new("L", (16_384, 2), 9), "wide.png")
    assert read_still(wide).width == 16_384


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty (0 bytes)"),
        (b"\x89PNG\r\n\x1a\n", "is not a picture or its header is damaged"),
        (b"just some text", "is not a picture or its header is damaged"),
        (b"GIF89a" + bytes(100), "is not a picture or its header is damaged"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refusal:
        read_still(path)
    assert str(refusal.value).startswith(f"{path}: {problem}")
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none\.png: cannot be opened"):
        read_still(tmp_path / "none.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_a_cut_picture_is_refused_quietly(
    tmp_path: Path, rgb: Rgb, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    noisy = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    options = {"compression": "tiff_lzw"} if name.endswith("tif") else {}
    path = saved(tmp_path, Image.fromarray(noisy), name, **options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InvalidInput, match=name):
        read_still(path)
    assert capfd.readouterr() == ("", "")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF"]),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8),
    kept=st.floats(0.05, 1),
)
def test_damaged_pictures_are_read_or_refused_and_nothing_else(
    tmp_path: Path, kind: str, flips: list[tuple[float, int]], kept: float
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(1200, dtype=np.uint8).reshape(20, 20, 3)).save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for place, value in flips:
        content[int(place * len(content))] = value
    path = tmp_path / "fuzz"
    path.write_bytes(content[: max(1, int(kept * len(content)))])
    try:
        for frame in open_still(path).frames():
            assert frame.pixels.dtype == np.uint8
    except InvalidInput as refusal:
        named = str(path) in str(refusal)
    else:
        named = True
    assert named
