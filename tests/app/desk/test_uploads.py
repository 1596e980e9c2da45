import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from deeppcos.app.desk.uploads import Arrived, NotKept, UploadLimits, arrived_files
from deeppcos.errors import InvalidInput


def picture(seed: int = 0) -> bytes:
    grey = np.random.default_rng(seed).integers(0, 255, (16, 16), dtype=np.uint8)
    return bytes(cv2.imencode(".png", grey)[1].tobytes())


def sent(
    tmp_path: Path, content: bytes, name: str = "study.zip", limits: UploadLimits | None = None
) -> list[Arrived | NotKept]:
    path, scratch = tmp_path / "upload", tmp_path / "scratch"
    path.write_bytes(content)
    scratch.mkdir()
    return list(arrived_files(path, name=name, scratch=scratch, limits=limits or UploadLimits()))


def packed(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def test_a_picture_is_kept_under_the_name_its_owner_gave_it(tmp_path: Path) -> None:
    [file] = sent(tmp_path, picture(), "C:\\scans\\left ovary.png")
    assert isinstance(file, Arrived)
    assert file.name == "scans/left ovary.png"


def test_an_archive_brings_its_pictures_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    files = sent(
        tmp_path,
        packed(
            {
                "study/IM1": picture(1),
                "study/IM2": picture(2),
                "study/notes.txt": b"left ovary enlarged",
                "study/.DS_Store": b"x",
                "__MACOSX/study/IM1": b"x",
                "study/empty.png": b"",
            }
        ),
    )
    kept = [file.name for file in files if isinstance(file, Arrived)]
    refused = {file.name: file.reason for file in files if isinstance(file, NotKept)}
    assert kept == ["study/IM1", "study/IM2"]
    assert set(refused) == {"study/notes.txt", "study/empty.png"}
    assert "a plain text" in refused["study/notes.txt"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\x.png", "C:x.png"])
def test_a_way_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="points outside"):
        sent(tmp_path, packed({name: picture()}))
    assert not (tmp_path.parent / "x.png").exists()


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        link = zipfile.ZipInfo("scan.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InvalidInput, match="points outside"):
        sent(tmp_path, content.getvalue())


def test_a_bomb_is_stopped_by_what_it_really_unpacks_to(tmp_path: Path) -> None:
    bomb = packed({"bomb.png": b"\0" * (200 << 20)})
    assert len(bomb) < 1 << 20
    with pytest.raises(InvalidInput, match="far more than a study holds"):
        sent(tmp_path, bomb)
    assert (tmp_path / "scratch" / "00000").stat().st_size <= 101 << 20


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="too many files"):
        sent(
            tmp_path,
            packed({f"{number}.png": picture() for number in range(4)}),
            limits=UploadLimits(most_files=3),
        )


def test_an_archive_inside_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    [file] = sent(tmp_path, packed({"inner.zip": packed({"a.png": picture()})}))
    assert isinstance(file, NotKept)
    assert "a ZIP archive" in file.reason


def test_a_locked_archive_says_so(tmp_path: Path) -> None:
    content = bytearray(packed({"a.png": picture()}))
    for place in (content.find(b"PK\x03\x04") + 6, content.find(b"PK\x01\x02") + 8):
        content[place] |= 1
    with pytest.raises(InvalidInput, match="locked with a password"):
        sent(tmp_path, bytes(content))


def test_a_cut_archive_says_so(tmp_path: Path) -> None:
    whole = packed({f"{n}.png": picture(n) for n in range(3)})
    broken = bytearray(whole)
    broken[60:90] = b"\0" * 30
    with pytest.raises(InvalidInput, match="cannot be unpacked"):
        sent(tmp_path, bytes(broken))
    [file] = [
        *arrived_files(
            _written(tmp_path / "half", whole[:100]),
            name="half.zip",
            scratch=tmp_path,
            limits=UploadLimits(),
        )
    ]
    assert isinstance(file, NotKept)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_program_is_refused_by_what_it_is(tmp_path: Path) -> None:
    [file] = sent(tmp_path, b"MZ" + b"\0" * 600, "ultrasound.png")
    assert isinstance(file, NotKept)
    assert "a Windows program" in file.reason
