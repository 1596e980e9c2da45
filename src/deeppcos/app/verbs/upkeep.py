"""``deeppcos backup``, ``restore`` and ``doctor``: keeping an installation."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption


def backup(
    target: Annotated[Path, typer.Argument(help="File to write, such as clinic.tar.gz.")],
    home: HomeOption = None,
) -> None:
    """Write data base, pictures and reports to one file (web extra)."""
    with told_plainly(), with_extra("web"):
        from deeppcos.app.web.preparing import set_up_django

        set_up_django(home)
        from deeppcos.app.web.upkeep.backup import back_up

        content = back_up(target, say=lambda words: typer.echo(words, err=True))
    size = target.stat().st_size / 1e6
    typer.echo(
        f"wrote {target}: {content.studies} studies, {len(content.files)} files, {size:.1f} MB"
    )


def restore(
    source: Annotated[Path, typer.Argument(help="A file written by deeppcos backup.")],
    home: HomeOption = None,
    only_check: Annotated[
        bool, typer.Option("--check", help="Only read the file and compare it with its list.")
    ] = False,
) -> None:
    """Fill an empty installation from a backup (web extra)."""
    with told_plainly(), with_extra("web"):
        from deeppcos.app.web.preparing import set_up_django

        set_up_django(home)
        from deeppcos.app.web.upkeep import backup as backups

        if only_check:
            content = backups.check(source)
            typer.echo(f"{source} is whole: {content.studies} studies, {len(content.files)} files")
            return
        content = backups.restore(source, say=lambda words: typer.echo(words, err=True))
    typer.echo(f"restored {content.studies} studies; everybody has to sign in again")


def doctor(home: HomeOption = None) -> None:
    """Say what is wrong with this installation, and what to do about it."""
    from deeppcos.app.web.upkeep.checks import Verdict, worst
    from deeppcos.app.web.upkeep.doctor import examine

    with told_plainly():
        with_web = importlib.util.find_spec("django") is not None
        if with_web:
            from deeppcos.app.web.preparing import set_up_django

            set_up_django(home)
        found = []
        for check in examine(with_web=with_web):
            found.append(check)
            typer.echo(f"{check.verdict.value:>12}  {check.what}: {check.said}")
            if check.remedy:
                typer.echo(f"{'':>12}  {check.remedy}")
    if worst(found) is Verdict.WRONG:
        raise typer.Exit(SOME_REFUSED)
