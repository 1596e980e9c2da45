"""A backup of a connected desk: what was acknowledged is there after a restore."""

import threading
from pathlib import Path

import pytest
from tests.app.web.upkeep.test_backup import _deeppcos, _django
from tests.records.dicom_results.conftest import write_image

pytest.importorskip("pynetdicom", reason="the records extra is not installed")

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import NewItem
from deeppcos.app.web.upkeep import connections_copy
from deeppcos.records.dicom_network import DicomPeer, Inbox, ListenSettings, listening, store

PREPARE = "prepare()\n"
MERGE = """
from django.utils import timezone
from deeppcos.app.web.connections.merging import merge_table
from deeppcos.records.identifiers import MergeEvent, MergeKind, PatientIdentifier
from deeppcos.app.web.models import Site
old, new = (PatientIdentifier(issuer=Site.objects.get().slug, value=v) for v in ("P-1", "P-9"))
merge_table().append(MergeEvent(kind=MergeKind.MERGE, retired=old, surviving=new,
                                told_at=timezone.now(), told_by="7"))
"""
TAKE_IN = """
from pathlib import Path
from deeppcos.app.connections.settings import connections_from
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.working import look_once
from deeppcos.app.web.models import Study
from deeppcos.records.dicom_network import Inbox
told = connections_from({}, Path("connections.toml"))
with Inbox(places.inbox_folder()) as inbox:
    look_once(inbox, places.outbox(), told)
for study in Study.objects.filter(is_example=False):
    print(study.accession, study.patient.identifier, study.images.count(), study.jobs.count())
"""


def _send(files: list[Path], port: int) -> list[str]:
    """Store files; gives those that were acknowledged."""
    peer = DicomPeer(ae_title="DEEPPCOS", host="127.0.0.1", port=port, timeout_s=60)
    return [str(one.path) for one in store(files, peer=peer) if one.state == "stored"]


@pytest.mark.slow
@pytest.mark.network
def test_an_acknowledged_image_that_nobody_has_analysed_is_there_after_a_restore(
    tmp_path: Path,
) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "clinic.tar.gz"
    _django(old, PREPARE + MERGE)
    waits = Outbox(old / "connections")
    payload = waits.payloads.keep(b"a message", name="message.hl7")
    item = NewItem(what="hl7", peer="engine", files=(payload,))
    waits.put("signed:1", [item], study="1", about="A-1")
    first = [write_image(tmp_path / f"{n}.dcm", number=n, side="L") for n in (1, 2)]
    is_over = threading.Event()

    def keep_sending(port: int) -> None:
        for number in range(3, 3000):
            if is_over.is_set():
                return
            _send([write_image(tmp_path / "more.dcm", number=number, side="R")], port)

    settings = ListenSettings(port=0, host="127.0.0.1")
    with Inbox(old / "connections/inbox") as inbox, listening(settings, inbox) as listener:
        assert len(_send(first, listener.port)) == 2
        streaming = threading.Thread(target=keep_sending, args=(listener.port,))
        streaming.start()
        try:
            made = _deeppcos(old, "backup", str(file))
        finally:
            is_over.set()
            streaming.join(timeout=120)
        received = len(inbox.instances())
    assert made.returncode == 0, made.stderr
    back = _deeppcos(new, "restore", str(file))
    assert back.returncode == 0, back.stderr
    with Inbox(new / "connections/inbox") as inbox:
        kept = {one.sop_instance_uid.rpartition(".")[2]: one for one in inbox.instances()}
        assert {"1", "2"} <= set(kept), "acknowledged before the backup began"
        assert len(kept) < received, "images came while it was made"
        assert all(one.path.is_file() for one in kept.values()), "no row without its file"
        assert [one.state for one in inbox.studies()] == ["arriving"]
    restored = Outbox(new / "connections")
    [again] = restored.items()
    assert restored.payloads.path(again.files[0]).read_bytes() == b"a message"
    assert (new / "connections").stat().st_mode & 0o077 == 0
    assert _django(new, TAKE_IN) == f"A-77 P-9 {len(kept)} 1\n", "taken in, and to the patient"


def test_what_is_half_received_or_half_written_stays_behind(tmp_path: Path) -> None:
    folder = tmp_path / "connections"
    for name in ("inbox/studies/1/1.dcm", "inbox/incoming/x.part", "payloads/.abc.1", "payloads/a"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    assert [one.name for one in connections_copy.received_files(tmp_path)] == ["1.dcm"]
    assert [one.name for one in connections_copy.waiting_files(tmp_path)] == ["a"]


def test_tables_are_copied_while_somebody_writes_them_and_missing_ones_left_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "copies").mkdir()
    waits = Outbox(tmp_path / "connections")
    with waits.base.writing() as base:
        base.execute("INSERT INTO events VALUES ('signed:1', '1', 0)")
        names = connections_copy.AFTER_THE_DATA_BASE
        copied = dict(connections_copy.copied_tables(tmp_path, names, tmp_path / "copies"))
        again = dict(
            connections_copy.copied_tables(
                tmp_path, connections_copy.BEFORE_THE_DATA_BASE, tmp_path / "copies"
            )
        )
    assert list(copied) == ["connections/outbox.sqlite3"]
    assert again == {}
    other = tmp_path / "other"
    other.mkdir()
    copied["connections/outbox.sqlite3"].rename(other / "outbox.sqlite3")
    assert not Outbox(other).has("signed:1"), "not committed when the copy was made"
    assert waits.has("signed:1")
