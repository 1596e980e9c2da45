"""The fence around decoders of untrusted files.

Owns three promises every reader makes: whatever a decoder raises arrives as ``InvalidInput``
that names the file; its Python warnings stay inside; what its C code writes to the terminal
(ffmpeg, niftilib and GDCM print there directly) is dropped while it runs. It does not know any
file format.

Dropping the chatter means pointing file descriptor 2 at the null device for the milliseconds a
decoder runs. The descriptor belongs to the whole process, so a counter under a lock makes sure
that it is pointed back when the last decoder of any thread is done.
"""

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from deeppcos.errors import DeepPCOSError, InvalidInput

T = TypeVar("T")

_STDERR = 2
_lock = threading.Lock()
_muted_by = 0
_saved_stderr = -1


@contextmanager
def guarded(source: str, *, problem: str, remedy: str) -> Iterator[None]:
    """Run a decoder on an untrusted file.

    Args:
        source: File as the user named it.
        problem: What to say of the file when the decoder fails, such as ``cannot be decoded``.
        remedy: What the user should do then.

    Raises:
        InvalidInput: In place of any exception that is not one of ours.

    Examples:
        >>> with guarded("a.png", problem="cannot be decoded", remedy="export it again"):
        ...     raise ValueError("bad header")
        Traceback (most recent call last):
        ...
        deeppcos.errors.InvalidInput: a.png: cannot be decoded; got bad header; export it again
    """
    with warnings.catch_warnings(), _muted_stderr():
        warnings.simplefilter("ignore")
        try:
            yield
        except DeepPCOSError:
            raise
        # Decoders of hostile files raise anything, from struct.error to RecursionError.
        except Exception as error:
            raise InvalidInput(
                f"{source}: {problem}", value=_one_line(error), remedy=remedy
            ) from error


def guarded_items(items: Iterator[T], source: str, *, problem: str, remedy: str) -> Iterator[T]:
    """Yield from a lazy decoder, with the fence up only while it works.

    Args:
        items: Lazy decoder.
        source: File as the user named it.
        problem: What to say of the file when the decoder fails.
        remedy: What the user should do then.

    Yields:
        The decoder's items.

    Raises:
        InvalidInput: In place of any exception that is not one of ours.
    """
    while True:
        with guarded(source, problem=problem, remedy=remedy):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def _one_line(error: Exception, *, longest: int = 160) -> str:
    """A decoder's message, fit for one line."""
    text = " ".join(str(error).split())
    return text[:longest] if text else type(error).__name__


@contextmanager
def _muted_stderr() -> Iterator[None]:
    """Point file descriptor 2 at the null device until the last user has left."""
    _mute()
    try:
        yield
    finally:
        _unmute()


def _mute() -> None:
    global _muted_by, _saved_stderr
    with _lock:
        if _muted_by == 0:
            # Our own text may still be buffered: it must not follow the chatter away.
            if sys.stderr is not None:
                sys.stderr.flush()
            _saved_stderr = _point_stderr_at_null()
        _muted_by += 1


def _unmute() -> None:
    global _muted_by
    with _lock:
        _muted_by -= 1
        if _muted_by == 0 and _saved_stderr >= 0:
            os.dup2(_saved_stderr, _STDERR)
            os.close(_saved_stderr)


def _point_stderr_at_null() -> int:
    """Redirect descriptor 2 and return a copy of what it was, or -1 when it is closed."""
    try:
        saved = os.dup(_STDERR)
    except OSError:
        return -1
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, _STDERR)
    os.close(null)
    return saved
