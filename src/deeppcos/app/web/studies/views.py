"""Pages of one study."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, study_for


@needs(Right.ADD_STUDIES)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Add a study."""
    return render(request, "studies/new.html")


@needs(Right.SEE_STUDIES)
@require_safe
def study(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """One study: where it stands and what can be done with it."""
    found = study_for(account_of(request), study_id)
    audit.record("study.viewed", actor=account_of(request), study=found)
    return render(request, "studies/study.html", {"study": found})
