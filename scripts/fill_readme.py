"""Put the example's real output into the README, between its markers.

Owns one thing: the first screen shows what the program prints, never what someone remembers.

    .venv/bin/python scripts/fill_readme.py          fill README.md
    .venv/bin/python scripts/fill_readme.py --print  print the output only

A folder may follow; the study is written there instead of into a temporary one.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
START, END = "<!-- output:start -->\n", "<!-- output:end -->\n"
SHOWN_FOLDER = "deeppcos-example"


def run(*words: str | Path) -> str:
    """Standard output of one ``deeppcos`` command, with narrow lines; stops on failure."""
    finished = subprocess.run(
        [sys.executable, "-m", "deeppcos", *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "100", "NO_COLOR": "1", "LANG": "C.UTF-8"},
    )
    if finished.returncode != 0:
        sys.exit(f"deeppcos {' '.join(map(str, words))} failed:\n{finished.stderr}")
    return finished.stdout


def example_output(study: Path) -> str:
    """What `./start` prints for the example, with the folder named as `./start` names it."""
    run("example", study)
    printed = run("analyze", study, "--chart", study / "chart.json")
    lines = printed.replace(str(study), SHOWN_FOLDER).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip() + "\n"


def filled(readme: str, output: str) -> str:
    """The README with this output between its markers."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}```\n{output}```\n{END}{after}"


def main(words: list[str]) -> None:
    """Fill the README, or print the output with ``--print``."""
    folders = [Path(word) for word in words if not word.startswith("-")]
    with tempfile.TemporaryDirectory() as scratch:
        output = example_output(folders[0] if folders else Path(scratch) / "study")
    if "--print" in words:
        sys.stdout.write(output)
        return
    README.write_text(filled(README.read_text(encoding="utf-8"), output), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
