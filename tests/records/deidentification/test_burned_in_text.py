"""What is blanked: the outside, every text of every frame, and nothing that only measures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification.blanking import (
    FRAMES_A_GROUP,
    blanking_of,
    is_harmless,
    names_somebody,
)
from deeppcos.records.deidentification.header import disguise_of, patient_of
from deeppcos.records.deidentification.image import clean_image, scan_regions
from deeppcos.records.deidentification.key import DeidentificationKey
from deeppcos.records.deidentification.picture import clean_picture, read_picture, write_png
from deeppcos.records.deidentification.text_finding import (
    FoundText,
    Look,
    find_text,
    is_text_finding_installed,
)
from deeppcos.records.dicom_images import open_dicom_image
from deeppcos.vision.frame import PixelBox

Pixels = npt.NDArray[np.uint8]
needs_engine = pytest.mark.skipif(
    not is_text_finding_installed(),
    reason="rapidocr is not installed (deidentify extra)",
)

WHITE = 255


def finder(*, where: PixelBox, text: str = "Kowalska", confidence: float = 0.9) -> Any:
    """An engine that sees a text while there is white at its place."""

    def find(pixels: Pixels, _: Look) -> tuple[FoundText, ...]:
        there = pixels[where.y0 : where.y1, where.x0 : where.x1]
        if not (there == WHITE).any():
            return ()
        return (FoundText(text=text, confidence=confidence, box=where),)

    return find


def frames_with_text(where: PixelBox, *, in_frames: set[int], of: int) -> list[Pixels]:
    frames = [np.full((60, 80, 3), 90, dtype=np.uint8) for _ in range(of)]
    for index in in_frames:
        frames[index][where.y0 : where.y1, where.x0 : where.x1] = WHITE
    return frames


PLACE = PixelBox(x0=30, y0=30, x1=50, y1=36)


@pytest.mark.parametrize("frame", [0, 5, 13, 19])
def test_a_text_of_a_single_frame_is_blanked_in_all(frame: int) -> None:
    frames = frames_with_text(PLACE, in_frames={frame}, of=20)
    found = blanking_of(lambda: iter(frames), regions=(), find=finder(where=PLACE), source="it")
    assert found.texts == 1
    assert found.mask[PLACE.y0 : PLACE.y1, PLACE.x0 : PLACE.x1].all()


@pytest.mark.parametrize("level", [0, WHITE], ids=["dark", "bright"])
def test_a_text_of_one_frame_that_only_the_second_look_sees_is_blanked(level: int) -> None:
    frames = [np.full((60, 80, 3), 90, dtype=np.uint8) for _ in range(2 * FRAMES_A_GROUP)]
    frames[11][PLACE.y0 : PLACE.y1, PLACE.x0 : PLACE.x1] = level
    seen: list[Look] = []

    def find(pixels: Pixels, look: Look) -> tuple[FoundText, ...]:
        # Blanked places are black, as dark letters are: once seen, it is content.
        if look is Look.FIRST or seen or pixels[PLACE.y0 + 1, PLACE.x0 + 1, 0] != level:
            return ()
        seen.append(look)
        return (FoundText(text="Kowalska", confidence=0.9, box=PLACE),)

    found = blanking_of(lambda: iter(frames), regions=(), find=find, source="it")
    assert seen
    assert found.mask[PLACE.y0 : PLACE.y1, PLACE.x0 : PLACE.x1].all()


def test_a_file_in_which_text_never_ends_is_refused() -> None:
    frame = np.full((400, 400, 3), 90, dtype=np.uint8)
    places = iter(range(0, 380, 12))

    def never_content(_: Pixels, __: Look) -> tuple[FoundText, ...]:
        row = next(places)
        box = PixelBox(x0=10, y0=row, x1=60, y1=row + 8)
        return (FoundText(text="Kowalska", confidence=0.9, box=box),)

    with pytest.raises(InvalidInput, match="still found after 3 rounds"):
        blanking_of(lambda: iter([frame]), regions=(), find=never_content, source="it")


def test_an_unknown_layout_without_an_engine_is_refused() -> None:
    frames = frames_with_text(PLACE, in_frames=set(), of=1)
    with pytest.raises(InvalidInput, match="nobody knows where this layout shows names"):
        blanking_of(lambda: iter(frames), regions=(), find=None, source="it")


def test_everything_outside_the_regions_is_blanked_and_nothing_inside() -> None:
    frames = frames_with_text(PLACE, in_frames=set(), of=1)
    regions = (PixelBox(x0=0, y0=10, x1=40, y1=60), PixelBox(x0=50, y0=10, x1=80, y1=60))
    found = blanking_of(lambda: iter(frames), regions=regions, find=None, source="it")
    assert found.mask[:10].all()
    assert found.mask[:, 40:50].all()
    assert not found.mask[10:, :40].any()
    assert not found.mask[10:, 50:].any()


@pytest.mark.parametrize("text", ["1 D 3.29cm", "2D 1.09 cm", "12", "5", "8.0 MHz", "45dB"])
def test_measurements_and_ruler_marks_stay(text: str) -> None:
    assert is_harmless(text, confidence=0.95)


@pytest.mark.parametrize(
    "text", ["12.05.1985", "1985", "20481632", "Kowalska", "A1", "12.05", "F 40Y", "MRN 7", "123"]
)
def test_dates_numbers_and_words_do_not_stay(text: str) -> None:
    assert not is_harmless(text, confidence=1.0)


@pytest.mark.parametrize(
    ("text", "confidence", "box", "is_blanked"),
    [
        ("Kowalska", 0.5, (60, 12), True),
        ("Ng Li", 0.7, (30, 12), True),
        ("", 0.1, (60, 12), True),
        ("-", 0.9, (9, 7), False),
        ("D", 0.1, (417, 400), False),
        ("3.29cm", 0.95, (50, 12), False),
        ("3.29cm", 0.6, (50, 12), True),
    ],
    ids=["faint", "short", "unreadable-line", "tick", "tissue", "caliper", "unsure-caliper"],
)
def test_faint_and_unreadable_lines_are_blanked_and_ticks_and_tissue_are_not(
    text: str, confidence: float, box: tuple[int, int], is_blanked: bool
) -> None:
    found = FoundText(
        text=text, confidence=confidence, box=PixelBox(x0=0, y0=0, x1=box[0], y1=box[1])
    )
    assert names_somebody(found, picture_height=480) is is_blanked


def cleaned(path: Path, into: Path, find: Any) -> Path:
    header = dcmread(path, stop_before_pixels=True)
    key = DeidentificationKey(secret=bytes(32))
    disguise = disguise_of(header, key=key, patient=patient_of(header, default_issuer=""))
    clean_image(path, into=into, disguise=disguise, find=find, source="it")
    return into


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGLSLossless", "RLELossless"])
def test_a_compressed_image_comes_back_blanked_and_otherwise_equal(
    syntax: str, write_image: Callable[..., Path], tmp_path: Path
) -> None:
    original = write_image()
    packed = transcoded(original, tmp_path / "packed.dcm", syntax)
    written = cleaned(packed, tmp_path / "out.dcm", finder(where=PLACE))
    before = next(open_dicom_image(original).frames()).pixels
    after = next(open_dicom_image(written).frames()).pixels
    assert (after[:10] == 0).all()  # the original's region starts at row 10
    assert np.array_equal(after[10:], before[10:])
    assert dcmread(written).file_meta.TransferSyntaxUID.name == (
        "JPEG 2000 Image Compression (Lossless Only)"
    )


def transcoded(path: Path, into: Path, syntax: str) -> Path:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    changer = gdcm.ImageChangeTransferSyntax()
    changer.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    changer.SetInput(reader.GetImage())
    assert changer.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(into))
    writer.SetFile(reader.GetFile())
    writer.SetImage(changer.GetOutput())
    assert writer.Write()
    return into


def test_every_frame_of_a_cine_is_written_blanked(
    write_image: Callable[..., Path], tmp_path: Path
) -> None:
    pixels = np.random.default_rng(1).integers(1, 200, (9, 60, 80), dtype=np.uint8)
    pixels[7, PLACE.y0 : PLACE.y1, PLACE.x0 : PLACE.x1] = WHITE
    written = cleaned(write_image(pixels=pixels), tmp_path / "out.dcm", finder(where=PLACE))
    frames = [frame.pixels for frame in open_dicom_image(written).frames()]
    assert len(frames) == 9
    assert all((frame[PLACE.y0 : PLACE.y1, PLACE.x0 : PLACE.x1] == 0).all() for frame in frames)
    assert all(
        (frame[45:, :, 0] == whole[45:]).all() for frame, whole in zip(frames, pixels, strict=True)
    )


def test_regions_reach_no_further_than_the_picture(make_image: Callable[..., Any]) -> None:
    image = make_image()
    image.SequenceOfUltrasoundRegions[0].RegionLocationMaxX1 = 5000
    assert scan_regions(image) == (PixelBox(x0=0, y0=10, x1=80, y1=60),)


def test_a_picture_is_written_without_any_metadata(tmp_path: Path) -> None:
    original = tmp_path / "Anna Kowalska.jpg"
    exif = Image.Exif()
    exif[0x010E] = "Anna Kowalska"
    Image.fromarray(np.full((80, 80, 3), 90, dtype=np.uint8)).save(original, exif=exif)
    assert b"Kowalska" in original.read_bytes()
    pixels = read_picture(original, source="it")
    clean = clean_picture(pixels, find=lambda _, __: ())
    write_png(clean.pixels, tmp_path / "out.png")
    content = (tmp_path / "out.png").read_bytes()
    assert b"Kowalska" not in content
    assert {content[i : i + 4] for i in _chunks(content)} == {b"IHDR", b"IDAT", b"IEND"}


def _chunks(content: bytes) -> list[int]:
    """Where the types of a PNG's chunks stand."""
    places, at = [], 8
    while at < len(content):
        places.append(at + 4)
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    return places


@needs_engine
@pytest.mark.slow
def test_the_engine_finds_a_name_a_number_and_a_date_and_leaves_the_rest() -> None:
    rng = np.random.default_rng(2)
    pixels = np.repeat(rng.integers(20, 110, (300, 420, 1), dtype=np.uint8), 3, axis=2)
    sheet = Image.fromarray(pixels)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(18)
    written = [((20, 20), "KOWALSKA, ANNA"), ((200, 120), "ID 20481632"), ((60, 250), "12.05.1985")]
    for place, text in written:
        draw.text(place, text, font=font, fill=(255, 255, 255))
    picture = np.asarray(sheet)
    clean = clean_picture(picture, find=find_text)
    for (x, y), text in written:
        left, top, right, bottom = (int(side) for side in draw.textbbox((x, y), text, font=font))
        assert clean.blanking.mask[top:bottom, left:right].all(), text
    untouched = ~clean.blanking.mask
    assert untouched.mean() > 0.8
    assert np.array_equal(clean.pixels[untouched], picture[untouched])


def test_a_picture_that_is_mostly_text_is_refused_instead_of_written_black() -> None:
    frame = np.full((60, 80, 3), 90, dtype=np.uint8)
    page = [
        FoundText(text="Kowalska", confidence=0.9, box=PixelBox(x0=0, y0=row, x1=80, y1=row + 8))
        for row in range(0, 56, 8)
    ]
    with pytest.raises(InvalidInput, match="most of the picture"):
        blanking_of(
            lambda: iter([frame]),
            regions=(),
            find=lambda pixels, look: tuple(page) if look is Look.FIRST else (),
            source="it",
        )
