"""Pictures of one study, each with n and 95 % intervals.

Owns what is drawn. Colours and type are the charts' own; every number comes from ``study``.
"""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from deeppcos.learning.charts.style import ACCENT, CAUTION, MUTED, SECOND, SERIES, drawn, note
from deeppcos.learning.metrics import Measured
from deeppcos.learning.risk import simulated_pairs
from deeppcos.learning.risk.dictionary import BY_NAME, Kind, Tier
from deeppcos.learning.risk.held_out import reliability_bins
from deeppcos.learning.risk.leakage import MOST_AUROC
from deeppcos.learning.risk.measures import auroc, brier, net_benefit
from deeppcos.learning.risk.study import Study

_SHORT = {
    Tier.QUESTIONNAIRE: "questionnaire",
    Tier.EXAMINATION: "+ examination",
    Tier.LABORATORY: "+ laboratory",
    Tier.ULTRASOUND: "+ ultrasound",
}
_WITH, _WITHOUT = "all features", "without label-defining features"


def draw_study(study: Study, folder: Path) -> tuple[str, ...]:
    """Draw every picture the study has numbers for.

    Args:
        study: The study.
        folder: Where SVG and PNG go.

    Returns:
        Names of the pictures, without ending, in the order of the report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawers = {
        "tiers": _tiers,
        "calibration": _calibration,
        "decision": _decision,
        "certainty": _certainty,
        "effects": _effects,
        "comparators": _comparators if study.comparators else None,
        "lesson": _lesson if study.lesson else None,
        "shift": _shift if study.transfers else None,
        "fusion": _fusion,
    }
    names = []
    for name, drawer in drawers.items():
        if drawer is not None:
            drawer(study, folder / name)
            names.append(name)
    return tuple(names)


def _n(study: Study) -> str:
    """How many women, as printed in pictures."""
    table = study.table
    return (
        f"n = {table.label.size} rows of {table.n_groups} women, {int(table.label.sum())} labelled"
    )


def _dot(axes: Any, figure: Measured, y: float, *, series: int, label: str | None = None) -> None:
    """A figure with its interval on a horizontal scale."""
    colour, marker = SERIES[series]
    axes.plot([figure.low, figure.high], [y, y], color=colour, lw=2, solid_capstyle="round")
    axes.plot([figure.value], [y], marker, color=colour, ms=7, label=label, mec="white", mew=0.8)
    axes.annotate(
        f"{figure.value:.2f}",
        (figure.high, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=colour,
        bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 0.8},
    )


def _guard(axes: Any) -> None:
    """The line above which nothing is believed."""
    axes.axvspan(MOST_AUROC, 1.0, color="#f6e7d2", lw=0, zorder=0)
    axes.axvline(MOST_AUROC, color=CAUTION, lw=1, ls=(0, (4, 3)))


def _tiers(study: Study, to: Path) -> None:
    """AUROC by what was measured, beside the criteria alone."""
    tiers = [t for t in Tier if any(r.held.tier is t for r in study.tiers)]
    baseline = study.baseline_auroc["rotterdam_2003"]
    height = 1.7 + 0.62 * (len(tiers) + 1)
    with drawn(7.6, height, to=to) as figure:
        axes = figure.subplots()
        for place, tier in enumerate(tiers):
            for series, with_criteria in enumerate((True, False)):
                result = study.tier(tier, with_label_defining=with_criteria)
                label = (_WITH, _WITHOUT)[series] if place == 0 else None
                _dot(
                    axes,
                    result.figures.auroc,
                    -place + 0.13 - 0.26 * series,
                    series=series,
                    label=label,
                )
        _dot(axes, baseline, -len(tiers), series=2, label="criteria reported, counted (no model)")
        axes.set_yticks([-i for i in range(len(tiers) + 1)])
        axes.set_yticklabels([*(_SHORT[t] for t in tiers), "criteria alone"])
        _guard(axes)
        axes.set_xlim(0.7, 1.0)
        axes.set_ylim(-len(tiers) - 0.6, 0.6)
        axes.text(
            0.985,
            -len(tiers) / 2,
            "leakage",
            rotation=90,
            va="center",
            ha="center",
            color=CAUTION,
            fontsize=8,
        )
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(
            f"AUROC, women held out, {study.repeats} × 5 grouped folds, 95 % interval\n{_n(study)}"
        )
        axes.set_title("What each step of measuring adds")
        figure.legend(loc="outside lower center", ncols=3, fontsize=8.5)


def _calibration(study: Study, to: Path) -> None:
    """Reliability of every tier."""
    results = [r for r in study.tiers if r.held.with_label_defining]
    with drawn(2.75 * len(results) + 0.4, 3.5, to=to) as figure:
        panels = figure.subplots(1, len(results), sharey=True, squeeze=False)[0]
        for axes, result in zip(panels, results, strict=True):
            mean = result.held.probability.mean(axis=0)
            axes.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=(0, (4, 3)))
            for x, y, low, high, n in reliability_bins(mean, study.table.label):
                axes.plot([x, x], [low, high], color=ACCENT, lw=1.8, alpha=0.75)
                axes.plot([x], [y], "o", color=ACCENT, ms=3 + n / 18, mec="white", mew=0.8)
            slope, error = result.figures.calibration_slope, result.figures.calibration_error
            note(axes, f"slope {_range(slope)}\nerror {_range(error)}")
            axes.set_title(_SHORT[result.held.tier])
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1)
            axes.set_aspect("equal")
            axes.set_xlabel("probability given")
        panels[0].set_ylabel("share labelled, 95 % interval")
        figure.supxlabel(f"{_n(study)}; eight bins of equal counts", fontsize=8.5, color=MUTED)


def _decision(study: Study, to: Path) -> None:
    """Net benefit over thresholds."""
    thresholds = np.linspace(0.02, 0.8, 79)
    label = study.table.label
    with drawn(7.6, 4.4, to=to) as figure:
        axes = figure.subplots()
        share = float(label.mean())
        axes.plot(
            thresholds,
            [share - (1 - share) * t / (1 - t) for t in thresholds],
            color=MUTED,
            lw=1.2,
            label="refer everybody",
        )
        axes.axhline(0, color=MUTED, lw=1.2, ls=(0, (4, 3)), label="refer nobody")
        met = study.baselines[0].reported_met.astype(float)
        axes.plot(
            thresholds,
            [net_benefit(met, label, threshold=t) for t in thresholds],
            color="#5c5470",
            lw=1.6,
            ls=(0, (1, 1.5)),
            label="two of three criteria reported (2003)",
        )
        shown = [r for r in study.tiers if r.held.with_label_defining]
        for result, (colour, _), style in zip(
            shown, SERIES, ("-", "-", (0, (6, 2)), (0, (2, 1))), strict=False
        ):
            means = [
                float(
                    np.mean([net_benefit(p, label, threshold=t) for p in result.held.probability])
                )
                for t in thresholds
            ]
            axes.plot(
                thresholds, means, color=colour, lw=2, ls=style, label=_SHORT[result.held.tier]
            )
        axes.set_ylim(-0.05, share + 0.03)
        axes.set_xlim(0, 0.8)
        axes.set_xlabel(f"probability from which one would act\n{_n(study)}")
        axes.set_ylabel("net benefit per woman")
        axes.set_title("Decision curve, women held out")
        figure.legend(loc="outside lower center", ncols=3, fontsize=8.5)


def _certainty(study: Study, to: Path) -> None:
    """Promised coverage, and what hiding values costs."""
    results = [r for r in study.tiers if r.held.with_label_defining]
    with drawn(8.4, 3.7, to=to) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
        for place, result in enumerate(results):
            for series, (part, label) in enumerate(
                ((result.coverage_labelled, "labelled women"), (result.coverage_others, "others"))
            ):
                _dot(
                    left,
                    part,
                    -place + 0.13 - 0.26 * series,
                    series=series,
                    label=label if place == 0 else None,
                )
        left.axvline(0.9, color=CAUTION, lw=1, ls=(0, (4, 3)))
        left.set_yticks([-i for i in range(len(results))])
        left.set_yticklabels(
            [f"{_SHORT[r.held.tier]}\ndecided {r.decided.value:.0%}" for r in results]
        )
        left.set_xlim(0.8, 1.0)
        left.set_xticks([0.8, 0.85, 0.9, 0.95, 1.0])
        left.set_ylim(-len(results) + 0.4, 0.95)
        left.grid(axis="y", visible=False)
        left.set_xlabel("share of label sets that hold the label\npromised: 0.90")
        left.set_title("Coverage of the label sets")
        left.legend(fontsize=8.5, loc="upper left", ncols=2)
        for result, (colour, marker) in zip(results, SERIES, strict=False):
            shares = [0.0, *result.hidden]
            values = [result.figures.auroc, *result.hidden.values()]
            right.fill_between(
                shares,
                [v.low for v in values],
                [v.high for v in values],
                color=colour,
                alpha=0.1,
                lw=0,
            )
            right.plot(
                shares,
                [v.value for v in values],
                marker=marker,
                color=colour,
                lw=1.8,
                ms=5,
                label=_SHORT[result.held.tier],
            )
        right.set_xlabel(f"share of each woman's values hidden\n{_n(study)}")
        right.set_ylabel("AUROC, 95 % interval")
        right.set_title("When values are missing")
        right.legend(fontsize=8, loc="lower left")


def _effects(study: Study, to: Path) -> None:
    """What the strongest features add to the log-odds."""
    model = study.release.model(study.tiers[-1].held.tier, with_label_defining=True)
    steps = sorted(model.fitted.model.steps, key=lambda s: -(max(s.scores) - min(s.scores)))[:8]
    with drawn(9.2, 4.6, to=to) as figure:
        panels = figure.subplots(2, 4, sharey=True).ravel()
        for axes, step in zip(panels, steps, strict=True):
            low, high = model.seen_range[step.name]
            edges = [low, *[e for e in step.edges if low < e < high], high]
            middles = np.array([(a + b) / 2 for a, b in itertools.pairwise(edges)])
            feature = BY_NAME[step.name]
            if feature.kind is Kind.YES_NO:
                answers = step.of(np.array([0.0, 1.0]))
                axes.plot([0, 1], answers, "o", color=ACCENT, ms=8, mec="white", mew=0.8)
                axes.vlines([0, 1], 0, answers, color=ACCENT, lw=2)
                axes.set_xticks([0, 1], labels=["no", "yes"])
                axes.set_xlim(-0.5, 1.5)
            else:
                axes.stairs(step.of(middles), edges, color=ACCENT, lw=2, baseline=None)
            axes.axhline(0, color=MUTED, lw=0.8)
            axes.axhline(step.unknown, color=SECOND, lw=1.3, ls=(0, (2, 2)))
            sign = {1: "rising", 0: "free", -1: "falling"}[int(feature.direction)]
            axes.set_title(feature.label, fontsize=9.5)
            axes.set_xlabel(f"{feature.unit}  ·  {sign}".removeprefix("  ·  "), fontsize=8)
        panels[0].set_ylabel("added to the log-odds")
        panels[4].set_ylabel("added to the log-odds")
        figure.supxlabel(
            f"Exact Shapley values against the training women; dashed: value unknown. {_n(study)}",
            fontsize=8.5,
            color=MUTED,
        )


def _comparators(study: Study, to: Path) -> None:
    """Every comparator, with and without label-defining features."""
    top = study.tiers[-1].held.tier
    ours = tuple(study.tier(top, with_label_defining=d).figures for d in (True, False))
    rows = {**study.comparators, "shipped (additive, monotone)": ours}
    ordered = sorted(rows.items(), key=lambda item: item[1][0].auroc.value or 0)
    with drawn(7.8, 0.36 * len(rows) + 1.5, to=to) as figure:
        axes = figure.subplots()
        for place, (name, (all_features, without)) in enumerate(ordered):
            if name.startswith("shipped"):
                axes.axhspan(place - 0.5, place + 0.5, color="#eef2fa", lw=0, zorder=0)
            _dot(
                axes, all_features.auroc, place + 0.14, series=0, label=_WITH if not place else None
            )
            _dot(axes, without.auroc, place - 0.14, series=1, label=_WITHOUT if not place else None)
        axes.set_yticks(range(len(ordered)))
        axes.set_yticklabels([name for name, _ in ordered])
        _guard(axes)
        axes.set_xlim(0.7, 1.0)
        axes.set_ylim(-0.6, len(ordered) - 0.4)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"AUROC, women held out, 95 % interval\n{_n(study)}")
        axes.set_title("The models people expect, on the same folds")
        figure.legend(loc="outside lower center", ncols=2, fontsize=8.5)


def _lesson(study: Study, to: Path) -> None:
    """The same recipe before and inside the split."""
    names = list(dict.fromkeys(o.resampler for o in study.lesson))
    with drawn(8.6, 1.2 + 0.72 * len(names), to=to) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, title in zip(panels, ("accuracy", "auroc"), strict=True):
            for outcome in study.lesson:
                y = -names.index(outcome.resampler)
                series = 0 if outcome.is_right else 1
                label = (
                    "inside the folds, real women"
                    if outcome.is_right
                    else "before the split, made-up women too"
                )
                is_first = y == 0
                _dot(
                    axes,
                    getattr(outcome, title),
                    y + (0.14 if outcome.is_right else -0.14),
                    series=series,
                    label=label if is_first else None,
                )
            axes.set_xlim(0.8, 1.03)
            axes.set_title({"accuracy": "Accuracy", "auroc": "AUROC"}[title])
            axes.grid(axis="y", visible=False)
        panels[1].axvline(MOST_AUROC, color=CAUTION, lw=1, ls=(0, (4, 3)))
        panels[0].set_yticks([-i for i in range(len(names))])
        panels[0].set_yticklabels(names)
        panels[0].set_ylim(-len(names) + 0.5, 0.5)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8.5)


def _shift(study: Study, to: Path) -> None:
    """At home and away."""
    results = study.transfers
    with drawn(8.8, 3.9, to=to) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
        names = []
        for place, result in enumerate(results):
            _dot(
                left,
                result.home,
                -place + 0.14,
                series=0,
                label="at home, same answers" if not place else None,
            )
            _dot(
                left,
                result.away.auroc,
                -place - 0.14,
                series=1,
                label="away" if not place else None,
            )
            kind = "all" if result.with_label_defining else "no criteria"
            names.append(f"{result.tested_on}\n{kind}, {len(result.shared)} features")
        left.set_yticks([-i for i in range(len(results))])
        left.set_yticklabels(names)
        left.set_xlim(0.4, 1.0)
        left.axvline(0.5, color=MUTED, lw=1, ls=(0, (4, 3)))
        left.set_ylim(-len(results) + 0.4, 0.9)
        left.grid(axis="y", visible=False)
        left.set_xlabel("AUROC, 95 % interval")
        left.set_title("Questionnaire tier on other women")
        left.legend(fontsize=8.5, loc="upper left", ncols=2)
        right.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=(0, (4, 3)))
        whole = [r for r in results if r.with_label_defining]
        for result, (colour, marker) in zip(whole, SERIES, strict=False):
            bins = reliability_bins(result.probability, result.label, bins=5)
            for x, _, low, high, _ in bins:
                right.plot([x, x], [low, high], color=colour, lw=1.5, alpha=0.6)
            right.plot(
                [b[0] for b in bins],
                [b[1] for b in bins],
                marker=marker,
                color=colour,
                lw=1.2,
                ms=6,
                label=f"{result.tested_on} (n = {result.label.size})",
            )
        right.set_xlim(0, 1)
        right.set_ylim(0, 1)
        right.set_xlabel("probability given")
        right.set_ylabel("share labelled, 95 % interval")
        right.set_title("Calibration away from home")
        right.legend(fontsize=8.5, loc="upper left")


def _fusion(study: Study, to: Path) -> None:
    """Simulated pairs, and real women with charted counts."""
    learned = simulated_pairs.simulate(4000, deviation=3.0, seed=1)
    scored = simulated_pairs.simulate(2000, deviation=3.0, seed=2)
    ways = simulated_pairs.probabilities(scored, learned_from=learned)
    with drawn(9.6, 4.0, to=to) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.05))
        names = [*ways, *(f"real women: {name}" for name in study.fusion)]
        values = [auroc(p, scored.label) or 0.0 for p in ways.values()]
        values += [f.value or 0.0 for f in study.fusion.values()]
        colours = _bar_colours(len(ways), len(study.fusion))
        places = [-float(i) for i in range(len(names))]
        left.hlines(places, 0.5, values, color=colours, lw=5, alpha=0.85)
        for y, value, colour in zip(places, values, colours, strict=True):
            left.text(value + 0.012, y, f"{value:.2f}", va="center", fontsize=8.5, color=colour)
        left.set_yticks(places)
        left.set_yticklabels(names)
        left.set_xlim(0.5, 1.02)
        left.grid(axis="y", visible=False)
        left.set_xlabel("AUROC")
        left.set_title("Fusing a count")
        right.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=(0, (4, 3)))
        for (name, p), (colour, marker) in zip(
            list(ways.items())[-3:], (SERIES[3], SERIES[0], SERIES[1]), strict=True
        ):
            bins = reliability_bins(p, scored.label)
            right.plot(
                [b[0] for b in bins],
                [b[1] for b in bins],
                marker=marker,
                color=colour,
                lw=1.3,
                ms=5,
                label=f"{_wrapped(name)}\nBrier {brier(p, scored.label):.3f}",
            )
        right.set_xlabel("probability given")
        right.set_ylabel("share with the label")
        right.set_title("Simulated: probabilities")
        right.set_xlim(0, 1)
        right.set_ylim(0, 1)
        right.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        figure.supxlabel(
            f"Simulated patients: n = {scored.label.size}, nobody in them exists. "
            f"Real women: {_n(study)}",
            fontsize=8.5,
            color=MUTED,
        )


def _bar_colours(simulated: int, real: int) -> list[str]:
    """Colours of the fusion bars: the wrong pairing in the second colour, real women in a third."""
    colours = [ACCENT] * simulated + [SERIES[2][0]] * real
    colours[simulated - 1] = SECOND
    return colours


def _range(figure: Measured) -> str:
    """A figure with its interval in a few words."""
    return f"{figure.value:.2f} ({figure.low:.2f}–{figure.high:.2f})"


def _wrapped(name: str) -> str:
    """A long name on two lines."""
    return name.replace(", ", ",\n").replace("patient's ", "patient's\n")
