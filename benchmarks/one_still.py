"""How long one calibrated still takes, from file to findings, and where the time goes.

    python benchmarks/one_still.py [--threads 2] [--rounds 20]

Draws its own picture; prints the median and the spread of each part, and the whole process from
start to JSON. Wall times on a shared machine: trust the shares, measure again for claims.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deeppcos.app.example_study import write_example_study
from deeppcos.records.open_study import open_file
from deeppcos.vision.analyse import analyse_frame
from deeppcos.vision.burned_in_scale import read_burned_in_scale
from deeppcos.vision.graphics import neutralise_graphics
from deeppcos.vision.looking import look_at
from deeppcos.vision.release import load_release


def timed(work: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each round, after one to warm up."""
    work()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1e3)
    return times


def told(name: str, times: list[float]) -> None:
    """One line of the table."""
    print(
        f"{name:34s} {statistics.median(times):8.1f} ms "
        f"(min {min(times):.1f}, max {max(times):.1f}, n = {len(times)})"
    )


def main() -> None:
    """Measure."""
    options = argparse.ArgumentParser()
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=20)
    asked = options.parse_args()
    release = load_release(threads=asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        write_example_study(study)
        still = study / "left_ovary_long.dcm"
        frame = next(iter(open_file(still).frames()))
        grey = neutralise_graphics(frame).grey
        points = release.manifest.operating_points
        rounds = asked.rounds
        told("read DICOM", timed(lambda: next(iter(open_file(still).frames())), rounds))
        told("burned-in scale", timed(lambda: read_burned_in_scale(frame), rounds))
        told("graphics filled in", timed(lambda: neutralise_graphics(frame), rounds))
        told(
            "two looks and instances",
            timed(
                lambda: look_at(grey, release.network, points=points, rule=release.follicle_rule),
                rounds,
            ),
        )
        told("frame to findings, whole", timed(lambda: analyse_frame(frame, release), rounds))
        command = [sys.executable, "-m", "deeppcos", "analyze", str(still), "--format", "json"]
        whole = timed(
            lambda: subprocess.run(command, check=True, capture_output=True), min(rounds, 5)
        )
        told("process start to JSON", whole)


if __name__ == "__main__":
    main()
