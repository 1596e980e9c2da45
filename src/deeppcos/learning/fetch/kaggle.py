"""What Kaggle says of a data set, through its own client and with the user's own account.

Owns credentials that are missing or refused. The client is asked where the archive lies; the
bytes are brought by ``download``, so that a killed download goes on there as everywhere.
"""

import base64
import os
from pathlib import Path
from typing import Any

import requests

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.fetch.remote import Listing, RemoteFile

HOW_TO_LOG_IN = (
    "log in at kaggle.com, create a token under Settings, and save it as ~/.kaggle/access_token "
    "or in KAGGLE_API_TOKEN (an older kaggle.json in ~/.kaggle works too)"
)
_REFUSED = (401, 403)


def kaggle_listing(owner: str, slug: str) -> Listing:
    """The archive of a Kaggle data set.

    Args:
        owner: Account that owns it.
        slug: Its name in the address.

    Returns:
        One file, with the licence and version that Kaggle states.

    Raises:
        InvalidInput: If there are no credentials, they are refused, or it is not there.
        TemporaryFailure: If Kaggle cannot be reached now.
    """
    from kagglesdk import KaggleClient
    from kagglesdk.datasets.types.dataset_api_service import (
        ApiDownloadDatasetRequest,
        ApiGetDatasetRequest,
    )

    name = f"kaggle.com/datasets/{owner}/{slug}"
    username, key = _credentials()
    wanted, archive = ApiGetDatasetRequest(), ApiDownloadDatasetRequest()
    wanted.owner_slug = archive.owner_slug = owner
    wanted.dataset_slug = archive.dataset_slug = slug
    try:
        with KaggleClient(username=username, password=key) as client:
            stated: Any = client.datasets.dataset_api_client.get_dataset(wanted)
            answer = client.datasets.dataset_api_client.download_dataset(archive)
            with answer:
                file = _remote_file(answer, f"{slug}.zip")
    except requests.HTTPError as error:
        raise _explained(error, name) from error
    except requests.RequestException as error:
        raise TemporaryFailure(
            f"{name}: cannot be reached", value=type(error).__name__, remedy="check the network"
        ) from error
    return Listing(
        files=(file,),
        licence=str(stated.license_name or ""),
        version=str(stated.current_version_number or ""),
    )


def _credentials() -> tuple[str | None, str | None]:
    """User name and key where the older kind is given by the environment; None for the client."""
    from kagglesdk.kaggle_env import get_access_token_from_env

    username, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if username and key:
        return username, key
    has_file = (Path.home() / ".kaggle" / "kaggle.json").is_file()
    if get_access_token_from_env()[0] is None and not has_file:
        raise InvalidInput("Kaggle: no account given", remedy=HOW_TO_LOG_IN)
    return None, None


def _remote_file(answer: requests.Response, name: str) -> RemoteFile:
    """Where the archive lies after the redirections, with what the store says of it."""
    length = answer.headers.get("Content-Length", "")
    stated = answer.headers.get("x-goog-hash", "")
    sums = dict(part.strip().split("=", 1) for part in stated.split(",") if "=" in part)
    md5 = base64.b64decode(sums["md5"]).hex() if "md5" in sums else ""
    return RemoteFile(
        name=name,
        url=answer.url,
        size=int(length) if length.isdigit() else None,
        checksum=f"md5:{md5}" if md5 else "",
    )


def _explained(error: requests.HTTPError, name: str) -> InvalidInput | TemporaryFailure:
    """What a refusal of Kaggle means."""
    status = error.response.status_code if error.response is not None else 0
    if status in _REFUSED:
        return InvalidInput(
            f"{name}: Kaggle refuses the account",
            value=f"HTTP {status}",
            remedy=f"accept the set's terms on its page, or {HOW_TO_LOG_IN}",
        )
    if status == requests.codes.not_found:
        return InvalidInput(f"{name}: not there", value="HTTP 404", remedy="look at its page")
    return TemporaryFailure(f"{name}: no answer now", value=f"HTTP {status}", remedy="try later")
