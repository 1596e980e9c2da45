"""Bringing a data set from its source to the one layout, in steps that survive a kill.

Owns the order: ask the source, show and accept, download, verify, unpack, convert, receipt. What
was done stays done: downloads are kept until the receipt is written. The audit follows at once and
is called by the command line.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.fetch.catalogue import ByRequest, Figshare, Kaggle, PublicSet, Zenodo
from deeppcos.learning.fetch.checksums import checksum, verify
from deeppcos.learning.fetch.convert import CONVERSIONS
from deeppcos.learning.fetch.download import Progress, download
from deeppcos.learning.fetch.kaggle import kaggle_listing
from deeppcos.learning.fetch.receipt import (
    RECEIPT_NAME,
    Receipt,
    ReceivedFile,
    now,
    read_receipt,
    write_receipt,
)
from deeppcos.learning.fetch.remote import Listing, RemoteFile
from deeppcos.learning.fetch.repositories import figshare_listing, zenodo_listing
from deeppcos.learning.fetch.unpack import is_archive, unpack
from deeppcos.learning.sources.ledger import Ledger

_SAME_LICENCE = {"ccby40": "ccby40", "ccby": "ccby40", "creativecommonsattribution40": "ccby40"}

Ask = Callable[[requests.Session, PublicSet], Listing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the user accepts.

    Attributes:
        licence: Licence and source as shown.
        changed_licence: Also a licence that differs from the one in the catalogue.
    """

    licence: bool
    changed_licence: bool = False


def ask_source(session: requests.Session, one: PublicSet) -> Listing:
    """What the source says of a set now.

    Args:
        session: HTTP session.
        one: The set.

    Returns:
        Its files and licence.

    Raises:
        InvalidInput: If it is handed out on request only, not there, or not allowed.
        TemporaryFailure: If the source cannot be reached now.
    """
    match one.access:
        case Kaggle(owner=owner, slug=slug):
            return kaggle_listing(owner, slug)
        case Figshare(article=article, only=only):
            return figshare_listing(session, article, only=only)
        case Zenodo(records=records):
            return zenodo_listing(session, records)
        case ByRequest(how=how):
            raise InvalidInput(f"{one.name}: handed out on request only", remedy=how)


def bring(
    session: requests.Session,
    one: PublicSet,
    root: Path,
    consent: Consent,
    *,
    local: tuple[Path, ...] = (),
    again: bool = False,
    progress: Progress | None = None,
    ask: Ask = ask_source,
) -> Receipt:
    """Bring a set, or go on bringing it.

    Args:
        session: HTTP session.
        one: The set.
        root: Folder of data sets; the set gets a folder of its name in it.
        consent: What the user accepts.
        local: Files or a folder that are here already, instead of the source's.
        again: Bring it once more although it is here.
        progress: Told of every piece of a download.
        ask: Asks the source.

    Returns:
        The receipt; the earlier one when the set is here already.

    Raises:
        InvalidInput: If it is not accepted, or what came cannot be used.
        TemporaryFailure: If network, source or disk failed; what came is kept.
    """
    folder = root / one.name
    earlier = read_receipt(folder)
    if earlier is not None and not again:
        return earlier
    if not consent.licence:
        raise InvalidInput(
            f"{one.name}: licence and source are not accepted",
            value=one.licence or "a licence that was not stated on the pages we read",
            accepted="your decision, after reading its page",
            remedy=f"read {one.source_url}, then add --accept-licence",
        )
    if folder.exists() and earlier is None:
        raise InvalidInput(
            f"{folder}: holds something that was not brought by this program",
            accepted=f"a place without {one.name}/, or one with {RECEIPT_NAME}",
            remedy="name another place with --out",
        )
    work = root / f".{one.name}.bringing"
    work.mkdir(parents=True, exist_ok=True)
    with _alone(work):
        if local:
            listing = Listing(files=())
            files, notes = _take_local(local, work), ["brought from files that were here already"]
        else:
            listing = ask(session, one)
            _refuse_changed_licence(one, listing, consent)
            files, notes = _download_all(session, one, listing, work, earlier, progress)
        ledger = Ledger()
        converted = _convert(one, work, ledger)
        receipt = Receipt(
            name=one.name,
            title=one.title,
            source_url=one.source_url,
            licence=listing.licence or one.licence,
            licence_accepted=True,
            version=listing.version,
            brought_at=now(),
            files=tuple(files),
            skipped=tuple((item.item, item.reason) for item in ledger.skipped),
            notes=tuple(notes),
        )
        write_receipt(receipt, converted)
        if folder.exists():
            # Somebody may have worked on the earlier one: it is moved aside, never deleted.
            folder.replace(root / f".{one.name}.before-{receipt.brought_at.replace(':', '')}")
        converted.replace(folder)
    shutil.rmtree(work)
    return receipt


def _download_all(
    session: requests.Session,
    one: PublicSet,
    listing: Listing,
    work: Path,
    earlier: Receipt | None,
    progress: Progress | None,
) -> tuple[list[ReceivedFile], list[str]]:
    """Bring every file of a listing, each checked against all that was stated of it."""
    files, notes = [], []
    for remote in listing.files:
        got = download(session, remote, work / "download", progress=progress)
        against = ["source"] if remote.checksum else []
        for stated, who in _stated(one, remote, earlier):
            verify(got.path, stated, stated_by=f"the {who}")
            against.append(who)
        files.append(
            ReceivedFile(
                name=remote.name,
                url=remote.url.split("?")[0],
                size=got.path.stat().st_size,
                sha256=got.sha256,
                checked_against=", ".join(against) or "nothing: recorded now",
            )
        )
        notes += [f"{remote.name}: {note}" for note in got.notes]
        if got.resumed_from:
            notes.append(f"{remote.name}: went on after {got.resumed_from} bytes")
    return files, notes


def _stated(
    one: PublicSet, remote: RemoteFile, earlier: Receipt | None
) -> Iterator[tuple[str, str]]:
    """Checksums that others than the source stated for a file, and who."""
    known = dict(one.checksums)
    if remote.name in known:
        yield known[remote.name], "catalogue"
    for file in earlier.files if earlier else ():
        if file.name == remote.name:
            yield file.sha256, "earlier receipt"


def _take_local(local: tuple[Path, ...], work: Path) -> list[ReceivedFile]:
    """Copy what the user names; it stays where it is."""
    place = work / "download"
    place.mkdir(parents=True, exist_ok=True)
    files = []
    for path in local:
        if path.is_dir():
            shutil.copytree(path, place / path.name, dirs_exist_ok=True)
        elif path.is_file():
            copy = Path(shutil.copy2(path, place / path.name))
            files.append(
                ReceivedFile(
                    name=path.name,
                    url="local",
                    size=copy.stat().st_size,
                    sha256=checksum(copy),
                    checked_against="nothing: recorded now",
                )
            )
        else:
            raise InvalidInput(f"{path}: not there", remedy="name the file or folder you have")
    return files


def _convert(one: PublicSet, work: Path, ledger: Ledger) -> Path:
    """Unpack what came and move it into the layout; what an earlier try left is taken away."""
    original, converted = work / "original", work / one.name
    for place in (original, converted):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    for path in sorted((work / "download").iterdir()):
        if is_archive(path):
            unpack(path, original / path.name.split(".")[0])
        elif path.is_dir():
            shutil.copytree(path, original / path.name)
        elif not path.name.endswith((".part", ".part.json")):
            shutil.copy2(path, original / path.name)
    CONVERSIONS[one.conversion](original, converted, ledger)
    return converted


def _refuse_changed_licence(one: PublicSet, listing: Listing, consent: Consent) -> None:
    """Refuse a licence that is not the one the user was shown."""
    if not one.licence or not listing.licence or consent.changed_licence:
        return
    if _plain_licence(one.licence) != _plain_licence(listing.licence):
        raise InvalidInput(
            f"{one.name}: its source states another licence now",
            value=listing.licence,
            accepted=one.licence,
            remedy=f"read {one.source_url}, then add --accept-changed-licence",
        )


def _plain_licence(text: str) -> str:
    """A licence name without what is spelled differently from place to place."""
    plain = "".join(letter for letter in text.lower() if letter.isalnum())
    return _SAME_LICENCE.get(plain, plain)


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Keep a second call out of the folder; a killed one leaves no lock behind."""
    import fcntl

    with (work / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TemporaryFailure(
                f"{work}: another call is bringing this set", remedy="wait for it"
            ) from None
        yield
