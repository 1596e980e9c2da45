"""The shipped model on women it had not seen: probability, certainty, and values hidden.

Owns the outer loop of nested cross-validation: fitting, calibrating and the conformal step all
happen inside the training women of each fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.learning.risk.additive_training import FittedRisk, fit_risk
from deeppcos.learning.risk.dictionary import Tier, feature_names
from deeppcos.learning.risk.folds import grouped_folds
from deeppcos.learning.risk.fusion import (
    ClinicalProbability,
    ImageMeasurement,
    PatientIdentity,
    fuse,
    matched_ratio,
)
from deeppcos.learning.risk.table import RiskTable

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HIDDEN_SHARES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """What each woman got from models that had not seen her; arrays of shape (repeats, n_women).

    Attributes:
        tier: What had been measured.
        with_label_defining: Whether criteria were among the features.
        probability: Calibrated probabilities.
        covered: Whether the label set held her label.
        set_size: Labels in her set, 1 or 2.
        width: Width of her Venn-Abers interval.
        hidden: Probabilities with a share of her values hidden at random, by share.
    """

    tier: Tier
    with_label_defining: bool
    probability: Floats
    covered: Flags
    set_size: Floats
    width: Floats
    hidden: dict[float, Floats]


def held_out(table: RiskTable, tier: Tier, *, with_label_defining: bool, repeats: int) -> HeldOut:
    """Nested, grouped, repeated cross-validation of one tier.

    Args:
        table: The table.
        tier: What counts as measured.
        with_label_defining: Whether criteria are among the features.
        repeats: How often the folds are drawn anew.
    """
    names = feature_names(tier, with_label_defining=with_label_defining)
    features, n = table.columns(names), table.label.size
    groups = np.asarray(table.groups)
    shape = (repeats, n)
    result = HeldOut(
        tier=tier,
        with_label_defining=with_label_defining,
        probability=np.full(shape, np.nan),
        covered=np.zeros(shape, dtype=bool),
        set_size=np.full(shape, np.nan),
        width=np.full(shape, np.nan),
        hidden={share: np.full(shape, np.nan) for share in HIDDEN_SHARES},
    )
    for repeat in range(repeats):
        rng = np.random.default_rng(1000 + repeat)
        for training, test in grouped_folds(table.label, table.groups, repeat=repeat):
            fitted = fit_risk(
                features[training],
                table.label[training],
                groups[training].tolist(),
                names=names,
                seed=repeat,
            )
            _fill(result, repeat, test, fitted, features[test], table.label[test])
            for share, kept in result.hidden.items():
                blinded = np.where(rng.random(features[test].shape) < share, np.nan, features[test])
                kept[repeat, test] = fitted.model.probability(blinded)
    return result


def _fill(
    result: HeldOut,
    repeat: int,
    test: npt.NDArray[np.intp],
    fitted: FittedRisk,
    features: Floats,
    label: Flags,
) -> None:
    """What the women of one fold got."""
    scores = fitted.model.score(features)
    sets = [fitted.conformal.label_set(float(score)) for score in scores]
    intervals = [fitted.conformal.interval(float(score)) for score in scores]
    result.probability[repeat, test] = fitted.model.probability(features)
    result.covered[repeat, test] = [
        bool(own) in chosen for own, chosen in zip(label, sets, strict=True)
    ]
    result.set_size[repeat, test] = [len(chosen) for chosen in sets]
    result.width[repeat, test] = [high - low for low, high in intervals]


def fused_with_charted_counts(table: RiskTable, *, repeats: int) -> dict[str, Floats]:
    """Real women, their own charted counts: laboratory tier, fused by ratio, and learned jointly.

    The count is the chart's, of the same row, so nothing is paired that does not belong
    together; the ratio is learned on the training women of each fold.

    Returns:
        Probabilities of shape (repeats, n_women), by name.
    """
    names = feature_names(Tier.LABORATORY)
    features, groups = table.columns(names), np.asarray(table.groups)
    counts = np.fmax(*table.columns(("follicles_left", "follicles_right")).T)
    before = np.full((repeats, table.label.size), np.nan)
    after = before.copy()
    for repeat in range(repeats):
        for training, test in grouped_folds(table.label, table.groups, repeat=repeat):
            fitted = fit_risk(
                features[training],
                table.label[training],
                groups[training].tolist(),
                names=names,
                seed=repeat,
            )
            ratio = matched_ratio(
                counts[training], table.label[training], source=table.adapter.name
            )
            before[repeat, test] = fitted.model.probability(features[test])
            for place in test:
                who = PatientIdentity(issuer=table.adapter.name, identifier=table.rows[place])
                p = float(before[repeat, place])
                if not np.isfinite(counts[place]):
                    after[repeat, place] = p
                    continue
                count = float(counts[place])
                image = ImageMeasurement(patient=who, follicles=count, low=count, high=count)
                clinical = ClinicalProbability(patient=who, probability=p, features=names)
                after[repeat, place] = fuse(clinical, image, ratio=ratio)
    return {"laboratory tier alone": before, "fused with the charted count": after}


def wilson(positive: int, n: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson's score method.

    Examples:
        >>> [round(x, 3) for x in wilson(45, 50)]
        [0.786, 0.957]
    """
    z = 1.959963984540054
    centre = (positive + z * z / 2) / (n + z * z)
    half = z * np.sqrt(positive * (n - positive) / n + z * z / 4) / (n + z * z)
    return float(centre - half), float(centre + half)


def reliability_bins(
    probability: Floats, label: Flags, *, bins: int = 8
) -> list[tuple[float, float, float, float, int]]:
    """Mean probability, frequency, its 95 % interval and n, over bins of equal counts."""
    order = np.argsort(probability, kind="stable")
    parts: Sequence[npt.NDArray[np.intp]] = np.array_split(order, bins)
    return [
        (
            float(probability[part].mean()),
            float(label[part].mean()),
            *wilson(int(label[part].sum()), part.size),
            int(part.size),
        )
        for part in parts
    ]
