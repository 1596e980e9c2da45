"""What is weighed at a step, and how fast the weights move."""

import math

import torch
from torch import Tensor
from torch.nn import functional

MAP_SCALES = (1.0, 1.0, 2.0, 2.0)
"""Ovary, lesion, follicle, core: the small things count double."""

DICE_SMOOTHING_PX = 50.0
JUDGED_WEIGHT = 0.3
"""A map whose weight never reaches this was hardly looked at: no Dice from it."""

WARM_UP_SHARE = 0.04
LAST_RATE_SHARE = 0.01


def loss_of(
    logits: Tensor,
    answers: Tensor,
    *,
    target: Tensor,
    weight: Tensor,
    answer_target: Tensor,
    answer_weight: Tensor,
) -> Tensor:
    """Weighted cross-entropy and soft Dice on the maps, cross-entropy on the answers.

    Args:
        logits: ``(N, 4, H, W)``.
        answers: ``(N, 2)`` logits.
        target: ``(N, 4, H, W)`` in [0, 1].
        weight: ``(N, 4, H, W)``, 0 where nobody looked.
        answer_target: ``(N, 2)``.
        answer_weight: ``(N, 2)``.

    Returns:
        Scalar loss.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    per_map = (entropy * weight).sum((0, 2, 3)) / weight.sum((0, 2, 3)).clamp(min=1.0)
    probability = torch.sigmoid(logits[:, :3])
    truth, seen = target[:, :3], weight[:, :3]
    overlap = (probability * truth * seen).sum((2, 3))
    size = ((probability + truth) * seen).sum((2, 3))
    dice = 1 - (2 * overlap + DICE_SMOOTHING_PX) / (size + DICE_SMOOTHING_PX)
    judged = (seen.amax((2, 3)) > JUDGED_WEIGHT).float()
    dice_loss = (dice * judged).sum(0) / judged.sum(0).clamp(min=1.0)
    question = functional.binary_cross_entropy_with_logits(
        answers, answer_target, weight=answer_weight
    )
    scale = torch.tensor(MAP_SCALES, device=logits.device)
    return (per_map * scale).sum() + dice_loss.sum() + 0.5 * question


def rate_at(step: int, *, steps: int, peak: float) -> float:
    """Learning rate: warm-up over the first 4 %, then a cosine to 1 % of the peak."""
    warm = max(1, round(WARM_UP_SHARE * steps))
    if step < warm:
        return peak * (step + 1) / warm
    fall = 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))
    return peak * (LAST_RATE_SHARE + (1 - LAST_RATE_SHARE) * fall)
