"""A peer's table as the protocol's own peer, with its secret.

Owns nothing but the mapping. Secrets are read from the environment here, at the moment of use.
"""

from collections.abc import Callable
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
        ca_file=table.ca_file,
        timeout_s=table.timeout_s,
    )


def fhir(table: FhirPeerTable) -> "FhirPeer":
    """As transactions take it."""
    from deeppcos.records.fhir.exchange import FhirPeer

    return FhirPeer(
        url=table.url,
        token=_token(table.token_variable),
        ca_file=table.ca_file,
        timeout_s=table.timeout_s,
    )


def hl7(table: Hl7PeerTable) -> "MllpPeer":
    """As MLLP takes it."""
    from deeppcos.records.hl7v2.mllp import MllpPeer

    return MllpPeer(
        host=table.host, port=table.port, tls=tls_files(table.tls), timeout_s=table.timeout_s
    )


def _token(variable: str | None) -> Callable[[], str] | None:
    return None if variable is None else lambda: secret_of(variable)
