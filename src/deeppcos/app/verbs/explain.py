"""``deeppcos explain``: where the network looked, if that can be shown honestly."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly
from deeppcos.errors import InvalidInput


def explain(
    picture: Annotated[Path, typer.Argument(help="A picture, sweep or volume.")],
    out: Annotated[Path, typer.Option(help="PNG file for the picture with its heat map.")],
    frame: Annotated[int, typer.Option(help="Frame of a sweep or volume, from 0.", min=0)] = 0,
    release: Annotated[
        Path | None, typer.Option(help="Folder of another release than the shipped one.")
    ] = None,
) -> None:
    """Show which places of a picture spoke for an ovary."""
    import numpy as np
    from PIL import Image

    from deeppcos.app.report.heat import heat_picture
    from deeppcos.records.open_study import open_file
    from deeppcos.vision.release import SHIPPED, load_release
    from deeppcos.vision.saliency import explain_frame

    with told_plainly():
        opened = open_file(picture)
        seen = next(islice(opened.frames(), frame, None), None)
        if seen is None:
            raise InvalidInput(
                f"{picture}: no frame {frame}",
                accepted=f"0 to {opened.frame_count - 1}",
                remedy="count frames from 0",
            )
        shown = explain_frame(seen, load_release(release or SHIPPED))
        if shown.heat is None:
            typer.echo(f"no heat map: {shown.why_none}", err=True)
            raise typer.Exit(SOME_REFUSED)
        luminance = np.asarray(Image.fromarray(seen.pixels).convert("L"), np.uint8)
        Image.fromarray(heat_picture(luminance, shown.heat)).save(out)
    typer.echo(f"wrote {out}")
    if shown.test is not None:
        typer.echo(
            f"answer while the hottest places are taken away {shown.test.deletion:.2f} "
            f"(by chance {shown.test.chance_deletion:.2f}), given back "
            f"{shown.test.insertion:.2f} (by chance {shown.test.chance_insertion:.2f})"
        )
