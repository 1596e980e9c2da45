"""Opening every picture once: what is needed of it later, or why it cannot be used.

Owns decoding for the audit, in threads and within bounds, so that a damaged or hostile file is
named and never ends the run. Nothing is judged here.
"""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.learning.audit.findings import Refused
from deeppcos.learning.audit.local_features import FeatureStore, describe
from deeppcos.learning.audit.picture_set import Picture
from deeppcos.learning.audit.threads import each
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.graphics import neutralise_graphics
from deeppcos.vision.stills import refuse_dimensions, refuse_size

Progress = Callable[[str, int, int], None]
"""Called with a file or step, how many are done, and of how many."""

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
GRAPHICS_SIDE = 512
"""Longest side, pixels, at which burned-in graphics are looked for."""

THUMBNAIL = 8
GIST = 16
"""Side of the small square picture whole pictures are compared by."""

_ENDINGS = {
    "PNG": {".png"},
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "MPO": {".jpg", ".jpeg", ".jpe", ".mpo"},
    "WEBP": {".webp"},
    "TIFF": {".tif", ".tiff"},
    "BMP": {".bmp"},
    "GIF": {".gif"},
    "PPM": {".pgm", ".ppm", ".pnm", ".pbm"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """What is kept of one picture.

    Attributes:
        width: Pixels.
        height: Pixels.
        file_bytes: Length of the file.
        byte_digest: SHA-256 of the file.
        pixel_digest: SHA-256 of size and RGB pixels.
        thumbnail: ``(64,) float32`` grey 8x8 picture in [0, 1].
        gist: ``(256,) float32`` grey 16x16 picture, mean 0 and length 1; all 0 when flat.
        brightness: ``(4,) float32``: mean, deviation, share of black, share of white pixels.
        graphics: Kinds of burned-in graphics.
        graphics_share: Share of pixels covered by them.
        keypoints: How many were found.
        note: What is odd about the file, or empty.
    """

    width: int
    height: int
    file_bytes: int
    byte_digest: str
    pixel_digest: str
    thumbnail: npt.NDArray[np.float32]
    gist: npt.NDArray[np.float32]
    brightness: npt.NDArray[np.float32]
    graphics: tuple[str, ...]
    graphics_share: float
    keypoints: int
    note: str


def look_at_all(
    pictures: tuple[Picture, ...],
    store: FeatureStore,
    *,
    threads: int,
    progress: Progress | None = None,
) -> tuple[dict[int, PictureFacts], tuple[Refused, ...]]:
    """Open every picture once.

    Args:
        pictures: The pictures.
        store: Where their keypoints go.
        threads: How many at a time.
        progress: Told of every picture.

    Returns:
        Facts by the picture's number, and the pictures that cannot be used with the reason.
    """
    facts: dict[int, PictureFacts] = {}
    refused: list[Refused] = []

    def look(number: int) -> PictureFacts | Refused:
        picture = pictures[number]
        try:
            return _look(picture, store, number)
        except DeepPCOSError as problem:
            return Refused(name=picture.name, reason=_without_name(str(problem), picture.name))
        except OSError as problem:
            return Refused(name=picture.name, reason=problem.strerror or str(problem))

    # Pillow warns about odd metadata; what matters of a file is said in its note or refusal.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for done, (number, seen) in enumerate(each(look, len(pictures), threads=threads), start=1):
            if isinstance(seen, Refused):
                refused.append(seen)
            else:
                facts[number] = seen
            if progress:
                progress(pictures[number].name, done, len(pictures))
    return dict(sorted(facts.items())), tuple(sorted(refused, key=lambda r: r.name))


def _look(picture: Picture, store: FeatureStore, number: int) -> PictureFacts:
    """Read, decode and describe one picture."""
    refuse_size(picture.path, picture.name)
    data = picture.path.read_bytes()
    pixels, note = decode(data, name=picture.name, ending=picture.path.suffix.casefold())
    height, width = pixels.shape[:2]
    small = shrunk(pixels, GRAPHICS_SIDE)
    clean = neutralise_graphics(UltrasoundFrame(source=picture.name, index=0, pixels=small))
    features = describe(clean.grey)
    store.put(number, features)
    shape = f"{width}x{height}:".encode()
    return PictureFacts(
        width=width,
        height=height,
        file_bytes=len(data),
        byte_digest=hashlib.sha256(data).hexdigest(),
        pixel_digest=hashlib.sha256(shape + pixels.tobytes()).hexdigest(),
        thumbnail=_square(clean.grey, THUMBNAIL).ravel() / np.float32(255),
        gist=gist_of(clean.grey),
        brightness=_brightness(clean.grey),
        graphics=clean.kinds,
        graphics_share=float(clean.graphics_mask.mean()),
        keypoints=len(features.points),
        note=note,
    )


def decode(data: bytes, *, name: str, ending: str) -> tuple[npt.NDArray[np.uint8], str]:
    """Decode a picture's first page.

    Args:
        data: The file.
        name: Its name, for messages.
        ending: Its ending in lower case with the dot.

    Returns:
        ``(H, W, 3) uint8`` RGB as displayed, and what is odd about the file.

    Raises:
        InvalidInput: If it is empty, damaged, too large or no picture.
    """
    if not data:
        raise InvalidInput(f"{name}: is empty", remedy="copy it again from its source")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            refuse_dimensions(name, width=picture.width, height=picture.height)
            kind, pages = picture.format or "", getattr(picture, "n_frames", 1)
            pixels = _as_rgb(picture)
    except DeepPCOSError:
        raise
    # Decoders of hostile files raise anything, from struct.error to RecursionError.
    except Exception as error:
        said = " ".join(str(error).split())[:120].replace(repr(BytesIO), "")
        reason = "is no picture" if "cannot identify" in said else "is damaged"
        raise InvalidInput(
            f"{name}: {reason}",
            value="" if reason == "is no picture" else said,
            accepted="PNG, JPEG, WebP, TIFF, BMP, GIF" if reason == "is no picture" else "",
            remedy="copy it again from its source, or leave it out",
        ) from error
    notes = []
    if ending not in _ENDINGS.get(kind, {ending}):
        notes.append(f"named {ending or 'without ending'} but is {kind}")
    if pages > 1 and kind != "MPO":
        notes.append(f"has {pages} pages; only the first is looked at")
    return pixels, "; ".join(notes)


def _as_rgb(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Pixels with 8 bits, upright; deeper ones stretched over their own range."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode[:1] not in "IF":
        return np.array(upright.convert("RGB"), np.uint8)
    deep = np.asarray(upright, np.float64)
    deep = np.where(np.isfinite(deep), deep, 0.0)
    low, high = float(deep.min()), float(deep.max())
    grey = ((deep - low) * (255.0 / max(high - low, 1e-12))).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def shrunk(pixels: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """A picture no longer than ``side`` pixels; a smaller one stays as it is.

    Args:
        pixels: ``(H, W)`` or ``(H, W, 3) uint8``.
        side: Longest side, pixels.
    """
    scale = side / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    height, width = (max(1, round(length * scale)) for length in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _square(grey: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.float32]:
    small = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def gist_of(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """A small square picture by which whole pictures are compared.

    Args:
        grey: ``(H, W) uint8`` without graphics.

    Returns:
        ``(256,) float32``, mean 0 and length 1; all 0 when the picture is flat.
    """
    values = _square(grey, GIST).ravel()
    values -= values.mean()
    length = float(np.linalg.norm(values))
    # A flat picture has no look: below one grey level a cell there is only rounding.
    return values / length if length > GIST else np.zeros_like(values)


def _brightness(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    mean, deviation = float(grey.mean()), float(grey.std())
    black, white = float((grey < 8).mean()), float((grey > 247).mean())
    return np.asarray([mean / 255, deviation / 255, black, white], np.float32)


def _without_name(message: str, name: str) -> str:
    return message.removeprefix(f"{name}: ")
