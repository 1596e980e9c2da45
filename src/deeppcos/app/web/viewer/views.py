"""The viewer's page and its JSON: what is read, what is corrected, what follows.

Owns who may ask for what and how answers look. The work is done by ``reading``, ``keeping`` and
``deeppcos.app.desk.marks``.
"""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.i18n import JavaScriptCatalog

from deeppcos.app.desk.marks.edge import outline_at
from deeppcos.app.desk.marks.wire import kept_json, read_edits, read_point
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, rights_of, study_for
from deeppcos.app.web.models import Purpose, Study
from deeppcos.app.web.staff_language import in_chosen_language
from deeppcos.app.web.viewer import answers, keeping
from deeppcos.app.web.viewer.heat import heat_of
from deeppcos.app.web.viewer.pictures import frame_path, grey_frame, image_of, sent
from deeppcos.app.web.viewer.reading import (
    StudyReading,
    log_of,
    open_blinded_reading,
    reading_for,
)
from deeppcos.app.web.viewer.sitting import keep_sitting, read_sitting
from deeppcos.errors import InvalidInput, NotAssessable

SECOND = "second"


def asked_reading(request: HttpRequest, study: Study) -> StudyReading:
    """The reading a request is about; a blinded reader is always given her own.

    Args:
        request: Its ``as`` may ask for the second reading, or for the adjudication she has begun.
        study: A study the person may see.
    """
    user = account_of(request)
    asked = request.GET.get("as")
    if asked == SECOND or open_blinded_reading(study, user) is not None:
        return reading_for(study, user, Purpose.SECOND_READING)
    if asked == answers.ASKED_AS[Purpose.ADJUDICATION]:
        reading = reading_for(study, user, Purpose.ADJUDICATION)
        if reading.mark_set is not None:
            return reading
        # Who has not begun one on the page that settles has no such reading.
        raise Http404("no adjudication of this study was begun")
    return reading_for(study, user, Purpose.REVIEW)


@needs(Right.SEE_STUDIES)
@require_safe
@in_chosen_language
def page(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """The viewer."""
    user = account_of(request)
    study = study_for(user, study_id)
    if not study.images.filter(is_ready=True).exists():
        return redirect("studies:study", study_id=study.pk)
    reading = asked_reading(request, study)
    shows_marks = reading.base is not None and not reading.starts_empty
    audit.record("marks.shown" if shows_marks else "pictures.shown", actor=user, study=study)
    theme = request.COOKIES.get("theme", "auto")
    return render(
        request,
        "viewer/page.html",
        {
            "study": study,
            "reading": reading,
            "manifest_url": answers.address("manifest", reading),
            # A dim scanning room is where this page is read: dark unless the reader chose light.
            "theme": "light" if theme == "light" else "dark",
            "may_mark": Right.MARK in rights_of(user, study.site_id),
            "is_adjudication": reading.purpose == Purpose.ADJUDICATION,
        },
    )


@needs(Right.SEE_STUDIES)
@require_safe
@in_chosen_language
def words(request: HttpRequest) -> HttpResponseBase:
    """The words of the viewer's scripts in the language its reader chose, as a script."""
    response = JavaScriptCatalog.as_view(domain="djangojs", packages=["deeppcos.app.web"])(request)
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie"])
    return response


@needs(Right.MARK)
@require_POST
def start_second_reading(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Begin a blinded second reading and open it."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    keeping.begin_second_reading(study, user)
    return redirect(f"{reverse('viewer:page', args=[study.pk])}?as={SECOND}")


@needs(Right.SEE_STUDIES)
@require_safe
@in_chosen_language
def manifest(request: HttpRequest, study_id: UUID) -> JsonResponse:
    """What is in the study, who reads it, and what may be done."""
    user = account_of(request)
    reading = asked_reading(request, study_for(user, study_id))
    return _fresh(JsonResponse(answers.manifest(reading, user)))


@needs(Right.SEE_STUDIES)
@require_safe
@gzip_page
def marks(request: HttpRequest, study_id: UUID, image_id: UUID) -> JsonResponse:
    """Marks of every frame of one file, as they stood at ``version``."""
    study = study_for(account_of(request), study_id)
    reading = asked_reading(request, study)
    version = _version(request, otherwise=reading.version)
    image = image_of(study, image_id)
    return _fresh(JsonResponse(answers.marks_file(reading, image, version=version)))


@needs(Right.SEE_STUDIES)
@require_http_methods(["GET", "POST"])
def edits(request: HttpRequest, study_id: UUID) -> JsonResponse:
    """Read corrections since a version, or keep more."""
    user = account_of(request)
    is_post = request.method == "POST"
    study = study_for(user, study_id, Right.MARK if is_post else Right.SEE_STUDIES)
    reading = asked_reading(request, study)
    if not is_post:
        since = _version(request, otherwise=0)
        kept = log_of(reading.mark_set, since=since)
        return _fresh(JsonResponse({"version": reading.version, "edits": kept_json(kept)}))
    try:
        base_version, sent = read_edits(request.body)
        outcome = keeping.keep_edits(reading, user, base_version=base_version, edits=sent)
    except keeping.Closed as closed:
        return JsonResponse({"problem": str(closed)}, status=423)
    except InvalidInput as problem:
        return JsonResponse({"problem": str(problem)}, status=400)
    if outcome.behind is not None:
        body = {
            "version": outcome.version,
            "edits": kept_json(outcome.behind),
            "misfit": outcome.misfit,
        }
        return JsonResponse(body, status=409)
    return JsonResponse({"version": outcome.version})


@needs(Right.MARK)
@require_POST
def outline(request: HttpRequest, study_id: UUID) -> JsonResponse:
    """The edge around a point, found in the stored pixels, or why there is none."""
    study = study_for(account_of(request), study_id, Right.MARK)
    try:
        point = read_point(request.body)
        image = image_of(study, UUID(point.picture))
        grey = grey_frame(image, point.frame)
        found = outline_at(grey, x=point.x, y=point.y, scale=point.scale)
    except NotAssessable as reason:
        return JsonResponse({"reason": f"{reason.what}; {reason.remedy}"})
    except (InvalidInput, ValueError) as problem:
        return JsonResponse({"problem": str(problem)}, status=400)
    polygon = [[round(x, 2), round(y, 2)] for x, y in found.polygon]
    return JsonResponse({"polygon": polygon, "contrast": round(found.contrast, 1)})


@needs(Right.SEE_STUDIES)
@require_safe
def measures(request: HttpRequest, study_id: UUID) -> JsonResponse:
    """Counts and measurements: the machine's, the reader's and the signed, kept apart."""
    study = study_for(account_of(request), study_id)
    return _fresh(JsonResponse(answers.measures(asked_reading(request, study))))


@needs(Right.MARK)
@require_POST
def sitting(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Keep how long the pictures were looked at, and what was shown with them."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    try:
        keep_sitting(asked_reading(request, study), user, read_sitting(request.body))
    except InvalidInput as problem:
        return JsonResponse({"problem": str(problem)}, status=400)
    return HttpResponse(status=204)


@needs(Right.MARK)
@require_POST
def finish(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Close a second reading and show what the others marked."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    reading = reading_for(study, user, Purpose.SECOND_READING)
    if reading.mark_set is not None:
        keeping.finish_reading(reading.mark_set, user)
    return redirect(f"{reverse('viewer:page', args=[study.pk])}?as={SECOND}")


@needs(Right.SEE_STUDIES)
@require_safe
def saliency(request: HttpRequest, study_id: UUID, image_id: UUID, frame: int) -> HttpResponseBase:
    """Where the network looked in one frame, why that is not shown, or 202 while it is made."""
    study = study_for(account_of(request), study_id)
    reading = asked_reading(request, study)
    if reading.is_blinded or reading.base is None:
        return JsonResponse({"reason": "A blinded reading shows nothing of the machine."})
    image = image_of(study, image_id)
    exact = frame_path(image, frame)
    heat = heat_of(image, exact, frame=frame, release_name=reading.base.release)
    if heat.picture is not None:
        return sent(heat.picture, "image/png")
    return _fresh(JsonResponse({"reason": heat.reason}, status=200 if heat.reason else 202))


def _version(request: HttpRequest, *, otherwise: int) -> int:
    text = request.GET.get("version", "")
    return int(text) if text.isdigit() else otherwise


def _fresh(response: JsonResponse) -> JsonResponse:
    """Marks change: no copy of an answer is shown later."""
    response["Cache-Control"] = "private, no-store"
    return response
