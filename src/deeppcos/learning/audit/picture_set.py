"""Which pictures a data set has, and what its layout says of each: class, split, patient, mask.

Owns the types and the reading of folders. The reading of a table that names pictures is
``picture_table``; the pictures themselves are opened by ``looking_at_pictures``.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from deeppcos.errors import InvalidInput

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".pgm"}
)
SPLIT_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("train", "training", "trainset", "train_set", "tr"), "train"),
    **dict.fromkeys(("test", "testing", "testset", "test_set", "ts", "holdout"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "valset", "dev"), "validation"),
}
MASK_FOLDERS = frozenset(
    {"mask", "masks", "labels", "label", "segmentation", "segmentations", "annotations", "gt",
     "groundtruth", "ground_truth", "annotation", "seg"}
)  # fmt: skip
IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs", "jpegimages", "pictures", "frames"})
_MASK_STEM = re.compile(r"(?i)[ _-](?:mask|seg|segmentation|gt|label)(?:[ _-]?\d+)?$")
_DIGITS = re.compile(r"(\d+)")
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture of the set.

    Attributes:
        path: The file.
        name: Path relative to the set, with slashes.
        label: Class, or None where none is given.
        split: ``train``, ``validation``, ``test`` or another fold; None where none is given.
        group: Patient or study as the set states it; None where it does not.
        mask: The outline that goes with it, or None.
    """

    path: Path
    name: str
    label: str | None = None
    split: str | None = None
    group: str | None = None
    mask: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """The pictures of a data set.

    Attributes:
        root: The folder.
        layout: How it was understood, in words.
        pictures: In natural order of their names.
        masks: Names of mask files without a picture.
        has_masks: Whether any mask was found.
        absent: Rows of a table that name no file.
        passed_over: Number of files that are no pictures, by ending.
    """

    root: Path
    layout: str
    pictures: tuple[Picture, ...]
    masks: tuple[str, ...] = ()
    has_masks: bool = False
    absent: tuple[str, ...] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Order in which people number files: 2 before 10.

    Examples:
        >>> sorted(["img_10", "img_2"], key=natural_key)
        ['img_2', 'img_10']
    """
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
        for part in _DIGITS.split(name)
        if part
    )


def picture_folder(root: Path) -> PictureSet:
    """Read classes and splits from the folders' names.

    A folder named like a split is the split, one named like images is passed through, one named
    like masks holds masks, and the first other folder that differs between pictures is the class.

    Args:
        root: The folder.

    Returns:
        Its pictures.

    Raises:
        InvalidInput: If there is no picture in it.
    """
    files, passed_over = _files(root)
    pictures = [path for path in files if not _is_mask(path, root)]
    if not pictures:
        raise InvalidInput(
            f"{root}: no picture found",
            value=_listed(passed_over) or "an empty folder",
            accepted="PNG, JPEG, WebP, TIFF, BMP or GIF pictures, or a table (CSV, XLSX)",
            remedy="give the folder that holds the pictures; export DICOM files first",
        )
    parts = {path: _own_parts(path, root) for path in pictures}
    shared = _shared_depth(parts.values())
    found = [_placed(path, root, parts[path][shared:]) for path in pictures]
    found, layout = _with_sensible_labels(found)
    masks = [path for path in files if _is_mask(path, root)]
    found, lonely = _with_masks(found, masks, root)
    return PictureSet(
        root=root,
        layout=layout,
        pictures=tuple(sorted(found, key=lambda picture: natural_key(picture.name))),
        masks=lonely,
        has_masks=bool(masks),
        passed_over=passed_over,
    )


def _files(root: Path) -> tuple[list[Path], dict[str, int]]:
    """Picture files below a folder, and how many others by their ending."""
    found: list[Path] = []
    others: Counter[str] = Counter()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__MACOSX")
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith("."):
                others["hidden"] += 1
            elif path.suffix.casefold() in PICTURE_SUFFIXES or _has_picture_signature(path):
                found.append(path)
            else:
                others[path.suffix.casefold() or "no ending"] += 1
    return found, dict(others.most_common())


def _has_picture_signature(path: Path) -> bool:
    """Whether a file with another ending is a picture all the same."""
    try:
        with path.open("rb") as stream:
            head = stream.read(12)
    except OSError:
        return False
    return head.startswith(_SIGNATURES[:3]) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _is_mask(path: Path, root: Path) -> bool:
    folders = {part.casefold() for part in path.relative_to(root).parts[:-1]}
    return bool(folders & MASK_FOLDERS) or bool(_MASK_STEM.search(path.stem))


def _own_parts(path: Path, root: Path) -> tuple[str, ...]:
    """Folders of a picture that may name its class or patient."""
    return tuple(
        part
        for part in path.relative_to(root).parts[:-1]
        if split_of(part) is None and part.casefold() not in IMAGE_FOLDERS
    )


def split_of(text: str) -> str | None:
    """The split a folder or cell names.

    Examples:
        >>> split_of("Valid"), split_of("infected")
        ('validation', None)
    """
    return SPLIT_NAMES.get(text.strip().casefold().replace(" ", "_").replace("-", "_"))


def _shared_depth(all_parts: Iterable[tuple[str, ...]]) -> int:
    """How many leading folders all pictures share."""
    listed = list(all_parts)
    shortest = min(len(parts) for parts in listed)
    depth = 0
    while depth < shortest and len({parts[depth] for parts in listed}) == 1:
        depth += 1
    return depth


def _placed(path: Path, root: Path, own: tuple[str, ...]) -> Picture:
    relative = path.relative_to(root)
    splits = [split for part in relative.parts[:-1] if (split := split_of(part))]
    return Picture(
        path=path,
        name=PurePosixPath(relative).as_posix(),
        label=own[0] if own else None,
        split=splits[0] if splits else None,
        group="/".join(own[1:]) or None,
    )


def _with_sensible_labels(pictures: list[Picture]) -> tuple[list[Picture], str]:
    """A folder a patient is no class: with two pictures or fewer a folder, it is a group."""
    labels = {picture.label for picture in pictures if picture.label}
    order = ("train", "validation", "test")
    splits = [name for name in order if any(picture.split == name for picture in pictures)]
    said = f", split into {', '.join(splits)}" if splits else ", no split given"
    if len(labels) > max(20, len(pictures) // 5):
        grouped = [replace(p, label=None, group=p.label) for p in pictures]
        return grouped, f"a folder per patient or study, no classes{said}"
    if not labels:
        return pictures, f"one folder of pictures without classes{said}"
    grouped_too = any(picture.group for picture in pictures)
    below = ", a folder per patient or study below" if grouped_too else ""
    return pictures, f"a folder per class ({len(labels)} classes){below}{said}"


def _with_masks(
    pictures: list[Picture], masks: list[Path], root: Path
) -> tuple[list[Picture], tuple[str, ...]]:
    """Give each picture its mask; name the masks that have none."""
    if not masks:
        return pictures, ()
    by_place = {_mask_key(p.path, root): n for n, p in enumerate(pictures)}
    stems = Counter(p.path.stem.casefold() for p in pictures)
    by_stem = {p.path.stem.casefold(): n for n, p in enumerate(pictures)}
    matched: dict[int, Path] = {}
    lonely = []
    for mask in masks:
        stem = _MASK_STEM.sub("", mask.stem).casefold()
        number = by_place.get(_mask_key(mask, root))
        if number is None and stems[stem] == 1:
            number = by_stem[stem]
        if number is None:
            lonely.append(PurePosixPath(mask.relative_to(root)).as_posix())
        else:
            matched.setdefault(number, mask)
    return [replace(p, mask=matched.get(n)) for n, p in enumerate(pictures)], tuple(lonely)


def _mask_key(path: Path, root: Path) -> tuple[str, ...]:
    """Where a picture stands, whether it is a mask or not."""
    folders = [part.casefold() for part in path.relative_to(root).parts[:-1]]
    kept = [part for part in folders if part not in MASK_FOLDERS | IMAGE_FOLDERS]
    return (*kept, _MASK_STEM.sub("", path.stem).casefold())


def _listed(passed_over: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {ending}" for ending, count in passed_over.items())
