"""What a training run is: the frozen configuration that is saved with the release.

Owns the configuration and the claim on a run's folder. A folder belongs to one configuration and
one set of samples: going on with others would be a run that nobody could repeat.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Sample
from deeppcos.learning.train.sides import FOLDS, HELD_OUT_FOLD
from deeppcos.learning.train.whole_files import put_fields, read_fields

CONFIG_FILE = "config.json"
SAMPLES_FILE = "samples.json"
UNDECIDING = frozenset({"threads", "workers", "checkpoint_every"})
"""Fields that change how fast a run goes, not where it arrives."""

PRECISIONS = ("auto", "bf16", "fp16", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training run; saved with the release.

    Attributes:
        network: Key of ``NETWORKS``.
        steps: Optimiser steps.
        batch: Views a step, over all processes together.
        learning_rate: Peak, for new layers.
        encoder_learning_rate: Peak, for the pretrained encoder.
        weight_decay: AdamW weight decay.
        average_decay: Decay of the averaged weights.
        seed: Seed of every random choice.
        clean_graphics: False shows the network the burned-in graphics, for the ablation.
        paste_follicles: Whether follicles are pasted between pictures.
        harder_views: Whether views also vary in contrast about a middle grey, and whole frames of
            an ovary get another woman's mass beside it. Off in the recipe of the shipped weights.
        synthetic: Number of phantom scenes in the pool.
        frozen_stages: Encoder stages kept as ImageNet left them: cheap, and enough for edges.
        start_from: Weights of an earlier run, or a release (its folder, or ``shipped``), to go on
            from; empty to start afresh.
        start_from_sha256: Weights of that release, filled in by ``train``; empty for no release.
        threads: CPU threads for torch.
        workers: Threads that draw views ahead of the network.
        precision: ``bf16``, ``fp16`` or ``no`` (32 bits); ``auto`` takes what the device has.
        validation_fold: Fold of the training groups kept for early stopping; None learns from
            all of them over the whole schedule.
        validate_every: Steps between two looks at the validation fold.
        patience: Looks without improvement after which training stops.
        checkpoint_every: Steps between two checkpoints.
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
    harder_views: bool = False
    synthetic: int = 400
    frozen_stages: int = 2
    start_from: str = ""
    start_from_sha256: str = ""
    threads: int = 2
    workers: int = 1
    precision: str = "auto"
    validation_fold: int | None = None
    validate_every: int = 100
    patience: int = 5
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        """Refuse what would make a run's figures worthless."""
        if self.validation_fold == HELD_OUT_FOLD:
            raise InvalidInput(
                f"fold {HELD_OUT_FOLD} is the held-out fold",
                value=f"validation_fold {self.validation_fold}",
                accepted=f"another fold of 0 to {FOLDS - 1}",
                remedy="a release stopped by the groups it is measured on measures its own tuning",
            )
        if self.validation_fold is not None and not 0 <= self.validation_fold < FOLDS:
            raise InvalidInput(
                "no such fold",
                value=str(self.validation_fold),
                accepted=f"0 to {FOLDS - 1}, but not the held-out fold {HELD_OUT_FOLD}",
            )
        if self.precision not in PRECISIONS:
            raise InvalidInput(
                "unknown precision", value=self.precision, accepted=", ".join(PRECISIONS)
            )


def claim_folder(out: Path, config: TrainConfig, samples: Sequence[Sample]) -> None:
    """Write configuration and samples, or check that the folder holds the same run.

    Args:
        out: Folder of the run.
        config: The run's configuration.
        samples: What it learns from.

    Raises:
        InvalidInput: If the folder holds another run, or one whose files are damaged.
        TemporaryFailure: If the disk takes no more; what is there stays.
    """
    out.mkdir(parents=True, exist_ok=True)
    file, listing = out / CONFIG_FILE, out / SAMPLES_FILE
    if file.is_file():
        earlier = _deciding({**asdict(TrainConfig()), **read_fields(file)})
        differing = {k for k, v in _deciding(asdict(config)).items() if earlier.get(k) != v}
        if differing:
            raise InvalidInput(
                f"{out} holds a run of another configuration",
                value="other " + ", ".join(sorted(differing)),
                remedy="name a new folder",
            )
    known = fingerprint(samples)
    if listing.is_file() and read_fields(listing).get("sha256") != known["sha256"]:
        raise InvalidInput(
            f"{out} holds a run on other samples",
            remedy="name a new folder, or give the data it was begun with",
        )
    put_fields(listing, known)
    put_fields(file, asdict(config))


def _deciding(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that decide where a run arrives."""
    return {k: v for k, v in fields.items() if k not in UNDECIDING}


def fingerprint(samples: Sequence[Sample]) -> dict[str, Any]:
    """What a run learned from, in numbers and one hash.

    Args:
        samples: The training side.

    Returns:
        Count by source and kind, and a hash over names, groups and pixels' means.
    """
    counts: dict[str, int] = {}
    digest = hashlib.sha256()
    for sample in samples:
        key = f"{sample.source}: {sample.kind}"
        counts[key] = counts.get(key, 0) + 1
        digest.update(f"{sample.name}|{sample.group}|{sample.grey.shape}".encode())
        digest.update(sample.grey[::16, ::16].tobytes())
    return {"counts": dict(sorted(counts.items())), "sha256": digest.hexdigest()}
