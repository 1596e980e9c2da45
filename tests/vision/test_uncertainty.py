"""The two formulas a release carries, and what they may never do."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeppcos.vision.uncertainty import (
    MAX_LOGIT,
    CountInterval,
    LogisticCalibration,
    RatioInterval,
    logit,
    sigmoid,
)

scores = st.floats(0.0, 1.0)
counts = st.integers(0, 60)
deviations = st.floats(0.0, 5.0)


@given(st.floats(1e-4, 1 - 1e-4))
def test_sigmoid_undoes_logit(probability: float) -> None:
    assert sigmoid(logit(probability)) == pytest.approx(probability, abs=1e-9)


@given(st.floats(-800, 800))
def test_sigmoid_stays_a_probability_however_large_the_log_odds(log_odds: float) -> None:
    assert 0.0 <= sigmoid(log_odds) <= 1.0


def test_certainty_stays_finite() -> None:
    assert (logit(0.0), logit(1.0)) == (-MAX_LOGIT, MAX_LOGIT)
    assert logit(1e-300) == -MAX_LOGIT


@given(scores, scores, st.floats(0.05, 3.0), st.floats(-4.0, 4.0))
def test_a_higher_score_never_means_a_lower_probability(
    one: float, other: float, slope: float, intercept: float
) -> None:
    calibration = LogisticCalibration(slope=slope, intercept=intercept)
    low, high = sorted((one, other))
    assert calibration.probability(low) <= calibration.probability(high)


def test_the_calibration_is_platts_formula() -> None:
    calibration = LogisticCalibration(slope=0.7, intercept=-0.4)
    expected = 1 / (1 + math.exp(-(0.7 * math.log(0.8 / 0.2) - 0.4)))
    assert calibration.probability(0.8) == pytest.approx(expected)


@given(counts, deviations, deviations)
def test_an_interval_holds_its_count_and_is_never_negative(
    count: int, below: float, above: float
) -> None:
    interval = CountInterval(below=below, above=above, coverage=0.9).around(count)
    assert 0 <= interval.low <= interval.value == count <= interval.high


@given(counts, deviations, deviations)
def test_a_higher_count_is_never_surer(count: int, below: float, above: float) -> None:
    rule = CountInterval(below=below, above=above, coverage=0.9)
    here, more = rule.around(count), rule.around(count + 12)
    assert more.high - more.value >= here.high - here.value
    assert more.value - more.low >= here.value - here.low


@given(counts, counts, deviations, deviations)
def test_a_true_count_inside_the_scaled_deviation_is_inside_the_interval(
    count: int, true: int, below: float, above: float
) -> None:
    interval = CountInterval(below=below, above=above, coverage=0.9).around(count)
    scaled = (true - count) / math.sqrt(count + 1)
    if -below <= scaled <= above:
        assert interval.low <= true <= interval.high


def test_an_interval_without_width_is_the_count_alone() -> None:
    interval = CountInterval(below=0.0, above=0.0, coverage=0.9).around(7)
    assert (interval.low, interval.high) == (7, 7)


def test_a_ratio_interval_holds_its_value_and_widens_with_the_promise() -> None:
    narrow = RatioInterval(below=0.05, above=0.05, coverage=0.5).around(400.0)
    wide = RatioInterval(below=0.2, above=0.4, coverage=0.9).around(400.0)
    assert wide[0] < narrow[0] < 400.0 < narrow[1] < wide[1]
    assert wide[0] == pytest.approx(400 * 0.8187, rel=1e-3)
