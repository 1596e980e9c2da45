"""The clinician's page that releases, and the patient's page that a link opens.

Owns requests and answers. The facts are chosen in ``desk.patient_view``, worded in ``words``.
"""

from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

from csp.constants import SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe
from PIL import Image as Picture

from deeppcos.app.desk.patient_view import patient_view
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, open_to_all, study_for
from deeppcos.app.web.models import PatientLink, SignedReport
from deeppcos.app.web.patient import words
from deeppcos.app.web.patient.forms import ReleaseForm
from deeppcos.app.web.patient.picture import patient_picture, read_picture
from deeppcos.app.web.patient.releasing import (
    find,
    newest_report,
    opened,
    release_to_patient,
    take_back,
)
from deeppcos.records.assessment_document import AssessmentDocument, FrameRecord, FrameReference
from deeppcos.records.assessment_json import document_from_dict

NEW_LINK = "new_patient_link"


@needs(Right.RELEASE_TO_PATIENT)
@never_cache
@require_safe
def share(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """What the patient will read, the links there are, and the form for another."""
    study = study_for(account_of(request), study_id, Right.RELEASE_TO_PATIENT)
    audit.record("patient_page.prepared", actor=account_of(request), study=study)
    report = newest_report(study)
    links = PatientLink.objects.filter(report__study=study).select_related("made_by", "report")
    return render(
        request,
        "patient/share.html",
        {
            "study": study,
            "report": report,
            "form": ReleaseForm(),
            "links": list(links),
            "new_link": request.session.pop(NEW_LINK, ""),
        },
    )


@needs(Right.RELEASE_TO_PATIENT)
@require_POST
def release(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Make a link; its address is shown once."""
    account = account_of(request)
    study = study_for(account, study_id, Right.RELEASE_TO_PATIENT)
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a language, and a time between 1 and 90 days."))
        return redirect("patient:share", study_id=study_id)
    secret = release_to_patient(study, by=account, **form.cleaned_data)
    address = request.build_absolute_uri(reverse("patient:page", args=[secret]))
    request.session[NEW_LINK] = address
    return redirect("patient:share", study_id=study_id)


@needs(Right.RELEASE_TO_PATIENT)
@require_POST
def revoke(request: HttpRequest, study_id: UUID, link_id: UUID) -> HttpResponse:
    """Take a link back."""
    account = account_of(request)
    study = study_for(account, study_id, Right.RELEASE_TO_PATIENT)
    link = get_object_or_404(PatientLink, pk=link_id, report__study=study)
    take_back(link, by=account)
    messages.success(request, _("The link no longer works."))
    return redirect("patient:share", study_id=study_id)


@needs(Right.RELEASE_TO_PATIENT)
@never_cache
@csp_replace({"frame-ancestors": [SELF]})  # type: ignore[arg-type]  # its stub forgets arguments
@xframe_options_sameorigin
@require_safe
def preview(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """The patient's page as the clinician may check it before releasing it."""
    study = study_for(account_of(request), study_id, Right.RELEASE_TO_PATIENT)
    report = newest_report(study)
    if report is None:
        raise Http404("nothing is signed yet")
    picture = reverse("patient:preview-picture", args=[study_id])
    return _page(request, report, language=_wanted_language(request, "en"), picture=picture)


@needs(Right.RELEASE_TO_PATIENT)
@never_cache
@require_safe
def preview_picture(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """The picture of the preview."""
    study = study_for(account_of(request), study_id, Right.RELEASE_TO_PATIENT)
    report = newest_report(study)
    if report is None:
        raise Http404("nothing is signed yet")
    return _picture_answer(report)


@open_to_all
@never_cache
@require_safe
def page(request: HttpRequest, secret: str) -> HttpResponse:
    """The patient's page; a link that does not work says so and nothing else."""
    link = opened(secret)
    if link is None:
        with translation.override(_wanted_language(request, "en")):
            return render(request, "patient/void.html", {"words": words}, status=404)
    return _page(
        request,
        link.report,
        language=_wanted_language(request, link.language),
        picture=reverse("patient:picture", args=[secret]),
        link=link,
    )


@open_to_all
@never_cache
@require_safe
def picture(request: HttpRequest, secret: str) -> HttpResponse:
    """Her own picture."""
    link = find(secret)
    if link is None:
        raise Http404("no such link")
    return _picture_answer(link.report)


def _page(
    request: HttpRequest,
    report: SignedReport,
    *,
    language: str,
    picture: str,
    link: PatientLink | None = None,
) -> HttpResponse:
    """The page of a signed report in a language."""
    document = document_from_dict(report.document)
    view = patient_view(document)
    with translation.override(language):
        shown: dict[str, Any] = {
            "words": words,
            "title": words.TITLE if view.has_pictures else words.TITLE_WITHOUT_PICTURES,
            "view": view,
            "report": report,
            "language": language,
            "languages": settings.PATIENT_LANGUAGES,
            "picture_url": picture if view.picture else "",
            "picture_alt": str(words.PICTURE_ALT)
            % {"count": _marked_count(document, view.picture)},
            "signed": str(words.SIGNED)
            % {
                "name": report.signer_name,
                "date": _day(report.signed_at),
                "site": report.study.site.name,
            },
            "expires": _expiry(link),
            "conclusion": words.conclusion_sentence(view, settings.CONDITION_NAME),
            "features": words.features(view),
            "ovaries": words.ovaries(view),
        }
        answer = render(request, "patient/page.html", shown)
    # The address is the secret: it must not travel on to other sites, caches or search engines.
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _expiry(link: PatientLink | None) -> str:
    """Until when the link works; empty for a preview."""
    if link is None:
        return ""
    return str(words.EXPIRES) % {"date": _day(link.expires_at)}


def _day(moment: datetime) -> str:
    """A day in the language in use; English as it is written in Britain."""
    style = "j F Y" if translation.get_language() == "en" else "DATE_FORMAT"
    return date_format(timezone.localtime(moment), style)


def _wanted_language(request: HttpRequest, otherwise: str) -> str:
    """The language asked for on the page, if it is one of ours."""
    asked = request.GET.get("language", otherwise)
    return asked if asked in dict(settings.PATIENT_LANGUAGES) else otherwise


def _frame_of(document: AssessmentDocument, place: FrameReference) -> FrameRecord:
    """The record of a frame that the document cites."""
    return next(
        frame
        for frame in document.frames
        if (frame.source, frame.frame) == (place.source, place.frame)
    )


def _marked_count(document: AssessmentDocument, place: FrameReference | None) -> int:
    """Follicles marked in the picture that is shown."""
    return 0 if place is None else len(_frame_of(document, place).ovaries[0].follicles)


def _picture_answer(report: SignedReport) -> HttpResponse:
    """The marked picture as PNG."""
    document = document_from_dict(report.document)
    place = patient_view(document).picture
    if place is None:
        raise Http404("no picture shows an ovary")
    image = get_object_or_404(report.study.images, name=place.source)
    pixels = read_picture(image.frame_path(place.frame))
    if pixels is None:
        raise Http404("the picture is not kept any more")
    stream = BytesIO()
    Picture.fromarray(patient_picture(_frame_of(document, place), pixels)).save(stream, "PNG")
    answer = HttpResponse(stream.getvalue(), content_type="image/png")
    answer["Referrer-Policy"] = "no-referrer"
    return answer
