"""Measures against hand-computed values, an oracle, and what must hold for any input."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.learning.metrics import (
    Items,
    auroc,
    by_group,
    calibration_error,
    concordance,
    dice,
    f1,
    intersection_over_union,
    match_instances,
)

Masks = npt.NDArray[np.bool_]
bits = st.lists(st.booleans(), min_size=24, max_size=24)
boxes = st.lists(
    st.tuples(st.integers(0, 18), st.integers(0, 18), st.integers(2, 10), st.integers(2, 10)),
    max_size=6,
)


def mask(values: list[bool]) -> Masks:
    return np.array(values).reshape(4, 6)


def box(x: int, y: int, width: int, height: int) -> Masks:
    picture = np.zeros((24, 24), bool)
    picture[y : y + height, x : x + width] = True
    return picture


def test_overlaps_of_two_boxes_are_as_counted_by_hand() -> None:
    one, other = box(0, 0, 4, 4), box(2, 0, 4, 4)
    assert dice(one, other) == pytest.approx(2 * 8 / 32)
    assert intersection_over_union(one, other) == pytest.approx(8 / 24)


def test_two_empty_masks_agree_but_overlap_in_nothing() -> None:
    nothing = np.zeros((4, 6), bool)
    assert dice(nothing, nothing) == 1.0
    assert intersection_over_union(nothing, nothing) == 0.0
    assert dice(nothing, box(0, 0, 2, 2)[:4, :6]) == 0.0


@given(bits, bits)
def test_dice_is_symmetric_and_between_zero_and_one(a: list[bool], b: list[bool]) -> None:
    value = dice(mask(a), mask(b))
    assert value == dice(mask(b), mask(a))
    assert 0.0 <= value <= 1.0
    assert (value == 1.0) == (a == b)


@given(bits, bits)
def test_dice_and_intersection_over_union_say_the_same(a: list[bool], b: list[bool]) -> None:
    if any(a) or any(b):
        overlap = intersection_over_union(mask(a), mask(b))
        assert dice(mask(a), mask(b)) == pytest.approx(2 * overlap / (1 + overlap))


@settings(max_examples=60, deadline=None)
@given(boxes, boxes, st.floats(0.0, 1.0))
def test_matching_is_one_to_one_and_every_pair_overlaps_enough(
    one: list[tuple[int, int, int, int]],
    other: list[tuple[int, int, int, int]],
    least_iou: float,
) -> None:
    predicted, true = [box(*b) for b in one], [box(*b) for b in other]
    matching = match_instances(predicted, true, least_iou=least_iou)
    assert len({i for i, _ in matching.pairs}) == len(matching.pairs)
    assert len({j for _, j in matching.pairs}) == len(matching.pairs)
    for i, j in matching.pairs:
        overlap = intersection_over_union(predicted[i], true[j])
        assert overlap >= least_iou
        assert overlap > 0
    assert (matching.predicted, matching.true) == (len(one), len(other))


@settings(max_examples=30, deadline=None)
@given(boxes)
def test_distinct_masks_matched_with_themselves_are_all_found(
    given_boxes: list[tuple[int, int, int, int]],
) -> None:
    masks = [box(*b) for b in given_boxes]
    assert len(match_instances(masks, masks, least_iou=0.99).pairs) == len(masks)


def test_the_larger_overlap_is_paired_first() -> None:
    true = [box(0, 0, 10, 10)]
    predicted = [box(3, 0, 10, 10), box(1, 0, 10, 10)]
    assert match_instances(predicted, true, least_iou=0.3).pairs == ((1, 0),)


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    precision, recall = 6 / 8, 6 / 10
    expected = 2 * precision * recall / (precision + recall)
    assert f1(matched=6, predicted=8, true=10) == pytest.approx(expected)
    assert f1(matched=0, predicted=0, true=0) == 1.0
    assert f1(matched=0, predicted=3, true=0) == 0.0


def test_concordance_is_one_only_on_the_line_of_identity() -> None:
    counts = [3.0, 8.0, 12.0, 20.0]
    assert concordance(counts, counts) == pytest.approx(1.0)
    assert concordance(counts, [c + 4 for c in counts]) < 0.95
    assert concordance(counts, [2 * c for c in counts]) < 0.8
    assert concordance(counts, counts[::-1]) < 0


def test_concordance_is_lins_formula() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, 50)
    y = 0.8 * x + rng.normal(0, 1, 50) + 1
    correlation = float(np.corrcoef(x, y)[0, 1])
    expected = 2 * correlation * x.std() * y.std()
    expected /= x.var() + y.var() + (x.mean() - y.mean()) ** 2
    assert concordance(list(x), list(y)) == pytest.approx(expected)


def test_auroc_counts_pairs_and_halves_ties() -> None:
    assert auroc([3.0, 2.0], [1.0, 2.0]) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert auroc([1.0], [0.0]) == 1.0
    assert auroc([0.5, 0.5], [0.5]) == 0.5


def test_auroc_is_that_of_scikit_learn() -> None:
    oracle = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    outcomes = rng.random(300) < 0.4
    scores = np.round(rng.normal(0, 1, 300) + outcomes, 1)
    ours = auroc(list(scores[outcomes]), list(scores[~outcomes]))
    assert ours == pytest.approx(oracle.roc_auc_score(outcomes, scores))


def test_the_calibration_error_of_two_bins_is_as_computed_by_hand() -> None:
    probabilities = [0.1, 0.3, 0.6, 0.8]
    outcomes = [False, True, True, True]
    gaps = (abs(0.2 - 0.5) * 2 + abs(0.7 - 1.0) * 2) / 4
    assert calibration_error(probabilities, outcomes, bins=2) == pytest.approx(gaps)


def test_calibrated_probabilities_have_a_small_error_and_overconfident_ones_a_large() -> None:
    rng = np.random.default_rng(2)
    probability = rng.uniform(0.05, 0.95, 4000)
    outcomes = [bool(o) for o in rng.random(4000) < probability]
    honest = calibration_error(list(probability), outcomes)
    boastful = calibration_error([float(p > 0.5) for p in probability], outcomes)
    assert honest is not None
    assert boastful is not None
    assert honest < 0.03 < 0.15 < boastful


def test_a_calibration_error_over_nothing_is_unknown() -> None:
    assert calibration_error([], []) is None


def test_one_item_is_one_bin() -> None:
    assert calibration_error([0.7], [True]) == pytest.approx(0.3)


def mean_of(values: npt.NDArray[np.float64]) -> Callable[[Items], float]:
    return lambda items: float(np.mean(values[items]))


def test_the_figure_itself_is_that_of_all_items() -> None:
    values = np.arange(10.0)
    figure = by_group(mean_of(values), [str(i // 2) for i in range(10)], rounds=50)
    assert figure.value == pytest.approx(4.5)
    assert (figure.n, figure.groups) == (10, 5)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= 4.5 <= figure.high


def test_the_interval_is_the_same_every_time() -> None:
    values = np.random.default_rng(3).normal(0, 1, 30)
    groups = [str(i // 3) for i in range(30)]
    first, second = (by_group(mean_of(values), groups, rounds=100) for _ in range(2))
    assert first == second


def test_one_group_or_none_has_no_interval() -> None:
    values = np.arange(4.0)
    alone = by_group(mean_of(values), ["a"] * 4)
    assert (alone.value, alone.low, alone.high, alone.groups) == (1.5, None, None, 1)
    nobody = by_group(mean_of(values), [])
    assert (nobody.value, nobody.low, nobody.n, nobody.groups) == (None, None, 0, 0)


def test_a_figure_no_draw_can_give_has_no_interval() -> None:
    def only_of_all(items: Items) -> float | None:
        return 1.0 if np.array_equal(items, np.arange(4)) else None

    figure = by_group(only_of_all, ["b", "a", "b", "a"], rounds=20)
    assert (figure.value, figure.low, figure.high) == (1.0, None, None)


def grouped_normal(rng: np.random.Generator, groups: int, size: int) -> npt.NDArray[np.float64]:
    """Items that agree within a group: three quarters of the variance lies between groups."""
    between = np.repeat(rng.normal(0, np.sqrt(0.75), groups), size)
    return np.asarray(between + rng.normal(0, 0.5, groups * size))


def test_the_interval_by_group_is_wider_where_items_of_a_group_agree() -> None:
    values = grouped_normal(np.random.default_rng(4), 30, 8)
    by_patient = by_group(mean_of(values), [str(i // 8) for i in range(240)], rounds=300)
    naive = by_group(mean_of(values), [str(i) for i in range(240)], rounds=300)
    assert by_patient.high is not None
    assert by_patient.low is not None
    assert naive.high is not None
    assert naive.low is not None
    assert by_patient.high - by_patient.low > 1.7 * (naive.high - naive.low)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    groups = [str(i // 4) for i in range(160)]
    held = 0
    for _ in range(100):
        figure = by_group(mean_of(grouped_normal(rng, 40, 4)), groups, rounds=150)
        assert figure.low is not None
        assert figure.high is not None
        held += figure.low <= 0.0 <= figure.high
    assert 86 <= held <= 100
