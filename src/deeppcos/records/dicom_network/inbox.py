"""What peers send us, kept so that nothing acknowledged is ever lost.

Owns the files of the inbox and when things are durable: a file gets its final name; its content,
its name and its row in the index are forced to the disk; only when all three are may the sender
hear "success". A file without a row was never acknowledged and is overwritten when it comes again.
Several arrivals at once share one commit. No network here.

    inbox/studies/STUDY/SOP.dcm         the study, ready to be opened
    inbox/conflicts/STUDY/SOP.HASH.dcm  other contents under a UID that was taken
    inbox/quarantine/HASH.dcm           what cannot be used, with its reason in the index
    inbox/incoming/                     half received; emptied by the next that receives
"""

import datetime as dt
import os
import sqlite3
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_network.arrival import Announced, Arrival, Described, usable_uid
from deeppcos.records.dicom_network.inbox_index import InboxIndex
from deeppcos.records.dicom_network.kept import (
    ARRIVING,
    InboxLimits,
    InboxStudy,
    Keeping,
    Kept,
    KeptInstance,
    Quarantined,
)
from deeppcos.records.dicom_network.receiver_claim import claimed_by_this_process
from deeppcos.records.dicom_network.whole import is_whole
from deeppcos.records.on_disk import force_file_to_disk, force_folder_to_disk

FLUSHING_THREADS = 4


@dataclass(slots=True)
class _Waiting:
    """An arrival that waits for the next commit."""

    arrival: Arrival
    described: Described
    content: Future[None]  # on its way to the disk
    kept: Kept | None = None
    error: TemporaryFailure | None = None
    changed_folders: set[Path] = field(default_factory=set)


class Inbox:
    """A folder that keeps what arrives; any number may read it, one process may receive.

    Args:
        folder: The folder; made when absent.
        limits: What it takes.
    """

    def __init__(self, folder: str | Path, *, limits: InboxLimits | None = None) -> None:
        self.folder = Path(folder).resolve()
        self.limits = limits or InboxLimits()
        for name in ("studies", "conflicts", "quarantine", "incoming"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._index = InboxIndex(self.folder)
        self._commit_lock, self._waiting_lock = threading.Lock(), threading.Lock()
        self._waiting: list[_Waiting] = []
        self._unsettled: list[int] = []  # rows of the last commit
        self._receiver: sqlite3.Connection | None = None
        self._receiver_lock = threading.Lock()
        self._set_aside_bytes = -1  # in quarantine; counted when first needed
        self._flushers = ThreadPoolExecutor(FLUSHING_THREADS, thread_name_prefix="inbox-flush")

    def __enter__(self) -> "Inbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index, and of the right to receive."""
        self._flushers.shutdown()
        if self._unsettled:
            with self._index.commit():
                self._index.settle(self._unsettled)
        self._index.close()
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None

    def instances(self, study_instance_uid: str | None = None) -> tuple[KeptInstance, ...]:
        """Every instance kept, or those of a study, in order of arrival, conflicts included."""
        return self._index.instances(study_instance_uid)

    def studies(self, *, state: str | None = None) -> tuple[InboxStudy, ...]:
        """Every study, the oldest first.

        Args:
            state: Only those marked so.
        """
        return (
            self._index.studies() if state is None else self._index.studies("state = ?", (state,))
        )

    def quiet_studies(self, seconds: float) -> tuple[InboxStudy, ...]:
        """Studies still ``arriving`` of which nothing new has come for a while.

        Args:
            seconds: How long a while is.

        Returns:
            Them, the oldest first.
        """
        until = dt.datetime.now(dt.UTC).timestamp() - seconds
        return self._index.studies("state = ? AND last_received <= ?", (ARRIVING, until))

    def mark(self, study: InboxStudy | str, state: str) -> bool:
        """Mark a study as taken further; the next new image makes it ``arriving`` again.

        Args:
            study: The study as it was read, or its UID. A record is not marked when more of it
                came since it was read.
            state: Any word.

        Returns:
            Whether it was marked.
        """
        uid = study if isinstance(study, str) else study.study_instance_uid
        count = None if isinstance(study, str) else study.instances
        with self._index.commit():
            return self._index.set_state(uid, state, instances=count)

    def quarantined(self) -> tuple[Quarantined, ...]:
        """What could not be kept and why, in order of arrival."""
        return self._index.quarantined()

    def add_commitments(self, transaction_uid: str, answers: dict[str, tuple[bool, str]]) -> None:
        """Remember a peer's answer to a commitment request: UID to verdict and words."""
        with self._index.commit():
            self._index.add_commitments(transaction_uid, answers)

    def commitments(self, transaction_uid: str) -> dict[str, tuple[bool, str]]:
        """What a peer has answered to a commitment request so far."""
        return self._index.commitments(transaction_uid)

    def with_uid(self, sop_instance_uid: str) -> tuple[KeptInstance, ...]:
        """Every instance kept under a SOP Instance UID, the first first."""
        return self._index.with_uid(sop_instance_uid)

    def become_receiver(self) -> None:
        """Claim the right to receive, and empty what was half received before.

        Raises:
            InvalidInput: If another process receives into this folder.
        """
        with self._receiver_lock:
            if self._receiver is None:
                self._receiver = self._claimed()

    def _claimed(self) -> sqlite3.Connection:
        """The lock of the one that receives; what was half received before is emptied."""
        receiver = claimed_by_this_process(self.folder)
        for left in (self.folder / "incoming").iterdir():
            left.unlink()
        self._check_unsettled()
        return receiver

    def _check_unsettled(self) -> None:
        """After a power cut: rows whose file did not reach the disk were never acknowledged."""
        unsettled = self._index.unsettled()
        broken = []
        for row, instance in unsettled:
            if is_whole(instance):
                force_file_to_disk(instance.path)
                force_folder_to_disk(instance.path.parent)
            else:
                broken.append(row)
        if not unsettled:
            return
        with self._index.commit():
            self._index.forget(broken)
            self._index.settle([row for row, _ in unsettled])

    def arrival(self, announced: Announced, *, unstated_character_set: str = "") -> Arrival:
        """Begin to receive an instance.

        Args:
            announced: What the sender says of it.
            unstated_character_set: As ``Arrival`` takes it.

        Returns:
            Where to write its data set; then give it to ``keep``.
        """
        self.become_receiver()
        return Arrival(
            announced,
            folder=self.folder / "incoming",
            limits=self.limits,
            unstated_character_set=unstated_character_set,
        )

    def keep(self, arrival: Arrival) -> Kept:
        """Keep a finished arrival. When this returns, it is durable.

        Args:
            arrival: All of it written.

        Returns:
            What became of it.

        Raises:
            TemporaryFailure: If it could not be kept now; nothing of it is left.
        """
        try:
            usable_uid(arrival.announced.sop_instance_uid, "SOPInstanceUID")
            # Its content goes to the disk while its header is read.
            content = self._flushers.submit(arrival.force_to_disk)
            waiting = _Waiting(arrival, arrival.described(), content)
        except InvalidInput as error:
            return self._quarantine(arrival, str(error))
        except TemporaryFailure:
            arrival.discard()
            raise
        with self._waiting_lock:
            self._waiting.append(waiting)
        with self._commit_lock:
            # Whoever comes first commits for all that wait; the others find it done.
            if waiting.kept is None and waiting.error is None:
                with self._waiting_lock:
                    batch, self._waiting = self._waiting, []
                self._commit(batch)
        arrival.discard()
        if waiting.kept is None:
            raise waiting.error or TemporaryFailure("the instance could not be kept")
        return waiting.kept

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            self._make_durable(self._named(batch))
        except (OSError, sqlite3.Error) as error:
            for one in batch:
                one.kept = None
                one.error = TemporaryFailure("the instance could not be kept", value=str(error))

    def _make_durable(self, fresh: list[_Waiting]) -> None:
        """Files, folders and rows to the disk, side by side: it joins flushes that come together.

        A row may so be on the disk a moment before its file. It stays "unsettled" until the next
        commit, and whoever receives next looks at the files of unsettled rows first.
        """
        kept = [(one.kept.instance, one) for one in fresh if one.kept and one.kept.instance]
        if not kept:
            return
        flushes = [one.content for one in fresh]
        for folder in {folder for one in fresh for folder in one.changed_folders}:
            flushes.append(self._flushers.submit(force_folder_to_disk, folder))
        rows: list[int] = []
        try:
            with self._index.commit():
                self._index.settle(self._unsettled)
                rows += [self._index.add_instance(i, one.described.study) for i, one in kept]
        finally:
            problems = [flush.exception() for flush in flushes]
        self._unsettled = rows
        for problem in filter(None, problems):
            with self._index.commit():
                self._index.forget(rows)
            raise problem

    def _named(self, batch: Iterable[_Waiting]) -> list[_Waiting]:
        """Give the files that are to be kept their final names; the others are identical ones."""
        fresh: list[_Waiting] = []
        for one in batch:
            uid, digest = one.arrival.announced.sop_instance_uid, one.described.sha256
            before = [*self._index.with_uid(uid), *_of(fresh, uid)]
            same = next((other for other in before if other.sha256 == digest), None)
            if same is not None:
                one.kept = Kept(keeping=Keeping.IDENTICAL, instance=same)
                continue
            one.kept = self._placed(one, conflicts_with=before[0] if before else None)
            fresh.append(one)
        return fresh

    def _placed(self, one: _Waiting, *, conflicts_with: KeptInstance | None) -> Kept:
        announced, described = one.arrival.announced, one.described
        study, uid = described.study_instance_uid, announced.sop_instance_uid
        if conflicts_with is None:
            path = self.folder / "studies" / study / f"{uid}.dcm"
        else:
            path = self.folder / "conflicts" / study / f"{uid}.{described.sha256[:16]}.dcm"
        if not path.parent.is_dir():
            path.parent.mkdir()
            one.changed_folders.add(path.parent.parent)
        one.changed_folders.add(path.parent)
        os.replace(one.arrival.path, path)
        instance = KeptInstance(
            path=path,
            sop_class_uid=announced.sop_class_uid,
            sop_instance_uid=uid,
            study_instance_uid=study,
            series_instance_uid=described.series_instance_uid,
            transfer_syntax=announced.transfer_syntax,
            modality=described.modality,
            sha256=described.sha256,
            size_bytes=described.size_bytes,
            received=dt.datetime.now(dt.UTC),
            sender=announced.sender,
            is_conflict=conflicts_with is not None,
        )
        if conflicts_with is None:
            return Kept(keeping=Keeping.NEW, instance=instance)
        reason = f"another content came under this UID at {conflicts_with.received:%Y-%m-%d %H:%M}"
        return Kept(keeping=Keeping.CONFLICT, instance=instance, reason=reason)

    def _quarantine(self, arrival: Arrival, reason: str) -> Kept:
        """Set aside what cannot be used; where there is no room for it, keep only the reason."""
        path = self.folder / "quarantine" / f"{arrival.sha256}.dcm"
        has_room = arrival.is_on_disk and self._quarantine_has_room(arrival.size_bytes)
        if has_room:
            os.replace(arrival.path, path)
        arrival.discard()
        one = Quarantined(
            path=path if has_room else None,
            sop_instance_uid=arrival.announced.sop_instance_uid[:64],
            reason=reason,
            size_bytes=arrival.size_bytes,
            received=dt.datetime.now(dt.UTC),
            sender=arrival.announced.sender,
        )
        with self._index.commit():
            self._index.add_quarantined(one)
        return Kept(keeping=Keeping.QUARANTINED, reason=reason)

    def _quarantine_has_room(self, size_bytes: int) -> bool:
        with self._receiver_lock:
            if self._set_aside_bytes < 0:
                files = (self.folder / "quarantine").iterdir()
                self._set_aside_bytes = sum(one.stat().st_size for one in files)
            if self._set_aside_bytes + size_bytes > self.limits.quarantine_bytes:
                return False
            self._set_aside_bytes += size_bytes
            return True


def _of(fresh: list[_Waiting], uid: str) -> list[KeptInstance]:
    found = [one.kept.instance for one in fresh if one.kept and one.kept.instance]
    return [instance for instance in found if instance.sop_instance_uid == uid]
