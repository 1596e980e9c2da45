"""Peers that send slowly, nonsense, or too much: the listener stays up and its memory bounded."""

import contextlib
import io
import random
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_network import DicomPeer, echo, store
from deeppcos.records.dicom_network.header_scan import scan_header

Listen = Callable[..., Any]
EXPLICIT = "1.2.840.10008.1.2.1"


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def _is_closed(line: socket.socket) -> bool:
    """Whether the other end hangs up, whatever it says before."""
    try:
        while line.recv(4096):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def _is_up(peer: DicomPeer) -> bool:
    """Whether the listener answers soon: while it forgets a crowd it says "come later"."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with contextlib.suppress(TemporaryFailure):
            echo(peer)
            return True
        time.sleep(0.05)
    return False


def _drip(line: socket.socket, data: bytes) -> None:
    for byte in data:
        line.sendall(bytes([byte]))
        time.sleep(0.05)


def test_a_peer_that_says_nothing_is_hung_up_on(listen: Listen) -> None:
    with listen(unit_s=0.5) as here, _connect(here.running.port) as line:
        assert _is_closed(line)
        echo(here.peer)


def test_a_peer_that_drips_bytes_is_hung_up_on(listen: Listen) -> None:
    with listen(unit_s=0.6) as here, _connect(here.running.port) as line:
        began = time.monotonic()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            _drip(line, b"\x01\x00\x00\x00\x01\x00" + bytes(400))
        assert time.monotonic() - began < 15
        echo(here.peer)


def test_an_association_on_which_nothing_happens_is_ended(listen: Listen) -> None:
    from pynetdicom.ae import ApplicationEntity

    with listen(idle_s=0.5) as here:
        entity = ApplicationEntity("US1")
        entity.add_requested_context("1.2.840.10008.1.1")
        held = entity.associate("127.0.0.1", here.running.port, ae_title="DEEPPCOS")
        assert held.is_established
        held.join(timeout=20)
        assert held.is_aborted


def test_a_handshake_that_hangs_holds_up_nobody(listen: Listen, certificates: Any) -> None:
    with listen(tls=certificates.server, unit_s=5) as here:
        lines = [_connect(here.running.port) for _ in range(4)]
        began = time.monotonic()
        echo(replace(here.peer, tls=certificates.client))
        assert time.monotonic() - began < 4
        for line in lines:
            line.close()


def test_a_crowd_that_only_connects_leaves_room_for_others(listen: Listen) -> None:
    with listen(unit_s=1, most_from_one_address=3) as here:
        crowd = [_connect(here.running.port) for _ in range(40)]
        assert all(_is_closed(line) for line in crowd)
        for line in crowd:
            line.close()
        assert _is_up(here.peer)


def test_a_unit_that_claims_gigabytes_takes_no_memory(listen: Listen) -> None:
    with listen() as here:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with _connect(here.running.port) as line:
            line.sendall(b"\x01\x00" + struct.pack(">L", 0xFFFFFFF0) + bytes(1000))
            assert _is_closed(line)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024
        echo(here.peer)


def test_random_bytes_leave_the_listener_up(listen: Listen) -> None:
    chance = random.Random(3)
    with listen(unit_s=0.3, most_from_one_address=100) as here:
        for _ in range(60):
            with _connect(here.running.port) as line:
                kind = chance.choice((0, 1, 2, 4, 5, 6, 7, 200))
                body = chance.randbytes(chance.choice((0, 6, 68, 400)))
                length = chance.choice((len(body), 0, 5, 0xFFFF))
                try:
                    line.sendall(bytes([kind, 0]) + struct.pack(">L", length) + body)
                except OSError:
                    continue
        assert _is_up(here.peer)
        assert here.inbox.instances() == ()


def test_random_commands_on_an_open_association_leave_the_listener_up(
    listen: Listen, images: Callable[..., list[Path]]
) -> None:
    from pynetdicom.presentation import build_context

    from deeppcos.records.dicom_network.associations import associated

    chance = random.Random(4)
    with listen(unit_s=1, idle_s=1) as here:
        for number in range(25):
            with associated(here.peer, [build_context("1.2.840.10008.1.1")]) as association:
                context = association.accepted_contexts[0].context_id
                control = chance.choice((0, 1, 2, 3, 255))
                value = chance.randbytes(chance.choice((0, 1, 20, 300)))
                if number % 2:  # a command set that almost is one
                    value = bytes.fromhex("00000001020000000100") + value
                item = struct.pack(">LBB", len(value) + 2, context or 1, control) + value
                line = association.dul.socket
                assert line is not None
                assert line.socket is not None
                line.socket.sendall(b"\x04\x00" + struct.pack(">L", len(item)) + item)
                association.abort()
        (outcome,) = store(images(), peer=here.peer)
        assert outcome.state == "stored"


def test_a_cine_larger_than_memory_may_grow_streams_to_disk(
    listen: Listen, write_dicom: Callable[..., Path]
) -> None:
    import numpy as np

    cines = [
        write_dicom(np.zeros((60, 512, 600), np.uint8), frames=60, name=f"cine{number}.dcm")
        for number in range(4)
    ]  # 18 MB each
    with listen() as here:
        store(cines[:1], peer=here.peer)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        senders = [
            threading.Thread(target=store, args=([cine],), kwargs={"peer": here.peer})
            for cine in cines[1:]
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert len(here.inbox.instances()) == 4
    assert grown_kib < 18 * 1024  # three at once, sender and receiver in this process


@given(
    st.binary(max_size=600), st.sampled_from([EXPLICIT, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
)
@settings(max_examples=300, deadline=None)
def test_scanning_any_bytes_ends_in_a_header_or_a_refusal(data: bytes, syntax: str) -> None:
    with contextlib.suppress(InvalidInput):
        scan_header(io.BytesIO(data), syntax=syntax)


@pytest.mark.parametrize("depth", [10, 20_000, 200_000])
def test_sequences_nested_without_end_are_walked_without_recursion(depth: int) -> None:
    sequence = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    began = time.monotonic()
    if depth < 25_000:
        assert len(scan_header(io.BytesIO(sequence * depth), syntax=EXPLICIT)) == 0
    else:
        with pytest.raises(InvalidInput, match="among the first"):
            scan_header(io.BytesIO(sequence * depth), syntax=EXPLICIT)
    assert time.monotonic() - began < 10
