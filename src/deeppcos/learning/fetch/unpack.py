"""Unpacking archives of strangers: nothing outside the folder, nothing without end.

Owns the limits. An archive is refused whole when one entry is absolute, climbs out, is a link or
a device, is encrypted, repeats a name, or when it unpacks to more than it may. The folder appears
only when everything is in it.
"""

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from deeppcos.errors import InvalidInput
from deeppcos.vision.decoder_guard import guarded

MAX_ENTRIES = 200_000
MAX_BYTES = 100 * 1000**3
MAX_RATIO = 200
"""Pictures barely shrink and tables shrink tenfold; a bomb shrinks a thousandfold."""

FREELY_UNPACKED_BYTES = 64 * 1024**2
"""A small archive may shrink by any factor."""

MAX_DEPTH = 2
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_CHUNK_BYTES = 1024**2
_ENCRYPTED = 0x1
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db")
_REMEDY = "do not use it; report it to its source"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One regular file of an archive, not read yet."""

    name: str
    content: IO[bytes]


@dataclass(slots=True, kw_only=True)
class _Budget:
    """What may still be written."""

    archive: str
    bytes_left: int
    entries_left: int

    def spend(self, count: int) -> None:
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise InvalidInput(
                f"{self.archive}: unpacks to far more than it is",
                accepted=f"{MAX_RATIO} times its size, and {MAX_BYTES // 1000**3} GB",
                remedy=_REMEDY,
            )

    def open_entry(self) -> None:
        self.entries_left -= 1
        if self.entries_left < 0:
            raise InvalidInput(
                f"{self.archive}: too many files", accepted=f"up to {MAX_ENTRIES}", remedy=_REMEDY
            )


def is_archive(path: Path) -> bool:
    """Whether a file is unpacked by its name."""
    return path.name.lower().endswith(ARCHIVE_ENDINGS)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive, and archives inside it, into a folder that must be new.

    Args:
        archive: ZIP or TAR file.
        folder: Where to; appears only when everything is in it.

    Raises:
        InvalidInput: If the archive is damaged or breaks a limit.
        OSError: If the disk is full or the folder cannot be written.
    """
    unfinished = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    size = archive.stat().st_size
    budget = _Budget(
        archive=archive.name,
        bytes_left=min(MAX_BYTES, max(FREELY_UNPACKED_BYTES, MAX_RATIO * size)),
        entries_left=MAX_ENTRIES,
    )
    try:
        _unpack_level(archive, unfinished, budget, depth=1)
        unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _unpack_level(archive: Path, folder: Path, budget: _Budget, *, depth: int) -> None:
    """Unpack one archive, then the archives it brought."""
    before = set(folder.rglob("*"))
    seen: set[str] = set()
    for entry in _entries(archive):
        target = folder / _safe_name(entry.name, archive.name)
        key = target.as_posix().casefold()
        if key in seen:
            raise InvalidInput(
                f"{archive.name}: two files of one name", value=entry.name, remedy=_REMEDY
            )
        seen.add(key)
        budget.open_entry()
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(entry, target, archive.name, budget)
    if depth < MAX_DEPTH:
        for inner in sorted(set(folder.rglob("*")) - before):
            if inner.is_file() and is_archive(inner):
                place = inner.with_name(inner.name.split(".")[0])
                place = place if not place.exists() else inner.with_name(f"{inner.name}.d")
                _unpack_level(inner, place, budget, depth=depth + 1)
                inner.unlink()


def _write(entry: _Entry, target: Path, archive: str, budget: _Budget) -> None:
    """Copy one file, counting what really comes out and not what the header promises."""
    with target.open("xb") as file:
        while True:
            with guarded(archive, problem=f"{entry.name} is damaged", remedy="bring it again"):
                chunk = entry.content.read(_CHUNK_BYTES)
            if not chunk:
                return
            budget.spend(len(chunk))
            file.write(chunk)


def _entries(archive: Path) -> Iterator[_Entry]:
    """Regular files of an archive."""
    if archive.name.lower().endswith(".zip"):
        yield from _zip_entries(archive)
    elif is_archive(archive):
        yield from _tar_entries(archive)
    else:
        raise InvalidInput(
            f"{archive.name}: not an archive that can be unpacked",
            accepted=", ".join(ARCHIVE_ENDINGS),
            remedy="unpack it yourself and name the folder with --from",
        )


def _zip_entries(archive: Path) -> Iterator[_Entry]:
    """Regular files of a ZIP archive."""
    with guarded(archive.name, problem="not a sound ZIP archive", remedy="bring it again"):
        opened = zipfile.ZipFile(archive)
    with opened:
        for item in opened.infolist():
            mode = item.external_attr >> 16
            if item.is_dir() or _is_junk(item.filename):
                continue
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise InvalidInput(
                    f"{archive.name}: holds a link or device", value=item.filename, remedy=_REMEDY
                )
            if item.flag_bits & _ENCRYPTED:
                raise InvalidInput(
                    f"{archive.name}: is encrypted",
                    value=item.filename,
                    remedy="unpack it with its password and name the folder with --from",
                )
            with guarded(archive.name, problem="is damaged", remedy="bring it again"):
                content = opened.open(item)
            with content:
                yield _Entry(name=item.filename, content=content)


def _tar_entries(archive: Path) -> Iterator[_Entry]:
    """Regular files of a TAR archive."""
    with guarded(archive.name, problem="not a sound TAR archive", remedy="bring it again"):
        opened = tarfile.open(archive)  # noqa: SIM115 - closed below, after the fence is down
    with opened:
        for item in _guarded_members(opened, archive.name):
            if item.isdir() or _is_junk(item.name):
                continue
            if not item.isreg():
                raise InvalidInput(
                    f"{archive.name}: holds a link or device", value=item.name, remedy=_REMEDY
                )
            content = opened.extractfile(item)
            if content is not None:
                yield _Entry(name=item.name, content=content)


def _guarded_members(opened: Iterable[tarfile.TarInfo], archive: str) -> Iterator[tarfile.TarInfo]:
    """Members of a TAR archive; a damaged one is named."""
    members = iter(opened)
    while True:
        with guarded(archive, problem="is damaged", remedy="bring it again"):
            member = next(members, None)
        if member is None:
            return
        yield member


def _safe_name(name: str, archive: str) -> PurePosixPath:
    """The name of an entry, which must stay below its folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    is_drive = bool(path.parts) and path.parts[0].endswith(":")
    if path.is_absolute() or is_drive or ".." in path.parts or "\0" in name or not path.parts:
        raise InvalidInput(
            f"{archive}: a file that leads out of the folder", value=name, remedy=_REMEDY
        )
    return path


def _is_junk(name: str) -> bool:
    """What operating systems leave in archives."""
    return any(part in _JUNK for part in PurePosixPath(name).parts)
