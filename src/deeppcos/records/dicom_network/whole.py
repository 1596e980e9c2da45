"""Is what the index claims really on the disk?

Owns the comparison of a kept file with the hash it came with, and forcing names and contents to
the disk.
"""

import hashlib
import os
from pathlib import Path

from deeppcos.records.dicom_network.kept import KeptInstance

_BLOCK_BYTES = 1024**2


def is_whole(instance: KeptInstance) -> bool:
    """Whether the file on the disk ends in exactly the data set that came."""
    digest = hashlib.sha256()
    try:
        with instance.path.open("rb") as stream:
            stream.seek(instance.path.stat().st_size - instance.size_bytes)
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
    except (OSError, ValueError):
        return False
    return digest.hexdigest() == instance.sha256


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
