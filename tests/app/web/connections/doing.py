"""How each thing of the connections that changes something is done, once, so that it succeeds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import NewItem
from deeppcos.app.web.connections import places
from deeppcos.app.web.models import ExpectedStudy, MessageState, ReceivedMessage

NOWHERE = '[peers.pacs]\nkind = "hl7"\nhost = "127.0.0.1"\nport = 9\n'


def connect(text: str = NOWHERE) -> Outbox:
    path = Path(settings.DEEPPCOS_HOME) / "connections.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return places.outbox()


def with_item(name: str) -> Callable[[Any], Any]:
    def does(world: Any) -> Any:
        outbox = connect()
        file = outbox.payloads.keep(b"MSH", name="message.hl7")
        item = NewItem(what="hl7", peer="pacs", files=(file,))
        outbox.put("signed:1", [item], study=str(world.study.pk), about="A-1")
        return world.post(name, number=outbox.items()[0].id)

    return does


def try_a_peer(world: Any) -> Any:
    connect()
    return world.post("connections:test", peer="pacs")


def read_again(world: Any) -> Any:
    refused = ReceivedMessage.objects.create(
        site=world.study.site, sha256="0" * 64, content=b"MSH|", state=MessageState.REFUSED
    )
    return world.post("connections:read-again", message_id=refused.pk)


def begin(world: Any) -> Any:
    expected = ExpectedStudy.objects.create(site=world.study.site, accession="X", patient="P")
    return world.post("connections:begin", expected_id=expected.pk)


def ask_worklist(world: Any) -> Any:
    pytest.importorskip("pynetdicom", reason="the records extra is not installed")
    with worklist_of([]) as port:
        connect(
            '[peers.ris]\nkind = "dicom"\nhost = "127.0.0.1"\nae_title = "RIS"\n'
            f"port = {port}\nworklist = true\ntimeout_s = 5\n"
        )
        return world.post("connections:ask-worklist")


def on_study(name: str) -> Callable[[Any], Any]:
    def does(world: Any) -> Any:
        connect()
        return world.post(name)

    return does


@contextmanager
def worklist_of(entries: list[Any]) -> Iterator[int]:
    """A RIS that answers every worklist query with these data sets; gives its port."""
    from pynetdicom import AE, evt
    from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]

    def answer(event: Any) -> Iterator[tuple[int, Any]]:
        for entry in entries:
            yield 0xFF00, entry

    entity = AE("RIS")
    entity.add_supported_context(ModalityWorklistInformationFind)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, answer)]
    )
    assert server is not None
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()


CONNECTED: dict[str, Callable[[Any], Any]] = {
    "connections:test": try_a_peer,
    "connections:retry": with_item("connections:retry"),
    "connections:give-up": with_item("connections:give-up"),
    "connections:read-again": read_again,
    "connections:begin": begin,
    "connections:ask-worklist": ask_worklist,
    "connections:make-again": on_study("connections:make-again"),
    "connections:choose-labs": on_study("connections:choose-labs"),
    "connections:labs-done": on_study("connections:labs-done"),
}
"""Address, and how it is done."""
