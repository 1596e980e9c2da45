"""``deeppcos audit`` from the command line: statuses, files, streams, an interrupt."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from deeppcos.app.cli import app

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "docs" / "schemas" / "audit-1.schema.json"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, words)])


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 255, (12, 14), np.uint8)
    Image.fromarray(small).resize((98, 84), Image.Resampling.BICUBIC).save(path)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A set whose only test picture is a training picture; one file is damaged."""
    for seed in range(6):
        picture(tmp_path / "data" / "train" / "ab"[seed % 2] / f"{seed}.png", seed)
    for seed in (2, 3):
        picture(tmp_path / "data" / "test" / "ab"[seed % 2] / f"{seed}.png", seed)
    (tmp_path / "data" / "train" / "a" / "<broken>.png").write_bytes(b"\x89PNG\r\n")
    return tmp_path / "data"


def test_a_spoiled_set_ends_with_status_1_and_says_why(copied: Path) -> None:
    result = run(copied)
    assert result.exit_code == 1
    assert "2 of 2 held-out images have a copy in training" in " ".join(result.stdout.split())
    assert "8 images from 6 source pictures" in result.stdout
    assert "<broken>.png" in result.stdout


def test_the_json_on_standard_output_follows_the_schema(copied: Path) -> None:
    result = run(copied, "--format", "json")
    document = json.loads(result.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert document["schema"] == "deeppcos.audit/1"
    assert document["verdict"]["is_spoiled"] is True
    assert document["images"]["refused"][0]["name"] == "train/a/<broken>.png"
    assert len(document["split"]) == document["dataset"]["items"] == 8


def test_the_json_of_a_table_follows_the_schema_too(tmp_path: Path) -> None:
    lines = ["Sl. No,Age,AMH(ng/mL),Weight,Height(cm),Notes,PCOS"]
    draw = np.random.default_rng(0)
    lines += [
        f"{n},{20 + n % 25},{draw.lognormal():.3f},{draw.normal(60, 8):.2f},"
        f"{draw.normal(160, 6):.2f},{'' if n % 3 else 'x'},{n % 2}"
        for n in range(60)
    ]
    (tmp_path / "t.csv").write_text("\n".join([*lines, lines[5]]) + "\n", encoding="utf-8")
    result = run(tmp_path / "t.csv", "--format", "json", "--out", tmp_path / "out")
    document = json.loads(result.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert document["table"]["equal_rows"] == [["row 6", "row 62"]]
    assert (
        (tmp_path / "out" / "grouped-split.csv")
        .read_text(encoding="utf-8")
        .startswith("row,group,fold\nrow 2")
    )
    assert "Columns that give the label away" in (tmp_path / "out" / "audit.html").read_text(
        encoding="utf-8"
    )


def test_out_writes_three_files_and_replaces_nothing_unasked(copied: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    assert run(copied, "--out", out).exit_code == 1
    assert sorted(path.name for path in out.iterdir()) == [
        "audit.html",
        "audit.json",
        "grouped-split.csv",
    ]
    with (out / "grouped-split.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    fold_of = {row["file"]: row["fold"] for row in rows}
    assert fold_of["test/a/2.png"] == fold_of["train/a/2.png"]
    again = run(copied, "--out", out)
    assert (again.exit_code, "--force" in again.stderr) == (2, True)
    assert run(copied, "--out", out, "--force").exit_code == 1


def test_the_page_asks_nothing_of_the_network_and_escapes_names(
    copied: Path, tmp_path: Path
) -> None:
    run(copied, "--out", tmp_path / "report")
    page = (tmp_path / "report" / "audit.html").read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)=[\"'](?!data:|#)", page)
    assert "default-src 'none'" in page
    assert "<broken>" not in page
    assert "&lt;broken&gt;" in page
    assert page.count("data:image/jpeg;base64,") == 4
    assert "across splits" in page


def test_a_clean_set_ends_with_status_0_unless_strict(tmp_path: Path) -> None:
    for seed in range(12):
        picture(tmp_path / "ab"[seed % 2] / f"n{seed * 29 % 83}.png", seed)
    assert run(tmp_path).exit_code == 0
    (tmp_path / "a" / "bad.png").write_bytes(b"")
    assert run(tmp_path).exit_code == 0
    assert run(tmp_path, "--strict").exit_code == 1


@pytest.mark.parametrize(
    "words",
    [["nowhere"], ["."], [".", "--folds", "1"], [__file__], []],
    ids=["missing", "no_pictures", "one_fold", "no_table", "no_argument"],
)
def test_wrong_usage_ends_with_status_2(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_an_interrupt_ends_at_once_and_writes_nothing(tmp_path: Path) -> None:
    for seed in range(400):
        picture(tmp_path / "data" / f"{seed}.png", seed)
    code = (
        "import deeppcos.learning.audit.looking_at_pictures as looking, signal, time, sys\n"
        # A shell gives its background jobs SIGINT ignored, and they would keep it so.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "whole = looking._look\n"
        "def slow(*a):\n    print('begun', flush=True); time.sleep(0.2); return whole(*a)\n"
        "looking._look = slow\n"
        "from deeppcos.app.cli import app\napp()\n"
    )
    words = ["audit", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("begun")
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        waited = time.monotonic() - asked
    assert process.returncode == 130
    assert "interrupted; nothing was written" in told
    assert "Traceback" not in told
    assert waited < 20
    assert not (tmp_path / "out").exists()
