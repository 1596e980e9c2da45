"""Training on from a release on a site's own set, and the candidate that comes of it.

Owns the order of the steps and the little that a site's run differs in: few steps at a small rate,
drawn scenes and photographs as a reminder of what the site does not show, and thresholds and
calibrations of the release it starts from, since a site's few patients could not choose them
again. The gate judges what comes of that.
"""

import datetime
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.learning.evaluate.figures import follicle_figures, outline_figures
from deeppcos.learning.evaluate.measured import plain
from deeppcos.learning.gate.frozen import FrozenTestSet, refuse_overlap, without_test_patients
from deeppcos.learning.operating_points import look_with
from deeppcos.learning.pool import gather
from deeppcos.learning.publish import WEIGHTS_FILE, export_run
from deeppcos.learning.samples import Sample
from deeppcos.learning.site.start import (
    CANDIDATE,
    CHECKPOINT_EVERY,
    RUN,
    START,
    Asking,
    begun,
    disk_refused,
    is_finished,
)
from deeppcos.learning.site.training_set import LABELS, read_training_set
from deeppcos.learning.splits import fold_of
from deeppcos.learning.train import (
    FOLDS,
    HELD_OUT_FOLD,
    SPLIT_SALT,
    Split,
    TrainConfig,
    split_samples,
    train,
)
from deeppcos.learning.train.config import fingerprint
from deeppcos.learning.train.loop import Asked, Watch
from deeppcos.vision.release import MANIFEST_FILE, Manifest, OnnxNetwork, load_release

OWN = "reviewed"
"""Source of the site's own pictures."""

OWN_MARKS = "outlined and settled by the site's readers"
Say = Callable[[str], object]


def site_config(asking: Asking, folder: Path, *, fold: int) -> TrainConfig:
    """The configuration of a site's run: sensible on a laptop, and half of it stays free.

    Args:
        asking: What is asked for.
        folder: Folder of the whole.
        fold: Validation fold.
    """
    return TrainConfig(
        steps=asking.steps,
        batch=asking.batch,
        # Folded weights are small, and Adam's first steps are as large as the rate: at 2e-4 a
        # candidate lost a tenth of F1 within 20 steps (docs/experiments.md).
        learning_rate=5e-5,
        encoder_learning_rate=1.5e-5,
        average_decay=0.98,
        seed=asking.seed,
        synthetic=asking.drawn_scenes,
        start_from=str(folder / START),
        threads=max(1, (os.cpu_count() or 1) // 2),
        validation_fold=fold,
        validate_every=20,
        patience=4,
        checkpoint_every=CHECKPOINT_EVERY,
    )


def learn_on(
    folder: Path,
    frozen: FrozenTestSet,
    *,
    watch: Watch | None = None,
    is_stop_wanted: Asked | None = None,
    say: Say = lambda words: None,
) -> Path:
    """Train a candidate, or go on where it was stopped or killed.

    Args:
        folder: Folder that ``begin`` claimed, beside the sets.
        frozen: The frozen test set.
        watch: Told after every step.
        is_stop_wanted: Asked after every step.
        say: Told in a word what is being done: ``reading``, ``training``, ``measuring``.

    Returns:
        Folder of the candidate.

    Raises:
        InvalidInput: If the set touches the test set, or is too small.
        ContractBroken: If the set or the release it starts from was changed.
        TemporaryFailure: If the disk is full; the last whole checkpoint stays.
        Stopped: If a stop was wanted.
    """
    asking, out = begun(folder), folder / CANDIDATE
    if is_finished(folder):
        return out
    say("reading")
    stated, _ = read_training_set(folder.parent / asking.training_set)
    split = split_of(folder.parent / asking.training_set, frozen, drawn=asking.drawn_scenes)
    refuse_overlap(frozen, [*split.training, *split.held_out])
    config = site_config(asking, folder, fold=validation_fold_of(split.training))
    say("training")
    train(split.training, config, folder / RUN, watch=watch, is_stop_wanted=is_stop_wanted)
    say("measuring")
    about = {
        "name": asking.training_set,
        "sha256": stated.sha256,
        "patients": stated.patients,
        "pictures": len(stated.pictures),
        "left_out": stated.left_out,
        "frozen_test_set_sha256": frozen.sha256,
    }
    return make_candidate(folder, split, name=asking.name, training_set=about)


def split_of(training_set: Path, frozen: FrozenTestSet, *, drawn: int) -> Split:
    """What the candidate learns from and is measured on, as the gate will gather it again.

    Args:
        training_set: Folder of the set.
        frozen: The frozen test set.
        drawn: Phantom scenes.
    """
    samples = gather(training_set / LABELS, synthetic=drawn)
    return split_samples(without_test_patients(frozen, samples))


def validation_fold_of(training: Sequence[Sample]) -> int:
    """The fold of the site's own patients that stops the training.

    Args:
        training: The training side.

    Returns:
        The fold that holds nearest to one fifth of the patients, with follicle marks on both
        sides.

    Raises:
        InvalidInput: If no fold does.
    """
    folds = [fold for fold in range(FOLDS) if fold != HELD_OUT_FOLD]
    patients: dict[int, set[str]] = {fold: set() for fold in folds}
    for sample in training:
        if sample.source == OWN and sample.readings and sample.ovary is not None:
            patients[fold_of(sample.group, folds=FOLDS, salt=SPLIT_SALT)].add(sample.group)
    everybody = sum(map(len, patients.values()))
    usable = [fold for fold in folds if 0 < len(patients[fold]) < everybody]
    if not usable:
        raise InvalidInput(
            "too few patients to keep some for early stopping",
            value=f"{everybody} with follicle marks, all of one fold",
            accepted="patients of at least two folds",
            remedy="add readings of more patients",
        )
    return min(usable, key=lambda fold: (abs(len(patients[fold]) - everybody / FOLDS), fold))


def make_candidate(folder: Path, split: Split, *, name: str, training_set: dict[str, Any]) -> Path:
    """Export the finished run with the thresholds and calibrations of the release it began from.

    Args:
        folder: Folder of the whole.
        split: What it learned from and is measured on.
        name: Name of the candidate.
        training_set: What its manifest says of the set.

    Returns:
        Folder of the candidate, whole.

    Raises:
        TemporaryFailure: If the disk is full; nothing is left behind.
    """
    before = load_release(folder / START, threads=1).manifest
    out = folder / CANDIDATE
    staging = Path(tempfile.mkdtemp(prefix=".candidate-", dir=folder))
    try:
        config = {**export_run(folder / RUN, staging / WEIGHTS_FILE), "start_from": before.name}
        content = (staging / WEIGHTS_FILE).read_bytes()
        record = {
            "config": config,
            "split": f"fold {HELD_OUT_FOLD} of {FOLDS} by patient group, salt {SPLIT_SALT}",
            "begun_from": {"name": before.name, "weights_sha256": before.weights_sha256},
            "samples": fingerprint(split.training),
            "training_set": training_set,
            "marks": OWN_MARKS,
            "inherited": "operating points, calibrations and intervals of the release begun from",
        }
        manifest = before.model_copy(
            update={
                "name": name,
                "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
                "weights_file": WEIGHTS_FILE,
                "weights_sha256": hashlib.sha256(content).hexdigest(),
                "training": record,
                "metrics": _measured(split.held_out, content, before),
            }
        )
        text = json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n"
        (staging / MANIFEST_FILE).write_text(text, encoding="utf-8")
        staging.chmod(0o755)
        shutil.rmtree(out, ignore_errors=True)
        staging.rename(out)
    except OSError as problem:
        raise disk_refused(out, problem) from problem
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return out


def _measured(held_out: Sequence[Sample], content: bytes, before: Manifest) -> dict[str, Any]:
    """Figures over the site's own held-out patients, at the inherited thresholds."""
    own = [sample for sample in held_out if sample.source == OWN]
    results = look_with(own, OnnxNetwork(content, threads=2), before.operating_points)
    return {
        "how": "the site's own held-out patients, exported file, serving road, thresholds "
        f"inherited from {before.name}; 95 % bootstrap by patient. The gate's report is the "
        "comparison",
        "pictures": len(own),
        "patients": len({sample.group for sample in own}),
        "release": plain({**follicle_figures(results), **outline_figures(results, "ovary")}),
    }
