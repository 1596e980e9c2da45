"""Drift tests: fair bets, promised false alarms, found changes, frozen windows."""

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.research.monitoring.betting import log_capital, payoffs, threshold
from deeppcos.research.monitoring.ranks import ranks
from deeppcos.research.monitoring.signals import BY_NAME, SIGNALS, Kind
from deeppcos.research.monitoring.trials import CHANGES, alarms_without_change, delay
from deeppcos.research.monitoring.watch import Observed, told, watch
from deeppcos.research.monitoring.window import Window, as_document, freeze, window_from

DAY = datetime(2026, 3, 1, tzinfo=UTC)
EVEN = (np.arange(200_000) + 0.5) / 200_000


@pytest.mark.parametrize("usual", [None, 0.02, 0.5, 0.97], ids=["number", "rare", "half", "often"])
def test_every_bet_is_fair(usual: float | None) -> None:
    assert payoffs(EVEN, usual).mean(axis=0) == pytest.approx(
        1, abs=4e-3
    )  # midpoints undercount the tails


@pytest.mark.parametrize("usual", [None, 0.05], ids=["number", "share"])
def test_no_bet_can_lose_everything(usual: float | None) -> None:
    assert payoffs(EVEN, usual).min() > 0


def test_the_capital_is_that_of_dealing_out_and_betting_by_hand() -> None:
    said = [0.9, 0.05, 0.5]
    total = 0.0
    for share in (1e-3, 1e-2, 5e-2):
        money = np.full(11, 1 / 11)
        for rank in said:
            money = ((1 - share) * money + share * money.sum() / 11) * payoffs(np.array(rank))
        total += money.sum() / 3
    assert log_capital(said)[-1] == pytest.approx(np.log(total))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.integers(0, 1000))
def test_ranks_lie_between_zero_and_one(values: list[float], seed: int) -> None:
    ties = np.random.default_rng(seed).random(len(values))
    found = list(ranks(Kind.NUMBER, [0.0, 1.0], zip(values, ties, strict=True)))
    assert all(0 <= rank <= 1 for rank in found)


def test_ranks_of_a_share_without_a_change_are_uniform() -> None:
    chance = np.random.default_rng(4)
    stream = [(bool(v), float(chance.random())) for v in chance.random(3000) < 0.1]
    found = np.array(list(ranks(Kind.SHARE, [v for v, _ in stream[:100]], stream[100:])))
    assert np.histogram(found, bins=10, range=(0, 1))[0] == pytest.approx(290, abs=75)


def test_alarms_without_a_change_keep_to_the_promise() -> None:
    said = alarms_without_change(
        runs=60, women=120, reference=40, signals=6, false_alarm_rate=0.2, seed=3
    )
    assert said["watch"].low <= 0.2


def test_every_simulated_change_draws_as_many_women_as_asked() -> None:
    draws = np.random.default_rng(1)
    for change in CHANGES:
        assert len(change.after(draws, 5)) == len(change.before(draws, 5)) == 5


def test_a_large_change_is_found_within_forty_women() -> None:
    change = next(one for one in CHANGES if one.name.startswith("brightness: mean 60 to 80"))
    found = delay(
        change, runs=12, reference=100, quiet=50, changed=60, signals=17, false_alarm_rate=0.05
    )
    assert found.early == 0
    assert found.median is not None
    assert found.median <= 40


def test_a_threshold_divides_the_rate_among_the_signals() -> None:
    assert np.exp(threshold(false_alarm_rate=0.05, signals=17)) == pytest.approx(340)


def reference(values: int = 60) -> Window:
    chance = np.random.default_rng(1)
    return freeze(
        name="first quarter",
        first=date(2026, 1, 1),
        last=date(2026, 2, 28),
        false_alarm_rate=0.05,
        values={
            "count": [float(v) for v in chance.poisson(10, values)],
            "scanner": ["A"] * (values - 20) + ["B"] * 20,
            "edits": [1.0] * 5,
        },
    )


def seen(values: list[float | str | bool]) -> list[Observed]:
    return [
        Observed(key=str(n), at=DAY + timedelta(hours=n), value=value)
        for n, value in enumerate(values)
    ]


def test_signals_with_too_few_values_are_named_and_not_watched() -> None:
    window = reference()
    assert set(window.values) == {"count", "scanner"}
    assert window.left_out["edits"] == 5
    assert window.left_out["depth_mm"] == 0


def test_a_frozen_window_comes_back_as_it_was() -> None:
    window = reference()
    stored = json.loads(json.dumps(as_document(window)))
    assert window_from(stored, fingerprint=window.fingerprint) == window


def test_a_window_that_was_changed_is_refused() -> None:
    window = reference()
    document = as_document(window)
    document["values"]["count"][0] += 1
    with pytest.raises(ContractBroken, match="changed after it was frozen"):
        window_from(document, fingerprint=window.fingerprint)


@pytest.mark.parametrize("broken", [{}, {"schema": "other"}], ids=["empty", "other"])
def test_another_document_is_no_window(broken: dict[str, str]) -> None:
    with pytest.raises(ContractBroken):
        window_from(broken, fingerprint="")


@pytest.mark.parametrize(
    ("last", "rate", "count"),
    [(date(2025, 1, 1), 0.05, 50), (date(2026, 2, 1), 0.0, 50), (date(2026, 2, 1), 0.05, 29)],
    ids=["backwards", "never", "too few"],
)
def test_a_window_that_cannot_be_meant_is_refused(last: date, rate: float, count: int) -> None:
    with pytest.raises(InvalidInput):
        freeze(
            name="x", first=date(2026, 1, 1), last=last, false_alarm_rate=rate,
            values={"count": [1.0] * count},
        )  # fmt: skip


def test_a_new_scanner_alarms_and_what_did_not_change_does_not() -> None:
    chance = np.random.default_rng(2)
    counts = [float(v) for v in chance.poisson(10, 60)]
    states = watch(reference(), {"count": seen([*counts]), "scanner": seen(["C"] * 60)}, salt="w")
    said = {state.signal.name: state for state in states}
    assert said["scanner"].women_until_alarm is not None
    assert said["scanner"].women_until_alarm <= 10
    assert said["count"].alarmed_at is None
    assert "C" in said["scanner"].now


def test_the_same_women_in_another_list_order_give_the_same_evidence() -> None:
    observed = seen([12.0, 9.0, 14.0, 14.0, 3.0])
    one = watch(reference(), {"count": observed}, salt="w")
    other = watch(reference(), {"count": observed[::-1]}, salt="w")
    assert one == other


def test_without_women_there_is_no_evidence_and_nothing_is_told_of_now() -> None:
    state = watch(reference(), {})[0]
    assert (state.women, state.evidence, state.now, state.alarmed_at) == (0, 1.0, "", None)


def test_few_latest_women_are_not_told() -> None:
    assert watch(reference(), {"count": seen([1.0] * 9)})[0].now == ""


def test_rare_words_are_told_together() -> None:
    said = told(BY_NAME["scanner"], ["A"] * 20 + ["rare one"] * 3 + ["rare two"] * 3)
    assert said == "A 77 %, others 23 %"


def test_signals_have_names_of_their_own() -> None:
    assert len(BY_NAME) == len(SIGNALS)
