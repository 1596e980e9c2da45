"""What a program reads when something is wrong: always the same shape, with the four parts.

Owns that shape and which status each kind of error has.
"""

import logging
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from pydantic import BaseModel, Field

from deeppcos.app.web.signoff.signing import Changed
from deeppcos.app.web.viewer.keeping import Closed
from deeppcos.errors import DeepPCOSError, InvalidInput, NotAssessable, TemporaryFailure

LOG = logging.getLogger("deeppcos.api")
LONGEST_SHOWN = 80


class Problem(BaseModel):
    """One thing that is wrong, for people to read."""

    what: str = Field(description="What was wrong, naming the field.")
    value: str = Field(description="The value, as the sender would recognise it; may be empty.")
    accepted: str = Field(description="What would have been accepted; may be empty.")
    remedy: str = Field(description="What to do next; may be empty.")


class Refusal(BaseModel):
    """Why a call did nothing."""

    problem: Problem
    details: list[Problem] = Field(default=[], description="Every problem, where there are more.")


EVERYWHERE: dict[int, type[Refusal]] = dict.fromkeys((400, 401, 403, 404, 422, 429, 503), Refusal)
"""What any call may be answered; a study's state may refuse what its rights allow (400)."""

SENDING: dict[int, type[Refusal]] = {**EVERYWHERE, 413: Refusal}
"""The same, where something is sent."""


def problem_of(error: DeepPCOSError) -> Problem:
    """An error of ours as it is sent."""
    return Problem(what=error.what, value=error.value, accepted=error.accepted, remedy=error.remedy)


def refused(
    status: int, what: str, *, value: str = "", accepted: str = "", remedy: str = ""
) -> JsonResponse:
    """A refusal in words of our own."""
    problem = Problem(what=what, value=value, accepted=accepted, remedy=remedy)
    return JsonResponse(Refusal(problem=problem).model_dump(), status=status)


def answer_problems(api: NinjaAPI) -> None:
    """Have every error of an API answered in the one shape."""
    for kind, answer in _ANSWERS.items():
        api.add_exception_handler(kind, answer)


def refusal_of(status: int, problems: Iterable[DeepPCOSError]) -> JsonResponse:
    """Several problems at once; the first stands for all."""
    said = [problem_of(one) for one in problems]
    return JsonResponse(Refusal(problem=said[0], details=said).model_dump(), status=status)


def _ours(request: HttpRequest, error: Any) -> HttpResponse:
    if not isinstance(error, (InvalidInput, NotAssessable)):
        LOG.error("%s at %s", error, request.path, exc_info=error)
    return JsonResponse(Refusal(problem=problem_of(error)).model_dump(), status=_status_of(error))


def _status_of(error: DeepPCOSError) -> int:
    statuses: tuple[tuple[type[DeepPCOSError], int], ...] = (
        (Changed, 409),
        (Closed, 423),
        (TemporaryFailure, 503),
        (InvalidInput, 400),
        (NotAssessable, 400),
    )
    return next((status for kind, status in statuses if isinstance(error, kind)), 503)


def _not_valid(request: HttpRequest, error: Any) -> HttpResponse:
    """What was sent does not fit the published schema."""
    return refusal_of(422, [_explained(one) for one in error.errors] or [InvalidInput("no sense")])


def _explained(detail: Any) -> InvalidInput:
    place = ".".join(str(step) for step in detail.get("loc", ()) if step != "body")
    given = detail.get("input")
    shown = "" if isinstance(given, (dict, list)) or given is None else str(given)[:LONGEST_SHOWN]
    return InvalidInput(
        f"{place or 'the request'} cannot be used",
        value=shown.encode(errors="replace").decode(),
        accepted=str(detail.get("msg", "")),
        remedy="see the schema of the API",
    )


def _no_token(request: HttpRequest, error: Any) -> HttpResponse:
    answer = refused(
        401,
        "this call needs a token",
        accepted="Authorization: Bearer and a token that is in time and not revoked",
        remedy="make a token on the page of your account",
    )
    answer["WWW-Authenticate"] = "Bearer"
    return answer


def _not_permitted(request: HttpRequest, error: Any) -> HttpResponse:
    return refused(
        403,
        "this token may not do this",
        accepted="a token with the scope, of somebody whose role allows it",
        remedy="make a token with this scope, or ask whoever may",
    )


def _not_there(request: HttpRequest, error: Any) -> HttpResponse:
    return refused(
        404,
        "there is nothing at this address",
        remedy="it may have been removed, or belong to a site this token does not cover",
    )


def _too_many(request: HttpRequest, error: Any) -> HttpResponse:
    return refused(
        429,
        "this token calls too often",
        accepted="the number of calls a minute that the server is set to",
        remedy="wait as long as the Retry-After header says",
    )


def _too_large(request: HttpRequest, error: Any) -> HttpResponse:
    return refused(413, "that is too much for one call", remedy=str(error))


def _unreadable(request: HttpRequest, error: Any) -> HttpResponse:
    return refused(400, "the request cannot be read", remedy="see the schema of the API")


def _status_error(request: HttpRequest, error: Any) -> HttpResponse:
    return refused(
        error.status_code, "the request cannot be read", remedy=str(error)[:LONGEST_SHOWN]
    )


def _broken(request: HttpRequest, error: Any) -> HttpResponse:
    LOG.error("%s at %s", type(error).__name__, request.path, exc_info=error)
    return refused(
        500,
        "something went wrong on our side",
        remedy="what was acknowledged is kept; try again, and tell an administrator if it stays",
    )


_ANSWERS: dict[type[Exception], Any] = {
    DeepPCOSError: _ours,
    ValidationError: _not_valid,
    AuthenticationError: _no_token,
    PermissionDenied: _not_permitted,
    Http404: _not_there,
    Throttled: _too_many,
    RequestDataTooBig: _too_large,
    SuspiciousOperation: _unreadable,
    MultiPartParserError: _unreadable,
    HttpError: _status_error,
    Exception: _broken,
}
