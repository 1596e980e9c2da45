"""USOVA3D: three-dimensional ovarian ultrasound with ovary and follicles by two raters.

Files ``volN.vtk`` (legacy VTK structured points) with ``volN_o_r1.vtk`` and ``volN_o_r2.vtk``
(ovary by rater) and ``volN_f_r1.vtk`` and ``volN_f_r2.vtk`` (follicles by rater), in the folder,
in ``volumes/``, or in the folders of the published archives (``Training_Set_1/``). The published
test volumes come without ratings and are only counted.

A volume is one group: whether two volumes are of one patient is not stated. Sections are cut
along the third stored axis, evenly, and shown with square pixels.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import SimpleITK

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Mask, Sample
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.outlines import marks_of_labels
from deeppcos.vision.decoder_guard import guarded
from deeppcos.vision.grey_levels import window_of
from deeppcos.vision.stills import refuse_size

sitk: Any = SimpleITK  # its functions carry no types

SECTIONS_PER_VOLUME = 24
SMALLEST_FOLLICLE_PX = 12
"""Cross-sections of fewer pixels are the tangent of a follicle, which nobody would outline."""

MAX_VOXELS = 512**3
SQUARE_WITHIN = 0.02
"""Spacings along x and y that differ by less need no resampling."""

_VOLUME = re.compile(r"^(vol\d+)\.vtk$", re.IGNORECASE)
_HEAD_BYTES = 4096
_DATA_BEGINS = re.compile(rb"SCALARS[^\n]*\n(?:LOOKUP_TABLE[^\n]*\n)?")
_PLACE = re.compile(r"^(volumes|training_set.*|test_set.*)$", re.IGNORECASE)
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedVolume:
    """One volume and what the raters marked in it.

    Attributes:
        name: Such as ``vol1``.
        grey: ``(Z, Y, X) uint8``.
        ovary: Rater to ``(Z, Y, X) bool``.
        follicles: Rater to ``(Z, Y, X) int32``, a number for each follicle, 0 outside.
        spacing_mm: Along Z, Y and X, as the file states it.
    """

    name: str
    grey: npt.NDArray[np.uint8]
    ovary: dict[str, Mask]
    follicles: dict[str, Labels]
    spacing_mm: tuple[float, float, float]


def is_usova3d(folder: Path) -> bool:
    """Whether a folder holds this layout."""
    return folder.is_dir() and bool(_volume_files(folder))


def read_usova3d(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Cut every rated volume into sections.

    Args:
        folder: The data set.
        ledger: Where faulty volumes are written down; without one the first is refused.

    Returns:
        Up to ``SECTIONS_PER_VOLUME`` samples a volume.

    Raises:
        InvalidInput: If no volume is rated.
    """
    ledger = ledger or strict()
    samples: list[Sample] = []
    rated = {n: f for n, f in _volume_files(folder).items() if _rating_files(f)}
    for name, file in rated.items():
        with ledger.passing_over("usova3d", name):
            samples += sections_of(read_rated_volume(file))
    unrated = len(_volume_files(folder)) - len(rated)
    if unrated:
        ledger.remark(f"usova3d: {unrated} volumes without ratings are left out")
    if not rated:
        raise InvalidInput(
            f"{folder}: no rated volume",
            accepted="volN.vtk with volN_o_r1.vtk and volN_f_r1.vtk",
            remedy="take the training set",
        )
    return samples


def read_rated_volume(file: Path) -> RatedVolume:
    """Read a volume with its ratings.

    Args:
        file: ``volN.vtk``.

    Returns:
        The volume.

    Raises:
        InvalidInput: If a file is damaged or a rating is of another size.
    """
    voxels, spacing = _read(file)
    ovary: dict[str, Mask] = {}
    follicles: dict[str, Labels] = {}
    for (target, rater), rating in _rating_files(file).items():
        labels, _ = _read(rating)
        if labels.shape != voxels.shape:
            raise InvalidInput(
                f"{rating.name}: of another size than its volume",
                value=" x ".join(map(str, labels.shape)),
                accepted=" x ".join(map(str, voxels.shape)),
                remedy="take the files of one release of the set",
            )
        if target == "o":
            ovary[rater] = labels > 0
        else:
            follicles[rater] = _numbered(labels)
    return RatedVolume(
        name=file.stem,
        grey=window_of([voxels]).apply(voxels),
        ovary=ovary,
        follicles=follicles,
        spacing_mm=spacing,
    )


def sections_of(volume: RatedVolume, *, count: int = SECTIONS_PER_VOLUME) -> list[Sample]:
    """Evenly spaced sections of a volume.

    Args:
        volume: The volume.
        count: Most sections.

    Returns:
        One sample a section; the ovary is where more than half of the raters hold it.
    """
    depth = volume.grey.shape[0]
    chosen = np.unique(np.linspace(0, depth - 1, min(count, depth)).round().astype(int))
    return [_section(volume, int(z)) for z in chosen]


def _section(volume: RatedVolume, z: int) -> Sample:
    """One section, with square pixels."""
    grey = _square(volume.grey[z], volume.spacing_mm, cv2.INTER_LINEAR).astype(np.uint8)
    ovary = None
    if volume.ovary:
        held = np.mean([mask[z] for mask in volume.ovary.values()], axis=0) > 0.5
        square = _square(held.astype(np.uint8), volume.spacing_mm, cv2.INTER_NEAREST)
        ovary = square > 0
    readings = {
        rater: marks_of_labels(
            _square(labels[z], volume.spacing_mm, cv2.INTER_NEAREST),
            smallest_px=SMALLEST_FOLLICLE_PX,
        )
        for rater, labels in sorted(volume.follicles.items())
    }
    shows_ovary = bool(ovary is not None and ovary.any()) or any(readings.values())
    return Sample(
        name=f"usova3d/{volume.name}/{z}",
        source="usova3d",
        group=f"usova3d/{volume.name}",
        kind="ovary" if shows_ovary else "unknown" if ovary is None else "neither",
        grey=grey,
        raw_grey=grey,
        ovary=ovary,
        lesion=None,
        readings=readings,
        subgroup="volume section",
    )


def _square(
    section: npt.NDArray[Any], spacing_mm: tuple[float, float, float], interpolation: int
) -> npt.NDArray[Any]:
    """A section resampled to the finer of its two spacings."""
    _, along_y, along_x = spacing_mm
    if abs(along_y - along_x) <= SQUARE_WITHIN * max(along_y, along_x):
        return section
    finer = min(along_y, along_x)
    height = round(section.shape[0] * along_y / finer)
    width = round(section.shape[1] * along_x / finer)
    stored = section.astype(np.float32) if section.dtype == np.int32 else section
    resized = cv2.resize(stored, (width, height), interpolation=interpolation)
    return np.asarray(resized).astype(section.dtype)


def _numbered(labels: npt.NDArray[Any]) -> Labels:
    """Follicles by number; where the rater only painted them, each piece is one."""
    if len(np.unique(labels[labels != 0])) > 1:
        return np.asarray(labels, np.int32)
    painted = sitk.GetImageFromArray((labels != 0).astype(np.uint8))
    pieces = sitk.GetArrayFromImage(sitk.ConnectedComponent(painted, False))
    return np.asarray(pieces, np.int32)


def _read(file: Path) -> tuple[npt.NDArray[Any], tuple[float, float, float]]:
    """Voxels ``(Z, Y, X)`` and spacing along Z, Y and X."""
    refuse_size(file, file.name)
    with guarded(file.name, problem="cannot be read as a volume", remedy="download it again"):
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("VTKImageIO")
        reader.SetFileName(str(file))
        reader.ReadImageInformation()
        size, components = reader.GetSize(), reader.GetNumberOfComponents()
        if len(size) != 3 or components != 1 or int(np.prod(size)) > MAX_VOXELS:
            raise InvalidInput(
                f"{file.name}: not a volume that can be read",
                value=" x ".join(map(str, size)),
                accepted=f"three dimensions, one value a voxel, up to {MAX_VOXELS} voxels",
            )
        image = reader.Execute()
        voxels = sitk.GetArrayFromImage(image)
        _refuse_cut_short(file, voxels.nbytes)
    x, y, z = image.GetSpacing()
    if not all(np.isfinite(s) and s > 0 for s in (x, y, z)):
        raise InvalidInput(f"{file.name}: spacing is not positive", value=f"{x}, {y}, {z}")
    return voxels, (float(z), float(y), float(x))


def _refuse_cut_short(file: Path, needed_bytes: int) -> None:
    """Refuse a file with fewer voxels than its header states, which ITK reads without a word."""
    with file.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    begins = _DATA_BEGINS.search(head)
    if begins is None or b"BINARY" not in head:
        raise InvalidInput(f"{file.name}: not a binary VTK volume", accepted="BINARY scalars")
    present = file.stat().st_size - begins.end()
    if present < needed_bytes:
        raise InvalidInput(
            f"{file.name}: cut short",
            value=f"{present} bytes of voxels",
            accepted=f"{needed_bytes}",
            remedy="download it again",
        )


def _volume_files(folder: Path) -> Mapping[str, Path]:
    """Volumes of a folder, by name, in the order of their numbers."""
    places = [folder, *(p for p in folder.iterdir() if p.is_dir() and _PLACE.match(p.name))]
    files = (path for place in places for path in place.iterdir())
    found = {p.stem.lower(): p for p in files if _VOLUME.match(p.name)}
    return dict(sorted(found.items(), key=lambda item: int(item[0][3:])))


def _rating_files(file: Path) -> dict[tuple[str, str], Path]:
    """Ratings beside a volume: target ``o`` or ``f`` and rater, to the file."""
    return {
        (target, rater): rating
        for target in ("o", "f")
        for rater in ("r1", "r2")
        if (rating := file.with_name(f"{file.stem}_{target}_{rater}.vtk")).is_file()
    }
