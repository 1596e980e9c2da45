"""Keeps the pages that tell what machine and others say from whoever reads blinded.

Owns which pages those are. Who is blinded is known to ``viewer.reading``; the viewer and the API
keep to it themselves.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from deeppcos.app.web.models import Study
from deeppcos.app.web.viewer.reading import open_blinded_reading

TELLING_AREAS = frozenset({"assessment", "signoff", "patient"})
TELLING_PAGES = frozenset({"studies:study"})
"""Areas and pages of one study that show findings, counts or reports."""


class BlindingMiddleware:
    """Lead a blinded second reader back to her own marks until she has finished."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; ``process_view`` decides."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Redirect to the viewer where a blinded reading of this study is open, else None."""
        match = request.resolver_match
        study_id = kwargs.get("study_id")
        if match is None or study_id is None or not request.user.is_authenticated:
            return None
        if match.view_name not in TELLING_PAGES and not set(match.namespaces) & TELLING_AREAS:
            return None
        study = Study.objects.filter(pk=study_id).first()
        if study is None or open_blinded_reading(study, request.user) is None:
            return None
        messages.warning(
            request,
            _("You read this study blinded. Finish your reading first; then you may see the rest."),
        )
        return redirect("viewer:page", study_id=study_id)
