import io
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from deeppcos.records.codestream import Codestream, read_codestream, starts_codestream
from deeppcos.records.gdcm_worker import ANSWER, REQUEST, serve
from deeppcos.records.isolated_gdcm import FrameFormat, IsolatedGdcm

LAYOUT = FrameFormat(
    syntax="1.2.840.10008.1.2.4.80",
    rows=4,
    columns=6,
    samples=1,
    precision=8,
    is_signed=False,
)


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a shell script where the child's interpreter would be."""
    program = folder / "interpreter"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_a_child_that_hangs_is_ended_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, "exec sleep 60", monkeypatch)
    begun = time.monotonic()
    with (
        IsolatedGdcm(seconds_per_frame=0.2) as gdcm,
        pytest.raises(ValueError, match="gave up on a damaged frame"),
    ):
        gdcm.decode(b"frame", layout=LAYOUT)
    assert time.monotonic() - begun < 10


def test_a_child_that_answers_short_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, r"printf '\001\030\000\000\000abc'", monkeypatch)
    with IsolatedGdcm() as gdcm, pytest.raises(ValueError, match="gave up on a damaged frame"):
        gdcm.decode(b"frame", layout=LAYOUT)


def test_a_child_that_died_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with IsolatedGdcm() as gdcm:
        with monkeypatch.context() as patched:
            stand_in(tmp_path, "exit 1", patched)
            with pytest.raises(ValueError, match="gave up"):
                gdcm.decode(b"frame", layout=LAYOUT)
        with pytest.raises(ValueError, match="a frame is damaged"):
            gdcm.decode(b"frame", layout=LAYOUT)


def test_the_worker_answers_each_request_and_says_what_went_wrong() -> None:
    request = REQUEST.pack(LAYOUT.syntax.encode(), 4, 6, 1, 8, False, 5) + b"frame"
    answers = io.BytesIO()
    serve(io.BytesIO(request * 2), answers)
    reply = answers.getvalue()
    status, length = ANSWER.unpack_from(reply)
    assert (status, reply[ANSWER.size : ANSWER.size + length]) == (0, b"a frame is damaged")
    assert len(reply) == 2 * (ANSWER.size + length)


def frame_with(header: bytes) -> bytes:
    return b"\xff\xd8\xff\xfe\x00\x04hi\xff" + header + b"\xff\xd9"


def test_a_codestream_states_its_size_and_depth() -> None:
    sof = bytes.fromhex("fff7000b0c00040006010111 00")
    expected = Codestream(rows=4, columns=6, samples=1, precision=12)
    assert read_codestream(frame_with(sof)) == expected
    size = np.array([0, 6, 4, 1, 0, 6, 4, 0, 0], dtype=">u4").tobytes()[2:]
    siz = b"\xff\x4f\xff\x51\x00\x29" + size[: 2 + 8 + 8 + 16] + b"\x00\x01\x0b\x01\x01\xff\xd9"
    left_one = Codestream(rows=4, columns=5, samples=1, precision=12)
    assert read_codestream(siz) == left_one


@pytest.mark.parametrize(
    "frame",
    [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", frame_with(b"\xff\xc0"), b"\xff\x4f\xff\x51\xff\xd9"],
)
def test_an_incomplete_codestream_is_refused(frame: bytes) -> None:
    with pytest.raises(ValueError, match="a frame"):
        read_codestream(frame)


def test_only_the_start_of_a_codestream_begins_a_frame() -> None:
    assert starts_codestream(b"\xff\xd8\xff\xc3")
    assert starts_codestream(b"\xff\x4f\xff\x51")
    assert not starts_codestream(b"\xff\xd9\x00\x00")
    assert not starts_codestream(b"")
