"""The inbox's index: one SQLite file that says what is kept.

Owns the tables and their queries. A row is on the disk when ``commit`` returns: write-ahead log,
synchronous FULL. Files are the business of ``inbox``.
"""

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deeppcos.records.dicom_network.kept import (
    ARRIVING,
    ONLY_CONFLICTS,
    InboxStudy,
    KeptInstance,
    Quarantined,
    Sender,
)

BUSY_SECONDS = 30.0

_TABLES = """
CREATE TABLE IF NOT EXISTS studies (
    study_instance_uid TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    first_received REAL NOT NULL,
    last_received REAL NOT NULL,
    patient_name TEXT, patient_id TEXT, issuer_of_patient_id TEXT, birth_date TEXT, sex TEXT,
    accession_number TEXT, study_date TEXT, description TEXT, last_menstrual_date TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS instances (
    id INTEGER PRIMARY KEY,
    sop_instance_uid TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    sop_class_uid TEXT NOT NULL,
    study_instance_uid TEXT NOT NULL REFERENCES studies,
    series_instance_uid TEXT NOT NULL,
    transfer_syntax TEXT NOT NULL,
    modality TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    received REAL NOT NULL,
    ae_title TEXT NOT NULL,
    address TEXT NOT NULL,
    is_conflict INTEGER NOT NULL,
    is_settled INTEGER NOT NULL,
    UNIQUE (sop_instance_uid, sha256)
);
CREATE INDEX IF NOT EXISTS instances_of_study ON instances (study_instance_uid);
CREATE INDEX IF NOT EXISTS unsettled_instances ON instances (id) WHERE NOT is_settled;
CREATE TABLE IF NOT EXISTS quarantine (
    id INTEGER PRIMARY KEY,
    path TEXT, sop_instance_uid TEXT NOT NULL, reason TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, received REAL NOT NULL,
    ae_title TEXT NOT NULL, address TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS commitments (
    transaction_uid TEXT NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    is_committed INTEGER NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (transaction_uid, sop_instance_uid)
) WITHOUT ROWID;
"""

_ARRIVES_AGAIN = "DO UPDATE SET last_received = excluded.last_received, state = excluded.state"

_STUDY_VALUES = (
    "patient_name",
    "patient_id",
    "issuer_of_patient_id",
    "birth_date",
    "sex",
    "accession_number",
    "study_date",
    "description",
    "last_menstrual_date",
)


class InboxIndex:
    """The tables, for any number of threads and processes.

    Args:
        folder: The inbox; paths in the tables are relative to it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            folder / "index.sqlite3",
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            isolation_level=None,
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Everything written inside is on the disk when this ends, or nothing of it."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def add_instance(self, instance: KeptInstance, study: dict[str, str | None]) -> int:
        """Write an instance, unsettled, and its study when it is the first. Inside ``commit``.

        Args:
            instance: The instance.
            study: What its header says of its study, dates as ``YYYY-MM-DD``.

        Returns:
            Its row.
        """
        at = instance.received.timestamp()
        # A conflict lies apart from its study and does not make it arrive again.
        first_state = ONLY_CONFLICTS if instance.is_conflict else ARRIVING
        again = "DO NOTHING" if instance.is_conflict else _ARRIVES_AGAIN
        values = [study.get(name) for name in _STUDY_VALUES]
        marks = ", ".join("?" * len(_STUDY_VALUES))
        self._connection.execute(
            f"INSERT INTO studies VALUES (?, ?, ?, ?, {marks}) ON CONFLICT {again}",
            (instance.study_instance_uid, first_state, at, at, *values),
        )
        added = self._connection.execute(
            "INSERT INTO instances VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, FALSE)",
            (
                instance.sop_instance_uid,
                instance.sha256,
                instance.sop_class_uid,
                instance.study_instance_uid,
                instance.series_instance_uid,
                instance.transfer_syntax,
                instance.modality,
                str(instance.path.relative_to(self._folder)),
                instance.size_bytes,
                at,
                instance.sender.ae_title,
                instance.sender.address,
                instance.is_conflict,
            ),
        )
        return int(added.lastrowid or 0)

    def settle(self, rows: Sequence[int]) -> None:
        """Note that the files of rows are on the disk. Inside ``commit``."""
        self._connection.executemany(
            "UPDATE instances SET is_settled = TRUE WHERE id = ?", [(row,) for row in rows]
        )

    def unsettled(self) -> tuple[tuple[int, KeptInstance], ...]:
        """Rows of which nobody noted whether their files reached the disk."""
        rows = self._rows("SELECT * FROM instances WHERE NOT is_settled ORDER BY id", ())
        return tuple((row["id"], self._instance(row)) for row in rows)

    def forget(self, rows: Sequence[int]) -> None:
        """Remove rows that never were acknowledged, and studies left empty. Inside ``commit``."""
        self._connection.executemany("DELETE FROM instances WHERE id = ?", [(r,) for r in rows])
        if rows:
            self._connection.execute(
                "DELETE FROM studies WHERE study_instance_uid NOT IN "
                "(SELECT study_instance_uid FROM instances)"
            )

    def add_quarantined(self, one: Quarantined) -> None:
        """Write down what was set aside. Inside ``commit``."""
        self._connection.execute(
            "INSERT INTO quarantine VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
            (
                str(one.path.relative_to(self._folder)) if one.path else None,
                one.sop_instance_uid,
                one.reason,
                one.size_bytes,
                one.received.timestamp(),
                one.sender.ae_title,
                one.sender.address,
            ),
        )

    def set_state(self, study_instance_uid: str, state: str, *, instances: int | None) -> bool:
        """Mark a study, unless more of it has come. Inside ``commit``."""
        counted = "SELECT count(*) FROM instances WHERE study_instance_uid = ?1"
        done = self._connection.execute(
            "UPDATE studies SET state = ?2 WHERE study_instance_uid = ?1 "
            f"AND (?3 IS NULL OR ?3 = ({counted} AND NOT is_conflict))",
            (study_instance_uid, state, instances),
        )
        return done.rowcount == 1

    def with_uid(self, sop_instance_uid: str) -> tuple[KeptInstance, ...]:
        """Every instance kept under a UID, the first first."""
        rows = self._rows(
            "SELECT * FROM instances WHERE sop_instance_uid = ? ORDER BY id", (sop_instance_uid,)
        )
        return tuple(self._instance(row) for row in rows)

    def instances(self, study_instance_uid: str | None) -> tuple[KeptInstance, ...]:
        """Every instance, or those of a study, in order of arrival."""
        rows = self._rows(
            "SELECT * FROM instances WHERE ?1 IS NULL OR study_instance_uid = ?1 ORDER BY id",
            (study_instance_uid,),
        )
        return tuple(self._instance(row) for row in rows)

    def studies(self, where: str = "1", values: Sequence[Any] = ()) -> tuple[InboxStudy, ...]:
        """Every study that fits, the oldest first."""
        rows = self._rows(
            "SELECT studies.*, count(*) - sum(is_conflict) AS instances, "
            "sum(is_conflict) AS conflicts FROM studies JOIN instances USING (study_instance_uid) "
            f"WHERE {where} GROUP BY study_instance_uid ORDER BY first_received",
            values,
        )
        return tuple(self._study(row) for row in rows)

    def quarantined(self) -> tuple[Quarantined, ...]:
        """Everything set aside, in order of arrival."""
        return tuple(
            Quarantined(
                path=self._folder / row["path"] if row["path"] else None,
                sop_instance_uid=row["sop_instance_uid"],
                reason=row["reason"],
                size_bytes=row["size_bytes"],
                received=_moment(row["received"]),
                sender=Sender(ae_title=row["ae_title"], address=row["address"]),
            )
            for row in self._rows("SELECT * FROM quarantine ORDER BY id", ())
        )

    def add_commitments(self, transaction_uid: str, answers: dict[str, tuple[bool, str]]) -> None:
        """Write down a peer's answer to a request of ours. Inside ``commit``."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO commitments VALUES (?, ?, ?, ?)",
            [(transaction_uid, uid, *answer) for uid, answer in answers.items()],
        )

    def commitments(self, transaction_uid: str) -> dict[str, tuple[bool, str]]:
        """What a peer has answered to a request of ours: SOP Instance UID to verdict and words."""
        rows = self._rows("SELECT * FROM commitments WHERE transaction_uid = ?", (transaction_uid,))
        return {row["sop_instance_uid"]: (bool(row["is_committed"]), row["words"]) for row in rows}

    def _rows(self, query: str, values: Sequence[Any]) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(query, tuple(values)).fetchall()

    def _instance(self, row: sqlite3.Row) -> KeptInstance:
        return KeptInstance(
            path=self._folder / row["path"],
            sop_class_uid=row["sop_class_uid"],
            sop_instance_uid=row["sop_instance_uid"],
            study_instance_uid=row["study_instance_uid"],
            series_instance_uid=row["series_instance_uid"],
            transfer_syntax=row["transfer_syntax"],
            modality=row["modality"],
            sha256=row["sha256"],
            size_bytes=row["size_bytes"],
            received=_moment(row["received"]),
            sender=Sender(ae_title=row["ae_title"], address=row["address"]),
            is_conflict=bool(row["is_conflict"]),
        )

    def _study(self, row: sqlite3.Row) -> InboxStudy:
        return InboxStudy(
            study_instance_uid=row["study_instance_uid"],
            state=row["state"],
            instances=row["instances"],
            conflicts=row["conflicts"],
            first_received=_moment(row["first_received"]),
            last_received=_moment(row["last_received"]),
            patient_name=row["patient_name"],
            patient_id=row["patient_id"],
            issuer_of_patient_id=row["issuer_of_patient_id"],
            birth_date=_day(row["birth_date"]),
            sex=row["sex"],
            accession_number=row["accession_number"],
            study_date=_day(row["study_date"]),
            description=row["description"],
            last_menstrual_date=_day(row["last_menstrual_date"]),
            folder=self._folder / "studies" / row["study_instance_uid"],
        )


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
