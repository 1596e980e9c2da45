"""``deeppcos watch``: looks at every site, raises and mails alarms, and prints where it stands."""

from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption

if TYPE_CHECKING:
    from deeppcos.app.web.monitoring.watching import Standing


def watch(
    home: HomeOption = None,
    site: Annotated[str, typer.Option(help="Short name of one site; all when not given.")] = "",
) -> None:
    """Look for drift at every site (web and research extras).

    For cron: status 0 when no alarm is open, 1 when one waits for a person or a mail was not
    taken, 2 when it could not look.
    """
    with told_plainly(), with_extra("web"), with_extra("research"):
        from deeppcos.app.web.preparing import set_up_django

        set_up_django(home)
        from deeppcos.app.web.monitoring import mailing, watching
        from deeppcos.app.web.monitoring.watching import sites_named
        from deeppcos.errors import TemporaryFailure

        needs_somebody = False
        for one in sites_named(site):
            found = watching.look(one)
            _tell(found)
            try:
                mailed = mailing.send_unsent(one)
            except TemporaryFailure as problem:
                typer.echo(f"deeppcos: {problem}", err=True)
                needs_somebody = True
            else:
                if mailed:
                    typer.echo(f"  mailed: {mailed} alarms")
            needs_somebody = needs_somebody or bool(found.open_alarms)
    if needs_somebody:
        raise typer.Exit(SOME_REFUSED)


def _tell(found: "Standing") -> None:
    """One site in lines."""
    if found.window is None:
        typer.echo(f"{found.site}: {found.women} women observed, no window named yet")
        return
    rate = found.window.document["false_alarm_rate"]
    typer.echo(f"{found.site}: window {found.window.name}, false alarms at most {rate:.0%}")
    for state in found.states:
        word = "CHANGED" if state.alarmed_at else "as before" if state.women else "nothing yet"
        typer.echo(
            f"  {word:<11}{state.signal.title}: {state.before}; now "
            f"{state.now or 'fewer than ten women'}; {state.women} women, "
            f"{state.closeness:.0%} of the way to an alarm"
        )
    for alarm in found.alarms:
        said = f"acknowledged by {alarm.acknowledged_by}" if alarm.acknowledged_at else "OPEN"
        typer.echo(f"  alarm {alarm.signal} of {alarm.raised_at:%Y-%m-%d}: {said}")
