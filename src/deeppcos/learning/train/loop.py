"""The loop: from samples to averaged weights, stopping by itself, going on after a kill.

Without a validation fold the schedule is fixed beforehand and the last averaged weights are kept;
with one, the best. The held-out fold plays no part either way. Views come from ``views``, the
device and other processes from ``engine``, what is kept from ``checkpoint``.
"""

import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from deeppcos.errors import ContractBroken
from deeppcos.learning.networks import NETWORKS, SeeingNet, imagenet_weights, load_imagenet_encoder
from deeppcos.learning.samples import Sample
from deeppcos.learning.train import checkpoint
from deeppcos.learning.train.checkpoint import BEST_FILE, FINAL_FILE, Learner, Stopped
from deeppcos.learning.train.config import TrainConfig, claim_folder
from deeppcos.learning.train.engine import open_engine, refuse_different_steps
from deeppcos.learning.train.from_release import (
    fill_from_release,
    is_release,
    keep_norms,
    release_weights,
)
from deeppcos.learning.train.loss import loss_of, rate_at
from deeppcos.learning.train.sides import refuse_unfit, validation_side
from deeppcos.learning.train.stopping import Stopping
from deeppcos.learning.train.views import Batch, ViewStream

LOG_EVERY = 20
LARGEST_GRADIENT = 5.0
VALIDATION_BATCHES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How far a run is, for whoever watches.

    Attributes:
        step: Steps done.
        steps: Steps of the schedule.
        loss: Loss of the last step.
        stopping: What the validation fold said so far.
    """

    step: int
    steps: int
    loss: float
    stopping: Stopping


Watch = Callable[[Moment], None]
Asked = Callable[[], bool]


def train(
    samples: tuple[Sample, ...],
    config: TrainConfig,
    out: Path,
    *,
    watch: Watch | None = None,
    is_stop_wanted: Asked | None = None,
    track: str = "none",
) -> Path:
    """Train, or go on where a killed run stopped.

    Args:
        samples: The training side of the split.
        config: The run's configuration.
        out: Folder of the run: ``config.json``, ``samples.json``, ``checkpoint.pt``,
            ``log.jsonl``, ``final.pt``.
        watch: Told after every step, in the first process.
        is_stop_wanted: Asked after every step, for a run of one process.
        track: ``none``, ``tensorboard`` or ``mlflow``.

    Returns:
        The file of averaged weights.

    Raises:
        InvalidInput: If the samples hold held-out groups or lack what is to be learned, or the
            folder holds another run.
        ContractBroken: If the loss stops being a number; names step and pictures.
        TemporaryFailure: If the disk is full; the last whole checkpoint stays.
        Stopped: If a stop was wanted; the run goes on from its checkpoint when asked again.
    """
    refuse_unfit(samples)
    config = _pinned(config)
    torch.set_num_threads(config.threads)
    cv2.setNumThreads(1)
    engine = open_engine(config, out, track=track)
    if engine.is_main_process:
        claim_folder(out, config, samples)
    engine.wait_for_everyone()
    learning, validation = samples, None
    if config.validation_fold is not None:
        sides = validation_side(samples, fold=config.validation_fold)
        learning, validation = sides.training, ViewStream(sides.held_out, config)
    run = _Run(engine=engine, config=config, out=out, watch=watch, validation=validation)
    run.is_stop_wanted = is_stop_wanted
    try:
        run.through(ViewStream(learning, config))
    finally:
        engine.end_training()
    return out / FINAL_FILE


def _pinned(config: TrainConfig) -> TrainConfig:
    """The configuration with the very release it starts from: a path may hold another tomorrow."""
    if not is_release(config.start_from):
        return config
    return replace(config, start_from_sha256=release_weights(config.start_from).sha256)


class _Run:
    """One training run: its learner, its engine and where they stand."""

    def __init__(
        self,
        *,
        engine: Accelerator,
        config: TrainConfig,
        out: Path,
        watch: Watch | None,
        validation: ViewStream | None,
    ) -> None:
        self.engine, self.config, self.out = engine, config, out
        self.watch, self.validation = watch, validation
        self.is_stop_wanted: Asked | None = None
        network = build_network(config).to(engine.device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
        _freeze(network, config.frozen_stages)
        averaged = AveragedModel(
            network,
            multi_avg_fn=get_ema_multi_avg_fn(config.average_decay),  # type: ignore[no-untyped-call]
            use_buffers=True,
        )
        optimiser = _optimiser(network, config)
        self.learner = Learner(network=network, averaged=averaged, optimiser=optimiser)
        self.start, self.stopping = checkpoint.resume(out, self.learner)
        refuse_different_steps(self.start, out)
        self.network, self.optimiser = engine.prepare(network, optimiser)
        self.began = time.monotonic()

    def through(self, stream: ViewStream) -> None:
        """Every step that is left, then the weights."""
        if self.engine.is_main_process:
            checkpoint.cut_log(self.out, step=self.start)
        self.network.train()
        _freeze(self.learner.network, self.config.frozen_stages)
        if self.config.start_from_sha256:
            keep_norms(self.learner.network)
        ranks = {"rank": self.engine.process_index, "processes": self.engine.num_processes}
        done = self.start
        with closing(stream.batches(self.start, **ranks)) as batches:
            while done < self.config.steps and not self._has_stopped():
                loss = self._step(done, next(batches))
                done += 1
                self._after(done, loss)
                self._stop_if_wanted(done)
        if self.engine.is_main_process:
            self._finish()
        self.engine.wait_for_everyone()

    def _stop_if_wanted(self, done: int) -> None:
        """Leave at a whole checkpoint, unless nothing is left to do."""
        if self.is_stop_wanted is None or done == self.config.steps or not self.is_stop_wanted():
            return
        checkpoint.save(self.out, self.learner, step=done, stopping=self.stopping)
        raise Stopped

    def _has_stopped(self) -> bool:
        """Whether the validation fold has stopped improving."""
        return self.validation is not None and self.stopping.waited >= self.config.patience

    def _step(self, step: int, batch: Batch) -> float:
        """One optimiser step; raises before a loss that is no number reaches the weights."""
        torch.manual_seed((self.config.seed << 32) + step * 4096 + self.engine.process_index)
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(step, steps=self.config.steps, peak=group["peak"])
        loss = self._loss(self.network, batch)
        mean = float(self.engine.reduce(loss.detach(), reduction="mean"))
        if not math.isfinite(mean):
            self._refuse(step, mean, batch, float(loss.detach()))
        self.optimiser.zero_grad(set_to_none=True)
        self.engine.backward(loss)
        size = self.engine.clip_grad_norm_(self.learner.network.parameters(), LARGEST_GRADIENT)
        # 16-bit floats overflow now and then and skip the step by themselves; others never may.
        if self.engine.mixed_precision != "fp16" and not math.isfinite(float(size)):
            self._refuse(step, float(size), batch, float(size))
        self.optimiser.step()
        self.learner.averaged.update_parameters(self.learner.network)
        return mean

    def _refuse(self, step: int, value: float, batch: Batch, own: float) -> None:
        """Stop with the pictures named; every process takes part in naming them."""
        blamed = [] if math.isfinite(own) else list(batch.names)
        names = sorted(set(gather_object(blamed)))
        raise ContractBroken(
            f"the loss is not a number at step {step}, shown {', '.join(names)}",
            value=str(value),
            accepted="a finite loss",
            remedy="look at these pictures and their outlines, lower --learning-rate, or go on "
            "from the last checkpoint with --precision no; no weight was changed by this step",
        )

    def _loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Loss of some views."""
        pictures = torch.from_numpy(np.stack([v.picture for v in batch.views]))[:, None]
        device = self.engine.device
        with self.engine.autocast():
            logits, answers = network(
                pictures.to(device).contiguous(memory_format=torch.channels_last)
            )
        target, weight, answer_target, answer_weight = (
            torch.from_numpy(np.stack([getattr(v, name) for v in batch.views])).to(device)
            for name in ("target", "weight", "answers", "answer_weight")
        )
        return loss_of(
            logits.float(),
            answers.float(),
            target=target,
            weight=weight,
            answer_target=answer_target,
            answer_weight=answer_weight,
        )

    def _after(self, done: int, loss: float) -> None:
        """What follows a step: validation, log, checkpoint, whoever watches."""
        is_last = done == self.config.steps
        if self.validation is not None and (done % self.config.validate_every == 0 or is_last):
            self._validate(self.validation, done)
        if not self.engine.is_main_process:
            return
        if done % LOG_EVERY == 0:
            seconds = round(time.monotonic() - self.began)
            checkpoint.write_log(self.out, step=done, loss=round(loss, 4), s=seconds)
            self.engine.log({"loss": loss, "rate": self.optimiser.param_groups[0]["lr"]}, step=done)
        if done % self.config.checkpoint_every == 0 or is_last or self._has_stopped():
            checkpoint.save(self.out, self.learner, step=done, stopping=self.stopping)
        if self.watch is not None:
            steps = self.config.steps
            self.watch(Moment(step=done, steps=steps, loss=loss, stopping=self.stopping))

    def _validate(self, views: ViewStream, done: int) -> None:
        """Look at the validation fold with the averaged weights; keep them when they are best."""
        network = self.learner.averaged.module
        network.eval()
        rank, processes = self.engine.process_index, self.engine.num_processes
        with torch.no_grad():
            losses = [
                self._loss(network, views.batch(number, rank=rank, processes=processes))
                for number in range(VALIDATION_BATCHES)
            ]
        loss = float(self.engine.reduce(torch.stack(losses).mean(), reduction="mean"))
        self.stopping = self.stopping.after(loss, step=done)
        if not self.engine.is_main_process:
            return
        checkpoint.write_log(self.out, step=done, validation_loss=round(loss, 4))
        self.engine.log({"validation loss": loss}, step=done)
        if self.stopping.best_step == done:
            checkpoint.write_weights(self.out / BEST_FILE, network)

    def _finish(self) -> None:
        """Write the weights that are kept."""
        best = self.out / BEST_FILE
        if self.validation is not None and best.is_file():
            weights = torch.load(best, map_location="cpu", weights_only=True)
            checkpoint.write_whole(self.out / FINAL_FILE, weights)
        else:
            checkpoint.write_weights(self.out / FINAL_FILE, self.learner.averaged.module)


def build_network(config: TrainConfig) -> nn.Module:
    """A network to learn with: from a release, from a run, or fresh with an ImageNet encoder."""
    torch.manual_seed(config.seed)
    network = NETWORKS[config.network]()
    if config.start_from_sha256:
        fill_from_release(network, release_weights(config.start_from))
        return network
    if isinstance(network, SeeingNet):
        load_imagenet_encoder(network, imagenet_weights())
    if config.start_from:
        checkpoint.fill_from_run(network, Path(config.start_from))
    return network


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
