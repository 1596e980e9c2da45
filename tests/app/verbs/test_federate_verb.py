"""``deeppcos federate`` at the terminal: what would leave is shown, contradictions are refused."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="federated training needs the train extra")
pytest.importorskip("accelerate", reason="federated training needs the train extra")
pytest.importorskip("scipy", reason="the rule of suppression needs the federated extra")
pytest.importorskip("cryptography", reason="keys of sites need the federated extra")

from deeppcos.app.cli import app
from deeppcos.learning.federated.keys import make_key

PATIENTS = 24


@pytest.fixture
def site(tmp_path: Path) -> list[str]:
    """A site with one patient on a scanner of her own."""
    chance = np.random.default_rng(1)
    names = []
    for n in range(PATIENTS):
        name = f"{'lesion' if n % 2 else 'ovary'}/{n}.png"
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        picture = chance.integers(0, 255, (64, 64), np.uint8)
        assert cv2.imwrite(str(tmp_path / "data" / name), picture)
        names.append(name)
    written(tmp_path / "split.csv", [["file", "group", "fold"], *([n, n, "1"] for n in names)])
    scanners = ["serial 4711", *["V8"] * (PATIENTS - 1)]
    written(
        tmp_path / "table.csv", [["file", "scanner"], *map(list, zip(names, scanners, strict=True))]
    )
    (tmp_path / "question.json").write_text(json.dumps({"counts": [["scanner"]], "values": {}}))
    make_key(tmp_path / "key")
    options = {
        "--address": "localhost:1",
        "--authority": "none.pem",
        "--key": "key",
        "--name": "north",
        "--data": "data",
        "--split": "split.csv",
        "--table": "table.csv",
        "--question": "question.json",
        "--side-px": "16",
    }
    files = {"--authority", "--key", "--data", "--split", "--table", "--question"}
    return [
        part
        for name, value in options.items()
        for part in (name, str(tmp_path / value) if name in files else value)
    ]


def written(file: Path, rows: list[list[str]]) -> None:
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows(rows)


def test_a_dry_run_shows_all_that_would_leave_and_nothing_of_a_single_patient(
    site: list[str],
) -> None:
    said = CliRunner().invoke(app, ["federate", "statistics", "check", *site])
    assert said.exit_code == 1, said.output
    shown, _ = json.JSONDecoder().raw_decode(said.stdout)
    assert shown == {"tables": {"scanner": {}}, "withheld": {"scanner": 2}}
    assert "4711" not in said.output
    assert "yes key" in said.output
    assert "NO  connection" in said.output


def test_a_median_of_what_nobody_sees_is_refused_before_anybody_is_called(tmp_path: Path) -> None:
    nowhere = [
        part
        for name in ("--authority", "--certificate", "--private-key", "--keys", "--out")
        for part in (name, str(tmp_path / "none"))
    ]
    command = ["federate", "coordinate", "--address", "localhost:1", *nowhere]
    said = CliRunner().invoke(app, [*command, "--secure", "--fewest", "3", "--join", "median"])
    assert said.exit_code == 2
    assert "secure aggregation cannot be robust" in said.output
    said = CliRunner().invoke(app, [*command, "--network", "seeing", "--noise", "1"])
    assert said.exit_code == 2
    assert "batch normalisation" in said.output
    assert not (tmp_path / "none").exists()
