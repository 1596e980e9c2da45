"""A site in federated training: what it does when a round comes.

Owns what leaves a site in a round: weights, a count of pictures and two figures.
"""

from dataclasses import dataclass, field
from typing import Any

from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.local import SiteData, Weights, one_round, refuse_one_class, scores
from deeppcos.learning.federated.masking import Masked
from deeppcos.learning.federated.site import Introduction, SiteOptions, converse


@dataclass(slots=True, kw_only=True)
class Conversation:
    """What a site answers in training; no network in it.

    Attributes:
        agreement: What is trained.
        data: Its pictures.
        rounds: Rounds it trained in.
    """

    agreement: Agreement
    data: SiteData
    rounds: int = field(default=0)

    def train(self, weights: Weights, asked: dict[str, Any]) -> tuple[Weights, int, dict[str, Any]]:
        """One round on the site's pictures."""
        seed = 1000 + int(asked["round"])
        found, loss = one_round(weights, self.data, self.agreement, seed=seed)
        self.rounds += 1
        return found, len(self.data.learning), {"site": self.data.name, "loss": loss}

    def measure(self, weights: Weights, asked: dict[str, Any]) -> tuple[float, int, dict[str, Any]]:
        """How the common weights do on the site's other patients: share told apart rightly."""
        measured, agreement = self.data.measured, self.agreement
        if not measured:
            return 0.0, 0, {"site": self.data.name}
        said = scores(weights, measured, agreement) > 0.5
        right = [s == (e.label == agreement.positive) for s, e in zip(said, measured, strict=True)]
        accuracy = sum(right) / len(right)
        return 1 - accuracy, len(right), {"site": self.data.name, "accuracy": float(accuracy)}


def take_part(options: SiteOptions[Agreement], data: SiteData) -> int:
    """Take part until the coordinator ends.

    Args:
        options: How.
        data: The site's pictures.

    Returns:
        Rounds it trained in.

    Raises:
        InvalidInput: If the site has pictures of one class only, or the coordinator refused it;
            says why.
        TemporaryFailure: If nobody answers, or another than the authority vouches for.
    """
    refuse_one_class(data, options.agreement)
    talk = Conversation(agreement=options.agreement, data=data)
    introduction = Introduction(options=options, name=data.name)
    masked = Masked(train=talk.train)

    def fit(weights: Weights, asked: dict[str, Any]) -> tuple[Weights, int, dict[str, Any]]:
        if options.agreement.secure:
            return [], 0, masked.reply(asked)
        return talk.train(weights, asked)

    converse(
        introduction,
        {"get_properties": introduction.reply, "fit": fit, "evaluate": talk.measure},
    )
    return talk.rounds
