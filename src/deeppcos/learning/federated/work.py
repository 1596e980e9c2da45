"""What a site does in a round, whichever network is trained.

Owns the choice between the networks that tell classes (``local``) and the one that reads ovaries
(``seeing``).
"""

from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.local import (
    SiteData,
    fresh_network,
    one_round,
    refuse_one_class,
    scores,
)
from deeppcos.learning.federated.seeing import (
    SeeingData,
    can_measure,
    is_seeing,
    refuse_unfit_site,
    see_measured,
    see_one_round,
    start_weights,
)
from deeppcos.learning.federated.weights import Weights, weights_of

Pictures = SiteData | SeeingData


def first_weights(agreement: Agreement, start_from: str = "") -> Weights:
    """What every site starts from.

    Args:
        agreement: What is trained.
        start_from: A release, for the network that reads ovaries; empty to start afresh.

    Raises:
        InvalidInput: If there is no such network or release.
    """
    if is_seeing(agreement):
        return start_weights(agreement, start_from)
    if start_from:
        raise InvalidInput(
            "only the network that reads ovaries starts from a release",
            value=agreement.network,
            accepted="network seeing",
        )
    return weights_of(fresh_network(agreement))


def refuse_unfit_pictures(data: Pictures, agreement: Agreement) -> None:
    """Refuse a site before its first round.

    Args:
        data: The site's pictures.
        agreement: What is trained.

    Raises:
        InvalidInput: If they lack what is to be learned, are of the wrong kind, or the training
            cannot be private.
    """
    if is_seeing(agreement) != isinstance(data, SeeingData):
        raise InvalidInput("pictures of another kind of training", value=agreement.network)
    if isinstance(data, SiteData):
        refuse_one_class(data, agreement)
        return
    refuse_private_seeing(agreement)
    refuse_unfit_site(data)


def refuse_private_seeing(agreement: Agreement) -> None:
    """Refuse what cannot be done: its batch normalisation mixes the patients of a step."""
    if agreement.noise and is_seeing(agreement):
        raise InvalidInput(
            "this network cannot be trained privately",
            value=agreement.network,
            accepted="a network without batch normalisation, such as plain_cnn",
        )


def trained(
    weights: Weights, data: Pictures, agreement: Agreement, *, seed: int
) -> tuple[Weights, float]:
    """One round: the site's weights and its mean loss."""
    if isinstance(data, SeeingData):
        return see_one_round(weights, data, agreement, seed=seed)
    return one_round(weights, data, agreement, seed=seed)


def measured(
    weights: Weights, data: Pictures, agreement: Agreement
) -> tuple[float, int, dict[str, Any]]:
    """How weights do on the site's other patients: loss, pictures and figures."""
    # A figure of patients without noise: not where the training was private.
    if agreement.noise or not data.measured:
        return 0.0, 0, {}
    if isinstance(data, SeeingData):
        if not can_measure(data.measured):
            return 0.0, 0, {}
        return see_measured(weights, data.measured, agreement), len(data.measured), {}
    said = scores(weights, data.measured, agreement) > 0.5
    right = [s == (e.label == agreement.positive) for s, e in zip(said, data.measured, strict=True)]
    accuracy = sum(right) / len(right)
    return 1 - accuracy, len(right), {"accuracy": float(accuracy)}
