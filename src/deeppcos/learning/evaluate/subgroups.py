"""The same figures taken apart by trait: where the network does worse than its average.

Owns which figures are taken apart by which traits. Small subgroups keep their wide intervals;
nothing is merged until it looks well.
"""

from collections.abc import Sequence
from typing import Any

from deeppcos.learning.evaluate.compare import SampleResult
from deeppcos.learning.evaluate.figures import follicle_figures, outline_figures
from deeppcos.learning.evaluate.probabilities import rounded
from deeppcos.learning.evaluate.traits import NAMES

SHOWN = (
    "follicle F1 at IoU 0.3",
    "count mean absolute error",
    "count bias",
    "ovary Dice median",
    "ovary missed",
    "lesion Dice median",
)


def subgroup_tables(results: Sequence[SampleResult]) -> dict[str, dict[str, dict[str, Any]]]:
    """Figures by trait and value.

    Args:
        results: Held-out results.

    Returns:
        Trait, then its values, then figure name to figure; figures of nothing are left out.
    """
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for trait, words in NAMES.items():
        values = sorted({r.traits[trait] for r in results if trait in r.traits})
        rows = {v: _figures([r for r in results if r.traits.get(trait) == v]) for v in values}
        tables[words] = {value: figures for value, figures in rows.items() if figures}
    return {words: rows for words, rows in tables.items() if rows}


def _figures(results: Sequence[SampleResult]) -> dict[str, Any]:
    """The shown figures of one subgroup."""
    everything = {
        **follicle_figures(results, only=SHOWN),
        **outline_figures(results, "ovary", only=SHOWN),
        **outline_figures(results, "lesion", only=SHOWN),
    }
    return {name: rounded(everything[name]) for name in SHOWN if everything[name].n}
