"""Zenodo, figshare and Kaggle asked through their real clients, answered by a local server."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.fetch.download import download, new_session
from deeppcos.learning.fetch.kaggle import kaggle_listing
from deeppcos.learning.fetch.repositories import figshare_listing, zenodo_listing

pytestmark = pytest.mark.network
CONTENT = b"archive" * 9000
MD5 = hashlib.md5(CONTENT).hexdigest()


def record(server: Any, name: str = "train.zip") -> dict[str, Any]:
    return {
        "files": [
            {
                "key": name,
                "size": len(CONTENT),
                "checksum": f"md5:{MD5}",
                "links": {"self": server.file(f"/content/{name}", CONTENT)},
            }
        ],
        "metadata": {"license": {"id": "cc-by-4.0"}, "title": "t", "version": "v2"},
        "more": "ignored",
    }


def test_zenodo_states_files_checksums_and_licence(server: Any, tmp_path: Path) -> None:
    server.json("/records/1", record(server))
    server.json("/records/2", record(server, "test.zip"))
    with new_session() as session:
        listing = zenodo_listing(session, (1, 2), base=server.base)
        assert [file.name for file in listing.files] == ["train.zip", "test.zip"]
        assert (listing.licence, listing.version) == ("cc-by-4.0", "v2")
        for file in listing.files:
            assert download(session, file, tmp_path).path.read_bytes() == CONTENT


def test_figshare_states_files_checksums_and_licence(server: Any) -> None:
    url = server.file("/files/1", CONTENT)
    file = {"name": "a.zip", "size": 5, "download_url": url, "computed_md5": MD5, "id": 1}
    article = {
        "files": [file, {**file, "name": "b.zip"}],
        "license": {"name": "CC BY 4.0", "value": 1},
        "version": 3,
    }
    server.json("/articles/7", article)
    with new_session() as session:
        listing = figshare_listing(session, 7, only=("b.zip",), base=server.base)
        assert [f.name for f in listing.files] == ["b.zip"]
        assert listing.files[0].checksum == f"md5:{MD5}"
        assert (listing.licence, listing.version) == ("CC BY 4.0", "3")
        with pytest.raises(InvalidInput, match=r"a file is missing; got c\.zip"):
            figshare_listing(session, 7, only=("c.zip",), base=server.base)


def test_a_record_that_is_gone_busy_or_of_another_shape_is_named(server: Any) -> None:
    server.json("/records/1", {"message": "another interface"})
    server.file("/records/2", b"<html>", content_type="text/html")
    server.file("/records/3", b"", statuses=[(429, {})])
    with new_session() as session:
        for number in (1, 2):
            with pytest.raises(InvalidInput, match="in another shape"):
                zenodo_listing(session, (number,), base=server.base)
        with pytest.raises(TemporaryFailure, match="no answer now; got HTTP 429"):
            zenodo_listing(session, (3,), base=server.base)
        with pytest.raises(InvalidInput, match="record 4: not there; got HTTP 404"):
            zenodo_listing(session, (4,), base=server.base)
        with pytest.raises(TemporaryFailure, match="cannot be reached"):
            zenodo_listing(session, (4,), base="http://localhost:9")


def test_a_file_name_of_a_record_is_taken_without_its_folders(server: Any) -> None:
    server.json("/records/1", record(server, "train.zip"))
    stated = record(server, "train.zip")
    stated["files"][0]["key"] = "../../train.zip"
    server.json("/records/1", stated)
    with new_session() as session:
        (file,) = zenodo_listing(session, (1,), base=server.base).files
    assert file.name == "train.zip"


@pytest.fixture
def kaggle(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Kaggle's own client, sent to the local server; nobody is logged in."""
    env = pytest.importorskip("kagglesdk.kaggle_env", reason="needs the data extra")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setitem(env._env_to_endpoint, env.KaggleEnv.LOCAL, server.base)
    service = "/api/v1/datasets.DatasetApiService"
    server.json(f"{service}/GetDataset", {"licenseName": "Unknown", "currentVersionNumber": 4})
    md5 = base64.b64encode(bytes.fromhex(MD5)).decode()
    store = server.file(
        "/store/set.zip", CONTENT, headers={"x-goog-hash": f"crc32c=aa==,md5={md5}"}
    )
    server.redirect(f"{service}/DownloadDataset", f"{store}?signature=secret")
    return server


def test_kaggle_is_asked_with_the_users_account(
    kaggle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "token-of-the-user")
    listing = kaggle_listing("someone", "set")
    (file,) = listing.files
    assert (listing.licence, listing.version) == ("Unknown", "4")
    assert (file.name, file.size, file.checksum) == ("set.zip", len(CONTENT), f"md5:{MD5}")
    assert kaggle.asked[0].headers["Authorization"] == "Bearer token-of-the-user"
    assert kaggle.asked[0].method == "POST"
    with new_session() as session:
        assert download(session, file, tmp_path).path.read_bytes() == CONTENT
    assert "Authorization" not in kaggle.asked[-1].headers


def test_the_older_user_name_and_key_work_too(kaggle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    monkeypatch.setenv("KAGGLE_KEY", "key")
    kaggle_listing("someone", "set")
    expected = base64.b64encode(b"ada:key").decode()
    assert kaggle.asked[0].headers["Authorization"] == f"Basic {expected}"


def test_without_an_account_nobody_is_asked_and_the_way_in_is_told(kaggle: Any) -> None:
    with pytest.raises(InvalidInput, match=r"no account given; log in at kaggle\.com"):
        kaggle_listing("someone", "set")
    assert kaggle.asked == []


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (403, InvalidInput, "refuses the account"),
        (404, InvalidInput, "not there"),
        (503, TemporaryFailure, "no answer now"),
    ],
)
def test_what_kaggle_refuses_is_explained(
    kaggle: Any, monkeypatch: pytest.MonkeyPatch, status: int, kind: type[Exception], said: str
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "token")
    kaggle.served["/api/v1/datasets.DatasetApiService/GetDataset"].statuses = [(status, {})] * 9
    with pytest.raises(kind, match=said):
        kaggle_listing("someone", "set")
