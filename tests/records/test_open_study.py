import gzip
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import SimpleITK
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet

from deeppcos.errors import InvalidInput
from deeppcos.records.open_study import (
    MediaKind,
    OpenedStudyFile,
    RefusedFile,
    open_file,
    open_paths,
)

sitk: Any = SimpleITK
Rgb = npt.NDArray[np.uint8]
WriteDicom = Callable[..., Path]


def names(files: list[OpenedStudyFile | RefusedFile]) -> list[str]:
    return [Path(file.source).name for file in files]


def picture(path: Path, level: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 10), (level,) * 3).save(path, "PNG")
    return path


def volume(path: Path, shape: tuple[int, int, int] = (3, 4, 5)) -> Path:
    image = sitk.GetImageFromArray(np.zeros(shape, np.uint8))
    image.SetSpacing((0.3, 0.3, 0.9))
    sitk.WriteImage(image, str(path))
    return path


def video(path: Path) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 24))
    for _ in range(6):
        writer.write(np.zeros((24, 32, 3), np.uint8))
    writer.release()
    return path


def test_every_kind_is_opened_by_what_it_holds(
    tmp_path: Path, write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    cine = write_dicom(np.stack([grey_picture] * 3), "cine", frames=3, FrameTime=50)
    expected = [
        (picture(tmp_path / "still.jpg"), MediaKind.STILL, 1, None),
        (write_dicom(grey_picture, "IM0001"), MediaKind.STILL, 1, None),
        (cine, MediaKind.CINE, 3, None),
        (video(tmp_path / "sweep.avi"), MediaKind.CINE, 6, None),
        (volume(tmp_path / "volume.nii.gz"), MediaKind.VOLUME, 3, 0.9),
    ]
    for path, kind, frames, spacing in expected:
        opened = open_file(path)
        assert (opened.source, opened.kind, opened.frame_count) == (str(path), kind, frames)
        assert opened.slice_spacing_mm == pytest.approx(spacing)
        read = list(opened.frames())
        assert [frame.index for frame in read] == list(range(frames))
        assert {frame.source for frame in read} == {str(path)}
        assert (opened.header is not None) == (path.name in ("IM0001", "cine"))
        assert (opened.identifiers is not None) == (opened.header is not None)


def test_pages_of_a_picture_are_a_cine(tmp_path: Path) -> None:
    pages = [Image.new("L", (8, 8), level) for level in (1, 2)]
    pages[0].save(path := tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    opened = open_file(path)
    assert (opened.kind, opened.frame_count) == (MediaKind.CINE, 2)


def test_a_folder_is_read_through_in_natural_order(tmp_path: Path) -> None:
    for name in ("IM10.png", "IM2.png", "im1.png", "b/IM3.png", "a10/x.png", "a9/x.png"):
        picture(tmp_path / name)
    found = [os.path.relpath(file.source, tmp_path) for file in open_paths([tmp_path])]
    assert found == ["a9/x.png", "a10/x.png", "b/IM3.png", "im1.png", "IM2.png", "IM10.png"]


def test_what_systems_leave_behind_and_texts_are_passed_over_in_folders(tmp_path: Path) -> None:
    picture(tmp_path / "IM1.png")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/._IM1.png", ".hidden/IM2.png"):
        left = tmp_path / name
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(b"\0\0\0\1Bud1")
    (tmp_path / "chart.json").write_text("{}", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("left ovary", encoding="utf-8")
    (tmp_path / "README").write_text("Start VIEWER.EXE", encoding="utf-8")
    (tmp_path / "VIEWER.EXE").write_bytes(b"MZ")
    assert names(list(open_paths([tmp_path]))) == ["IM1.png"]


def test_a_text_given_by_name_is_answered_for(tmp_path: Path) -> None:
    (tmp_path / "chart.json").write_text('{"schema": "deeppcos.chart/1"}', encoding="utf-8")
    [refused] = open_paths([tmp_path / "chart.json"])
    assert isinstance(refused, RefusedFile)
    assert "got a JSON text" in refused.reason


def test_links_that_go_round_end(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "IM1.png")
    (tmp_path / "a" / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "nowhere.png").symlink_to(tmp_path / "missing.png")
    assert names(list(open_paths([tmp_path]))) == ["IM1.png"]


def test_a_file_given_twice_is_opened_once(tmp_path: Path) -> None:
    path = picture(tmp_path / "IM1.png")
    (tmp_path / "link.png").symlink_to(path)
    assert names(list(open_paths([path, tmp_path, path]))) == ["IM1.png"]


def test_a_copy_of_a_dicom_image_is_named_as_such(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    first = write_dicom(grey_picture, "first.dcm")
    copy = write_dicom(pydicom.dcmread(first), "second.dcm")
    other = write_dicom(grey_picture, "third.dcm")
    files = list(open_paths([first, copy, other]))
    assert isinstance(files[0], OpenedStudyFile)
    assert isinstance(files[1], RefusedFile)
    assert isinstance(files[2], OpenedStudyFile)
    assert files[1].duplicate_of == str(first)
    assert f"is the same DICOM image as {first}" in files[1].reason


def test_images_without_identifier_are_never_duplicates(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    paths = []
    for name in ("a.dcm", "b.dcm"):
        path = write_dicom(grey_picture, name)
        header = pydicom.dcmread(path)
        del header.SOPInstanceUID
        header.save_as(path)
        paths.append(path)
    assert all(isinstance(file, OpenedStudyFile) for file in open_paths(paths))


def heic() -> bytes:
    return b"\0\0\0\x18ftypheic" + bytes(64)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("report.dcm", b"%PDF-1.7\n", "a PDF document"),
        ("scan.png", b"Left ovary 3.2 cm\n", "a plain text"),
        ("scan.png", "Ovár — links".encode(), "a plain text"),
        ("scan.jpg", b"<!DOCTYPE html><html></html>", "an HTML or XML text"),
        ("scan.tif", b'{"a": 1}', "a JSON text"),
        ("IM0001", b"GIF89a" + bytes(30), "a GIF picture"),
        ("IM0001", b"BM" + bytes(60), "a BMP picture"),
        ("photo.jpg", heic(), "a HEIC or AVIF picture"),
        ("sweep.mp4", b"\x1a\x45\xdf\xa3" + bytes(60), "a Matroska or WebM video"),
        ("volume.nii", gzip.compress(b"no volume", mtime=0), "a gzip archive"),
        ("v.vol", b"KRETZFILE 1.0   ", "a GE Kretz volume"),
        ("noise.png", bytes(range(128, 256)) * 4, "a file of unknown type"),
        ("zeros.dcm", bytes(600), "a file of unknown type"),
    ],
)
def test_what_is_no_image_is_refused_by_what_it_really_is(
    tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    [refused] = open_paths([path])
    assert isinstance(refused, RefusedFile)
    assert refused.source == str(path)
    assert refused.reason.startswith(f"{path}: is not an image DeepPCOS reads; got {what}")
    assert "\n" not in refused.reason


def test_an_archive_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.writestr("IM1.dcm", b"x")
    [refused] = open_paths([tmp_path])
    assert isinstance(refused, RefusedFile)
    assert "got a ZIP archive" in refused.reason
    assert "unpack it first" in refused.reason


def test_empty_and_missing_files_and_empty_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "folder").mkdir()
    files = list(open_paths([tmp_path / "empty.dcm", tmp_path / "none.dcm", tmp_path / "folder"]))
    reasons = [file.reason for file in files if isinstance(file, RefusedFile)]
    assert [reason.split(": ", 1)[1].split(";")[0] for reason in reasons] == [
        "the file is empty (0 bytes)",
        "cannot be opened",
        "holds no image",
    ]
    with pytest.raises(InvalidInput):
        open_file(tmp_path / "empty.dcm")


def test_a_folder_cannot_be_opened_as_a_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be opened"):
        open_file(tmp_path)


def test_one_bad_file_never_stops_the_rest(
    tmp_path: Path, write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    sound = write_dicom(grey_picture, "IM3.dcm")
    (tmp_path / "IM1.dcm").write_bytes(sound.read_bytes()[:700])
    (tmp_path / "IM2.dcm").write_bytes(b"")
    picture(tmp_path / "IM4.png")
    (tmp_path / "IM5.png").write_bytes(picture(tmp_path / "IM6.png").read_bytes()[:40])
    files = list(open_paths([tmp_path]))
    assert names(files) == [f"IM{n}.{'dcm' if n < 4 else 'png'}" for n in range(1, 7)]
    opened = [file for file in files if isinstance(file, OpenedStudyFile)]
    assert "IM3.dcm" in names(list(opened))
    assert "IM6.png" in names(list(opened))
    assert isinstance(files[0], RefusedFile)
    assert isinstance(files[1], RefusedFile)


def test_the_voxels_beside_a_header_are_not_a_file_of_their_own(tmp_path: Path) -> None:
    volume(tmp_path / "v.mhd")
    assert (tmp_path / "v.raw").exists()
    assert names(list(open_paths([tmp_path]))) == ["v.mhd"]


def test_bare_dicom_without_preamble_is_recognised(
    write_dicom: WriteDicom, grey_picture: Rgb
) -> None:
    path = write_dicom(grey_picture)
    header = pydicom.dcmread(path)
    for implicit in (True, False):
        bare = path.with_name(f"bare{implicit}")
        Dataset(header).save_as(bare, implicit_vr=implicit, little_endian=True)
        assert bare.read_bytes()[128:132] != b"DICM"
        assert open_file(bare).frame_count == 1


@pytest.fixture
def file_set(tmp_path: Path, write_dicom: WriteDicom, grey_picture: Rgb) -> Path:
    """A DICOMDIR with three images, as on a disc."""
    files = FileSet()
    for number in range(3):
        path = write_dicom(
            grey_picture + np.uint8(number),
            f"in{number}.dcm",
            StudyDate="20240101",
            StudyTime="120000",
            StudyID="1",
            SeriesNumber=1,
            InstanceNumber=number + 1,
            AccessionNumber="",
        )
        files.add(path)
    disc = tmp_path / "disc"
    files.write(disc)
    files._stage["t"].cleanup()  # else its finalizer warns, whenever that may be
    return disc


def test_a_dicomdir_opens_the_images_it_lists(file_set: Path) -> None:
    files = list(open_paths([file_set / "DICOMDIR"]))
    assert len(files) == 3
    assert all(isinstance(file, OpenedStudyFile) for file in files)


def test_a_folder_with_a_dicomdir_is_read_once(file_set: Path) -> None:
    by_folder = {file.source for file in open_paths([file_set])}
    by_list = {file.source for file in open_paths([file_set / "DICOMDIR"])}
    assert by_folder == by_list
    assert len(list(open_paths([file_set, file_set / "DICOMDIR"]))) == 3


def test_images_missing_from_a_disc_are_named(file_set: Path) -> None:
    first = next(iter(open_paths([file_set / "DICOMDIR"])))
    Path(first.source).unlink()
    files = list(open_paths([file_set / "DICOMDIR"]))
    assert [isinstance(file, RefusedFile) for file in files] == [True, False, False]
    assert files[0].source == first.source


def test_an_entry_that_points_outside_the_disc_is_refused_and_the_rest_read(file_set: Path) -> None:
    path = file_set / "DICOMDIR"
    inside, outside = rb"PT000000\ST000000", rb"..\..\..\..\..\.."
    content = path.read_bytes()
    assert inside in content
    path.write_bytes(content.replace(inside, outside))
    files = list(open_paths([path]))
    assert [isinstance(file, RefusedFile) for file in files] == [True, False, False]
    assert isinstance(files[0], RefusedFile)
    assert "lists a file outside its folder" in files[0].reason


def test_a_damaged_dicomdir_is_refused(file_set: Path) -> None:
    path = file_set / "DICOMDIR"
    path.write_bytes(path.read_bytes()[:300])
    files = list(open_paths([path]))
    assert all(isinstance(file, RefusedFile) for file in files)


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path / "IM1.png")
    real_open = Path.open

    def denied(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return real_open(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", denied)
    [refused] = open_paths([path])
    assert isinstance(refused, RefusedFile)
    assert "Permission denied" in refused.reason
