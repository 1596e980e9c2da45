"""Training of which no patient can be told: gradients clipped and noised by Opacus (DP-SGD).

Owns what a patient is to the accountant, and the budget in words. The sampling the accountant
assumes is done here: at every step each patient is drawn on her own with the same probability, and
shows one picture. Clipping, noise and the accountant are Opacus's own.
"""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from deeppcos.errors import InvalidInput
from deeppcos.learning.classify.examples import Example
from deeppcos.learning.classify.fit import BATCH, LEARNING_RATE, WEIGHT_DECAY, augmentation
from deeppcos.learning.samples import Sample

DELTA = 1e-5
LARGEST_GRADIENT = 1.0
ASSUMED = (
    "per patient, add or remove one; each drawn on her own at every step; Renyi accountant of "
    "Opacus; the numbers of pictures and patients count as known; the noise is not from a "
    "cryptographic generator"
)
"""What a budget rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What training may have told of one patient.

    Attributes:
        epsilon: Privacy loss.
        delta: Chance that it is larger.
        steps: Steps it counts.
    """

    epsilon: float
    delta: float
    steps: int

    def __str__(self) -> str:
        return f"epsilon {self.epsilon:.2f} at delta {self.delta:g} over {self.steps} steps"


def spent(*, noise: float, patients: int, steps: int) -> Budget:
    """The budget of some steps.

    Args:
        noise: Noise multiplier.
        patients: Patients to learn from.
        steps: Optimiser steps, of all rounds together.

    Returns:
        The budget; see ``ASSUMED``.
    """
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [(noise, _rate(patients), steps)]
    epsilon = float(accountant.get_epsilon(delta=DELTA)) if steps else 0.0
    return Budget(epsilon=epsilon, delta=DELTA, steps=steps)


def refuse_overspending(*, noise: float, patients: int, steps: int, most: float | None) -> Budget:
    """The budget after some steps, unless it is more than a site gives.

    Args:
        noise: Noise multiplier.
        patients: Patients to learn from.
        steps: Steps of all rounds, with the one about to begin.
        most: Largest epsilon the site gives; None for no limit.

    Returns:
        The budget.

    Raises:
        InvalidInput: If it is more.
    """
    budget = spent(noise=noise, patients=patients, steps=steps)
    if most is not None and budget.epsilon > most:
        raise InvalidInput(
            "the next round would spend more than this site gives",
            value=str(budget),
            accepted=f"epsilon {most:g}",
            remedy="the rounds until now stand; train with more noise, fewer rounds or more "
            "patients",
        )
    return budget


def _rate(patients: int) -> float:
    """How probably a patient is drawn at a step: 16 of them on average, as without privacy."""
    return min(1.0, BATCH / patients)


def fit_privately(
    network: nn.Module,
    learning: Sequence[Example],
    truth: npt.NDArray[np.bool_],
    *,
    steps: int,
    noise: float,
) -> None:
    """Train a network on from the weights it has; no figure of the training is given.

    Nobody may guess what is drawn, so there is no seed.

    Args:
        network: Changed in place.
        learning: Examples to learn from.
        truth: ``(len(learning),) bool``: whether each is of the positive class.
        steps: Optimiser steps.
        noise: Noise multiplier, above 0.

    Raises:
        InvalidInput: If the network mixes the pictures of a step, as batch normalisation does.
    """
    from opacus import GradSampleModule
    from opacus.optimizers import DPOptimizer

    refuse_mixing(network)
    chance = np.random.default_rng()  # seeded by the system
    varied = augmentation(int.from_bytes(os.urandom(4), "big"))
    pictures_of = _pictures_of(learning)
    watched: Any = GradSampleModule(network)
    plain = torch.optim.AdamW(watched.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        plain, max_lr=LEARNING_RATE, total_steps=max(steps, 2)
    )
    rate = _rate(len(pictures_of))
    optimiser = DPOptimizer(
        plain,
        noise_multiplier=noise,
        max_grad_norm=LARGEST_GRADIENT,
        expected_batch_size=rate * len(pictures_of),
        generator=torch.Generator().manual_seed(int.from_bytes(os.urandom(8), "big") >> 1),
        secure_mode=True,
    )
    network.train()
    for _ in range(steps):
        optimiser.zero_grad(set_to_none=True)
        drawn = chance.random(len(pictures_of)) < rate
        chosen = [
            int(chance.choice(p))
            for p, is_drawn in zip(pictures_of, drawn, strict=True)
            if is_drawn
        ]
        if chosen:
            shown = [varied(torch.from_numpy(learning[n].picture)[None]) for n in chosen]
            wanted = torch.from_numpy(truth[chosen].astype(np.float32))
            pictures = torch.stack([torch.as_tensor(one) for one in shown])
            # Plain, and with a gradient of its own: the hooks of Opacus look for one.
            answered = watched(pictures.as_subclass(torch.Tensor).requires_grad_())[:, 0]
            loss = functional.binary_cross_entropy_with_logits(answered, wanted)
            torch.autograd.backward(loss)
        else:  # a step without a patient is noise, or it would tell that nobody was drawn
            for one in watched.parameters():
                one.grad_sample = torch.zeros((0, *one.shape))
        optimiser.step()
        schedule.step()
    watched.remove_hooks()


def _pictures_of(learning: Sequence[Example]) -> list[list[int]]:
    """Numbers of the pictures of each patient."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(learning):
        found[one.group].append(number)
    return [found[group] for group in sorted(found)]


def patients_of(learning: Sequence[Example] | Sequence[Sample]) -> int:
    """How many patients the pictures are of."""
    return len({one.group for one in learning})


def refuse_mixing(network: nn.Module) -> None:
    """Refuse a network in which one patient changes the gradient of another.

    Args:
        network: To be trained.

    Raises:
        InvalidInput: If so.
    """
    from opacus.validators import ModuleValidator

    problems = ModuleValidator.validate(network, strict=False)
    if problems:
        raise InvalidInput(
            "this network cannot be trained privately",
            value=str(problems[0])[:200],
            accepted="a network without batch normalisation, such as plain_cnn",
        )
