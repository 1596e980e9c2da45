"""A peer's table as the protocol's own peer, with its secret.

Owns nothing but the mapping. Secrets are read from the environment here, at the moment of use.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from deeppcos.app.connections.settings import secret_of
from deeppcos.app.connections.tables import (
    DicomPeerTable,
    DicomWebPeerTable,
    FhirPeerTable,
    Hl7PeerTable,
    Tls,
)

if TYPE_CHECKING:
    from deeppcos.records.dicom_network.peer import DicomPeer
    from deeppcos.records.dicom_web.peer import DicomWebPeer
    from deeppcos.records.fhir.exchange import FhirPeer
    from deeppcos.records.fhir.smart import BackendToken
    from deeppcos.records.hl7v2.mllp import MllpPeer
    from deeppcos.records.tls import TlsFiles


def tls_files(table: Tls | None) -> "TlsFiles | None":
    """The files of an encrypted connection; None for a plain one."""
    from deeppcos.records.tls import TlsFiles

    return None if table is None else TlsFiles(**dict(table))


def dicom(table: DicomPeerTable) -> "DicomPeer":
    """As C-STORE and C-FIND take it."""
    from deeppcos.records.dicom_network.peer import DicomPeer

    return DicomPeer(
        ae_title=table.ae_title,
        host=table.host,
        port=table.port,
        own_ae_title=table.own_ae_title,
        tls=tls_files(table.tls),
        timeout_s=table.timeout_s,
    )


def dicomweb(table: DicomWebPeerTable) -> "DicomWebPeer":
    """As STOW-RS takes it."""
    from deeppcos.records.dicom_web.peer import DicomWebPeer

    return DicomWebPeer(
        url=table.url,
        token=_token(table.token_variable),
        user=table.user,
        password=_token(table.password_variable),
        ca_file=table.ca_file,
        timeout_s=table.timeout_s,
    )


def fhir(table: FhirPeerTable) -> "FhirPeer":
    """As transactions take it."""
    from deeppcos.records.fhir.exchange import FhirPeer

    return FhirPeer(
        url=table.url,
        token=(
            _backend_token(table, _stamp(table.smart.private_key_file))
            if table.smart
            else _token(table.token_variable)
        ),
        ca_file=table.ca_file,
        timeout_s=table.timeout_s,
    )


def hl7(table: Hl7PeerTable) -> "MllpPeer":
    """As MLLP takes it."""
    from deeppcos.records.hl7v2.mllp import MllpPeer

    return MllpPeer(
        host=table.host, port=table.port, tls=tls_files(table.tls), timeout_s=table.timeout_s
    )


@lru_cache(maxsize=16)
def _backend_token(table: FhirPeerTable, stamp: tuple[int, int] | None) -> "BackendToken":
    """Tokens by a key of our own, kept until they end or the key's file changes."""
    from deeppcos.records.fhir.smart import SigningKey, SmartClient, backend_token

    smart = table.smart
    assert smart is not None
    return backend_token(
        table.url,
        client=SmartClient(client_id=smart.client_id, key=SigningKey(file=smart.private_key_file)),
        scope=smart.scope,
        token_endpoint=smart.token_url,
        ca_file=table.ca_file,
    )


def _stamp(file: Path) -> tuple[int, int] | None:
    """What tells one version of a file from another; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _token(variable: str | None) -> Callable[[], str] | None:
    return None if variable is None else lambda: secret_of(variable)
