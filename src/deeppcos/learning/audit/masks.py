"""Whether every picture has its outline, of its own size, with something in it.

Owns reading mask files. What an outline means is not known here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deeppcos.errors import DeepPCOSError
from deeppcos.learning.audit.findings import Refused
from deeppcos.learning.audit.looking_at_pictures import PictureFacts, decode
from deeppcos.learning.audit.picture_set import Picture
from deeppcos.learning.audit.threads import each


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFacts:
    """What is wrong with the masks.

    Attributes:
        checked: Masks that were read.
        missing: Pictures without one.
        wrong_size: Pictures whose mask has another size.
        empty: Pictures whose mask is one single colour.
        refused: Masks that cannot be read.
    """

    checked: int
    missing: tuple[int, ...]
    wrong_size: tuple[int, ...]
    empty: tuple[int, ...]
    refused: tuple[Refused, ...]


def check_masks(
    pictures: Sequence[Picture], facts: Mapping[int, PictureFacts], *, threads: int
) -> MaskFacts:
    """Read every mask once.

    Args:
        pictures: All pictures.
        facts: Facts by picture number.
        threads: Masks read at a time.
    """
    with_mask = [n for n in facts if pictures[n].mask]

    def work(place: int) -> tuple[bool, bool] | Refused:
        number = with_mask[place]
        return _look(pictures[number], facts[number])

    seen = {with_mask[place]: found for place, found in each(work, len(with_mask), threads=threads)}
    read = {n: found for n, found in sorted(seen.items()) if not isinstance(found, Refused)}
    return MaskFacts(
        checked=len(read),
        missing=tuple(n for n in facts if not pictures[n].mask),
        wrong_size=tuple(n for n, (is_wrong_size, _) in read.items() if is_wrong_size),
        empty=tuple(n for n, (_, is_empty) in read.items() if is_empty),
        refused=tuple(found for _, found in sorted(seen.items()) if isinstance(found, Refused)),
    )


def _look(picture: Picture, facts: PictureFacts) -> tuple[bool, bool] | Refused:
    """Whether the mask has another size, and whether it is empty."""
    mask = picture.mask
    if mask is None:
        raise ValueError("only pictures with a mask are looked at")
    try:
        pixels, _ = decode(mask.read_bytes(), name=mask.name, ending=mask.suffix.casefold())
    except DeepPCOSError as problem:
        return Refused(name=f"{picture.name} (mask)", reason=str(problem))
    except OSError as problem:
        return Refused(name=f"{picture.name} (mask)", reason=problem.strerror or str(problem))
    is_wrong_size = pixels.shape[:2] != (facts.height, facts.width)
    return is_wrong_size, bool(np.ptp(pixels) == 0)
