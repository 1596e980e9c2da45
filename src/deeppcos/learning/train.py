"""Training the network that sees: one loop, resumable, with nothing tuned on held-out groups.

The schedule is fixed beforehand and the last averaged weights are kept, so the held-out fold
plays no part in choosing them. Owns the configuration and the loop; views are drawn by
``augment``, measured by ``evaluate``, exported by ``export``.
"""

import json
import math
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning import augment
from deeppcos.learning.networks import NETWORKS, SeeingNet, imagenet_weights, load_imagenet_encoder
from deeppcos.learning.samples import Mask, Sample
from deeppcos.learning.splits import crossing_groups, fold_of
from deeppcos.vision.preprocess import INPUT_SIDE_PX, View, normalise

SPLIT_SALT = "deeppcos-2"
FOLDS = 5
HELD_OUT_FOLD = 1
BATCHES_AHEAD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training run; saved with the release.

    Attributes:
        network: Key of ``NETWORKS``.
        steps: Optimiser steps.
        batch: Views a step.
        learning_rate: Peak, for new layers.
        encoder_learning_rate: Peak, for the pretrained encoder.
        weight_decay: AdamW weight decay.
        average_decay: Decay of the averaged weights.
        seed: Seed of every random choice.
        clean_graphics: False shows the network the burned-in graphics, for the ablation.
        paste_follicles: Whether follicles are pasted between pictures.
        synthetic: Number of phantom scenes in the pool.
        frozen_stages: Encoder stages kept as ImageNet left them: cheap, and enough for edges.
        start_from: Weights of an earlier run to go on from; empty to start afresh.
        threads: CPU threads for torch.
    """

    network: str = "seeing"
    steps: int = 2000
    batch: int = 12
    learning_rate: float = 2e-3
    encoder_learning_rate: float = 6e-4
    weight_decay: float = 1e-2
    average_decay: float = 0.995
    seed: int = 1
    clean_graphics: bool = True
    paste_follicles: bool = True
    synthetic: int = 400
    frozen_stages: int = 2
    start_from: str = ""
    threads: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Samples to learn from and samples to measure on, of different patients."""

    training: tuple[Sample, ...]
    held_out: tuple[Sample, ...]


def split_samples(samples: list[Sample]) -> Split:
    """Hold out one fold of groups; synthetic scenes always train.

    Args:
        samples: Every sample.

    Returns:
        The split.

    Raises:
        ContractBroken: If a group stands on both sides.
    """
    training: list[Sample] = []
    held_out: list[Sample] = []
    for sample in samples:
        is_held_out = sample.source != "synthetic" and _is_held_out(sample)
        (held_out if is_held_out else training).append(sample)
    crossing = crossing_groups((s.group for s in training), (s.group for s in held_out))
    if crossing:
        raise ContractBroken("a patient group stands on both sides", value=str(sorted(crossing)))
    return Split(training=tuple(training), held_out=tuple(held_out))


def _is_held_out(sample: Sample) -> bool:
    """One fold of five; half of the few pictures without an ovary, which are too few to fold."""
    if sample.kind in ("neither", "foreign"):
        return fold_of(sample.group, folds=2, salt=SPLIT_SALT) == 1
    return fold_of(sample.group, folds=FOLDS, salt=SPLIT_SALT) == HELD_OUT_FOLD


class ViewStream:
    """Endless training views in a fixed mix of sources.

    Args:
        samples: The training side.
        config: The run's configuration.
    """

    MIX = (
        ("frame_ovary", 0.24),
        ("frame_lesion", 0.20),
        ("close_marked", 0.27),
        ("close_lesion", 0.05),
        ("synthetic", 0.11),
        ("elsewhere", 0.06),
        ("nothing", 0.07),
    )

    def __init__(self, samples: tuple[Sample, ...], config: TrainConfig) -> None:
        self.config = config
        self.rng = np.random.default_rng(config.seed)
        self.maps: dict[str, augment.Greys] = {}
        real = [s for s in samples if s.source != "synthetic"]
        self.pools = {
            "frame_ovary": [s for s in real if s.kind == "ovary"],
            "frame_lesion": [s for s in real if s.kind == "lesion"],
            "close_marked": [s for s in real if s.readings and s.ovary is not None],
            "close_lesion": [s for s in real if s.kind == "lesion"],
            "synthetic": [s for s in samples if s.source == "synthetic"],
            "elsewhere": [s for s in real if s.kind in ("ovary", "lesion")],
            "nothing": [s for s in real if s.kind in ("neither", "foreign")],
        }
        if not self.pools["close_marked"]:
            raise InvalidInput("no picture with follicle marks", remedy="add a marked data set")
        self.donors: tuple[augment.DonorFollicle, ...] = ()
        if config.paste_follicles:
            marked = self.pools["close_marked"]
            self.donors = tuple(d for s in marked for d in augment.donor_follicles(s))

    def draw(self) -> augment.TrainingView:
        """One view from the mix."""
        kinds = [kind for kind, _ in self.MIX if self.pools[kind] or kind == "nothing"]
        shares = np.array([share for kind, share in self.MIX if kind in kinds])
        kind = kinds[int(self.rng.choice(len(kinds), p=shares / shares.sum()))]
        if kind == "nothing" and (not self.pools[kind] or self.rng.random() < 0.3):
            return self._noise()
        pool = self.pools[kind]
        return self._view(pool[int(self.rng.integers(len(pool)))], kind)

    def _view(self, sample: Sample, kind: str) -> augment.TrainingView:
        """A view of a sample as its place in the mix asks for."""
        view = None
        if kind == "close_marked" or (kind == "synthetic" and self.rng.random() < 0.5):
            view = self._object_view(sample.ovary)
        elif kind == "close_lesion":
            view = self._object_view(sample.lesion)
        elif kind == "elsewhere":
            view = augment.elsewhere_view(sample, self.rng)
        if view is None:
            view = augment.frame_view(sample, self.rng)
        shown = sample if self.config.clean_graphics else _with_graphics(sample)
        if sample.name not in self.maps:
            self.maps[sample.name] = augment.truth_maps(sample)
        return augment.draw_view(shown, self.maps[sample.name], view, self.rng, self.donors)

    def _object_view(self, mask: Mask | None) -> View | None:
        """A close view, or None when nothing is outlined."""
        if mask is None or not mask.any():
            return None
        return augment.object_view(mask, self.rng)

    def _noise(self) -> augment.TrainingView:
        """A view of nothing."""
        empty = np.zeros((4, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
        return augment.TrainingView(
            picture=normalise(augment.noise_picture(self.rng)),
            target=empty,
            weight=np.ones_like(empty),
            answers=np.zeros(2, np.float32),
            answer_weight=np.ones(2, np.float32),
        )

    def batches(self) -> Iterator[list[augment.TrainingView]]:
        """Batches, drawn one thread ahead of the network; its errors are raised here."""
        with ThreadPoolExecutor(max_workers=1) as worker:
            ahead = deque(worker.submit(self._batch) for _ in range(BATCHES_AHEAD))
            while True:
                ahead.append(worker.submit(self._batch))
                yield ahead.popleft().result()

    def _batch(self) -> list[augment.TrainingView]:
        """One batch."""
        return [self.draw() for _ in range(self.config.batch)]


def _with_graphics(sample: Sample) -> Sample:
    """The sample with its burned-in graphics left in, for the ablation."""
    return replace(sample, grey=sample.raw_grey)


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
    dice = 1 - (2 * overlap + 50.0) / (size + 50.0)
    judged = (seen.amax((2, 3)) > 0.3).float()
    dice_loss = (dice * judged).sum(0) / judged.sum(0).clamp(min=1.0)
    question = functional.binary_cross_entropy_with_logits(
        answers, answer_target, weight=answer_weight
    )
    scale = torch.tensor([1.0, 1.0, 2.0, 2.0])
    return (per_map * scale).sum() + dice_loss.sum() + 0.5 * question


def rate_at(step: int, *, steps: int, peak: float) -> float:
    """Learning rate: warm-up over the first 4 %, then a cosine to 1 % of the peak."""
    warm = max(1, round(0.04 * steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm))))


def build_network(config: TrainConfig) -> nn.Module:
    """A fresh network; the shipped one starts from ImageNet weights."""
    torch.manual_seed(config.seed)
    network = NETWORKS[config.network]()
    if isinstance(network, SeeingNet):
        load_imagenet_encoder(network, imagenet_weights())
    if config.start_from:
        earlier = torch.load(config.start_from, map_location="cpu", weights_only=True)
        network.load_state_dict(earlier)
    return network


def train(samples: tuple[Sample, ...], config: TrainConfig, out: Path) -> Path:
    """Train, or go on where a killed run stopped.

    Args:
        samples: The training side of the split.
        config: The run's configuration.
        out: Folder of the run: ``config.json``, ``checkpoint.pt``, ``log.jsonl``, ``final.pt``.

    Returns:
        The file of averaged weights.

    Raises:
        InvalidInput: If the folder holds a run of another configuration.
        ContractBroken: If the loss stops being a number; names the step.
    """
    torch.set_num_threads(config.threads)
    cv2.setNumThreads(1)
    out.mkdir(parents=True, exist_ok=True)
    _claim_folder(out, config)
    network = build_network(config)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    averaged = AveragedModel(
        network,
        multi_avg_fn=get_ema_multi_avg_fn(config.average_decay),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    optimiser = _optimiser(network, config)
    start = _resume(out, network, averaged, optimiser)
    stream = ViewStream(samples, config)
    stream.rng = np.random.default_rng([config.seed, start])
    began = time.monotonic()
    network.train()
    _freeze(network, config.frozen_stages)
    for step, views in zip(range(start, config.steps), stream.batches(), strict=False):
        _set_rates(optimiser, step, config)
        loss = _step(network, optimiser, views)
        averaged.update_parameters(network)
        if not math.isfinite(loss):
            raise ContractBroken(f"the loss is not a number at step {step}", value=str(loss))
        if (step + 1) % 20 == 0:
            _log(out, step=step + 1, loss=loss, seconds=time.monotonic() - began)
        if (step + 1) % 200 == 0 or step + 1 == config.steps:
            _save(out, step + 1, network, averaged, optimiser)
    final = out / "final.pt"
    torch.save(averaged.module.state_dict(), final)
    return final


def _freeze(network: nn.Module, stages: int) -> None:
    """Keep the first stages of a pretrained encoder, their running statistics too."""
    if not isinstance(network, SeeingNet) or stages == 0:
        return
    for part in (network.encoder.stem, *network.encoder.stages[:stages]):
        part.eval()
        part.requires_grad_(False)


def _optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW with a slower encoder where one was pretrained."""
    slow = list(network.encoder.parameters()) if isinstance(network, SeeingNet) else []
    known = {id(p) for p in slow}
    fast = [p for p in network.parameters() if id(p) not in known]
    groups = [{"params": fast, "peak": config.learning_rate}]
    if slow:
        groups.append({"params": slow, "peak": config.encoder_learning_rate})
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)


def _set_rates(optimiser: torch.optim.AdamW, step: int, config: TrainConfig) -> None:
    """Set every group's rate for a step."""
    for group in optimiser.param_groups:
        group["lr"] = rate_at(step, steps=config.steps, peak=group["peak"])


def _step(
    network: nn.Module, optimiser: torch.optim.AdamW, views: list[augment.TrainingView]
) -> float:
    """One optimiser step; bfloat16 where the processor has it, as on most servers."""
    pictures = torch.from_numpy(np.stack([v.picture for v in views]))[:, None]
    with torch.autocast("cpu", torch.bfloat16):
        logits, answers = network(pictures.contiguous(memory_format=torch.channels_last))
    loss = loss_of(
        logits.float(),
        answers.float(),
        target=torch.from_numpy(np.stack([v.target for v in views])),
        weight=torch.from_numpy(np.stack([v.weight for v in views])),
        answer_target=torch.from_numpy(np.stack([v.answers for v in views])),
        answer_weight=torch.from_numpy(np.stack([v.answer_weight for v in views])),
    )
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


def _claim_folder(out: Path, config: TrainConfig) -> None:
    """Write the configuration, or check that the folder holds the same run."""
    stated = json.dumps(asdict(config), indent=1, sort_keys=True)
    file = out / "config.json"
    if file.is_file() and file.read_text() != stated:
        raise InvalidInput(
            f"{out} holds a run of another configuration", remedy="name a new folder"
        )
    file.write_text(stated)


def _save(
    out: Path,
    step: int,
    network: nn.Module,
    averaged: nn.Module,
    optimiser: torch.optim.AdamW,
) -> None:
    """Write a checkpoint beside the old one, then switch: a kill leaves one whole."""
    state = {
        "step": step,
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    fresh = out / "checkpoint.new"
    torch.save(state, fresh)
    fresh.replace(out / "checkpoint.pt")


def _resume(
    out: Path, network: nn.Module, averaged: nn.Module, optimiser: torch.optim.AdamW
) -> int:
    """Load the last checkpoint; returns the step to go on from."""
    file = out / "checkpoint.pt"
    if not file.is_file():
        return 0
    state = torch.load(file, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    averaged.load_state_dict(state["averaged"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def _log(out: Path, *, step: int, loss: float, seconds: float) -> None:
    """One line a few steps."""
    with (out / "log.jsonl").open("a") as lines:
        lines.write(json.dumps({"step": step, "loss": round(loss, 4), "s": round(seconds)}) + "\n")
