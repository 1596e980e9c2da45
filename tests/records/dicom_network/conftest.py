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
from deeppcos.records.tls import TlsFiles

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Both ends of an encrypted connection, and an authority nobody asked."""

    ca: Path
    other_ca: Path
    server: TlsFiles
    client: TlsFiles


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Fresh certificates for 127.0.0.1."""
    trustme = pytest.importorskip("trustme")
    folder = tmp_path_factory.mktemp("certificates")
    authority, other = trustme.CA(), trustme.CA()
    paths = {name: folder / f"{name}.pem" for name in ("ca", "other", "server", "client")}
    authority.cert_pem.write_to_path(paths["ca"])
    other.cert_pem.write_to_path(paths["other"])
    for name in ("server", "client"):
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(paths[name])
    return Certificates(
        ca=paths["ca"],
        other_ca=paths["other"],
        server=TlsFiles(certificate_file=paths["server"]),
        client=TlsFiles(ca_file=paths["ca"], certificate_file=paths["client"]),
    )
