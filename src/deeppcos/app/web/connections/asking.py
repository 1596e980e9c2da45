"""Notes what must be sent, in the transaction of what makes it necessary.

Owns three lines of the desk: pictures arrived, the machine has read them, a clinician has signed.
Nothing is built here, so that a signature never waits for an archive.
"""

from deeppcos.app.connections.tables import When
from deeppcos.app.web.connections import places
from deeppcos.app.web.models import Assessment, Dispatch, SignedReport, Study


def note_arrival(study: Study, *, number: int) -> None:
    """Pictures arrived from another system.

    Args:
        study: The study.
        number: How many instances there are now; more of them are another event.
    """
    _note(study, When.ARRIVED, key=f"arrived:{study.pk}:{number}")


def note_reading(assessment: Assessment) -> None:
    """The machine has read a study."""
    _note(
        assessment.study,
        When.ANALYSED,
        key=f"analysed:{assessment.pk}",
        assessment=assessment,
    )


def note_signature(report: SignedReport) -> None:
    """A clinician has signed, or amended what was signed."""
    when = When.AMENDED if report.amends_id else When.SIGNED
    _note(report.study, when, key=f"{when}:{report.pk}", report=report)


def _note(
    study: Study,
    when: When,
    *,
    key: str,
    assessment: Assessment | None = None,
    report: SignedReport | None = None,
) -> None:
    """Write it down, where anybody is connected; the example goes nowhere."""
    if study.is_example or not places.is_connected():
        return
    Dispatch.objects.get_or_create(
        key=key,
        defaults={"study": study, "event": when, "assessment": assessment, "report": report},
    )
