"""Sending: one outcome a file, and which failures are worth another try."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    EncapsulatedPDFStorage,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    UltrasoundImageStorage,
    generate_uid,
)

from deeppcos.errors import TemporaryFailure
from deeppcos.records.dicom_network import (
    DicomPeer,
    SentInstance,
    StoreOutcome,
    commitment_answers,
    echo,
    request_commitment,
    store,
)

pytest.importorskip("pynetdicom", reason="the records extra is not installed")

Images = Callable[..., list[Path]]
Listen = Callable[..., Any]


@contextmanager
def _archive(answer: Callable[[int], int | Dataset], *syntaxes: str) -> Iterator[DicomPeer]:
    """An archive that gives the status of each image by its number."""
    from pynetdicom import evt
    from pynetdicom.ae import ApplicationEntity

    seen = []

    def handle(event: evt.Event) -> int | Dataset:
        seen.append(event)
        status = answer(len(seen) - 1)
        if status == -1:
            event.assoc.abort()
        return status

    entity = ApplicationEntity("ARCHIVE")
    entity.add_supported_context("1.2.840.10008.1.1")
    entity.add_supported_context(UltrasoundImageStorage, list(syntaxes) or None)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, handle)]
    )
    assert server is not None
    try:
        yield DicomPeer(
            ae_title="ARCHIVE", host="127.0.0.1", port=server.server_address[1], timeout_s=10
        )
    finally:
        server.shutdown()
        entity.shutdown()


def test_each_file_has_the_outcome_its_peer_gave(images: Images, tmp_path: Path) -> None:
    statuses = [0x0000, 0xB000, 0xC123, 0xA900, 0x0122]
    files = images(5)
    note = tmp_path / "note.txt"
    note.write_text("not DICOM", encoding="utf-8")
    with _archive(lambda number: statuses[number]) as peer:
        outcomes = store([note, *files], peer=peer)
    assert [one.path for one in outcomes] == [note, *files]
    assert [one.state for one in outcomes] == [
        "refused",
        "stored",
        "stored",
        "refused",
        "refused",
        "refused",
    ]
    assert outcomes[1].words == ""
    assert "0xC123" in outcomes[3].words


def test_the_peers_comment_is_passed_on(images: Images) -> None:
    said = Dataset()
    said.Status, said.ErrorComment = 0xC000, "Wrong department"
    with _archive(lambda _: said) as peer:
        (outcome,) = store(images(), peer=peer)
    assert outcome.words == "Wrong department (status 0xC000)"


@pytest.mark.parametrize("status", [0xA700, 0xA701, 0x0110, 0x0213], ids=hex)
def test_a_peer_without_resources_is_tried_later(images: Images, status: int) -> None:
    told: list[StoreOutcome] = []
    with (
        _archive(lambda number: status if number else 0) as peer,
        pytest.raises(TemporaryFailure, match="could not store"),
    ):
        store(images(3), peer=peer, on_stored=told.append)
    assert [one.state for one in told] == ["stored"]


def test_a_line_that_drops_keeps_what_was_told(images: Images) -> None:
    told: list[StoreOutcome] = []
    with (
        _archive(lambda number: -1 if number == 1 else 0) as peer,
        pytest.raises(TemporaryFailure, match="dropped the line"),
    ):
        store(images(3), peer=peer, on_stored=told.append)
    assert [one.state for one in told] == ["stored"]


def test_a_peer_that_is_not_there_is_tried_later(free_port: Callable[[], int]) -> None:
    peer = DicomPeer(ae_title="ARCHIVE", host="127.0.0.1", port=free_port(), timeout_s=5)
    with pytest.raises(TemporaryFailure, match="does not answer"):
        echo(peer)


def test_a_name_nobody_knows_is_tried_later() -> None:
    peer = DicomPeer(ae_title="ARCHIVE", host="no-such-host.invalid", port=104, timeout_s=5)
    with pytest.raises(TemporaryFailure, match="does not answer"):
        echo(peer)


def test_a_kind_the_peer_does_not_take_is_refused_beside_one_it_takes(images: Images) -> None:
    picture, document = images(2)
    changed = dcmread(document)
    changed.SOPClassUID = changed.file_meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    changed.save_as(document)
    with _archive(lambda _: 0) as peer:
        taken, refused = store([picture, document], peer=peer)
    assert (taken.state, refused.state) == ("stored", "refused")
    assert "does not accept Encapsulated PDF Storage" in refused.words


def test_a_plain_file_is_written_anew_for_a_peer_of_implicit_encoding(images: Images) -> None:
    with _archive(lambda _: 0, ImplicitVRLittleEndian) as peer:
        (outcome,) = store(images(), peer=peer)
    assert outcome.state == "stored"


def test_a_compressed_file_is_not_decompressed_behind_anyones_back(
    images: Images, transcode: Callable[..., Path]
) -> None:
    compressed = transcode(images()[0], "JPEG2000Lossless")
    with _archive(lambda _: 0, ImplicitVRLittleEndian) as peer:
        assert store([compressed], peer=peer)[0].state == "refused"
        plain, refused = store([*images(first=5), compressed], peer=peer)
    assert (plain.state, refused.state) == ("stored", "refused")
    assert UID(JPEG2000Lossless).name in refused.words


def test_more_kinds_than_one_association_holds_go_over_several(
    images: Images, monkeypatch: pytest.MonkeyPatch, listen: Listen
) -> None:
    monkeypatch.setattr("deeppcos.records.dicom_network.sending.MOST_CONTEXTS", 3)
    files = images(6)
    kinds = (EncapsulatedPDFStorage, "1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.88.33")
    for path, kind in zip(files, (*kinds, *kinds), strict=True):
        changed = dcmread(path)
        changed.SOPClassUID = changed.file_meta.MediaStorageSOPClassUID = UID(kind)
        changed.save_as(path)
    with listen() as here:
        assert {one.state for one in store(files, peer=here.peer)} == {"stored"}
        assert len(here.inbox.instances()) == 6


def test_what_is_kept_is_committed_and_what_is_not_is_not(listen: Listen, images: Images) -> None:
    with listen() as here:
        store(images(3), peer=here.peer)
        kept = here.inbox.instances()
        kept[1].path.write_bytes(b"the disk has changed it")
        kept[2].path.unlink()
        asked = [
            SentInstance(sop_class_uid=one.sop_class_uid, sop_instance_uid=one.sop_instance_uid)
            for one in kept
        ]
        asked.append(SentInstance(sop_class_uid=UltrasoundImageStorage, sop_instance_uid="1.9"))
        asked.append(
            SentInstance(
                sop_class_uid=EncapsulatedPDFStorage, sop_instance_uid=kept[0].sop_instance_uid
            )
        )
        answer = request_commitment(asked[:4], peer=here.peer)
        assert [one.state for one in answer.outcomes] == ["committed", *["failed"] * 3]
        assert answer.outcomes[3].words == "no such instance there"
        (conflict,) = request_commitment(asked[4:], peer=here.peer).outcomes
        assert conflict.words == "class and instance do not belong together"


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("Orthanc") is None, reason="orthanc is not installed")
def test_orthanc_stores_and_commits_over_a_line_of_its_own(
    orthanc: Any, listen: Listen, images: Images
) -> None:
    files = images(3)
    archive = DicomPeer(ae_title="ARCHIVE", host="127.0.0.1", port=orthanc.dicom)
    with listen(port=orthanc.report_port) as here:
        assert {one.state for one in store(files, peer=archive)} == {"stored"}
        sent = [
            SentInstance(sop_class_uid=one.SOPClassUID, sop_instance_uid=one.SOPInstanceUID)
            for one in map(dcmread, files)
        ]
        sent.append(SentInstance(sop_class_uid=UltrasoundImageStorage, sop_instance_uid="1.9"))
        asked = request_commitment(sent, peer=archive, inbox=here.inbox, wait_s=30)
        assert [one.state for one in asked.outcomes] == [*["committed"] * 3, "failed"]
        later = commitment_answers(asked.transaction_uid, sent, inbox=here.inbox)
        assert later == asked


@pytest.mark.network
@pytest.mark.skipif(shutil.which("storescp") is None, reason="dcmtk is not installed")
def test_dcmtk_receives_every_syntax_as_it_is(
    tmp_path: Path, images: Images, transcode: Callable[..., Path], free_port: Callable[[], int]
) -> None:
    files = images(2, StudyInstanceUID=generate_uid())
    files.append(transcode(files[0], "JPEGLosslessProcess14_1"))
    changed = dcmread(files[2])
    changed.SOPInstanceUID = changed.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    changed.save_as(files[2])
    port, kept = free_port(), tmp_path / "kept"
    kept.mkdir()
    receiver = subprocess.Popen(
        ["storescp", "--fork", "+xa", "-od", str(kept), "-aet", "ARCHIVE", str(port)],
        env={**os.environ, "TCP_NODELAY": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peer = DicomPeer(ae_title="ARCHIVE", host="127.0.0.1", port=port)
    try:
        _wait_for(peer)
        assert {one.state for one in store(files, peer=peer)} == {"stored"}
    finally:
        receiver.terminate()
        receiver.wait(timeout=30)
    back = {one.SOPInstanceUID: one for one in map(dcmread, kept.iterdir())}
    for path in files:
        assert back[dcmread(path).SOPInstanceUID] == dcmread(path)


def _wait_for(peer: DicomPeer) -> None:
    import threading

    for _ in range(100):
        try:
            echo(peer)
        except TemporaryFailure:
            threading.Event().wait(0.1)
        else:
            return
    pytest.fail("the receiver did not start")
