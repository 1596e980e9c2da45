"""The answers of several sites as one: sums of what was told, and what is known to be left out.

Owns pooling and what a histogram says of a mean and of quantiles. A withheld cell is never counted
as zero: it is said at how many sites something was withheld.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.learning.federated.question import Question
from deeppcos.learning.federated.statistics import ABOVE, BELOW, MISSING

QUANTILES = (0.25, 0.5, 0.75)
MOST_CELLS = 1000


def told(content: Mapping[str, Any], question: Question) -> Mapping[str, Any]:
    """Check what a site sent.

    Args:
        content: As ``statistics.as_text`` wrote it.
        question: What was asked.

    Returns:
        The same.

    Raises:
        InvalidInput: If it is something else, or tells of fewer patients than was agreed.
    """
    asked = {*(" x ".join(table) for table in question.counts), *question.values}
    tables, withheld = content.get("tables"), content.get("withheld")
    if not isinstance(tables, dict) or not isinstance(withheld, dict) or set(tables) != asked:
        raise _unfit("other tables than were asked for")
    for name, cells in tables.items():
        hidden = withheld.get(name)
        if not isinstance(cells, dict) or not _is_count(hidden) or len(cells) > MOST_CELLS:
            raise _unfit(f"{name} is no table")
        if not all(_is_count(n) and n >= question.fewest for n in cells.values()):
            raise _unfit(f"{name} tells of fewer than {question.fewest} patients")
    return content


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _unfit(what: str) -> InvalidInput:
    return InvalidInput(
        "a site answered what was not asked",
        value=what,
        accepted="an answer of the same version",
        remedy="the site is left out; install the same version of DeepPCOS at every site",
    )


def pooled(answers: Mapping[str, Mapping[str, Any]], question: Question) -> dict[str, Any]:
    """Join what sites told.

    Args:
        answers: By site, each checked by ``told``.
        question: What was asked.

    Returns:
        ``counts`` by table and cell; ``values`` with the histogram and, of it, mean and quantiles
        as ranges; ``sites`` as each told; ``withheld_at``: sites that withheld something, by
        table.
    """
    tables = [*(" x ".join(table) for table in question.counts), *question.values]
    sums: dict[str, Counter[str]] = {name: Counter() for name in tables}
    for answer in answers.values():
        for name in tables:
            sums[name].update(answer["tables"][name])
    return {
        "question": question.text(),
        "counts": {name: dict(sums[name]) for name in tables if name not in question.values},
        "values": {
            name: summary(sums[name], edges) for name, edges in sorted(question.values.items())
        },
        "withheld_at": {
            name: sorted(site for site, one in answers.items() if one["withheld"][name])
            for name in tables
        },
        "sites": {site: dict(one) for site, one in sorted(answers.items())},
    }


def summary(cells: Mapping[str, int], edges: Sequence[float]) -> dict[str, Any]:
    """What a histogram says.

    Args:
        cells: Patients by cell.
        edges: Edges of the histogram.

    Returns:
        Histogram, patients below, above and missing where told, and mean and quartiles of the
        patients in range, each as the range it lies in.

    Examples:
        >>> summary({"0": 10, "1": 30}, (0, 10, 20))["mean"]
        (7.5, 17.5)
    """
    counts = [cells.get(str(n)) for n in range(len(edges) - 1)]
    known = [n or 0 for n in counts]
    total = sum(known)
    found: dict[str, Any] = {
        "edges": list(edges),
        "patients": counts,
        **{name: cells.get(name) for name in (BELOW, ABOVE, MISSING)},
        "told": total,
    }
    if total:
        low = sum(n * edge for n, edge in zip(known, edges[:-1], strict=True)) / total
        high = sum(n * edge for n, edge in zip(known, edges[1:], strict=True)) / total
        found["mean"] = (low, high)
        found["quantiles"] = {f"{q:g}": _quantile(known, edges, q) for q in QUANTILES}
    return found


def _quantile(known: Sequence[int], edges: Sequence[float], share: float) -> tuple[float, float]:
    """The bin in which a quantile lies."""
    wanted, seen = share * sum(known), 0
    for number, n in enumerate(known):
        seen += n
        if n and seen >= wanted:
            return edges[number], edges[number + 1]
    raise AssertionError  # the counts add up to their sum
