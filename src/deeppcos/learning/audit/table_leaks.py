"""Columns that give the label away: by definition, under another name, or by where they stand.

Owns the scores. A model that is told the criteria learns the criteria; what it adds is seen only
without them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.learning.audit.findings import Z_95, Share
from deeppcos.learning.audit.grouped_split import grouped_folds
from deeppcos.learning.audit.table_reading import Column, Table, is_missing
from deeppcos.learning.audit.table_rows import is_identifier

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

RIDGE = 1.0
ROUNDS = 25
RESAMPLES = 500
MOST_LEVELS = 12
FOLDS = 5

DEFINES: tuple[tuple[str, str], ...] = (
    (r"follic|\bfnp[os]\b|\bafc\b|antral|ovar.*vol|\bamh\b", "ovarian morphology"),
    (r"cycle|period|menstr|menses|oligo|amenorr|ovulat", "ovulatory dysfunction"),
    (
        r"hair ?growth|facial hair|hirsut|mfg|ferriman|hair removal|testost|androst|dhea|"
        r"androgen|\bfai\b|acne|pimple|hair ?loss|alopecia",
        "hyperandrogenism",
    ),
)  # fmt: skip
"""Headings of what the criteria are made of, and the criterion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnScore:
    """How well one column alone separates the label.

    Attributes:
        column: Heading.
        auroc: Area under the ROC curve with Hanley and McNeil's interval; never below 0.5, since
            a column may be turned round.
        defines: Criterion the column belongs to, or empty.
        is_missingness: Whether it is the gaps that separate, not the values.
    """

    column: str
    auroc: Share
    defines: str
    is_missingness: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScore:
    """Cross-validated logistic regression on some columns, groups of rows kept together.

    Attributes:
        name: ``all``, ``definition`` or ``without_definition``.
        columns: How many were used.
        auroc: With an interval by resampling groups.
    """

    name: str
    columns: int
    auroc: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakScores:
    """What gives the label away.

    Attributes:
        singles: Every column alone, best first.
        models: Columns together.
        row_order: How well the place in the table separates the label.
        repeated: Pairs of columns that say the same.
    """

    singles: tuple[ColumnScore, ...]
    models: tuple[ModelScore, ...]
    row_order: Share
    repeated: tuple[tuple[str, str], ...]


def criterion_of(heading: str) -> str:
    """The criterion a column belongs to, or nothing.

    Examples:
        >>> criterion_of("Follicle No. (R)"), criterion_of("Blood Group")
        ('ovarian morphology', '')
    """
    plain = re.sub(r"[_\s]+", " ", heading).casefold()
    return next((name for pattern, name in DEFINES if re.search(pattern, plain)), "")


def leak_scores(
    table: Table, positive: Flags, known: Flags, groups: Sequence[int], *, leave_out: Sequence[str]
) -> LeakScores:
    """Score every column, and columns together.

    Args:
        table: The table.
        positive: ``(rows,)`` whether the label is the rarer class.
        known: ``(rows,)`` whether the label is known.
        groups: Group of every row.
        leave_out: The label and the split.
    """
    columns = [
        c
        for c in table.columns
        if c.name not in leave_out and not is_identifier(c) and c.distinct > 1
    ]
    truth = positive[known]
    singles = [score for c in columns for score in _singles(c, truth, known)]
    owners = np.asarray(groups)[known]
    defining = [c for c in columns if criterion_of(c.name)]
    others = [c for c in columns if not criterion_of(c.name)]
    models = [
        ModelScore(name=name, columns=len(chosen), auroc=_together(chosen, truth, known, owners))
        for name, chosen in (
            ("all", columns),
            ("definition", defining),
            ("without_definition", others),
        )
        if chosen
    ]
    return LeakScores(
        singles=tuple(sorted(singles, key=lambda s: -(s.auroc.value or 0))),
        models=tuple(models),
        row_order=hanley_mcneil(np.flatnonzero(known).astype(np.float64), truth),
        repeated=_repeated(columns),
    )


def auroc(scores: Floats, truth: Flags) -> float:
    """Area under the ROC curve; ties count half.

    Args:
        scores: ``(n,)``.
        truth: ``(n,) bool``.

    Examples:
        >>> auroc(np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, False, True, True]))
        0.875
    """
    order = np.sort(scores)
    ranks = (
        np.searchsorted(order, scores, "left") + np.searchsorted(order, scores, "right") + 1
    ) / 2
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if positives == 0 or negatives == 0:
        return float("nan")
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def hanley_mcneil(scores: Floats, truth: Flags) -> Share:
    """Area under the ROC curve, turned to at least 0.5, with an interval.

    Source:
        Hanley JA, McNeil BJ. Radiology 1982; 143: 29-36.
    """
    area = auroc(scores, truth)
    if not np.isfinite(area):
        return Share(value=None, low=None, high=None, n=len(truth))
    area = max(area, 1 - area)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    variance = (
        area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    )
    reach = Z_95 * float(np.sqrt(max(0.0, variance / (positives * negatives))))
    return Share(value=area, low=max(0.0, area - reach), high=min(1.0, area + reach), n=len(truth))


def _singles(column: Column, truth: Flags, known: Flags) -> list[ColumnScore]:
    """A column by its values, and by its gaps where it has any."""
    filled = np.asarray([not is_missing(text) for text in column.texts])
    values = _ordered(column, truth, known)
    usable = np.isfinite(values) & known
    criterion = criterion_of(column.name)
    found = []
    inside = truth[usable[known]]
    if 0 < inside.sum() < len(inside):
        found.append(
            ColumnScore(
                column=column.name,
                auroc=hanley_mcneil(values[usable], inside),
                defines=criterion,
                is_missingness=False,
            )
        )
    if 0.02 <= 1 - filled[known].mean() <= 0.98:
        found.append(
            ColumnScore(
                column=column.name,
                auroc=hanley_mcneil((~filled[known]).astype(np.float64), truth),
                defines="",
                is_missingness=True,
            )
        )
    return found


def _ordered(column: Column, truth: Flags, known: Flags) -> Floats:
    """Numbers as they are; words by how often they go with the label."""
    if column.is_numeric:
        return column.numbers
    if column.distinct > MOST_LEVELS:
        return np.full(len(column.texts), np.nan)
    texts = np.asarray([text.strip().casefold() for text in column.texts])
    values = np.full(len(texts), np.nan)
    for level in set(texts) - {""}:
        here = texts == level
        inside = truth[here[known]]
        values[here] = inside.mean() if len(inside) else np.nan
    return values


def _together(
    columns: Sequence[Column], truth: Flags, known: Flags, owners: npt.NDArray[np.int64]
) -> Share:
    """Out-of-fold AUROC of a ridge logistic regression."""
    design = _design(columns)[known]
    if design.shape[1] == 0:
        return Share(value=None, low=None, high=None, n=len(truth))
    folds = np.asarray(
        grouped_folds([int(o) for o in owners], [str(t) for t in truth], folds=FOLDS)
    )
    scores = np.zeros(len(truth))
    for fold in np.unique(folds):
        training = folds != fold
        scores[~training] = _predicted(design[training], truth[training], design[~training])
    value = auroc(scores, truth)
    rows = [np.flatnonzero(owners == owner) for owner in np.unique(owners)]
    draw = np.random.default_rng(0)
    resampled = []
    for _ in range(RESAMPLES if len(rows) > 10 else 0):
        chosen = np.concatenate([rows[i] for i in draw.integers(len(rows), size=len(rows))])
        area = auroc(scores[chosen], truth[chosen])
        if np.isfinite(area):
            resampled.append(area)
    if not resampled:
        return Share(value=value, low=None, high=None, n=len(truth))
    low, high = (float(end) for end in np.quantile(resampled, (0.025, 0.975)))
    return Share(value=value, low=low, high=high, n=len(truth))


def _design(columns: Sequence[Column]) -> Floats:
    """Numbers with gaps at the median, words as one column a level."""
    parts = []
    for column in columns:
        if column.is_numeric:
            values = column.numbers
            middle = np.nanmedian(values)
            values = np.where(np.isfinite(values), values, middle)
            low, high = np.quantile(values, (0.01, 0.99))
            parts.append(values.clip(low, high))
        elif column.distinct <= MOST_LEVELS:
            texts = np.asarray([text.strip().casefold() for text in column.texts])
            parts += [(texts == level).astype(np.float64) for level in sorted(set(texts))[1:]]
    return np.column_stack(parts) if parts else np.zeros((len(columns[0].texts), 0))


def _predicted(known: Floats, truth: Flags, asked: Floats) -> Floats:
    """Ridge logistic regression by Newton's method."""
    middle, spread = known.mean(axis=0), known.std(axis=0)
    spread[spread == 0] = 1.0
    x = np.column_stack((np.ones(len(known)), (known - middle) / spread))
    weights = np.zeros(x.shape[1])
    penalty = RIDGE * np.eye(x.shape[1])
    penalty[0, 0] = 1e-6
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-(x @ weights).clip(-30, 30)))
        slope = x.T @ (truth - chance) - penalty @ weights
        bend = (x * (chance * (1 - chance))[:, None]).T @ x + penalty
        step = np.linalg.solve(bend, slope)
        weights += step
        if float(np.abs(step).max()) < 1e-6:
            break
    return np.asarray(np.column_stack((np.ones(len(asked)), (asked - middle) / spread)) @ weights)


def _repeated(columns: Sequence[Column]) -> tuple[tuple[str, str], ...]:
    """Columns of numbers that are straight lines of each other."""
    numeric = [c for c in columns if c.is_numeric and c.distinct > 5]
    found = []
    for place, first in enumerate(numeric):
        for second in numeric[place + 1 :]:
            both = np.isfinite(first.numbers) & np.isfinite(second.numbers)
            if both.sum() < 10:
                continue
            a, b = first.numbers[both], second.numbers[both]
            if a.std() > 0 and b.std() > 0 and abs(float(np.corrcoef(a, b)[0, 1])) > 0.9995:
                found.append((first.name, second.name))
    return tuple(found)
