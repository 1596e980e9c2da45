"""Receiving: what senders hear, and what lies on the disk when they hear it."""

import io
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import UID

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_network import (
    Inbox,
    InboxLimits,
    Keeping,
    ListenSettings,
    echo,
    listening,
    store,
)

pytest.importorskip("pynetdicom", reason="the records extra is not installed")

Images = Callable[..., list[Path]]
Listen = Callable[..., Any]


def test_an_echo_is_answered(listen: Listen) -> None:
    with listen() as here:
        echo(here.peer)


def test_what_is_stored_is_kept_byte_for_byte(listen: Listen, images: Images) -> None:
    sent = images(3, PatientID="P-1", AccessionNumber="A-1")
    with listen() as here:
        outcomes = store(sent, peer=here.peer)
        kept = here.inbox.instances()
    assert [one.state for one in outcomes] == ["stored"] * 3
    assert [kept_one.sop_instance_uid for kept_one in kept] == [
        dcmread(path).SOPInstanceUID for path in sent
    ]
    for path, one in zip(sent, kept, strict=True):
        data_set = path.read_bytes()[-one.size_bytes :]
        assert one.path.read_bytes().endswith(data_set)
        assert dcmread(one.path) == dcmread(path)
        assert one.sender.ae_title == "DEEPPCOS"
    assert [one.keeping for one in here.kept] == [Keeping.NEW] * 3


def test_a_study_is_quiet_until_more_of_it_comes(listen: Listen, images: Images) -> None:
    first, second = (
        images(1, StudyInstanceUID="1.2.9"),
        images(1, first=9, StudyInstanceUID="1.2.9"),
    )
    with listen() as here:
        store(first, peer=here.peer)
        assert here.inbox.quiet_studies(60) == ()
        (study,) = here.inbox.quiet_studies(0)
        assert (study.study_instance_uid, study.instances) == ("1.2.9", 1)
        store(second, peer=here.peer)
        assert not here.inbox.mark(study, "taken")  # it has grown since it was looked at
        (grown,) = here.inbox.quiet_studies(0)
        assert here.inbox.mark(grown, "taken")
        assert here.inbox.quiet_studies(0) == ()
        store(images(1, first=17, StudyInstanceUID="1.2.9"), peer=here.peer)
        (again,) = here.inbox.quiet_studies(0)
        assert again.instances == 3


def test_a_title_that_may_not_call_is_refused(listen: Listen) -> None:
    with listen(allowed_ae_titles=("US1",)) as here:
        with pytest.raises(InvalidInput, match="Calling AE title not recognised"):
            echo(here.peer)
        echo(replace(here.peer, own_ae_title="US1"))


def test_a_call_for_somebody_else_is_refused(listen: Listen) -> None:
    with listen() as here, pytest.raises(InvalidInput, match="Called AE title not recognised"):
        echo(replace(here.peer, ae_title="OTHER"))


def test_an_address_that_may_not_connect_is_cut_off(listen: Listen) -> None:
    with listen(allowed_addresses=("10.1.0.0/16",)) as here, pytest.raises(TemporaryFailure):
        echo(here.peer)


def test_one_association_too_many_hears_to_come_later(listen: Listen) -> None:
    from pynetdicom.ae import ApplicationEntity

    with listen(most_associations=1) as here:
        entity = ApplicationEntity("US1")
        entity.add_requested_context("1.2.840.10008.1.1")
        held = entity.associate("127.0.0.1", here.running.port, ae_title="DEEPPCOS")
        assert held.is_established
        with pytest.raises(TemporaryFailure, match="Local limit exceeded"):
            echo(here.peer)
        held.release()


def test_an_instance_over_the_limit_is_refused_in_words(listen: Listen, images: Images) -> None:
    with listen(limits=InboxLimits(largest_instance_bytes=500)) as here:
        (outcome,) = store(images(), peer=here.peer)
        (aside,) = here.inbox.quarantined()
        assert here.inbox.instances() == ()
    assert outcome.state == "refused"
    assert "too large" in outcome.words
    assert aside.path is None
    assert "accepted: up to 500 bytes" in aside.reason
    assert list((here.inbox.folder / "incoming").iterdir()) == []


def test_a_full_disk_postpones_and_loses_nothing(listen: Listen, images: Images) -> None:
    sent = images()
    with listen(limits=InboxLimits(free_disk_bytes=1 << 60)) as here:
        with pytest.raises(TemporaryFailure, match="0xA700"):
            store(sent, peer=here.peer)
        assert here.inbox.instances() == ()
        assert list((here.inbox.folder / "incoming").iterdir()) == []
    with listen() as here:
        (outcome,) = store(sent, peer=here.peer)
        assert outcome.state == "stored"


def test_an_instance_of_no_study_is_quarantined_with_its_reason(
    listen: Listen, images: Images
) -> None:
    with listen() as here:
        (outcome,) = store(images(StudyInstanceUID=None), peer=here.peer)
        (aside,) = here.inbox.quarantined()
        assert here.inbox.studies() == ()
    assert outcome.state == "refused"
    assert "StudyInstanceUID cannot be used" in outcome.words
    assert aside.path is not None
    assert aside.path.is_file()
    assert aside.sender.address == "127.0.0.1"


def test_a_uid_that_would_leave_the_folder_is_quarantined(listen: Listen, images: Images) -> None:
    (path,) = images()
    image = dcmread(path)
    image["StudyInstanceUID"]._value = "../../../outside"
    image.save_as(path)
    with listen() as here:
        (outcome,) = store([path], peer=here.peer)
        assert here.inbox.studies() == ()
    assert outcome.state == "refused"


def test_another_instance_than_announced_is_quarantined(listen: Listen, images: Images) -> None:
    (path,) = images()
    image = dcmread(path)
    image.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4.5")
    image.save_as(path)
    with listen() as here:
        (outcome,) = store([path], peer=here.peer)
    assert outcome.state == "refused"
    assert "SOPInstanceUID is not the one announced" in outcome.words


def test_a_line_that_drops_in_the_middle_leaves_nothing(listen: Listen, images: Images) -> None:
    from pynetdicom.dimse_messages import C_STORE_RQ

    from deeppcos.records.dicom_network.associations import associated
    from deeppcos.records.dicom_network.sendable import sendable_file
    from deeppcos.records.dicom_network.sending import _contexts

    (path,) = images()
    with listen(idle_s=3) as here:
        with associated(here.peer, _contexts([sendable_file(path)])) as association:
            message = C_STORE_RQ()
            commands = message.command_set
            commands.AffectedSOPClassUID = dcmread(path).SOPClassUID
            commands.AffectedSOPInstanceUID = dcmread(path).SOPInstanceUID
            commands.CommandField, commands.CommandDataSetType = 1, 1
            commands.MessageID, commands.Priority = 1, 0
            message.data_set = io.BytesIO(bytes(4000))
            units = list(message.encode_msg(association.accepted_contexts[0].context_id or 0, 1000))
            for unit in units[:-1]:
                association.dul.send_pdu(unit)
            _wait(lambda: list((here.inbox.folder / "incoming").iterdir()) != [])
            association.abort()
        _wait(lambda: list((here.inbox.folder / "incoming").iterdir()) == [])
        assert here.inbox.instances() == ()
        assert here.inbox.quarantined() == ()
        echo(here.peer)


def _wait(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    done = threading.Event()
    for _ in range(int(seconds * 20)):
        if holds():
            return
        done.wait(0.05)
    pytest.fail("it did not come to pass")


def test_news_that_cannot_be_handled_changes_nothing_for_the_sender(
    tmp_path: Path, images: Images
) -> None:
    from deeppcos.records.dicom_network import DicomPeer

    def fail(_: object) -> None:
        raise RuntimeError("the desk is closed")

    settings = ListenSettings(host="127.0.0.1", port=0)
    with Inbox(tmp_path / "in") as inbox, listening(settings, inbox, on_kept=fail) as running:
        peer = DicomPeer(ae_title="DEEPPCOS", host="127.0.0.1", port=running.port)
        (outcome,) = store(images(), peer=peer)
        assert outcome.state == "stored"
        assert len(inbox.instances()) == 1


def test_two_processes_do_not_receive_into_one_folder(tmp_path: Path) -> None:
    settings = ListenSettings(host="127.0.0.1", port=0)
    with (
        Inbox(tmp_path) as first,
        Inbox(tmp_path) as second,
        listening(settings, first),
        pytest.raises(InvalidInput, match="another process receives"),
        listening(settings, second),
    ):
        pass


def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = ListenSettings(host="127.0.0.1", port=taken.getsockname()[1])
        with (
            Inbox(tmp_path) as inbox,
            pytest.raises(InvalidInput, match="cannot listen on"),
            listening(settings, inbox),
        ):
            pass


@pytest.mark.network
@pytest.mark.skipif(shutil.which("storescu") is None, reason="dcmtk is not installed")
def test_dcmtk_echoes_and_stores(listen: Listen, images: Images) -> None:
    sent = images(4)
    with listen() as here:
        for command in (["echoscu"], ["storescu", "-R"]):
            files = [str(path) for path in sent] if command[0] == "storescu" else []
            done = subprocess.run(
                [*command, "-aec", "DEEPPCOS", "127.0.0.1", str(here.running.port), *files],
                env={**os.environ, "TCP_NODELAY": "1"},
                capture_output=True,
                encoding="utf-8",
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
        (study,) = here.inbox.studies()
        assert study.instances == 4
        for path, one in zip(sent, here.inbox.instances(), strict=True):
            assert dcmread(one.path) == dcmread(path)


@pytest.mark.parametrize(
    ("encoding", "syntax"),
    [
        ("JPEGLosslessProcess14_1", "1.2.840.10008.1.2.4.70"),
        ("RLELossless", "1.2.840.10008.1.2.5"),
        ("JPEG2000Lossless", "1.2.840.10008.1.2.4.90"),
    ],
    ids=["jpeg-lossless", "rle", "jpeg-2000"],
)
def test_a_compressed_image_stays_as_it_was_compressed(
    listen: Listen, images: Images, transcode: Callable[..., Path], encoding: str, syntax: str
) -> None:
    compressed = transcode(images()[0], encoding)
    with listen() as here:
        (outcome,) = store([compressed], peer=here.peer)
        (one,) = here.inbox.instances()
    assert outcome.state == "stored"
    assert one.transfer_syntax == syntax
    assert dcmread(one.path) == dcmread(compressed)
