"""Refuse files that must not enter the history: DICOM, private keys, big files.

Owns one check, used by pre-commit on the files of a commit and by ``.ci/run`` on all of them.
A DICOM file may hold a patient; the tests write their own into temporary folders, and the few
that are kept are synthetic and live under ``tests/data``.
"""

import re
import sys
from pathlib import Path

LARGEST_FILE_BYTES = 1 << 20
LARGEST_RELEASE_BYTES = 48 << 20
RELEASES = ("src", "deeppcos")
RELEASE_SUFFIXES = {".onnx"}
SYNTHETIC_DICOM = ("tests", "data")
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def largest_bytes(path: Path) -> int:
    """Largest size accepted for a file at this path."""
    if path.parts[:2] == RELEASES and path.suffix in RELEASE_SUFFIXES:
        return LARGEST_RELEASE_BYTES
    return LARGEST_FILE_BYTES


def problems(path: Path) -> list[str]:
    """What speaks against keeping this file, one sentence each."""
    content = path.read_bytes()
    found = []
    if len(content) > largest_bytes(path):
        found.append(f"{len(content)} bytes; accepted: {largest_bytes(path)}; keep it elsewhere")
    if content[128:132] == b"DICM" and path.parts[:2] != SYNTHETIC_DICOM:
        found.append("a DICOM file; it may hold a patient; only synthetic ones, under tests/data")
    if PRIVATE_KEY.search(content):
        found.append("holds a private key; remove it and replace the key")
    return found


def main(names: list[str]) -> int:
    """Print every problem of the named files; 1 if there is any."""
    paths = [Path(name) for name in names]
    lines = [f"{path}: {text}" for path in paths if path.is_file() for text in problems(path)]
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
