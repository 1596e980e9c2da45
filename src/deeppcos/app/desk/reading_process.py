"""The process that reads a study's files: decodes pictures, looks at them, and ends.

Owns what happens inside that process: limits first, then every frame as a picture, then the
assessment. It knows no data base; it is told what to do on standard input and tells how far it is
on standard output, one JSON object a line. Starting it is the business of ``study_reading``.
"""

import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np

from deeppcos.app.desk.header_hints import chart_hints_to_json
from deeppcos.app.desk.playing import Pixels, ReelWriter
from deeppcos.app.desk.study_reading import SHADOW_SUFFIX
from deeppcos.app.workflow import analyze_study
from deeppcos.errors import DeepPCOSError
from deeppcos.records.assessment_json import to_json
from deeppcos.records.open_study import MediaKind, OpenedStudyFile, open_file
from deeppcos.vision.frame import UltrasoundFrame

Tell = Callable[[dict[str, Any]], None]

KIND_WORDS = {MediaKind.STILL: "still", MediaKind.CINE: "sweep", MediaKind.VOLUME: "volume"}
SIDE_WORDS = {"L": "left", "R": "right"}


def main(asked: TextIO, answers: TextIO) -> int:
    """Read one study as asked.

    Args:
        asked: One line of JSON: ``files`` (``id``, ``path``), ``frames`` (folder), ``result``
            (file), ``chart``, ``profile``, ``name``, ``memory_bytes``, ``cpu_seconds``.
        answers: Where to tell images, progress and problems.

    Returns:
        0, or 1 when nothing could be assessed.
    """
    task = json.loads(asked.readline())
    _limit(task["memory_bytes"], task["cpu_seconds"])
    _end_with_parent(asked)

    def tell(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        for file in task["files"]:
            tell({"image": _shown(file, Path(task["frames"]), tell)})
        _assess(task, tell)
    except DeepPCOSError as problem:
        tell({"problem": str(problem)})
        return 1
    tell({"finished": True})
    return 0


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Let a hostile file exhaust this process, never the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent(asked: TextIO) -> None:
    """End at once when the other end of standard input closes: who asked is gone."""

    def watch() -> None:
        asked.read()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _shown(file: dict[str, str], frames: Path, tell: Tell) -> dict[str, Any]:
    """Write every frame of one file as a picture; what is known of it, or why it was refused."""
    try:
        opened = open_file(file["path"])
        facts = _write_frames(opened, file["id"], frames / file["id"], tell)
    except DeepPCOSError as problem:
        return {"id": file["id"], "refused_because": str(problem)}
    return {"id": file["id"], **facts}


def _write_frames(
    opened: OpenedStudyFile, image_id: str, folder: Path, tell: Tell
) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    first: UltrasoundFrame | None = None
    times_s = []
    reels = ReelWriter(folder)
    for count, frame in enumerate(opened.frames(), start=1):
        first = first or frame
        times_s.append(frame.time_s)
        pixels = np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR), np.uint8)
        _write_picture(folder / f"{frame.index:05d}.png", pixels)
        reels.add(pixels)
        tell({"progress": [image_id, count, opened.frame_count, "pictures"]})
    reels.close()
    return {
        "kind": KIND_WORDS[opened.kind],
        "frame_count": len(times_s),
        "slice_spacing_mm": opened.slice_spacing_mm,
        "frame_times_s": times_s if None not in times_s and len(times_s) > 1 else None,
        **_header_facts(opened),
        **_size_and_scale(first),
    }


def _header_facts(opened: OpenedStudyFile) -> dict[str, Any]:
    hints, identifiers = opened.header, opened.identifiers
    return {
        "side": SIDE_WORDS.get((hints.laterality or "") if hints else "", ""),
        "section_plane": (hints.section_plane or "") if hints else "",
        "sop_instance_uid": identifiers.sop_instance_uid if identifiers else "",
        "header": chart_hints_to_json(hints),
    }


def _size_and_scale(frame: UltrasoundFrame | None) -> dict[str, Any]:
    if frame is None:
        return {}
    scale, region = frame.mm_per_pixel, frame.tissue_region
    return {
        "tissue_region": [region.x0, region.y0, region.x1, region.y1] if region else None,
        "height": int(frame.pixels.shape[0]),
        "width": int(frame.pixels.shape[1]),
        "mm_per_pixel_x": scale.x if scale else None,
        "mm_per_pixel_y": scale.y if scale else None,
        "scale_source": str(scale.source) if scale else "",
    }


def _write_picture(path: Path, pixels: Pixels) -> None:
    """One frame, whole or not at all; one already there from before a restart is kept."""
    if path.exists():
        return
    fresh = path.with_name(f".{path.name}.partial{path.suffix}")
    cv2.imwrite(str(fresh), pixels)
    fresh.replace(path)


def _assess(task: dict[str, Any], tell: Tell) -> None:
    """Measure the files and assess them with the chart."""
    result = Path(task["result"])
    _write_at_once(result, _assessed(task, task.get("release"), tell))
    if task.get("shadow"):
        # What nobody is shown may fail without anybody waiting for it again.
        unseen = result.with_name(f"{result.name}{SHADOW_SUFFIX}")
        try:
            _write_at_once(unseen, _assessed(task, task["shadow"], tell))
        except DeepPCOSError as problem:
            _write_at_once(unseen, json.dumps(str(problem)))


def _assessed(task: dict[str, Any], release: str | None, tell: Tell) -> str:
    """The assessment by one release, as JSON."""
    ids = {file["path"]: file["id"] for file in task["files"]}
    study = analyze_study(
        list(ids),
        chart=json.dumps(task["chart"]),
        profile=task["profile"],
        name=task["name"],
        release=Path(release) if release else None,
        progress=lambda source, done, total: tell(
            {"progress": [ids.get(source, ""), done, total, "findings"]}
        ),
    )
    return to_json(study.document)


def _write_at_once(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.partial")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.stdin, sys.stdout))
