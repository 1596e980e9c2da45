"""Cutting a multipart answer, however it is chopped up on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.dicom_web.multipart import boundary_of, parts

BOUNDARY = b"b0"


def _message(bodies: list[bytes], *, end: bool = True) -> bytes:
    head = b"\r\n--b0\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + body for body in bodies) + (b"\r\n--b0--\r\n" if end else b"")


def _read(message: bytes, size: int) -> list[bytes]:
    pieces = (message[at : at + size] for at in range(0, len(message), size))
    return [b"".join(body) for body in parts(pieces, BOUNDARY)]


@given(
    st.lists(st.binary(max_size=80).filter(lambda body: b"\r\n--b0" not in body), max_size=4),
    st.integers(1, 50),
)
def test_parts_come_back_whole_whatever_the_pieces(bodies: list[bytes], size: int) -> None:
    # A body that ends like the beginning of a boundary belongs to the part all the same.
    bodies = [body for body in bodies if b"\r\n--b0" not in body + b"\r\n--b"]
    assert _read(_message(bodies), size) == bodies


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=3), st.integers(1, 60))
def test_a_message_that_ends_early_is_never_taken_as_whole(bodies: list[bytes], cut: int) -> None:
    message = _message(bodies)
    short = message[: max(0, len(message) - 4 - cut)]  # without its last boundary
    with pytest.raises(TemporaryFailure, match="ended early"):
        _read(short, 7)


def test_a_part_with_an_endless_head_is_refused() -> None:
    with pytest.raises(InvalidInput, match="endless head"):
        _read(b"--b0\r\n" + b"X: y\r\n" * 10_000, 4096)


@pytest.mark.parametrize("stated", ["", "application/json", "multipart/related"])
def test_an_answer_that_is_not_in_parts_is_refused(stated: str) -> None:
    with pytest.raises(InvalidInput, match="not in parts"):
        boundary_of(stated)
