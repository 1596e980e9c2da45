"""Where shards run: processes of this machine, or a Ray cluster.

Owns how tasks are handed out and how a dead worker is noticed. An engine is a function in
``ENGINES``; it yields each task with its report, or with the reason its worker died.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from deeppcos.app.archive.shard import ShardDone, ShardTask, run_shard
from deeppcos.errors import InvalidInput

WorkerLost = str
"""Why a task has no report: its worker died."""

WORKER_DIED: WorkerLost = "its worker process died"

Outcome = tuple[ShardTask, ShardDone | WorkerLost]
LOCAL_ATTEMPTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to run.

    Attributes:
        engine: Key of ``ENGINES``.
        address: Address of a cluster; empty to start one on this machine.
        workers: Worker processes; a cluster decides itself.
    """

    engine: str
    address: str
    workers: int


def place_of(on: str, *, workers: int) -> Place:
    """Read the ``--on`` option.

    Args:
        on: ``local``, ``ray``, or ``ray://HOST:PORT``.
        workers: Worker processes.

    Returns:
        The place.

    Raises:
        InvalidInput: If it is none of these.

    Examples:
        >>> place_of("ray://head:10001", workers=2).address
        'ray://head:10001'
    """
    engine, _, rest = on.partition("://")
    if engine not in ENGINES or (rest and engine != "ray"):
        raise InvalidInput(
            "unknown place to run",
            value=on,
            accepted="local, ray, or ray://HOST:PORT",
            remedy="leave --on out to use this machine",
        )
    return Place(engine=engine, address=on if rest else "", workers=workers)


def _on_processes(tasks: Sequence[ShardTask], place: Place) -> Iterator[Outcome]:
    """Run on a pool of processes.

    A killed process breaks the whole pool and does not say whose task it held. The tasks without
    a report are tried again together, then one by one, so that only the guilty one is blamed.
    """
    waiting = list(tasks)
    for _ in range(LOCAL_ATTEMPTS):
        lost: list[ShardTask] = []
        for task, outcome in _pooled(waiting, workers=place.workers):
            if isinstance(outcome, WorkerLost):
                lost.append(task)
            else:
                yield task, outcome
        waiting = lost
        if not waiting:
            return
    for task in waiting:
        yield from _pooled([task], workers=1)


def _pooled(tasks: Sequence[ShardTask], *, workers: int) -> Iterator[Outcome]:
    """One pool; a broken one reports every unfinished task as lost."""
    # A fresh interpreter: a forked one inherits locks of threads that it does not have.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=fresh) as pool:
        futures: dict[Future[ShardDone], ShardTask] = {}
        for task in tasks:
            try:
                futures[pool.submit(run_shard, task)] = task
            except (BrokenProcessPool, BrokenPipeError):  # killed while tasks are handed out
                yield task, WORKER_DIED
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], WORKER_DIED
            except (KeyboardInterrupt, GeneratorExit):
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _on_ray(tasks: Sequence[ShardTask], place: Place) -> Iterator[Outcome]:
    """Run on Ray; it retries the shards of a dead worker itself."""
    import ray

    options: dict[str, Any] = {"address": place.address or None, "log_to_driver": False}
    if not place.address:
        options |= {"num_cpus": place.workers, "include_dashboard": False}
    ray.init(**options)
    try:
        remote: Any = ray.remote(max_retries=LOCAL_ATTEMPTS, num_cpus=1)(run_shard)
        yield from _ray_outcomes(ray, {remote.remote(task): task for task in tasks})
    finally:
        ray.shutdown()


def _ray_outcomes(ray: Any, waiting: dict[Any, ShardTask]) -> Iterator[Outcome]:
    """Reports in the order they come."""
    while waiting:
        (ready,), _ = ray.wait(list(waiting), num_returns=1)
        task = waiting.pop(ready)
        try:
            done: ShardDone = ray.get(ready)
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError) as problem:
            yield task, f"its worker died: {type(problem).__name__}"
        else:
            yield task, done


def run_on(place: Place, tasks: Iterable[ShardTask]) -> Iterator[Outcome]:
    """Run tasks at a place.

    Args:
        place: Where.
        tasks: What.

    Yields:
        Each task once, with its report or the reason it has none.
    """
    given = list(tasks)
    if given:
        yield from ENGINES[place.engine](given, place)


ENGINES: dict[str, Callable[[Sequence[ShardTask], Place], Iterator[Outcome]]] = {
    "local": _on_processes,
    "ray": _on_ray,
}
