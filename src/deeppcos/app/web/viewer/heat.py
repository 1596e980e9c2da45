"""Heat maps of where the network looked, made in the background and kept beside the frames.

Owns waiting and keeping. What the map is, and when none may be shown, is said by
``deeppcos.vision.saliency``. A map takes seconds: the first to ask is told to wait.
"""

import logging
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from deeppcos.app.web.models import Image
from deeppcos.app.web.served import served_release
from deeppcos.errors import DeepPCOSError
from deeppcos.vision.frame import PixelBox, UltrasoundFrame
from deeppcos.vision.release import Release

LOG = logging.getLogger("deeppcos.web")

OTHER_RELEASE = (
    "The marks were made by another release than the one installed: only the network that "
    "decided may explain itself. Analyse the study again."
)

_one_at_a_time = ThreadPoolExecutor(max_workers=1, thread_name_prefix="heat")
_asked: set[Path] = set()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """A heat map, the reason why there is none, or neither yet.

    Attributes:
        picture: The map as a grey picture, or None.
        reason: Why there is none; empty while it is being made.
    """

    picture: Path | None = None
    reason: str = ""


def heat_of(image: Image, exact: Path, *, frame: int, release_name: str) -> Heat:
    """The heat map of one frame; asking starts its making.

    Args:
        image: The file.
        exact: The stored frame.
        frame: Its number.
        release_name: Release whose marks are shown.
    """
    if release_name != _release().manifest.name:
        return Heat(reason=OTHER_RELEASE)
    start = exact.with_name(f"{exact.stem}-heat-{_safe(release_name)}")
    picture, reason = start.with_suffix(".png"), start.with_suffix(".txt")
    if picture.is_file():
        return Heat(picture=picture)
    if reason.is_file():
        return Heat(reason=reason.read_text(encoding="utf-8"))
    with _lock:
        if start not in _asked:
            _asked.add(start)
            region = tuple(image.tissue_region) if image.tissue_region else None
            made = _one_at_a_time.submit(_make, exact, start, frame, region)
            made.add_done_callback(_tell_of_failure)
    return Heat()


def _release() -> Release:
    return served_release()


def _safe(name: str) -> str:
    return "".join(c for c in name if c.isalnum() or c in "-.")


def _make(exact: Path, start: Path, frame: int, region: tuple[int, ...] | None) -> None:
    """Write the map or the reason, whole or not at all."""
    try:
        heat, reason = _explained(exact, frame, region)
    except DeepPCOSError as problem:
        heat, reason = None, str(problem)
    finally:
        with _lock:
            _asked.discard(start)
    if heat is None:
        _write(start.with_suffix(".txt"), reason.encode())
        return
    done, content = cv2.imencode(".png", heat)
    if done:
        _write(start.with_suffix(".png"), content.tobytes())


def _explained(
    exact: Path, frame: int, region: tuple[int, ...] | None
) -> tuple[np.typing.NDArray[np.uint8] | None, str]:
    from deeppcos.vision.saliency import explain_frame

    pixels = cv2.imread(str(exact), cv2.IMREAD_COLOR)
    if pixels is None:
        return None, "the frame cannot be read"
    box = PixelBox(x0=region[0], y0=region[1], x1=region[2], y1=region[3]) if region else None
    shown = UltrasoundFrame(
        source=exact.name,
        index=frame,
        pixels=np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8),
        tissue_region=box,
    )
    found = explain_frame(shown, _release())
    if found.heat is None:
        return None, found.why_none
    return np.asarray(np.clip(found.heat * 255, 0, 255), np.uint8), ""


def _tell_of_failure(made: "Future[None]") -> None:
    """What broke in the background is told in the log, and tried again when asked again."""
    problem = made.exception()
    if problem is not None:
        LOG.error("a heat map could not be made", exc_info=problem)


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)
