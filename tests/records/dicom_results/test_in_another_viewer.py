"""cornerstone3D, the viewer in OHIF, draws the segmentation of a cine over the right frames.

cornerstone3D (MIT) is fetched by npm into a folder outside the repository and never shipped. With
DEEPPCOS_LOOK set to a folder, a picture of a frame with its outlines is kept there.
"""

import contextlib
import functools
import http.server
import io
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from deeppcos.records.dicom_result import write_object
from deeppcos.records.dicom_segmentation import ReadSegment, read_segmentation, segmentation_of

pytest.importorskip("highdicom", reason="the records extra is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Mask = npt.NDArray[np.bool_]
HERE = Path(__file__).parent / "another_viewer"
VERSION = "5.14.0"
PACKAGES = (
    *(f"@cornerstonejs/{name}@{VERSION}" for name in ("core", "tools", "adapters")),
    f"@cornerstonejs/dicom-image-loader@{VERSION}",
    "@babel/runtime@7.29.2",
    "dcmjs@0.52.0",
    "esbuild@0.28.2",
    "events@3.3.0",
)
"""The adapters need @babel/runtime and do not say so; events is Node's, for the browser."""

ZOOM = 10
FILLED = {"renderFill": True, "renderOutline": False, "fillAlpha": 0.6}
OUTLINED = {"renderFill": True, "renderOutline": True, "fillAlpha": 0.25, "outlineWidth": 2}
CHROMIUM = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@pytest.fixture(scope="module")
def site(study: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, bundled, beside the cine and its segmentation with a plane and without."""
    packages, folder = _packages(), tmp_path_factory.mktemp("viewer")
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    (folder / "nothing.js").write_text("export default {};", encoding="utf-8")
    worker = packages / "@cornerstonejs/dicom-image-loader/dist/esm/decodeImageFrameWorker.js"
    for entry in (folder / "page.js", worker):
        command = [str(packages / ".bin/esbuild"), str(entry), "--bundle", "--format=esm"]
        command += ["--outdir=site", "--define:global=globalThis", "--alias:url=./nothing.js"]
        command += ["--external:fs", "--external:path", "--log-level=error"]
        environment = {**os.environ, "NODE_PATH": str(packages)}
        subprocess.run(command, cwd=folder, env=environment, check=True, timeout=120)
    site = folder / "site"
    shutil.copy(HERE / "index.html", site)
    sweep = study.content.images[2]
    shutil.copy(study.files[2], site / "cine.dcm")
    write_object(segmentation_of(study.content, sweep), site / "plain.dcm")
    write_object(segmentation_of(study.content, sweep, slice_mm=1.5), site / "plane.dcm")
    return site


def _packages() -> Path:
    """The folder of the viewer's packages; skips where npm cannot fetch them."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    place = Path(tempfile.gettempdir()) / f"deeppcos-cornerstone-{VERSION}"
    if not place.exists():
        fresh = Path(tempfile.mkdtemp(dir=place.parent))
        (fresh / "package.json").write_text('{"private": true}', encoding="utf-8")
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
        done = subprocess.run(command, cwd=fresh, capture_output=True, timeout=300, check=False)
        if done.returncode != 0:
            shutil.rmtree(fresh)
            pytest.skip("npm cannot fetch cornerstone3D here")
        # Another process may have been first: its folder is as good.
        with contextlib.suppress(OSError):
            fresh.rename(place)
    return place / "node_modules"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the terminal clean."""


class _InItsThread:
    """A page that is asked in the thread that opened it."""

    def __init__(self, thread: ThreadPoolExecutor, page: Any) -> None:
        self._thread = thread
        self._page = page

    def __getattr__(self, name: str) -> Any:
        def asked(*given: Any, **named: Any) -> Any:
            return self._thread.submit(getattr(self._page, name), *given, **named).result()

        return asked


@pytest.fixture(scope="module")
def viewer(site: Path, study: Any) -> Iterator[Any]:
    """The page with the cine in it, ten screen pixels a pixel."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    sweep = study.content.images[2]
    handler = functools.partial(_Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    size = {"width": sweep.columns * ZOOM, "height": sweep.rows * ZOOM}

    def opened() -> tuple[Any, Any, Any]:
        play = sync_api.sync_playwright().start()
        browser = play.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        page = browser.new_page(viewport=size)
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        page.wait_for_function("window.ready", timeout=60_000)
        page.evaluate("start", {"image": "cine.dcm", "frames": sweep.frames})
        return play, browser, page

    # Another test may hold a browser in this thread, and one thread holds one at most.
    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            play, browser, page = thread.submit(opened).result()
            yield _InItsThread(thread, page)
            thread.submit(browser.close).result()
            thread.submit(play.stop).result()
        finally:
            server.shutdown()
            server.server_close()


def test_without_a_plane_it_refuses_and_says_what_it_misses(viewer: Any) -> None:
    with pytest.raises(sync_api.Error, match="reading 'ImageOrientationPatient'"):
        viewer.evaluate("lay('plain.dcm')")


def test_with_a_plane_every_follicle_lies_over_its_frames_and_no_other(
    viewer: Any, site: Path
) -> None:
    written = read_segmentation(site / "plane.dcm")
    segments = viewer.evaluate("lay('plane.dcm')")
    assert [(one["number"], one["tracking"]) for one in segments] == [
        (one.number, one.tracking_uid) for one in written
    ]
    frames = (0, 4, 6, 11)
    assert {sum(frame in one.masks for one in written) for frame in frames} == {1, 3, 4}
    for frame in frames:
        for one in written:
            _await_mask(viewer, one, frame)
    _keep_picture(viewer)


def _await_mask(viewer: Any, segment: ReadSegment, frame: int) -> None:
    """The screen shows exactly the mask of a segment on a frame, or none where it has none."""
    expected = segment.masks.get(frame, np.zeros_like(next(iter(segment.masks.values()))))
    until = time.monotonic() + 5
    while True:
        viewer.evaluate("([f, s, how]) => turnTo(f, s, how)", [frame, [segment.number], FILLED])
        screen = viewer.screenshot()
        if np.array_equal(_coloured(screen), expected):
            return
        if time.monotonic() > until:
            np.testing.assert_array_equal(_coloured(screen), expected)


def _coloured(screen: bytes) -> Mask:
    """Where the screen is not grey, in pixels of the image: its cine has no colour."""
    pixels = np.asarray(Image.open(io.BytesIO(screen)).convert("RGB"), np.int16)
    middles = pixels[ZOOM // 2 :: ZOOM, ZOOM // 2 :: ZOOM]
    return np.asarray(np.ptp(middles, axis=-1) > 20)


def _keep_picture(viewer: Any) -> None:
    folder = os.environ.get("DEEPPCOS_LOOK")
    if folder:
        viewer.evaluate("how => turnTo(6, null, how)", OUTLINED)
        viewer.wait_for_timeout(500)
        viewer.screenshot(path=Path(folder) / "segmentation-in-cornerstone3d.png")
