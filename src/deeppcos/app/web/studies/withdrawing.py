"""Withdrawing a picture that was read and does not belong here, and putting it back.

Owns when that may be done, its events, and that what follows from the study is made anew at once.
The file stays where it lies. That a withdrawn picture is met nowhere else is the business of
``Image.objects``; that nothing made with it is sent that of ``connections.dispatching``.
"""

from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deeppcos.app.desk.study_states import Event, follows
from deeppcos.app.web import audit
from deeppcos.app.web.jobs import OPEN
from deeppcos.app.web.models import Image, PatientLink, Purpose, Study, StudyState, User
from deeppcos.app.web.patient.releasing import take_back
from deeppcos.app.web.studies.arrival import have_read
from deeppcos.app.web.studies.current import current_assessment
from deeppcos.app.web.studies.pictures import rests_on_withdrawn
from deeppcos.app.web.viewer.reading import has_been_looked_at, reading_for
from deeppcos.errors import InvalidInput

LONGEST_REASON = 300
NOT_SENT = "a picture of this study was withdrawn after this was made"


def withdrawn_pictures(study: Study) -> list[Image]:
    """The pictures of a study that were withdrawn, the latest first."""
    every = Image.with_withdrawn.filter(study=study).exclude(withdrawn_at=None)
    return list(every.select_related("withdrawn_by").order_by("-withdrawn_at"))


def withdraw_picture(image: Image, *, because: str, by: User) -> None:
    """Take a picture out of all that follows from its study; the file itself is kept.

    Args:
        image: A picture that was read.
        because: Why, in the words of who withdraws it.
        by: Who does; her name stands beside the reason.

    Raises:
        InvalidInput: If no reason is given, the picture was never read or is withdrawn already,
            or its study is signed or being read.
    """
    reason = " ".join(because.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidInput(
            "a picture is withdrawn with a reason",
            value=f"{len(reason)} characters",
            accepted=f"1 to {LONGEST_REASON} characters",
            remedy="say in a few words why it does not belong here",
        )
    with transaction.atomic():
        study = _open_study(image)
        now = Image.objects.filter(pk=image.pk).first()
        if now is None:
            raise InvalidInput("this picture is withdrawn already", value=image.name)
        if not now.is_ready:
            raise InvalidInput(
                "this file was not read, so nothing follows from it",
                value=image.name,
                remedy="remove it",
            )
        Image.objects.filter(pk=image.pk).update(
            withdrawn_at=timezone.now(), withdrawn_by=by, withdrawn_because=reason
        )
        detail = {"image": str(image.pk), "sha256": image.sha256, "reason": reason}
        audit.record("study.picture_withdrawn", actor=by, study=study, detail=detail)
        _take_back_links(study, by=by)
        _follow(study, by=by)
        _stop_sending(study, by=by)
    _small_picture_of(image).unlink(missing_ok=True)


def restore_picture(image: Image, *, by: User) -> None:
    """Put a withdrawn picture back; a reading is asked for where the machine has not seen it.

    Args:
        image: The withdrawn picture.
        by: Who puts it back.

    Raises:
        InvalidInput: If it is not withdrawn, or its study is signed or being read.
    """
    with transaction.atomic():
        study = _open_study(image)
        changed = (
            Image.with_withdrawn.filter(pk=image.pk)
            .exclude(withdrawn_at=None)
            .update(withdrawn_at=None, withdrawn_by=None, withdrawn_because="")
        )
        if not changed:
            raise InvalidInput("this picture is not withdrawn", value=image.name)
        detail = {"image": str(image.pk), "sha256": image.sha256}
        audit.record("study.picture_restored", actor=by, study=study, detail=detail)
        reading = reading_for(study, by, Purpose.REVIEW)
        if reading.base is not None and not has_been_looked_at(reading, image):
            have_read(study, asked_by=by)
        _follow(study, by=by)


def _open_study(image: Image) -> Study:
    """The study of a picture, held, if what follows from it may still change."""
    study = Study.objects.select_for_update().get(pk=image.study_id)
    if study.state in (StudyState.SIGNED, StudyState.SENT):
        raise InvalidInput(
            "this study is signed",
            remedy="begin an amendment first; the next version leaves the picture out",
        )
    if study.jobs.filter(state__in=OPEN).exists():
        raise InvalidInput("this study is being read", remedy="wait, or stop the reading first")
    return study


def _follow(study: Study, *, by: User) -> None:
    """Bring state, version and assessment of a study up to date with its pictures."""
    if study.state != StudyState.ARRIVED:
        study.state = StudyState(follows(study.state, Event.REVIEW))
    study.version += 1
    study.save(update_fields=["state", "version", "updated_at"])
    current_assessment(study, by)


def _take_back_links(study: Study, *, by: User) -> None:
    """No patient reads on what followed from a picture that may be another woman's."""
    links = PatientLink.objects.filter(report__study=study, taken_back_at=None)
    for link in links.select_related("report__study"):
        if rests_on_withdrawn(study, link.report.document):
            take_back(link, by=by)


def _stop_sending(study: Study, *, by: User) -> None:
    """Take back what waits to be sent of a study: it was made while the picture counted."""
    from deeppcos.app.web.connections import places

    if not places.is_connected():
        return
    taken = places.outbox().unmake(str(study.pk), because=NOT_SENT)
    if taken:
        audit.record("connection.taken_back", actor=by, study=study, detail={"items": taken})


def _small_picture_of(image: Image) -> Path:
    return Path(settings.DEEPPCOS_HOME) / "cache" / "small" / f"{image.pk}.jpg"
