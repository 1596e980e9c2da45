"""What arrives with a new study: pictures, ZIP archives of them, and what must be refused.

Owns limits and unpacking. A name inside an archive is only ever shown: files are written under
names of our own, so that no name can lead anywhere. What a picture shows is found out later, in
the reading process.
"""

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from deeppcos.errors import InvalidInput
from deeppcos.records.file_types import recognise

_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError)
"""What unpacking raises for a damaged or unknown archive; a full disk is another matter."""

BLOCK = 1 << 20
GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """What one upload may bring.

    Attributes:
        largest_bytes: All files together, unpacked, bytes.
        most_files: Files, unpacked.
        most_growth: How many times larger than its packed size an archive may become.
    """

    largest_bytes: int = 2 * GIB
    most_files: int = 2000
    most_growth: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One file that may be kept.

    Attributes:
        path: Where it lies for now.
        name: What its owner calls it; to be shown only.
    """

    path: Path
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKept:
    """One file that is no picture.

    Attributes:
        path: Where it lies for now; a chart may still be read from it.
        name: What its owner calls it.
        reason: Why it is not kept, in words for the person who sent it.
    """

    path: Path
    name: str
    reason: str


@dataclass(slots=True)
class _Allowance:
    """What is left of the limits while an archive is unpacked."""

    limits: UploadLimits
    packed_bytes: int
    written: int = field(default=0)
    files: int = field(default=0)

    def another_file(self, archive: str) -> None:
        self.files += 1
        if self.files > self.limits.most_files:
            raise InvalidInput(
                f"{archive} holds too many files",
                accepted=f"up to {self.limits.most_files:,} files",
                remedy="send the pictures of one study",
            )

    def more_bytes(self, number: int, archive: str) -> None:
        """Count what was really unpacked; what the archive says of itself proves nothing."""
        self.written += number
        growth = self.limits.most_growth * max(self.packed_bytes, BLOCK)
        if self.written > min(growth, self.limits.largest_bytes):
            raise InvalidInput(
                f"{archive} unpacks to far more than a study holds",
                value=f"more than {self.written / GIB:.1f} GB",
                accepted=f"up to {self.limits.largest_bytes / GIB:.0f} GB, and up to "
                f"{self.limits.most_growth} times its packed size",
                remedy="send the pictures without the archive",
            )


def arrived_files(
    path: Path, *, name: str, scratch: Path, limits: UploadLimits
) -> Iterator[Arrived | NotKept]:
    """Everything one uploaded file brings.

    Args:
        path: The uploaded file.
        name: What its owner calls it.
        scratch: An empty folder for what an archive holds.
        limits: What it may bring.

    Yields:
        A file to keep or a refusal for each file; what operating systems leave in archives is
        passed over.

    Raises:
        InvalidInput: If an archive is damaged, locked, or more than its limits allow. Nothing of
            it is to be kept then.
    """
    if zipfile.is_zipfile(path) and not _is_picture(path):
        yield from [_checked(one) for one in _unpacked(path, name, scratch, limits)]
    else:
        yield _checked(Arrived(path=path, name=_shown(name)))


def _is_picture(path: Path) -> bool:
    """Whether a reader wants the file as it is: a picture may end in something like an archive."""
    try:
        recognise(path, path.name)
    except InvalidInput:
        return False
    return True


def _checked(file: Arrived) -> Arrived | NotKept:
    """The file if a reader for it exists, by its first bytes."""
    if not file.path.stat().st_size:
        reason = f"{file.name}: is empty; export it again"
        return NotKept(path=file.path, name=file.name, reason=reason)
    try:
        recognise(file.path, file.name)
    except InvalidInput as problem:
        return NotKept(path=file.path, name=file.name, reason=str(problem))
    return file


def _unpacked(path: Path, name: str, scratch: Path, limits: UploadLimits) -> list[Arrived]:
    """Write every file of an archive under a name of our own."""
    allowance = _Allowance(limits, path.stat().st_size)
    kept: list[Arrived] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.is_dir() or _is_left_behind(entry.filename):
                    continue
                _refuse_tricks(entry, name)
                allowance.another_file(name)
                target = scratch / f"{len(kept):05d}"
                with archive.open(entry) as content:
                    _write(content, target, allowance, name)
                kept.append(Arrived(path=target, name=_shown(entry.filename)))
    except _DAMAGE as damage:
        raise InvalidInput(
            f"{name} cannot be unpacked",
            value=str(damage)[:100],
            accepted="an undamaged ZIP archive",
            remedy="pack it again, or send the pictures without the archive",
        ) from damage
    return kept


def _refuse_tricks(entry: zipfile.ZipInfo, archive: str) -> None:
    """Refuse what no exported study holds: links, locked files, ways out of the archive."""
    parts = PurePosixPath(entry.filename.replace("\\", "/"))
    is_link = entry.external_attr >> 28 == 0xA
    if parts.is_absolute() or ".." in parts.parts or is_link or ":" in entry.filename[:2]:
        raise InvalidInput(
            f"{archive} holds a file that points outside of it",
            value=_shown(entry.filename),
            remedy="pack the folder of the study again",
        )
    if entry.flag_bits & 0x1:
        raise InvalidInput(
            f"{archive} is locked with a password",
            accepted="an archive without a password",
            remedy="pack it again without one",
        )


def _write(content: IO[bytes], target: Path, allowance: _Allowance, archive: str) -> None:
    with target.open("wb") as kept:
        while block := content.read(BLOCK):
            allowance.more_bytes(len(block), archive)
            kept.write(block)


def _is_left_behind(name: str) -> bool:
    """What operating systems and disc writers put beside pictures."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    last = parts[-1].lower() if parts else ""
    return (
        "__MACOSX" in parts
        or last.startswith(".")
        or last in {"thumbs.db", "desktop.ini", "dicomdir", "autorun.inf"}
    )


def _shown(name: str) -> str:
    """A name as it is shown: its last parts, printable, not endless."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "".join(c for c in "/".join(parts[-2:]) if c.isprintable())[-160:] or "file"
