"""The page of a report: its words and tables, as one HTML file beside the pictures.

Owns the page. It says first what the estimate is not.
"""

from collections.abc import Iterable, Sequence
from html import escape

from deeppcos.learning.risk.dictionary import FEATURES
from deeppcos.learning.risk.estimate import STATEMENT
from deeppcos.learning.risk.measures import shown
from deeppcos.learning.risk.repair import Repair, summary
from deeppcos.learning.risk.study import Study

_STYLE = """
body{font:16px/1.55 "DejaVu Sans",Verdana,sans-serif;color:#17202c;background:#fff;margin:0}
main{max-width:60rem;margin:0 auto;padding:2.2rem 1.4rem 4rem}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 .4rem}h2{font-size:1.2rem;margin:2.6rem 0 .6rem}
p,li{max-width:46rem}.lead{color:#4d5968;margin:0 0 1.2rem}
.notice{border-left:4px solid #b0762a;background:#fbf5ec;padding:.8rem 1rem;max-width:44rem}
table{border-collapse:collapse;font-size:.84rem;margin:.8rem 0 1.2rem;width:100%}
th{color:#4d5968;font-weight:600;text-align:left;border-bottom:1.5px solid #d5dae1}
th,td{padding:.38rem .7rem .38rem 0;vertical-align:top}td{border-bottom:1px solid #eceff3}
td.n{white-space:nowrap;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}img{width:100%;height:auto;margin:.6rem 0 .2rem}
figcaption{color:#4d5968;font-size:.88rem;max-width:46rem}figure{margin:1.4rem 0}
code{background:#f3f5f8;padding:.1rem .3rem;border-radius:3px;font-size:.88em}
footer{color:#4d5968;font-size:.85rem;margin-top:3rem;border-top:1px solid #d5dae1;padding-top:1rem}
"""

CAPTIONS = {
    "tiers": (
        "What each step of measuring adds",
        "AUROC of the shipped model on women held out, by what had been measured, with and "
        "without the features that define the label, beside simply counting reported criteria.",
    ),
    "calibration": (
        "Are the probabilities right?",
        "Probability given against the share of labelled women, held out.",
    ),
    "decision": (
        "Would acting on it help?",
        "Net benefit against referring everybody, nobody, or by two reported criteria.",
    ),
    "certainty": (
        "How sure, and with how little",
        "Coverage of the label sets, promised and measured; AUROC with values hidden at random.",
    ),
    "effects": (
        "Why: the model is a sum",
        "What the eight strongest features add. Rising and falling effects are constrained to be "
        "so; an unknown value has a value of its own.",
    ),
    "comparators": (
        "The models people expect",
        "Same women, same folds; every step of every recipe is fitted inside the fold.",
    ),
    "lesson": (
        "A lesson: resampling before splitting",
        "The popular recipe balances the classes first and splits afterwards, so that copies and "
        "blends of the women it is tested on stand in training, and it scores made-up women.",
    ),
    "shift": (
        "On other women",
        "Trained here on the questionnaire tier, measured on tables with other questions and a "
        "self-reported label.",
    ),
    "fusion": (
        "With a picture of the same patient",
        "Likelihood ratios on simulated patients, and on real women with their own charted counts.",
    ),
}
"""Heading and caption of each picture."""


def page(study: Study, pictures: Sequence[str], *, command: str) -> str:
    """The report as HTML.

    Args:
        study: The study.
        pictures: Names of the pictures that were drawn, in order.
        command: The command that made it.
    """
    table = study.table
    parts = [
        f"<h1>Clinical data, honestly: {escape(table.adapter.title)}</h1>",
        f'<p class="lead">{table.label.size} rows of {table.n_groups} women, '
        f"{int(table.label.sum())} labelled. Women held out by group, "
        f"{study.repeats} × 5 folds; 95 % intervals over women.</p>",
        f'<p class="notice">{escape(STATEMENT)}</p>',
        f"<p><b>The label:</b> {escape(table.adapter.label_meaning)}.</p>",
        "<h2>By what was measured</h2>",
        _table(_TIER_HEAD, _tier_rows(study)),
        "<h2>The criteria alone</h2>",
        _table(_BASE_HEAD, _baseline_rows(study)),
        "<p>The rule engine, given each row as a chart, leaves the question open where the table "
        "has no cycle interval, hair score or androgens. Counting what the table reports of the "
        "criteria is the baseline every model has to beat.</p>",
    ]
    for name in pictures:
        heading, caption = CAPTIONS[name]
        parts.append(
            f'<h2>{escape(heading)}</h2><figure><img src="pictures/{name}.svg" '
            f'alt="{escape(heading)}"><figcaption>{escape(caption)}</figcaption></figure>'
        )
    parts += [
        "<h2>Repairs</h2>",
        "<p>Nothing was guessed: what is asked back is unknown until somebody answers. Every "
        "single cell stands in <code>repairs.csv</code>.</p>",
        _table(("column", "what was done", "why", "cells"), repair_rows(table.repairs)),
        "<h2>Features and constraints</h2>",
        _table(("feature", "unit", "tier", "criterion", "direction", "because"), feature_rows()),
        f"<footer>Research use. Not a medical device. Made by <code>{escape(command)}</code>. "
        "Figures: <code>figures.json</code>; models: <code>risk.json</code>.</footer>",
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Clinical data, honestly</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


_TIER_HEAD = ("measured", "features", "AUROC", "Brier", "calibration slope", "coverage", "decided")
_BASE_HEAD = (
    "profile",
    "rule engine on the row",
    "AUROC of the count",
    "sensitivity",
    "specificity",
)


def _tier_rows(study: Study) -> Iterable[tuple[str, ...]]:
    """One row a model."""
    for r in study.tiers:
        yield (
            r.held.tier.label,
            "all" if r.held.with_label_defining else "without label-defining",
            shown(r.figures.auroc),
            shown(r.figures.brier),
            shown(r.figures.calibration_slope, digits=2),
            shown(r.coverage, digits=2),
            shown(r.decided, digits=2),
        )


def _baseline_rows(study: Study) -> Iterable[tuple[str, ...]]:
    """One row a profile."""
    label = study.table.label
    for b in study.baselines:
        yield (
            b.profile,
            ", ".join(f"{status.replace('_', ' ')} {n}" for status, n in sorted(b.engine.items())),
            shown(study.baseline_auroc[b.profile]),
            f"{b.reported_met[label].mean():.2f}",
            f"{1 - b.reported_met[~label].mean():.2f}",
        )


def repair_rows(repairs: tuple[Repair, ...]) -> list[tuple[str, ...]]:
    """What was done to the table, by column; the same thing in one row."""
    return [
        (column, action.value, because, str(n))
        for (column, action, because), n in summary(repairs).items()
    ]


def feature_rows() -> list[tuple[str, ...]]:
    """The data dictionary as rows."""
    direction = {1: "rising", 0: "free", -1: "falling"}
    return [
        (
            feature.label,
            feature.unit,
            feature.tier.name.lower(),
            "yes" if feature.defines_label else "",
            direction[int(feature.direction)],
            feature.because,
        )
        for feature in FEATURES
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells that start with a digit keep their line."""
    header = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{header}</tr>{lines}</table></div>'


def _cell(text: str) -> str:
    """One cell."""
    number = ' class="n"' if text[:1].isdigit() else ""
    return f"<td{number}>{escape(text)}</td>"
