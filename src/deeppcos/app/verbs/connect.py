"""``deeppcos connect``: who is connected, what works with a peer, what waits."""

from typing import Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption

connect = typer.Typer(
    name="connect",
    help="Say who is connected, and test it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
SIGNS = {"works": "+", "note": "!", "fails": "-"}


@connect.command("list")
def list_peers(home: HomeOption = None) -> None:
    """List the peers of connections.toml and what waits for each."""
    from deeppcos.app.connections.outbox import Outbox
    from deeppcos.app.connections.outbox_items import ItemState
    from deeppcos.app.connections.settings import connections_file, read_connections
    from deeppcos.app.connections.working_folder import data_folder

    with told_plainly():
        folder = data_folder(home)
        connections = read_connections(connections_file(folder))
        counts = Outbox(folder / "connections").counts()
    for name, peer in connections.peers.items():
        here = counts.get(name, {})
        words = ", ".join(
            f"{here.get(state, 0)} {state.replace('_', ' ')}"
            for state in ItemState
            if here.get(state, 0)
        )
        typer.echo(f"{name}: {peer.kind}; {words or 'nothing was sent yet'}")


@connect.command("test")
def try_peer(
    name: Annotated[str, typer.Argument(help="Name of the peer.", show_default=False)],
    write: Annotated[
        bool, typer.Option("--write", help="Also write a test there, marked as one.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Say step by step what works with a peer (records extra)."""
    with told_plainly(), with_extra("records"):
        from deeppcos.app.connections.checking import Verdict, check
        from deeppcos.app.connections.settings import connections_file, read_connections
        from deeppcos.app.connections.working_folder import data_folder

        connections = read_connections(connections_file(data_folder(home)))
        has_failed = False
        for step in check(connections.peer(name), is_writing=write):
            typer.echo(f"[{SIGNS[step.verdict]}] {step.name}: {step.words}")
            has_failed = has_failed or step.verdict is Verdict.FAILS
    typer.echo(f"{name} does not work yet" if has_failed else f"{name} works")
    if has_failed:
        raise typer.Exit(SOME_REFUSED)
