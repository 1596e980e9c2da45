"""Every picture of a study, from files, folders and DICOMDIRs.

Owns finding the files, giving each to its reader, and carrying on when one cannot be read.
Decoding is the business of the readers.

In a folder, everything is tried in natural order (``IM2`` before ``IM10``), sub-folders
included, except hidden files, what operating systems leave behind, links back into a folder
already seen, and files that say by their name that they are texts, tables or the viewer of a
patient's disc: a chart beside the pictures is no broken picture. A file given by name is always
answered for.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pydicom import dcmread

from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.records.dicom_file import EXPORT_AGAIN
from deeppcos.records.dicom_header import items_of, text_of, value_of
from deeppcos.records.dicom_images import DICOMDIR_CLASS, open_dicom_image
from deeppcos.records.file_types import Reader, recognise
from deeppcos.records.study_file import MediaKind, OpenedStudyFile, RefusedFile
from deeppcos.vision.decoder_guard import guarded
from deeppcos.vision.stills import open_still, refuse_size
from deeppcos.vision.sweeps import open_sweep
from deeppcos.vision.volumes import open_volume

__all__ = ["MediaKind", "OpenedStudyFile", "RefusedFile", "open_file", "open_paths"]

_LEFT_BEHIND = frozenset(
    {"__macosx", "thumbs.db", "desktop.ini", "dicomdir", "$recycle.bin", "readme", "license"}
)
_NOT_PICTURES = frozenset(
    {".json", ".txt", ".csv", ".tsv", ".md", ".html", ".htm", ".xml", ".yaml", ".yml", ".log"}
    | {".ini", ".inf", ".pdf", ".xlsx", ".xls", ".docx", ".py", ".css", ".js", ".svg", ".ico"}
    | {".exe", ".dll", ".jar", ".bat", ".sh", ".app"}
)
_MAX_HEADER_BYTES = 64 * 1024**2


def open_paths(paths: Iterable[str | Path]) -> Iterator[OpenedStudyFile | RefusedFile]:
    """Open every picture of a study, one file at a time.

    Args:
        paths: Files, folders and DICOMDIRs.

    Yields:
        An opened file or a refusal for each file, in order. A file given twice is opened once;
        a second file with the same SOP Instance UID is refused as a duplicate of the first.

    Examples:
        >>> [refused] = open_paths(["no_such_file.png"])
        >>> refused.reason.split("; ")[:2]
        ['no_such_file.png: cannot be opened', 'got No such file or directory']
    """
    seen: set[str] = set()
    first_with_uid: dict[str, str] = {}
    for path in paths:
        for file in files_of(Path(path)):
            if isinstance(file, RefusedFile):
                yield file
                continue
            real = os.path.realpath(file)
            if real in seen:
                continue
            seen.add(real)
            yield _without_duplicate(_opened_or_refused(file), first_with_uid)


def open_file(path: str | Path) -> OpenedStudyFile:
    """Open one file by what it holds.

    Args:
        path: The file.

    Returns:
        The opened file.

    Raises:
        InvalidInput: If it cannot be read, naming file, problem and remedy.
    """
    path, source = Path(path), str(path)
    refuse_size(path, source)
    with guarded(source, problem="cannot be opened", remedy="check the file's permissions"):
        reader = recognise(path, source)
    return _OPENERS[reader](path, source)


def _open_still(path: Path, source: str) -> OpenedStudyFile:
    still = open_still(path, source=source)
    return OpenedStudyFile(
        source=source,
        kind=MediaKind.STILL if still.page_count == 1 else MediaKind.CINE,
        frame_count=still.page_count,
        frames=still.frames,
    )


def _open_sweep(path: Path, source: str) -> OpenedStudyFile:
    sweep = open_sweep(path, source=source)
    return OpenedStudyFile(
        source=source,
        kind=MediaKind.CINE,
        frame_count=sweep.frame_count,
        frames=sweep.frames,
    )


def _open_volume(path: Path, source: str) -> OpenedStudyFile:
    volume = open_volume(path, source=source)
    return OpenedStudyFile(
        source=source,
        kind=MediaKind.VOLUME,
        frame_count=volume.frame_count,
        frames=volume.frames,
        slice_spacing_mm=volume.slice_spacing_mm,
    )


def _open_dicom(path: Path, source: str) -> OpenedStudyFile:
    return open_dicom_image(path, source=source)


_OPENERS: dict[Reader, Callable[[Path, str], OpenedStudyFile]] = {
    Reader.DICOM: _open_dicom,
    Reader.STILL: _open_still,
    Reader.SWEEP: _open_sweep,
    Reader.VOLUME: _open_volume,
}


def _opened_or_refused(path: Path) -> OpenedStudyFile | RefusedFile:
    try:
        return open_file(path)
    except DeepPCOSError as error:
        return RefusedFile(source=str(path), reason=str(error))


def _without_duplicate(
    file: OpenedStudyFile | RefusedFile, first_with_uid: dict[str, str]
) -> OpenedStudyFile | RefusedFile:
    """Turn the second copy of a DICOM image into a refusal, and remember first ones."""
    if isinstance(file, RefusedFile) or file.identifiers is None:
        return file
    uid = file.identifiers.sop_instance_uid
    first = first_with_uid.setdefault(uid, file.source) if uid else file.source
    if first == file.source:
        return file
    return RefusedFile(
        source=file.source,
        reason=f"{file.source}: is the same DICOM image as {first}, which was read; "
        "remove one of the two",
        duplicate_of=first,
    )


def files_of(path: Path) -> Iterator[Path | RefusedFile]:
    """Files that a path names, unopened and in natural order.

    Args:
        path: A file, a folder, or a DICOMDIR.

    Yields:
        Files, and refusals of what cannot be listed.
    """
    if path.is_dir():
        found = False
        for file in _walk(path, frozenset()):
            found = True
            yield file
        if not found:
            yield RefusedFile(
                source=str(path),
                reason=f"{path}: holds no image; give a folder with images",
            )
    elif _is_dicomdir(path):
        yield from _files_of_dicomdir(path)
    else:
        yield path


def _walk(folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[Path | RefusedFile]:
    """Files of a folder and its sub-folders; links back to a folder above are not followed."""
    try:
        status = folder.stat()
        names = sorted(os.listdir(folder), key=_natural)
    except OSError as error:
        reason = f"{folder}: cannot be listed; got {error.strerror}; check the permissions"
        yield RefusedFile(source=str(folder), reason=reason)
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    companions = {name.rsplit(".", 1)[0] for name in names if name.lower().endswith(".mhd")}
    for name in names:
        path = folder / name
        if _is_left_behind(name):
            continue
        if path.is_dir():
            yield from _walk(path, above | {here})
        elif path.is_file() and not _is_beside_the_pictures(path, companions):
            yield path


def _is_left_behind(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def _is_beside_the_pictures(path: Path, companions: set[str]) -> bool:
    """No pictures by their name, and the voxels an MHD header beside them names."""
    suffix = path.suffix.lower()
    return suffix in _NOT_PICTURES or (suffix in (".raw", ".zraw") and path.stem in companions)


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that counts: ``IM2`` before ``IM10``."""
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def _is_dicomdir(path: Path) -> bool:
    if path.name.upper() != "DICOMDIR" or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _files_of_dicomdir(path: Path) -> Iterator[Path | RefusedFile]:
    """Image files a DICOMDIR lists, in its order."""
    try:
        names = _listed_names(path)
    except InvalidInput as error:
        yield RefusedFile(source=str(path), reason=str(error))
        return
    for name in names:
        file = path.parent.joinpath(*name)
        if os.pardir in name or file.is_absolute() != path.is_absolute():
            reason = f"{path}: lists a file outside its folder; remove it from the list"
            yield RefusedFile(source=str(path), reason=reason)
        else:
            yield file


def _listed_names(path: Path) -> list[tuple[str, ...]]:
    source = str(path)
    if path.stat().st_size > _MAX_HEADER_BYTES:
        raise InvalidInput(f"{source}: the DICOMDIR is too large", remedy="give the folder instead")
    with guarded(source, problem="cannot be read as a DICOMDIR", remedy="give the folder instead"):
        directory = dcmread(path)
        if directory.file_meta.get("MediaStorageSOPClassUID") != DICOMDIR_CLASS:
            raise InvalidInput(f"{source}: is not a DICOMDIR", remedy=EXPORT_AGAIN)
        return [
            _name_parts(record)
            for record in items_of(directory, "DirectoryRecordSequence")
            if text_of(record, "DirectoryRecordType") == "IMAGE"
        ]


def _name_parts(record: object) -> tuple[str, ...]:
    parts = value_of(record, "ReferencedFileID")  # type: ignore[arg-type]
    return (parts,) if isinstance(parts, str) else tuple(str(part) for part in parts or ())
