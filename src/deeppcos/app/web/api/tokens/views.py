"""Pages of one's tokens: those there are, making another, revoking one.

Owns requests and answers.
"""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from deeppcos.app.web.access import account_of, for_signed_in, grants_of
from deeppcos.app.web.api.scopes import WORDS, Scope, scopes_for
from deeppcos.app.web.api.tokens.forms import TokenForm
from deeppcos.app.web.api.tokens.making import make_token, revoke_token, tokens_for
from deeppcos.app.web.models import ApiToken, Site, User
from deeppcos.errors import InvalidInput

NEW_TOKEN = "new_api_token"


@for_signed_in
@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """One's tokens, and a form for another; the secret of a new one is shown once."""
    user = account_of(request)
    form = _form(request, user)
    if request.method == "POST" and form.is_valid():
        try:
            secret = make_token(user, **form.cleaned_data)
        except InvalidInput as problem:
            form.add_error("scopes", str(problem))
        else:
            request.session[NEW_TOKEN] = secret
            return redirect("tokens:list")
    return render(
        request,
        "api/tokens.html",
        {
            "form": form,
            "tokens": [_row(token, user) for token in tokens_for(user)],
            "new_token": request.session.pop(NEW_TOKEN, ""),
            "address": request.build_absolute_uri("/api/v1/"),
        },
        status=422 if form.errors else 200,
    )


@for_signed_in
@require_POST
def revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Revoke a token."""
    user = account_of(request)
    token = get_object_or_404(tokens_for(user), pk=token_id)
    revoke_token(token, by=user)
    messages.success(request, _("The token no longer works."))
    return redirect("tokens:list")


def _form(request: HttpRequest, user: User) -> TokenForm:
    """The form with the sites and scopes this person has anywhere."""
    sites = sorted(grants_of(user))
    own = {scope for site in Site.objects.filter(pk__in=sites) for scope in scopes_for(user, site)}
    scopes = [scope for scope in Scope if scope in own]
    return TokenForm(request.POST or None, sites=sites, scopes=scopes)


def _row(token: ApiToken, user: User) -> dict[str, object]:
    """A token as the page shows it."""
    return {
        "token": token,
        "scopes": [WORDS[Scope(word)] for word in token.scopes if word in set(Scope)],
        "is_own": token.user_id == user.pk,
    }
