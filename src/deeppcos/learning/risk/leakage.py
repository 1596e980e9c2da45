"""Too good to be true: a label under another name, and scores no honest model reaches.

Owns two guards. Nothing is reported past them.
"""

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.learning.risk.measures import auroc
from deeppcos.learning.risk.table import RiskTable

MOST_AUROC = 0.97
"""Above this a score on such tables means leakage (project rule; honest models reach 0.95-0.96)."""
FEWEST_KNOWN = 30


def telling_columns(table: RiskTable) -> dict[str, float]:
    """Columns that alone tell the label, with their AUROC, used ones and others alike.

    A column is read as numbers in either direction; a code that marks one class by several
    numbers is caught by the share of women its values sort correctly.
    """
    from deeppcos.learning.risk.dictionary import NAMES

    columns = {**dict(zip(NAMES, table.values.T, strict=True)), **table.extra}
    told = {name: _tells(values, table.label) for name, values in columns.items()}
    return {name: value for name, value in told.items() if value > MOST_AUROC}


def require_no_leak(table: RiskTable) -> None:
    """Refuse a table in which a column that would be used tells the label.

    Raises:
        InvalidInput: Naming the columns.
    """
    used = {c.feature for c in table.adapter.columns}
    leaking = {name: a for name, a in telling_columns(table).items() if name in used}
    if leaking:
        raise InvalidInput(
            "a feature tells the label: it is the label under another name, or made from it",
            value=", ".join(f"{name} (AUROC {a:.3f})" for name, a in leaking.items()),
            accepted=f"single features up to AUROC {MOST_AUROC}",
            remedy="find out what the column holds; remove it or correct the table",
        )


def require_believable(name: str, value: float | None) -> None:
    """Refuse to report a model that is too good.

    Args:
        name: What was measured.
        value: Its cross-validated AUROC, or None.

    Raises:
        InvalidInput: If it is above what honest models reach on such tables.
    """
    if value is None or value <= MOST_AUROC:
        return
    raise InvalidInput(
        f"{name}: too good to be true",
        value=f"AUROC {value:.3f}",
        accepted=f"up to {MOST_AUROC} on tables of this kind",
        remedy="look for the label among the features, the same woman on both sides of the "
        "split, and anything fitted before splitting",
    )


def _tells(values: npt.NDArray[np.float64], label: npt.NDArray[np.bool_]) -> float:
    """How well one column alone sorts the label, whatever its direction or coding."""
    known = np.isfinite(values)
    if known.sum() < FEWEST_KNOWN:
        return 0.0
    score = auroc(values[known], label[known])
    if score is None:
        return 0.0
    best = max(score, 1 - score)
    distinct, place = np.unique(values[known], return_inverse=True)
    if distinct.size > 12:
        return best
    rates = np.array([label[known][place == k].mean() for k in range(distinct.size)])
    coded = auroc(rates[place], label[known])
    return max(best, coded or 0.0)
