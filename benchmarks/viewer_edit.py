"""How soon a correction is seen in the viewer, on a 1080p sweep of 200 frames.

    python benchmarks/viewer_edit.py [--rounds 30] [--frames 200] [--out figures.json]

Draws its own sweep (20 synthetic sections, brought to 1920 x 1080, each with fresh speckle), puts
it into a new installation with the sections' true outlines as the machine's marks, serves it, and
corrects it in headless Chromium without a graphics card. Times run from the hand (the event's own
time stamp) to the painted frame. Needs the web extra, playwright and /usr/bin/chromium.
"""

import argparse
import datetime as dt
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deeppcos.app.desk.playing import ReelWriter
from deeppcos.app.example_study import CHART_CONTENT, right_ovary
from deeppcos.learning.phantom import (
    Plane,
    ProbeSettings,
    draw_sweep,
    fitting_viewport,
)
from deeppcos.vision.geometry import outline_of

CHROMIUM = "/usr/bin/chromium"
SECTIONS = 20
WIDTH, HEIGHT = 1920, 1080
FRAMES_PER_SECOND = 30.0
USER = "reader"
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]

Polygon = list[list[float]]


def sections() -> Iterator[tuple[np.typing.NDArray[np.uint8], Polygon | None, list[Polygon]]]:
    """Each section at full size with the true outlines of its ovary and follicles."""
    probe = ProbeSettings(depth_mm=52.0, frequency_mhz=8.0, angle_deg=128.0, focus_mm=24.0)
    ovary = right_ovary()
    depth = 9.0 + 1.15 * ovary.semi_axes_mm[1]
    drawn = draw_sweep(
        ovary,
        probe,
        plane=Plane(lateral_mm=1.5, depth_mm=depth, turn_deg=0.0, roll_deg=9.0),
        frames=SECTIONS,
        rng=np.random.default_rng(53),
        viewport=fitting_viewport(probe, width_px=480, height_px=270),
    )
    for section in drawn.sections:
        grey = np.asarray(section.pixels[..., 0], np.uint8)
        resized = cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        large = np.asarray(resized, np.uint8)
        labels = section.follicle_labels
        follicles = [labels == one for one in np.unique(labels) if one > 0]
        yield large, traced(section.ovary_mask), [p for f in follicles if (p := traced(f))]


def traced(mask: np.typing.NDArray[np.bool_]) -> Polygon | None:
    """The outline at full size, with the corners a network's outline has."""
    if mask.sum() < 12:
        return None
    large = cv2.resize(mask.astype(np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    outline = outline_of(np.asarray(large) > 0)
    if outline is None:
        return None
    step = max(1, len(outline) // 60)
    return [[round(x, 1), round(y, 1)] for x, y in outline[::step]]


def store(home: Path, frames: int) -> str:
    """A study with the sweep and its marks; its id."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from deeppcos.app import workflow
    from deeppcos.app.web.models import Grant, Image, Patient, Role, Site, Study, User
    from deeppcos.app.web.studies.analysis import store_assessment
    from deeppcos.records.assessment_document import FrameRecord

    site = Site.objects.create(name="Benchmark", slug="benchmark")
    user = User.objects.create_user(USER, full_name="Reader")
    Grant.objects.create(user=user, site=site, role=Role.CLINICIAN)
    patient = Patient.objects.create(site=site, identifier="1", name="Phantom")
    study = Study.objects.create(
        site=site, patient=patient, accession="1", chart=dict(CHART_CONTENT)
    )
    image = Image.objects.create(
        study=study, name="sweep.mp4", stored_as="sweep.mp4", sha256="0" * 64, size_bytes=1,
        kind="sweep", side="right", frame_count=frames, width=WIDTH, height=HEIGHT,
        mm_per_pixel_x=0.05, mm_per_pixel_y=0.05, scale_source="dicom_regions", is_ready=True,
        frame_times_s=[n / FRAMES_PER_SECOND for n in range(frames)],
    )  # fmt: skip
    records = []
    every = list(sections())
    rng = np.random.default_rng(1)
    image.frame_path(0).parent.mkdir(parents=True)
    reels = ReelWriter(image.frame_path(0).parent)
    for number in range(frames):
        grey, ovary, follicles = every[number * len(every) // frames]
        noise = rng.normal(0, 6, grey.shape)
        picture = np.clip(grey + noise * (grey > 8), 0, 255).astype(np.uint8)
        coloured = np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8)
        cv2.imwrite(str(image.frame_path(number)), coloured)
        reels.add(coloured)
        records.append(FrameRecord.model_validate(record(image.name, number, ovary, follicles)))
    reels.close()
    said = workflow.assess_chart(json.dumps(study.chart))
    whole = said.model_copy(update={"frames": records, "release": {"name": "truth"}})
    store_assessment(study, whole.model_dump(mode="json"), made_by=None)
    return str(study.pk)


def record(source: str, number: int, ovary: Polygon | None, follicles: list[Polygon]) -> Any:
    """The truth of a frame as a machine would say it."""
    said = [
        {"polygon": one, "probability": 0.9, "mean_diameter_mm": 5.0, "kind": "antral"}
        for one in follicles
    ]
    count = {"value": len(said), "low": max(0, len(said) - 2), "high": len(said) + 3}
    found = {
        "polygon": ovary, "probability": 0.95, "follicles": said, "follicle_count_section": count,
        "length_mm": 35.0, "width_mm": 25.0, "area_mm2": 700.0,
    }  # fmt: skip
    return {
        "source": source, "frame": number, "width": WIDTH, "height": HEIGHT,
        "mm_per_pixel": {"x": 0.05, "y": 0.05, "source": "dicom_regions"},
        "assessable": ovary is not None, "ovaries": [found] if ovary else [],
        "not_assessable_because": [] if ovary else ["no ovary in this section"],
    }  # fmt: skip


@contextmanager
def served() -> Iterator[str]:
    """The web application on a free port, as ``deeppcos serve`` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "gunicorn", "deeppcos.app.web.wsgi:application"),
        *("--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4"),
        *("--log-level", "error"),
    ]
    process = subprocess.Popen(command)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/accounts/sign-in/", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait()


def session(address: str) -> Any:
    """The cookie of a session of the reader."""
    from django.test import Client

    from deeppcos.app.web.models import User

    client = Client()
    client.force_login(User.objects.get(username=USER))
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}


def painted(page: Any, act: Callable[[], None]) -> list[float]:
    """Milliseconds from the hand to the paint of what one act did."""
    page.evaluate("performance.clearMeasures('edit-painted')")
    act()
    page.wait_for_function("() => performance.getEntriesByName('edit-painted').length > 0")
    found = page.evaluate("performance.getEntriesByName('edit-painted').map(one => one.duration)")
    return [float(one) for one in found]


def on_screen(page: Any, point: list[float]) -> tuple[float, float]:
    """Where a place of the picture lies on the screen."""
    x, y = page.evaluate(
        """([x, y]) => {
          const box = document.getElementById("stage").getBoundingClientRect();
          const [sx, sy] = viewer.pane.view.toScreen([x, y]);
          return [box.left + sx, box.top + sy];
        }""",
        point,
    )
    return float(x), float(y)


def processor_ms(root: int) -> float:
    """CPU time of a process and everything it started, ms: what an idle machine would wait for."""
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
        spent[int(stat.parent.name)] = (int(fields[11]) + int(fields[12])) * 10.0
    family, added = {root}, True
    while added:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family, added = family | more, bool(more)
    return sum(spent.get(pid, 0.0) for pid in family)


def edit_cost_ms(page: Any, root: int, rounds: int) -> float:
    """CPU ms of the whole browser for one correction and its paint, over many."""
    page.focus("#stage")
    page.keyboard.press("v")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(3000)
    began = processor_ms(root)
    for number in range(rounds):
        painted(page, lambda key="[" if number % 2 else "]": page.keyboard.press(key))  # type: ignore[misc]
    return (processor_ms(root) - began) / rounds


def measure(page: Any, rounds: int) -> dict[str, list[float]]:
    """Correct the fullest frame again and again."""
    times: dict[str, list[float]] = {
        name: []
        for name in ("rename", "resize", "delete", "undo", "drag", "click, circle", "click, edge")
    }
    middle = "viewer.marks.marks.filter(m => m.kind === 'antral').map(m => m.polygon)"
    for number in range(rounds):
        polygons = page.evaluate(middle)
        points = np.asarray(polygons[number % len(polygons)], dtype=float)
        x, y = (float(v) for v in points.mean(axis=0))
        page.keyboard.press("v")
        page.mouse.click(*on_screen(page, [x, y]))
        times["resize"] += painted(page, lambda: page.keyboard.press("]"))
        times["rename"] += painted(page, lambda: page.keyboard.press("3"))
        times["undo"] += painted(page, lambda: page.keyboard.press("Control+z"))
        page.mouse.click(*on_screen(page, [x, y]))
        page.mouse.move(*on_screen(page, [x, y]))
        page.mouse.down()
        page.mouse.move(*on_screen(page, [x + 12, y + 8]))
        times["drag"] += painted(page, page.mouse.up)
        times["delete"] += painted(page, lambda: page.keyboard.press("Delete"))
        page.keyboard.press("a")
        count = page.evaluate("viewer.marks.marks.length")
        began = time.perf_counter()
        times["click, circle"] += painted(
            page,
            lambda at=(x, y): page.mouse.click(*on_screen(page, list(at))),  # type: ignore[misc]
        )[:1]
        page.wait_for_function("n => viewer.marks.marks.length > n", arg=count)
        times["click, edge"].append((time.perf_counter() - began) * 1e3)
    return times


def played(page: Any, root: int, seconds: float) -> dict[str, float]:
    """How many frames a second are shown while the sweep plays, and what one costs.

    The rate depends on what else the computer does; the processor time of a frame, of browser and
    server together, does not: below 1000 / 30 ms a single core keeps up.
    """
    page.evaluate(
        """() => { window.shown = 0;
          viewer.pane.addEventListener("painted", () => { window.shown += 1; }); }"""
    )
    page.focus("#stage")
    page.keyboard.press("p")
    found = {}
    for name in ("first round", "again"):
        page.evaluate("window.shown = 0")
        began, spent = time.perf_counter(), processor_ms(root)
        page.wait_for_timeout(seconds * 1000)
        shown = page.evaluate("window.shown")
        found[name] = shown / (time.perf_counter() - began)
        found[f"{name}, CPU ms a frame"] = (processor_ms(root) - spent) / max(1, shown)
    page.keyboard.press("p")
    return found


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--frames", type=int, default=200)
    options.add_argument("--out", type=Path)
    asked = options.parse_args()
    from playwright.sync_api import sync_playwright

    # Playwright's loop runs in this thread; Django would take it for an async caller.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "incoming").mkdir()
        os.environ["DEEPPCOS_HOME"] = str(home)
        os.environ["DEEPPCOS_SECRET_KEY"] = "only-for-this-benchmark-" * 4
        os.environ["DJANGO_SETTINGS_MODULE"] = "deeppcos.app.web.settings"
        study = store(home, asked.frames)
        with served() as address, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
            page = chromium.new_page(viewport={"width": 1920, "height": 1080})
            page.context.add_cookies([session(address)])
            page.set_default_timeout(120_000)
            page.goto(f"{address}/studies/{study}/viewer/")
            page.wait_for_selector("#viewer[data-ready=yes]")
            page.wait_for_function("() => viewer.isLoaded && viewer.pane.painted?.exact")
            cost = edit_cost_ms(page, os.getpid(), 4 * asked.rounds)
            times = measure(page, asked.rounds)
            rates = played(page, os.getpid(), 10)
            chromium.close()
    report(times, rates, cost, asked)


def report(times: dict[str, list[float]], rates: dict[str, float], cost: float, asked: Any) -> None:
    """Print the table, and write it if asked."""
    load = os.getloadavg()[0]
    print(f"{asked.frames} frames of {WIDTH} x {HEIGHT}, load average {load:.1f}")
    print(f"CPU time of all processes for one correction: {cost:.0f} ms")
    figures: dict[str, Any] = {}
    for name, found in times.items():
        ranked = sorted(found)
        figures[name] = {
            "median_ms": round(statistics.median(ranked), 1),
            "p95_ms": round(ranked[int(0.95 * (len(ranked) - 1))], 1),
            "n": len(ranked),
        }
        print(f"{name:16s} {figures[name]}")
    for name, rate in rates.items():
        print(f"played at {FRAMES_PER_SECOND:.0f}/s, {name:28s} {rate:5.1f}")
    if asked.out:
        when = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        content = {
            "when": when,
            "load": load,
            "cpu_ms_an_edit": cost,
            "edits": figures,
            "played": rates,
        }
        asked.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
