"""Checksums of files: computing them, and comparing them with what somebody stated."""

import hashlib
from pathlib import Path

from deeppcos.errors import InvalidInput

ALGORITHMS = ("sha256", "md5", "sha1", "sha512")


def checksum(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file.

    Args:
        path: The file.
        algorithm: Key of ``ALGORITHMS``.

    Returns:
        ``algorithm:hexadecimal``.
    """
    with path.open("rb") as file:
        # MD5 and SHA-1 tell transmission faults here, never forgery.
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"


def verify(path: Path, stated: str, *, stated_by: str) -> None:
    """Refuse a file that is not the one a checksum was stated for.

    Args:
        path: The file.
        stated: ``algorithm:hexadecimal``; empty when nobody stated one.
        stated_by: Who stated it, for the message.

    Raises:
        InvalidInput: If the algorithm is unknown or the checksum differs.
    """
    if not stated:
        return
    algorithm, _, expected = stated.partition(":")
    if algorithm not in ALGORITHMS or not expected:
        raise InvalidInput(
            f"{path.name}: unknown checksum", value=stated, accepted=", ".join(ALGORITHMS)
        )
    found = checksum(path, algorithm)
    if found.partition(":")[2] != expected.lower():
        raise InvalidInput(
            f"{path.name}: not the file that was announced",
            value=found,
            accepted=f"{stated} (stated by {stated_by})",
            remedy="bring it again; where it stays so, the file changed at its source: compare "
            "it there before it is used",
        )
