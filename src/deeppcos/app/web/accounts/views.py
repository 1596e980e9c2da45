"""Signing in and out, joining, and the theme."""

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from deeppcos.app.web import audit
from deeppcos.app.web.access import open_to_all
from deeppcos.app.web.accounts.entry import enter, next_of
from deeppcos.app.web.accounts.forms import JoinForm, SignInForm
from deeppcos.app.web.accounts.invitations import invited
from deeppcos.app.web.models import User
from deeppcos.app.web.page import THEME_COOKIE, THEMES

A_YEAR = 365 * 24 * 3600
TOO_MANY = 429


@open_to_all
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password, or lead to the hospital's own sign-in."""
    form = SignInForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        return enter(request, form.get_user(), onward=next_of(request))
    if request.method == "POST" and not _is_locked(request):
        _note_refusal(request)
    return _sign_in_page(request, form)


def locked_out(
    request: HttpRequest, original_response: Any = None, credentials: Any = None
) -> HttpResponse:
    """What somebody reads after too many wrong passwords; the same for every name."""
    response = _sign_in_page(request, SignInForm(request), is_locked=True)
    response.status_code = TOO_MANY
    response["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return response


def _sign_in_page(
    request: HttpRequest, form: SignInForm, *, is_locked: bool = False
) -> HttpResponse:
    content = {
        "form": form,
        "next": next_of(request),
        "is_locked": is_locked,
        "minutes": int(settings.AXES_COOLOFF_TIME.total_seconds() // 60),
        "has_provider": bool(settings.OIDC_ISSUER),
        "provider": settings.OIDC_NAME,
    }
    return render(request, "accounts/sign_in.html", content)


def _is_locked(request: HttpRequest) -> bool:
    name = {"username": request.POST.get("username", "")}
    return not AxesProxyHandler.is_allowed(request, name)


def _note_refusal(request: HttpRequest) -> None:
    """Tell the audit trail; what was typed is not kept, it may be a password."""
    name = request.POST.get("username", "")
    user = User.objects.filter(username=name).first()
    about = f"user:{user.pk}" if user else "user:unknown"
    audit.record("account.sign_in_refused", actor=None, about=about)


@open_to_all
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    if request.user.is_authenticated:
        audit.record("account.signed_out", actor=request.user)
    logout(request)
    return redirect("accounts:sign-in")


@open_to_all
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, who: str, token: str) -> HttpResponse:
    """Let the owner of a one-time link set name and password, and go on."""
    user = invited(who, token)
    if user is None:
        return render(request, "accounts/link_void.html", status=410)
    form = JoinForm(user, request.POST or None, initial={"full_name": user.full_name})
    if request.method == "POST" and form.is_valid():
        form.save()
        audit.record("account.joined", actor=user)
        return enter(request, user, onward="/")
    return render(request, "accounts/join.html", {"form": form})


@open_to_all
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark, or as the device has it."""
    response = redirect(next_of(request))
    chosen = request.POST.get("theme", "auto")
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=A_YEAR, samesite="Lax", secure=request.is_secure()
        )
    return response
