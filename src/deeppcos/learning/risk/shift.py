"""What is left of a model on other women: surveys with fewer questions and another label.

Owns training on one table and measuring on another, and hiding what a clinic may not have.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.learning.metrics import Measured
from deeppcos.learning.risk.additive_training import fit_risk
from deeppcos.learning.risk.dictionary import NAMES, Tier, feature_names
from deeppcos.learning.risk.folds import grouped_folds
from deeppcos.learning.risk.measures import Figures, auroc, figures, over_repeats
from deeppcos.learning.risk.table import RiskTable

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A model of one table on another.

    Attributes:
        trained_on: Adapter of the training table.
        tested_on: Adapter of the other table.
        shared: Features that both hold and that were used.
        unknown: Features the model has and the other table has not: unknown to it.
        with_label_defining: Whether criteria were among the features.
        home: The same features at home, held out by woman.
        away: On the other table.
        probability: Of shape (n_women,) on the other table.
        label: Of shape (n_women,) on the other table.
    """

    trained_on: str
    tested_on: str
    shared: tuple[str, ...]
    unknown: tuple[str, ...]
    with_label_defining: bool
    home: Measured
    away: Figures
    probability: Floats
    label: npt.NDArray[np.bool_]


def transfer(home: RiskTable, away: RiskTable, *, with_label_defining: bool = True) -> Transfer:
    """Train the questionnaire tier on one table and measure it on another.

    Args:
        home: Table trained on.
        away: Table measured on; never looked at before.
        with_label_defining: Whether criteria may be among the features.
    """
    names = feature_names(Tier.QUESTIONNAIRE, with_label_defining=with_label_defining)
    there = {n for n in names if np.isfinite(away.values[:, NAMES.index(n)]).any()}
    fitted = fit_risk(home.columns(names), home.label, home.groups, names=names, seed=0)
    probability = fitted.model.probability(away.columns(names))
    hidden = [names.index(n) for n in names if n not in there]
    return Transfer(
        trained_on=home.adapter.name,
        tested_on=away.adapter.name,
        shared=tuple(n for n in names if n in there),
        unknown=tuple(n for n in names if n not in there),
        with_label_defining=with_label_defining,
        home=_at_home(home, names, hidden),
        away=figures(probability[None], away.label, away.groups, rounds=500),
        probability=probability,
        label=away.label,
    )


def _at_home(home: RiskTable, names: tuple[str, ...], hidden: Iterable[int]) -> Measured:
    """AUROC at home with the same answers hidden, so that only the women differ."""
    features = home.columns(names)
    blinded = features.copy()
    blinded[:, list(hidden)] = np.nan
    held = np.full((1, home.label.size), np.nan)
    groups = np.asarray(home.groups)
    for training, test in grouped_folds(home.label, home.groups, repeat=0):
        fitted = fit_risk(
            features[training], home.label[training], groups[training].tolist(), names=names, seed=0
        )
        held[0, test] = fitted.model.probability(blinded[test])
    return over_repeats(auroc, held, home.label, home.groups, rounds=500)
