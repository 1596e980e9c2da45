"""The worklist page, and its table alone for htmx."""

from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deeppcos.app.web.access import Right, account_of, needs, visible_studies
from deeppcos.app.web.models import Study, StudyState, Urgency
from deeppcos.app.web.worklist.pages import StudyPages
from deeppcos.app.web.worklist.query import (
    ORDER_LABELS,
    WorklistQuery,
    asked,
    narrowed,
    ordered,
)


@needs(Right.SEE_STUDIES)
@require_safe
def worklist(request: HttpRequest) -> HttpResponse:
    """The studies of one's sites that the address asks for."""
    user = account_of(request)
    query = asked(request.GET)
    studies = narrowed(visible_studies(user), query, user)
    counts = _counts(studies)
    pages = StudyPages(ordered(studies, query), _number_of(query, counts))
    page = pages.get_page(request.GET.get("page"))
    is_fragment = request.headers.get("HX-Target") == "studies"
    response = render(
        request,
        "worklist/_studies.html" if is_fragment else "worklist/list.html",
        {
            "query": query,
            "page": page,
            "states": _state_choices(query, counts),
            "orders": ORDER_LABELS.items(),
            "urgencies": Urgency.choices,
            "is_first_hour": all(study.is_example for study in page) and not query.is_narrow,
            "is_reading": any(study.open_jobs for study in page),
        },
    )
    response["Vary"] = "HX-Target, Cookie"
    return response


def _counts(studies: QuerySet[Study]) -> dict[str, int]:
    """Number of studies of each state."""
    rows = studies.order_by().values_list("state").annotate(number=Count("pk"))
    return dict(rows)


def _number_of(query: WorklistQuery, counts: dict[str, int]) -> int | None:
    """How many studies the list has, where the counts tell; ordering may leave some out."""
    if query.order == "closeness":
        return None
    return counts.get(query.state, 0) if query.state else sum(counts.values())


def _state_choices(query: WorklistQuery, counts: dict[str, int]) -> list[dict[str, Any]]:
    """Every state with its number, as links show it."""
    return [
        {
            "value": state.value,
            "label": state.label,
            "number": counts.get(state.value, 0),
            "is_here": state.value == query.state,
        }
        for state in StudyState
    ]
