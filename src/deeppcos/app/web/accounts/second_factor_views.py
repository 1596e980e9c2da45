"""Pages of the second factor: giving a code, setting a device up, recovery codes."""

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from deeppcos.app.web import audit
from deeppcos.app.web.access import account_of, for_signed_in, open_to_all
from deeppcos.app.web.accounts import second_factor
from deeppcos.app.web.accounts.entry import let_in, onward_of, waiting
from deeppcos.app.web.accounts.forms import CodeForm, ConfirmForm
from deeppcos.app.web.models import User


@open_to_all
@never_cache
@require_http_methods(["GET", "POST"])
def give_code(request: HttpRequest) -> HttpResponse:
    """Ask somebody who gave a right password for a code of the device."""
    user = waiting(request)
    if user is None or not second_factor.has_second_factor(user):
        return redirect("accounts:sign-in")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        how = _accepted(user, form.cleaned_data["code"])
        if how:
            return let_in(request, user, how=how, onward=onward_of(request))
        audit.record("account.code_refused", actor=None, about=f"user:{user.pk}")
        form.add_error("code", _refusal(user))
    return render(request, "accounts/second_factor.html", {"form": form})


def _accepted(user: User, code: str) -> str:
    """How a code was accepted, or nothing."""
    if code.isdecimal():
        return "password and code" if second_factor.accept_code(user, code) else ""
    return "password and recovery code" if second_factor.accept_recovery_code(user, code) else ""


def _refusal(user: User) -> str:
    if second_factor.is_locked(user):
        return _("Too many wrong codes. Try again in a quarter of an hour.")
    return _("That code is not right, or was used already. Wait for the next one.")


@open_to_all
@never_cache
@require_http_methods(["GET", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Show what the device scans, and take the first code."""
    is_in = request.user.is_authenticated
    user = account_of(request) if is_in else waiting(request)
    if user is None:
        return redirect("accounts:sign-in")
    if second_factor.has_second_factor(user):
        return redirect("accounts:me" if is_in else "accounts:second-factor")
    factor = second_factor.new_device(user)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if second_factor.accept_code(user, form.cleaned_data["code"]):
            audit.record("account.second_factor_set_up", actor=user)
            codes = second_factor.new_recovery_codes(user)
            if not is_in:
                let_in(request, user, how="password and code", onward="/")
            return render(request, "accounts/recovery_codes.html", {"codes": codes})
        form.add_error("code", _refusal(user))
    content = {
        "form": form,
        "picture": segno.make(second_factor.address_of(factor), error="m").svg_data_uri(
            scale=5, border=3, dark="#10151d", light="#ffffff"
        ),
        "secret": " ".join(factor.secret[at : at + 4] for at in range(0, len(factor.secret), 4)),
        "is_required": not is_in,
    }
    return render(request, "accounts/set_up_second_factor.html", content)


@for_signed_in
@never_cache
@require_POST
def renew_recovery_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes in place of the old ones, for the password."""
    user = account_of(request)
    if not second_factor.has_second_factor(user):
        return redirect("accounts:me")
    if not ConfirmForm(user, request.POST).is_valid():
        return _not_confirmed(request)
    codes = second_factor.new_recovery_codes(user)
    audit.record("account.recovery_codes_renewed", actor=user)
    return render(request, "accounts/recovery_codes.html", {"codes": codes})


@for_signed_in
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Forget the device, for the password; where a site asks for one it is set up anew."""
    user = account_of(request)
    if not ConfirmForm(user, request.POST).is_valid():
        return _not_confirmed(request)
    second_factor.remove_second_factor(user)
    audit.record("account.second_factor_removed", actor=user, about=f"user:{user.pk}")
    messages.success(request, _("Signing in asks for the password only now."))
    return redirect("accounts:me")


def _not_confirmed(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("That was not your password. Nothing was changed."))
    return redirect("accounts:me")
