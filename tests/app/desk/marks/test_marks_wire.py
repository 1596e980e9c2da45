"""The border: what a browser sends is typed, bounded and comes back the same."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.app.desk.marks.conftest import PICTURE, MakeEdit, mark, square

from deeppcos.app.desk.marks.edits import Delta
from deeppcos.app.desk.marks.mark import MarkKind
from deeppcos.app.desk.marks.wire import edit_json, read_edits, read_point, stored_edit
from deeppcos.errors import InvalidInput


def sent(**changes: Any) -> dict[str, Any]:
    edit = {
        "id": str(uuid4()),
        "delta": "missed",
        "picture": PICTURE,
        "frame": 3,
        "removes": [],
        "adds": [
            {
                "id": "r1",
                "kind": "antral",
                "polygon": [[1, 2], [3.456, 2], [3, 5]],
                "by": "reader",
                "kind_by": "size",
            }
        ],
        "remarks": [],
        "undoes": None,
        "seconds": 3.21,
        "at": "2026-11-23T12:00:00Z",
        "machine_marks_seen": True,
        "release": "seeing-2",
    }
    return {**edit, **changes}


def body(*edits: dict[str, Any], version: int = 0) -> bytes:
    return json.dumps({"base_version": version, "edits": list(edits)}).encode()


def test_a_correction_arrives_typed_and_rounded() -> None:
    version, [edit] = read_edits(body(sent(), version=7))
    assert version == 7
    assert edit.delta is Delta.MISSED
    assert edit.adds[0].kind is MarkKind.ANTRAL
    assert edit.adds[0].polygon == ((1.0, 2.0), (3.46, 2.0), (3.0, 5.0))


@pytest.mark.parametrize(
    "changes",
    [
        {"delta": "nonsense"},
        {"frame": -1},
        {"id": "not-a-uuid"},
        {"at": "2026-11-23T12:00:00"},
        {"seconds": -3},
        {"picture": "../../etc/passwd"},
        {"adds": []},
        {"adds": [{"id": "r1", "kind": "antral", "polygon": [[0, 0], [1, 1]]}]},
        {"adds": [{"id": "r1", "kind": "antral", "polygon": [[0, 0], [1, 1], [1e9, 2]]}]},
        {"adds": [{"id": "r<script>", "kind": "antral", "polygon": [[0, 0], [1, 1], [2, 0]]}]},
        {"surprise": True},
    ],
    ids=lambda changes: "-".join(changes) + str(len(str(changes))),
)
def test_what_is_not_as_agreed_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read_edits(body(sent(**changes)))


def test_too_many_corrections_at_once_are_refused() -> None:
    with pytest.raises(InvalidInput, match="edits"):
        read_edits(body(*(sent(id=str(uuid4())) for _ in range(201))))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read in (read_edits, read_point):
        try:
            read(content)
        except InvalidInput:
            continue


def test_a_stored_correction_reads_back_the_same(edit: MakeEdit) -> None:
    one = edit(Delta.MISSED, adds=(mark("r1", square(0, 0)),))
    assert stored_edit(json.loads(json.dumps(edit_json(one)))) == one
