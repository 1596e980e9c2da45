"""Who a request of the API is: the owner of its token, with no more than the token's rights.

Owns reading the Authorization header and what a call counts against its token.
"""

import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache.backends.filebased import FileBasedCache
from django.http import HttpRequest
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle, SimpleRateThrottle

from deeppcos.app.web.access import narrow
from deeppcos.app.web.api.scopes import opened_by
from deeppcos.app.web.models import ApiToken
from deeppcos.app.web.models.tokens import token_hash

MOST_COUNTED_TOKENS = 10_000


class TokenBearer(HttpBearer):
    """A token in the Authorization header."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """The token of a request; from here on the request is its owner's, with fewer rights."""
        found = (
            ApiToken.objects.select_related("user", "site")
            .filter(secret_sha256=token_hash(token))
            .first()
        )
        if found is None or not found.works:
            return None
        narrow(found.user, site_id=found.site_id, rights=opened_by(found.scopes))
        request.user = found.user
        return found


def token_of(request: HttpRequest) -> ApiToken:
    """The token a request was made with."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]
    return token


class CallsOfOneToken(SimpleRateThrottle):
    """Calls of the last minute of one token, counted in the data folder.

    Files are shared by the server's processes, which memory is not. One of these counts one call:
    the library keeps what it counts in the object, and threads must not share that.
    """

    def __init__(self) -> None:
        super().__init__(f"{settings.API_CALLS_A_MINUTE}/min")
        folder = Path(settings.DEEPPCOS_HOME) / "cache" / "calls"
        self.cache = FileBasedCache(
            str(folder), {"TIMEOUT": 60, "OPTIONS": {"MAX_ENTRIES": MOST_COUNTED_TOKENS}}
        )

    def get_cache_key(self, request: HttpRequest) -> str | None:
        """One key a token; what needs no token is not counted."""
        token = getattr(request, "auth", None)
        return f"calls-{token.pk}" if isinstance(token, ApiToken) else None


class PerToken(BaseThrottle):
    """So many calls a minute, each token by itself."""

    def __init__(self) -> None:
        self._last = threading.local()

    def allow_request(self, request: HttpRequest) -> bool:
        """Whether this call may be made now."""
        counted = CallsOfOneToken()
        is_allowed = counted.allow_request(request)
        self._last.wait = None if is_allowed else _seconds_to_wait(counted)
        return is_allowed

    def wait(self) -> float | None:
        """Seconds until a call of this thread's last request may be made again."""
        found: float | None = self._last.wait
        return found


def _seconds_to_wait(counted: Any) -> float:
    """Until the oldest counted call is a minute old."""
    oldest: float = counted.history[-1]
    return max(1.0, float(counted.duration) - (float(counted.now) - oldest))
