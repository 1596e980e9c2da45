"""Training one comparator on some examples and scoring others: nothing else is seen.

Owns the short loop of the networks and the features of the classical methods. Steps, rate and
augmentation are the same for every network; nothing is chosen on measured pictures.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from deeppcos.learning.classify.comparators import Comparator, EfficientNetLite
from deeppcos.learning.classify.examples import Example

Floats = npt.NDArray[np.float64]

BATCH = 16
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
FEATURE_BATCH = 32


def scores_of_network(
    comparator: Comparator,
    learning: Sequence[Example],
    truth: npt.NDArray[np.bool_],
    measured: Sequence[Example],
    *,
    steps: int,
    seed: int,
) -> Floats:
    """Train a network from end to end and score pictures it has not seen.

    Args:
        comparator: Has a network.
        learning: Examples to learn from.
        truth: ``(len(learning),) bool``: whether each is of the positive class.
        measured: Examples to score.
        steps: Optimiser steps of 16 pictures, both classes drawn alike.
        seed: Seed of weights, order and augmentation.

    Returns:
        ``(len(measured),)`` scores in [0, 1].
    """
    assert comparator.network is not None
    torch.manual_seed(seed)
    network = comparator.network(learning[0].picture.shape[0])
    fit_network(network, learning, truth, steps=steps, seed=seed)
    return scores_of(network, measured)


def fit_network(
    network: nn.Module,
    learning: Sequence[Example],
    truth: npt.NDArray[np.bool_],
    *,
    steps: int,
    seed: int,
) -> float:
    """Train a network on from the weights it has; the same at one place and at many sites.

    Args:
        network: Changed in place.
        learning: Examples to learn from.
        truth: ``(len(learning),) bool``: whether each is of the positive class.
        steps: Optimiser steps of 16 pictures, both classes drawn alike.
        seed: Seed of order and augmentation.

    Returns:
        Mean loss of the last steps.
    """
    rng = np.random.default_rng(seed)
    varied = augmentation(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=LEARNING_RATE, total_steps=max(steps, 2)
    )
    of_class = [np.flatnonzero(truth), np.flatnonzero(~truth)]
    network.train()
    losses = []
    for _ in range(steps):
        chosen = np.concatenate([rng.choice(numbers, BATCH // 2) for numbers in of_class])
        shown = [varied(torch.from_numpy(learning[i].picture)[None]) for i in chosen]
        pictures = torch.stack([torch.as_tensor(one) for one in shown])
        wanted = torch.from_numpy(truth[chosen].astype(np.float32))
        loss = functional.binary_cross_entropy_with_logits(network(pictures)[:, 0], wanted)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses[-10:])) if losses else float("nan")


def augmentation(seed: int) -> Any:
    """How a picture is varied before it is learned from: ``(1, S, S)`` to the same."""
    # From the files themselves: MONAI's packages re-export without saying so.
    from monai.transforms.compose import Compose
    from monai.transforms.intensity.array import RandGaussianNoise, RandScaleIntensity
    from monai.transforms.spatial.array import RandAffine, RandFlip

    return Compose(
        [
            RandFlip(prob=0.5, spatial_axis=1),
            RandAffine(
                prob=0.8,
                rotate_range=0.2,
                translate_range=4,
                scale_range=0.15,
                padding_mode="zeros",
            ),
            RandScaleIntensity(factors=0.3, prob=0.5),
            RandGaussianNoise(prob=0.3, std=0.05),
        ]
    ).set_random_state(seed=seed)


def scores_of(network: nn.Module, measured: Sequence[Example]) -> Floats:
    """Scores in [0, 1] of a trained network, ``(len(measured),)``."""
    return np.asarray(torch.sigmoid(_answers(network, measured)[:, 0]).numpy(), np.float64)


def features_of(examples: Sequence[Example]) -> Floats:
    """Pooled features of EfficientNet-Lite0 as ImageNet left it.

    Args:
        examples: Examples.

    Returns:
        ``(len(examples), 1280) float64``.
    """
    return np.asarray(_answers(EfficientNetLite(answers=0), examples).numpy(), np.float64)


def _answers(network: nn.Module, examples: Sequence[Example]) -> torch.Tensor:
    """What a network answers, in evaluation mode."""
    network.eval()
    with torch.no_grad():
        parts = [
            network(
                torch.from_numpy(
                    np.stack([e.picture for e in examples[start : start + FEATURE_BATCH]])
                )[:, None]
            )
            for start in range(0, len(examples), FEATURE_BATCH)
        ]
    return torch.cat([part.float() for part in parts])


def scores_of_method(
    comparator: Comparator,
    learning: Floats,
    truth: npt.NDArray[np.bool_],
    measured: Floats,
    *,
    seed: int,
) -> Floats:
    """Fit a method of scikit-learn on features and score others.

    Args:
        comparator: Has a method.
        learning: ``(n, d)`` features to learn from.
        truth: ``(n,) bool``.
        measured: ``(m, d)`` features to score.
        seed: Seed of the method.

    Returns:
        ``(m,)`` scores in [0, 1]; the scale is taken from the learning features alone.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    assert comparator.method is not None
    fitted = make_pipeline(StandardScaler(), comparator.method(seed)).fit(learning, truth)
    if hasattr(fitted, "predict_proba"):
        return np.asarray(fitted.predict_proba(measured)[:, 1], np.float64)
    return np.asarray(1 / (1 + np.exp(-fitted.decision_function(measured))), np.float64)
