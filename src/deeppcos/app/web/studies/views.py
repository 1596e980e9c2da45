"""Pages of one study: begin it, send its files, watch it being read."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deeppcos.app.web import audit, jobs
from deeppcos.app.web.access import Right, account_of, needs, rights_of, sites_with, study_for
from deeppcos.app.web.models import Job, Study, StudyState
from deeppcos.app.web.studies.arrival import Delivery, deliver, have_read
from deeppcos.app.web.studies.forms import NewStudyForm
from deeppcos.app.web.studies.handling import assign_study, begin_study, stop_job
from deeppcos.app.web.studies.pictures import image_of, name_side, small_picture
from deeppcos.app.web.studies.removing import is_removable
from deeppcos.app.web.studies.withdrawing import LONGEST_REASON, withdrawn_pictures
from deeppcos.app.web.upload_guard import size_words, takes_studies


@needs(Right.ADD_STUDIES)
@takes_studies
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Begin a study; its files come with the form, or one by one from the page's script."""
    user = account_of(request)
    form = NewStudyForm(request.POST or None, sites=sites_with(user, Right.ADD_STUDIES))
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, **_upload_limits()}
        return render(request, "studies/new.html", context, status=422 if form.errors else 200)
    begun = begin_study(form, by=user)
    if _wants_json(request):
        return JsonResponse(_addresses(begun), status=201)
    sent = request.FILES.getlist("files")
    if sent:
        _tell(request, deliver(begun, sent, sender=user))
        if begun.images.exists() or begun.is_charted:
            have_read(begun, asked_by=user)
    return redirect("studies:study", begun.pk)


@needs(Right.ADD_STUDIES)
@takes_studies
@require_POST
def files(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Take more files for a study."""
    user = account_of(request)
    found = study_for(user, study_id, Right.ADD_STUDIES)
    delivery = deliver(found, request.FILES.getlist("files"), sender=user)
    if _wants_json(request):
        return JsonResponse(
            {
                "kept": delivery.kept,
                "known": delivery.known,
                "refused": [{"name": name, "reason": why} for name, why in delivery.refused],
                "chart_from": delivery.chart_from,
            }
        )
    _tell(request, delivery)
    if delivery.kept:
        have_read(found, asked_by=user)
    return redirect("studies:study", found.pk)


@needs(Right.ADD_STUDIES)
@require_POST
def read(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Have the study's files read, or read again."""
    user = account_of(request)
    found = study_for(user, study_id, Right.ADD_STUDIES)
    job = have_read(found, asked_by=user)
    if _wants_json(request):
        return JsonResponse({"job": str(job.pk)}, status=202)
    return redirect("studies:study", found.pk)


@needs(Right.SEE_STUDIES)
@require_safe
def study(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """One study: where it stands and what can be done with it."""
    user = account_of(request)
    found = study_for(user, study_id)
    audit.record("study.viewed", actor=user, study=found)
    images = list(found.images.all())
    return render(
        request,
        "studies/study.html",
        {
            "study": found,
            "images": images,
            "none_readable": bool(images) and not any(one.is_ready for one in images),
            "is_some_unread": any(not one.is_ready and not one.refused_because for one in images),
            "is_removable": is_removable(found),
            "rights": rights_of(user, found.site_id),
            **_upload_limits(),
            "takes_files": found.state
            in (StudyState.ARRIVED, StudyState.ANALYSED, StudyState.IN_REVIEW),
            "reports": found.reports.order_by("-number"),
            "withdrawn": withdrawn_pictures(found),
            "longest_reason": LONGEST_REASON,
            "viewer_url": _viewer_of(found),
            **_progress(found),
        },
    )


@needs(Right.SEE_STUDIES)
@require_safe
def progress(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """How far the reading is, for htmx; the whole page once it has ended."""
    found = study_for(account_of(request), study_id)
    context = {"study": found, **_progress(found)}
    response = render(request, "studies/_progress.html", context)
    job = context["job"]
    if job is None or not job.is_open:
        response["HX-Refresh"] = "true"
    return response


@needs(Right.ADD_STUDIES)
@require_POST
def cancel(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Stop the reading; what was read before stays."""
    user = account_of(request)
    found = study_for(user, study_id, Right.ADD_STUDIES)
    for job in found.jobs.filter(state__in=jobs.OPEN):
        stop_job(job, by=user)
    return redirect("studies:study", found.pk)


@needs(Right.MARK)
@require_POST
def take(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Take a study as one's own, or give it back."""
    user = account_of(request)
    found = study_for(user, study_id, Right.MARK)
    assign_study(found, None if found.assigned_to_id == user.pk else user, by=user)
    return redirect("studies:study", found.pk)


@needs(Right.SEE_STUDIES)
@require_safe
def thumbnail(request: HttpRequest, study_id: UUID, image_id: UUID) -> HttpResponse:
    """The middle frame of a file, small."""
    image = image_of(study_for(account_of(request), study_id), image_id)
    path = small_picture(image)
    if path is None:
        raise Http404("no picture of this file yet")
    response = HttpResponse(path.read_bytes(), content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=3600"
    return response


@needs(Right.MARK)
@require_POST
def side(request: HttpRequest, study_id: UUID, image_id: UUID) -> HttpResponse:
    """Say which ovary a file shows, where the file itself does not."""
    user = account_of(request)
    found = study_for(user, study_id, Right.MARK)
    name_side(image_of(found, image_id), request.POST.get("side", ""), by=user)
    return redirect("studies:study", found.pk)


def _upload_limits() -> dict[str, Any]:
    """What an upload may be, so that nobody waits for one that will be refused."""
    largest = settings.LARGEST_UPLOAD_BYTES
    return {
        "uploads": settings.UPLOADS_ALLOWED,
        "largest_bytes": largest,
        "largest_words": size_words(largest),
    }


def _progress(study: Study) -> dict[str, Any]:
    """The newest reading of a study and how far it is, in words."""
    job = study.jobs.filter(kind="analyse").first()
    return {"job": job, "doing": _words(job) if job else ""}


def _viewer_of(study: Study) -> str:
    """Where the pictures are looked at."""
    return reverse("viewer:page", args=[study.pk]) if study.assessments.exists() else ""


def _words(job: Job) -> str:
    phase, _bar, rest = job.message.partition("|")
    done, _bar, rest = rest.partition("|")
    total, _bar, name = rest.partition("|")
    if phase == "pictures":
        return _("Preparing %(name)s, frame %(done)s of %(total)s") % {
            "name": name, "done": done, "total": total}  # fmt: skip
    if phase == "findings":
        return _("Looking at %(name)s, frame %(done)s of %(total)s") % {
            "name": name, "done": done, "total": total}  # fmt: skip
    return ""


def _addresses(study: Study) -> dict[str, str]:
    return {
        "study": reverse("studies:study", args=[study.pk]),
        "files": reverse("studies:files", args=[study.pk]),
        "read": reverse("studies:read", args=[study.pk]),
    }


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"


def _tell(request: HttpRequest, delivery: Delivery) -> None:
    """Say what became of files, where no script does."""
    if delivery.kept:
        messages.success(request, _("%(number)d files kept.") % {"number": len(delivery.kept)})
    if delivery.chart_from:
        messages.success(request, _("Chart read from %(name)s.") % {"name": delivery.chart_from})
    for _name, reason in delivery.refused:
        messages.warning(request, reason)
