"""``deeppcos serve``: the web application on this computer, with its worker."""

from typing import Annotated

import typer

from deeppcos.app.terminal import told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    home: HomeOption = None,
    example: Annotated[
        bool, typer.Option(help="Put the synthetic example into a new installation.")
    ] = True,
) -> None:
    """Start the web application with a worker (web extra)."""
    with told_plainly(), with_extra("web"):
        from deeppcos.app.web.serving import Serving, run

        run(Serving(host=host, port=port, home=home, with_example=example), say=typer.echo)
