"""The served release is always one complete, verified release that two people agreed to."""

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.app.releases.made_up import candidate_in

from deeppcos.app.releases.history import HISTORY_FILE, events, problems
from deeppcos.app.releases.promotion import (
    add_candidate,
    approvals,
    approve,
    promote,
    roll_back,
)
from deeppcos.app.releases.shelf import Pointer, Shelf, shipped
from deeppcos.errors import ContractBroken, InvalidInput, TemporaryFailure
from deeppcos.vision.release import SHIPPED, load_release, read_manifest

MakeCandidate = Callable[..., Path]
SERVED_FIRST = read_manifest(SHIPPED).name


@pytest.fixture
def make_candidate(tmp_path: Path) -> MakeCandidate:
    return partial(candidate_in, tmp_path)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(folder=tmp_path / "releases")


def brought(shelf: Shelf, folder: Path) -> Pointer:
    return add_candidate(shelf, folder, by="trainer")


def promoted(shelf: Shelf, folder: Path) -> Pointer:
    pointer = brought(shelf, folder)
    approve(shelf, pointer, by="Dr One")
    approve(shelf, pointer, by="Dr Two")
    promote(shelf, pointer, by="Dr One")
    return pointer


def test_without_a_promotion_the_shipped_release_is_served(shelf: Shelf) -> None:
    assert shelf.current() == shipped()
    assert shelf.current_place() == SHIPPED


def test_a_candidate_is_served_once_two_people_agreed(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    pointer = promoted(shelf, make_candidate("site-1"))
    assert shelf.current() == pointer
    assert load_release(shelf.current_place()).manifest.name == "site-1"
    assert [event.action for event, _ in events(shelf.folder)] == [
        "added",
        "approved",
        "approved",
        "promoted",
    ]
    assert problems(shelf.folder) == []


def test_one_person_is_not_enough_even_twice(shelf: Shelf, make_candidate: MakeCandidate) -> None:
    pointer = brought(shelf, make_candidate("site-1"))
    approve(shelf, pointer, by="Dr One")
    with pytest.raises(InvalidInput, match="already approved"):
        approve(shelf, pointer, by="Dr One")
    with pytest.raises(InvalidInput, match="is not approved"):
        promote(shelf, pointer, by="Dr One")
    assert shelf.current() == shipped()


def test_who_trained_a_candidate_cannot_approve_it(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    pointer = brought(shelf, make_candidate("site-1"))
    with pytest.raises(InvalidInput, match="cannot approve"):
        approve(shelf, pointer, by="trainer")


def test_what_the_gate_refused_can_be_neither_approved_nor_promoted(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    pointer = brought(shelf, make_candidate("worse", is_passed=False))
    with pytest.raises(InvalidInput, match="the gate refused"):
        approve(shelf, pointer, by="Dr One")
    with pytest.raises(InvalidInput, match="the gate refused"):
        promote(shelf, pointer, by="Dr One")


def test_a_report_about_another_candidate_opens_nothing(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    pointer = brought(shelf, make_candidate("site-1", candidate_sha256="0" * 64))
    approve(shelf, pointer, by="Dr One")
    approve(shelf, pointer, by="Dr Two")
    with pytest.raises(InvalidInput, match="another candidate"):
        promote(shelf, pointer, by="Dr One")


def test_a_comparison_with_what_is_no_longer_served_has_run_out(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    late = brought(shelf, make_candidate("late"))
    approve(shelf, late, by="Dr One")
    approve(shelf, late, by="Dr Two")
    promoted(shelf, make_candidate("site-1"))
    with pytest.raises(InvalidInput, match="no longer served"):
        promote(shelf, late, by="Dr One")


def test_changing_the_report_after_approval_takes_the_approval_away(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    pointer = brought(shelf, make_candidate("site-1"))
    approve(shelf, pointer, by="Dr One")
    approve(shelf, pointer, by="Dr Two")
    report = shelf.folder / "site-1" / "gate.json"
    report.write_text(report.read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(InvalidInput, match="is not approved"):
        promote(shelf, pointer, by="Dr One")


def test_rolling_back_goes_back_one_promotion_at_a_time_down_to_the_shipped_one(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    first = promoted(shelf, make_candidate("site-1"))
    promoted(shelf, make_candidate("site-2", against=first.weights_sha256))
    assert roll_back(shelf, by="Dr One", why="more edits than before") == first
    assert shelf.current() == first
    assert roll_back(shelf, by="Dr One", why="still") == shipped()
    assert shelf.current_place() == SHIPPED
    with pytest.raises(InvalidInput, match="nothing to go back to"):
        roll_back(shelf, by="Dr One", why="again")
    assert problems(shelf.folder) == []


def test_a_corrupt_checkpoint_never_reaches_the_shelf(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    folder = make_candidate("site-1")
    weights = folder / "seeing.onnx"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ContractBroken, match="weights differ"):
        brought(shelf, folder)
    assert shelf.releases() == ()


def test_a_name_belongs_to_one_release_for_ever(
    shelf: Shelf, make_candidate: MakeCandidate, tmp_path: Path
) -> None:
    folder = make_candidate("site-1")
    assert brought(shelf, folder) == brought(shelf, folder)
    manifest = folder / "manifest.json"
    changed = {**json.loads(manifest.read_text(encoding="utf-8")), "created": "1999-01-01"}
    manifest.write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(InvalidInput, match="already holds another"):
        brought(shelf, folder)


def test_a_release_that_was_changed_on_the_shelf_is_not_served(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    promoted(shelf, make_candidate("site-1"))
    (shelf.folder / "site-1" / "seeing.onnx").write_bytes(b"other")
    with pytest.raises(ContractBroken):
        load_release(shelf.current_place())


def test_a_changed_line_of_the_history_is_seen(shelf: Shelf, make_candidate: MakeCandidate) -> None:
    promoted(shelf, make_candidate("site-1"))
    file = shelf.folder / HISTORY_FILE
    file.write_text(file.read_text(encoding="utf-8").replace("Dr Two", "Dr Foe"), encoding="utf-8")
    assert "event 3 was changed after it was written" in problems(shelf.folder)


def test_a_line_torn_by_a_power_cut_is_taken_away_by_the_next(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    pointer = brought(shelf, make_candidate("site-1"))
    with (shelf.folder / HISTORY_FILE).open("a", encoding="utf-8") as stream:
        stream.write('{"number": 2, "at": "20')
    assert problems(shelf.folder) == []
    approve(shelf, pointer, by="Dr One")
    assert [event.action for event, _ in events(shelf.folder)] == ["added", "approved"]
    assert problems(shelf.folder) == []


def test_a_candidate_runs_in_shadow_until_it_is_promoted(
    shelf: Shelf, make_candidate: MakeCandidate
) -> None:
    pointer = brought(shelf, make_candidate("site-1"))
    shelf.run_in_shadow(pointer)
    assert (shelf.shadow(), shelf.current()) == (pointer, shipped())
    approve(shelf, pointer, by="Dr One")
    approve(shelf, pointer, by="Dr Two")
    promote(shelf, pointer, by="Dr One")
    assert shelf.shadow() is None


class PowerCut(BaseException):
    """Nothing after this line happens."""


@pytest.fixture
def cut_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Cuts the power at the n-th touch of the disk."""
    left = [10**9]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def touch(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise PowerCut
            return real(*args, **kwargs)

        return touch

    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(shutil, "copyfile", counted(shutil.copyfile))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    monkeypatch.setattr(Path, "rename", counted(Path.rename))

    def cut(touches: int) -> None:
        left[0] = touches

    yield cut
    left[0] = 10**9


def test_a_power_cut_at_any_touch_of_the_disk_leaves_one_complete_release(
    shelf: Shelf, make_candidate: MakeCandidate, cut_after: Callable[[int], None]
) -> None:
    folder = make_candidate("site-1")
    cuts = 0
    for touches in itertools.count():
        cut_after(touches)
        try:
            pointer = brought(shelf, folder)
            if not list(events(shelf.folder))[1:]:
                approve(shelf, pointer, by="Dr One")
            if len(list(events(shelf.folder))) < 3:
                approve(shelf, pointer, by="Dr Two")
            promote(shelf, pointer, by="Dr One")
            break
        except PowerCut:
            cuts += 1
        finally:
            cut_after(10**9)
        assert load_release(shelf.current_place()).manifest.name in (SERVED_FIRST, "site-1")
        assert problems(shelf.folder) == []
    assert cuts >= 10
    assert shelf.current() == pointer
    assert roll_back(shelf, by="Dr One", why="test") == shipped()


@pytest.mark.parametrize("touches", range(8), ids=lambda touches: f"touch-{touches}")
def test_a_disk_that_fills_up_at_any_touch_leaves_what_was_there(
    shelf: Shelf, make_candidate: MakeCandidate, monkeypatch: pytest.MonkeyPatch, touches: int
) -> None:
    pointer = brought(shelf, make_candidate("site-1"))
    approve(shelf, pointer, by="Dr One")
    left, real = [touches], os.fsync

    def filling(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(descriptor)

    def approve_and_promote() -> None:
        if "Dr Two" not in approvals(shelf, pointer):
            approve(shelf, pointer, by="Dr Two")
        promote(shelf, pointer, by="Dr One")

    before = list(events(shelf.folder))
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", filling)
        try:
            approve_and_promote()
        except TemporaryFailure:
            assert shelf.current() == shipped(), "refused, and so unchanged"
            done = len(list(events(shelf.folder))) - len(before)
            assert done <= touches // 2, "no line stands that the disk refused"
    assert problems(shelf.folder) == []
    assert not [p for p in shelf.folder.iterdir() if p.name.startswith(".")]
    if shelf.current() == shipped():
        approve_and_promote()
    assert shelf.current() == pointer


def test_a_full_disk_in_the_middle_of_a_promotion_changes_nothing(
    shelf: Shelf, make_candidate: MakeCandidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointer = brought(shelf, make_candidate("site-1"))
    approve(shelf, pointer, by="Dr One")
    approve(shelf, pointer, by="Dr Two")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(TemporaryFailure, match="No space left"):
            promote(shelf, pointer, by="Dr One")
    assert shelf.current() == shipped()
    assert not [p for p in shelf.folder.iterdir() if p.name.startswith(".")]
    promote(shelf, pointer, by="Dr One")
    assert shelf.current() == pointer
