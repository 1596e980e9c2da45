"""``deeppcos audit-log``: whether the audit trail of an installation is whole.

Owns options, exit status and what is printed. Exit status: 0 when the trail is whole, 1 when it is
broken, 2 for wrong usage.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption

if TYPE_CHECKING:
    from deeppcos.app.web.trail.verifying import Verified

audit_log = typer.Typer(
    name="audit-log", help="The audit trail of an installation (web extra).", no_args_is_help=True
)


class TrailFormat(StrEnum):
    """What is written to standard output."""

    TEXT = "text"
    JSON = "json"


@audit_log.callback()
def _audit_log() -> None:
    """The audit trail of an installation (web extra)."""


@audit_log.command()
def verify(
    home: HomeOption = None,
    noted: Annotated[
        list[str] | None,
        typer.Option(
            help="NUMBER:HASH of an event as it was noted outside; may be given several times."
        ),
    ] = None,
    output_format: Annotated[
        TrailFormat, typer.Option("--format", help="Text for people, or one JSON document.")
    ] = TrailFormat.TEXT,
) -> None:
    """Check every link of the trail; names the first broken event (status 1)."""
    with told_plainly(), with_extra("web"):
        if home is not None:
            _require_installation(home)
        from deeppcos.app.web.preparing import set_up_django

        set_up_django(home)
        from deeppcos.app.web.trail import verifying

        found = verifying.verify([verifying.read_noted(word) for word in noted or ()])
    _show(found, output_format)
    if not found.is_whole:
        raise typer.Exit(SOME_REFUSED)


def _require_installation(home: Path) -> None:
    """Refuse a mistyped folder: an empty trail would be made there, and found whole."""
    from deeppcos.errors import InvalidInput

    if not home.is_dir():
        raise InvalidInput(
            "there is no such data folder", value=str(home), remedy="name the one that is served"
        )


def _show(found: "Verified", output_format: TrailFormat) -> None:
    if output_format is TrailFormat.JSON:
        import json

        said = {"events": found.events, "head": found.head, "problems": list(found.problems)}
        typer.echo(json.dumps(said, indent=1))
    elif found.is_whole:
        typer.echo(f"whole: {found.events} events, none changed, none missing")
        typer.echo(f"note this outside to prove it later: {found.events}:{found.head}")
    else:
        for problem in found.problems:
            typer.echo(f"broken: {problem}")
