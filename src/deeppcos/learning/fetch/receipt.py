"""Where a data set came from: ``deeppcos-source.json``, written when everything else is there.

Owns the document and the memory of checksums: what was brought once is compared when it is brought
again, so that a file that changed at its source is named.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput

RECEIPT_NAME = "deeppcos-source.json"
SCHEMA = "deeppcos.source/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """One file as it was brought.

    Attributes:
        name: File name.
        url: Where it came from, without what follows a question mark; ``local`` for ``--from``.
        size: Bytes.
        sha256: ``sha256:...``.
        checked_against: ``source``, ``catalogue``, ``earlier receipt``, or ``nothing: recorded
            now`` where nobody had stated a checksum.
    """

    name: str
    url: str
    size: int
    sha256: str
    checked_against: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was brought, from where, under what licence.

    Attributes:
        name: Name in the catalogue.
        title: Title at its source.
        source_url: Page of the source.
        licence: Licence as stated when it was brought; empty when none was stated.
        licence_accepted: Whether the user accepted licence and source.
        version: Version as the source names it.
        brought_at: Time, UTC.
        files: Files as they were brought.
        skipped: What the conversion passed over: item and reason.
        notes: What happened on the way.
    """

    name: str
    title: str
    source_url: str
    licence: str
    licence_accepted: bool
    version: str
    brought_at: str
    files: tuple[ReceivedFile, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def now() -> str:
    """Time for a receipt."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_receipt(receipt: Receipt, folder: Path) -> Path:
    """Write the receipt at once.

    Args:
        receipt: The receipt.
        folder: The data set.

    Returns:
        The file.
    """
    path = folder / RECEIPT_NAME
    unfinished = path.with_suffix(".json.part")
    document: dict[str, Any] = {"schema": SCHEMA, **asdict(receipt)}
    unfinished.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    unfinished.replace(path)
    return path


def read_receipt(folder: Path) -> Receipt | None:
    """The receipt of a data set, or None when it was not brought completely.

    Args:
        folder: The data set.

    Returns:
        The receipt.

    Raises:
        InvalidInput: If the file is no receipt.
    """
    path = folder / RECEIPT_NAME
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        files = tuple(ReceivedFile(**file) for file in document.pop("files"))
        skipped = tuple((item, reason) for item, reason in document.pop("skipped"))
        notes = tuple(document.pop("notes"))
        return Receipt(files=files, skipped=skipped, notes=notes, **document)
    except (ValueError, KeyError, TypeError) as problem:
        raise InvalidInput(
            f"{path}: not a receipt of {SCHEMA}",
            remedy="move it away and bring the set again",
        ) from problem
