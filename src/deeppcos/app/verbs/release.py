"""``deeppcos release``: a finished run becomes a release with its manifest."""

from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import told_plainly, with_extra
from deeppcos.app.verbs.training_data import DataFolders, DataLayout, FrozenTest, left_to_learn


def release(
    run: Annotated[Path, typer.Argument(help="Folder of a finished training run.")],
    data: DataFolders,
    out: Annotated[Path, typer.Option(help="Folder for the release; must be new.")],
    name: Annotated[str, typer.Option(help="Name of the release.")],
    layout: DataLayout = "",
    frozen: FrozenTest = None,
    baseline: Annotated[
        Path | None, typer.Option(help="A finished run of plain_unet to measure beside.")
    ] = None,
) -> None:
    """Turn a run into a release (train extra)."""
    with told_plainly(), with_extra("train"):
        from deeppcos.learning.pool import gather
        from deeppcos.learning.publish import make_release
        from deeppcos.learning.train import TrainConfig, split_samples

        synthetic = TrainConfig().synthetic
        samples = gather(data, synthetic=synthetic, layout=layout)
        split = split_samples(left_to_learn(samples, frozen))
        manifest = make_release(run, split, out, name=name, baseline=baseline)
    typer.echo(f"released {manifest.name} in {out}")
