"""The viewer in the language its reader's browser asks for.

Owns the choice among ``VIEWER_LANGUAGES``. The other pages of the clinic are in English so far,
so the choice cannot be left to the middleware.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

P = ParamSpec("P")
Answer = TypeVar("Answer")


def readers_language(request: HttpRequest) -> str:
    """The first language the browser names that the viewer speaks, else the installation's."""
    spoken = {code.split("-")[0]: code for code, _ in settings.VIEWER_LANGUAGES}
    for asked, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        code = spoken.get(asked.split("-")[0])
        if code is not None:
            return code
    return settings.LANGUAGE_CODE


def in_readers_language(
    view: Callable[Concatenate[HttpRequest, P], Answer],
) -> Callable[Concatenate[HttpRequest, P], Answer]:
    """Let a view speak the reader's language."""

    @wraps(view)
    def speaking(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        with translation.override(readers_language(request)):
            return view(request, *args, **kwargs)

    return speaking
