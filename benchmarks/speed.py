"""All figures of speed in one command, written into their page.

    python -m benchmarks.speed [--minutes 6] [--only peers]

Runs each benchmark in a process of its own, keeps its figures, and rewrites the measured parts of
``docs/evidence/speed.md``; the words around them stay. Run it on a quiet machine.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "evidence" / "speed.md"
Figures = dict[str, Any]


def said(spread: Figures, *, factor: float = 1.0, digits: int = 0) -> str:
    """Median (least to largest)."""
    low, middle, high = (spread[key] * factor for key in ("least", "median", "largest"))
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def taken_on(figures: Figures) -> str:
    """Where, when, and how busy the machine was."""
    machine = figures["machine"]
    return (
        f"{machine['date']}, {machine['processor']}, {machine['cores']} cores, Python "
        f"{machine['python']}; load average {machine['load_before']} before and "
        f"{machine['load_average']} after."
    )


def one_still(figures: Figures) -> str:
    """Table of the parts of one still."""
    rows = [
        f"| {name} | {said(part['cpu_s'], factor=1000, digits=1)} "
        f"| {said(part['wall_s'], factor=1000, digits=1)} |"
        for name, part in figures["parts"].items()
    ]
    rounds = next(iter(figures["parts"].values()))["wall_s"]["n"]
    head = f"{figures['threads']} thread(s), {rounds} rounds, ms. {taken_on(figures)}"
    return "\n".join([head, "", "| part | processor | wall |", "|---|---|---|", *rows])


def peers(figures: Figures) -> str:
    """Table of segmenters, ours first."""
    ours = figures["found"]["deeppcos"]
    rows = [
        f"| {name} | {said(one['cpu_s'], factor=1000)} | {said(one['wall_s'], factor=1000)} "
        f"| {one['cpu_s']['median'] / ours['cpu_s']['median']:.1f} "
        f"| {one['cpu_s']['least'] / ours['cpu_s']['least']:.1f} "
        f"| {one['wall_s']['median'] / ours['wall_s']['median']:.1f} | {one['peak_mib']:.0f} |"
        for name, one in figures["found"].items()
    ]
    rows += [f"| {name} | {reason} | | | | | |" for name, reason in figures["missing"].items()]
    head = f"{figures['threads']} threads, {ours['wall_s']['n']} rounds, ms. {taken_on(figures)}"
    titles = "| segmenter | processor | wall | times ours: processor | least of it | wall | MiB |"
    return "\n".join([head, "", titles, "|---|---|---|---|---|---|---|", *rows])


def archive(figures: Figures) -> str:
    """Throughput against the kernel."""
    kernel = figures["kernel"]
    inside, whole = 1000 * kernel["network_cpu_s"], 1000 * kernel["cpu_s"]
    each = 1000 * figures["each_s"]
    rows = [
        f"| network, {kernel['network_pictures']:.2f} pictures of 256 px | {inside:.1f} |",
        f"| scale, graphics, views, instances, outlines, measuring | {whole - inside:.1f} |",
        f"| **kernel: decoded picture to findings** | **{whole:.1f}** |",
        f"| reading, rows, writing, summary | {each - whole:.1f} |",
        f"| **archive run, its start apart** | **{each:.1f}** |",
    ]
    tail = (
        f"{figures['images']:,} stills were read, with {figures['workers']} workers: "
        f"{figures['of_limit']:.0%} of the kernel's limit by processor time, the start of all "
        f"processes ({figures['start_s']:.1f} s) included. Drawn out in a line to "
        f"{figures['wanted']:,} stills, the start counted once: "
        f"**{figures['of_limit_wanted']:.1%} of the kernel's limit**, "
        f"{figures['minutes_wanted']:.0f} minutes of {figures['workers']} cores. In wall time "
        f"this run made {figures['images_a_second']:.1f} stills a second out of the "
        f"{figures['cores_given']:.2f} cores it was given. Largest process "
        f"{figures['run']['peak_mib']:.0f} MiB. {taken_on(figures)}"
    )
    return "\n".join(["| a still, ms of processor | |", "|---|---|", *rows, "", tail])


def roofline(figures: Figures) -> str:
    """Operations and rates."""
    rows = [
        f"| {kind} | {count / 1e9:.3f} | {said(figures['rates'][kind], digits=1)} "
        f"| {1000 * count / figures['rates'][kind]['median'] / 1e9:.1f} |"
        for kind, count in figures["operations"].items()
    ]
    total = sum(figures["operations"].values()) / 1e9
    share = figures["least_s"] / figures["network_s"]["median"]
    rows.append(
        f"| **network** | **{total:.3f}** | {said(figures['network_rate'], digits=1)} "
        f"| {said(figures['network_s'], factor=1000, digits=1)} |"
    )
    tail = (
        f"Its layers alone, each at the machine's own rate, would take "
        f"{1000 * figures['least_s']:.1f} ms: the network reaches {share:.0%} of that roof. "
        f"A square matrix product reaches {said(figures['rates']['matrix'], digits=1)} G/s. "
        f"{taken_on(figures)}"
    )
    titles = "| layer | G operations a picture | G/s of one core | ms |"
    return "\n".join([titles, "|---|---|---|---|", *rows, "", tail])


def start_to_result(figures: Figures) -> str:
    """Whole process."""
    imports = ", ".join(f"{n} {1000 * s:.0f} ms" for n, s in figures["imports_s"].items())
    return (
        f"Wall {said(figures['wall_s'], digits=2)} s, processor "
        f"{said(figures['cpu_s'], digits=2)} s, peak memory {said(figures['peak_mib'])} MiB, "
        f"{figures['wall_s']['n']} runs. Imports with all they bring, in one run under the "
        f"import timer: {imports}. {taken_on(figures)}"
    )


SECTIONS: dict[str, tuple[Callable[[Figures], str], tuple[str, ...]]] = {
    "one_still": (one_still, ("--threads", "1")),
    "start_to_result": (start_to_result, ()),
    "peers": (peers, ()),
    "roofline": (roofline, ()),
    "archive": (archive, ()),
}
"""How each benchmark is told, and its options."""


def replaced(page: str, name: str, text: str) -> str:
    """The page with one measured part replaced.

    Examples:
        >>> replaced("a <!-- a -->old<!-- end a --> b", "a", "new").split()
        ['a', '<!--', 'a', '-->', 'new', '<!--', 'end', 'a', '-->', 'b']

    Raises:
        ValueError: If the page has lost its markers.
    """
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    before, found, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has lost its markers {start} and {end}: put them back")
    return f"{before}{start}\n{text}\n{end}{after}"


def main() -> None:
    """Run, and write the page."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--only", choices=SECTIONS, action="append")
    options.add_argument("--minutes", default="6", help="time for the archive run")
    options.add_argument("--figures", type=Path, help="keep the figures in this folder")
    options.add_argument("--write-only", action="store_true", help="tell kept figures again")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.figures or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in asked.only or SECTIONS:
            tell, rest = SECTIONS[name]
            file = folder / f"{name}.json"
            if not asked.write_only:
                more = ("--minutes", asked.minutes) if name == "archive" else rest
                command = [sys.executable, "-m", f"benchmarks.{name}", *more, "--json", str(file)]
                subprocess.run(command, check=True)
            text = tell(json.loads(file.read_text(encoding="utf-8")))
            PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), name, text))


if __name__ == "__main__":
    main()
