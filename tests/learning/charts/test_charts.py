"""Pictures are drawn of the numbers that are there, the same each time, and say what they show."""

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib")

from PIL import Image

from deeppcos.learning.charts import CHARTS, draw_all, drawable
from deeppcos.learning.charts.abstention import OUTCOMES, draw_abstention, outcome_of
from deeppcos.learning.charts.style import ACCENT, drawn
from deeppcos.learning.evaluate.tables import write_tables

Measured = dict[str, Any]


def test_every_picture_is_drawn_twice_and_not_empty(measured: Measured, tmp_path: Path) -> None:
    charts = draw_all(measured, tmp_path)
    assert [chart.name for chart in charts] == [chart.name for chart in CHARTS]
    for chart in charts:
        root = ElementTree.parse(tmp_path / f"{chart.name}.svg").getroot()
        assert root.tag.endswith("svg")
        with Image.open(tmp_path / f"{chart.name}.png") as picture:
            assert min(picture.size) > 300
            assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20


def test_the_same_numbers_give_the_same_file(measured: Measured, tmp_path: Path) -> None:
    chart = next(c for c in CHARTS if c.name == "risk")
    for name in ("one", "other"):
        chart.draw(measured, tmp_path / name)
    for ending in (".svg", ".png"):
        files = [(tmp_path / name).with_suffix(ending).read_bytes() for name in ("one", "other")]
        assert files[0] == files[1]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_a_picture_without_numbers_is_left_out(chart: Any, measured: Measured) -> None:
    measured.pop(chart.needs)
    assert chart.name not in {c.name for c in drawable(measured)}
    assert len(drawable(measured)) == len(CHARTS) - 1


def test_errors_of_an_older_manifest_have_no_bins_to_draw(measured: Measured) -> None:
    measured["calibration error, cross-fitted"] = {"ovary": {"value": 0.2, "n": 70}}
    assert "reliability" not in {c.name for c in drawable(measured)}


def test_a_coverage_of_nothing_is_not_drawn(measured: Measured) -> None:
    nothing: dict[str, Any] = {"value": None, "low": None, "high": None, "n": 0, "by group": {}}
    measured["count interval coverage, cross-fitted"] = nothing
    assert "coverage" not in {c.name for c in drawable(measured)}


def test_the_style_leaves_no_trace_behind(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    with drawn(2, 2, to=tmp_path / "x") as figure:
        figure.subplots().plot([0, 1], color=ACCENT)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("off", "reasons", "outcome"),
    [
        pytest.param(3, (), "near", id="near"),
        pytest.param(-4, (), "far", id="far"),
        pytest.param(None, ("too fast: a", "too noisy: b"), "both", id="both"),
        pytest.param(None, ("the ovary was lost", "too noisy: b"), "noisy", id="noisy"),
        pytest.param(None, ("the ovary was lost",), "other", id="other"),
    ],
)
def test_what_came_of_a_sweep_is_told_by_its_count_or_its_reasons(
    off: int | None, reasons: tuple[str, ...], outcome: str
) -> None:
    assert outcome_of(off, reasons) == outcome


def test_every_outcome_has_its_words_in_the_picture(tmp_path: Path) -> None:
    draw_abstention({"slow": list(OUTCOMES), "nothing": []}, tmp_path / "abstention")
    with Image.open(tmp_path / "abstention.png") as picture:
        seen = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20) or []}
    for _, colour in OUTCOMES.values():
        assert tuple(bytes.fromhex(colour[1:])) in seen


def test_tables_hold_what_was_measured_with_unknown_left_empty(
    measured: Measured, tmp_path: Path
) -> None:
    files = write_tables(measured, tmp_path)
    assert json.loads((tmp_path / "measured.json").read_text(encoding="utf-8")) == measured
    assert len(files) == 9
    with (tmp_path / "coverage.csv").open(newline="") as lines:
        held = {(row["of"], row["name"]): (row["held"], row["n"]) for row in csv.DictReader(lines)}
    assert held["patient group", "b"] == ("4", "6")
    assert held["data set", "mmotu"] == ("12", "15")
    with (tmp_path / "figures.csv").open(newline="") as lines:
        rows = {row["figure"]: row for row in csv.DictReader(lines)}
    assert rows["mmotu follicle F1 at IoU 0.3"]["value"] == "0.76"
    assert rows["lesion Dice mean"]["low"] == ""
    with (tmp_path / "counts.csv").open(newline="") as lines:
        assert len(list(csv.DictReader(lines))) == len(measured["counts"])
