"""Is a sweep analysed as fast as it is scanned? Frames a second, CPU time and memory.

Run::

    python benchmarks/sweep_speed.py

Draws one phantom sweep, plays it to and fro to the wanted lengths, and analyses it as the product
does. Wall time on a shared machine says little, so CPU time a frame is given as well, in
milliseconds and in bare forward passes of the network measured in the same run; two cores that do
nothing else then reach about 2000 / CPU-ms frames a second. Memory is the process's highest
resident size after each length: flat when a long sweep needs no more than a short one.
"""

import argparse
import resource
import time
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.phantom import Plane, ProbeSettings, draw_sweep, random_ovary
from deeppcos.vision.analyse import analyse_frame
from deeppcos.vision.frame import MmPerPixel, ScaleSource, UltrasoundFrame
from deeppcos.vision.preprocess import INPUT_SIDE_PX
from deeppcos.vision.release import Release, load_release
from deeppcos.vision.sweep_analysis import analyse_sweep

FRAMES_DRAWN = 32
HEAD = """| frames | frames a second | CPU ms a frame | in forward passes | by CPU time, two free \
cores: frames a second (asked 30) | highest memory, MB |
|---|---|---|---|---|---|"""


def drawn() -> tuple[list[npt.NDArray[np.uint8]], MmPerPixel]:
    """One sweep through an ovary of 20 follicles, 640 x 480."""
    rng = np.random.default_rng(4)
    ovary = random_ovary(rng, follicle_count=20, volume_ml=11.0)
    sweep = draw_sweep(
        ovary, ProbeSettings(), plane=Plane(depth_mm=28.0), frames=FRAMES_DRAWN, rng=rng
    )
    mm = sweep.sections[0].mm_per_pixel
    scale = MmPerPixel(x=mm, y=mm, source=ScaleSource.DICOM_REGIONS)
    return [section.pixels for section in sweep.sections], scale


def played(
    pictures: list[npt.NDArray[np.uint8]], scale: MmPerPixel, length: int
) -> Iterator[UltrasoundFrame]:
    """To and fro through the pictures, each a copy of its own, as a decoder gives them."""
    to_and_fro = [*range(len(pictures)), *range(len(pictures) - 2, 0, -1)]
    for index in range(length):
        picture = pictures[to_and_fro[index % len(to_and_fro)]]
        yield UltrasoundFrame(
            source="phantom", index=index, pixels=picture.copy(), mm_per_pixel=scale
        )


def forward_ms(release: Release) -> float:
    """CPU time of one bare forward pass, ms: the least of ten."""
    picture = np.full((1, 1, INPUT_SIDE_PX, INPUT_SIDE_PX), 0.5, np.float32)
    release.network(picture)
    times = []
    for _ in range(10):
        start = time.process_time()
        release.network(picture)
        times.append(time.process_time() - start)
    return 1000 * min(times)


def main() -> None:
    """Print one row a length, and what two looks at every frame cost beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=[60, 300, 900])
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    release = load_release(threads=1)
    pictures, scale = drawn()
    bare = forward_ms(release)
    print(f"bare forward pass: {bare:.0f} ms of CPU\n")
    print(HEAD)
    for length in arguments.lengths:
        wall, cpu = time.perf_counter(), time.process_time()
        count = sum(1 for _ in analyse_sweep(played(pictures, scale, length), release))
        wall, cpu = time.perf_counter() - wall, 1000 * (time.process_time() - cpu) / count
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        row = (f"{count}", f"{count / wall:.1f}", f"{cpu:.0f}", f"{cpu / bare:.1f}",
               f"{2000 / cpu:.0f}", f"{memory:.0f}")  # fmt: skip
        print(f"| {' | '.join(row)} |", flush=True)
    cpu = time.process_time()
    for frame in played(pictures, scale, 12):
        analyse_frame(frame, release)
    cpu = 1000 * (time.process_time() - cpu) / 12
    print(f"\nEvery frame looked at as a still: {cpu:.0f} ms of CPU a frame, {cpu / bare:.1f} "
          "forward passes.")  # fmt: skip


if __name__ == "__main__":
    main()
