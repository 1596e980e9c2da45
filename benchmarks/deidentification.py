"""How much burned-in text stays: names drawn on synthetic tissue; what is blanked for nothing.

    python -m benchmarks.deidentification --pictures 60 --json deidentification.json

Each picture is a phantom section (speckle, a dark fan corner, a depth ruler) with six texts, each
of a drawn size, contrast, place, script and kind. No scan regions are declared: the hardest case,
since every text has to be found by reading. A text counts as left when more than a tenth of its
ink still stands. Beside it: what the first look alone would have left, pictures refused, and what
is blanked on the same sections without any text. With --real FOLDER (pictures and their ovary
masks), the part of the ovary that is blanked on real pictures, by whatever is written on them.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from benchmarks.measuring import add_json_option, keep, load_now
from PIL import Image, ImageDraw, ImageFont

from deeppcos.errors import InvalidInput
from deeppcos.learning.audit.findings import wilson
from deeppcos.learning.phantom import (
    Layout,
    Plane,
    ProbeSettings,
    burn_in,
    draw_section,
    random_ovary,
)
from deeppcos.records.deidentification.blanking import names_somebody, room_of
from deeppcos.records.deidentification.picture import clean_picture
from deeppcos.records.deidentification.text_finding import FoundText, Look, TextFinder, find_text

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

FONTS = Path("/usr/share/fonts/truetype")
SANS = FONTS / "dejavu" / "DejaVuSans.ttf"
FACES = {
    "sans": SANS,
    "narrow": FONTS / "liberation" / "LiberationSansNarrow-Regular.ttf",
    "bold": FONTS / "dejavu" / "DejaVuSans-Bold.ttf",
    "mono": FONTS / "dejavu" / "DejaVuSansMono.ttf",
    "serif": FONTS / "liberation" / "LiberationSerif-Regular.ttf",
}
CJK = FONTS / "droid" / "DroidSansFallbackFull.ttf"

SIZES_PX = (9, 11, 14, 18, 24, 36)
CONTRASTS = (35, 60, 100, 180)
LEFT_INK = 0.1
TEXTS_A_PICTURE = 6

NAMES: dict[str, tuple[Path | None, tuple[str, ...]]] = {
    "Latin capitals": (None, ("DOE, JANE", "SMITH^MARY ANN", "O'BRIEN KATE", "NG LI", "MEYER")),
    "Latin mixed": (None, ("Anna Kowalska", "Jane Doe", "Maria da Silva", "Ida Bø")),
    "accented": (None, ("MÜLLER, ZOË", "Łucja Żądło", "İpek Çağlar", "Ngô Thị Hồng")),
    "Cyrillic": (SANS, ("ИВАНОВА АННА", "Олена Шевченко")),
    "Greek": (SANS, ("ΠΑΠΑΔΟΠΟΥΛΟΥ", "Ελένη Νικολάου")),
    "Arabic": (SANS, ("فاطمة أحمد", "ليلى حسن")),
    "Chinese": (CJK, ("王秀英", "李娜 女")),
    "Japanese": (CJK, ("山田花子", "ヤマダ ハナコ")),
    "number": (None, ("ID 20481632", "1234567", "MRN:00482913")),
    "date": (None, ("12.05.1985", "DOB 1985-05-12", "03/21/1990 14:02", "23-NOV-2025")),
    "place": (None, ("St. Mary Hospital", "Dr. House", "Klinikum Nord")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One text and where its ink is."""

    script: str
    face: str
    size: int
    contrast: int
    ink: Mask


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pictures", type=int, default=60)
    options.add_argument("--plain", type=int, default=16, help="sections without text")
    options.add_argument("--real", type=Path, help="folder with images/ and masks/")
    options.add_argument("--real-pictures", type=int, default=24)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--sample", type=Path, help="write a few pictures before and after here")
    add_json_option(options)
    given = options.parse_args()
    load = load_now()
    with ProcessPoolExecutor(given.workers) as pool:
        figures: dict[str, Any] = {"drawn": _drawn(pool, given.pictures, given.sample)}
        figures["plain"] = _plain(pool, given.plain)
        if given.real:
            figures["real"] = _real(pool, given.real, given.real_pictures)
    keep(figures, given.json, load_before=load)
    print(json.dumps(figures, indent=1))


Row = tuple[Drawn, bool, bool]


def _drawn(pool: ProcessPoolExecutor, pictures: int, sample: Path | None) -> dict[str, Any]:
    """Texts left after both looks, after the first, and pictures refused."""
    answers = list(pool.map(_one_drawn, range(pictures), [sample] * pictures))
    rows = [row for _, found in answers for row in found]
    refused = sum(was_refused for was_refused, _ in answers)
    parts: dict[str, Callable[[Drawn], str]] = {
        "script": lambda text: text.script,
        "size_px": lambda text: str(text.size),
        "contrast": lambda text: str(text.contrast),
        "face": lambda text: text.face,
    }
    return {
        "pictures": pictures,
        "refused": refused,
        "left": _share([left for _, left, _ in rows]),
        "left_by_first_look_alone": _share([left for _, _, left in rows]),
        **{
            name: {
                value: _share([left for text, left, _ in rows if part(text) == value])
                for value in sorted({part(text) for text, _, _ in rows})
            }
            for name, part in parts.items()
        },
        "left_of_14_px_and_contrast_60": _share(
            [left for text, left, _ in rows if text.size >= 14 and text.contrast >= 60]
        ),
    }


def _one_drawn(number: int, sample: Path | None) -> tuple[bool, list[Row]]:
    """One picture: whether it was refused, and each text with what was left of it."""
    pixels, texts = _with_texts(_section(number), random.Random(number))
    first = np.zeros(pixels.shape[:2], dtype=np.bool_)
    refused = False
    try:
        mask = clean_picture(pixels, find=_noting_first_look(first)).blanking.mask
    except InvalidInput:
        refused, mask = True, np.ones(pixels.shape[:2], dtype=np.bool_)
    if sample is not None and number < 6:
        _keep_sample(sample, number, pixels, mask)
    return refused, [(text, _is_left(text, mask), _is_left(text, first)) for text in texts]


def _share(outcomes: Sequence[bool]) -> dict[str, Any]:
    return {
        "left": sum(outcomes),
        "n": len(outcomes),
        "interval": _interval(sum(outcomes), len(outcomes)),
    }


def _interval(successes: int, n: int) -> list[float | None]:
    share = wilson(successes, n)
    return [None if end is None else round(end, 4) for end in (share.low, share.high)]


def _is_left(text: Drawn, mask: Mask) -> bool:
    return float((text.ink & ~mask).sum()) > LEFT_INK * float(text.ink.sum())


def _noting_first_look(mask: Mask) -> TextFinder:
    """The engine, which marks in a mask what its first look alone would have blanked."""

    def find(pixels: Picture, look: Look) -> tuple[FoundText, ...]:
        found = find_text(pixels, look)
        if look is Look.FIRST:
            for one in found:
                if names_somebody(one, picture_height=pixels.shape[0]):
                    mask[room_of(one.box)] = True
        return found

    return find


def _section(number: int) -> Picture:
    """A phantom section with a ruler, of a drawn ovary and depth."""
    rng = np.random.default_rng(number)
    ovary = random_ovary(
        rng, follicle_count=int(rng.integers(4, 24)), volume_ml=9.0, layout=Layout.SCATTERED
    )
    probe = ProbeSettings(
        depth_mm=float(rng.uniform(45, 65)), angle_deg=float(rng.uniform(80, 130))
    )
    plane = Plane(lateral_mm=0.0, depth_mm=9.0 + 1.15 * ovary.semi_axes_mm[1], turn_deg=0.0)
    section = draw_section(ovary, probe, plane=plane, rng=rng)
    return np.ascontiguousarray(burn_in(section, ruler_column_px=622, grey_bar=True).section.pixels)


def _with_texts(pixels: Picture, rng: random.Random) -> tuple[Picture, list[Drawn]]:
    """Six texts at places that do not touch."""
    picture, taken = pixels.copy(), np.zeros(pixels.shape[:2], dtype=np.bool_)
    texts: list[Drawn] = []
    while len(texts) < TEXTS_A_PICTURE:
        script = rng.choice(sorted(NAMES))
        own_face, words = NAMES[script]
        face = rng.choice(sorted(FACES)) if own_face is None else "own"
        size, contrast = rng.choice(SIZES_PX), rng.choice(CONTRASTS)
        if own_face == CJK and size < 11:
            continue  # no machine writes ideographs in nine pixels: they cannot be read
        font = ImageFont.truetype(str(own_face or FACES[face]), size)
        ink = _ink(rng.choice(words), font, taken, rng)
        if ink is None:
            continue
        around = cv2.dilate(ink.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
        ground = float(np.median(picture[around])) if around.any() else 0.0
        level = ground + contrast if ground + contrast <= 255 else max(0.0, ground - contrast)
        alpha = (ink / 255.0)[..., None]
        picture = np.clip(picture * (1 - alpha) + level * alpha, 0, 255).astype(np.uint8)
        solid = ink > 127
        taken |= cv2.dilate(solid.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        texts.append(Drawn(script=script, face=face, size=size, contrast=contrast, ink=solid))
    return picture, texts


def _ink(
    words: str, font: ImageFont.FreeTypeFont, taken: Mask, rng: random.Random
) -> npt.NDArray[np.uint8] | None:
    """The ink of some words at a free place, ``(H, W) uint8``; None where none was found."""
    height, width = taken.shape
    left, top, right, bottom = font.getbbox(words)
    wide, high = int(right - left) + 4, int(bottom - top) + 4
    if wide >= width or high >= height:
        return None
    for _ in range(40):
        x, y = rng.randrange(width - wide), rng.randrange(height - high)
        if not taken[y : y + high, x : x + wide].any():
            sheet = Image.new("L", (width, height))
            ImageDraw.Draw(sheet).text((x + 2 - left, y + 2 - top), words, font=font, fill=255)
            return np.asarray(sheet)
    return None


def _blanked_part(number: int) -> float | None:
    """Part of a section without text that is blanked; None where it is refused."""
    try:
        return float(clean_picture(_section(number)).blanking.mask.mean())
    except InvalidInput:
        return None


def _plain(pool: ProcessPoolExecutor, pictures: int) -> dict[str, Any]:
    """What is blanked where nothing is written."""
    parts = list(pool.map(_blanked_part, range(10_000, 10_000 + pictures)))
    blanked = [part for part in parts if part is not None]
    refused = len(parts) - len(blanked)
    touched = sum(part > 0 for part in blanked)
    return {
        "pictures": pictures,
        "refused": refused,
        "touched": touched,
        "touched_interval": _interval(touched, len(blanked)),
        "mean_area": round(float(np.mean(blanked)), 5),
        "most_area": round(max(blanked), 4),
    }


def _real(pool: ProcessPoolExecutor, folder: Path, pictures: int) -> dict[str, Any]:
    """What part of the outlined ovary or mass is blanked on real pictures, which carry text."""
    masks = random.Random(1).sample(sorted((folder / "masks").glob("*.png")), pictures)
    parts = list(pool.map(_blanked_outline, masks))
    known = [part for part in parts if part is not None]
    return {
        "pictures": pictures,
        "refused": len(parts) - len(known),
        "touched": sum(part > 0 for part in known),
        "more_than_5_percent": sum(part > 0.05 for part in known),
        "mean_part": round(float(np.mean(known)), 4),
    }


def _blanked_outline(outline: Path) -> float | None:
    """Part of an outlined structure that is blanked; None where the picture is refused."""
    image = outline.parent.parent / "images" / f"{outline.stem}.webp"
    pixels = np.asarray(Image.open(image).convert("RGB"))
    inside = np.asarray(Image.open(outline).convert("L")) > 0
    try:
        mask = clean_picture(pixels).blanking.mask
    except InvalidInput:
        return None
    return float((mask & inside).sum() / inside.sum())


def _keep_sample(folder: Path, number: int, pixels: Picture, mask: Mask) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    after = pixels.copy()
    after[mask] = 0
    Image.fromarray(np.hstack([pixels, after])).save(folder / f"{number}.png")


if __name__ == "__main__":
    main()
