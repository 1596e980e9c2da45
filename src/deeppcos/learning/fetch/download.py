"""Downloading one file so that nothing already here is lost: ranges, resume, retries, checksums.

Owns the ``.part`` file and what is known of it beside it. A killed download goes on at the next
call; a file that changed at its source meanwhile is begun anew and said so; a full disk is named
before and while it happens. The file gets its name only when it is whole and verified.
"""

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

import requests
import urllib3

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.fetch.checksums import checksum, verify
from deeppcos.learning.fetch.remote import RemoteFile

Progress = Callable[[str, int, int], None]
"""File, bytes here, bytes of all; 0 when nobody knows."""

TIMEOUT_S = (20.0, 60.0)
TRIES = 6
LONGEST_PAUSE_S = 60.0
"""A server that asks for more is told of instead of waited for."""

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
KEEP_FREE_BYTES = 256 * 1024**2
_CHUNK_BYTES = 256 * 1024
_PARTIAL, _WHOLE, _BEYOND = 206, 200, 416
_NETWORK = (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A file that is here, whole and verified.

    Attributes:
        path: The file.
        sha256: ``sha256:...`` of what is here.
        resumed_from: Bytes that were here before this call.
        notes: What happened on the way, such as a change at the source.
    """

    path: Path
    sha256: str
    resumed_from: int
    notes: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Part:
    """A file that is not whole yet, and what the server said of it."""

    path: Path
    validator: str = ""
    size: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def state_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def here(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def load(self) -> None:
        """Take up what an earlier call left."""
        try:
            state = json.loads(self.state_path.read_text(encoding="utf-8"))
            self.validator, self.size = str(state["validator"]), state["size"]
        except (OSError, ValueError, KeyError, TypeError):
            self.begin_anew()

    def save(self) -> None:
        self.state_path.write_text(
            json.dumps({"validator": self.validator, "size": self.size}), encoding="utf-8"
        )

    def begin_anew(self, note: str = "") -> None:
        """Forget what is here."""
        self.path.unlink(missing_ok=True)
        self.state_path.unlink(missing_ok=True)
        self.validator, self.size = "", None
        if note:
            self.notes.append(note)


def new_session() -> requests.Session:
    """A session that names this program; proxies and certificates come from the environment."""
    session = requests.Session()
    session.headers["User-Agent"] = "deeppcos (research software; one user's request)"
    return session


def download(
    session: requests.Session,
    remote: RemoteFile,
    folder: Path,
    *,
    progress: Progress | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Downloaded:
    """Bring one file, or go on bringing it.

    Args:
        session: HTTP session.
        remote: What to bring.
        folder: Where to.
        progress: Told of every piece.
        pause: Waits a number of seconds between tries.

    Returns:
        The file.

    Raises:
        InvalidInput: If it is not there, not allowed, or not the file that was announced.
        TemporaryFailure: If the network, the server or the disk failed; what came is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / remote.name
    if target.exists() and remote.checksum:
        verify(target, remote.checksum, stated_by="its source")
        return Downloaded(
            path=target, sha256=checksum(target), resumed_from=target.stat().st_size, notes=()
        )
    part = _Part(path=folder / f"{remote.name}.part")
    part.load()
    resumed_from = part.here
    _bring_all(session, remote, part, progress, pause)
    try:
        verify(part.path, remote.checksum, stated_by="its source")
    except InvalidInput:
        if not resumed_from:
            part.begin_anew()
            raise
        # The pieces may be of two versions: once more from the start, before it is refused.
        part.begin_anew("the pieces of two visits did not fit together; brought anew")
        _bring_all(session, remote, part, progress, pause)
        verify(part.path, remote.checksum, stated_by="its source")
    part.path.replace(target)
    part.state_path.unlink(missing_ok=True)
    return Downloaded(
        path=target, sha256=checksum(target), resumed_from=resumed_from, notes=tuple(part.notes)
    )


def _bring_all(
    session: requests.Session,
    remote: RemoteFile,
    part: _Part,
    progress: Progress | None,
    pause: Callable[[float], None],
) -> None:
    """Ask again until everything is here; tries count only where nothing comes."""
    failed, waiting = 0, 0.0
    while failed < TRIES:
        before = part.here
        try:
            waiting = _bring_piece(session, remote, part, progress)
            if waiting == 0.0:
                return
            problem = f"the server asks to wait {waiting:.0f} s"
        except requests.exceptions.SSLError as error:
            raise InvalidInput(
                f"{remote.name}: the server's certificate is not trusted",
                value=remote.url.split("?")[0],
                remedy="behind a proxy that opens encrypted traffic, name its certificate in "
                "REQUESTS_CA_BUNDLE; otherwise do not use it",
            ) from error
        except _NETWORK as error:
            problem = type(error).__name__
            waiting = min(2.0**failed, LONGEST_PAUSE_S)
        failed = 0 if part.here > before else failed + 1
        if waiting > LONGEST_PAUSE_S:
            break
        if failed < TRIES:
            pause(waiting)
    raise TemporaryFailure(
        f"{remote.name}: the download stopped",
        value=f"{problem}; {part.here} bytes are here",
        remedy="call again later: it goes on where it stopped",
    )


def _bring_piece(
    session: requests.Session, remote: RemoteFile, part: _Part, progress: Progress | None
) -> float:
    """One request. Returns 0 when everything is here, else the seconds to wait."""
    headers = {"Accept-Encoding": "identity"}
    if part.here:
        headers["Range"] = f"bytes={part.here}-"
        if part.validator:
            headers["If-Range"] = part.validator
    with session.get(remote.url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        _refuse_downgrade(answer, remote)
        if answer.status_code in RETRIED:
            return _asked_pause_s(answer)
        if answer.status_code == _BEYOND:
            if part.size == part.here:
                return 0.0
            part.begin_anew("the file changed at its source; begun anew")
            return 0.1
        _refuse_status(answer, remote)
        if not _fits(answer, remote, part):
            return 0.1
        _receive(answer, remote, part, progress)
    if part.size is not None and part.here < part.size:
        return 0.1
    return 0.0


def _fits(answer: requests.Response, remote: RemoteFile, part: _Part) -> bool:
    """Whether the answer goes on where the part ends; else the part is begun anew."""
    if answer.status_code == _PARTIAL:
        start, total = _range_of(answer)
        if start == part.here and (part.size is None or total == part.size):
            return True
        part.begin_anew("the file changed at its source; begun anew")
        return False
    if part.here:
        part.begin_anew("the file changed at its source, or cannot be resumed; begun anew")
    length = answer.headers.get("Content-Length")
    part.size = int(length) if length else remote.size
    etag = answer.headers.get("ETag", "")
    # A weak tag does not promise the same bytes, and If-Range refuses it.
    part.validator = etag if etag and not etag.startswith("W/") else ""
    part.validator = part.validator or answer.headers.get("Last-Modified", "")
    if remote.size is not None and part.size not in (None, remote.size):
        raise InvalidInput(
            f"{remote.name}: not the file that was announced",
            value=f"{part.size} bytes",
            accepted=f"{remote.size} bytes",
            remedy="look at its source: the file may have changed",
        )
    part.save()
    return True


def _receive(
    answer: requests.Response, remote: RemoteFile, part: _Part, progress: Progress | None
) -> None:
    """Write what comes, as it comes."""
    missing = (part.size or 0) - part.here
    free = _free(part.path.parent)
    if missing > free - KEEP_FREE_BYTES:
        raise _full(remote, missing=missing, free=free)
    with part.path.open("ab", buffering=0) as file:
        try:
            # What came before a connection breaks is kept, which a read of a whole piece loses.
            while chunk := answer.raw.read1(_CHUNK_BYTES):
                _write(file, chunk, remote, missing=missing)
                if progress is not None:
                    progress(remote.name, file.tell(), part.size or 0)
        finally:
            os.fsync(file.fileno())
    if part.size is not None and part.here > part.size:
        part.begin_anew()
        raise InvalidInput(
            f"{remote.name}: more came than was announced",
            accepted=f"{part.size} bytes",
            remedy="look at its source: the file may have changed",
        )


def _write(file: BinaryIO, chunk: bytes, remote: RemoteFile, *, missing: int) -> None:
    """Write a piece through to the disk, which may be full by now."""
    try:
        written = 0
        while written < len(chunk):
            written += file.write(chunk[written:])
    except OSError as error:
        raise _full(remote, missing=missing, free=_free(Path(file.name).parent)) from error


def _free(folder: Path) -> int:
    """Bytes free on the disk of a folder."""
    return shutil.disk_usage(folder).free


def _full(remote: RemoteFile, *, missing: int, free: int) -> TemporaryFailure:
    """The disk is full, or would be."""
    return TemporaryFailure(
        f"{remote.name}: the disk is full",
        value=f"{free // 1000**2} MB free",
        accepted=f"{(missing + KEEP_FREE_BYTES) // 1000**2} MB",
        remedy="make room and call again: it goes on where it stopped",
    )


def _range_of(answer: requests.Response) -> tuple[int, int | None]:
    """First byte and total of a partial answer; (-1, None) when it does not say."""
    span, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    if not first.isdigit():
        return -1, None
    return int(first), int(total) if total.isdigit() else None


def _asked_pause_s(answer: requests.Response) -> float:
    """Seconds a server asks to wait, at least one."""
    asked = answer.headers.get("Retry-After", "")
    if asked.isdigit():
        return max(1.0, float(asked))
    try:
        until = parsedate_to_datetime(asked)
    except (TypeError, ValueError):
        return 1.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(1.0, (until - datetime.now(UTC)).total_seconds())


def _refuse_downgrade(answer: requests.Response, remote: RemoteFile) -> None:
    """Refuse a way from an encrypted address to one that is not."""
    hops = [*(hop.url for hop in answer.history), answer.url]
    if remote.url.startswith("https:") and not all(hop.startswith("https:") for hop in hops):
        raise InvalidInput(
            f"{remote.name}: sent from an encrypted address to one that is not",
            value=answer.url.split("?")[0],
            remedy="do not use it; report it to its source",
        )


def _refuse_status(answer: requests.Response, remote: RemoteFile) -> None:
    """Refuse answers that are not the file."""
    meanings = {
        401: ("not allowed without an account", "log in at the source, or use its own client"),
        403: ("not allowed", "look at its page: it may ask for an account or an agreement"),
        404: ("not there", "look at its page: it may have moved"),
        410: ("taken away by its source", "look at its page"),
    }
    status = answer.status_code
    if status not in (_WHOLE, _PARTIAL):
        meaning, remedy = meanings.get(status, ("not given", "look at its page"))
        raise InvalidInput(
            f"{remote.name}: {meaning}",
            value=f"HTTP {status} from {remote.url.split('?')[0]}",
            remedy=remedy,
        )
    is_page = answer.headers.get("Content-Type", "").startswith("text/html")
    if is_page and not remote.name.lower().endswith((".html", ".htm")):
        raise InvalidInput(
            f"{remote.name}: a web page came instead of the file",
            value=answer.url.split("?")[0],
            remedy="open it in a browser: the source asks for something first",
        )
