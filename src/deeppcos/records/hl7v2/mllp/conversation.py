"""One MLLP sender, from the first byte to the last.

Owns the limits of one connection, and answers in the order of the messages. What a message means
is the business of the handler.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from deeppcos.records.hl7v2.acknowledgement import acknowledge
from deeppcos.records.hl7v2.mllp.framing import BrokenFrame, Frames, framed
from deeppcos.records.hl7v2.problems import Code, Reason

Handle = Callable[[bytes], bytes]
Tell = Callable[[str, str], None]

LOG = logging.getLogger("deeppcos.mllp")
PIECE_BYTES = 64 * 1024
LINGERING_S = 1.0
LINGERING_BYTES = 16 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one sender may do.

    Attributes:
        largest_message_bytes: Longest message.
        message_timeout_s: Longest time from the first byte of a message to its last, s.
        idle_timeout_s: Longest silence between messages, s.
    """

    largest_message_bytes: int = 4 * 1024**2
    message_timeout_s: float = 30.0
    idle_timeout_s: float = 600.0


@dataclass(slots=True)
class Budget:
    """The memory all senders share for messages that have not ended.

    Attributes:
        most_bytes: So much and no more.
    """

    most_bytes: int
    _held: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def held_bytes(self) -> int:
        """Bytes held now."""
        with self._lock:
            return sum(self._held.values())

    def hold(self, sender: int, held_bytes: int) -> None:
        """Count what a sender has had us hold; zero when it leaves.

        Raises:
            BrokenFrame: If that is too much together with the others'.
        """
        with self._lock:
            self._held[sender] = held_bytes
            total = sum(self._held.values())
            is_too_much = held_bytes > 0 and total > self.most_bytes
            if is_too_much or not held_bytes:
                del self._held[sender]
        if is_too_much:
            raise BrokenFrame(
                "unfinished messages take too much memory",
                value=f"{total:,} bytes",
                accepted=f"{self.most_bytes:,} bytes of all senders together",
                remedy="send again later",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A connected sender.

    Attributes:
        wire: The connection.
        address: Of the sender, for messages to people.
        limits: What it may do.
        budget: The memory it shares with the others.
        handle: Keeps a message and gives the answer.
        tell: Told what went wrong with the connection.
        stopped: Set when no further message is to be taken.
    """

    wire: socket.socket
    address: str
    limits: Limits
    budget: Budget
    handle: Handle
    tell: Tell
    stopped: threading.Event

    def hold(self) -> None:
        """Take messages and answer them until either side ends it."""
        frames = Frames(largest_bytes=self.limits.largest_message_bytes)
        began = 0.0
        while not self.stopped.is_set():
            self.wire.settimeout(self._patience_s(frames, began))
            piece = self.wire.recv(PIECE_BYTES)
            if not piece:
                if frames.is_inside and not self.stopped.is_set():
                    self.tell(self.address, "hung up in the middle of a message")
                return
            began = began if frames.is_inside else time.monotonic()
            try:
                messages = frames.feed(piece)
                self.budget.hold(id(self.wire), frames.held_bytes)
            except BrokenFrame as problem:
                self.tell(self.address, str(problem))
                self._refuse(problem, problem.beginning or frames.beginning)
                return
            for message in messages:
                self._send(self._answer_to(message))
            began = time.monotonic() if messages else began

    def _patience_s(self, frames: Frames, began: float) -> float:
        """How long the next piece may take: a message has one limit as a whole."""
        if not frames.is_inside:
            return self.limits.idle_timeout_s
        left_s = began + self.limits.message_timeout_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def _answer_to(self, message: bytes) -> bytes:
        """The handler's answer; where it fails, that it failed, so that the sender tries again."""
        try:
            return self.handle(message)
        except Exception as error:  # the sender must not learn of that by a dead connection
            LOG.exception("a message from %s was not kept", self.address)
            self.tell(self.address, f"a message was not kept: {type(error).__name__}")
            return acknowledge(
                message, Code.REJECTED, words="not kept, send again", reason=Reason.INTERNAL
            )

    def _refuse(self, problem: BrokenFrame, beginning: bytes) -> None:
        """Answer a message that broke the stream, where it can be named."""
        if beginning:
            answer = acknowledge(
                beginning, Code.REJECTED, words=problem.what, reason=Reason.DATA_TYPE
            )
            self._send(answer)
        self._linger()

    def _linger(self) -> None:
        """Let the sender read the refusal: closing on what it still sends would tear that away."""
        until, passed_over = time.monotonic() + LINGERING_S, 0
        while (left_s := until - time.monotonic()) > 0 and passed_over < LINGERING_BYTES:
            self.wire.settimeout(left_s)
            try:
                piece = self.wire.recv(PIECE_BYTES)
            except TimeoutError:
                return
            if not piece:
                return
            passed_over += len(piece)

    def _send(self, answer: bytes) -> None:
        """Send an answer, if there is one."""
        if answer:
            self.wire.settimeout(self.limits.message_timeout_s)
            self.wire.sendall(framed(answer))
