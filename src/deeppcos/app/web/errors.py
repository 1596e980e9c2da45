"""What people read when something is wrong: the four parts of a message, in plain words.

Owns error pages and fragments. What is wrong is said by who found it (``deeppcos.errors``).
"""

import logging
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from deeppcos.errors import DeepPCOSError, InvalidInput, NotAssessable, TemporaryFailure

LOG = logging.getLogger("deeppcos.web")


class PlainErrorsMiddleware:
    """Show our own errors as a page, and as a fragment where htmx asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; ``process_exception`` shows what went wrong."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        """A page for our own errors; the rest is Django's."""
        if not isinstance(problem, DeepPCOSError):
            return None
        if not isinstance(problem, (InvalidInput, NotAssessable)):
            LOG.error("%s at %s", problem, request.path, exc_info=problem)
        status = 503 if isinstance(problem, TemporaryFailure) else 400
        return problem_response(request, problem, status=status)


def problem_response(request: HttpRequest, problem: DeepPCOSError, *, status: int) -> HttpResponse:
    """One problem in its four parts."""
    if request.headers.get("Accept") == "application/json":
        said = {"what": problem.what, "value": problem.value, "accepted": problem.accepted,
                "remedy": problem.remedy}  # fmt: skip
        return JsonResponse({"problem": said}, status=status)
    is_fragment = request.headers.get("HX-Request") == "true"
    template = "desk/_problem.html" if is_fragment else "desk/problem.html"
    return render(request, template, {"problem": problem}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What was sent cannot be read, or is too much."""
    if isinstance(exception, RequestDataTooBig):
        return _said(request, 413, _("That upload is too large"), str(exception))
    return _said(
        request, 400, _("That request could not be understood"), _("Go back and try again.")
    )


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The person may not do this."""
    return _said(
        request,
        403,
        _("Your account may not do this"),
        _("Ask an administrator of your site for the role that may."),
    )


def not_ours(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without the token that shows it was ours."""
    LOG.warning("a form was refused at %s: %s", request.path, reason)
    return _said(
        request,
        403,
        _("This form is too old, or did not come from here"),
        _("Go back, load the page again, and send it once more. Cookies must be allowed."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Nothing is there, or nothing this person may know of."""
    return _said(
        request,
        404,
        _("There is nothing at this address"),
        _("It may have been removed, or belong to a site your account does not cover."),
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Something of ours broke."""
    return _said(
        request,
        500,
        _("Something went wrong on our side"),
        _("What was acknowledged is kept. Try again; if it happens again, tell an administrator."),
    )


def _said(request: HttpRequest, status: int, what: str, remedy: str) -> HttpResponse:
    problem = InvalidInput(what, remedy=remedy)
    return problem_response(request, problem, status=status)
