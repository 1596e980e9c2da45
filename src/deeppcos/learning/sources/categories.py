"""What a category of an export means here: ovary, follicle, lesion, or nothing.

Owns the mapping of names. A name nobody knows is refused rather than left out: were ``folicle``
left out, its picture would be learned from as one without follicles.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from deeppcos.errors import InvalidInput

TARGETS = ("ovary", "follicle", "lesion")
MAPPING_FILE = "categories.json"
_KNOWN = {
    "ovary": "ovary",
    "ovaries": "ovary",
    "follicle": "follicle",
    "follicles": "follicle",
    "antral follicle": "follicle",
    "antral follicles": "follicle",
    "lesion": "lesion",
    "lesions": "lesion",
    "mass": "lesion",
}


def target_of_names(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """What each category of a set means.

    Args:
        folder: The data set; ``categories.json`` in it maps further names to ``ovary``,
            ``follicle``, ``lesion`` or null (left out on purpose).
        names: Categories that occur.

    Returns:
        Name to target, empty for a category that is left out on purpose.

    Raises:
        InvalidInput: If a category is unknown, or the mapping names no target.
    """
    table = folder / MAPPING_FILE
    stated = json.loads(table.read_text(encoding="utf-8")) if table.is_file() else {}
    wrong = sorted(str(v) for v in stated.values() if v is not None and v not in TARGETS)
    if wrong:
        raise InvalidInput(
            f"{table}: no target", value=", ".join(wrong), accepted=", ".join(TARGETS) + " or null"
        )
    meaning = {name: _meaning(name, stated) for name in names}
    unknown = sorted(name for name, target in meaning.items() if target is None)
    if unknown:
        raise InvalidInput(
            f"{folder}: unknown category",
            value=", ".join(unknown),
            accepted=", ".join(sorted(_KNOWN)),
            remedy=f'map it in {MAPPING_FILE}, such as {{"{unknown[0]}": "follicle"}}, or to '
            "null to leave it out",
        )
    return {name: target or "" for name, target in meaning.items()}


def _meaning(name: str, stated: dict[str, str | None]) -> str | None:
    """Target of a name, empty when left out on purpose, None when nobody knows it."""
    if name in stated:
        return stated[name] or ""
    return _KNOWN.get(name.strip().lower().replace("_", " ").replace("-", " "))
