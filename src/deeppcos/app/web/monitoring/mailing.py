"""Alarms by mail: which signal of which site, never of whom.

Owns the words and the way out. An alarm whose mail could not be sent stays unsent and is tried
again at the next look; it stands on the page all the same.
"""

from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from deeppcos.app.web import audit
from deeppcos.app.web.models import DriftAlarm, Site
from deeppcos.errors import TemporaryFailure
from deeppcos.research.monitoring.signals import BY_NAME


def is_set_up() -> bool:
    """Whether there is a mail server and somebody to write to."""
    return bool(settings.MAIL_ALARMS)


def send_unsent(site: Site) -> int:
    """Mail every alarm of a site that was not mailed yet, together.

    Args:
        site: The site.

    Returns:
        How many alarms the mail told of; 0 where no mail is set up.

    Raises:
        TemporaryFailure: If the mail server does not take it.
    """
    waiting = list(
        DriftAlarm.objects.filter(window__site=site, mailed_at=None, acknowledged_at=None)
        .select_related("window")
        .order_by("raised_at")
    )
    if not waiting or not is_set_up():
        return 0
    message = EmailMessage(
        subject=_subject(site, waiting), body=_body(site, waiting), to=list(settings.MAIL_ALARMS)
    )
    try:
        message.send()
    except (OSError, SMTPException) as problem:
        raise TemporaryFailure(
            f"the mail about {len(waiting)} alarms of {site} was not taken",
            value=f"{type(problem).__name__}: {problem}",
            accepted="a mail server that answers at DEEPPCOS_MAIL_SERVER",
            remedy="the alarms stand on the page Monitoring; the mail is tried at the next look",
        ) from problem
    DriftAlarm.objects.filter(pk__in=[alarm.pk for alarm in waiting]).update(
        mailed_at=timezone.now()
    )
    audit.record(
        "monitoring.mailed",
        actor=None,
        site=site,
        detail={
            "alarms": [str(alarm.pk) for alarm in waiting],
            "addresses": len(settings.MAIL_ALARMS),
        },
    )
    return len(waiting)


def _subject(site: Site, alarms: list[DriftAlarm]) -> str:
    """One line; a site's name may hold anything, a subject no line break."""
    what = _title(alarms[0]) if len(alarms) == 1 else f"{len(alarms)} signals"
    return " ".join(f"DeepPCOS, {site}: {what} changed".split())


def _title(alarm: DriftAlarm) -> str:
    return BY_NAME[alarm.signal].title if alarm.signal in BY_NAME else alarm.signal


def _body(site: Site, alarms: list[DriftAlarm]) -> str:
    """What changed, compared with what, and where to say what was found."""
    window = alarms[0].window
    rate = window.document["false_alarm_rate"]
    lines = [f"At {site}, compared with the window “{window.name}”:", ""]
    for alarm in alarms:
        now = alarm.detail.get("now") or "too few women to say"
        lines += [
            f"- {_title(alarm)}: before {alarm.detail['before']}, now {now}",
            f"  after {alarm.detail['women']} women since the window{_read_by(alarm)}",
        ]
    lines += [
        "",
        f"Without any change, the probability that this window ever alarms is at most {rate:.0%}.",
        "Please look into it and say what you found on the page Monitoring. An administrator can",
        "serve the earlier release again on the page Learning, Releases.",
        "",
        "Research use. Not a medical device. This mail holds nothing of any patient.",
    ]
    return "\n".join(lines)


def _read_by(alarm: DriftAlarm) -> str:
    """Which releases read them, where one has a name."""
    releases = alarm.detail.get("releases") or []
    return f", read by {', '.join(releases)}" if releases else ""
