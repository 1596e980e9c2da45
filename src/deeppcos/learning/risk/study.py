"""Everything that is measured on one table, in one pass, as figures.

Owns what a report holds and in which order it is computed. Drawing is the business of
``pictures``, the page that of ``page``, the single figures that of the modules named after them.
"""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.learning.metrics import Measured
from deeppcos.learning.risk.additive_training import fit_risk
from deeppcos.learning.risk.baseline import PROFILES, Baseline, criteria_baseline
from deeppcos.learning.risk.comparators import COMPARATORS, fit_comparator
from deeppcos.learning.risk.dictionary import Tier, feature_names
from deeppcos.learning.risk.folds import held_out_probabilities
from deeppcos.learning.risk.held_out import HeldOut, fused_with_charted_counts, held_out
from deeppcos.learning.risk.leakage import require_believable, require_no_leak
from deeppcos.learning.risk.lesson import Outcome, resampled_before, resampled_inside, resamplers
from deeppcos.learning.risk.measures import (
    Figures,
    auroc,
    expected_calibration_error,
    figures,
    over_repeats,
)
from deeppcos.learning.risk.release_file import RiskRelease, TierModel
from deeppcos.learning.risk.shift import Transfer, transfer
from deeppcos.learning.risk.table import RiskTable

Floats = npt.NDArray[np.float64]
Told = Callable[[str], None]
"""Is told what is being computed."""

SHIPPED_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TierResult:
    """One tier, held out.

    Attributes:
        held: What each woman got.
        figures: Figures with intervals.
        coverage: Share of label sets that held the label.
        coverage_labelled: The same among labelled women.
        coverage_others: The same among the others.
        decided: Share of sets that name one label.
        mean_width: Mean width of the probability's interval.
        hidden: AUROC with a share of the values hidden.
        hidden_error: Calibration error with a share hidden.
    """

    held: HeldOut
    figures: Figures
    coverage: Measured
    coverage_labelled: Measured
    coverage_others: Measured
    decided: Measured
    mean_width: Measured
    hidden: dict[float, Measured]
    hidden_error: dict[float, Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Everything measured on one table.

    Attributes:
        table: The table with its repair report.
        repeats: Repeats of cross-validation.
        tiers: Every tier, with and without label-defining features.
        baselines: The criteria alone, by profile.
        baseline_auroc: AUROC of the number of criteria reported, by profile.
        comparators: AUROC by model, with all features and without label-defining ones.
        lesson: Each recipe, wrong and right.
        transfers: On other tables.
        fusion: Probabilities on real women with charted counts.
        release: The models fitted on everybody, for shipping.
    """

    table: RiskTable
    repeats: int
    tiers: tuple[TierResult, ...]
    baselines: tuple[Baseline, ...]
    baseline_auroc: dict[str, Measured]
    comparators: dict[str, tuple[Figures, Figures]]
    lesson: tuple[Outcome, ...]
    transfers: tuple[Transfer, ...]
    fusion: dict[str, Measured]
    release: RiskRelease

    def tier(self, tier: Tier, *, with_label_defining: bool) -> TierResult:
        """The result of a tier."""
        return next(
            t
            for t in self.tiers
            if t.held.tier is tier and t.held.with_label_defining is with_label_defining
        )


def run_study(
    table: RiskTable,
    *,
    others: Sequence[RiskTable] = (),
    repeats: int = 3,
    with_comparators: bool = True,
    rounds: int = 1000,
    told: Told = lambda _: None,
) -> Study:
    """Measure everything on one table.

    Args:
        table: The table.
        others: Other tables for the test under shift.
        repeats: Repeats of cross-validation.
        with_comparators: Whether to run the comparators and the lesson, most of the time.
        rounds: Bootstrap rounds of the intervals.
        told: Is told each step.

    Raises:
        InvalidInput: If a feature tells the label, or a model is too good to be true.
    """
    from threadpoolctl import threadpool_limits

    require_no_leak(table)
    # Tables are small: threads would only wait for one another.
    with threadpool_limits(1):
        tiers = tuple(
            _tier_result(
                table,
                tier,
                with_criteria=with_criteria,
                repeats=repeats,
                rounds=rounds,
                told=told,
            )
            for tier in tiers_of(table)
            for with_criteria in (True, False)
        )
        told("criteria alone")
        baselines = tuple(criteria_baseline(table, profile=profile) for profile in PROFILES)
        chosen = list(COMPARATORS) if with_comparators else []
        compared = {name: _compared(table, name, rounds=rounds, told=told) for name in chosen}
        return Study(
            table=table,
            repeats=repeats,
            tiers=tiers,
            baselines=baselines,
            baseline_auroc={b.profile: _count_auroc(table, b, rounds=rounds) for b in baselines},
            comparators=compared,
            lesson=_lesson(table, told=told) if with_comparators else (),
            transfers=_transfers(table, others, told=told),
            fusion=_fusion(table, repeats=repeats, rounds=rounds, told=told),
            release=_release(table, tiers, told=told),
        )


def tiers_of(table: RiskTable) -> tuple[Tier, ...]:
    """The tiers a table has: each needs at least one feature of its own that is known."""
    return tuple(
        tier
        for tier in Tier
        if any(
            np.isfinite(table.columns((name,))).any()
            for name in feature_names(tier)
            if name not in (feature_names(Tier(tier - 1)) if tier > 1 else ())
        )
    )


def _tier_result(
    table: RiskTable,
    tier: Tier,
    *,
    with_criteria: bool,
    repeats: int,
    rounds: int,
    told: Told,
) -> TierResult:
    """One tier, held out and measured."""
    told(f"{tier.label}, {'all features' if with_criteria else 'without label-defining ones'}")
    held = held_out(table, tier, with_label_defining=with_criteria, repeats=repeats)
    label, groups = table.label, table.groups

    def mean_of(array: npt.NDArray[Any], among: npt.NDArray[np.bool_] | None = None) -> Measured:
        chosen = np.ones(label.size, dtype=bool) if among is None else among
        kept = [g for g, keep in zip(groups, chosen, strict=True) if keep]
        return over_repeats(
            lambda values, _: float(values.mean()),
            array[:, chosen].astype(float),
            label[chosen],
            kept,
            rounds=rounds,
        )

    measured = figures(held.probability, label, groups, rounds=rounds)
    require_believable(tier.label, measured.auroc.value)
    return TierResult(
        held=held,
        figures=measured,
        coverage=mean_of(held.covered),
        coverage_labelled=mean_of(held.covered, label),
        coverage_others=mean_of(held.covered, ~label),
        decided=mean_of(held.set_size == 1),
        mean_width=mean_of(held.width),
        hidden={
            share: over_repeats(auroc, p, label, groups, rounds=rounds)
            for share, p in held.hidden.items()
        },
        hidden_error={
            share: over_repeats(expected_calibration_error, p, label, groups, rounds=rounds)
            for share, p in held.hidden.items()
        },
    )


def _compared(table: RiskTable, name: str, *, rounds: int, told: Told) -> tuple[Figures, Figures]:
    """One comparator with all features and without label-defining ones, on the same folds."""
    told(name)
    top = tiers_of(table)[-1]
    results = []
    for with_criteria in (True, False):
        features = table.columns(feature_names(top, with_label_defining=with_criteria))
        chance = held_out_probabilities(
            fit_comparator(name), features, table.label, table.groups, repeats=1
        )
        measured = figures(chance, table.label, table.groups, rounds=rounds)
        require_believable(name, measured.auroc.value)
        results.append(measured)
    return results[0], results[1]


def _count_auroc(table: RiskTable, baseline: Baseline, *, rounds: int) -> Measured:
    """AUROC of how many criteria the table reports."""
    counts = baseline.reported_count.astype(float)[None]
    return over_repeats(auroc, counts, table.label, table.groups, rounds=rounds)


def _lesson(table: RiskTable, *, told: Told) -> tuple[Outcome, ...]:
    """Each recipe, wrong and right."""
    features = table.columns(feature_names(tiers_of(table)[-1]))
    outcomes = []
    for name in resamplers(0):
        told(f"lesson: {name}")
        outcomes.append(resampled_before(name, features, table.label))
        outcomes.append(resampled_inside(name, features, table.label, table.groups))
    return tuple(outcomes)


def _transfers(
    table: RiskTable, others: Sequence[RiskTable], *, told: Told
) -> tuple[Transfer, ...]:
    """The questionnaire tier on other tables."""
    results = []
    for other in others:
        told(f"shift: {other.adapter.title}")
        results += [transfer(table, other, with_label_defining=d) for d in (True, False)]
    return tuple(results)


def _fusion(table: RiskTable, *, repeats: int, rounds: int, told: Told) -> dict[str, Measured]:
    """AUROC of the laboratory tier before and after the charted count."""
    if Tier.ULTRASOUND not in tiers_of(table):
        return {}
    told("fusion with charted counts")
    fused = fused_with_charted_counts(table, repeats=repeats)
    return {
        name: over_repeats(auroc, p, table.label, table.groups, rounds=rounds)
        for name, p in fused.items()
    }


def _release(table: RiskTable, tiers: Sequence[TierResult], *, told: Told) -> RiskRelease:
    """The models fitted on every woman, each with its held-out figures."""
    told("fitting the release")
    return RiskRelease(
        data=table.adapter.title,
        label_meaning=table.adapter.label_meaning,
        n_rows=int(table.label.size),
        n_women=table.n_groups,
        n_positive=int(table.label.sum()),
        made_with={
            "python": platform.python_version(),
            **{name: version(name) for name in ("deeppcos", "lightgbm", "numpy", "scikit-learn")},
        },
        models=tuple(_shipped(table, result) for result in tiers),
    )


def _shipped(table: RiskTable, result: TierResult) -> TierModel:
    """One tier fitted on every woman."""
    names = feature_names(result.held.tier, with_label_defining=result.held.with_label_defining)
    features = table.columns(names)
    fitted = fit_risk(features, table.label, table.groups, names=names, seed=SHIPPED_SEED)
    known = {n: c[np.isfinite(c)] for n, c in zip(names, features.T, strict=True)}
    return TierModel(
        tier=result.held.tier,
        with_label_defining=result.held.with_label_defining,
        fitted=fitted,
        seen_range={n: (float(c.min()), float(c.max())) for n, c in known.items() if c.size},
        figures={
            "auroc": result.figures.auroc,
            "brier": result.figures.brier,
            "calibration_slope": result.figures.calibration_slope,
            "coverage": result.coverage,
        },
    )
