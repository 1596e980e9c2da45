"""The network that ships, trained at many sites: each round is a short run of ``learning.train``.

Owns one site's part of such a round, and what the coordinator starts from and ends with. Views,
loss, schedule and averaging are those of ``deeppcos train``; a round warms up and cools down on its
own, since no momentum travels.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.weights import Weights, load_weights, weights_of
from deeppcos.learning.networks import NETWORKS
from deeppcos.learning.samples import Sample
from deeppcos.learning.train import TrainConfig, train
from deeppcos.learning.train.checkpoint import FINAL_FILE, write_weights
from deeppcos.learning.train.config import CONFIG_FILE
from deeppcos.learning.train.loop import Moment, build_network
from deeppcos.learning.train.loss import loss_of
from deeppcos.learning.train.sides import refuse_unfit
from deeppcos.learning.train.views import ViewStream

LEARNED_STEPS = 10
"""Steps over which the weights of a round are averaged at its end."""
MEASURED_BATCHES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SeeingData:
    """Outlined pictures of one site; they never leave it.

    Attributes:
        name: Site.
        learning: Samples to learn from.
        measured: Samples of other patients of the same site.
    """

    name: str
    learning: tuple[Sample, ...]
    measured: tuple[Sample, ...]


def is_seeing(agreement: Agreement) -> bool:
    """Whether the network that reads ovaries is trained, rather than one that tells classes."""
    return agreement.network in NETWORKS


def start_weights(agreement: Agreement, start_from: str = "") -> Weights:
    """What every site starts from.

    Args:
        agreement: What is trained.
        start_from: A release (its folder, or ``shipped``); empty for ImageNet's encoder.

    Returns:
        Its weights.

    Raises:
        InvalidInput: If the release is damaged, or of another network.
    """
    from deeppcos.learning.train.from_release import is_release, release_weights

    sha256 = release_weights(start_from).sha256 if is_release(start_from) else ""
    config = TrainConfig(network=agreement.network, start_from=start_from, start_from_sha256=sha256)
    return weights_of(build_network(config))


def see_one_round(
    weights: Weights, data: SeeingData, agreement: Agreement, *, seed: int
) -> tuple[Weights, float]:
    """Train on from the common weights.

    Args:
        weights: The common weights.
        data: The site's samples.
        agreement: What is trained.
        seed: Of this round.

    Returns:
        The site's weights and its mean loss.
    """
    network = NETWORKS[agreement.network]()
    load_weights(network, weights)
    losses: list[float] = []

    def watch(moment: Moment) -> None:
        losses.append(moment.loss)

    with TemporaryDirectory() as folder:
        start = Path(folder) / "start.pt"
        write_weights(start, network)
        config = TrainConfig(
            network=agreement.network,
            steps=agreement.steps,
            batch=agreement.batch,
            seed=seed,
            average_decay=max(0.5, 1 - LEARNED_STEPS / agreement.steps),
            start_from=str(start),
            threads=torch.get_num_threads(),
            synthetic=0,
            precision="no",
        )
        final = train(data.learning, config, Path(folder) / "run", watch=watch)
        network.load_state_dict(torch.load(final, map_location="cpu", weights_only=True))
    return weights_of(network), float(np.mean(losses))


def see_measured(weights: Weights, samples: Sequence[Sample], agreement: Agreement) -> float:
    """Loss of weights on views of samples that were not learned from, always the same views."""
    network = NETWORKS[agreement.network]()
    load_weights(network, weights)
    network.eval()
    stream = ViewStream(
        tuple(samples), TrainConfig(network=agreement.network, batch=agreement.batch, synthetic=0)
    )
    losses = []
    for number in range(MEASURED_BATCHES):
        views = stream.batch(number).views
        pictures, target, weight, answers, answer_weight = (
            torch.from_numpy(np.stack([getattr(one, name) for one in views]))
            for name in ("picture", "target", "weight", "answers", "answer_weight")
        )
        with torch.no_grad():
            logits, answered = network(pictures[:, None])
            loss = loss_of(
                logits,
                answered,
                target=target,
                weight=weight,
                answer_target=answers,
                answer_weight=answer_weight,
            )
        losses.append(float(loss))
    return float(np.mean(losses))


def refuse_unfit_site(data: SeeingData) -> None:
    """Refuse a site that lacks what is to be learned, as local training does."""
    refuse_unfit(data.learning)


def can_measure(samples: Sequence[Sample]) -> bool:
    """Whether there is a picture with follicle marks to measure on."""
    return any(one.readings and one.ovary is not None for one in samples)


def write_run(out: Path, weights: Weights, agreement: Agreement, *, rounds: int) -> Path:
    """Write what a training run leaves: the weights and what they are of.

    Args:
        out: Folder.
        weights: The joined weights.
        agreement: What was trained.
        rounds: Rounds.

    Returns:
        The file of weights.
    """
    network = NETWORKS[agreement.network]()
    load_weights(network, weights)
    write_weights(out / FINAL_FILE, network)
    config = TrainConfig(
        network=agreement.network, steps=agreement.steps * rounds, batch=agreement.batch
    )
    (out / CONFIG_FILE).write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
    return out / FINAL_FILE
