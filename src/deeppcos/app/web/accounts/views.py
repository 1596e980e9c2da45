"""Signing in and out, joining, and the theme."""

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from deeppcos.app.web import audit
from deeppcos.app.web.access import open_to_all
from deeppcos.app.web.accounts.forms import JoinForm, SignInForm
from deeppcos.app.web.accounts.invitations import invited
from deeppcos.app.web.page import THEME_COOKIE, THEMES

A_YEAR = 365 * 24 * 3600


@open_to_all
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password."""
    form = SignInForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        audit.record("account.signed_in", actor=form.get_user())
        return redirect(_next_of(request))
    return render(request, "accounts/sign_in.html", {"form": form, "next": _next_of(request)})


@open_to_all
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    if request.user.is_authenticated:
        audit.record("account.signed_out", actor=request.user)
    logout(request)
    return redirect("accounts:sign-in")


@open_to_all
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, who: str, token: str) -> HttpResponse:
    """Let the owner of a one-time link set name and password, and sign them in."""
    user = invited(who, token)
    if user is None:
        return render(request, "accounts/link_void.html", status=410)
    form = JoinForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        audit.record("account.joined", actor=user)
        return redirect("worklist:list")
    response = render(request, "accounts/join.html", {"form": form})
    response["Referrer-Policy"] = "no-referrer"
    return response


@open_to_all
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark, or as the device has it."""
    response = redirect(_next_of(request))
    chosen = request.POST.get("theme", "auto")
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=A_YEAR, samesite="Lax", secure=request.is_secure()
        )
    return response


def _next_of(request: HttpRequest) -> str:
    """Where to go on, only ever inside this application."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else "/"
