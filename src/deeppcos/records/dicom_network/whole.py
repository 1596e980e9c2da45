"""Is what the index claims really on the disk?

Owns the comparison of a kept file with the hash it came with.
"""

import hashlib

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
