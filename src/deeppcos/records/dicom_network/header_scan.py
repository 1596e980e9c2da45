"""The first elements of an arriving data set, found without decoding it.

Owns walking over top-level elements up to Series Instance UID in bounded time and memory, whatever
the data set holds: values are skipped by their length, sequences of undefined length are walked
with a counter instead of recursion, and no more than ``MOST_ELEMENTS`` are looked at. pydicom
would build every nested item in memory before it said anything.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from deeppcos.errors import InvalidInput

MOST_ELEMENTS = 50_000
LONGEST_VALUE_BYTES = 64 * 1024
INFLATED_BYTES = 1024**2
WANTED = frozenset(
    Tag(keyword)
    for keyword in (
        "SpecificCharacterSet",
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "Modality",
        "StudyDescription",
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "PatientBirthDate",
        "PatientSex",
        "LastMenstrualDate",
        "StudyInstanceUID",
        "SeriesInstanceUID",
    )
)
_LAST = int(Tag("SeriesInstanceUID"))
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN"))
_LONG_VRS |= {b"UR", b"UT", b"UV"}
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    vr: bytes
    length: int


def scan_header(stream: BinaryIO, *, syntax: str) -> Dataset:
    """Read the elements that name patient, study and instance.

    Args:
        stream: At the first byte of the data set.
        syntax: Its transfer syntax.

    Returns:
        The elements of ``WANTED`` that are there, as bytes until they are asked for.

    Raises:
        InvalidInput: If the data set cannot be walked so far.
    """
    if syntax == DeflatedExplicitVRLittleEndian:
        stream = _inflated_start(stream)
    found = Dataset()
    is_implicit, is_little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    found.set_original_encoding(is_implicit, is_little)
    try:
        for element in _top_level(stream, is_implicit=is_implicit, is_little=is_little):
            if element.tag in WANTED:
                found[element.tag] = _raw(stream, element, is_implicit, is_little)
    except (struct.error, ValueError) as error:
        raise InvalidInput("the data set is damaged or cut short", value=str(error)) from error
    return found


def _inflated_start(stream: BinaryIO) -> BinaryIO:
    try:
        start = stream.read(INFLATED_BYTES)
        return io.BytesIO(zlib.decompressobj(-zlib.MAX_WBITS).decompress(start, INFLATED_BYTES))
    except zlib.error as error:
        raise InvalidInput("the data set cannot be inflated", value=str(error)) from error


def _raw(stream: BinaryIO, element: _Element, is_implicit: bool, is_little: bool) -> RawDataElement:
    """The value of an element, at which the stream stands; the stream stays there."""
    if element.length > LONGEST_VALUE_BYTES:
        name = keyword_for_tag(element.tag)
        raise ValueError(f"{name} claims {element.length} bytes")
    at = stream.tell()
    value = stream.read(element.length)
    if len(value) < element.length:
        raise ValueError("the last value is cut short")
    stream.seek(at)
    vr = None if is_implicit else element.vr.decode("ascii", "replace")
    return RawDataElement(Tag(element.tag), vr, element.length, value, at, is_implicit, is_little)


def _top_level(stream: BinaryIO, *, is_implicit: bool, is_little: bool) -> Iterator[_Element]:
    """Elements of the data set itself, in order, up to the last one wanted."""
    depth, before, inside_unknown = 0, -1, False
    for _ in range(MOST_ELEMENTS):
        # A sequence written as UN holds implicit elements, whatever is around it.
        element = _next(stream, is_implicit or inside_unknown, is_little)
        if element is None or (depth == 0 and element.tag > _LAST):
            return
        if depth == 0:
            if element.tag <= before:
                raise ValueError("its elements are out of order")
            before, inside_unknown = element.tag, element.vr == b"UN"
            yield element
        if element.tag in (_ITEM_END, _SEQUENCE_END):
            depth -= 1
        elif element.length == _UNDEFINED:
            depth += 1
        else:
            stream.seek(element.length, io.SEEK_CUR)
    raise ValueError(f"no Series Instance UID among the first {MOST_ELEMENTS} elements")


def _next(stream: BinaryIO, is_implicit: bool, is_little: bool) -> _Element | None:
    """The head of the next element; the stream then stands at its value. None at the end."""
    head = stream.read(8)
    if not head:
        return None
    order = "<" if is_little else ">"
    group, number, length = struct.unpack(f"{order}HHL", head)
    tag = group << 16 | number
    if is_implicit or group == 0xFFFE:
        return _Element(tag, b"", length)
    vr = head[4:6]
    if not vr.isalpha():
        raise ValueError(f"({group:04X},{number:04X}) has no value representation")
    if vr in _LONG_VRS:
        (length,) = struct.unpack(f"{order}L", stream.read(4))
    else:
        (length,) = struct.unpack(f"{order}H", head[6:8])
    return _Element(tag, vr, length)
