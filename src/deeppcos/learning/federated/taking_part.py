"""A site in federated training: what it does when a round comes.

Owns what leaves a site in a round: weights, a count of pictures and two figures.
"""

from dataclasses import dataclass
from typing import Any

from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.masking import Masked
from deeppcos.learning.federated.private import Budget, patients_of, refuse_overspending
from deeppcos.learning.federated.site import Introduction, SiteOptions, converse
from deeppcos.learning.federated.weights import Weights
from deeppcos.learning.federated.work import Pictures, measured, refuse_unfit_pictures, trained


@dataclass(slots=True, kw_only=True)
class Conversation:
    """What a site answers in training; no network in it.

    Attributes:
        agreement: What is trained.
        data: Its pictures.
        most_epsilon: Largest privacy loss a patient may come to; None for no limit.
        rounds: Rounds it trained in.
    """

    agreement: Agreement
    data: Pictures
    most_epsilon: float | None = None
    rounds: int = 0

    def train(self, weights: Weights, asked: dict[str, Any]) -> tuple[Weights, int, dict[str, Any]]:
        """One round on the site's pictures; of private training its budget instead of a loss."""
        seed = 1000 + int(asked["round"])
        figures: dict[str, Any] = {"site": self.data.name}
        if self.agreement.noise:
            budget = self.budget(self.rounds + 1)
            figures |= {"epsilon": budget.epsilon, "delta": budget.delta}
        found, loss = trained(weights, self.data, self.agreement, seed=seed)
        self.rounds += 1
        if not self.agreement.noise:
            figures["loss"] = loss
        return found, len(self.data.learning), figures

    def budget(self, rounds: int) -> Budget:
        """What some rounds may tell of one patient; refused where it is more than is given."""
        return refuse_overspending(
            noise=self.agreement.noise,
            patients=patients_of(self.data.learning),
            steps=rounds * self.agreement.steps,
            most=self.most_epsilon,
        )

    def measure(self, weights: Weights, asked: dict[str, Any]) -> tuple[float, int, dict[str, Any]]:
        """How the common weights do on the site's other patients."""
        loss, pictures, figures = measured(weights, self.data, self.agreement)
        return loss, pictures, {"site": self.data.name, **figures}


def take_part(
    options: SiteOptions[Agreement], data: Pictures, *, most_epsilon: float | None = None
) -> Conversation:
    """Take part until the coordinator ends.

    Args:
        options: How.
        data: The site's pictures.
        most_epsilon: Largest privacy loss a patient may come to; None for no limit.

    Returns:
        What it did.

    Raises:
        InvalidInput: If the site has pictures of one class only, its privacy budget is spent, or
            the coordinator refused it; says why.
        TemporaryFailure: If nobody answers, or another than the authority vouches for.
    """
    refuse_unfit_pictures(data, options.agreement)
    talk = Conversation(agreement=options.agreement, data=data, most_epsilon=most_epsilon)
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
    return talk
