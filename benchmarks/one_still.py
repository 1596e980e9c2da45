"""How long one calibrated still takes, from file to findings, and where the time goes.

    python -m benchmarks.one_still [--threads 2] [--rounds 20]

Draws its own picture. One round after the other measures every part, so that a change of the
machine's speed meets all of them. Processor time at one thread says what the work costs.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from benchmarks.measuring import add_json_option, keep, load_now, spread, timed

from deeppcos.app.archive.rows import rows_of
from deeppcos.app.example_study import write_example_study
from deeppcos.records.open_study import open_file
from deeppcos.vision.analyse import analyse_frame, prepare_frame
from deeppcos.vision.burned_in_scale import read_burned_in_scale
from deeppcos.vision.graphics import neutralise_graphics
from deeppcos.vision.looking import look_at
from deeppcos.vision.preprocess import INPUT_SIDE_PX
from deeppcos.vision.release import Network, load_release

Parts = dict[str, Callable[[], object]]
Maps = npt.NDArray[np.float32]


def parts_of(still: Path, *, threads: int) -> Parts:
    """The steps of one still, each ready to be timed alone."""
    release = load_release(threads=threads)
    frame = next(iter(open_file(still).frames()))
    grey = prepare_frame(frame).grey
    points = release.manifest.operating_points
    empty = np.zeros((2, 1, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
    asked: list[int] = []

    def counted(pictures: Maps) -> tuple[Maps, Maps]:
        asked.append(len(pictures))
        return release.network(pictures)

    def look(network: Network = release.network) -> object:
        return look_at(grey, network, points=points, rule=release.follicle_rule)

    look(counted)

    return {
        "read DICOM": lambda: next(iter(open_file(still).frames())),
        "burned-in scale": lambda: read_burned_in_scale(frame),
        "graphics filled in": lambda: neutralise_graphics(frame),
        "looks and instances": look,
        "of which network": lambda: [release.network(empty[:number]) for number in asked],
        "frame to findings": lambda: analyse_frame(frame, release),
        "file to JSON, whole": lambda: [row.model_dump_json() for row in rows_of(still, release)],
    }


def measured(parts: Parts, *, rounds: int) -> dict[str, Any]:
    """Wall and processor time of every part, interleaved, after one round to warm up."""
    wall: dict[str, list[float]] = {name: [] for name in parts}
    cpu: dict[str, list[float]] = {name: [] for name in parts}
    for number in range(rounds + 1):
        for name, work in parts.items():
            taken = timed(work)
            if number:
                wall[name].append(taken[0])
                cpu[name].append(taken[1])
    return {name: {"wall_s": spread(wall[name]), "cpu_s": spread(cpu[name])} for name in parts}


def main() -> None:
    """Measure."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=20)
    add_json_option(options)
    asked = options.parse_args()
    load_before = load_now()
    cv2.setNumThreads(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        study = write_example_study(Path(folder) / "study")
        found = measured(parts_of(study.stills[0], threads=asked.threads), rounds=asked.rounds)
    print(f"{asked.threads} threads, load average {load_before:.1f}; ms: median (least to largest)")
    for name, taken in found.items():
        wall, cpu = (taken[key].said(factor=1000) for key in ("wall_s", "cpu_s"))
        print(f"{name:26s} wall {wall:28s} processor {cpu}")
    keep({"threads": asked.threads, "parts": found}, asked.json, load_before=load_before)


if __name__ == "__main__":
    main()
