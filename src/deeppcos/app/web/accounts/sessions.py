"""How long a session lasts, and from which address a request comes.

Owns two limits: a session ends after a while without requests, and after twelve hours whatever
happens. The length of the first is set by ``DEEPPCOS_IDLE_MINUTES``.
"""

from collections.abc import Callable
from time import time

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

BEGAN, SEEN = "began", "seen"
SEEN_EVERY_SECONDS = 60
"""How often the time of the last request is written; each is a write to the data base."""


class SessionLimitsMiddleware:
    """End sessions that are idle or old."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Sign out where a limit has passed, else note that somebody was here."""
        if request.user.is_authenticated:
            _limit(request, now=int(time()))
        return self.get_response(request)


def _limit(request: HttpRequest, *, now: int) -> None:
    session = request.session
    began, seen = session.get(BEGAN, now), session.get(SEEN, now)
    if now - began >= settings.SESSION_COOKIE_AGE or now - seen >= settings.SESSION_IDLE_SECONDS:
        logout(request)
    elif BEGAN not in session or now - seen >= SEEN_EVERY_SECONDS:
        session[BEGAN], session[SEEN] = began, now


def address_of(request: HttpRequest) -> str:
    """The address a request comes from, as the rate limit counts it.

    Behind a proxy it is the last one of X-Forwarded-For, which the proxy added itself: those
    before it are whatever the sender wrote.

    Args:
        request: The request.
    """
    if settings.IS_BEHIND_PROXY:
        last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if last:
            return last
    return str(request.META.get("REMOTE_ADDR", ""))
