"""The ledger: every release of counts that was ever made from the data of one place.

Owns the folder of releases. A release is written whole before it counts as made, is never
changed, and stays when the data grow: its women are compared with those of every later release.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeppcos.errors import ContractBroken, TemporaryFailure
from deeppcos.research.disclosure.counting import EarlierRelease, cells_from_data

RELEASE_FILE, MEMBERS_FILE, LOCK_FILE = "release.json", "members.parquet", ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Releases of one place.

    Attributes:
        folder: Where they are kept; made when the first is written.
    """

    folder: Path

    def documents(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Every release in the order it was made, with its folder."""
        for place in sorted(self.folder.glob("[0-9]*")):
            file = place / RELEASE_FILE
            if file.is_file():
                yield place, _read(file)

    def earlier(self) -> tuple[EarlierRelease, ...]:
        """What every suppressed release showed."""
        return tuple(
            EarlierRelease(
                key=place.name,
                members=place / MEMBERS_FILE,
                withheld={
                    family: cells_from_data(cells) for family, cells in document["withheld"].items()
                },
            )
            for place, document in self.documents()
            if document["epsilon"] is None
        )

    def spent(self) -> float:
        """Privacy budget that noisy releases cost so far."""
        return sum(float(document["epsilon"] or 0.0) for _, document in self.documents())

    def find(self, *, query: str, table: str, epsilon: float | None) -> dict[str, Any] | None:
        """The same release made before, so that asking twice shows the same numbers.

        Args:
            query: Hash of the query.
            table: Fingerprint of the data.
            epsilon: Its budget; None for a suppressed one.
        """
        for _, document in self.documents():
            same = (document["query_sha256"], document["table"]["sha256"], document["epsilon"])
            if same == (query, table, epsilon):
                return document
        return None

    def add(self, name: str, members: Path, document: Mapping[str, Any]) -> Path:
        """Keep a release.

        Args:
            name: Short name, such as the beginning of its hash.
            members: Its members file; moved into the ledger.
            document: The release; its file is written last.

        Returns:
            Its folder.
        """
        number = 1 + max((int(p.name.split("-")[0]) for p in self.folder.glob("[0-9]*")), default=0)
        place = self.folder / f"{number:04d}-{name}"
        place.mkdir(parents=True)
        members.replace(place / MEMBERS_FILE)
        fresh = place / f"{RELEASE_FILE}.new"
        fresh.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
        fresh.replace(place / RELEASE_FILE)
        return place

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the ledger: two releases at once would not see each other.

        Raises:
            TemporaryFailure: If another process holds it.
        """
        import fcntl  # not on Windows, where the desk does not run

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK_FILE).open("w") as lock:
            try:
                # Released by the system when the process ends, however it ends.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                raise TemporaryFailure(
                    "another cohort is being released", remedy="try again in a moment"
                ) from problem
            yield


def _read(file: Path) -> dict[str, Any]:
    """A release of the ledger; a damaged one stops everything, since it cannot be audited."""
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        _ = content["withheld"], content["query_sha256"], content["table"]["sha256"]
        _ = content["epsilon"]
    except (ValueError, KeyError, TypeError) as problem:
        raise ContractBroken(
            "a release in the ledger is damaged",
            value=str(file),
            remedy="bring it back from a backup: later releases are audited against it",
        ) from problem
    return content
