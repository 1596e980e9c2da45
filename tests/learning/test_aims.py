"""An aim is met or it is not, and a card says by how much."""

import pytest

from deeppcos.learning.aims import AIMS, Aim, aimed_figures, verdict


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        pytest.param(0.95, 0.91, 0.97, "met", id="met"),
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
    assert verdict(aim, {"value": 0.97}) == "short by 0.04"
    assert verdict(aim, {"value": 0.80}) == "short by 0.08"


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
    assert figures["accepted without an ovary"] == {"value": 0.02, "n": 100}
    assert figures["calibration error, follicle"] is None
