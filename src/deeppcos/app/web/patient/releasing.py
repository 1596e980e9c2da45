"""Making, finding and taking back patient links, each with its event in the audit trail.

Owns what is written to the data base; pages are ``views``.
"""

import datetime
import secrets

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from deeppcos.app.web import audit
from deeppcos.app.web.models import PatientLink, SignedReport, Study, User
from deeppcos.app.web.models.links import secret_hash
from deeppcos.app.web.studies.pictures import rests_on_withdrawn
from deeppcos.errors import InvalidInput

SECRET_BYTES = 32
LONGEST_DAYS = 90


def newest_report(study: Study) -> SignedReport | None:
    """The signed report that counts, or None before the first signature."""
    return study.reports.order_by("-number").first()


def release_to_patient(study: Study, *, by: User, language: str, days: int) -> str:
    """Make a link to the newest signed report.

    Args:
        study: The study.
        by: The clinician who releases it.
        language: Language the page opens in.
        days: Days until the link runs out.

    Returns:
        The secret of the link; it is shown once and not kept.

    Raises:
        InvalidInput: If nothing is signed yet, what is signed rests on a withdrawn picture, or
            the time is out of range.
    """
    report = newest_report(study)
    if report is None:
        raise InvalidInput(
            "nothing is signed yet",
            accepted="a study with a signed report",
            remedy="sign the report, then release it",
        )
    if rests_on_withdrawn(study, report.document):
        raise InvalidInput(
            "a picture of the signed report was withdrawn",
            remedy="sign the amendment first, then release the new version",
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(
            "the link's time is out of range",
            value=f"{days} days",
            accepted=f"1 to {LONGEST_DAYS} days",
            remedy="choose a shorter time",
        )
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        link = PatientLink.objects.create(
            report=report,
            secret_sha256=secret_hash(secret),
            language=language,
            made_by=by,
            expires_at=timezone.now() + datetime.timedelta(days=days),
        )
        audit.record(
            "patient.released",
            actor=by,
            study=study,
            detail={"link": str(link.pk), "report": report.number, "days": days},
        )
    return secret


def opened(secret: str) -> PatientLink | None:
    """The link of a secret, counted as opened; None if it does not work."""
    link = find(secret)
    if link is None:
        return None
    with transaction.atomic():
        PatientLink.objects.filter(pk=link.pk).update(
            opened_count=F("opened_count") + 1, last_opened_at=timezone.now()
        )
        audit.record(
            "patient.opened", actor=None, study=link.report.study, detail={"link": str(link.pk)}
        )
    return link


def find(secret: str) -> PatientLink | None:
    """The link of a secret; None if there is none that works."""
    link = (
        PatientLink.objects.select_related("report__study__site")
        .filter(secret_sha256=secret_hash(secret))
        .first()
    )
    return link if link is not None and link.works else None


def take_back(link: PatientLink, *, by: User) -> None:
    """Make a link void at once."""
    with transaction.atomic():
        changed = PatientLink.objects.filter(pk=link.pk, taken_back_at=None).update(
            taken_back_at=timezone.now()
        )
        if changed:
            audit.record(
                "patient.taken_back",
                actor=by,
                study=link.report.study,
                detail={"link": str(link.pk)},
            )
