"""Folds by woman, repeated, and the probabilities held-out women get.

Owns the split and the loop. What is fitted inside a fold is the caller's; nothing may be fitted
outside one.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning.splits import crossing_groups

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

Fitted = Callable[[Floats], Floats]
"""Features of shape (n, p) in, probabilities of shape (n,) out."""

FOLDS = 5


def grouped_folds(
    label: Flags, groups: Sequence[str], *, repeat: int, folds: int = FOLDS
) -> Iterator[tuple[Places, Places]]:
    """Stratified folds that keep all rows of a woman together.

    Args:
        label: Of shape (n_women,).
        groups: Group of each row.
        repeat: Number of the repeat; another gives another shuffle.
        folds: Number of folds.

    Yields:
        Places of training and held-out rows.

    Raises:
        InvalidInput: If a class has fewer women than folds.
        ContractBroken: If a woman is on both sides.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    names = np.asarray(groups)
    rarest = min(len(set(names[label])), len(set(names[~label])))
    if rarest < folds:
        raise InvalidInput(
            "too few women of one class for cross-validation",
            value=f"{rarest} women",
            accepted=f"at least {folds} of each class",
            remedy="gather more women",
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=repeat)
    for training, held_out in splitter.split(np.zeros((label.size, 1)), label, names):
        if crossing_groups(names[training], names[held_out]):
            raise ContractBroken("a woman is in training and held out at once")
        yield training, held_out


def held_out_probabilities(
    fit: Callable[[Floats, Flags, Sequence[str], int], Fitted],
    features: Floats,
    label: Flags,
    groups: Sequence[str],
    *,
    repeats: int,
    folds: int = FOLDS,
) -> Floats:
    """Probabilities from models that had not seen the woman.

    Args:
        fit: Takes features, label, groups and a seed; gives a function to probabilities.
            Imputing, scaling, selecting and resampling belong inside it.
        features: Of shape (n_women, n_features).
        label: Of shape (n_women,).
        groups: Group of each row.
        repeats: How often the folds are drawn anew.
        folds: Number of folds.

    Returns:
        Of shape (repeats, n_women), float64 in [0, 1].
    """
    from threadpoolctl import threadpool_limits

    names = np.asarray(groups)
    probabilities = np.full((repeats, label.size), np.nan)
    # Tables are small: threads would only wait for one another.
    with threadpool_limits(1):
        for repeat in range(repeats):
            for training, held_out in grouped_folds(label, groups, repeat=repeat, folds=folds):
                fitted = fit(features[training], label[training], names[training].tolist(), repeat)
                probabilities[repeat, held_out] = fitted(features[held_out])
    return probabilities
