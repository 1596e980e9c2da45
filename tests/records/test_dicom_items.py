import io
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from deeppcos.errors import InvalidInput
from deeppcos.records import dicom_file, dicom_items
from deeppcos.records.dicom_file import open_dicom
from deeppcos.records.dicom_items import refuse_many_items
from deeppcos.records.dicom_report_reading import read_report
from deeppcos.records.dicom_segmentation import read_segmentation

ITEM = b"\xfe\xff\x00\xe0" + bytes(4)
END = b"\xfe\xff\xdd\xe0" + bytes(4)


@pytest.fixture
def stuffed(write_dicom: Any) -> Any:
    """A small still with a sequence of empty items in its header."""

    def write(items: int) -> Path:
        path: Path = write_dicom(np.zeros((8, 8), np.uint8))
        whole = path.read_bytes()
        at = whole.index(struct.pack("<HH", 0x0010, 0x0010))
        sequence = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + ITEM * items + END
        path.write_bytes(whole[:at] + sequence + whole[at:])
        return path

    return write


@pytest.mark.parametrize(
    ("read", "most"),
    [
        (lambda path: open_dicom(path, "a"), dicom_items.MOST_OF_PICTURES),
        (read_report, dicom_items.MOST_OF_REPORTS),
        (read_segmentation, dicom_items.MOST_OF_SEGMENTATIONS),
    ],
    ids=["picture", "report", "segmentation"],
)
def test_more_items_than_any_honest_file_has_are_refused_before_they_are_built(
    read: Any, most: int, stuffed: Any
) -> None:
    path = stuffed(most + 1)
    began = time.process_time()
    with pytest.raises(InvalidInput, match="too many items"):
        read(path)
    assert time.process_time() - began < 1


def test_a_picture_with_many_items_is_still_read(stuffed: Any) -> None:
    assert len(open_dicom(stuffed(2_000), "a").header.ReferencedImageSequence) == 2_000


def test_items_across_two_blocks_count_and_the_stream_is_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dicom_items, "_BLOCK_BYTES", 5)
    stream = io.BytesIO(b"xx" + ITEM * 10)
    stream.seek(2)
    refuse_many_items(stream, "a", most=10)
    assert stream.tell() == 2
    with pytest.raises(InvalidInput, match="more than 9"):
        refuse_many_items(stream, "a", most=9)
    refuse_many_items(stream, "a", most=9, within_bytes=72)


def test_items_are_counted_in_big_endian_too() -> None:
    with pytest.raises(InvalidInput, match="too many items"):
        refuse_many_items(io.BytesIO(b"\xff\xfe\xe0\x00\0\0\0\0" * 3), "a", most=2)


@pytest.mark.parametrize("read", [read_report, read_segmentation], ids=["report", "segmentation"])
def test_what_inflates_beyond_the_limit_is_refused(
    read: Any, write_dicom: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dicom_file, "MAX_INFLATED_BYTES", 10_000)
    whole = dcmread(write_dicom(np.zeros((200, 200), np.uint8)))
    whole.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = tmp_path / "bomb.dcm"
    whole.save_as(path, enforce_file_format=True)
    assert path.stat().st_size < 2_000
    with pytest.raises(InvalidInput, match="inflates to more than 10000 bytes"):
        read(path)
