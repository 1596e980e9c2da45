"""The secret of a de-identification: pseudonyms, new UIDs and moved dates are computed from it.

Owns the key, its file, and what is derived from it. The same key gives the same patient the same
pseudonym and the same shift on every machine and in every export; another key gives others that
cannot be linked to these. Whoever holds the key can link exports to patients: it stays with the
hospital and never travels with the data.
"""

import hashlib
import hmac
import json
import os
import secrets
from base64 import b32encode
from dataclasses import dataclass, field
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.records.identifiers import PatientIdentifier

SCHEMA = "deeppcos.deidentification_key/1"
SECRET_BYTES = 32
LEAST_SHIFT_DAYS, MOST_SHIFT_DAYS = 30, 3650
"""Dates move back by at least a month, at most ten years."""

_PSEUDONYM_CHARACTERS = 12  # 60 bits: a billion patients without a clash worth speaking of
_UUID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentificationKey:
    """A secret, never shown.

    Attributes:
        secret: 32 random bytes.

    Examples:
        >>> key = DeidentificationKey(secret=bytes(32))
        >>> key
        DeidentificationKey()
        >>> jane = PatientIdentifier(issuer="H", value="1")
        >>> key.pseudonym(jane) == key.pseudonym(jane) != new_key().pseudonym(jane)
        True
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise InvalidInput(
                "the key of a de-identification has the wrong length",
                value=f"{len(self.secret)} bytes",
                accepted=f"{SECRET_BYTES} bytes",
                remedy="use a key file that deeppcos deidentify wrote",
            )

    def pseudonym(self, patient: PatientIdentifier) -> str:
        """What stands for the patient's name and number: ``P-`` and twelve characters."""
        digest = self._derived("pseudonym", patient.issuer, patient.value)
        return f"P-{b32encode(digest).decode('ascii')[:_PSEUDONYM_CHARACTERS]}"

    def shift_days(self, patient: PatientIdentifier) -> int:
        """By how many days every date of the patient moves; always negative."""
        number = int.from_bytes(self._derived("shift", patient.issuer, patient.value), "big")
        return -(LEAST_SHIFT_DAYS + number % (MOST_SHIFT_DAYS - LEAST_SHIFT_DAYS + 1))

    def uid(self, uid: str) -> str:
        """The UID that stands for another, ``2.25.`` and a number (PS3.5 B.2)."""
        return f"2.25.{int.from_bytes(self._derived('uid', uid)[:_UUID_BYTES], 'big')}"

    def name_of_content(self, sha256: str) -> str:
        """A file name for content that has no identifier, such as a picture without a header."""
        return self._derived("content", sha256).hex()[: 2 * _UUID_BYTES]

    def _derived(self, purpose: str, *parts: str) -> bytes:
        message = "\x1f".join((purpose, *parts)).encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, message, hashlib.sha256).digest()


def new_key() -> DeidentificationKey:
    """A key from the operating system's random source."""
    return DeidentificationKey(secret=secrets.token_bytes(SECRET_BYTES))


def write_key(key: DeidentificationKey, path: Path) -> None:
    """Write a key for its owner's eyes only, on disk when this returns.

    Args:
        key: The key.
        path: A file that does not exist yet.

    Raises:
        InvalidInput: If the file exists: a key that is overwritten cannot be had again.
    """
    content = {"schema": SCHEMA, "secret": key.secret.hex()}
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidInput(
            f"{path}: there is a key already", remedy="use it, or name another file"
        ) from None
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        json.dump(content, stream)
        stream.flush()
        os.fsync(stream.fileno())


def read_key(path: Path) -> DeidentificationKey:
    """Read a key.

    Args:
        path: A file that ``write_key`` wrote.

    Raises:
        InvalidInput: If it holds no key.
    """
    try:
        content = json.loads(path.read_text(encoding="ascii"))
        if content["schema"] == SCHEMA:
            return DeidentificationKey(secret=bytes.fromhex(content["secret"]))
    except (ValueError, KeyError, TypeError):
        pass  # told below, without repeating what the file holds
    raise InvalidInput(
        f"{path}: is no key of a de-identification",
        accepted=f"a file of schema {SCHEMA}",
        remedy="give the key file that deeppcos deidentify wrote",
    )


def key_at(path: Path) -> DeidentificationKey:
    """The key in a file, made and written when there is none.

    Args:
        path: The key file.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_key(new_key(), path)
    return read_key(path)
