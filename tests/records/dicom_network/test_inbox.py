"""The inbox without a network: duplicates, conflicts, character sets, and the order of things."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from deeppcos.errors import TemporaryFailure
from deeppcos.records.dicom_network import Inbox, Keeping, Kept, Sender
from deeppcos.records.dicom_network.arrival import Announced
from deeppcos.records.dicom_network.kept import ONLY_CONFLICTS, InboxLimits

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"


def _data_set(syntax: str = EXPLICIT, **values: Any) -> bytes:
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = ULTRASOUND, "1.2.3"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2", "1.2.1"
    for keyword, value in values.items():
        setattr(image, keyword, value)
    stream = DicomBytesIO()
    stream.is_little_endian = syntax != ExplicitVRBigEndian
    stream.is_implicit_VR = syntax == IMPLICIT
    write_dataset(stream, image)
    return stream.getvalue()


def _keep(
    inbox: Inbox,
    data: bytes,
    *,
    uid: str = "1.2.3",
    syntax: str = EXPLICIT,
    unstated_character_set: str = "",
) -> Kept:
    arrival = inbox.arrival(
        Announced(
            sop_class_uid=ULTRASOUND,
            sop_instance_uid=uid,
            transfer_syntax=syntax,
            sender=Sender(ae_title="US1", address="10.0.0.9"),
        ),
        unstated_character_set=unstated_character_set,
    )
    arrival.write(data)
    return inbox.keep(arrival)


def test_an_identical_instance_is_stored_once(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        first, again = _keep(inbox, _data_set()), _keep(inbox, _data_set())
        assert (first.keeping, again.keeping) == (Keeping.NEW, Keeping.IDENTICAL)
        assert again.instance == inbox.instances()[0]
        assert len(inbox.instances()) == 1
        assert list((tmp_path / "incoming").iterdir()) == []


def test_another_content_under_the_same_uid_is_kept_apart_and_flagged(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        first = _keep(inbox, _data_set(PatientID="1"))
        other = _keep(inbox, _data_set(PatientID="2"))
        assert other.keeping is Keeping.CONFLICT
        assert "another content came under this UID" in other.reason
        assert _keep(inbox, _data_set(PatientID="2")).keeping is Keeping.IDENTICAL
        (study,) = inbox.studies()
        assert (study.instances, study.conflicts) == (1, 1)
        assert first.instance is not None
        assert other.instance is not None
        assert list(study.folder.iterdir()) == [first.instance.path]
        assert dcmread(other.instance.path).PatientID == "2"


def test_a_conflict_neither_makes_a_study_arrive_again_nor_appears_as_one(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        _keep(inbox, _data_set())
        inbox.mark("1.2", "taken")
        _keep(inbox, _data_set(PatientID="2"))
        _keep(inbox, _data_set(StudyInstanceUID="1.9"))
        assert [study.state for study in inbox.studies()] == ["taken", ONLY_CONFLICTS]
        assert inbox.quiet_studies(0) == ()


def test_two_senders_with_one_uid_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        contents = [_data_set(PatientID=str(number % 5)) for number in range(20)]
        kept: list[Kept] = []
        together = threading.Barrier(len(contents))

        def send(data: bytes) -> None:
            together.wait()
            kept.append(_keep(inbox, data))

        senders = [threading.Thread(target=send, args=(data,)) for data in contents]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        found = sorted(one.keeping for one in kept)
        assert found == sorted([Keeping.NEW] + [Keeping.CONFLICT] * 4 + [Keeping.IDENTICAL] * 15)
        assert {str(dcmread(one.path).PatientID) for one in inbox.instances()} == set("01234")


def test_success_comes_after_file_name_and_row_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        # The content goes while the header is read, so before or after the file has its name.
        is_content = path.suffix == ".part" or path.name == "1.2.3.dcm"
        done.append("content" if is_content else f"fsync {path.name}")
        fsync(descriptor)

    def note_replace(here: Path, there: Path) -> None:
        done.append("name")
        replace(here, there)

    with Inbox(tmp_path) as inbox:
        monkeypatch.setattr(os, "fsync", note_fsync)
        monkeypatch.setattr(os, "replace", note_replace)
        inbox._index._connection.set_trace_callback(
            lambda said: done.append(said) if said == "COMMIT" else None
        )
        _keep(inbox, _data_set())
        done.append("success")
        assert inbox._index._connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    every = ["COMMIT", "content", "fsync 1.2", "fsync studies", "name"]
    assert sorted(done[:5]) == every  # of the new folder too
    assert all(done.index("name") < done.index(f"fsync {one}") for one in ("1.2", "studies"))
    assert done[5] == "success"


def test_arrivals_at_once_share_a_commit(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        commits: list[str] = []
        inbox._index._connection.set_trace_callback(
            lambda said: commits.append(said) if said == "COMMIT" else None
        )
        inbox._commit_lock.acquire()
        senders = [
            threading.Thread(
                target=_keep,
                args=(inbox, _data_set(SOPInstanceUID=f"1.2.{number}")),
                kwargs={"uid": f"1.2.{number}"},
            )
            for number in range(6)
        ]
        for sender in senders:
            sender.start()
        while len(inbox._waiting) < 6:
            threading.Event().wait(0.01)
        inbox._commit_lock.release()
        for sender in senders:
            sender.join()
        assert commits == ["COMMIT"]
        assert len(inbox.instances()) == 6


def test_a_disk_that_fails_postpones_and_the_next_try_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Inbox(tmp_path) as inbox:
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", _no_disk)
            with pytest.raises(TemporaryFailure, match="could not be kept"):
                _keep(inbox, _data_set())
            assert inbox.instances() == ()
        assert _keep(inbox, _data_set()).keeping is Keeping.NEW


def test_after_a_power_cut_only_whole_files_are_claimed(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        for number in range(4):
            uid = f"1.2.{number}"
            data = _data_set(SOPInstanceUID=uid, StudyInstanceUID=f"1.{number}")
            _keep(inbox, data, uid=uid)
        acknowledged, *last = inbox.instances()
        inbox._unsettled = []  # as when the power fails before the next commit
        with inbox._index.commit():
            inbox._index._connection.execute("UPDATE instances SET is_settled = id < 2")
    last[0].path.write_bytes(last[0].path.read_bytes()[:-1])  # its end never reached the disk
    last[1].path.unlink()  # its name did not
    with Inbox(tmp_path) as inbox:
        inbox.become_receiver()
        assert inbox.instances() == (acknowledged, last[2])
        assert [study.study_instance_uid for study in inbox.studies()] == ["1.0", "1.3"]
        again = _data_set(SOPInstanceUID="1.2.1", StudyInstanceUID="1.1")
        assert _keep(inbox, again, uid="1.2.1").keeping is Keeping.NEW


def _no_disk(_: int) -> None:
    raise OSError(5, "Input/output error")


def test_what_was_half_received_is_gone_after_a_restart(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        arrival = inbox.arrival(
            Announced(
                sop_class_uid=ULTRASOUND,
                sop_instance_uid="1.2.3",
                transfer_syntax=EXPLICIT,
                sender=Sender(),
            )
        )
        arrival.write(b"half")
        arrival.close()
        assert len(list((tmp_path / "incoming").iterdir())) == 1
    with Inbox(tmp_path) as inbox:
        assert len(list((tmp_path / "incoming").iterdir())) == 1  # a reader touches nothing
        inbox.become_receiver()
        assert list((tmp_path / "incoming").iterdir()) == []


def test_a_quarantine_that_is_full_keeps_the_reason(tmp_path: Path) -> None:
    with Inbox(tmp_path, limits=InboxLimits(quarantine_bytes=100)) as inbox:
        _keep(inbox, b"\x08\x00" * 400)
        (aside,) = inbox.quarantined()
        assert (aside.path, aside.size_bytes) == (None, 800)
        assert aside.reason


def test_opening_again_finds_everything(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        _keep(inbox, _data_set(AccessionNumber="A-9", PatientBirthDate="19990203"))
    with Inbox(tmp_path) as inbox:
        (study,) = inbox.studies()
        assert study.accession_number == "A-9"
        assert str(study.birth_date) == "1999-02-03"
        assert inbox.instances("1.2")[0].sender == Sender(ae_title="US1", address="10.0.0.9")


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        ("GBK", "Zhang^XiaoDong=张^小东"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 126", "Διονυσιος"),
        ("ISO_IR 127", "قباني^لنزار"),
        ("ISO_IR 148", "Çavuşoğlu"),
        ("ISO_IR 166", "ไทย^คน"),
        ("ISO_IR 100", "Äneas^Rüdiger"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else None,
)
def test_a_name_is_read_in_its_character_set(
    tmp_path: Path, character_set: str | list[str], name: str
) -> None:
    with Inbox(tmp_path) as inbox:
        _keep(inbox, _data_set(SpecificCharacterSet=character_set, PatientName=name))
        assert inbox.studies()[0].patient_name == name


def test_a_name_beyond_ascii_without_a_character_set_is_unknown(tmp_path: Path) -> None:
    data = _data_set(SpecificCharacterSet="ISO_IR 144", PatientName="Анна")
    start = data.index(b"\x08\x00\x05\x00")
    with Inbox(tmp_path) as inbox:
        _keep(inbox, data[:start] + data[start + 8 + 10 :])
        assert inbox.studies()[0].patient_name is None


@pytest.mark.parametrize(
    ("stated_at_the_site", "character_set", "name"),
    [
        ("ISO_IR 148", "ISO_IR 148", "Çavuşoğlu^Ayşe"),
        ("ISO_IR 192", "ISO_IR 192", "Wang^XiaoDong=王^小東"),
        ("\\ISO 2022 IR 87", ["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ],
    ids=["Turkish", "UTF-8", "Japanese"],
)
def test_a_name_whose_character_set_only_the_site_states_is_read_in_it(
    tmp_path: Path, stated_at_the_site: str, character_set: str | list[str], name: str
) -> None:
    data = _data_set(SpecificCharacterSet=character_set, PatientName=name, PatientID="P-1")
    start = data.index(b"\x08\x00\x05\x00")
    length = int.from_bytes(data[start + 6 : start + 8], "little")
    unstated = data[:start] + data[start + 8 + length :]
    with Inbox(tmp_path) as inbox:
        _keep(inbox, unstated, unstated_character_set=stated_at_the_site)
        [study] = inbox.studies()
        assert study.patient_name == name
        assert study.patient_id == "P-1"
        [kept] = inbox.instances()
        assert kept.path.read_bytes().endswith(unstated), "the file stays as it came"


def test_what_an_image_states_counts_before_what_the_site_does(tmp_path: Path) -> None:
    data = _data_set(SpecificCharacterSet="ISO_IR 144", PatientName="Анна")
    with Inbox(tmp_path) as inbox:
        _keep(inbox, data, unstated_character_set="ISO_IR 148")
        assert inbox.studies()[0].patient_name == "Анна"


@pytest.mark.parametrize("syntax", [IMPLICIT, ExplicitVRBigEndian, "deflated"])
def test_every_uncompressed_encoding_is_read(tmp_path: Path, syntax: str) -> None:
    import zlib

    data = _data_set(EXPLICIT if syntax == "deflated" else syntax, PatientID="P-1")
    if syntax == "deflated":
        syntax = DeflatedExplicitVRLittleEndian
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data = packer.compress(data) + packer.flush()
    with Inbox(tmp_path) as inbox:
        assert _keep(inbox, data, syntax=syntax).keeping is Keeping.NEW
        assert inbox.studies()[0].patient_id == "P-1"
        assert dcmread(inbox.instances()[0].path).PatientID == "P-1"
