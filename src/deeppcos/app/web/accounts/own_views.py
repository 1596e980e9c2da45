"""One's own account: name, language, password, second factor, and when one was here last."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.web import audit
from deeppcos.app.web.access import account_of, for_signed_in
from deeppcos.app.web.accounts.forms import ChangePasswordForm
from deeppcos.app.web.accounts.second_factor import has_second_factor, needs_second_factor
from deeppcos.app.web.models import AuditEvent, ExternalIdentity, User

SHOWN_SIGN_INS = 5


@for_signed_in
@never_cache
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    """One's own account."""
    user = account_of(request)
    return _page(request, user, ChangePasswordForm(user))


@for_signed_in
@never_cache
@sensitive_post_parameters()
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    """Set a new password for the old one; every other session of the account ends."""
    user = account_of(request)
    form = ChangePasswordForm(user, request.POST)
    if not user.has_usable_password() or not form.is_valid():
        return _page(request, user, form, status=400)
    form.save()
    update_session_auth_hash(request, user)
    audit.record("account.password_changed", actor=user)
    messages.success(request, _("The password is changed. Other devices have to sign in again."))
    return redirect("accounts:me")


@for_signed_in
@never_cache
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Choose the language of the clinic's pages; a word that names none is the installation's."""
    user = account_of(request)
    asked = request.POST.get("language", "")
    with transaction.atomic():
        user.language = asked if asked in dict(settings.STAFF_LANGUAGES) else ""
        user.save(update_fields=["language"])
        audit.record("account.language_chosen", actor=user, detail={"language": user.language})
    messages.success(request, _("The language is saved."))
    return redirect("accounts:me")


def _page(
    request: HttpRequest, user: User, form: ChangePasswordForm, *, status: int = 200
) -> HttpResponse:
    sign_ins = AuditEvent.objects.filter(actor=user, action="account.signed_in")
    content = {
        "form": form,
        "grants": user.grants.select_related("site").order_by("site__name", "role"),
        "sign_ins": sign_ins.order_by("-number")[:SHOWN_SIGN_INS],
        "has_factor": has_second_factor(user),
        "needs_factor": needs_second_factor(user),
        "codes_left": user.recovery_codes.filter(used_at__isnull=True).count(),
        "languages": settings.STAFF_LANGUAGES,
        "language": user.language or settings.LANGUAGE_CODE,
        "is_from_provider": ExternalIdentity.objects.filter(user=user).exists(),
    }
    return render(request, "accounts/me.html", content, status=status)
