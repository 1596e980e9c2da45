"""Doing one thing for many pictures, several at a time, and stopping cleanly.

Owns the pool. OpenCV and Pillow let other threads run while they work, so threads do.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def each(work: Callable[[int], T], count: int, *, threads: int) -> Iterator[tuple[int, T]]:
    """Do something for the numbers 0 to count - 1 in threads, a bounded number ahead.

    Leaving early, on an interrupt say, drops what was not begun.

    Args:
        work: What to do for a number.
        count: How many numbers.
        threads: How many at a time.

    Yields:
        Number and result, in the order they are done.
    """
    pool = ThreadPoolExecutor(threads)
    waiting: dict[Future[T], int] = {}
    upcoming = iter(range(count))
    try:
        while True:
            for number in islice(upcoming, 4 * threads - len(waiting)):
                waiting[pool.submit(work, number)] = number
            if not waiting:
                return
            for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(done), done.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
