"""Weights as arrays: what travels between sites.

Owns the way into and out of a network. Counters of steps stay at home.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from deeppcos.errors import InvalidInput

Weights = list[npt.NDArray[np.float32]]


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
