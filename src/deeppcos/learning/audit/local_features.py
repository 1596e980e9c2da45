"""Keypoints of a picture and of its mirror image, and where they are kept.

Owns the keypoints that the search for near duplicates stands on. SIFT is blind to rotation and
scale by design; a mirrored picture is found by re-ordering the same numbers, so it costs
nothing. Which pictures are compared is the business of ``candidates``.
"""

import tempfile
import threading
from dataclasses import dataclass
from types import TracebackType

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

WORKING_SIDE = 240
"""Longest side, pixels, of the copy keypoints are found on: small, so that speckle averages
out and only structure remains."""

KEYPOINTS = 160
"""Strongest keypoints kept of a picture."""

_ROWS, _COLUMNS, _DIRECTIONS = 4, 4, 8
DESCRIPTOR_LENGTH = _ROWS * _COLUMNS * _DIRECTIONS

# A mirror image keeps a keypoint's own direction as its axis: rows across it change places and
# every gradient direction changes its sign.
_MIRROR = (
    np.arange(DESCRIPTOR_LENGTH)
    .reshape(_ROWS, _COLUMNS, _DIRECTIONS)[::-1][:, :, (-np.arange(_DIRECTIONS)) % _DIRECTIONS]
    .ravel()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFeatures:
    """What of one picture is compared with others.

    Attributes:
        working: ``(h, w) uint8`` grey copy, longest side ``WORKING_SIDE`` at most.
        points: ``(n, 2) float32`` keypoints as (x, y) in the working copy.
        descriptors: ``(n, 128) uint8``.
    """

    working: npt.NDArray[np.uint8]
    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]


def describe(grey: npt.NDArray[np.uint8]) -> LocalFeatures:
    """Find the keypoints of a picture.

    Args:
        grey: ``(H, W) uint8`` with burned-in graphics filled in, or the logo of the machine
            would make all its pictures alike.

    Returns:
        The working copy and up to ``KEYPOINTS`` keypoints.
    """
    working = working_copy(grey)
    sift = cv2.SIFT_create(nfeatures=KEYPOINTS, contrastThreshold=0.02)  # type: ignore[attr-defined]
    found, descriptors = sift.detectAndCompute(working, None)
    if descriptors is None:
        return LocalFeatures(
            working=working,
            points=np.zeros((0, 2), np.float32),
            descriptors=np.zeros((0, DESCRIPTOR_LENGTH), np.uint8),
        )
    points = np.asarray([point.pt for point in found[:KEYPOINTS]], np.float32)
    return LocalFeatures(
        working=working,
        points=points,
        descriptors=np.clip(descriptors[:KEYPOINTS], 0, 255).astype(np.uint8),
    )


def working_copy(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The picture at the size that is compared.

    Args:
        grey: ``(H, W) uint8``.
    """
    scale = WORKING_SIDE / max(grey.shape)
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (width, height), interpolation=way), np.uint8)


def mirrored(descriptors: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The descriptors the same keypoints would have in the mirror image.

    Args:
        descriptors: ``(n, 128) uint8``.
    """
    return descriptors[:, _MIRROR]


def unit_vectors(descriptors: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Descriptors ready to be compared by their inner product (the Hellinger kernel).

    Args:
        descriptors: ``(n, 128) uint8``.

    Returns:
        ``(n, 128) float32`` of length 1.
    """
    values = descriptors.astype(np.float32)
    values /= np.maximum(values.sum(axis=1, keepdims=True), 1.0)
    return np.sqrt(values)


def inner(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> Floats:
    """Inner products of the rows of two small matrices.

    OpenCV's product and not numpy's: that of numpy starts threads which wait for each other, at
    these sizes and with several pictures at a time for a hundred times as long as the work.

    Args:
        first: ``(n, d) float32``.
        second: ``(m, d) float32``.

    Returns:
        ``(n, m) float32``.
    """
    return np.asarray(cv2.gemm(first, second, 1.0, None, 0.0, flags=cv2.GEMM_2_T), np.float32)  # type: ignore[call-overload]


class FeatureStore:
    """Features of many pictures in one temporary file, so that memory does not grow with them.

    Pictures may be put in any order and from several threads; the file is removed on leaving.
    """

    def __init__(self, count: int) -> None:
        """Make room for pictures.

        Args:
            count: Number of pictures.
        """
        self._file = tempfile.TemporaryFile(prefix="deeppcos-audit-")  # noqa: SIM115
        self._places: list[tuple[int, int, int, int] | None] = [None] * count
        self._end = 0
        self._lock = threading.Lock()

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def put(self, number: int, features: LocalFeatures) -> None:
        """Keep a picture's features.

        Args:
            number: The picture's number.
            features: What was found in it.
        """
        height, width = features.working.shape
        parts = (features.working, features.points.astype(np.float32), features.descriptors)
        packed = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
        with self._lock:
            self._file.seek(self._end)
            self._file.write(packed)
            self._places[number] = (self._end, height, width, len(features.points))
            self._end += len(packed)

    def has(self, number: int) -> bool:
        """Whether a picture was put."""
        return self._places[number] is not None

    def get(self, number: int) -> LocalFeatures:
        """Read a picture's features back.

        Args:
            number: The picture's number.

        Raises:
            KeyError: If it was never put.
        """
        place = self._places[number]
        if place is None:
            raise KeyError(number)
        start, height, width, count = place
        size = height * width + count * (8 + DESCRIPTOR_LENGTH)
        with self._lock:
            self._file.seek(start)
            packed = self._file.read(size)
        points_at = height * width
        descriptors_at = points_at + count * 8
        return LocalFeatures(
            working=np.frombuffer(packed[:points_at], np.uint8).reshape(height, width),
            points=np.frombuffer(packed[points_at:descriptors_at], np.float32).reshape(-1, 2),
            descriptors=np.frombuffer(packed[descriptors_at:], np.uint8).reshape(
                -1, DESCRIPTOR_LENGTH
            ),
        )
