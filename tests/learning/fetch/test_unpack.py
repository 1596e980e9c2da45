"""Archives of strangers: slips, bombs, links, damage, and sound ones."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning.fetch import unpack as module
from deeppcos.learning.fetch.unpack import unpack


def zipped(path: Path, files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(path: Path, change: Callable[[tarfile.TarInfo], None], name: str = "a.txt") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        item = tarfile.TarInfo(name)
        item.size = 3
        change(item)
        archive.addfile(item, io.BytesIO(b"abc") if item.isreg() else None)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def refused(archive: Path, match: str) -> None:
    """Refused, and nothing is left of it, in or beside the folder."""
    place = archive.parent / "out" / "set"
    with pytest.raises(InvalidInput, match=match):
        unpack(archive, place)
    assert list(place.parent.iterdir()) == []
    assert not (archive.parent / "evil.txt").exists()


def test_a_sound_archive_is_unpacked_without_the_litter_of_systems(tmp_path: Path) -> None:
    files = {"set/a.txt": b"a", "set/b/c.txt": b"c" * 9000, "__MACOSX/set/._a.txt": b"junk"}
    unpack(zipped(tmp_path / "set.zip", files), tmp_path / "out")
    assert contents(tmp_path / "out") == {"set/a.txt": b"a", "set/b/c.txt": b"c" * 9000}
    unpack(tarred(tmp_path / "set.tar.gz", lambda _: None), tmp_path / "two")
    assert contents(tmp_path / "two") == {"a.txt": b"abc"}


def test_archives_inside_an_archive_are_unpacked_too(tmp_path: Path) -> None:
    inner = packed({"images/1.txt": b"1"})
    unpack(zipped(tmp_path / "set.zip", {"OTU_2d.zip": inner}), tmp_path / "out")
    assert contents(tmp_path / "out") == {"OTU_2d/images/1.txt": b"1"}


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "a/../../evil.txt", "/tmp/evil.txt", "..\\evil.txt", "C:/evil.txt"],
    ids=["up", "down-and-up", "absolute", "backslash", "drive"],
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    refused(zipped(tmp_path / "z.zip", {"good.txt": b"1", name: b"2"}), "leads out")
    refused(tarred(tmp_path / "t.tar.gz", lambda _: None, name), "leads out")


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    def kind(type_: bytes) -> Callable[[tarfile.TarInfo], None]:
        def change(item: tarfile.TarInfo) -> None:
            item.type, item.linkname, item.size = type_, "/etc/passwd", 0

        return change

    for type_ in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        refused(tarred(tmp_path / "t.tar.gz", kind(type_)), "link or device")
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        item = zipfile.ZipInfo("link")
        item.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(item, "/etc/passwd")
    refused(path, "link or device")


def test_a_bomb_is_stopped_by_what_comes_out_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FREELY_UNPACKED_BYTES", 1000)
    refused(zipped(tmp_path / "z.zip", {"a": bytes(30_000_000)}), "far more than it is")
    layers = packed({"deep": bytes(30_000_000)})
    refused(zipped(tmp_path / "n.zip", {"a.zip": layers}), "far more than it is")
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    refused(zipped(tmp_path / "m.zip", {f"{n}": b"" for n in range(5)}), "too many files")


def test_a_name_that_comes_twice_is_refused_even_in_another_case(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "z.zip", {"a/x.txt": b"1", "A/X.txt": b"2"}), "two files of one name")


def test_an_encrypted_archive_is_named(tmp_path: Path) -> None:
    raw = bytearray(packed({"a.txt": b"abc"}))
    raw[6] |= 1  # the flag in the local header
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    (tmp_path / "z.zip").write_bytes(bytes(raw))
    refused(tmp_path / "z.zip", "is encrypted")


def test_a_damaged_or_foreign_archive_is_named(tmp_path: Path) -> None:
    whole = packed({"a.txt": bytes(range(256)) * 400})
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    refused(tmp_path / "cut.zip", "not a sound ZIP")
    spoiled = bytearray(whole)
    spoiled[200:260] = bytes(60)
    (tmp_path / "spoiled.zip").write_bytes(bytes(spoiled))
    refused(tmp_path / "spoiled.zip", r"a\.txt is damaged")
    (tmp_path / "no.tar").write_bytes(b"nothing of the kind")
    refused(tmp_path / "no.tar", "not a sound TAR")
    (tmp_path / "set.rar").write_bytes(b"Rar!")
    refused(tmp_path / "set.rar", "not an archive that can be unpacked")
