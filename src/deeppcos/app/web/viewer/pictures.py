"""Frames as pictures: exact ones for reading, lighter ones for playing, and planes of volumes.

Owns delivering stored pixels to people who may see them. The frames were written, exactly, by
the reading process; what is made here lies beside them and may be deleted at any time.
"""

import os
import threading
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import numpy.typing as npt
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.models import Image, ImageKind, Study
from deeppcos.errors import TemporaryFailure

Pixels = npt.NDArray[np.uint8]

PLAYING_QUALITY = 88
"""JPEG quality of frames while a sweep plays; the exact frame replaces it when it stands.

A 1080p frame takes 5 ms to write and 6 ms to read again, as WebP 160 ms and 18 ms.
"""

LARGEST_VOLUME_BYTES = 512 * 1024**2
PLANES = {"coronal": 1, "sagittal": 2}
"""Axis of the volume, ``(slices, rows, columns)``, that stays fixed in each plane."""

KEPT_FOR = "private, max-age=86400, immutable"
"""A frame of a stored file never changes."""

_making = threading.Lock()


def image_of(study: Study, image_id: UUID) -> Image:
    """One file of a study, if it can be shown.

    Raises:
        Http404: If there is none, or it could not be read.
    """
    image = study.images.filter(pk=image_id).first()
    if image is None or not image.is_ready:
        raise Http404("no such picture")
    return image


def _asked(request: HttpRequest, study_id: UUID, image_id: UUID) -> Image:
    return image_of(study_for(account_of(request), study_id), image_id)


@needs(Right.SEE_STUDIES)
@require_safe
def exact_frame(
    request: HttpRequest, study_id: UUID, image_id: UUID, frame: int
) -> HttpResponseBase:
    """One frame, pixel for pixel."""
    image = _asked(request, study_id, image_id)
    return sent(frame_path(image, frame), "image/png")


@needs(Right.SEE_STUDIES)
@require_safe
def playing_frame(
    request: HttpRequest, study_id: UUID, image_id: UUID, frame: int
) -> HttpResponseBase:
    """One frame, compressed for playing."""
    image = _asked(request, study_id, image_id)
    exact = frame_path(image, frame)
    light = exact.with_suffix(".jpg")
    if not light.is_file():
        make_light(exact, light)
    return sent(light, "image/jpeg")


@needs(Right.SEE_STUDIES)
@require_safe
def plane(
    request: HttpRequest, study_id: UUID, image_id: UUID, plane: str, number: int
) -> HttpResponseBase:
    """A plane of a volume at right angles to its slices."""
    image = _asked(request, study_id, image_id)
    if plane not in PLANES or image.kind != ImageKind.VOLUME:
        raise Http404("no such plane")
    voxels = _voxels(image)
    axis = PLANES[plane]
    if number >= voxels.shape[axis]:
        raise Http404("no such plane")
    done, content = cv2.imencode(".png", np.ascontiguousarray(voxels.take(number, axis=axis)))
    if not done:
        raise TemporaryFailure("the plane could not be drawn", remedy="load the page again")
    response = HttpResponse(content.tobytes(), content_type="image/png")
    response["Cache-Control"] = KEPT_FOR
    return response


def grey_frame(image: Image, frame: int) -> Pixels:
    """One frame in grey, ``(H, W) uint8``, as it is stored.

    Raises:
        Http404: If there is no such frame.
    """
    pixels = cv2.imread(str(frame_path(image, frame)), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise TemporaryFailure("the frame cannot be read", remedy="try again")
    return np.asarray(pixels, np.uint8)


def frame_path(image: Image, frame: int) -> Path:
    """Where one frame lies; as if there were none where it does not."""
    path = image.frame_path(frame)
    if not path.is_file():
        raise Http404("no such frame")
    return path


def sent(path: Path, kind: str) -> FileResponse:
    """A picture of a stored file, which never changes."""
    response = FileResponse(path.open("rb"), content_type=kind)
    response["Cache-Control"] = KEPT_FOR
    return response


def make_light(exact: Path, light: Path) -> None:
    """Write a frame compressed for playing, whole or not at all.

    Args:
        exact: The stored frame.
        light: Where the other goes.
    """
    pixels = cv2.imread(str(exact), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise TemporaryFailure("the frame cannot be read", remedy="try again")
    done, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, PLAYING_QUALITY])
    if not done:
        raise TemporaryFailure("the frame could not be compressed", remedy="try again")
    fresh = light.with_name(f".{light.name}.{os.getpid()}.{threading.get_ident()}")
    fresh.write_bytes(content.tobytes())
    fresh.replace(light)


def _voxels(image: Image) -> Pixels:
    """The volume, ``(slices, rows, columns) uint8``, mapped from a file made once."""
    path = image.frame_path(0).with_name("volume.npy")
    if not path.is_file():
        with _making:
            if not path.is_file():
                _write_volume(image, path)
    return np.asarray(np.load(path, mmap_mode="r"))


def _write_volume(image: Image, path: Path) -> None:
    count, height, width = image.frame_count or 0, image.height or 0, image.width or 0
    if count * height * width > LARGEST_VOLUME_BYTES:
        raise Http404("the volume is too large for planes")
    stack = np.stack([grey_frame(image, number) for number in range(count)])
    fresh = path.with_name(f".{path.name}.{os.getpid()}.npy")
    np.save(fresh, stack)
    fresh.replace(path)
