"""Put the example's real output into the README, between its markers.

Owns one thing: the first screen shows what the program prints, never what someone remembers.

    .venv/bin/python scripts/fill_readme.py          fill README.md
    .venv/bin/python scripts/fill_readme.py --print  print the output only
"""

import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
START, END = "<!-- output:start -->\n", "<!-- output:end -->\n"
STUDY = "deeppcos-example"


def run(*words: str, folder: Path) -> str:
    """Standard output of one ``deeppcos`` command run in a folder; stops on failure."""
    finished = subprocess.run(
        [sys.executable, "-m", "deeppcos", *words],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "100", "NO_COLOR": "1", "LANG": "C.UTF-8"},
    )
    if finished.returncode != 0:
        sys.exit(f"deeppcos {' '.join(words)} failed:\n{finished.stderr}")
    return finished.stdout


def example_output() -> str:
    """What ``./start`` prints for the example, from the folder that the clone is in."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run("example", STUDY, folder=folder)
        printed = run("analyze", STUDY, "--chart", f"{STUDY}/chart.json", folder=folder)
    return "\n".join(line.rstrip() for line in printed.splitlines()).strip() + "\n"


def filled(readme: str, output: str) -> str:
    """The README with this output between its markers."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}```\n{output}```\n{END}{after}"


def main(words: list[str]) -> None:
    """Fill the README, or print the output with ``--print``."""
    output = example_output()
    if words == ["--print"]:
        sys.stdout.write(output)
        return
    README.write_text(filled(README.read_text(encoding="utf-8"), output), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
