"""The data dictionary as a page: features, and which column of which table holds them.

Owns the Markdown. Its content is ``dictionary``'s and ``adapters``'.
"""

from collections.abc import Iterable, Sequence

from deeppcos.learning.risk.adapters import ADAPTERS, Adapter
from deeppcos.learning.risk.dictionary import BY_NAME, FEATURES, Feature

_DIRECTIONS = {1: "rising", 0: "free", -1: "falling"}
_OPENING = """# Data dictionary of the clinical tables

Printed by `deeppcos risk dictionary`; a test keeps this page equal to it.

A value outside its limits is asked back and stays unknown. *Criterion* marks what defines the
label of such tables. *Direction* is the monotone constraint of the shipped model.
"""


def dictionary_page() -> str:
    """The page as Markdown."""
    head = ("feature", "unit", "limits", "tier", "criterion", "direction", "because")
    parts = [_OPENING, "## Features\n", _table(head, map(_feature_row, FEATURES))]
    parts += [_adapter_part(adapter) for adapter in ADAPTERS]
    return "\n".join(parts)


def _feature_row(feature: Feature) -> tuple[str, ...]:
    """One feature."""
    because = feature.because
    if feature.recomputed_from:
        because += f"; always recomputed from {' and '.join(feature.recomputed_from)}"
    return (
        f"`{feature.name}`",
        feature.unit or "-",
        f"{feature.low:g} to {feature.high:g}",
        feature.tier.name.lower(),
        "yes" if feature.defines_label else "no",
        _DIRECTIONS[int(feature.direction)],
        because,
    )


def _adapter_part(adapter: Adapter) -> str:
    """One known table."""
    rows = (
        (
            column.header,
            column.unit or "-",
            f"`{column.feature}`",
            f"x {column.scale:g}" if column.scale != 1 else "-",
            ", ".join(f"{code} = {_word(value)}" for code, value in column.codes.items()) or "-",
            column.meaning or BY_NAME[column.feature].label,
        )
        for column in adapter.columns
    )
    head = ("column", "unit in its header", "feature", "scale", "codes", "meaning")
    return "\n".join(
        [
            f"\n## {adapter.title} (`{adapter.name}`)\n",
            f"**Label:** `{adapter.label_header}`, {adapter.label_meaning}.\n",
            _table(head, rows),
            "\nNot used:\n",
            *(f"- {header}: {reason}." for header, reason in adapter.left_out.items()),
        ]
    )


def _word(value: float | None) -> str:
    """What a code means."""
    return "unknown" if value is None else f"{value:g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
