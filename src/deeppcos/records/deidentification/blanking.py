"""What is blanked in the frames of a file, and the check that nothing readable is left.

Owns the mask: everything outside the scan regions, and every text inside them or, where a file
declares no regions, anywhere. One mask holds for all frames of a file: a text that is found in
any frame is blanked in all. Numbers with a unit, such as a caliper's read-out, and the one or two
digits of a depth ruler stay: they measure and name nobody.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification.text_finding import (
    CHECKS,
    FoundText,
    Look,
    Picture,
    TextFinder,
)
from deeppcos.vision.frame import PixelBox

Mask = npt.NDArray[np.bool_]

FRAMES_A_GROUP = 8
"""The second look sees the brightest and the darkest of so many frames in one picture each."""

MARGIN, ALONG = 0.35, 2.0
"""Blanked around a text and along its line, in heights of a letter: letters reach out of the
boxes found, and of a faint name often only a part is found."""

ROUNDS = 3
"""Second looks that may still find something, before the file is refused."""

SURE = 0.8
"""Confidence from which a read number is believed to be one."""

READABLE, SHORT_READABLE = 0.4, 0.65
"""Confidence from which letters count as text: of four or more, and of two or three. Speckle and
the ticks of a ruler are found as single letters, or as short words of less confidence."""

LINE_ASPECT, LINE_HEIGHT = 2.2, 0.15
"""An unreadable box this much longer than high, and no higher than this part of the picture, is
taken for a line of text in letters the engine does not know."""

TALL = 0.25
"""Boxes higher than this part of the picture are tissue, unless read with great confidence."""

MOST_BLANKED = 0.5
"""Part of the scan area that texts may take, before the file is refused: nothing is left of it."""

_UNIT = r"(?:mm|cm|ml|cm3|cm2|mhz|khz|hz|db|%|fps|s|ms|mm/s|cm/s|m/s|bpm)"
_HARMLESS = re.compile(
    rf"(?:[1-9]?\s*[DLAV+x]?[1-9]?[\s.:=]*)?\d{{1,3}}[.,]\d{{1,2}}\s*{_UNIT}"
    rf"|\d{{1,3}}\s*{_UNIT}|-?\d{{1,2}}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blanking:
    """What was blanked in one file.

    Attributes:
        mask: ``(H, W) bool``, true where every frame is blanked.
        texts: Number of texts found and blanked.
        outside_regions: Share of the picture that lies outside the scan regions, 0 to 1.
    """

    mask: Mask
    texts: int
    outside_regions: float


def is_harmless(text: str, *, confidence: float) -> bool:
    """Whether a text is surely a measurement or a mark of a ruler.

    Examples:
        >>> [is_harmless(text, confidence=0.95) for text in ("1 D 3.29cm", "12", "12.05.1985")]
        [True, True, False]
        >>> is_harmless("3.29cm", confidence=0.5)
        False
    """
    return confidence >= SURE and _HARMLESS.fullmatch(text.strip()) is not None


def names_somebody(found: FoundText, *, picture_height: int) -> bool:
    """Whether something found has to be blanked: it is text, and not surely a measurement.

    Args:
        found: What the engine gave.
        picture_height: Pixels.
    """
    if is_harmless(found.text, confidence=found.confidence):
        return False
    letters = sum(character.isalnum() for character in found.text)
    box = found.box
    if box.height > TALL * picture_height:
        return letters >= 4 and found.confidence >= SURE
    if letters >= 4:
        is_read = found.confidence >= READABLE
    else:
        is_read = letters >= 2 and found.confidence >= SHORT_READABLE
    return is_read or (
        found.confidence < SHORT_READABLE
        and box.width >= LINE_ASPECT * box.height
        and box.height <= LINE_HEIGHT * picture_height
    )


def blanking_of(
    frames: Callable[[], Iterator[Picture]],
    *,
    regions: Sequence[PixelBox],
    find: TextFinder | None,
    source: str,
) -> Blanking:
    """Find what has to be blanked, and check it with a second look.

    Args:
        frames: The frames as shown, ``(H, W, 3) uint8``; called several times.
        regions: The scan regions the file declares; none when it declares none.
        find: Finds text; None where no engine may be used, then only the outside is blanked.
        source: The file, as the user named it.

    Returns:
        The mask.

    Raises:
        InvalidInput: If there is neither a region nor an engine, or text is still found after
            it was blanked.
    """
    if not regions and find is None:
        raise InvalidInput(
            f"{source}: nobody knows where this layout shows names",
            value="no ultrasound regions in its header, and no OCR engine",
            accepted="declared regions, or the OCR engine",
            remedy="install it with: pip install 'deeppcos[deidentify]'",
        )
    mask = _outside(regions, next(frames()).shape)
    outside = float(mask.mean()) if regions else 0.0
    if find is None:
        return Blanking(mask=mask, texts=0, outside_regions=outside)
    texts = 0
    for frame in frames():
        texts += _blank_texts(find(_blanked(frame, mask), Look.FIRST), mask)
    for _ in range(ROUNDS):
        again = sum(
            _blank_texts(find(_blanked(view, mask), look), mask)
            for view in _grouped(frames())
            for look in CHECKS
        )
        texts += again
        _refuse_if_nothing_is_left(mask, outside, source)
        if not again:
            return Blanking(mask=mask, texts=texts, outside_regions=outside)
    raise InvalidInput(
        f"{source}: text is still found after {ROUNDS} rounds of blanking",
        value=f"{texts} texts",
        accepted="a picture in which the second look finds nothing",
        remedy="look at the picture; export it again without the text",
    )


def _refuse_if_nothing_is_left(mask: Mask, outside: float, source: str) -> None:
    inside = 1.0 - outside
    taken = (float(mask.mean()) - outside) / inside if inside else 1.0
    if taken > MOST_BLANKED:
        raise InvalidInput(
            f"{source}: texts take most of the picture",
            value=f"{taken:.0%} of the scan area",
            accepted=f"up to {MOST_BLANKED:.0%}",
            remedy="look at the picture; export it again without the text",
        )


def _outside(regions: Sequence[PixelBox], shape: tuple[int, ...]) -> Mask:
    if not regions:
        return np.zeros(shape[:2], dtype=np.bool_)
    mask = np.ones(shape[:2], dtype=np.bool_)
    for box in regions:
        mask[box.y0 : box.y1, box.x0 : box.x1] = False
    return mask


def _blanked(frame: Picture, mask: Mask) -> Picture:
    blanked = frame.copy()
    blanked[mask] = 0
    return blanked


def _blank_texts(found: Iterable[FoundText], mask: Mask) -> int:
    """Add texts to the mask; says how many were new."""
    added = 0
    for one in found:
        if not names_somebody(one, picture_height=mask.shape[0]):
            continue
        place = room_of(one.box)
        if not mask[place].all():
            mask[place] = True
            added += 1
    return added


def room_of(box: PixelBox) -> tuple[slice, slice]:
    """Rows and columns that are blanked for a text in a box."""
    letter = min(box.height, box.width)
    across = max(2, round(MARGIN * letter))
    along = across + round(ALONG * letter)
    beside, above = (along, across) if box.width >= box.height else (across, along)
    return (
        slice(max(0, box.y0 - above), box.y1 + above),
        slice(max(0, box.x0 - beside), box.x1 + beside),
    )


def _grouped(frames: Iterator[Picture]) -> Iterator[Picture]:
    """Each group's brightest and darkest values: a text of one frame stands in one of them."""
    while group := list(islice(frames, FRAMES_A_GROUP)):
        if len(group) == 1:
            yield group[0]
            continue
        yield np.maximum.reduce(group)
        yield np.minimum.reduce(group)
