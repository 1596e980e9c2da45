"""Puts what happened to studies into the outbox, and marks a study as sent when all have it.

Owns the step between the desk's tables and the outbox. What is sent is made by
``deeppcos.app.connections.results``; it may be made any number of times and is queued once.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import ItemState
from deeppcos.app.connections.results import Happened, put_results
from deeppcos.app.connections.rules import StudyFacts, facts_of
from deeppcos.app.connections.settings import Connections
from deeppcos.app.connections.tables import When
from deeppcos.app.desk.study_states import Event, follows
from deeppcos.app.web import audit
from deeppcos.app.web.models import Dispatch, Study, StudyState
from deeppcos.errors import DeepPCOSError
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.assessment_json import document_from_dict

LOG = logging.getLogger("deeppcos.connections")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 900.0
MOST_AT_ONCE = 20
NOT_SENT = "not sent: a picture it was made with was withdrawn"
LENGTH_OF_ID = 36
"""Of a study's id as text; what was sent by hand has another."""


def dispatch_due(outbox: Outbox, connections: Connections) -> int:
    """Put everything that happened, and is due, into the outbox.

    Args:
        outbox: The queue.
        connections: The rules.

    Returns:
        How many events were dealt with.
    """
    due = Dispatch.objects.filter(done_at=None, next_try__lte=timezone.now()).order_by("made_at")
    done = 0
    for one in due.select_related("study__site", "assessment", "report")[:MOST_AT_ONCE]:
        done += _dispatch(one, outbox, connections)
    return done


def try_again_now(dispatch: Dispatch) -> None:
    """Have the rules asked again at the next look."""
    Dispatch.objects.filter(pk=dispatch.pk).update(done_at=None, next_try=timezone.now())


def mark_sent(outbox: Outbox, *, since: float = 0.0) -> int:
    """Bring studies whose signed report everybody has acknowledged to the state ``sent``.

    Args:
        outbox: The queue.
        since: Only studies of which something was acknowledged from then on, seconds since 1970;
            0 looks at all, and puts out again what the outbox of a restored backup lacks.

    Returns:
        How many.
    """
    signed = Study.objects.filter(state=StudyState.SIGNED, dispatches__report__isnull=False)
    if since:
        lately = [one for one in outbox.studies_sent_since(since) if len(one) == LENGTH_OF_ID]
        signed = signed.filter(pk__in=lately)
    return sum(_is_sent_now(study, outbox) for study in signed.distinct())


def _is_sent_now(study: Study, outbox: Outbox) -> bool:
    """Whether a study was brought to ``sent``."""
    newest = study.reports.order_by("-number").first()
    dispatch = Dispatch.objects.filter(report=newest, done_at__isnull=False).first()
    if newest is None or dispatch is None:
        return False
    if not outbox.has(dispatch.key):
        # A backup holds the data base and not the outbox: put out once more, known to peers.
        try_again_now(dispatch)
        return False
    items = [one for one in outbox.items(study=str(study.pk)) if one.event == dispatch.key]
    if not items or any(one.state is not ItemState.SENT for one in items):
        return False
    return _mark_sent(study, report=newest.number)


def facts_about(study: Study) -> StudyFacts:
    """What rules ask about a study of the desk."""
    from deeppcos.app.web.connections.arriving import senders_of

    files = [image.original for image in study.images.all()]
    return facts_of(files, ae_titles=senders_of(study), site=study.site.slug)


def _dispatch(one: Dispatch, outbox: Outbox, connections: Connections) -> bool:
    """One event; a problem is kept with it and it is tried again."""
    if _is_withdrawn(one):
        Dispatch.objects.filter(pk=one.pk).update(done_at=timezone.now(), problem=NOT_SENT)
        return True
    try:
        made = put_results(_happened(one), outbox=outbox, connections=connections)
    except (DeepPCOSError, OSError) as problem:
        _postpone(one, str(problem))
        return False
    except Exception as problem:  # One study must not hold up the others.
        LOG.exception("%s could not be dispatched", one.key)
        _postpone(one, f"{type(problem).__name__}: {problem}")
        return False
    with transaction.atomic():
        Dispatch.objects.filter(pk=one.pk).update(done_at=timezone.now(), problem="")
        audit.record(
            "connection.queued",
            actor=None,
            study=one.study,
            detail={"event": one.event, "items": made},
        )
    return True


def _is_withdrawn(one: Dispatch) -> bool:
    """Whether what would be sent was made with a picture that was withdrawn since."""
    from deeppcos.app.web.studies.pictures import rests_on_withdrawn

    made = one.report or one.assessment
    return made is not None and rests_on_withdrawn(one.study, made.document)


def _postpone(one: Dispatch, problem: str) -> None:
    pause = min(FIRST_PAUSE_S * 2.0 ** min(one.attempts, 20), LONGEST_PAUSE_S)
    Dispatch.objects.filter(pk=one.pk).update(
        attempts=one.attempts + 1,
        next_try=timezone.now() + timedelta(seconds=pause),
        problem=problem,
    )


def _happened(one: Dispatch) -> Happened:
    """The event as the rules take it."""
    from deeppcos.app.web.signoff.signing import PDF, draft_pdf, locked_file

    study, report, assessment = one.study, one.report, one.assessment
    document: AssessmentDocument | None = None
    pdf = None
    if report is not None:
        document = document_from_dict(report.document)
        pdf = lambda: locked_file(report, PDF)  # noqa: E731
    elif assessment is not None:
        document = document_from_dict(assessment.document)
        pdf = lambda: draft_pdf(assessment)  # noqa: E731
    return Happened(
        when=When(one.event),
        key=one.key,
        study=str(study.pk),
        about=study.accession,
        facts=facts_about(study),
        paths={image.name: image.original for image in study.images.all()},
        document=document,
        pdf=pdf,
        amends=report is not None and report.amends_id is not None,
    )


def _mark_sent(study: Study, *, report: int) -> bool:
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        if now.state != StudyState.SIGNED:
            return False
        now.state = StudyState(follows(now.state, Event.SEND))
        now.sent_at = timezone.now()
        now.save(update_fields=["state", "sent_at", "updated_at"])
        audit.record("report.sent", actor=None, study=now, detail={"report": report})
    return True
