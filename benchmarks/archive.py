"""Throughput of a folder of stills through ``deeppcos analyze --on local``, beside its own kernel.

    python -m benchmarks.archive [--images 10000] [--minutes 6] [--workers 2]
    python -m benchmarks.archive --keep FOLDER          all images, going on after a stop

The kernel is one decoded picture to its findings, on one thread, in as many processes at once as
there are workers: what the machine gives when nothing is read, written, planned or started. The
archive run of the same pictures is then held against it. Where all images do not fit the time,
fewer are read, and a run of one still a worker tells what starting costs: what all images take is
then drawn out in a line, the start once and the rest by the still. With ``--keep`` nothing is drawn
out: all images are read in parts of 2,000, the times of finished parts stay in the folder, and the
same command goes on with the rest.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from benchmarks.measuring import add_json_option, keep, load_now

from deeppcos.learning.phantom import random_scene
from deeppcos.records.open_study import open_file
from deeppcos.vision.analyse import analyse_frame
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.release import Release, load_release

SCENES = 12
"""Distinct phantoms; every file is one of them at another gain."""

KERNEL_ROUNDS = 1
PART = 2000
"""Stills of one command where the run can be stopped and gone on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """What one core gives for one decoded picture.

    Attributes:
        cpu_s: Processor seconds a picture.
        wall_s: Wall seconds a picture, the other workers busy as well.
        network_cpu_s: Of it, inside the network.
        network_pictures: Pictures of 256 pixels shown to the network, on average.
    """

    cpu_s: float
    wall_s: float
    network_cpu_s: float
    network_pictures: float


class WatchedNetwork:
    """A network that adds up what it is asked and how long it takes."""

    def __init__(self, release: Release) -> None:
        self._inner = release.network
        self.pictures, self.cpu_s = 0, 0.0

    def __call__(self, pictures: Any) -> Any:
        began = time.process_time()
        answer = self._inner(pictures)
        self.cpu_s += time.process_time() - began
        self.pictures += len(pictures)
        return answer


def write_stills(folder: Path, images: int) -> None:
    """So many JPEG stills of phantoms, no two the same."""
    scenes = [random_scene(np.random.default_rng([3000, n])).pixels for n in range(SCENES)]
    for number in range(images):
        gain = 0.8 + 0.4 * (number // SCENES) / max(1, images // SCENES)
        changed = cv2.convertScaleAbs(scenes[number % SCENES], alpha=gain)
        name = str(folder / f"still_{number:05d}.jpg")
        cv2.imwrite(name, cv2.cvtColor(changed, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])


def kernel_of(files: list[str]) -> Kernel:
    """Time the kernel over some files; runs in a process of its own."""
    cv2.setNumThreads(1)
    loaded = load_release(threads=1)
    network = WatchedNetwork(loaded)
    release = Release(manifest=loaded.manifest, network=network)
    frames: list[UltrasoundFrame] = [next(iter(open_file(f).frames())) for f in files]
    analyse_frame(frames[0], release)
    network.pictures, network.cpu_s = 0, 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(KERNEL_ROUNDS):
        for frame in frames:
            analyse_frame(frame, release)
    looked = KERNEL_ROUNDS * len(frames)
    return Kernel(
        cpu_s=(time.process_time() - cpu) / looked,
        wall_s=(time.perf_counter() - wall) / looked,
        network_cpu_s=network.cpu_s / looked,
        network_pictures=network.pictures / looked,
    )


def kernel_at_once(files: list[str], *, workers: int) -> Kernel:
    """The kernel with all workers busy, averaged over them."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=fresh) as pool:
        found = list(pool.map(kernel_of, [files] * workers))
    return Kernel(
        cpu_s=float(np.mean([k.cpu_s for k in found])),
        wall_s=float(np.mean([k.wall_s for k in found])),
        network_cpu_s=float(np.mean([k.network_cpu_s for k in found])),
        network_pictures=float(np.mean([k.network_pictures for k in found])),
    )


def archive_run(folder: Path, out: Path, *, workers: int) -> dict[str, float]:
    """Run the command over a folder; wall, processor time of all its processes, and memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [sys.executable, "-m", "deeppcos", "analyze", str(folder), "--on", "local"]
    command += ["--workers", str(workers), "--out", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    wall = time.perf_counter() - began
    return {"wall_s": wall, "cpu_s": used, "peak_mib": after.ru_maxrss / 1024}


def archive_in_parts(keep: Path, images: int, *, workers: int) -> dict[str, float]:
    """All images, part by part; parts that an earlier call finished are not read again."""
    times = keep / "parts.json"
    done: dict[str, dict[str, float]] = (
        json.loads(times.read_text(encoding="utf-8")) if times.is_file() else {}
    )
    for first in range(0, images, PART):
        name = f"{first:05d}-{min(first + PART, images):05d}"
        if name in done:
            continue
        stills = keep / name
        stills.mkdir(parents=True, exist_ok=True)
        write_stills(stills, min(PART, images - first))
        # A part that was stopped is measured from its start: half its times would flatter it.
        out = Path(tempfile.mkdtemp(prefix="out-", dir=keep))
        done[name] = archive_run(stills, out, workers=workers)
        fresh = times.with_suffix(".new")
        fresh.write_text(json.dumps(done, indent=1), encoding="utf-8")
        fresh.replace(times)
        shutil.rmtree(stills)
        shutil.rmtree(out)
        print(f"{name}: {done[name]['wall_s']:.0f} s", file=sys.stderr, flush=True)
    parts = list(done.values())
    return {
        "wall_s": sum(one["wall_s"] for one in parts),
        "cpu_s": sum(one["cpu_s"] for one in parts),
        "peak_mib": max(one["peak_mib"] for one in parts),
    }


def figures_of(
    kernel: Kernel,
    run: dict[str, float],
    small: dict[str, float],
    *,
    images: int,
    workers: int,
    wanted: int,
    starts: int = 1,
) -> dict[str, Any]:
    """How near the run came to the kernel's limit.

    By processor time: what else the processors had to do. Wall time adds waiting, which on a
    machine shared with other work is theirs as well, so it is given beside the cores we had.

    Args:
        kernel: The limit.
        run: Times of the run.
        small: Times of the run of one still a worker.
        images: Stills of the run.
        workers: Worker processes; stills of the small run.
        wanted: Stills of the archive that is asked about.
        starts: Commands the run was made of.
    """
    each_s = (run["cpu_s"] - starts * small["cpu_s"]) / max(1, images - starts * workers)
    start_s = max(0.0, small["cpu_s"] - workers * each_s)
    cores = min(workers, os.cpu_count() or workers)
    return {
        "images": images,
        "workers": workers,
        "wanted": wanted,
        "kernel": kernel,
        "run": run,
        "each_s": each_s,
        "start_s": start_s,
        "of_limit": kernel.cpu_s * images / run["cpu_s"],
        "of_limit_wanted": kernel.cpu_s * wanted / (start_s + wanted * each_s),
        "images_a_second": images / run["wall_s"],
        "cores_given": run["cpu_s"] / run["wall_s"],
        "minutes_wanted": (start_s + wanted * each_s) / cores / 60,
    }


def main() -> None:
    """Measure."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--images", type=int, default=10_000)
    options.add_argument("--minutes", type=float, default=6.0, help="time the run may take")
    options.add_argument("--least", type=int, default=200, help="stills that are read in any case")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--keep", type=Path, help="read all images, and go on here after a stop")
    add_json_option(options)
    asked = options.parse_args()
    load_before = load_now()
    with tempfile.TemporaryDirectory() as temporary:
        sample, few, folder = (Path(temporary) / name for name in ("sample", "few", "stills"))
        for place in (sample, few, folder):
            place.mkdir()
        write_stills(sample, 2 * SCENES)
        files = sorted(str(path) for path in sample.iterdir())
        first = kernel_at_once(files, workers=asked.workers)
        fit = int(asked.minutes * 60 * asked.workers / first.wall_s)
        images = max(2 * asked.workers, asked.least, min(asked.images, fit))
        if asked.keep is not None:
            images = asked.images
        write_stills(few, asked.workers)
        small = archive_run(few, Path(temporary) / "first", workers=asked.workers)
        if asked.keep is not None:
            run = archive_in_parts(asked.keep, images, workers=asked.workers)
        else:
            write_stills(folder, images)
            run = archive_run(folder, Path(temporary) / "out", workers=asked.workers)
        # Before and after, since the machine changes its speed with what others do.
        second = kernel_at_once(files, workers=asked.workers)
    kernel = min(first, second, key=lambda k: k.cpu_s)
    figures = figures_of(
        kernel,
        run,
        small,
        images=images,
        workers=asked.workers,
        wanted=asked.images,
        starts=1 if asked.keep is None else -(-images // PART),
    )
    _tell(figures, load=load_before)
    keep(figures, asked.json, load_before=load_before)


def _tell(figures: dict[str, Any], *, load: float) -> None:
    """What was found."""
    kernel, run = figures["kernel"], figures["run"]
    print(f"load average {load:.1f}; {figures['images']} stills, {figures['workers']} workers")
    print(f"kernel: {1000 * kernel.cpu_s:.1f} ms of processor a still", end=", ")
    print(f"{1000 * kernel.network_cpu_s:.1f} in the network", end=" ")
    print(f"({kernel.network_pictures:.2f} pictures of 256 px)")
    print(f"archive: {1000 * figures['each_s']:.1f} ms of processor a still", end=", ")
    print(f"and {figures['start_s']:.1f} s to start")
    print(f"of the kernel's limit: {figures['of_limit']:.1%} in this run", end=", ")
    print(f"{figures['of_limit_wanted']:.1%} over {figures['wanted']} stills")
    print(f"{figures['images_a_second']:.1f} stills a second of wall time", end=", ")
    print(f"given {figures['cores_given']:.2f} cores")
    print(f"{figures['wanted']} stills need {figures['minutes_wanted']:.1f} minutes of all cores")
    print(f"largest process: {run['peak_mib']:.0f} MiB")


if __name__ == "__main__":
    main()
