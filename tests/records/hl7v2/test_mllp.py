"""MLLP against python-hl7's own client and server, over sockets and TLS, with bad senders too."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput, TemporaryFailure

pytest.importorskip("hl7", reason="the records extra is not installed")

import hl7

from deeppcos.records.hl7v2.acknowledgement import acknowledge, read_answer
from deeppcos.records.hl7v2.mllp import (
    Limits,
    Listener,
    MllpPeer,
    MllpSettings,
    connected,
    send,
    serving,
)
from deeppcos.records.hl7v2.mllp.framing import BrokenFrame, Frames, framed
from deeppcos.records.hl7v2.problems import Code, Reason
from deeppcos.records.tls import TlsFiles

pytestmark = pytest.mark.network

Served = Callable[..., Listener]


def message(control_id: str = "X1", *, tail: str = "", extra: str = "") -> str:
    return (
        f"MSH|^~\\&|LAB|H|X|Y|20260105||ORU^R01^ORU_R01|{control_id}|P|2.5.1{extra}\r"
        f"PID|1||P1{tail}\r"
    )


def taken(content: bytes) -> bytes:
    return acknowledge(content, Code.TAKEN)


@pytest.fixture
def served() -> Iterator[Served]:
    with ExitStack() as stack:

        def start(handle: Callable[[bytes], bytes] = taken, **settings: Any) -> Listener:
            tell = settings.pop("on_trouble", lambda address, words: None)
            made = MllpSettings(**{"port": 0, **settings})
            return stack.enter_context(serving(made, handle, on_trouble=tell))

        yield start


def peer(port: int, **more: Any) -> MllpPeer:
    return MllpPeer(**{"host": "127.0.0.1", "port": port, "timeout_s": 5.0, **more})


async def _by_python_hl7(port: int, count: int, **tls: Any) -> list[str]:
    from hl7.mllp import open_hl7_connection

    reader, writer = await open_hl7_connection("127.0.0.1", port, encoding="utf-8", **tls)
    codes = []
    for number in range(count):
        writer.writemessage(hl7.parse(message(f"N{number}", tail="^^^ü")))
        await writer.drain()
        answer = await asyncio.wait_for(reader.readmessage(), timeout=5)
        assert str(answer.segment("MSA")[2]) == f"N{number}"
        codes.append(str(answer.segment("MSA")[1]))
    writer.close()
    await writer.wait_closed()
    return codes


def test_python_hl7_sends_and_each_message_is_handed_over_before_its_answer(served: Served) -> None:
    got: list[bytes] = []

    def keep(content: bytes) -> bytes:
        got.append(content)
        return taken(content)

    port = served(keep).port
    assert asyncio.run(_by_python_hl7(port, 5)) == ["AA"] * 5
    assert [one.count("ü".encode()) for one in got] == [1] * 5


@contextmanager
def python_hl7_server(answer: Callable[[Any], Any], context: Any = None) -> Iterator[int]:
    """python-hl7's MLLP server in a thread of its own."""
    from hl7.mllp import start_hl7_server

    loop = asyncio.new_event_loop()
    ready: list[int] = []
    is_up = threading.Event()

    async def talk(reader: Any, writer: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                while True:
                    got = await reader.readmessage()
                    answered = answer(got)
                    if answered is not None:
                        writer.writemessage(answered)
                        await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

    async def run() -> None:
        server = await start_hl7_server(talk, "127.0.0.1", 0, encoding="utf-8", ssl=context)
        ready.append(server.sockets[0].getsockname()[1])
        is_up.set()
        async with server:
            with pytest.raises(asyncio.CancelledError):
                await server.serve_forever()

    task: list[Any] = []

    def main() -> None:
        asyncio.set_event_loop(loop)
        task.append(loop.create_task(run()))
        loop.run_until_complete(task[0])
        loop.close()

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    assert is_up.wait(5)
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(task[0].cancel)
        thread.join(5)


def test_python_hl7_receives_and_its_answer_is_understood() -> None:
    with python_hl7_server(lambda got: got.create_ack("AA")) as port:
        said = send(message("A-7"), peer=peer(port))
        assert (said.code, said.control_id, said.is_taken) == ("AA", "A-7", True)
        with connected(peer(port)) as line:
            assert [line.send(message(f"K{n}")).control_id for n in range(3)] == ["K0", "K1", "K2"]


def test_a_refusal_of_python_hl7_has_its_code() -> None:
    with python_hl7_server(lambda got: got.create_ack("AE")) as port:
        assert send(message(), peer=peer(port)).code == "AE"


def test_a_peer_that_takes_and_never_answers_is_tried_again_later() -> None:
    with (
        python_hl7_server(lambda got: None) as port,
        pytest.raises(TemporaryFailure, match="did not acknowledge"),
    ):
        send(message(), peer=peer(port, timeout_s=0.3))


def test_an_answer_to_another_message_is_none(served: Served) -> None:
    port = served(lambda content: acknowledge(message("OTHER").encode(), Code.TAKEN)).port
    with pytest.raises(TemporaryFailure, match="did not acknowledge"):
        send(message(), peer=peer(port, timeout_s=0.3))


def test_a_peer_that_is_not_there_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        send(message(), peer=peer(port))


def test_a_problem_of_the_peer_itself_is_tried_again_later(served: Served) -> None:
    def broken(content: bytes) -> bytes:
        raise OSError("disk full")

    port = served(broken).port
    with pytest.raises(TemporaryFailure, match="problem of its own"):
        send(message(), peer=peer(port))


@pytest.mark.parametrize("code", [Code.WRONG, Code.REJECTED], ids=["AE", "AR"])
def test_a_refusal_names_the_field_in_words(served: Served, code: Code) -> None:
    def refuse(content: bytes) -> bytes:
        return acknowledge(
            content,
            code,
            words="PID-3 names | nobody",
            place="PID-3",
            reason=Reason.FIELD_MISSING,
        )

    said = send(message(), peer=peer(served(refuse).port))
    assert (said.code, said.words) == (code, "PID-3 names | nobody")


@pytest.mark.parametrize(
    ("wanted", "code", "answered"),
    [
        ("||", Code.TAKEN, "AA"),
        ("|AL|NE", Code.TAKEN, "CA"),
        ("|AL|NE", Code.WRONG, "CE"),
        ("|ER|NE", Code.TAKEN, None),
        ("|ER|AL", Code.REJECTED, "CR"),
        ("|SU|NE", Code.REJECTED, None),
        ("|NE|AL", Code.WRONG, "AE"),
        ("|NE|NE", Code.TAKEN, None),
    ],
)
def test_the_mode_the_sender_asks_for_is_kept(
    wanted: str, code: Code, answered: str | None
) -> None:
    content = message(extra=f"||{wanted}").encode()
    answer = acknowledge(content, code)
    said = read_answer(answer) if answer else None
    assert (said.code if said else None) == answered


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    trustme = pytest.importorskip("trustme", reason="trustme is not installed")
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    found = {"ca": folder / "ca.pem"}
    authority.cert_pem.write_to_path(found["ca"])
    for name, host in (("server", "127.0.0.1"), ("client", "lab.example")):
        made = authority.issue_cert(host)
        found[name], found[f"{name}_key"] = folder / f"{name}.pem", folder / f"{name}.key"
        made.cert_chain_pems[0].write_to_path(found[name])
        made.private_key_pem.write_to_path(found[f"{name}_key"])
    return found


def test_both_sides_show_certificates_over_tls(
    served: Served, certificates: dict[str, Path]
) -> None:
    mine = TlsFiles(
        ca_file=certificates["ca"],
        certificate_file=certificates["server"],
        key_file=certificates["server_key"],
    )
    theirs = TlsFiles(
        ca_file=certificates["ca"],
        certificate_file=certificates["client"],
        key_file=certificates["client_key"],
    )
    port = served(tls=mine).port
    assert send(message(), peer=peer(port, tls=theirs)).is_taken
    context = theirs.client_context()
    context.check_hostname = False
    assert asyncio.run(_by_python_hl7(port, 2, ssl=context)) == ["AA"] * 2
    with pytest.raises(TemporaryFailure):
        send(message(), peer=peer(port, tls=TlsFiles(ca_file=certificates["ca"])))
    with pytest.raises(TemporaryFailure):
        send(message(), peer=peer(port, timeout_s=1))
    assert send(message(), peer=peer(port, tls=theirs)).is_taken, "a bad sender stopped the others"


def test_a_certificate_nobody_vouches_for_is_not_trusted(certificates: dict[str, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates["server"], certificates["server_key"])
    with (
        python_hl7_server(lambda got: got.create_ack("AA"), context) as port,
        pytest.raises(TemporaryFailure, match="cannot be reached"),
    ):
        send(message(), peer=peer(port, tls=TlsFiles()))


def test_a_missing_key_is_told_before_anybody_connects(certificates: dict[str, Path]) -> None:
    settings = MllpSettings(port=0, tls=TlsFiles(certificate_file=certificates["server"]))
    with pytest.raises(InvalidInput, match=r"TLS file.*cannot be used"), serving(settings, taken):
        pass


def _rest(wire: socket.socket) -> bytes:
    """Whatever comes until the listener hangs up."""
    wire.settimeout(5)
    got = b""
    try:
        while piece := wire.recv(4096):
            got += piece
    except ConnectionError:
        pass
    return got


def test_an_endless_message_is_refused_by_name_and_takes_no_memory(served: Served) -> None:
    troubles: list[str] = []
    listener = served(
        limits=Limits(largest_message_bytes=100_000),
        on_trouble=lambda address, words: troubles.append(words),
    )
    with socket.create_connection(("127.0.0.1", listener.port)) as wire:
        sent = 0
        try:
            wire.sendall(b"\x0b" + message("BIG").encode())
            while sent < 50_000_000:
                sent += wire.send(b"Z" * 65536)
                assert listener.held_bytes <= 100_000
        except OSError:
            pass
    assert sent < 50_000_000
    assert any("over 100,000 bytes" in one for one in troubles)
    assert send(message(), peer=peer(listener.port)).is_taken


def test_a_message_over_the_limit_is_answered_by_its_number(served: Served) -> None:
    port = served(limits=Limits(largest_message_bytes=2000)).port
    said = send(message("BIG", tail="Z" * 5000), peer=peer(port))
    assert (said.code, said.control_id) == ("AR", "BIG")


def test_a_message_that_drips_in_has_one_time_limit_as_a_whole(served: Served) -> None:
    troubles: list[str] = []
    listener = served(
        limits=Limits(message_timeout_s=0.4),
        on_trouble=lambda address, words: troubles.append(words),
    )
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", listener.port)) as wire:
        try:
            wire.sendall(b"\x0b")
            while time.monotonic() - began < 5:
                wire.sendall(b"M")
                time.sleep(0.05)
        except OSError:
            pass
    assert time.monotonic() - began < 3
    assert troubles == ["was silent too long and was hung up on"]


def test_a_silent_sender_is_hung_up_on(served: Served) -> None:
    listener = served(limits=Limits(idle_timeout_s=0.2))
    with socket.create_connection(("127.0.0.1", listener.port)) as wire:
        assert _rest(wire) == b""


def test_one_sender_too_many_is_hung_up_on_and_the_others_go_on(served: Served) -> None:
    listener = served(most_connections=2)
    with (
        connected(peer(listener.port)) as one,
        connected(peer(listener.port)) as two,
    ):
        assert one.send(message()).is_taken
        assert two.send(message()).is_taken
        with pytest.raises(TemporaryFailure):
            send(message(), peer=peer(listener.port))
        assert one.send(message()).is_taken


def test_all_senders_together_have_one_limit_of_memory(served: Served) -> None:
    listener = served(most_held_bytes=150_000)
    first = socket.create_connection(("127.0.0.1", listener.port))
    second = socket.create_connection(("127.0.0.1", listener.port))
    with first, second:
        first.sendall(b"\x0b" + message("ONE").encode() + b"Z" * 100_000)
        _until(lambda: listener.held_bytes > 100_000)
        second.sendall(b"\x0b" + message("TWO").encode() + b"Z" * 100_000)
        second.shutdown(socket.SHUT_WR)
        answer = read_answer(_rest(second).strip(b"\x0b\x1c\r"))
        assert answer is not None
        assert (answer.code, answer.control_id) == ("AR", "TWO")
        assert listener.held_bytes <= 150_000


def _until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_sender_of_another_address_is_hung_up_on(served: Served) -> None:
    port = served(allowed_addresses=("10.0.0.0/8",)).port
    with pytest.raises(TemporaryFailure):
        send(message(), peer=peer(port))
    assert send(message(), peer=peer(served(allowed_addresses=("127.0.0.1",)).port)).is_taken


def test_another_protocol_ends_its_own_connection_only(served: Served) -> None:
    listener = served()
    with socket.create_connection(("127.0.0.1", listener.port)) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wire.shutdown(socket.SHUT_WR)
        assert _rest(wire) == b""
    assert send(message(), peer=peer(listener.port)).is_taken


def test_stopping_lets_a_message_that_is_being_kept_have_its_answer() -> None:
    inside, go = threading.Event(), threading.Event()

    def slow(content: bytes) -> bytes:
        inside.set()
        assert go.wait(5)
        return taken(content)

    said: list[str] = []
    with serving(MllpSettings(port=0), slow) as listener:
        port = listener.port
        sender = threading.Thread(target=lambda: said.append(send(message(), peer=peer(port)).code))
        sender.start()
        assert inside.wait(5)
        threading.Timer(0.2, go.set).start()
    sender.join(5)
    assert said == ["AA"]


def test_text_that_does_not_fit_the_peers_character_set_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as quiet:
        port = quiet.getsockname()[1]
        with pytest.raises(InvalidInput, match="cannot be written in ASCII"):
            send(message(tail="ü"), peer=peer(port, character_set="ASCII"))
        with pytest.raises(InvalidInput, match="states another character set"):
            send(message(tail="ü"), peer=peer(port, character_set="8859/1"))
        with pytest.raises(InvalidInput, match="MSH-10"):
            send(message(""), peer=peer(port))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=40).filter(lambda b: not set(b) & {0x0B, 0x1C})),
    st.lists(st.integers(1, 9), min_size=1),
)
def test_messages_come_out_as_they_went_in_however_the_stream_is_cut(
    messages: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(framed(one) for one in messages)
    frames, got, place = Frames(largest_bytes=40), [], 0
    while place < len(stream):
        size = cuts[place % len(cuts)]
        got += frames.feed(stream[place : place + size])
        place += size
    assert got == messages


@given(st.binary(max_size=200))
def test_any_stream_is_read_or_broken_and_never_holds_more_than_it_may(stream: bytes) -> None:
    frames = Frames(largest_bytes=30)
    with contextlib.suppress(BrokenFrame):
        for place in range(0, len(stream), 7):
            assert all(len(one) <= 30 for one in frames.feed(stream[place : place + 7]))
            assert frames.held_bytes <= 30


def test_a_message_inside_another_is_never_joined_to_it() -> None:
    with pytest.raises(BrokenFrame, match="began before"):
        Frames(largest_bytes=100).feed(b"\x0bMSH|cut off\x0bMSH|next\x1c\r")
