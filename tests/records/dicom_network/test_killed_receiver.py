"""kill -9 in the middle of a stream, again and again: what was acknowledged is there and whole."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from deeppcos.errors import DeepPCOSError
from deeppcos.records.dicom_network import DicomPeer, Inbox, StoreOutcome, store
from deeppcos.records.dicom_network.whole import is_whole

pytest.importorskip("pynetdicom", reason="the records extra is not installed")

ROUNDS = 12
SENDERS = 3
RECEIVER = """
import sys, threading
from deeppcos.records.dicom_network import Inbox, ListenSettings, listening

with Inbox(sys.argv[1]) as inbox:
    with listening(ListenSettings(host="127.0.0.1", port=0), inbox) as running:
        print(running.port, flush=True)
        threading.Event().wait()
"""


def _start(folder: Path) -> tuple["subprocess.Popen[str]", int]:
    receiver = subprocess.Popen(
        [sys.executable, "-c", RECEIVER, str(folder)], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert receiver.stdout is not None
    return receiver, int(receiver.stdout.readline())


def _send_until_the_end(
    files: list[Path], peer: DicomPeer, acknowledged: list[StoreOutcome]
) -> None:
    with contextlib.suppress(DeepPCOSError):  # the receiver is killed, as it should be
        store(files, peer=peer, on_stored=acknowledged.append)


@pytest.mark.slow
@pytest.mark.network
def test_every_acknowledged_instance_survives_kill_9(images: Any, tmp_path: Path) -> None:
    chance = random.Random(5)
    batches = [images(40, first=100 * sender) for sender in range(SENDERS)]
    folder = tmp_path / "inbox"
    acknowledged: list[StoreOutcome] = []
    killed_in_the_middle = 0
    for round_number in range(ROUNDS):
        receiver, port = _start(folder)
        peer = DicomPeer(ae_title="DEEPPCOS", host="127.0.0.1", port=port, timeout_s=20)
        now: list[StoreOutcome] = []
        mine = [batch[round_number * 3 % 40 :] + batch for batch in batches]
        senders = [
            threading.Thread(target=_send_until_the_end, args=(files, peer, now)) for files in mine
        ]
        for sender in senders:
            sender.start()
        threading.Event().wait(chance.uniform(0.15, 0.6))
        os.kill(receiver.pid, signal.SIGKILL)
        for sender in senders:
            sender.join(timeout=60)
        receiver.wait(timeout=60)
        assert receiver.stdout is not None
        receiver.stdout.close()
        killed_in_the_middle += len(now) < sum(len(set(files)) for files in mine)
        acknowledged += [one for one in now if one.state == "stored"]
        _assert_kept(folder, acknowledged)
    assert acknowledged
    assert killed_in_the_middle >= ROUNDS // 2


def _assert_kept(folder: Path, acknowledged: list[StoreOutcome]) -> None:
    with Inbox(folder) as inbox:
        kept = {one.sop_instance_uid: one for one in inbox.instances()}
        for outcome in acknowledged:
            one = kept[outcome.sop_instance_uid]
            assert is_whole(one)
            assert dcmread(one.path) == dcmread(outcome.path)
        # And nothing else is claimed: every row has its whole file.
        assert all(is_whole(one) for one in kept.values())
        assert not any(one.is_conflict for one in kept.values())
