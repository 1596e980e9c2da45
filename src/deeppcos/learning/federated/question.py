"""Which statistics are asked of every site: counts by columns, histograms with agreed edges.

Owns the question and what makes one unfit. A site answers no other question than the one it was
started with; answering is the business of ``statistics``.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.learning.federated.agreement import PROTOCOL

FEWEST = 10
"""Fewest patients a count that leaves a site may stand for, unless the question asks for more."""

GREY_EDGES = tuple(n / 10 for n in range(11))
PICTURE_EDGES = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 1000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    Attributes:
        counts: Tables of counts, each named by the columns that divide it. A column may stand in
            one table only: two tables that share one could be subtracted from each other.
        values: Edges of the histogram of each value, rising.
        fewest: Fewest patients a count may stand for.
        software: Version of DeepPCOS.
        protocol: Version of this document.
    """

    counts: tuple[tuple[str, ...], ...] = (("class",),)
    values: Mapping[str, tuple[float, ...]] = field(
        default_factory=lambda: {
            "grey_mean": GREY_EDGES,
            "grey_sd": GREY_EDGES,
            "pictures": PICTURE_EDGES,
        }
    )
    fewest: int = FEWEST
    software: str = version("deeppcos")
    protocol: str = PROTOCOL

    def __post_init__(self) -> None:
        """Refuse what would tell of single patients, or cannot be counted."""
        object.__setattr__(self, "counts", tuple(tuple(map(str, one)) for one in self.counts))
        edges = {str(name): tuple(map(float, one)) for name, one in self.values.items()}
        object.__setattr__(self, "values", edges)
        _refuse_few(self.fewest)
        _refuse_shared_columns(self.counts, self.values)
        for name, one in self.values.items():
            _refuse_edges(name, one)

    def text(self) -> str:
        """As it travels and is signed."""
        return json.dumps({**asdict(self), "values": dict(self.values)}, sort_keys=True)


def question_from(file: Path) -> Question:
    """Read a question that a person wrote.

    Args:
        file: JSON with ``counts``, ``values`` and ``fewest``, each as in ``Question``.

    Raises:
        InvalidInput: If it is something else.
    """
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Question(**content)
    except (ValueError, TypeError, AttributeError) as problem:
        raise InvalidInput(
            f"{file}: not a question",
            value=str(problem)[:200],
            accepted='JSON such as {"counts": [["class", "scanner"]], '
            '"values": {"age_years": [18, 25, 30, 35, 50]}, "fewest": 10}',
        ) from problem


def _refuse_few(fewest: int) -> None:
    if isinstance(fewest, bool) or not isinstance(fewest, int) or fewest < FEWEST:
        raise InvalidInput(
            "counts of so few patients do not leave a site",
            value=f"fewest {fewest}",
            accepted=f"{FEWEST} or more",
        )


def _refuse_shared_columns(
    counts: Sequence[Sequence[str]], values: Mapping[str, Sequence[float]]
) -> None:
    named = Counter([*(name for table in counts for name in table), *values])
    twice = [name for name, times in named.items() if times > 1]
    if twice or not named or any(not table for table in counts):
        raise InvalidInput(
            "a column stands in two tables" if twice else "a question without a column",
            value=", ".join(twice),
            accepted="each column in one table, or as one value",
            remedy="cross two columns in one table instead; its sums are given",
        )


def _refuse_edges(name: str, edges: Sequence[float]) -> None:
    rises = all(low < high for low, high in pairwise(edges))
    if len(edges) < 2 or not rises or not all(map(math.isfinite, edges)):
        raise InvalidInput(
            f"{name}: no edges of a histogram",
            value=", ".join(f"{edge:g}" for edge in edges),
            accepted="two or more rising numbers",
        )
