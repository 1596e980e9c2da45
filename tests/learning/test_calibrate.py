"""The small numbers a release carries, fitted on scores whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput
from deeppcos.learning.calibrate import (
    LEAST_SLOPE,
    fit_count_interval,
    fit_logistic,
    fit_ratio_interval,
)
from deeppcos.vision.uncertainty import logit, sigmoid


def drawn(slope: float, intercept: float, n: int = 4000) -> tuple[list[float], list[bool]]:
    """Scores, and outcomes whose log-odds are a known line of the score's."""
    rng = np.random.default_rng(0)
    scores = [float(s) for s in rng.uniform(0.02, 0.98, n)]
    chance = [sigmoid(slope * logit(s) + intercept) for s in scores]
    return scores, [bool(rng.random() < c) for c in chance]


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, -1.0), (2.0, 0.7)])
def test_the_line_outcomes_were_drawn_from_is_found_again(slope: float, intercept: float) -> None:
    fit = fit_logistic(*drawn(slope, intercept))
    assert fit.slope == pytest.approx(slope, abs=0.12)
    assert fit.intercept == pytest.approx(intercept, abs=0.15)


def test_the_fit_is_that_of_scikit_learn() -> None:
    """The prior at slope 1 is its ridge at slope 0, once the score itself is set aside."""
    oracle = pytest.importorskip("sklearn.linear_model")
    scores, outcomes = drawn(0.6, -0.5)
    fit = fit_logistic(scores, outcomes)
    free = oracle.LogisticRegression(C=1e6).fit([[logit(s)] for s in scores], outcomes)
    assert fit.slope == pytest.approx(float(free.coef_[0, 0]), abs=0.01)
    assert fit.intercept == pytest.approx(float(free.intercept_[0]), abs=0.01)


def test_without_anything_to_fit_the_score_is_left_as_it_is() -> None:
    fit = fit_logistic([], [])
    assert (fit.slope, fit.intercept) == (1.0, 0.0)


def test_two_pictures_cannot_make_the_machine_sure() -> None:
    fit = fit_logistic([0.7, 0.4], [True, False])
    assert fit.slope == pytest.approx(1.0, abs=0.5)
    assert 0.7 < fit.probability(0.7) < 0.85


@pytest.mark.parametrize("score", [0.99, 0.9999, 1.0])
def test_sure_scores_that_are_wrong_are_believed_no_more(score: float) -> None:
    fit = fit_logistic([score] * 40, [False] * 40)
    assert fit.probability(score) < 0.1


def test_saturated_scores_of_both_kinds_are_calibrated_to_their_share() -> None:
    fit = fit_logistic([0.99999] * 50 + [0.00001] * 50, [True] * 40 + [False] * 60)
    assert fit.probability(0.99999) == pytest.approx(0.8, abs=0.05)
    assert fit.probability(0.00001) < 0.2


def test_scores_that_point_the_wrong_way_leave_the_share_of_hits() -> None:
    scores, outcomes = drawn(-1.0, 0.0, n=500)
    fit = fit_logistic(scores, outcomes)
    assert fit.slope == LEAST_SLOPE
    predicted = np.mean([fit.probability(s) for s in scores])
    assert predicted == pytest.approx(np.mean(outcomes), abs=0.02)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_every_fit_is_finite_and_rises_with_the_score(pairs: list[tuple[float, bool]]) -> None:
    fit = fit_logistic([s for s, _ in pairs], [o for _, o in pairs])
    assert fit.slope >= LEAST_SLOPE
    assert np.isfinite([fit.slope, fit.intercept]).all()
    assert fit.probability(0.1) <= fit.probability(0.9)


def misread(rng: np.random.Generator, n: int) -> tuple[list[int], list[int]]:
    """A machine that misses more than it invents."""
    true = [int(t) for t in rng.poisson(9, n)]
    return [int(rng.binomial(t, 0.85) + rng.poisson(0.4)) for t in true], true


def test_the_interval_holds_the_readers_count_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(40):
        interval = fit_count_interval(*misread(rng, 120), coverage=0.9)
        pairs = zip(*misread(rng, 120), strict=True)
        held += [interval.around(c).low <= t <= interval.around(c).high for c, t in pairs]
    assert 0.89 <= np.mean(held) <= 0.99


def test_a_machine_that_misses_follicles_gets_room_above() -> None:
    counted, true = misread(np.random.default_rng(2), 300)
    interval = fit_count_interval(counted, true, coverage=0.9)
    assert interval.above > 1.5 * interval.below
    assert interval.coverage == 0.9


def test_a_machine_that_always_agrees_needs_no_width() -> None:
    interval = fit_count_interval([4, 9, 12], [4, 9, 12], coverage=0.9)
    assert (interval.below, interval.above) == (0.0, 0.0)


def test_few_pictures_give_the_widest_deviation_seen() -> None:
    interval = fit_count_interval([3, 8, 15], [3, 14, 11], coverage=0.9)
    assert interval.above == pytest.approx((14 - 8) / 3)
    assert interval.below == pytest.approx((15 - 11) / 4)


def test_without_counts_there_is_no_interval() -> None:
    with pytest.raises(InvalidInput, match="no counts"):
        fit_count_interval([], [], coverage=0.9)


def test_an_area_interval_holds_new_ratios_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    fit = fit_ratio_interval(np.exp(rng.normal(0.1, 0.2, 400)).tolist(), coverage=0.9)
    low, high = fit.around(1.0)
    fresh = np.exp(rng.normal(0.1, 0.2, 4000))
    assert 0.87 <= float(((fresh >= low) & (fresh <= high)).mean()) <= 0.94


@pytest.mark.parametrize("ratios", [[], [1.0, 0.0]], ids=["none", "zero"])
def test_an_area_interval_from_nothing_is_refused(ratios: list[float]) -> None:
    with pytest.raises(InvalidInput, match="no ratios"):
        fit_ratio_interval(ratios, coverage=0.9)
