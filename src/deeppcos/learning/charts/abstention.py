"""What came of sweeps under each condition: a count near the truth, one far off, or none and why.

Owns what is near and how reasons are grouped; the words of the reasons come from
``vision.tracking_limits``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.patches import Patch

from deeppcos.learning.charts.style import ACCENT, CAUTION, INK, MUTED, drawn

NEAR = 3
"""Most follicles a count may be off and still be called near: the limits of the project's aim."""

OUTCOMES = {
    "near": (f"counted, within {NEAR} of the truth", ACCENT),
    "far": (f"counted, off by more than {NEAR}", CAUTION),
    "fast": ("no count: too fast", "#8fa6d8"),
    "noisy": ("no count: too noisy", "#b9b3c9"),
    "both": ("no count: too fast and too noisy", "#d3d6dd"),
    "other": ("no count: another reason", "#eceef1"),
}
"""Outcome to words and colour, in the order they are stacked."""

ROW_INCHES = 0.34


def outcome_of(off: int | None, reasons: Sequence[str]) -> str:
    """What came of one sequence.

    Args:
        off: Follicles counted less the true number; None without a count.
        reasons: Why there is no count.

    Returns:
        Key of ``OUTCOMES``.

    Examples:
        >>> outcome_of(-4, ())
        'far'
        >>> outcome_of(None, ("too fast: about 2.0 mm from frame to frame",))
        'fast'
    """
    if off is not None:
        return "near" if abs(off) <= NEAR else "far"
    is_fast, is_noisy = (
        any(reason.startswith(words) for reason in reasons) for words in ("too fast", "too noisy")
    )
    if is_fast and is_noisy:
        return "both"
    return "fast" if is_fast else "noisy" if is_noisy else "other"


def draw_abstention(conditions: Mapping[str, Sequence[str]], to: Path) -> None:
    """Draw one bar a condition, shared out among what came of its sequences.

    Args:
        conditions: Name of a condition to the outcomes of its sequences; keys of ``OUTCOMES``.
        to: File without ending.
    """
    named = {name: outcomes for name, outcomes in conditions.items() if outcomes}
    with drawn(8.4, 1.6 + ROW_INCHES * len(named), to=to) as figure:
        axes = figure.subplots()
        for row, outcomes in enumerate(named.values()):
            left = 0.0
            for key, (_, colour) in OUTCOMES.items():
                share = outcomes.count(key) / len(outcomes)
                axes.barh(row, share, left=left, color=colour, height=0.72, edgecolor="white")
                if share:
                    light = key in ("near", "far")
                    axes.text(
                        left + share / 2,
                        row,
                        str(outcomes.count(key)),
                        ha="center",
                        va="center",
                        fontsize=8,
                        color="white" if light else INK,
                    )
                left += share
        labels = [f"{name}, n {len(outcomes)}" for name, outcomes in named.items()]
        axes.set_yticks(range(len(named)), labels, color=INK)
        axes.set(xlim=(0, 1), ylim=(len(named) - 0.4, -0.6))
        axes.set_xticks([0, 0.5, 1], ["0", "half", "all"])
        axes.set_xlabel("share of the sequences; numbers are sequences", color=MUTED)
        axes.grid(axis="y", visible=False)
        keys = [Patch(color=colour, label=words) for words, colour in OUTCOMES.values()]
        figure.legend(handles=keys, loc="outside upper left", ncols=3, fontsize=8.5)
