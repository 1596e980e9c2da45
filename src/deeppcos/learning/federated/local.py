"""One site's part of a round: the training of ``learning.classify`` on its own pictures.

Owns what is trained and measured locally. No network library here, so that one place
alone, a simulation and a real site train the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from deeppcos.errors import InvalidInput
from deeppcos.learning.classify.comparators import COMPARATORS
from deeppcos.learning.classify.examples import Example
from deeppcos.learning.classify.fit import fit_network, scores_of
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.private import fit_privately
from deeppcos.learning.federated.weights import Weights, load_weights, weights_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteData:
    """Pictures of one site; they never leave it.

    Attributes:
        name: Site.
        learning: Examples to learn from.
        measured: Examples of other patients of the same site.
    """

    name: str
    learning: tuple[Example, ...]
    measured: tuple[Example, ...]


def fresh_network(agreement: Agreement, *, seed: int = 1) -> nn.Module:
    """The network every site starts from."""
    build = COMPARATORS[agreement.network].network if agreement.network in COMPARATORS else None
    if build is None:
        raise InvalidInput(
            "no such network",
            value=agreement.network,
            accepted=", ".join(name for name, one in COMPARATORS.items() if one.network),
        )
    torch.manual_seed(seed)
    return build(agreement.side_px)


def truth_of(examples: Sequence[Example], agreement: Agreement) -> npt.NDArray[np.bool_]:
    """Whether each example is of the positive class."""
    return np.array([one.label == agreement.positive for one in examples], dtype=bool)


def refuse_one_class(data: SiteData, agreement: Agreement) -> None:
    """Refuse a site that cannot teach a difference."""
    truth = truth_of(data.learning, agreement)
    if not len(truth) or truth.all() or not truth.any():
        raise InvalidInput(
            f"site {data.name} has pictures of one class only",
            value=f"{int(truth.sum())} of {len(truth)} are {agreement.positive}",
            accepted="pictures of both classes",
            remedy="let the site take part once it has both",
        )


def one_round(
    weights: Sequence[npt.NDArray[np.float32]], data: SiteData, agreement: Agreement, *, seed: int
) -> tuple[Weights, float]:
    """Train on from the common weights.

    Args:
        weights: The common weights.
        data: The site's pictures.
        agreement: What is trained.
        seed: Of this round.

    Returns:
        The site's weights and its mean loss of the last steps; of private training no loss is
        told, since it is a figure of the patients without noise.
    """
    network = fresh_network(agreement)
    load_weights(network, weights)
    truth = truth_of(data.learning, agreement)
    if agreement.noise:
        fit_privately(network, data.learning, truth, steps=agreement.steps, noise=agreement.noise)
        return weights_of(network), float("nan")
    loss = fit_network(network, data.learning, truth, steps=agreement.steps, seed=seed)
    return weights_of(network), loss


def scores(
    weights: Sequence[npt.NDArray[np.float32]], examples: Sequence[Example], agreement: Agreement
) -> npt.NDArray[np.float64]:
    """Scores of the positive class, ``(len(examples),)`` in [0, 1]."""
    network = fresh_network(agreement)
    load_weights(network, weights)
    return scores_of(network, examples)
