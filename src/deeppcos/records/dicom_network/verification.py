"""C-ECHO: is the peer there, and does it talk to us?"""

from deeppcos.errors import TemporaryFailure
from deeppcos.records.dicom_network.peer import DicomPeer

VERIFICATION_CLASS = "1.2.840.10008.1.1"


def echo(peer: DicomPeer) -> None:
    """Ask a peer for a sign of life.

    Args:
        peer: The peer.

    Raises:
        InvalidInput: If it does not know us, or TLS files or certificates do not fit.
        TemporaryFailure: If it is not there or does not answer with success.
    """
    from pynetdicom.presentation import build_context

    from deeppcos.records.dicom_network.associations import associated

    with associated(peer, [build_context(VERIFICATION_CLASS)]) as association:
        status = association.send_c_echo()
    if status.get("Status") != 0:
        said = f"status 0x{status.Status:04X}" if "Status" in status else "no answer"
        raise TemporaryFailure(f"{peer} did not answer the echo with success", value=said)
