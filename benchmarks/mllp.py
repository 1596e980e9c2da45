"""Messages a second that are on the disk when they are acknowledged, beside python-hl7's server.

Owns the load and both receivers' durable handler, which is the same: one row in SQLite (WAL,
``synchronous=FULL``) and its commit before the answer. Sender and receiver run in processes of
their own; the sender is ours for both. Usage:

    python benchmarks/mllp.py [--messages 1000] [--rounds 3]
"""

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deeppcos.records.hl7v2.acknowledgement import acknowledge
from deeppcos.records.hl7v2.answering import answer
from deeppcos.records.hl7v2.messages import Reading
from deeppcos.records.hl7v2.mllp import MllpPeer, MllpSettings, connected, serving
from deeppcos.records.hl7v2.problems import Code

MESSAGE = (
    "MSH|^~\\&|LAB|H|DEEPPCOS|H|20260105||ORU^R01^ORU_R01|{number}|P|2.5.1||||||UNICODE UTF-8\r"
    "PID|1||17^^^WARD^MR||Kaya^Elif||19980104|F\rOBR|1|||PANEL|||20251201\r"
    + "".join(f"OBX|{n}|NM|3016-3^TSH^LN||2.{n}|mIU/L|0.4-4.0||||F\r" for n in range(1, 9))
)
TABLE = "CREATE TABLE kept (at REAL, content BLOB)"


class Store:
    """Rows on the disk; one connection for each thread that asks."""

    def __init__(self, path: Path, *, is_durable: bool) -> None:
        self._path, self._is_durable = path, is_durable
        self._own = threading.local()
        with contextlib.closing(self._connect()) as first:
            first.execute(TABLE)

    def keep(self, content: bytes) -> None:
        """One row, committed."""
        connection = getattr(self._own, "connection", None) or self._connect()
        self._own.connection = connection
        connection.execute("INSERT INTO kept VALUES (?, ?)", (time.time(), content))

    def _connect(self) -> sqlite3.Connection:
        made = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        made.execute("PRAGMA journal_mode=WAL")
        made.execute(f"PRAGMA synchronous={'FULL' if self._is_durable else 'OFF'}")
        return made


def serve_ours(store: Store, said: Callable[[int], None], *, reads: bool) -> None:
    """Our listener until the standard input ends; ``reads`` also reads each message first."""

    def kept(content: bytes, reading: Reading) -> None:
        store.keep(content)

    def handle(content: bytes) -> bytes:
        if reads:
            return answer(content, keep=kept)
        store.keep(content)
        return acknowledge(content, Code.TAKEN)

    with serving(MllpSettings(port=0), handle) as listener:
        said(listener.port)
        sys.stdin.read()


def serve_python_hl7(store: Store, said: Callable[[int], None]) -> None:
    """python-hl7's asyncio server with the same handler; it parses each message on the way."""
    from hl7.mllp import start_hl7_server

    async def talk(reader: object, writer: object) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                message = await reader.readmessage()  # type: ignore[attr-defined]
                store.keep(str(message).encode())
                writer.writemessage(message.create_ack("AA"))  # type: ignore[attr-defined]
                await writer.drain()  # type: ignore[attr-defined]

    async def run() -> None:
        server = await start_hl7_server(talk, "127.0.0.1", 0, encoding="utf-8")
        said(server.sockets[0].getsockname()[1])
        async with server:
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    asyncio.run(run())


SERVERS = ("DeepPCOS, kept", "DeepPCOS, read and kept", "python-hl7, kept")


def serve(name: str, path: Path, *, is_durable: bool) -> None:
    """Be a server; the standard output says its port, and at the end its processor time, s."""
    store = Store(path, is_durable=is_durable)

    def say(port: int) -> None:
        print(port, flush=True)

    began_s = time.process_time()
    if name == "python-hl7, kept":
        serve_python_hl7(store, say)
    else:
        serve_ours(store, say, reads="read" in name)
    print(time.process_time() - began_s, flush=True)


def rate(name: str, *, messages: int, connections: int, is_durable: bool) -> tuple[float, float]:
    """Messages a second of a fresh server and its processor time for each, ms.

    Every message must be on its disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kept.sqlite3"
        command = [sys.executable, __file__, "--serve", name, "--store", str(path)]
        command += [] if is_durable else ["--not-durable"]
        running = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        assert running.stdout is not None
        peer = MllpPeer(host="127.0.0.1", port=int(running.stdout.readline()))
        began = time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            taken = sum(
                pool.map(lambda n: _send(peer, messages // connections, n), range(connections))
            )
        took_s = time.perf_counter() - began
        processor_s = float(running.communicate(timeout=60)[0])
        with contextlib.closing(sqlite3.connect(path)) as found:
            [[there]] = found.execute("SELECT count(*) FROM kept")
        assert there == taken == messages // connections * connections, (there, taken)
    return taken / took_s, processor_s / taken * 1000


def _send(peer: MllpPeer, count: int, sender: int) -> int:
    with connected(peer) as line:
        return sum(
            line.send(MESSAGE.format(number=f"{sender}-{number}")).is_taken
            for number in range(count)
        )


def main() -> None:
    """Measure all servers in turn, round after round, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", default="")
    parser.add_argument("--store", type=Path, default=None)
    parser.add_argument("--not-durable", action="store_true")
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.store, is_durable=not given.not_durable)
        return
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(given.rounds):
        for is_durable in (True, False):
            for connections in (1, 4):
                for name in SERVERS:
                    key = f"{name} | {connections} | {'yes' if is_durable else 'no'}"
                    figures = rate(
                        name,
                        messages=given.messages,
                        connections=connections,
                        is_durable=is_durable,
                    )
                    found.setdefault(key, []).append(figures)
    print(json.dumps({"load": os.getloadavg(), "bytes": len(MESSAGE), "messages": given.messages}))
    print("| server | senders | on the disk first | messages/s | processor, ms a message |")
    print("|---|---|---|---|---|")
    for key, measured in found.items():
        rates, processor_ms = zip(*measured, strict=True)
        print(f"| {key} | {_said(rates, 0)} | {_said(processor_ms, 2)} |")


def _said(values: Sequence[float], digits: int) -> str:
    """Median (least to largest)."""
    middle = statistics.median(values)
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


if __name__ == "__main__":
    main()
