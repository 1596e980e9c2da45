"""``deeppcos evaluate``: measure a release on held-out patient groups, and show what came out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import told_plainly, with_extra
from deeppcos.app.verbs.training_data import DataFolders, DataLayout

if TYPE_CHECKING:
    from deeppcos.vision.release import Manifest


def evaluate(
    data: DataFolders,
    layout: DataLayout = "",
    release_folder: Annotated[
        Path | None, typer.Option("--release", help="Folder of another release.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for tables (CSV, JSON) and pictures (SVG, PNG)."),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(help="Also write the model card of the release here, pictures beside it."),
    ] = None,
) -> None:
    """Measure a release (train extra)."""
    with told_plainly(), with_extra("train"):
        from deeppcos.learning.charts import draw_all
        from deeppcos.learning.evaluate.tables import write_tables
        from deeppcos.learning.model_card import figure_lines
        from deeppcos.learning.pool import gather
        from deeppcos.learning.publish import measured_again
        from deeppcos.learning.train import split_samples
        from deeppcos.vision.release import SHIPPED, load_release

        loaded = load_release(release_folder or SHIPPED)
        if card is not None:
            _write_card(loaded.manifest, card)
        split = split_samples(gather(data, synthetic=0, layout=layout))
        measured = measured_again(loaded, split)
        if out is not None:
            write_tables(measured, out)
            draw_all(measured, out / "pictures")
    for line in figure_lines(measured["release"]):
        typer.echo(line)
    if out is not None:
        typer.echo(f"tables and pictures: {out}")


def _write_card(manifest: "Manifest", card: Path) -> None:
    """The card, and the pictures of the manifest's own numbers below it."""
    from deeppcos.learning.charts import draw_all
    from deeppcos.learning.model_card import model_card

    pictures = f"pictures/{card.stem}"
    draw_all(manifest.metrics, card.parent / pictures)
    card.write_text(model_card(manifest, pictures=pictures), encoding="utf-8")
