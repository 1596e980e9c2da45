"""The worklist page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deeppcos.app.web.access import Right, account_of, needs, visible_studies


@needs(Right.SEE_STUDIES)
@require_safe
def worklist(request: HttpRequest) -> HttpResponse:
    """The studies of one's sites."""
    studies = (
        visible_studies(account_of(request)).select_related("patient").order_by("-arrived_at")[:50]
    )
    return render(request, "worklist/list.html", {"studies": studies})
