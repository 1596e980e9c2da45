"""A study with follicles that can be seen, and ways to correct it, for the viewer's tests."""

import json
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import cv2
import numpy as np
import pytest
from django.http import HttpResponse
from django.test import Client
from tests.app.web.conftest import FRAME_SIZE, SignIn

from deeppcos.app.web.models import Image, Study, User

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

WAIT_MS = 30_000
TELLS_NO_TIME = """
  const ask = window.fetch;
  window.fetch = (url, ...how) => String(url).includes("/viewer/sitting")
    ? Promise.resolve(new Response(null, { status: 204 })) : ask(url, ...how);
"""

SEEN = ((110, 120), (144, 120), (178, 120))
"""Middles of the follicles the made-up machine marked."""

MISSED = (225, 130)
"""Middle of a follicle it missed, of 11 pixels radius."""


@pytest.fixture
def seen_study(analysed_study: Study) -> Study:
    """The analysed study with an ovary drawn into its frames, one follicle more than marked."""
    for image in analysed_study.images.all():
        for frame in range(image.frame_count or 0):
            cv2.imwrite(str(image.frame_path(frame)), ovary_picture(frame))
    return analysed_study


def ovary_picture(seed: int) -> np.typing.NDArray[np.uint8]:
    """A speckled ovary with four dark follicles, ``(H, W) uint8``."""
    tissue = np.full(FRAME_SIZE, 120, np.float32)
    cv2.ellipse(tissue, (160, 120), (90, 60), 0, 0, 360, 85, cv2.FILLED)
    for middle in SEEN:
        cv2.circle(tissue, middle, 14, 10, cv2.FILLED)
    cv2.circle(tissue, MISSED, 11, 10, cv2.FILLED)
    soft = cv2.GaussianBlur(tissue, (0, 0), 1.2)
    speckle = np.random.default_rng(seed).rayleigh(0.8, FRAME_SIZE).astype(np.float32)
    return np.asarray(np.clip(soft * speckle, 0, 255), np.uint8)


def image_named(study: Study, name: str) -> Image:
    return study.images.get(name=name)


def machine_id(image: Image, what: str, frame: int = 0) -> str:
    return f"m:{image.pk}:{frame}:{what}"


def ring(x: float, y: float, radius: float) -> list[list[float]]:
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return [
        [round(x + radius * float(np.cos(t)), 2), round(y + radius * float(np.sin(t)), 2)]
        for t in turns
    ]


def new_mark(x: float, y: float, radius: float = 12, **more: Any) -> dict[str, Any]:
    return {
        "id": f"r{uuid4()}",
        "kind": "antral",
        "polygon": ring(x, y, radius),
        "by": "reader",
        "kind_by": "size",
        **more,
    }


def correction(image: Image, delta: str, **parts: Any) -> dict[str, Any]:
    """A correction as the page sends it."""
    return {
        "id": str(uuid4()),
        "delta": delta,
        "picture": str(image.pk),
        "frame": 0,
        "removes": [],
        "adds": [],
        "remarks": [],
        "undoes": None,
        "seconds": 2.5,
        "at": "2026-11-23T12:00:00Z",
        "machine_marks_seen": True,
        "release": "made-up-1",
        **parts,
    }


def read_picture(content: bytes | str) -> np.typing.NDArray[np.uint8]:
    """A picture from its file or its bytes, in grey."""
    coded = Path(content).read_bytes() if isinstance(content, str) else content
    pixels = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def unpacked(reel: bytes) -> list[bytes]:
    """The pictures of a reel."""
    [count] = struct.unpack(">I", reel[:4])
    lengths = struct.unpack(f">{count}I", reel[4 : 4 + 4 * count])
    ends = np.cumsum([4 + 4 * count, *lengths])
    assert ends[-1] == len(reel)
    return [reel[start:end] for start, end in pairwise(ends.tolist())]


def said(response: Any) -> Any:
    return json.loads(response.content)


Send = Callable[..., HttpResponse]


@pytest.fixture
def send() -> Send:
    """Send corrections of a study as somebody's browser would."""

    def sent(
        client: Client, study: Study, *edits: dict[str, Any], base: int = 0, query: str = ""
    ) -> HttpResponse:
        response = client.post(
            f"/studies/{study.pk}/viewer/edits{query}",
            data=json.dumps({"base_version": base, "edits": list(edits)}),
            content_type="application/json",
        )
        assert isinstance(response, HttpResponse)
        return response

    return sent


Open = Callable[..., None]


@pytest.fixture
def opened(live_server: "LiveServer", sign_in: SignIn, seen_study: Study) -> Open:
    """Open the viewer in a page, signed in, and wait until the first picture stands."""

    def go(page: "Page", user: User, query: str = "", *, sits: bool = False) -> None:
        page.set_default_timeout(WAIT_MS)
        if not sits:
            # Time is told when a window closes: after a test, when the data base is gone.
            page.context.add_init_script(TELLS_NO_TIME)
        sign_in(page, user)
        page.goto(f"{live_server.url}/studies/{seen_study.pk}/viewer/{query}")
        page.wait_for_selector("#viewer[data-ready=yes]")
        page.wait_for_function("() => viewer.pane.painted !== null && viewer.isLoaded")

    return go


def at(page: "Page", point: tuple[float, float]) -> tuple[float, float]:
    """Where a place of the picture lies on the screen."""
    x, y = page.evaluate(
        """([x, y]) => {
          const box = document.getElementById("stage").getBoundingClientRect();
          const [sx, sy] = viewer.pane.view.toScreen([x, y]);
          return [box.left + sx, box.top + sy];
        }""",
        list(point),
    )
    return float(x), float(y)


def drag(page: "Page", start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, start))
    page.mouse.down()
    page.mouse.move(*at(page, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)))
    page.mouse.move(*at(page, end))
    page.mouse.up()


def wait_for_count(page: "Page", count: int) -> None:
    page.wait_for_function(
        "n => document.querySelector('#section .is-mine b').textContent === n", arg=str(count)
    )


def wait_until_saved(page: "Page", version: int | None = None) -> None:
    page.wait_for_function(
        """version => viewer.reading.unsent.length === 0
          && document.getElementById("standing").dataset.standing === "saved"
          && (version === null || viewer.reading.version === version)""",
        arg=version,
    )
