"""Whether confidence is deserved, never judged by the groups that fitted it."""

from collections.abc import Sequence
from dataclasses import replace

from deeppcos.learning.evaluate import NOTHING, FollicleComparison, SampleResult
from deeppcos.learning.evaluate.gate import gate_table, risk_coverage
from deeppcos.learning.evaluate.intervals import area_coverage_figure, coverage_figure
from deeppcos.learning.evaluate.probabilities import (
    calibration_figure,
    cross_fitted,
    half_of,
    scored,
)
from deeppcos.vision.looking import Look, SeenLesion, SeenOvary

CORNERS = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
LOOK = Look(
    ovary_answer=0.9,
    lesion_answer=0.2,
    ovaries=(
        SeenOvary(polygon=CORNERS, score=0.8, follicles=()),
        SeenOvary(polygon=CORNERS, score=0.3, follicles=()),
    ),
    lesions=(SeenLesion(polygon=CORNERS, score=0.6),),
)
FOUND = FollicleComparison(
    matched={0.3: 1, 0.5: 1},
    matched_sure={0.3: 1, 0.5: 1},
    counted=2,
    counted_besides_maybe={0.3: 2, 0.5: 2},
    true=1,
    true_sure=1,
    scores=(0.9, 0.5),
    is_right=(True, False),
)
RESULT = SampleResult(
    name="a",
    group="a",
    source="mmotu",
    kind="ovary",
    subgroup="x",
    look=LOOK,
    ovary_dice=0.8,
    lesion_dice=None,
    ovary_overlaps=(0.7, 0.1),
    follicles=FOUND,
)


def test_every_outline_is_right_or_wrong_by_its_overlap() -> None:
    assert scored([RESULT], "ovary") == [(0.8, True), (0.3, False)]
    assert scored([RESULT], "follicle") == [(0.9, True), (0.5, False)]
    assert scored([RESULT], "lesion") == [(0.6, False)]
    lesion = replace(RESULT, lesion_dice=0.6)
    assert scored([lesion], "lesion") == [(0.6, True)]


def test_an_outline_nobody_could_judge_calibrates_nothing() -> None:
    assert scored([replace(RESULT, ovary_overlaps=None)], "ovary") == []


def test_a_picture_nothing_was_seen_in_scores_nothing() -> None:
    blank = replace(RESULT, look=NOTHING, ovary_overlaps=(), follicles=None)
    assert [scored([blank], which) for which in ("ovary", "lesion", "follicle")] == [[], [], []]


def test_no_group_is_measured_by_numbers_it_helped_to_fit() -> None:
    results = [replace(RESULT, group=f"g{n // 2}") for n in range(40)]
    seen: list[str] = []

    def measure(
        fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
    ) -> list[tuple[float, float]]:
        assert fitting
        assert not {r.group for r in fitting} & {r.group for r in measured}
        seen.extend(r.group for r in measured)
        return [(0.0, 0.0)] * len(measured)

    assert len(cross_fitted(results, measure)) == 40
    assert sorted(seen) == sorted(r.group for r in results)


def test_an_error_over_no_outline_is_unknown() -> None:
    blank = replace(RESULT, look=NOTHING, ovary_overlaps=())
    assert calibration_figure([blank], "lesion") == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "groups": 0,
        "bins": [],
    }


def seen_at(score: float) -> Look:
    return replace(LOOK, ovaries=(SeenOvary(polygon=CORNERS, score=score, follicles=()),))


def groups_of(half: int, count: int) -> list[str]:
    return [name for name in (f"g{n}" for n in range(400)) if half_of(name) == half][:count]


def test_perfect_confidence_has_no_error_and_its_bins_add_up() -> None:
    right = [
        replace(RESULT, group=g, look=seen_at(0.99), ovary_overlaps=(0.9,))
        for half in (0, 1)
        for g in groups_of(half, 60)
    ]
    figure = calibration_figure(right, "ovary")
    assert figure["value"] < 0.02
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert sum(one["n"] for one in figure["bins"]) == figure["n"] == 120


def test_the_gate_is_judged_by_the_calibration_of_the_other_half() -> None:
    # In half 0 high scores are wrong, in half 1 right: each half is judged by the other's fit.
    results = [
        replace(RESULT, group=g, look=seen_at(0.9), ovary_overlaps=(0.9 if half else 0.0,))
        for half in (0, 1)
        for g in groups_of(half, 30)
    ]
    table = gate_table(results, [0.9, 0.01], least_probability=0.5)
    assert table["ovary"] == {"n": 60, "accepted": 30}
    assert table["foreign"] == {"n": 0, "accepted": 0}
    assert table["noise, stripes, blobs and pages"] == {"n": 2, "accepted": 1}


def test_risk_is_lowest_where_only_the_surest_are_answered() -> None:
    results = [
        replace(
            RESULT,
            group=g,
            look=seen_at(0.9 if place % 2 else 0.2),
            ovary_overlaps=(0.9 if place % 2 else 0.0,),
        )
        for half in (0, 1)
        for place, g in enumerate(groups_of(half, 20))
    ]
    rows = risk_coverage(results)
    assert [row["coverage"] for row in rows] == sorted(row["coverage"] for row in rows)
    assert rows[0]["risk"] == rows[19]["risk"] == 0.0
    assert rows[-1] == {"probability": rows[-1]["probability"], "coverage": 1.0, "risk": 0.5}


def test_a_picture_whose_ovary_nobody_looked_for_carries_no_risk() -> None:
    unknown = replace(RESULT, ovary_overlaps=None)
    assert risk_coverage([unknown]) == []


def test_an_interval_that_held_every_count_is_told_by_group() -> None:
    exact = replace(FOUND, counted=3, true=3)
    results = [
        replace(RESULT, group=g, follicles=exact, traits={"source": f"set {half}"})
        for half in (0, 1)
        for g in groups_of(half, 3)
    ]
    figure = coverage_figure(results)
    assert (figure["value"], figure["asked"], figure["n"]) == (1.0, 0.9, 6)
    assert list(figure["by group"].values()) == [[1, 1]] * 6
    assert figure["by subgroup"] == {"data set": {"set 0": [3, 3], "set 1": [3, 3]}}


def test_without_counts_there_is_no_coverage_and_nothing_breaks() -> None:
    figure = coverage_figure([replace(RESULT, follicles=None)])
    assert (figure["value"], figure["n"], figure["by group"]) == (None, 0, {})


def test_the_area_interval_is_judged_on_ovaries_that_would_be_measured() -> None:
    results = [
        replace(
            RESULT,
            group=g,
            look=seen_at(0.95 if place % 2 else 0.05),
            ovary_overlaps=(0.9 if place % 2 else 0.0,),
            area_ratio=1.1 if place % 2 else 40.0,
        )
        for half in (0, 1)
        for place, g in enumerate(groups_of(half, 20))
    ]
    figure = area_coverage_figure(results, least_probability=0.5)
    assert (figure["value"], figure["n"]) == (1.0, 20)
    assert sum(n for _, n in figure["by group"].values()) == 20
    assert area_coverage_figure(results, least_probability=1.0)["value"] is None
