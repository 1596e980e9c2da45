"""What Zenodo and figshare say of a record through their public interfaces.

Owns the shape of their answers: files with sizes and MD5 sums, and the licence as stated there
now. Bringing the files is the business of ``download``.
"""

from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

import requests
from pydantic import BaseModel, Field, ValidationError

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.fetch.download import RETRIED, TIMEOUT_S
from deeppcos.learning.fetch.remote import Listing, RemoteFile

ZENODO = "https://zenodo.org/api"
FIGSHARE = "https://api.figshare.com/v2"

Answer = TypeVar("Answer", bound=BaseModel)
_NOT_THERE = (404, 410)


class _ZenodoLinks(BaseModel):
    self_: Annotated[str, Field(alias="self")]


class _ZenodoFile(BaseModel):
    key: str
    size: int
    checksum: str
    links: _ZenodoLinks


class _ZenodoLicence(BaseModel):
    id: str = ""


class _ZenodoMetadata(BaseModel):
    license: _ZenodoLicence = _ZenodoLicence()
    version: str = ""


class _ZenodoRecord(BaseModel):
    files: list[_ZenodoFile]
    metadata: _ZenodoMetadata


class _FigshareFile(BaseModel):
    name: str
    size: int
    download_url: str
    computed_md5: str = ""


class _FigshareLicence(BaseModel):
    name: str = ""


class _FigshareArticle(BaseModel):
    files: list[_FigshareFile]
    license: _FigshareLicence = _FigshareLicence()
    version: int | None = None


def zenodo_listing(
    session: requests.Session, records: tuple[int, ...], *, base: str = ZENODO
) -> Listing:
    """Files of one or several Zenodo records.

    Args:
        session: HTTP session.
        records: Record numbers.
        base: Address of the interface.

    Returns:
        The listing; the licences and versions of several records are joined.

    Raises:
        InvalidInput: If a record is not there, or answers in another shape.
        TemporaryFailure: If Zenodo cannot be reached now.
    """
    answers = [
        _asked(session, f"{base}/records/{number}", _ZenodoRecord, f"Zenodo record {number}")
        for number in records
    ]
    return Listing(
        files=tuple(
            RemoteFile(
                name=_plain(file.key), url=file.links.self_, size=file.size, checksum=file.checksum
            )
            for answer in answers
            for file in answer.files
        ),
        licence=_joined([answer.metadata.license.id for answer in answers]),
        version=_joined([answer.metadata.version for answer in answers]),
    )


def figshare_listing(
    session: requests.Session, article: int, *, only: tuple[str, ...] = (), base: str = FIGSHARE
) -> Listing:
    """Files of a figshare article.

    Args:
        session: HTTP session.
        article: Article number.
        only: Names of the files wanted; all when empty.
        base: Address of the interface.

    Returns:
        The listing.

    Raises:
        InvalidInput: If the article is not there, answers in another shape, or lacks a file.
        TemporaryFailure: If figshare cannot be reached now.
    """
    name = f"figshare article {article}"
    answer = _asked(session, f"{base}/articles/{article}", _FigshareArticle, name)
    files = [file for file in answer.files if not only or file.name in only]
    missing = sorted(set(only) - {file.name for file in files})
    if missing or not files:
        raise InvalidInput(
            f"{name}: a file is missing",
            value=", ".join(missing) or "no file at all",
            accepted=", ".join(file.name for file in answer.files),
            remedy="look at its page: it may have changed",
        )
    return Listing(
        files=tuple(
            RemoteFile(
                name=_plain(file.name),
                url=file.download_url,
                size=file.size,
                checksum=f"md5:{file.computed_md5}" if file.computed_md5 else "",
            )
            for file in files
        ),
        licence=answer.license.name,
        version=str(answer.version or ""),
    )


def _asked(session: requests.Session, url: str, shape: type[Answer], name: str) -> Answer:
    """One answer of an interface, in the shape it should have."""
    try:
        answer = session.get(url, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise TemporaryFailure(
            f"{name}: cannot be reached",
            value=type(error).__name__,
            remedy="check the network, or bring the files yourself and name them with --from",
        ) from error
    if answer.status_code in RETRIED:
        raise TemporaryFailure(
            f"{name}: no answer now", value=f"HTTP {answer.status_code}", remedy="try again later"
        )
    if answer.status_code != requests.codes.ok:
        what = "not there" if answer.status_code in _NOT_THERE else "not given"
        raise InvalidInput(
            f"{name}: {what}", value=f"HTTP {answer.status_code}", remedy="look at its page"
        )
    try:
        return shape.model_validate(_content(answer))
    except (ValidationError, ValueError) as error:
        raise InvalidInput(
            f"{name}: an answer in another shape than expected",
            remedy="bring the files yourself and name them with --from",
        ) from error


def _content(answer: requests.Response) -> Any:
    """JSON of an answer."""
    return answer.json()


def _plain(name: str) -> str:
    """A file name without folders."""
    plain = PurePosixPath(name.replace("\\", "/")).name
    if not plain or plain.startswith("."):
        raise InvalidInput("a file name that cannot be used", value=name)
    return plain


def _joined(values: list[str]) -> str:
    """Distinct values, in order."""
    return ", ".join(dict.fromkeys(value for value in values if value))
