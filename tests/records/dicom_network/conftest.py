"""A listener of the test's own, and what is sent to it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import generate_uid

from deeppcos.records.dicom_network import (
    DicomPeer,
    Inbox,
    InboxLimits,
    Kept,
    Listening,
    ListenSettings,
    listening,
)

WriteDicom = Callable[..., Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """What runs, and how to call it."""

    inbox: Inbox
    running: Listening
    peer: DicomPeer
    kept: list[Kept]


Listen = Callable[..., AbstractContextManager[Listener]]


@pytest.fixture
def listen(tmp_path: Path) -> Listen:
    """Open a listener; settings and the limits of its inbox by name."""
    pytest.importorskip("pynetdicom", reason="the records extra is not installed")

    @contextmanager
    def opened(*, limits: InboxLimits | None = None, **settings: Any) -> Iterator[Listener]:
        kept: list[Kept] = []
        all_settings = ListenSettings(**{"host": "127.0.0.1", "port": 0, **settings})
        with (
            Inbox(tmp_path / "inbox", limits=limits) as inbox,
            listening(all_settings, inbox, on_kept=kept.append) as running,
        ):
            peer = DicomPeer(
                ae_title=all_settings.ae_title,
                host="127.0.0.1",
                port=running.port,
                timeout_s=20,
            )
            yield Listener(inbox=inbox, running=running, peer=peer, kept=kept)

    return opened


@pytest.fixture
def images(write_dicom: WriteDicom) -> Callable[..., list[Path]]:
    """Write small images of one study; header values by keyword."""

    def make(count: int = 1, *, first: int = 0, **values: Any) -> list[Path]:
        values.setdefault("StudyInstanceUID", generate_uid(prefix="1.2.3."))
        noise = np.random.default_rng(first)
        return [
            write_dicom(
                noise.integers(0, 255, (24, 32), np.uint8),
                name=f"image{first + number}.dcm",
                **values,
            )
            for number in range(count)
        ]

    return make
