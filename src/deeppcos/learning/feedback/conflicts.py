"""When readings of one picture contradict each other so far that a person must settle it.

Owns the rule. A contradiction that nobody settled is never learned from.
"""

from collections.abc import Sequence
from itertools import combinations

from deeppcos.learning.feedback.agreement import ADJUDICATOR
from deeppcos.learning.feedback.outline_matching import paired
from deeppcos.learning.metrics import f1
from deeppcos.learning.sources.reviewed_document import Reading

LEAST_F1 = 0.5
"""Two people who share fewer follicles than this were not looking at the same things; readers of
MMOTU share 0.9 (docs/evidence/feedback.md)."""
FEWEST_APART = 3
"""One or two follicles more or less are label noise, not a contradiction."""


def conflict_between(readings: Sequence[Reading], *, is_disputed: bool = False) -> str:
    """Why a person must look, or nothing.

    Args:
        readings: Readings of one picture.
        is_disputed: Whether a reader said that the label itself is wrong.

    Returns:
        One sentence; empty where there is nothing to settle, or an adjudicator settled it.
    """
    if any(one.reader.startswith(ADJUDICATOR) for one in readings):
        return ""
    if is_disputed:
        return "a reader disputes the label"
    seen = sorted({one.shows for one in readings})
    if len(seen) > 1:
        return f"readers disagree on what it shows: {', '.join(seen)}"
    for first, second in combinations(readings, 2):
        apart = _apart(first, second)
        if apart:
            return apart
    return ""


def _apart(first: Reading, second: Reading) -> str:
    """How far two readings of follicles lie apart, where that is too far."""
    if first.follicles is None or second.follicles is None:
        return ""
    match = paired(first.follicles, second.follicles)
    alone = match.predicted + match.true - 2 * len(match.pairs)
    share = f1(matched=len(match.pairs), predicted=match.predicted, true=match.true)
    if share >= LEAST_F1 or alone < FEWEST_APART:
        return ""
    return (
        f"readers marked {match.predicted} and {match.true} follicles and share {len(match.pairs)}"
    )
