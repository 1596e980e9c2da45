"""What the measurements of a table mean for an evaluation.

Owns the sentences and their weight. The measurements come from ``table_audit``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from deeppcos.learning.audit.findings import Finding, Share, Weight, counted, percent
from deeppcos.learning.audit.table_audit import TableAudit
from deeppcos.learning.audit.table_leaks import ColumnScore, ModelScore
from deeppcos.learning.audit.table_rows import LEAST_CELLS

MOST_EXAMPLES = 25
RESTATES = 0.80
"""AUROC of one column from which it is said to restate the label."""

SAME_AS_LABEL = 0.99
MANY_ROWS = 0.01
"""Share of rows of people entered twice from which a random split is spoiled."""

ORDER_TELLS = 0.65
GAPS_TELL = 0.70

_TROUBLE_WORDS: Mapping[str, tuple[str, Weight]] = {
    "impossible": ("impossible values", Weight.CAUTION),
    "other_unit": ("values in another unit, it seems", Weight.CAUTION),
    "far_off": ("values far from all others", Weight.NOTE),
    "whole_column": ("columns that do not hold what their name says", Weight.CAUTION),
}


def table_findings(audit: TableAudit) -> tuple[Finding, ...]:
    """Everything worth saying, the gravest first.

    Args:
        audit: What was measured.
    """
    found = [
        *_crossing(audit),
        *_copies(audit),
        *_conflicts(audit),
        *_leaks(audit),
        *_troubles(audit),
        *_cells(audit),
    ]
    order = list(Weight)
    return tuple(sorted(found, key=lambda finding: order.index(finding.weight)))


def row_list(audit: TableAudit, rows: Iterable[int]) -> str:
    """Rows by their names in the file."""
    return " = ".join(audit.table.row_names[row] for row in rows)


def _shared(groups: Sequence[int]) -> list[int]:
    """Groups of two rows and more."""
    return [group for group, count in Counter(groups).items() if count > 1]


def _crossing(audit: TableAudit) -> Iterable[Finding]:
    if audit.crossing:
        yield Finding(
            code="copies_across_splits",
            weight=Weight.SPOILS,
            title=f"{counted(len(audit.crossing), 'group')} of rows of one person lie on both sides"
            " of the split",
            meaning="A person seen in training is easier to recognise than a new one.",
            remedy="Use the grouped split.",
            figures={"groups": len(audit.crossing)},
            examples=tuple(row_list(audit, group) for group in audit.crossing[:MOST_EXAMPLES]),
        )


def _copies(audit: TableAudit) -> Iterable[Finding]:
    rows = audit.rows
    # Short questionnaires agree by chance; only what is beyond counts.
    pairs = sum(len(g) * (len(g) - 1) // 2 for g in rows.equal)
    tells_people_apart = rows.compared_columns >= LEAST_CELLS
    beyond = tells_people_apart and pairs > 2 * rows.equal_by_chance + 0.5
    twice = sum(audit.groups.count(group) for group in _shared(audit.groups))
    many = twice >= MANY_ROWS * len(audit.groups)
    # With a split of its own, only what crosses it spoils; that is a finding by itself.
    weight = Weight.SPOILS if audit.split is None and many else Weight.CAUTION
    if rows.equal:
        yield Finding(
            code="equal_rows",
            weight=weight if beyond else Weight.NOTE,
            title=f"{counted(len(rows.equal), 'group')} of equal rows ({counted(pairs, 'pair')};"
            f" {rows.equal_by_chance:.1f} expected by chance)",
            meaning="Split at random, a row and its copy land on both sides."
            if beyond
            else "Few and coarse columns: different people answer alike.",
            remedy="Use the grouped split, or keep one of each.",
            figures={"groups": len(rows.equal), "pairs": pairs, "by_chance": rows.equal_by_chance},
            examples=tuple(row_list(audit, group) for group in rows.equal[:MOST_EXAMPLES]),
        )
    if rows.near:
        yield Finding(
            code="near_duplicate_rows",
            weight=weight,
            title=f"{counted(len(rows.near), 'pair')} of rows are likely the same person entered"
            " twice",
            meaning="They agree on rare values far more often than people do. Split at random, one"
            " person lands on both sides.",
            remedy="Use the grouped split.",
            figures={"pairs": len(rows.near), "bar": rows.bar},
            examples=tuple(
                f"{row_list(audit, (pair.first, pair.second))} (score {pair.score:.1f})"
                for pair in rows.near[:MOST_EXAMPLES]
            ),
        )
    if rows.bar is None:
        yield Finding(
            code="near_duplicate_rows_not_searched",
            weight=Weight.NOTE,
            title="Near-duplicate rows were not looked for",
            meaning="Too many rows, or too few columns to tell people apart.",
            remedy="Split the table, or name the patient column with --group-column.",
        )


def _conflicts(audit: TableAudit) -> Iterable[Finding]:
    likely = [g for g in audit.conflicts if len(g) > 1]
    if likely:
        yield Finding(
            code="labels_contradict",
            weight=Weight.CAUTION,
            title=f"{counted(len(likely), 'group')} of rows of one person carry both labels",
            meaning="One of them is wrong, or the person changed between visits.",
            remedy="Have them read again, or leave them out.",
            figures={"groups": len(likely)},
            examples=tuple(row_list(audit, group) for group in likely[:MOST_EXAMPLES]),
        )


def _leaks(audit: TableAudit) -> Iterable[Finding]:
    leaks = audit.leaks
    if leaks is None:
        yield Finding(
            code="no_label",
            weight=Weight.NOTE,
            title="No label of two values recognised: nothing said about leaks",
            meaning="Columns that restate a label are found only when the label is known.",
            remedy="Name it with --label-column.",
        )
        return
    same = [s for s in leaks.singles if _low(s.auroc) >= SAME_AS_LABEL and not s.is_missingness]
    restating = [s for s in leaks.singles if s not in same and _restates(s)]
    if same:
        yield _columns_finding(
            "label_under_another_name",
            Weight.SPOILS,
            same,
            "the label under another name",
            "Leave them out of every model.",
        )
    if restating:
        yield _columns_finding(
            "columns_restate_label",
            Weight.CAUTION,
            restating,
            "separate the label almost alone",
            "Say whether each was known before the diagnosis; report figures without them.",
        )
    gaps = [s for s in leaks.singles if s.is_missingness and (s.auroc.low or 0) >= GAPS_TELL]
    if gaps:
        yield _columns_finding(
            "gaps_tell_label",
            Weight.SPOILS,
            gaps,
            "tell the label by where values are missing",
            "What was measured depends on the diagnosis: do not fill gaps before asking why.",
        )
    yield from _definition(leaks.models)
    if (leaks.row_order.low or 0) >= ORDER_TELLS:
        yield Finding(
            code="row_order_tells_label",
            weight=Weight.CAUTION,
            title=f"The place in the table tells the label: AUROC {_said(leaks.row_order)}",
            meaning="Rows are sorted by class, or come from several places with different shares.",
            remedy="Never use row or file numbers as a feature, nor split by position.",
            figures=_figures(leaks.row_order),
        )
    if leaks.repeated:
        yield Finding(
            code="columns_repeat",
            weight=Weight.NOTE,
            title=f"{counted(len(leaks.repeated), 'pair')} of columns say the same",
            meaning="Importance of a feature is divided between them by chance.",
            remedy="Keep one of each.",
            figures={"pairs": len(leaks.repeated)},
            examples=tuple(f"{a} = {b}" for a, b in leaks.repeated),
        )


def _definition(models: Sequence[ModelScore]) -> Iterable[Finding]:
    """What the columns that define the condition give, and what is left without them."""
    by_name = {model.name: model for model in models}
    if "definition" not in by_name:
        return
    defining = by_name["definition"]
    without = by_name.get("without_definition")
    together = by_name["all"]
    left = f" and {_said(without.auroc)} without them" if without else ""
    yield Finding(
        code="definition_restates_label",
        weight=Weight.SPOILS if _low(defining.auroc) >= RESTATES else Weight.CAUTION,
        title=f"{counted(defining.columns, 'column')} of what defines the condition: AUROC"
        f" {_said(defining.auroc)} from them alone, all columns {_said(together.auroc)}{left}",
        meaning="The label was made from them. A model on all columns repeats the definition.",
        remedy="Report the figure without the defining columns beside every other.",
        figures={
            "definition": defining.auroc.value,
            "all": together.auroc.value,
            "without_definition": without.auroc.value if without else None,
            "definition_columns": defining.columns,
        },
    )


def _columns_finding(
    code: str, weight: Weight, scores: Sequence[ColumnScore], words: str, remedy: str
) -> Finding:
    return Finding(
        code=code,
        weight=weight,
        title=f"{counted(len(scores), 'column')} {words}",
        meaning="A model has to learn nothing else.",
        remedy=remedy,
        figures={"columns": len(scores), "best": scores[0].auroc.value},
        examples=tuple(
            f"{s.column}: AUROC {_said(s.auroc)}" + (f", part of {s.defines}" if s.defines else "")
            for s in scores[:MOST_EXAMPLES]
        ),
    )


def _restates(score: ColumnScore) -> bool:
    return not score.is_missingness and (score.auroc.value or 0) >= RESTATES


def _troubles(audit: TableAudit) -> Iterable[Finding]:
    for kind, (words, weight) in _TROUBLE_WORDS.items():
        troubles = [trouble for trouble in audit.troubles if trouble.kind == kind]
        if not troubles:
            continue
        cells = sum(len(trouble.rows) for trouble in troubles)
        much = f"{counted(cells, 'cell')} in " if cells else ""
        yield Finding(
            code=f"values_{kind}",
            weight=weight,
            title=f"{words.capitalize()}: {much}{counted(len(troubles), 'column')}",
            meaning="One such value moves means and trees more than a hundred right ones."
            if kind != "whole_column"
            else "A model is told something else than its users think.",
            remedy="Look them up in the source; unknown is better than wrong.",
            figures={"cells": cells, "columns": len(troubles)},
            examples=tuple(
                f"{t.column}: {t.said}{_rows(audit, t.rows)}" for t in troubles[:MOST_EXAMPLES]
            ),
        )


def _rows(audit: TableAudit, rows: Sequence[int]) -> str:
    if not rows:
        return ""
    shown = ", ".join(audit.table.row_names[row] for row in rows[:6])
    return f" ({shown}{', ...' if len(rows) > 6 else ''})"


def _cells(audit: TableAudit) -> Iterable[Finding]:
    if audit.strays:
        yield Finding(
            code="text_in_numbers",
            weight=Weight.CAUTION,
            title=f"{counted(len(audit.strays), 'cell')} of text in columns of numbers",
            meaning="Programs drop the row, or take the whole column for words.",
            remedy="Correct the cell, or leave it empty.",
            figures={"cells": len(audit.strays)},
            examples=tuple(
                f"{column}: {text!r} ({row})" for column, row, text in audit.strays[:MOST_EXAMPLES]
            ),
        )
    for code, cells, words, meaning in (
        (
            "broken_formulas",
            audit.broken_formulas,
            "with a spreadsheet error instead of a value",
            "The formula was lost on the way; a program reads text.",
        ),
        (
            "decimal_commas",
            audit.decimal_commas,
            "with a decimal comma",
            "Many programs read 3,5 as text or as thirty-five.",
        ),
    ):
        if cells:
            yield Finding(
                code=code,
                weight=Weight.CAUTION,
                title=f"{counted(sum(cells.values()), 'cell')} {words}",
                meaning=meaning,
                remedy="Compute or convert them before use.",
                figures={"cells": sum(cells.values()), "columns": len(cells)},
                examples=tuple(f"{name}: {counted(n, 'cell')}" for name, n in cells.items()),
            )


def _low(share: Share) -> float:
    return share.low if share.low is not None else share.value or 0.0


def _said(share: Share) -> str:
    if share.value is None:
        return percent(None)
    if share.low is None or share.high is None:
        return f"{share.value:.2f}"
    return f"{share.value:.2f} ({share.low:.2f} to {share.high:.2f})"


def _figures(share: Share) -> dict[str, float | int | None]:
    return {"auroc": share.value, "low": share.low, "high": share.high, "n": share.n}
