"""The outbox: nothing is lost, nothing overtakes, everything is tried until somebody gives up."""

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from deeppcos.app.connections.outbox import LEASE_S, Outbox
from deeppcos.app.connections.outbox_items import ItemState, NewItem, pause_s
from deeppcos.app.connections.sending import Answer, deliver, send_due
from deeppcos.app.connections.settings import Connections, connections_from
from deeppcos.app.connections.tables import SendingTable
from deeppcos.errors import ContractBroken, InvalidInput, TemporaryFailure

PEERS = {
    "pacs": {"kind": "dicom", "host": "h", "port": 104, "ae_title": "PACS"},
    "ehr": {"kind": "fhir", "url": "http://ehr/fhir"},
}

FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Outbox:
    return Outbox(tmp_path, clock=clock)


@pytest.fixture
def connections() -> Connections:
    return connections_from({"peers": PEERS}, Path("connections.toml"))


def put(outbox: Outbox, event: str, *peers: str, what: str = "report", study: str = "s1") -> None:
    file = outbox.payloads.keep(f"{event} {what}".encode(), name=f"{what}.dcm")
    items = [NewItem(what=what, peer=peer, files=(file,)) for peer in peers]
    outbox.put(event, items, study=study, about="A-1")


def one(outbox: Outbox, state: ItemState) -> Any:
    [item] = outbox.items(states=[state])
    return item


def test_the_same_event_puts_nothing_twice(outbox: Outbox) -> None:
    put(outbox, "signed:1", "pacs", "ehr")
    put(outbox, "signed:1", "pacs", "ehr")
    assert len(outbox.items()) == 2
    assert outbox.has("signed:1")
    assert not outbox.has("signed:2")


def test_what_could_not_be_made_is_shown_and_put_again_once_it_can(outbox: Outbox) -> None:
    bad = NewItem(what="hl7", peer="ehr", problem="no image names the patient")
    outbox.put("signed:1", [bad], study="s1", about="A-1")
    item = one(outbox, ItemState.REFUSED)
    assert item.words == "no image names the patient"
    with pytest.raises(InvalidInput, match="could not be made"):
        outbox.retry(item.id, by="Dr Ada")
    put(outbox, "signed:1", "ehr", what="hl7")
    assert one(outbox, ItemState.WAITING).what == "hl7"
    assert len(outbox.items()) == 1


def test_a_leased_item_is_nobody_elses_until_the_lease_runs_out(
    outbox: Outbox, clock: Clock
) -> None:
    put(outbox, "signed:1", "pacs")
    first = outbox.lease(["pacs"])
    assert first is not None
    assert outbox.lease(["pacs"]) is None
    assert outbox.items()[0].is_leased
    clock.now += LEASE_S - 1
    assert outbox.keep_lease(first)
    clock.now += LEASE_S - 1
    assert outbox.lease(["pacs"]) is None
    clock.now += 2
    second = outbox.lease(["pacs"])
    assert second is not None
    assert not outbox.keep_lease(first)
    outbox.refused(first, "too late to say")
    assert outbox.item(first.id).state is ItemState.WAITING
    outbox.sent(second)
    assert outbox.item(first.id).state is ItemState.SENT


@FORKS
def test_leases_of_a_process_that_died_are_free_at_once(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, "signed:1", "pacs")
    child = os.fork()
    if child == 0:
        dying = Outbox(tmp_path, clock=outbox.clock)
        dying.lease(["pacs"])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert outbox.lease(["pacs"]) is None
    assert outbox.release_dead() == 1
    assert outbox.lease(["pacs"]) is not None


def test_a_failure_waits_longer_each_time_and_is_given_up_at_last(
    tmp_path: Path, clock: Clock
) -> None:
    outbox = Outbox(tmp_path, pace=SendingTable(give_up_after_days=1), clock=clock)
    put(outbox, "signed:1", "pacs")
    pauses = []
    while item := outbox.lease(["pacs"]):
        outbox.failed(item, "connection refused")
        pauses.append(outbox.item(item.id).next_try - clock.now)
        clock.now = max(clock.now, outbox.item(item.id).next_try)
    assert 3.75 <= pauses[0] <= 6.25
    assert max(pauses) <= 900 * 1.25
    item = one(outbox, ItemState.GIVEN_UP)
    assert item.words == "connection refused"
    assert 86_400 <= clock.now - 1_800_000_000 < 86_400 + 1_200
    assert {one.outcome for one in outbox.tries(item.id)} == {"failed"}
    assert len(outbox.tries(item.id)) == item.attempts
    outbox.retry(item.id, by="Dr Ada")
    again = outbox.lease(["pacs"])
    assert again is not None
    outbox.failed(again, "still not")
    assert outbox.item(item.id).state is ItemState.WAITING, "asking again begins anew"


def test_pauses_are_apart_from_each_other() -> None:
    assert len({pause_s(3, SendingTable()) for _ in range(20)}) > 10


def test_a_clock_that_was_set_back_holds_nothing_up(outbox: Outbox, clock: Clock) -> None:
    put(outbox, "signed:1", "pacs")
    clock.now -= 365 * 86_400
    assert outbox.lease(["pacs"]) is not None


def test_a_signed_version_never_overtakes_the_draft_that_waits_before_it(
    outbox: Outbox, clock: Clock
) -> None:
    put(outbox, "analysed:1", "pacs")
    put(outbox, "signed:1", "pacs")
    put(outbox, "signed:9", "pacs", study="s2")
    draft = outbox.lease(["pacs"])
    assert draft is not None
    outbox.failed(draft, "down")
    other = outbox.lease(["pacs"])
    assert other is not None
    assert other.event == "signed:9", "another study is held up by nothing"
    assert outbox.lease(["pacs"]) is None
    clock.now = outbox.item(draft.id).next_try
    order = []
    while item := outbox.lease(["pacs"]):
        order.append(item.event)
        outbox.sent(item)
    assert order == ["analysed:1", "signed:1"]


def test_an_older_version_is_not_sent_after_a_newer_one(outbox: Outbox) -> None:
    put(outbox, "analysed:1", "pacs")
    draft = outbox.lease(["pacs"])
    assert draft is not None
    outbox.refused(draft, "no")
    put(outbox, "signed:1", "pacs")
    signed = outbox.lease(["pacs"])
    assert signed is not None
    outbox.sent(signed)
    with pytest.raises(InvalidInput, match="an older one must not follow it"):
        outbox.retry(draft.id, by="Dr Ada")
    outbox.give_up(draft.id, by="Dr Ada")
    assert outbox.item(draft.id).state is ItemState.GIVEN_UP
    with pytest.raises(InvalidInput, match="has this already"):
        outbox.give_up(signed.id, by="Dr Ada")
    assert [one.words for one in outbox.tries(draft.id)] == ["no", "by Dr Ada"]


ANSWERS: dict[str, tuple[Any, ItemState, str]] = {
    "taken": (Answer(is_taken=True, words="AA"), ItemState.SENT, "AA"),
    "refused": (Answer(is_taken=False, words="AE no such patient"), ItemState.REFUSED, "no such"),
    "down": (TemporaryFailure("PACS is not there"), ItemState.WAITING, "is not there"),
    "our-settings": (InvalidInput("EHR_TOKEN is not set"), ItemState.WAITING, "is not set"),
    "a-bug": (KeyError("x"), ItemState.WAITING, "KeyError"),
    "changed": (ContractBroken("not what was put aside"), ItemState.REFUSED, "put aside"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_an_answer_means(outbox: Outbox, connections: Connections, answer: str) -> None:
    said, state, words = ANSWERS[answer]

    def send(peer: Any, files: Any) -> Answer:
        if isinstance(said, Exception):
            raise said
        assert isinstance(said, Answer)
        return said

    put(outbox, "signed:1", "pacs")
    item = outbox.lease(["pacs"])
    assert item is not None
    deliver(item, outbox=outbox, peer=connections.peer("pacs"), senders={"dicom": send})
    assert outbox.item(item.id).state is state
    assert words in outbox.item(item.id).words
    assert not outbox.item(item.id).is_leased


def test_a_file_that_was_changed_is_not_sent(outbox: Outbox, connections: Connections) -> None:
    put(outbox, "signed:1", "pacs")
    item = outbox.lease(["pacs"])
    assert item is not None
    path = outbox.payloads.folder / item.files[0].sha256
    path.chmod(0o600)
    path.write_bytes(b"something else")
    asked: list[Any] = []

    def send(peer: Any, files: Any) -> Answer:
        asked.append(files)
        return Answer(is_taken=True)

    deliver(item, outbox=outbox, peer=connections.peer("pacs"), senders={"dicom": send})
    assert asked == []
    assert outbox.item(item.id).state is ItemState.REFUSED


def test_what_was_sent_long_ago_is_cleared_and_never_sent_again(
    outbox: Outbox, clock: Clock, connections: Connections
) -> None:
    put(outbox, "signed:1", "pacs")
    put(outbox, "signed:2", "ehr", study="s2")
    send_due(outbox, connections, senders={"dicom": _take, "fhir": _fail})
    for path in outbox.payloads.folder.iterdir():
        os.utime(path, (1, 1))
    clock.now += 31 * 86_400
    assert outbox.clear() == 1
    assert [path.read_bytes() for path in outbox.payloads.folder.iterdir()] == [b"signed:2 report"]
    put(outbox, "signed:1", "pacs")
    assert outbox.lease(["pacs"]) is None
    assert outbox.counts() == {"pacs": {"sent": 1}, "ehr": {"waiting": 1}}
    assert set(outbox.last_success()) == {"pacs"}


def _take(peer: Any, files: Any) -> Answer:
    return Answer(is_taken=True)


def _fail(peer: Any, files: Any) -> Answer:
    raise TemporaryFailure("down")


# --- kill -9, between every two lines ---------------------------------------------------------

OURS = str(Path(sys.modules[Outbox.__module__].__file__ or "").parent)


class Receiver:
    """A peer that writes down what it gets, and knows a repetition by its name, as ours do."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "received"

    def take(self, peer: Any, files: Sequence[Path]) -> Answer:
        with self.log.open("a", encoding="utf-8") as log:
            for file in files:
                log.write(json.dumps(file.read_text(encoding="utf-8")) + "\n")
        return Answer(is_taken=True, words="stored")

    @property
    def got(self) -> list[str]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


def _until_killed(work: Callable[[], None], *, at_line: int) -> bool:
    """Do the work in a child that is killed before one line of ours; whether it was."""
    child = os.fork()
    if child == 0:
        lines = 0

        def count(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal lines
            if not frame.f_code.co_filename.startswith(OURS):
                return None
            if event == "line":
                lines += 1
                if lines == at_line:
                    os.kill(os.getpid(), signal.SIGKILL)
            return count

        try:
            sys.settrace(count)
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@FORKS
@pytest.mark.slow
def test_a_kill_between_any_two_lines_loses_nothing_and_shows_nothing_twice(
    tmp_path: Path, connections: Connections
) -> None:
    """Two files for a peer, put and sent, killed before line 1, 2, 3 ... until none is left."""
    line, repeated = 0, 0
    was_killed = True
    while was_killed:
        line += 1
        folder = tmp_path / str(line)
        receiver = Receiver(tmp_path / f"peer{line}")
        receiver.log.parent.mkdir()

        def work(folder: Path = folder, receiver: Receiver = receiver) -> None:
            outbox = Outbox(folder)
            put(outbox, "signed:1", "pacs", what="report")
            # Acknowledged: from here on it may not be lost.
            (folder / "acknowledged").touch()
            put(outbox, "signed:1", "pacs", what="pdf")
            send_due(outbox, connections, senders={"dicom": receiver.take})

        was_killed = _until_killed(work, at_line=line)
        after = Outbox(folder)
        was_acknowledged = (folder / "acknowledged").exists()
        after.release_dead()
        send_due(after, connections, senders={"dicom": receiver.take})
        counted = after.counts().get("pacs", {})
        assert set(counted) <= {ItemState.SENT}, f"line {line}: something still waits"
        if was_acknowledged:
            assert "signed:1 report" in receiver.got, f"line {line}: lost"
        assert counted.get(ItemState.SENT, 0) == len(set(receiver.got)), f"line {line}"
        repeated += len(receiver.got) - len(set(receiver.got))
    assert line > 150, "the work was killed at too few places to mean anything"
    assert repeated > 0, "no kill fell between the peer's answer and its record"
