"""``deeppcos send``: sends a report's results, and what waits in the outbox."""

from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption


def send(
    report: Annotated[
        Path | None,
        typer.Argument(help="Folder that deeppcos analyze --out wrote.", show_default=False),
    ] = None,
    to: Annotated[str, typer.Option(help="Name of the peer; all when not given.")] = "",
    what: Annotated[
        list[str] | None,
        typer.Option(help="What is sent, such as report; everything the peer takes by default."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder with the images, if they were moved.")
    ] = None,
    retry: Annotated[
        int | None, typer.Option(help="Try the item of this number again, whatever became of it.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Send a report to a peer, or whatever waits (records extra)."""
    with told_plainly(), with_extra("records"):
        from deeppcos.app.connections.by_hand import put_report
        from deeppcos.app.connections.outbox import Outbox
        from deeppcos.app.connections.outbox_items import ItemState
        from deeppcos.app.connections.sending import send_due
        from deeppcos.app.connections.settings import connections_file, read_connections
        from deeppcos.app.connections.working_folder import data_folder
        from deeppcos.errors import InvalidInput

        folder = data_folder(home)
        connections = read_connections(connections_file(folder))
        outbox = Outbox(folder / "connections", pace=connections.sending)
        if retry is not None:
            outbox.retry(retry, by="somebody at the terminal")
        if report is not None:
            if not to:
                raise InvalidInput(
                    "nobody was named to send it to",
                    accepted=", ".join(connections.peers),
                    remedy="name the peer with --to",
                )
            put_report(
                report, to=to, what=what, images=images, outbox=outbox, connections=connections
            )
        peers = [to] if to else list(connections.peers)
        outbox.release_dead()
        send_due(outbox, connections, peers=peers)
        left = outbox.items(
            states=[ItemState.WAITING, ItemState.REFUSED, ItemState.GIVEN_UP], limit=50
        )
        for item in outbox.items(states=[ItemState.SENT], limit=20) if report is not None else ():
            if item.peer == to:
                typer.echo(f"{item.id}: {item.what} to {item.peer}: sent, {item.words}")
    for item in left:
        state = item.state.replace("_", " ")
        typer.echo(f"{item.id}: {item.what} to {item.peer}: {state}, {item.words}", err=True)
    if left:
        raise typer.Exit(SOME_REFUSED)
    typer.echo("nothing waits")
