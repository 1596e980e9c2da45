"""Pages of cohorts: build one, look at its figures, take them along.

Owns requests and answers. A page shows what was released and nothing else; the women themselves
are asked only when a cohort is built. Rows are exported in the background (``taking``).
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deeppcos.app.web import audit, jobs
from deeppcos.app.web.access import Right, account_of, needs, sites_with
from deeppcos.app.web.models import SavedCohort, User
from deeppcos.app.web.research.drawn import drawn_figures
from deeppcos.app.web.research.forms import CohortForm
from deeppcos.app.web.research.gathering import snapshot
from deeppcos.app.web.research.releasing import (
    about_how_many,
    cohort_for,
    consented,
    release,
    visible_cohorts,
)
from deeppcos.app.web.research.taking import (
    ask_for_rows,
    may_take,
    packed_file,
    taking_for,
    takings,
)
from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.research.cohort import VIEW, open_cohort
from deeppcos.research.columns import TABLES
from deeppcos.research.disclosure.protect import FEWEST
from deeppcos.research.query import Take, query_from
from deeppcos.research.release import CohortRelease

GROUPED = ("manufacturer", "site", "release")
TYPES = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv; charset=utf-8"}
MOST_SHOWN = 100


@needs(Right.SEE_COHORTS)
@require_safe
def cohorts(request: HttpRequest) -> HttpResponse:
    """The cohorts released so far."""
    user = account_of(request)
    found = visible_cohorts(user).select_related("made_by").prefetch_related("sites")[:MOST_SHOWN]
    listed = [
        {"cohort": one, "women": one.document["women"], "criteria": _criteria(one)} for one in found
    ]
    return render(request, "research/cohorts.html", {"cohorts": listed})


@needs(Right.SEE_COHORTS)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask for a cohort and release it."""
    user = account_of(request)
    form = CohortForm(
        request.POST or None, groups=_groups(user), initial={"profile": "guideline_2023"}
    )
    problem: DeepPCOSError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            query = consented(form.criteria(), Take(form.cleaned_data["take"]))
            saved = release(user, query, name=form.cleaned_data["name"])
        except InvalidInput as refused:
            problem = refused
        else:
            return redirect("research:cohort", saved.pk)
    status = 422 if form.errors or problem else 200
    return render(request, "research/new.html", {"form": form, "problem": problem}, status=status)


@needs(Right.SEE_COHORTS)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """About how many women a cohort would have, for htmx."""
    user = account_of(request)
    given = request.POST.copy()
    given["name"] = given.get("name") or "preview"
    form = CohortForm(given, groups=_groups(user))
    context: dict[str, Any] = {}
    if form.is_valid():
        try:
            query = consented(form.criteria(), Take(form.cleaned_data["take"]))
            context["about"] = about_how_many(user, query)
        except InvalidInput as problem:
            context["problem"] = problem
    return render(request, "research/_preview.html", context)


@needs(Right.SEE_COHORTS)
@require_safe
def cohort(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """The figures of a cohort."""
    user = account_of(request)
    found = cohort_for(user, cohort_id)
    _tell("research.viewed", user, found)
    released = CohortRelease(document=found.document)
    shown = drawn_figures(released.figures)
    may_export = may_take(user, found)
    return render(
        request,
        "research/cohort.html",
        {
            "cohort": found,
            "document": found.document,
            "criteria": _criteria(found),
            "figures": shown,
            "origin": released.origin(),
            "charts": {one.figure.key: one.chart for one in shown if one.chart},
            "may_export": may_export,
            **(_exports(found) if may_export else {}),
        },
    )


@needs(Right.SEE_COHORTS)
@require_safe
def figure(request: HttpRequest, cohort_id: UUID, figure: str, form: str) -> HttpResponse:
    """One figure as a picture or a table."""
    if form not in TYPES:
        raise Http404("no such form")
    user = account_of(request)
    found = cohort_for(user, cohort_id)
    released = CohortRelease(document=found.document)
    try:
        wanted = released.figure(figure)
    except InvalidInput as problem:
        raise Http404("no such figure") from problem
    _tell("research.figure_exported", user, found, figure=figure, form=form)
    if form == "csv":
        from deeppcos.research.report import csv_of

        content = csv_of(wanted, origin=released.origin()).encode()
    else:
        from deeppcos.app.cohorts.look import PAPER
        from deeppcos.research.drawing.pictures import picture

        content = picture(wanted, PAPER, origin=released.origin(), form=form)
    return _file(content, TYPES[form], f"{found.query_sha256[:8]}-{figure}.{form}")


@needs(Right.SEE_COHORTS)
@require_safe
def record(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """Everything that was released of a cohort, as one document."""
    user = account_of(request)
    found = cohort_for(user, cohort_id)
    _tell("research.record_exported", user, found)
    content = json.dumps(found.document, indent=1, ensure_ascii=False).encode()
    return _file(content, "application/json", f"{found.query_sha256[:8]}-release.json")


@needs(Right.EXPORT_RESEARCH)
@require_POST
def rows(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """Ask for de-identified rows, or pictures, of the women who agree now."""
    user = account_of(request)
    found = cohort_for(user, cohort_id, Right.EXPORT_RESEARCH)
    ask_for_rows(user, found, request.POST.getlist("format") or ["parquet"])
    messages.success(request, _("The export is being made. It appears below the title."))
    return redirect("research:cohort", found.pk)


@needs(Right.EXPORT_RESEARCH)
@require_safe
def exports(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """The exports of a cohort and how far they are, for htmx."""
    found = cohort_for(account_of(request), cohort_id, Right.EXPORT_RESEARCH)
    return render(request, "research/_exports.html", _exports(found))


@needs(Right.EXPORT_RESEARCH)
@require_safe
def download(request: HttpRequest, cohort_id: UUID, job_id: UUID) -> FileResponse:
    """A finished export as a ZIP file."""
    user = account_of(request)
    found = cohort_for(user, cohort_id, Right.EXPORT_RESEARCH)
    taking = taking_for(found, job_id)
    file = packed_file(taking)
    detail = {"job": str(job_id), "forms": taking.forms, "women": taking.women}
    _tell("research.rows_exported", user, found, **detail)
    name = f"{found.query_sha256[:8]}-rows.zip"
    return FileResponse(file.open("rb"), as_attachment=True, filename=name)


@needs(Right.EXPORT_RESEARCH)
@require_POST
def stop(request: HttpRequest, cohort_id: UUID, job_id: UUID) -> HttpResponse:
    """Stop an export that is being made."""
    user = account_of(request)
    found = cohort_for(user, cohort_id, Right.EXPORT_RESEARCH)
    job = taking_for(found, job_id).job
    _tell("research.rows_stopped", user, found, job=str(job_id))
    jobs.cancel(job)
    return redirect("research:cohort", found.pk)


def _exports(cohort: SavedCohort) -> dict[str, Any]:
    """What the list of exports shows."""
    listed = takings(cohort)
    return {"cohort": cohort, "takings": listed, "is_open": any(t.job.is_open for t in listed)}


@needs(Right.SEE_COHORTS)
@require_safe
def dictionary(request: HttpRequest) -> HttpResponse:
    """The data dictionary."""
    return render(request, "research/dictionary.html", {"tables": TABLES})


def _groups(user: User) -> dict[str, Sequence[str]]:
    """Words a criterion may choose from: those ten consenting women or more have."""
    table = snapshot(sites_with(user, Right.SEE_COHORTS))
    with open_cohort(table, consented((), Take.LATEST), columns=("patient_id", *GROUPED)) as found:
        return {
            column: [
                str(name)
                for (name,) in found.rows(
                    f"SELECT {column} FROM {VIEW} WHERE {column} IS NOT NULL GROUP BY 1 "
                    f"HAVING count(*) >= {FEWEST} ORDER BY 1"
                )
            ]
            for column in GROUPED
        }


def _criteria(cohort: SavedCohort) -> list[str]:
    """What a cohort asks, in the words of the command line; consent is asked of all."""
    query = query_from(cohort.document["query"])
    return [c.words() for c in query.criteria if c.field != "consent"]


def _tell(action: str, user: User, cohort: SavedCohort, **detail: Any) -> None:
    """Record at every site the cohort rests on."""
    for site in cohort.sites.all():
        audit.record(action, actor=user, site=site, about=f"cohort:{cohort.pk}", detail=detail)


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
