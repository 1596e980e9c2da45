"""From the start of the process to the result of one still: time, memory, and what imports cost.

    python -m benchmarks.start_to_result [--rounds 7]

Runs ``deeppcos analyze STILL --format json`` as a user does, one process a round.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import add_json_option, keep, load_now, run_process, spread

from deeppcos.app.example_study import write_example_study

SHOWN = ("numpy", "cv2", "pydicom", "pydantic", "typer", "onnxruntime", "SimpleITK", "rich.text")
"""Packages whose import is shown by itself, where it is imported at all."""

LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \|\s*(\S+)")


def import_costs(listing: str) -> dict[str, float]:
    """Seconds that each shown package took, with all it imports, from ``-X importtime``.

    Examples:
        >>> import_costs("import time:       100 |     250000 |   numpy")
        {'numpy': 0.25}
    """
    found = {name: int(whole) / 1e6 for _, whole, name in LINE.findall(listing)}
    return {name: found[name] for name in SHOWN if name in found}


def main() -> None:
    """Measure."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=7)
    add_json_option(options)
    asked = options.parse_args()
    load_before = load_now()
    with tempfile.TemporaryDirectory() as folder:
        still = str(write_example_study(Path(folder) / "study").stills[0])
        rest = ["-m", "deeppcos", "analyze", still, "--format", "json"]
        run_process([sys.executable, *rest])
        taken = [run_process([sys.executable, *rest]) for _ in range(asked.rounds)]
        listed = subprocess.run(
            [sys.executable, "-X", "importtime", *rest],
            check=True,
            capture_output=True,
            encoding="utf-8",
        )
    wall, cpu = spread([t.wall_s for t in taken]), spread([t.cpu_s for t in taken])
    peak = spread([t.peak_mib for t in taken])
    costs = import_costs(listed.stderr)
    print(f"load average {load_before:.1f}; median (least to largest) of {wall.n}")
    print(f"process start to JSON: wall {wall.said(digits=2)} s, processor {cpu.said(digits=2)} s")
    print(f"peak memory {peak.said(digits=0)} MiB")
    for name, seconds in costs.items():
        print(f"  import {name:14s} {1000 * seconds:6.0f} ms")
    figures = {"wall_s": wall, "cpu_s": cpu, "peak_mib": peak, "imports_s": costs}
    keep(figures, asked.json, load_before=load_before)


if __name__ == "__main__":
    main()
