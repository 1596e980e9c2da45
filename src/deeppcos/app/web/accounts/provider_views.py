"""Signing in through the hospital's provider: the way there and the answer."""

import logging

import requests
from authlib.common.errors import AuthlibBaseError
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from joserfc.errors import JoseError

from deeppcos.app.web import audit
from deeppcos.app.web.access import open_to_all
from deeppcos.app.web.accounts import provider
from deeppcos.app.web.accounts.entry import let_in, next_of
from deeppcos.errors import DeepPCOSError, TemporaryFailure

LOG = logging.getLogger("deeppcos.web")
ONWARD = "after_provider"


@open_to_all
@never_cache
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Lead to the provider, with PKCE, state and nonce kept in the session."""
    _require_provider()
    request.session[ONWARD] = next_of(request)
    here = request.build_absolute_uri(reverse("accounts:provider-answer"))
    try:
        response: HttpResponse = provider.client().authorize_redirect(request, here)
    except (requests.RequestException, ValueError) as problem:
        raise _unreachable() from problem
    return response


@open_to_all
@never_cache
@require_safe
def answer(request: HttpRequest) -> HttpResponse:
    """Check what the provider answers and let its person in, where it gives a role."""
    _require_provider()
    try:
        token = provider.client().authorize_access_token(
            request, claims_options=provider.claims_options()
        )
    except requests.RequestException as problem:
        raise _unreachable() from problem
    except (AuthlibBaseError, JoseError, ValueError) as problem:
        LOG.warning("the provider's answer was refused: %s", problem)
        return _refused(request, "answer", status=403)
    claims = token.get("userinfo")
    if not claims:
        return _refused(request, "answer", status=403)
    try:
        user = provider.account_for(claims)
    except DeepPCOSError:
        return _refused(request, "closed", status=403)
    if user is None:
        return _refused(request, "role", status=403)
    return let_in(request, user, how="provider", onward=request.session.pop(ONWARD, "/"))


def _require_provider() -> None:
    if not settings.OIDC_ISSUER:
        raise Http404("no provider")


def _refused(request: HttpRequest, why: str, *, status: int) -> HttpResponse:
    """A page that says why, and an event; what the provider said is not shown."""
    audit.record("account.provider_refused", actor=None, detail={"why": why})
    content = {"why": why, "provider": settings.OIDC_NAME}
    return render(request, "accounts/provider_refused.html", content, status=status)


def _unreachable() -> TemporaryFailure:
    return TemporaryFailure(
        _("the hospital's sign\N{NON-BREAKING HYPHEN}in does not answer"),
        remedy=_("try again in a moment, or sign in with a password"),
    )
