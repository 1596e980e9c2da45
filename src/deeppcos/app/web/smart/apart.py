"""What must be gone at a certain time, in a session of its own beside a person's.

Owns keeping, reading and removing it. What has ended is removed when anything is kept or looked at,
and by the next request of anybody to a process that kept something.
"""

import time
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.dispatch import receiver

_ENDS: list[float] = []
"""When what this process has kept ends."""


def kept(content: dict[str, Any], seconds: int) -> str:
    """Keep something for a while.

    Args:
        content: What; JSON can say it.
        seconds: How long, s.

    Returns:
        The key to it, which is for the session alone.
    """
    store = _store()
    store.clear_expired()
    store.update(content)
    store.set_expiry(seconds)
    store.create()
    _ENDS.append(time.time() + seconds)
    return str(store.session_key)


def content_of(key: str) -> dict[str, Any]:
    """What is kept under a key; nothing where its time is over."""
    store = _store(key)
    return dict(store.items()) if store.exists(key) else {}


def forget(key: str) -> None:
    """Remove it."""
    _store().delete(key)


@receiver(request_finished)
def clear(**_: object) -> None:
    """Remove what has ended."""
    now = time.time()
    if any(end < now for end in _ENDS):
        _ENDS[:] = [end for end in _ENDS if end >= now]
        _store().clear_expired()


def _store(key: str | None = None) -> Any:
    """A session of the configured kind that belongs to nobody."""
    return import_module(settings.SESSION_ENGINE).SessionStore(session_key=key)
