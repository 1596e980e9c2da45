"""``deeppcos train``: one run of one task, on whatever processors there are.

Several processes, on one machine or several, come from ``torchrun -m deeppcos train ...``; each
runs this verb, and only the first speaks. Owns options and words; training is the business of
``learning.train`` and ``learning.classify``.
"""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import progress_bar, told_plainly, with_extra
from deeppcos.app.verbs.training_data import DataFolders, DataLayout, FrozenTest, left_to_learn
from deeppcos.errors import InvalidInput

if TYPE_CHECKING:
    from deeppcos.learning.train import TrainConfig
    from deeppcos.learning.train.loop import Moment

ENCODER_RATE_SHARE = 0.3
STEPS, STEPS_OF_A_COMPARATOR = 2000, 200


class Task(StrEnum):
    """What is trained."""

    SEEING = "seeing"
    PLAIN_UNET = "plain_unet"
    CLASSIFY = "classify"


class Tracker(StrEnum):
    """Where the curves of a run are kept beside its own log."""

    NONE = "none"
    TENSORBOARD = "tensorboard"
    MLFLOW = "mlflow"


class Precision(StrEnum):
    """Floating point numbers of the forward pass."""

    AUTO = "auto"
    BF16 = "bf16"
    FP16 = "fp16"
    NO = "no"


def train(
    data: DataFolders,
    out: Annotated[Path, typer.Option(help="Folder of the run; a killed run goes on there.")],
    task: Annotated[
        Task,
        typer.Argument(
            help="seeing, the network that ships; plain_unet, to beat; classify, the class "
            "networks people expect, compared and not released."
        ),
    ] = Task.SEEING,
    layout: DataLayout = "",
    frozen: FrozenTest = None,
    network: Annotated[
        Task | None, typer.Option(help="The task under its former name; the argument is enough.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(help="Optimiser steps; 2000, or 200 a fold to classify.", min=1),
    ] = None,
    batch: Annotated[int, typer.Option(help="Views a step, over all processes.", min=1)] = 12,
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1)] = 2,
    workers: Annotated[
        int, typer.Option(help="Threads that draw views ahead of the network.", min=1)
    ] = 1,
    precision: Annotated[
        Precision, typer.Option(help="Mixed precision; auto takes what the device has.")
    ] = Precision.AUTO,
    start_from: Annotated[
        str,
        typer.Option(
            help="Weights of an earlier run, the folder of a release, or 'shipped', to go on from."
        ),
    ] = "",
    learning_rate: Annotated[float, typer.Option(help="Peak rate of new layers.", min=1e-6)] = 2e-3,
    encoder_learning_rate: Annotated[
        float | None,
        typer.Option(help="Peak rate of the pretrained encoder; 0.3 of the other.", min=1e-6),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.", min=0)] = 1,
    validation_fold: Annotated[
        int | None,
        typer.Option(help="Stop early by this fold of the training groups; the best is kept."),
    ] = None,
    patience: Annotated[
        int, typer.Option(help="Looks at that fold without improvement before stopping.", min=1)
    ] = 5,
    harder_views: Annotated[
        bool,
        typer.Option(
            "--harder-views", help="Views vary in contrast, and masses stand beside ovaries, too."
        ),
    ] = False,
    track: Annotated[
        Tracker, typer.Option(help="Also write the curves for tensorboard or mlflow.")
    ] = Tracker.NONE,
    comparators: Annotated[
        str, typer.Option(help="To classify: names with commas between; all when empty.")
    ] = "",
    split: Annotated[
        Path | None,
        typer.Option(
            help="To classify a folder-per-class set: the grouped split its audit wrote; without "
            "it lesions are told from normal ovaries."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="To classify: grouped folds.", min=2)] = 5,
    positive: Annotated[
        str, typer.Option(help="To classify: the class that scores are for.")
    ] = "lesion",
) -> None:
    """Train a network (train extra)."""
    if task is Task.CLASSIFY:
        chosen = (comparators, positive)
        pool = (data, layout)
        _classify(pool, out, chosen, split, folds=folds, steps=steps, seed=seed, threads=threads)
        return
    with told_plainly(), with_extra("train"):
        from deeppcos.learning.train import TrainConfig

        config = TrainConfig(
            network=(network or task).value,
            steps=steps or STEPS,
            batch=batch,
            threads=threads,
            workers=workers,
            precision=precision.value,
            start_from=start_from,
            learning_rate=learning_rate,
            encoder_learning_rate=encoder_learning_rate or ENCODER_RATE_SHARE * learning_rate,
            seed=seed,
            validation_fold=validation_fold,
            patience=patience,
            harder_views=harder_views,
        )
        final = _run(config, (data, layout, frozen), out, track)
    if _is_first_process():
        typer.echo(f"trained: {final}")


def _run(
    config: "TrainConfig", pool: tuple[list[Path], str, Path | None], out: Path, track: Tracker
) -> Path:
    """Gather, split and train, with a bar while somebody watches."""
    from deeppcos.learning.pool import gather_with_report
    from deeppcos.learning.train import split_samples
    from deeppcos.learning.train import train as run_training

    data, layout, frozen = pool
    samples, report = gather_with_report(data, synthetic=config.synthetic, layout=layout)
    if _is_first_process():
        typer.echo("\n".join(report.lines()), err=True)
    training = split_samples(left_to_learn(samples, frozen)).training
    watched = sys.stderr.isatty() and _is_first_process()
    with with_extra(track.value), progress_bar(is_wanted=watched) as moved:

        def watch(moment: "Moment") -> None:
            if moved is not None:
                moved(_words_of(moment), moment.step, moment.steps)

        return run_training(training, config, out, watch=watch, track=track.value)


def _classify(
    pool: tuple[list[Path], str],
    out: Path,
    chosen: tuple[str, str],
    split: Path | None,
    *,
    folds: int,
    steps: int | None,
    seed: int,
    threads: int,
) -> None:
    """Compare the class networks and write what came out."""
    with told_plainly(), with_extra("train"):
        import torch

        from deeppcos.learning import classify
        from deeppcos.learning.pool import gather

        torch.set_num_threads(threads)
        comparators, positive = chosen
        names = tuple(n.strip() for n in comparators.split(",") if n.strip())
        plan = classify.Plan(
            comparators=names or tuple(classify.COMPARATORS),
            positive=positive,
            folds=folds,
            steps=steps or STEPS_OF_A_COMPARATOR,
            seed=seed,
        )
        data, layout = pool
        if split is None:
            samples = gather(data, synthetic=0, layout=layout)
            examples = classify.lesion_examples(samples, side_px=plan.side_px)
        else:
            examples = classify.examples_from_folders(_one(data), split, side_px=plan.side_px)
        with progress_bar(is_wanted=sys.stderr.isatty()) as moved:
            found = classify.compare(examples, plan, progress=moved)
        document = classify.as_document(found, plan, examples)
        classify.write_comparison(document, out)
    for line in classify.comparison_lines(document):
        typer.echo(line)


def _one(folders: list[Path]) -> Path:
    """The one folder whose audit wrote the split."""
    if len(folders) > 1:
        raise InvalidInput(
            "--split takes one data folder",
            value=f"{len(folders)} named",
            remedy="name the folder that was audited",
        )
    return folders[0]


def _words_of(moment: "Moment") -> str:
    """What the bar says beside the steps."""
    said = f"loss {moment.loss:.2f}"
    best = moment.stopping.best
    return said if best is None else f"{said}, validation {best:.2f} at {moment.stopping.best_step}"


def _is_first_process() -> bool:
    """Whether this process speaks; torchrun numbers them."""
    return os.environ.get("RANK", "0") == "0"
