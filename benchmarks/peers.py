"""One still beside other segmenters in the same run: nnU-Net, MONAI, Cellpose, Ultralytics.

    python -m benchmarks.peers [--threads 2] [--rounds 5]

Makes an environment of its own for the peers from their packages (about 2 GB, kept in the cache
folder), never a dependency of DeepPCOS: Ultralytics is AGPL. A peer that cannot be installed or
started is listed with the reason. The peers' weights are as initialised: time only, accuracy is
not compared here. Each process loads once; then all look at the same picture in turn.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks.measuring import Spread, add_json_option, keep, load_now, spread
from PIL import Image

from deeppcos.app.example_study import write_example_study
from deeppcos.records.open_study import open_file

WORKER = Path(__file__).with_name("peer_worker.py")
OURS = "deeppcos"
PACKAGES = {
    "nnunet": ("torch==2.13.0", "nnunetv2==2.8.1"),
    "nnunet_unmirrored": ("torch==2.13.0", "nnunetv2==2.8.1"),
    "monai_unet": ("torch==2.13.0", "monai==1.6.1"),
    "cellpose": ("torch==2.13.0", "cellpose==3.1.1.3"),
    "ultralytics": ("torch==2.13.0", "ultralytics==8.4.190"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one segmenter took for one picture, loaded and warm."""

    wall_s: Spread
    cpu_s: Spread
    peak_mib: float


def cache_folder() -> Path:
    """Where the peers' environment is kept from run to run."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "deeppcos-peers"


def install(environment: Path) -> dict[str, str]:
    """Make the environment; the reason for each peer that cannot be installed."""
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
    reasons: dict[str, str] = {}
    for name, packages in PACKAGES.items():
        command = [str(python), "-m", "pip", "install", "--quiet", *packages]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            reasons[name] = f"not installed: {last_words(done.stderr)}"
    return reasons


def last_words(text: str) -> str:
    """The last line that says something.

    Examples:
        >>> last_words("Traceback ...\\nImportError: no such thing\\n\\n")
        'ImportError: no such thing'
        >>> last_words("")
        'nothing was said'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing was said"


class Segmenter:
    """A segmenter in its own process, ready to look."""

    def __init__(self, name: str, python: Path, picture: Path, *, threads: int) -> None:
        self._said: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 closed with the process
        command = [str(python), str(WORKER), name, str(picture), "--threads", str(threads)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            encoding="utf-8",
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )

    def answer(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            RuntimeError: If the process ended instead, with its last words.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self._process.wait()
        self._said.seek(0)
        raise RuntimeError(last_words(self._said.read()))

    def look(self) -> dict[str, Any]:
        """Ask for one look."""
        assert self._process.stdin is not None
        self._process.stdin.write("look\n")
        self._process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(timeout=60)
        self._said.close()


def started(
    names: dict[str, tuple[Path, Path]], *, threads: int
) -> tuple[dict[str, Segmenter], dict[str, str]]:
    """Start segmenters one after the other; the reason for each that does not start."""
    ready: dict[str, Segmenter] = {}
    reasons: dict[str, str] = {}
    for name, (python, picture) in names.items():
        segmenter = Segmenter(name, python, picture, threads=threads)
        try:
            segmenter.answer()
        except RuntimeError as problem:
            reasons[name] = f"does not start: {problem}"
            segmenter.close()
        else:
            ready[name] = segmenter
    return ready, reasons


def in_turn(looks: dict[str, Callable[[], dict[str, Any]]], *, rounds: int) -> dict[str, Measured]:
    """Ask each in turn, round after round."""
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in looks}
    for _ in range(rounds):
        for name, look in looks.items():
            taken[name].append(look())
    return {
        name: Measured(
            wall_s=spread([one["wall_s"] for one in all_of_it]),
            cpu_s=spread([one["cpu_s"] for one in all_of_it]),
            peak_mib=max(one["peak_mib"] for one in all_of_it),
        )
        for name, all_of_it in taken.items()
    }


def main() -> None:
    """Install, start, measure, tell."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--venv", type=Path, default=cache_folder())
    add_json_option(options)
    asked = options.parse_args()
    missing = install(asked.venv)
    load_before = load_now()
    with tempfile.TemporaryDirectory() as folder:
        still = write_example_study(Path(folder) / "study").stills[0]
        pixels = next(iter(open_file(still).frames())).pixels
        # nnU-Net knows a picture by the number of its channel.
        picture = Path(folder) / "still_0000.png"
        Image.fromarray(pixels).convert("L").save(picture)
        python = asked.venv / "bin" / "python"
        wanted = {OURS: (Path(sys.executable), still)}
        wanted |= {name: (python, picture) for name in PACKAGES if name not in missing}
        ready, silent = started(wanted, threads=asked.threads)
        try:
            found = in_turn({n: s.look for n, s in ready.items()}, rounds=asked.rounds)
        finally:
            for segmenter in ready.values():
                segmenter.close()
    _tell(found, missing | silent, load=load_before)
    figures = {"threads": asked.threads, "found": found, "missing": missing | silent}
    keep(figures, asked.json, load_before=load_before)


def _tell(found: dict[str, Measured], missing: dict[str, str], *, load: float) -> None:
    """The table."""
    print(f"load average {load:.1f}; ms: median (least to largest); times ours by processor, wall")
    base = found[OURS]
    for name, one in found.items():
        cpu, wall = one.cpu_s.median / base.cpu_s.median, one.wall_s.median / base.wall_s.median
        print(
            f"{name:18s} processor {one.cpu_s.said(factor=1000, digits=0):26s}"
            f" wall {one.wall_s.said(factor=1000, digits=0):26s} {one.peak_mib:6.0f} MiB"
            f" {cpu:6.1f}x {wall:6.1f}x"
        )
    for name, reason in missing.items():
        print(f"{name}: {reason}")


if __name__ == "__main__":
    main()
