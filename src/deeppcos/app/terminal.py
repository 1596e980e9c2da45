"""What every verb of the command line shares: exit statuses, plain errors, a progress bar.

Owns how trouble reaches the terminal. The verbs themselves are in ``cli`` and ``verbs``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from deeppcos.errors import DeepPCOSError

if TYPE_CHECKING:
    from deeppcos.app.workflow import Progress

SOME_REFUSED, WRONG_USAGE = 1, 2


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn our own errors into one line on standard error and the status of wrong usage."""
    try:
        yield
    except DeepPCOSError as problem:
        typer.echo(f"deeppcos: {problem}", err=True)
        raise typer.Exit(WRONG_USAGE) from None
    except BrokenPipeError:
        raise typer.Exit(0) from None
    except OSError as problem:
        place = f"{problem.filename}: " if problem.filename else ""
        typer.echo(f"deeppcos: {place}{problem.strerror}", err=True)
        raise typer.Exit(WRONG_USAGE) from None


@contextmanager
def with_extra(extra: str) -> Iterator[None]:
    """Say which extra to install when one of its packages is missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        typer.echo(
            f"deeppcos: {missing.name} is not installed; it belongs to the {extra} extra; "
            f"pip install 'deeppcos[{extra}]'",
            err=True,
        )
        raise typer.Exit(WRONG_USAGE) from None


@contextmanager
def progress_bar(*, is_wanted: bool) -> Iterator["Progress | None"]:
    """A progress bar on standard error while somebody watches."""
    if not is_wanted:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def moved(source: str, done: int, total: int) -> None:
            bar.update(task, description=Path(source).name[:40], completed=done, total=total)

        yield moved
