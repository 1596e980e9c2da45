"""Noise is drawn by a library, as large as stated, and paid from a budget that runs out."""

import statistics

import pytest

pytest.importorskip("opendp", reason="noise needs the research extra")

from deeppcos.errors import InvalidInput
from deeppcos.research.disclosure.noise import require_budget, with_noise


def test_the_noise_is_as_large_as_it_says() -> None:
    table = dict.fromkeys(range(4000), 1000)
    [noisy] = with_noise([table], epsilon=0.5)
    errors = [count - 1000 for count in noisy.counts.values()]
    assert noisy.epsilon == pytest.approx(0.5)
    assert abs(statistics.fmean(errors)) < 0.4
    # The mean size of discrete Laplace noise of scale 2 is just under 2.
    assert statistics.fmean(map(abs, errors)) == pytest.approx(1.92, abs=0.2)
    inside = sum(abs(error) <= noisy.within for error in errors) / len(errors)
    assert inside >= 0.94


def test_several_tables_share_the_budget() -> None:
    drawn = with_noise([{"a": 50}, {"b": 50}, {"c": 50}], epsilon=0.9)
    assert sum(one.epsilon for one in drawn) == pytest.approx(0.9)


def test_counts_are_never_negative() -> None:
    [noisy] = with_noise([dict.fromkeys(range(300), 0)], epsilon=0.1)
    assert min(noisy.counts.values()) == 0
    assert max(noisy.counts.values()) > 0


@pytest.mark.parametrize(
    ("epsilon", "spent", "said"),
    [
        (0.0, 0.0, "out of range"),
        (9.0, 0.0, "out of range"),
        (float("nan"), 0.0, "out of range"),
        (1.0, 2.5, "budget of these data is spent; got 2.5 of 3 spent"),
    ],
)
def test_what_the_budget_does_not_cover_is_refused(epsilon: float, spent: float, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        require_budget(epsilon, spent=spent)


def test_the_rest_of_the_budget_can_be_spent() -> None:
    require_budget(0.5, spent=2.5)
