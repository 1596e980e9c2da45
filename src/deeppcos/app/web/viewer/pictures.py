"""Frames as pictures: exact ones for reading, packed small ones for playing, planes of volumes.

Owns delivering stored pixels to people who may see them. Frames and reels were written by the
reading process; what is made here lies beside them and may be deleted at any time.
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

from deeppcos.app.desk import playing
from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.models import Image, ImageKind, Study
from deeppcos.app.web.studies.pictures import small_picture
from deeppcos.errors import TemporaryFailure

Pixels = npt.NDArray[np.uint8]

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
def small(request: HttpRequest, study_id: UUID, image_id: UUID) -> HttpResponseBase:
    """The middle frame, small, to choose the file by."""
    path = small_picture(_asked(request, study_id, image_id))
    if path is None:
        raise Http404("no such picture")
    return sent(path, "image/jpeg")


@needs(Right.SEE_STUDIES)
@require_safe
def reel(request: HttpRequest, study_id: UUID, image_id: UUID, number: int) -> HttpResponseBase:
    """Many frames for playing, packed as ``deeppcos.app.desk.playing`` says."""
    image = _asked(request, study_id, image_id)
    first = number * playing.REEL_FRAMES
    if first >= (image.frame_count or 0):
        raise Http404("no such frames")
    frames = image.frame_path(0).parent
    path = playing.reel_path(frames, number)
    if not path.is_file():
        last = min(first + playing.REEL_FRAMES, image.frame_count or 0)
        pictures = [playing.small_picture(_stored(image, frame)) for frame in range(first, last)]
        playing.write_reel(frames, number, pictures)
    return sent(path, "application/octet-stream")


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


def _stored(image: Image, frame: int) -> Pixels:
    pixels = cv2.imread(str(frame_path(image, frame)), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise TemporaryFailure("the frame cannot be read", remedy="try again")
    return np.asarray(pixels, np.uint8)


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
