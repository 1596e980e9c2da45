"""One site's part of a round: the training of ``learning.classify`` on its own pictures.

Owns weights as arrays and what is measured locally. No network library here, so that one place
alone, a simulation and a real site train the same way.
"""

from collections.abc import Mapping, Sequence
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

Weights = list[npt.NDArray[np.float32]]


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


def weights_of(network: nn.Module) -> Weights:
    """Everything of a network that is learned, as arrays."""
    return [np.asarray(v.detach().numpy(), np.float32).copy() for v in _state(network).values()]


def load_weights(network: nn.Module, weights: Sequence[npt.NDArray[np.float32]]) -> None:
    """Put arrays into a network.

    Raises:
        InvalidInput: If there are others than it has.
    """
    state = _state(network)
    shapes = [tuple(v.shape) for v in state.values()]
    if [one.shape for one in weights] != shapes:
        raise InvalidInput(
            "weights of another network",
            value=f"{len(weights)} arrays",
            accepted=f"{len(shapes)} arrays of the agreed network",
        )
    named = {n: torch.from_numpy(w.copy()) for n, w in zip(state, weights, strict=True)}
    network.load_state_dict(named, strict=False)


def _state(network: nn.Module) -> Mapping[str, torch.Tensor]:
    """Floating parts of the state: weights and running means, no counters."""
    return {n: v for n, v in network.state_dict().items() if v.is_floating_point()}


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
        The site's weights and its mean loss of the last steps.
    """
    network = fresh_network(agreement)
    load_weights(network, weights)
    truth = truth_of(data.learning, agreement)
    loss = fit_network(network, data.learning, truth, steps=agreement.steps, seed=seed)
    return weights_of(network), loss


def scores(
    weights: Sequence[npt.NDArray[np.float32]], examples: Sequence[Example], agreement: Agreement
) -> npt.NDArray[np.float64]:
    """Scores of the positive class, ``(len(examples),)`` in [0, 1]."""
    network = fresh_network(agreement)
    load_weights(network, weights)
    return scores_of(network, examples)
