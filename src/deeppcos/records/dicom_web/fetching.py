"""WADO-RS: fetch a study into a folder, one file an instance, without holding it in memory."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_network.arrival import usable_uid
from deeppcos.records.dicom_network.sendable import sendable_file
from deeppcos.records.dicom_web.multipart import boundary_of, parts
from deeppcos.records.dicom_web.peer import DicomWebPeer

ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
LARGEST_INSTANCE_BYTES = 2 * 1000**3
_UID = re.compile(r"[0-9.]{1,64}")


def fetch_study(
    peer: DicomWebPeer,
    study_instance_uid: str,
    *,
    into: Path,
    largest_instance_bytes: int = LARGEST_INSTANCE_BYTES,
) -> tuple[Path, ...]:
    """Fetch every instance of a study, in the transfer syntax the server keeps it in.

    Args:
        peer: The server.
        study_instance_uid: The study.
        into: The folder; made when absent. Files there with the same name are replaced.
        largest_instance_bytes: The largest file taken.

    Returns:
        The files, named by SOP Instance UID, each whole.

    Raises:
        InvalidInput: If the study is not there, the server does not let us in or answers with
            something else than DICOM files.
        TemporaryFailure: If the server is not there or the answer ends early; files that were
            whole by then stay.
    """
    from deeppcos.records.dicom_web.exchange import READ_AT_ONCE, exchange, failure

    if not _UID.fullmatch(study_instance_uid):
        raise InvalidInput(
            "the Study Instance UID is none",
            value=repr(study_instance_uid),
            accepted="up to 64 digits and dots",
            remedy="correct it",
        )
    into.mkdir(parents=True, exist_ok=True)
    path = f"/studies/{study_instance_uid}"
    with exchange(peer, "GET", path, headers={"Accept": ACCEPT}) as answer:
        if answer.status_code == 404:
            raise InvalidInput(
                f"{peer} does not have the study", value=study_instance_uid, remedy="search for it"
            )
        if answer.status_code not in (200, 206):
            raise failure(peer, answer)
        boundary = boundary_of(answer.headers.get("Content-Type", ""))
        pieces = answer.iter_content(READ_AT_ONCE)
        return tuple(_saved(body, into, largest_instance_bytes) for body in parts(pieces, boundary))


def _saved(body: Iterator[bytes], into: Path, largest: int) -> Path:
    """One part as a file: under its name only when it is whole and DICOM."""
    fresh = into / f".{uuid.uuid4().hex}.part"
    try:
        size = 0
        with fresh.open("xb") as file:
            for piece in body:
                size += len(piece)
                if size > largest:
                    raise InvalidInput(
                        "an instance is too large", accepted=f"up to {largest} bytes"
                    )
                file.write(piece)
        uid = usable_uid(sendable_file(fresh).sop_instance_uid, "SOPInstanceUID")
        return fresh.replace(into / f"{uid}.dcm")
    finally:
        fresh.unlink(missing_ok=True)
