"""Addresses of the API, each with what surrounds a call."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from deeppcos.app.web.api.files import UPLOAD
from deeppcos.app.web.api.problems import refused
from deeppcos.app.web.api.recording import recorded
from deeppcos.app.web.api.service import api
from deeppcos.app.web.upload_guard import takes_studies

app_name = "api"


def nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Any other address below the API, in the shape of its errors."""
    return refused(404, "there is nothing at this address", remedy="see the schema of the API")


nothing_here.csrf_exempt = True  # type: ignore[attr-defined]  # It reads nothing.


def _surrounded(pattern: Any) -> Any:
    """One address of the library, recorded, and open for large files where those are sent."""
    is_root = pattern.name == "api-root"
    pattern.callback = recorded(nothing_here if is_root else pattern.callback)
    if pattern.name == UPLOAD:
        takes_studies(pattern.callback)
    return pattern


urlpatterns = [
    *(_surrounded(pattern) for pattern in api.urls[0]),
    path("<path:rest>", recorded(nothing_here), name="nothing"),
]
