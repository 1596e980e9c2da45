"""The last steps of every way in: a second factor where one is due, the session, the next page.

Owns what lies between a right password and a session. Until the second factor is given nobody is
signed in: the session only remembers who is asked for it, for ten minutes.
"""

import time

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from deeppcos.app.web import audit
from deeppcos.app.web.accounts.second_factor import has_second_factor, needs_second_factor
from deeppcos.app.web.models import User
from deeppcos.app.web.page import home_of

BACKEND = "django.contrib.auth.backends.ModelBackend"
WAITING = "waiting_for_second_factor"
WAITING_SECONDS = 600


def enter(request: HttpRequest, user: User, *, onward: str) -> HttpResponse:
    """Go on after a right password: to the second factor, or in.

    Args:
        request: The request.
        user: Whose password it was.
        onward: Where to go once in.
    """
    if not (has_second_factor(user) or needs_second_factor(user)):
        return let_in(request, user, how="password", onward=onward)
    request.session.cycle_key()
    request.session[WAITING] = {
        "user": user.pk,
        # A password that was changed meanwhile voids the half-way session.
        "password": user.get_session_auth_hash(),
        "since": int(time.time()),
        "onward": onward,
    }
    if has_second_factor(user):
        return redirect("accounts:second-factor")
    return redirect("accounts:set-up-second-factor")


def waiting(request: HttpRequest) -> User | None:
    """Who gave a right password and owes the second factor, or None."""
    said = request.session.get(WAITING)
    if not said or time.time() - said["since"] > WAITING_SECONDS:
        return None
    user = User.objects.filter(pk=said["user"], is_active=True).first()
    if user is None or user.get_session_auth_hash() != said["password"]:
        return None
    return user


def onward_of(request: HttpRequest) -> str:
    """Where somebody who waits wanted to go."""
    return str(request.session.get(WAITING, {}).get("onward", "/"))


def let_in(request: HttpRequest, user: User, *, how: str, onward: str) -> HttpResponse:
    """Begin the session, with a new key, and tell the audit trail."""
    login(request, user, backend=BACKEND)
    request.session.pop(WAITING, None)
    audit.record("account.signed_in", actor=user, detail={"how": how})
    return redirect(onward if onward != "/" else home_of(user))


def next_of(request: HttpRequest) -> str:
    """Where to go on, only ever inside this application."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else "/"
