"""The language of the clinic's pages: one a person chose, never one the browser asks for.

Owns the choice among ``STAFF_LANGUAGES`` and which pages follow it. A page follows once all its
sentences are translated; until then it is in the installation's language, whole. Patients' pages
keep languages of their own.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

P = ParamSpec("P")
Answer = TypeVar("Answer")


def chosen_language(request: HttpRequest) -> str:
    """The language the person of a request chose, else the installation's."""
    chosen = getattr(request.user, "language", "")
    return chosen if chosen in dict(settings.STAFF_LANGUAGES) else settings.LANGUAGE_CODE


def in_chosen_language(
    view: Callable[Concatenate[HttpRequest, P], Answer],
) -> Callable[Concatenate[HttpRequest, P], Answer]:
    """Let a view, all of whose sentences are translated, speak the language a person chose."""

    @wraps(view)
    def speaking(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        with translation.override(chosen_language(request)):
            return view(request, *args, **kwargs)

    return speaking
