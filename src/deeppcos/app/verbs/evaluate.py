"""``deeppcos evaluate``: measure a release on held-out patient groups."""

from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import told_plainly, with_extra


def evaluate(
    data: Annotated[Path, typer.Option(help="Folder with mmotu/, ovary_closeups/, refuse/.")],
    release_folder: Annotated[
        Path | None, typer.Option("--release", help="Folder of another release.")
    ] = None,
    card: Annotated[
        Path | None, typer.Option(help="Also write the model card of the release here.")
    ] = None,
) -> None:
    """Measure a release (train extra)."""
    with told_plainly(), with_extra("train"):
        from deeppcos.learning.model_card import figure_lines, model_card
        from deeppcos.learning.pool import gather
        from deeppcos.learning.publish import measured_again
        from deeppcos.learning.train import split_samples
        from deeppcos.vision.release import SHIPPED, load_release

        loaded = load_release(release_folder or SHIPPED)
        figures = measured_again(loaded, split_samples(gather(data, synthetic=0)))
        if card is not None:
            card.write_text(model_card(loaded.manifest))
    for line in figure_lines(figures["release"]):
        typer.echo(line)
