"""Every call of a token in the audit trail, and errors the library answers without our shape.

Owns what surrounds each call.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from deeppcos.app.web import audit
from deeppcos.app.web.api.problems import refused
from deeppcos.app.web.models import ApiToken

LOG = logging.getLogger("deeppcos.api")
View = Callable[..., HttpResponseBase]


def recorded(view: View) -> View:
    """A view of the API whose calls stand in the audit trail before they are answered.

    A call without a valid token, and one that is turned away for calling too often, is logged and
    not chained: a stranger must not be able to fill the trail.
    """

    @functools.wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = _in_shape(request, view(request, *args, **kwargs))
        token = getattr(request, "auth", None)
        if isinstance(token, ApiToken) and answer.status_code != 429:
            _record(request, token, answer.status_code)
        else:
            LOG.info("%s %s answered %d", request.method, request.path, answer.status_code)
        if "Cache-Control" not in answer.headers:
            answer.headers["Cache-Control"] = "private, no-store"
        return answer

    # The library checks a token; nobody signs in here.
    return login_not_required(call)


def _in_shape(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    """A wrong method in the shape of every other error."""
    if answer.status_code != 405:
        return answer
    allowed = answer.headers.get("Allow", "")
    shaped = refused(
        405,
        "this address does not take this method",
        value=request.method or "",
        accepted=allowed,
        remedy="see the schema of the API",
    )
    shaped["Allow"] = allowed
    return shaped


def _record(request: HttpRequest, token: ApiToken, status: int) -> None:
    """One event a call; neither what was searched for nor what was sent stands in it."""
    with transaction.atomic():
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
        audit.record(
            "api.called",
            actor=token.user,
            site=token.site,
            about=f"token:{token.pk}",
            detail={"method": request.method, "path": request.path[:200], "status": status},
        )
