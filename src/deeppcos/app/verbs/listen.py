"""``deeppcos listen``: receives images and messages, takes them in, sends results."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from deeppcos.app.terminal import told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption


def listen(
    home: HomeOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Without a desk: analyse what arrives into this folder."),
    ] = None,
) -> None:
    """Receive studies and messages, and send results (records extra; web for the desk)."""
    with told_plainly(), with_extra("records"):
        import pynetdicom  # noqa: F401
    is_over = _until_signal()
    if out is not None:
        with told_plainly(), with_extra("records"):
            _without_desk(home, out, is_over)
        return
    with told_plainly(), with_extra("web"):
        from deeppcos.app.web import preparing

        environment = preparing.set_up_django(home)
        preparing.prepare()
        from deeppcos.app.web.connections.working import work

        typer.echo(f"data folder: {environment.home}; Ctrl+C ends it")
        work(say=typer.echo, is_over=is_over.is_set)


def _without_desk(home: Path | None, out: Path, is_over: threading.Event) -> None:
    """Receive and analyse into folders."""
    from deeppcos.app.connections.incoming import analyse_arriving
    from deeppcos.app.connections.listeners import open_doors
    from deeppcos.app.connections.outbox import Outbox
    from deeppcos.app.connections.sending import keeping_sending
    from deeppcos.app.connections.settings import connections_file, read_connections
    from deeppcos.app.connections.working_folder import data_folder
    from deeppcos.records.dicom_network.inbox import Inbox

    folder = data_folder(home)
    connections = read_connections(connections_file(folder))
    outbox = Outbox(folder / "connections", pace=connections.sending)
    with (
        Inbox(folder / "connections" / "inbox") as inbox,
        open_doors(connections, inbox) as doors,
        keeping_sending(outbox, connections),
    ):
        typer.echo(f"{doors}; reports go to {out}; Ctrl+C ends it")
        analyse_arriving(
            inbox, connections, out=out, outbox=outbox, say=typer.echo, is_over=is_over.is_set
        )


def _until_signal() -> threading.Event:
    """Set when SIGINT or SIGTERM comes."""
    over = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return over
