"""COCO run lengths: a mask as counts of pixels outside and inside, column after column.

Owns both forms: the plain list of counts, and the packed string, in which each count is written
in digits of five bits and, from the fourth on, as the difference to the one before the last. The
strings come from strangers, so they are unpacked here, where every count is checked.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Mask

_FIRST_LETTER = ord("0")
_MOST_DIGITS = 7
"""Enough for 2**34 pixels; a longer count is none."""


def mask_of_run_lengths(
    segmentation: dict[str, Any], *, height: int, width: int, name: str
) -> Mask:
    """Mask of a run-length segmentation.

    Args:
        segmentation: ``size`` (height, width) and ``counts``, a list or a packed string.
        height: Height of the picture, pixels.
        width: Width of the picture, pixels.
        name: Picture, for the message.

    Returns:
        ``(height, width) bool``.

    Raises:
        InvalidInput: If the size is another one or the counts do not fill it.
    """
    if list(segmentation.get("size", ())) != [height, width]:
        raise InvalidInput(
            f"{name}: run lengths of another size",
            value=str(segmentation.get("size")),
            accepted=f"[{height}, {width}]",
            remedy="export it at the picture's size",
        )
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        counts = _unpacked(counts)
    lengths = np.asarray(counts if isinstance(counts, list) else [], np.int64)
    if (lengths < 0).any() or int(lengths.sum()) != height * width:
        raise InvalidInput(
            f"{name}: run lengths do not fill the picture",
            value=f"{int(lengths.sum())} pixels",
            accepted=f"{height * width} pixels",
            remedy="export it again",
        )
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape((width, height)).T


def run_lengths_of_mask(mask: Mask) -> dict[str, Any]:
    """Run lengths of a mask, in the plain form.

    Args:
        mask: ``(H, W) bool``.

    Returns:
        ``size`` and ``counts``.

    Examples:
        >>> run_lengths_of_mask(np.array([[False, True], [True, True]]))
        {'size': [2, 2], 'counts': [1, 3]}
    """
    column_by_column: npt.NDArray[np.int8] = mask.T.ravel().astype(np.int8)
    edges = np.flatnonzero(np.diff(column_by_column, prepend=np.int8(0)))
    ends = np.concatenate([[0], edges, [mask.size]])
    return {"size": list(mask.shape), "counts": np.diff(ends).astype(int).tolist()}


def _unpacked(text: str) -> list[int]:
    """Counts of a packed string; a string that is none gives counts that do not fill anything."""
    counts: list[int] = []
    value = digits = 0
    for letter in text:
        code = ord(letter) - _FIRST_LETTER
        value |= (code & 0x1F) << (5 * digits)
        digits += 1
        if code & 0x20 and digits < _MOST_DIGITS:
            continue
        if code & 0x10:
            value -= 1 << (5 * digits)
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = digits = 0
    return counts
