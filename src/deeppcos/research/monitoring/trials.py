"""Simulated clinics: how often the watch alarms when nothing changed, and how late when it did.

Owns the simulation behind ``docs/evidence/monitoring.md``. It runs the code that runs in a clinic,
ranks and bets included; only the women are drawn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.research.figures.intervals import Estimate, share
from deeppcos.research.monitoring.betting import log_capital, threshold, usual_share
from deeppcos.research.monitoring.ranks import Value, ranks
from deeppcos.research.monitoring.signals import Kind

Draw = Callable[[np.random.Generator, int], Sequence[Value]]
"""Values of so many women."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that changes, and how its values are drawn before and after.

    Attributes:
        name: In words, with its size.
        kind: How its values compare.
        before: Draws values of the reference and before the change.
        after: Draws values after it.
    """

    name: str
    kind: Kind
    before: Draw
    after: Draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How many women it took.

    Attributes:
        runs: Simulated clinics.
        found: Share that alarmed after the change.
        early: Alarms before the change.
        median: Women until half of the clinics had alarmed; None where fewer did.
        ninth: Women until nine tenths had.
    """

    runs: int
    found: Estimate
    early: int
    median: int | None
    ninth: int | None


def _gamma_counts(mean: float) -> Draw:
    """Follicles of a section: whole numbers, skewed, with a standard deviation of about 5."""

    def draw(chance: np.random.Generator, women: int) -> list[Value]:
        shape = mean**2 / 25
        return [float(n) for n in np.rint(chance.gamma(shape, mean / shape, women))]

    return draw


def _normal(mean: float, spread: float) -> Draw:
    return lambda chance, women: [float(v) for v in chance.normal(mean, spread, women)]


def _yes(probability: float) -> Draw:
    return lambda chance, women: [bool(v) for v in chance.random(women) < probability]


def _words(shares: Mapping[str, float]) -> Draw:
    names, weights = list(shares), list(shares.values())
    return lambda chance, women: [str(v) for v in chance.choice(names, women, p=weights)]


def _scanner(share_of_new: float) -> Change:
    before = {"scanner A": 0.6, "scanner B": 0.4}
    after = {name: part * (1 - share_of_new) for name, part in before.items()}
    return Change(
        name=f"a new scanner takes {100 * share_of_new:.0f} % of the women",
        kind=Kind.CATEGORY,
        before=_words(before),
        after=_words(after | {"scanner C": share_of_new}),
    )


CHANGES: tuple[Change, ...] = (
    *(
        Change(
            name=f"count: mean 12 to {12 + by}",
            kind=Kind.NUMBER,
            before=_gamma_counts(12),
            after=_gamma_counts(12 + by),
        )
        for by in (1, 2, 4, -2)
    ),
    *(
        Change(
            name=f"brightness: mean 60 to {60 + by}, deviation 15",
            kind=Kind.NUMBER,
            before=_normal(60, 15),
            after=_normal(60 + by, 15),
        )
        for by in (5, 10, 20)
    ),
    Change(
        name="calibration: mean 0 to -0.05, deviation 0.1",
        kind=Kind.NUMBER,
        before=_normal(0, 0.1),
        after=_normal(-0.05, 0.1),
    ),
    *(
        Change(
            name=f"abstention: 5 % to {100 * to:.0f} %",
            kind=Kind.SHARE,
            before=_yes(0.05),
            after=_yes(to),
        )
        for to in (0.10, 0.20, 0.40)
    ),
    *(_scanner(part) for part in (0.1, 0.3, 1.0)),
)


def alarms_without_change(
    *, runs: int, women: int, reference: int, signals: int, false_alarm_rate: float, seed: int = 1
) -> dict[str, Estimate]:
    """Share of clinics with any alarm within so many women, though nothing changed.

    Args:
        runs: Simulated clinics.
        women: Women after the window.
        reference: Women in the window.
        signals: Signals watched, independent of each other: the worst case for false alarms.
        false_alarm_rate: What is promised.
        seed: Of the draws.

    Returns:
        The share of clinics for the watch, and for a test of a usual kind beside it: after each
        20 women, those are compared with the window (Kolmogorov and Smirnov, p < 0.05 divided by
        the number of signals).
    """
    limit = threshold(false_alarm_rate=false_alarm_rate, signals=signals)
    chance = np.random.default_rng(seed)
    ours, usual = np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool)
    for number in range(signals):
        change = CHANGES[number % len(CHANGES)]
        clinics = [
            (change.before(chance, reference), change.before(chance, women)) for _ in range(runs)
        ]
        ours |= (_evidence(change.kind, clinics, chance) >= limit).any(axis=0)
        if change.kind is Kind.NUMBER:
            level = false_alarm_rate / signals
            usual |= [_usual_test_alarms(old, new, level) for old, new in clinics]
    return {"watch": share(int(ours.sum()), runs), "usual": share(int(usual.sum()), runs)}


def _evidence(
    kind: Kind,
    clinics: Sequence[tuple[Sequence[Value], Sequence[Value]]],
    chance: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Evidence of clinics, each a window and what came after: of shape (women, clinics)."""
    columns = [
        list(ranks(kind, old, zip(new, chance.random(len(new)), strict=True)))
        for old, new in clinics
    ]
    shares = [usual_share(kind, old) for old, _ in clinics]
    known = [one for one in shares if one is not None]
    return log_capital(np.array(columns).T, usual_share=np.array(known) if known else None)


def _usual_test_alarms(old: Sequence[Value], new: Sequence[Value], level: float) -> bool:
    """Whether a test after each 20 women ever says that they differ from the window."""
    from scipy.stats import ks_2samp

    before = [float(value) for value in old]
    blocks = (new[at : at + 20] for at in range(0, len(new), 20))
    return any(
        ks_2samp(before, [float(v) for v in block], method="asymp").pvalue < level
        for block in blocks
    )


def delay(
    change: Change,
    *,
    runs: int,
    reference: int,
    quiet: int,
    changed: int,
    signals: int,
    false_alarm_rate: float,
    seed: int = 1,
) -> Delay:
    """How many women pass from a change to its alarm.

    Args:
        change: What changes.
        runs: Simulated clinics.
        reference: Women in the window.
        quiet: Women between the window and the change.
        changed: Women after it that are waited for.
        signals: Signals watched.
        false_alarm_rate: What is promised for all of them.
        seed: Of the draws.
    """
    limit = threshold(false_alarm_rate=false_alarm_rate, signals=signals)
    chance = np.random.default_rng(seed)
    clinics = [
        (
            change.before(chance, reference),
            [*change.before(chance, quiet), *change.after(chance, changed)],
        )
        for _ in range(runs)
    ]
    above = _evidence(change.kind, clinics, chance) >= limit
    early = above[:quiet].any(axis=0)
    later = above[quiet:][:, ~early]
    first = np.where(later.any(axis=0), later.argmax(axis=0) + 1, changed + 1)
    middle, ninth = np.quantile(first, [0.5, 0.9], method="higher")
    return Delay(
        runs=int(first.size),
        found=share(int((first <= changed).sum()), int(first.size)),
        early=int(early.sum()),
        median=int(middle) if middle <= changed else None,
        ninth=int(ninth) if ninth <= changed else None,
    )
