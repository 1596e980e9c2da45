"""What must be said of files that are acknowledged: they are on the disk, and they are these bytes.

Owns waiting for the disk and hashing a file. What is written, and in which order, is the business
of whoever writes it.
"""

import hashlib
import os
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def force_file_to_disk(path: Path) -> None:
    """Return when the content of a file is on the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def force_folder_to_disk(folder: Path) -> None:
    """Return when the names in a folder are on the disk."""
    if os.name == "nt":  # Windows has no such call; its journal keeps names
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
