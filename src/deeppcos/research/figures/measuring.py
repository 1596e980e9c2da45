"""Figures of what was measured in groups: medians, courses, scanners, readers.

Owns the measuring. A group is told of only where its count may be shown, and its quartiles only
where ten women or more were measured.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from deeppcos.research.cohort import VIEW, OpenCohort
from deeppcos.research.disclosure.counting import ProtectedFamily
from deeppcos.research.disclosure.protect import FEWEST
from deeppcos.research.figures.families import AMH_BANDS
from deeppcos.research.figures.figure import WITHHELD, Drawing, Figure, Value
from deeppcos.research.figures.intervals import (
    Estimate,
    agreement_icc,
    median_positions,
    rank_correlation,
    resampled,
)

Protected = Mapping[str, ProtectedFamily]
INTERVAL_COLUMNS = ("label", "women", "lower_quartile", "median", "low", "high", "upper_quartile")
LIMITS = 1.96
QUANTITIES = {"fnpo": "follicles of the whole ovary", "volume_ml": "ovarian volume, mL"}


def follicles_and_amh(cohort: OpenCohort, protected: Protected) -> Figure:
    """Follicle number by bands of AMH."""
    family = protected["amh_follicles"]
    expression = family.family.variables[0].expression
    rows = tuple(
        (f"AMH {band} ng/mL", *_measured(cohort, family.shown(0, band), expression, band))
        for band in AMH_BANDS[:-1]
    )
    return Figure(
        key="follicles_amh",
        title="Follicle number and AMH",
        question="How do follicles of the whole ovary go with AMH?",
        drawing=Drawing.INTERVALS,
        columns=INTERVAL_COLUMNS,
        rows=rows,
        summary=_correlation_words(cohort),
        notes=(
            "Median with its 95 % interval (order statistics) and quartiles of the ovary with more "
            "follicles. Assays of AMH are not interchangeable: ask one assay to compare values.",
        ),
        unit="follicles",
    )


def _measured(
    cohort: OpenCohort, count: int | None, expression: str, label: str
) -> tuple[Value, ...]:
    """Count, quartiles and median of follicles in one group."""
    if not count:
        return (WITHHELD if count is None else 0, *(WITHHELD if count is None else None,) * 5)
    [(known,)] = cohort.rows(
        f"SELECT count(fnpo_largest) FROM {VIEW} WHERE {expression} = ?", [label]
    )
    if known < FEWEST:
        return (count, *(WITHHELD,) * 5)
    low, high = median_positions(int(known))
    [(quantiles,)] = cohort.rows(
        f"SELECT quantile_cont(fnpo_largest, [0.25, 0.5, {low!r}, {high!r}, 0.75]) "
        f"FROM {VIEW} WHERE {expression} = ?",
        [label],
    )
    return (count, *(round(float(value), 2) for value in quantiles))


def _correlation_words(cohort: OpenCohort) -> tuple[str, ...]:
    """Spearman's correlation of follicles and AMH."""
    found = cohort.connection.execute(
        f"SELECT amh_ng_ml, fnpo_largest FROM {VIEW} "
        "WHERE amh_ng_ml IS NOT NULL AND fnpo_largest IS NOT NULL ORDER BY patient_id"
    ).fetchnumpy()
    x, y = (np.asarray(found[name], dtype=float) for name in ("amh_ng_ml", "fnpo_largest"))
    if x.size < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return ()
    return (f"Rank correlation (Spearman): {rank_correlation(x, y).words()}.",)


def scanners(cohort: OpenCohort, protected: Protected) -> Figure:
    """Follicle number by scanner."""
    family = protected["scanner"]
    variable = family.family.variables[0]
    rows = tuple(
        (label, *_measured(cohort, family.shown(0, label), variable.expression, label))
        for label in variable.classes
    )
    return Figure(
        key="scanners",
        title="Scanners",
        question="Do follicle numbers differ between manufacturers?",
        drawing=Drawing.INTERVALS,
        columns=INTERVAL_COLUMNS,
        rows=tuple(row for row in rows if row[1] != 0),
        summary=_scanner_words(cohort, family),
        notes=(
            "Not adjusted: who is examined on which scanner is not left to chance. A difference "
            "is a reason to look, not a property of the scanner.",
        ),
        unit="follicles",
    )


def _scanner_words(cohort: OpenCohort, family: ProtectedFamily) -> tuple[str, ...]:
    """Kruskal and Wallis over the named manufacturers that may be shown."""
    from scipy.stats import kruskal

    groups = []
    for label in family.family.variables[0].classes[:-2]:
        if family.shown(0, label):
            found = cohort.connection.execute(
                f"SELECT fnpo_largest FROM {VIEW} WHERE manufacturer = ? "
                "AND fnpo_largest IS NOT NULL",
                [label],
            ).fetchnumpy()
            groups.append(np.asarray(found["fnpo_largest"], dtype=float))
    groups = [group for group in groups if group.size >= FEWEST]
    if len(groups) < 2 or np.ptp(np.concatenate(groups)) == 0:
        return ()
    test = kruskal(*groups)
    n = sum(group.size for group in groups)
    effect = (float(test.statistic) - len(groups) + 1) / (n - len(groups))
    return (
        f"Between {len(groups)} manufacturers: Kruskal-Wallis p = {float(test.pvalue):.3g}, "
        f"{max(0.0, effect):.1%} of the variance of ranks (eta squared).",
    )


def course(cohort: OpenCohort, protected: Protected) -> Figure:
    """When women were examined, and how follicles change between their visits."""
    family = protected["quarter"]
    rows = tuple(
        (label, WITHHELD if count is None else count)
        for label in family.family.variables[0].classes
        if (count := family.shown(0, label)) != 0 or label != "unknown"
    )
    return Figure(
        key="course",
        title="Time line",
        question="When were the women examined, and what changes between visits?",
        drawing=Drawing.LINES,
        columns=("label", "women"),
        rows=rows,
        summary=_change_between_visits(cohort),
        notes=("Each woman once: by the examination that stands for her.",),
    )


def _change_between_visits(cohort: OpenCohort) -> tuple[str, ...]:
    """Change of follicles a year between the first and the last visit that have them."""
    found = cohort.rows(
        "SELECT patient_id, (arg_max(fnpo_largest, performed_on) - arg_min(fnpo_largest, "
        "performed_on)) / (date_diff('day', min(performed_on), max(performed_on)) / 365.25) "
        "FROM every_visit WHERE fnpo_largest IS NOT NULL AND performed_on IS NOT NULL "
        "GROUP BY patient_id HAVING date_diff('day', min(performed_on), max(performed_on)) >= 90 "
        "ORDER BY patient_id"
    )
    if len(found) < FEWEST:
        return ()
    values = np.sort(np.array([float(change) for _, change in found]))
    ends = np.quantile(values, median_positions(values.size))
    estimate = Estimate(value=float(np.median(values)), low=float(ends[0]), high=float(ends[1]))
    return (
        f"Follicles of the larger count, change a year between first and last visit: median "
        f"{estimate.words(1)}, {len(found)} women seen again after three months or more.",
    )


def agreement(cohort: OpenCohort, protected: Protected) -> Figure:
    """How far readers and the machine agree."""
    rows = []
    for quantity, words in QUANTITIES.items():
        for pair in _reader_pairs(cohort, quantity):
            rows.append((words, *_agreement_row(cohort, quantity, pair)))
    return Figure(
        key="agreement",
        title="Agreement of readers",
        question="How far apart are two readings of the same ovary?",
        drawing=Drawing.AGREEMENT,
        columns=(
            *("quantity", "pair", "ovaries", "bias", "bias_low", "bias_high"),
            *("lower_limit", "upper_limit", "icc", "icc_low", "icc_high"),
        ),
        rows=tuple(rows),
        notes=(
            "Bias: second minus first named. Limits: bias and 1.96 standard deviations of the "
            "differences (Bland and Altman). ICC(A,1): absolute agreement of single readings. "
            "Intervals draw women, not ovaries (bootstrap, 400 draws).",
        ),
    )


def _reader_pairs(cohort: OpenCohort, quantity: str) -> list[tuple[str, str]]:
    """Pairs of readers that read ovaries of ten women or more in common."""
    found = cohort.rows(
        f"SELECT a.reader, b.reader FROM readings a JOIN readings b "
        "ON a.assessment_id = b.assessment_id AND a.side = b.side AND a.reader < b.reader "
        f"WHERE a.{quantity} IS NOT NULL AND b.{quantity} IS NOT NULL GROUP BY 1, 2 "
        f"HAVING count(DISTINCT a.patient_id) >= {FEWEST} ORDER BY 1, 2"
    )
    return [(str(a), str(b)) for a, b in found]


def _agreement_row(cohort: OpenCohort, quantity: str, pair: tuple[str, str]) -> tuple[Value, ...]:
    """Bias, limits and ICC of one pair of readers."""
    found: list[tuple[Any, ...]] = cohort.rows(
        f"SELECT a.patient_id, a.{quantity}, b.{quantity} FROM readings a JOIN readings b "
        "ON a.assessment_id = b.assessment_id AND a.side = b.side WHERE a.reader = ? AND "
        f"b.reader = ? AND a.{quantity} IS NOT NULL AND b.{quantity} IS NOT NULL ORDER BY 1, 2, 3",
        list(pair),
    )
    women = [str(row[0]) for row in found]
    values = np.array([[float(row[1]), float(row[2])] for row in found])
    difference = values[:, 1] - values[:, 0]
    bias = resampled(lambda rows: float(np.mean(rows[:, 1] - rows[:, 0])), values, women)
    icc = resampled(agreement_icc, values, women)
    spread = LIMITS * float(np.std(difference, ddof=1))
    figures = (bias.value, bias.low, bias.high, bias.value - spread, bias.value + spread)
    return (
        f"{pair[0]} and {pair[1]}",
        len(found),
        *(round(value, 2) for value in figures),
        *(round(value, 3) for value in (icc.value, icc.low, icc.high)),
    )
