"""An aim is met or it is not, and a card says by how much."""

import pytest

from deeppcos.learning.aims import AIMS, Aim, aimed_figures, verdict
from deeppcos.learning.gaps import GAPS, open_gaps


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        pytest.param(0.95, 0.91, 0.97, "met", id="met"),
        pytest.param(0.92, 0.85, 0.97, "met; the interval leaves it", id="met by a hair"),
        pytest.param(0.80, 0.70, 0.85, "short by 0.1", id="short"),
        pytest.param(0.88, 0.80, 0.93, "short by 0.02; the interval reaches it", id="near"),
        pytest.param(0.80, None, None, "short by 0.1", id="no interval"),
        pytest.param(None, None, None, "not measured", id="unknown"),
    ],
)
def test_an_interval_that_reaches_an_aim_does_not_meet_it(
    value: float | None, low: float | None, high: float | None, words: str
) -> None:
    figure = {"value": value, "low": low, "high": high}
    assert verdict(Aim(figure="x", least=0.9), figure) == words


def test_too_wide_an_interval_misses_its_aim_as_one_too_narrow_does() -> None:
    aim = next(aim for aim in AIMS if aim.figure == "count interval coverage")
    assert verdict(aim, {"value": 0.90}) == "met"
    assert verdict(aim, {"value": 0.97}) == "off by 0.04"
    assert verdict(aim, {"value": 0.80}) == "off by 0.08"
    around = {"value": 0.97, "low": 0.85, "high": 1.0}
    assert verdict(aim, around) == "off by 0.04; the interval reaches it"
    assert verdict(aim, {"value": 0.97, "low": 0.95, "high": 1.0}) == "off by 0.04"


def test_everything_without_an_ovary_is_pooled_for_the_gate() -> None:
    measured = {
        "release": {},
        "calibration error, cross-fitted": {"ovary": {"value": 0.1, "n": 3}},
        "count interval coverage, cross-fitted": {"value": 0.9, "n": 3},
        "accepted as an ovary": {
            "foreign": {"n": 30, "accepted": 1},
            "neither": {"n": 70, "accepted": 1},
            "ovary": {"n": 50, "accepted": 40},
        },
    }
    figures = aimed_figures(measured)
    accepted = figures["accepted without an ovary"]
    assert accepted is not None
    assert (accepted["value"], accepted["n"]) == (0.02, 100)
    assert accepted["low"] < 0.01 < 0.06 < accepted["high"]
    assert figures["calibration error, follicle"] is None


def test_an_aim_without_data_says_why_it_is_not_measured() -> None:
    aim = next(aim for aim in AIMS if aim.figure == "transabdominal follicle F1 at IoU 0.3")
    assert verdict(aim, None).startswith("not measured: no transabdominal picture")
    assert verdict(aim, {"value": 0.93}) == "met"


def test_every_aim_belongs_to_one_gap() -> None:
    told = [figure for gap in GAPS for figure in gap.figures]
    assert sorted(told) == sorted(aim.figure for aim in AIMS)


def test_a_gap_is_open_until_every_aim_of_it_is_met() -> None:
    measured = {
        "release": {},
        "calibration error, cross-fitted": {
            "ovary": {"value": 0.02, "low": 0.01, "high": 0.03, "n": 900},
            "follicle": {"value": 0.02, "low": 0.01, "high": 0.03, "n": 900},
        },
        "count interval coverage, cross-fitted": {"value": 0.9, "low": 0.89, "high": 0.92},
        "accepted as an ovary": {"neither": {"n": 50, "accepted": 0}},
    }
    names = [gap.name for gap in open_gaps(measured)]
    assert "calibration and coverage" not in names
    assert "what is no ovary" in names, "fifty pictures cannot show one in a hundred"
    assert "follicles and their count" in names
