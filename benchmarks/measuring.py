"""Stopwatches, spreads and processes for the benchmarks. Owns no benchmark.

Figures are medians with the least and the largest. Wall time holds on a quiet machine only, so
processor time and the load average stand beside it.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median, least and largest of some figures."""

    median: float
    least: float
    largest: float
    n: int

    def said(self, *, factor: float = 1.0, digits: int = 1) -> str:
        """As text: median (least to largest).

        Examples:
            >>> spread([0.2, 0.1, 0.4]).said(factor=1000, digits=0)
            '200 (100 to 400)'
        """
        low, middle, high = (f * factor for f in (self.least, self.median, self.largest))
        return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def spread(values: Sequence[float]) -> Spread:
    """Summarise figures."""
    return Spread(
        median=statistics.median(values), least=min(values), largest=max(values), n=len(values)
    )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of one call, all threads of this process included."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessTaken:
    """What a whole process cost; children that it waited for are included."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def run_process(command: Sequence[str]) -> ProcessTaken:
    """Run a command to its end, its output thrown away.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return ProcessTaken(
        wall_s=time.perf_counter() - began,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_mib=used.ru_maxrss / 1024,
    )


def machine() -> dict[str, Any]:
    """Where and when figures are taken."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    """Name of the processor as its system states it."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def add_json_option(options: argparse.ArgumentParser) -> None:
    """Let a benchmark keep its figures for the page of figures."""
    options.add_argument("--json", type=Path, help="write the figures here as well")


def keep(figures: dict[str, Any], file: Path | None, *, load_before: float) -> None:
    """Write figures with the machine they come from; ``Spread`` becomes an object."""
    if file is None:
        return
    stated = {**figures, "machine": machine() | {"load_before": round(load_before, 1)}}
    file.write_text(json.dumps(stated, indent=1, default=asdict) + "\n", encoding="utf-8")


def load_now() -> float:
    """Load average of the last minute."""
    return os.getloadavg()[0]
