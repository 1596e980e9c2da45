"""Downloads against a real server that drops, redirects, changes and refuses."""

import hashlib
import json
import resource
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.learning.fetch.checksums import checksum, verify
from deeppcos.learning.fetch.download import Downloaded, download, new_session
from deeppcos.learning.fetch.remote import RemoteFile

pytestmark = pytest.mark.network
CONTENT = bytes(range(256)) * 2000
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
PROGRAM = """
import sys
from pathlib import Path
from deeppcos.learning.fetch.download import download, new_session
from deeppcos.learning.fetch.remote import RemoteFile
download(new_session(), RemoteFile(name="set.zip", url=sys.argv[1]), Path(sys.argv[2]))
"""


def bring(url: str, folder: Path, **stated: Any) -> Downloaded:
    remote = RemoteFile(name="set.zip", url=url, **stated)
    with new_session() as session:
        return download(session, remote, folder, pause=lambda _: None)


def test_a_file_arrives_whole_with_its_checksum(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", CONTENT)
    moves: list[tuple[str, int, int]] = []
    remote = RemoteFile(name="set.zip", url=url, size=len(CONTENT), checksum=MD5)
    with new_session() as session:
        got = download(session, remote, tmp_path, progress=lambda *m: moves.append(m))
    assert got.path.read_bytes() == CONTENT
    assert (got.sha256, got.resumed_from, got.notes) == (SHA256, 0, ())
    assert moves[-1] == ("set.zip", len(CONTENT), len(CONTENT))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set.zip"]


def test_connections_that_break_go_on_where_they_stopped(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", CONTENT, drop_after=[100_000, 150_000, 0, 50_000])
    got = bring(url, tmp_path, checksum=MD5)
    assert got.path.read_bytes() == CONTENT
    starts = [int(r.removeprefix("bytes=").rstrip("-") or 0) for r in server.ranges("/set.zip")]
    assert starts == sorted(starts)
    assert starts[-1] == 300_000
    assert server.asked[-1].headers["If-Range"] == '"v1"'


def test_a_killed_download_goes_on_at_the_next_call(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", CONTENT, drop_after=[200_000] + [0] * 20)
    running = subprocess.Popen([sys.executable, "-c", PROGRAM, url, str(tmp_path)])
    part = tmp_path / "set.zip.part"
    for _ in range(600):
        if part.exists() and part.stat().st_size >= 200_000:
            break
        time.sleep(0.05)
    running.kill()
    running.wait(timeout=20)
    assert not (tmp_path / "set.zip").exists()
    server.served["/set.zip"].drop_after.clear()
    got = bring(url, tmp_path, checksum=MD5)
    assert got.resumed_from == 200_000
    assert got.path.read_bytes() == CONTENT
    assert server.ranges("/set.zip")[-1] == "bytes=200000-"


def test_a_file_that_changed_meanwhile_is_begun_anew_and_said_so(
    server: Any, tmp_path: Path
) -> None:
    url = server.file("/set.zip", CONTENT, drop_after=[200_000] + [0] * 20)
    with pytest.raises(TemporaryFailure, match="200000 bytes are here"):
        bring(url, tmp_path)
    newer = CONTENT[::-1] + b"newer"
    server.file("/set.zip", newer, etag='"v2"')
    got = bring(url, tmp_path)
    assert got.path.read_bytes() == newer
    assert got.notes == ("the file changed at its source, or cannot be resumed; begun anew",)


def test_without_tags_a_change_is_seen_by_the_size_or_by_the_checksum(
    server: Any, tmp_path: Path
) -> None:
    path = "/set.zip"
    for newer, note in (
        (CONTENT + b"longer", "the file changed at its source; begun anew"),
        (CONTENT[::-1], "the pieces of two visits did not fit together; brought anew"),
    ):
        url = server.file(path, CONTENT, etag="", drop_after=[200_000] + [0] * 20)
        with pytest.raises(TemporaryFailure):
            bring(url, tmp_path)
        server.file(path, newer, etag="")
        got = bring(url, tmp_path, checksum=f"md5:{hashlib.md5(newer).hexdigest()}")
        assert got.path.read_bytes() == newer
        assert got.notes == (note,)
        got.path.unlink()


def test_a_server_without_ranges_sends_everything_again(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", CONTENT, has_ranges=False, drop_after=[100_000])
    assert bring(url, tmp_path, checksum=MD5).path.read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", CONTENT)
    with pytest.raises(InvalidInput, match=r"not the file that was announced; got md5:.*source"):
        bring(url, tmp_path, checksum="md5:" + "0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_another_size_than_announced_is_refused(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", CONTENT)
    with pytest.raises(InvalidInput, match="512000 bytes; accepted: 7 bytes"):
        bring(url, tmp_path, size=7)


def test_a_server_that_asks_to_wait_is_waited_for(server: Any, tmp_path: Path) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    url = server.file(
        "/set.zip",
        CONTENT,
        statuses=[(429, {"Retry-After": "7"}), (503, {"Retry-After": soon}), (500, {})],
    )
    waited: list[float] = []
    with new_session() as session:
        download(session, RemoteFile(name="a.zip", url=url), tmp_path, pause=waited.append)
    assert waited[0] == 7.0
    assert 20 < waited[1] <= 30
    assert waited[2] == 1.0


def test_a_server_that_asks_for_too_much_patience_is_named(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", CONTENT, statuses=[(429, {"Retry-After": "3600"})])
    with pytest.raises(TemporaryFailure, match="asks to wait 3600 s"):
        bring(url, tmp_path)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [(404, "not there"), (403, "not allowed"), (401, "without an account"), (418, "not given")],
)
def test_a_refusal_says_what_it_means(server: Any, tmp_path: Path, status: int, said: str) -> None:
    url = server.file("/set.zip", CONTENT, statuses=[(status, {})])
    with pytest.raises(InvalidInput, match=f"{said}.*HTTP {status}") as problem:
        bring(url + "?token=secret", tmp_path)
    assert "secret" not in str(problem.value)


def test_a_web_page_in_place_of_a_file_is_refused(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", b"<html>log in", content_type="text/html; charset=utf-8")
    with pytest.raises(InvalidInput, match="a web page came instead"):
        bring(url, tmp_path)


def test_redirections_are_followed_but_never_out_of_encryption(
    server: Any, encrypted: tuple[Any, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe, authority = encrypted
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority)
    plain = server.file("/set.zip", CONTENT)
    safe.redirect("/a.zip", safe.file("/moved.zip", CONTENT))
    safe.redirect("/b.zip", plain)
    assert bring(f"{safe.base}/a.zip", tmp_path / "a").path.read_bytes() == CONTENT
    with pytest.raises(InvalidInput, match="to one that is not"):
        bring(f"{safe.base}/b.zip", tmp_path / "b")
    assert not (tmp_path / "b" / "set.zip").exists()


def test_a_certificate_nobody_vouches_for_is_not_trusted(
    encrypted: tuple[Any, str], tmp_path: Path
) -> None:
    safe, _ = encrypted
    url = safe.file("/set.zip", CONTENT)
    with pytest.raises(InvalidInput, match=r"not trusted.*REQUESTS_CA_BUNDLE"):
        bring(url, tmp_path)


def test_a_disk_that_is_too_small_is_named_before_anything_comes(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    url = server.file("/set.zip", CONTENT)
    with pytest.raises(TemporaryFailure, match="the disk is full; got 0 MB free"):
        bring(url, tmp_path)


def test_a_disk_that_fills_up_keeps_what_came(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", CONTENT)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, str(tmp_path)],
        preexec_fn=little_room,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "the disk is full" in ended.stderr
    got = bring(url, tmp_path, checksum=MD5)
    assert got.resumed_from == 150_000
    assert got.path.read_bytes() == CONTENT


def test_a_file_that_is_here_is_not_asked_for_again(server: Any, tmp_path: Path) -> None:
    url = server.file("/set.zip", CONTENT)
    bring(url, tmp_path, checksum=MD5)
    asked = len(server.asked)
    bring(url, tmp_path, checksum=MD5)
    assert len(server.asked) == asked


def test_a_damaged_memory_of_a_part_is_forgotten(server: Any, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(b"x" * 1000)
    (tmp_path / "set.zip.part.json").write_text(json.dumps(["nothing"]), encoding="utf-8")
    got = bring(server.file("/set.zip", CONTENT), tmp_path)
    assert got.path.read_bytes() == CONTENT


def test_checksums_are_computed_and_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    assert checksum(path) == SHA256
    verify(path, MD5.upper().replace("MD5", "md5"), stated_by="us")
    verify(path, "", stated_by="nobody")
    with pytest.raises(InvalidInput, match="unknown checksum; got crc32:1"):
        verify(path, "crc32:1", stated_by="us")
