"""Pages of an administrator: the people of their sites, one person, an invitation."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs
from deeppcos.app.web.accounts import people
from deeppcos.app.web.accounts.forms import InviteForm, RolesForm
from deeppcos.app.web.accounts.invitations import invitation_path
from deeppcos.app.web.accounts.second_factor import remove_second_factor
from deeppcos.app.web.models import User
from deeppcos.errors import InvalidInput


@needs(Right.MANAGE_ACCOUNTS)
@never_cache
@require_safe
def people_list(request: HttpRequest) -> HttpResponse:
    """Everybody with a role at one of the administrator's sites."""
    administrator = account_of(request)
    sites = list(people.sites_of(administrator))
    words = request.GET.get("q", "").strip()[:100]
    shown = people.people_of(administrator).prefetch_related("grants__site")
    for word in words.split()[:5]:
        shown = shown.filter(full_name__icontains=word) | shown.filter(username__icontains=word)
    content = {
        "people": shown.order_by("-is_active", "full_name", "username"),
        "sites": sites,
        "words": words,
    }
    return render(request, "accounts/people.html", content)


@needs(Right.MANAGE_ACCOUNTS)
@never_cache
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Make an account and show its one-time link, once."""
    administrator = account_of(request)
    form = InviteForm(people.sites_of(administrator), request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = people.invite(administrator, form.cleaned_data["full_name"], form.wanted())
        return _link_page(request, user)
    return render(request, "accounts/invite.html", {"form": form})


@needs(Right.MANAGE_ACCOUNTS)
@never_cache
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, user_id: int) -> HttpResponse:
    """One account: its roles, and what may be done with it."""
    administrator, user = account_of(request), _person(request, user_id)
    sites = people.sites_of(administrator)
    held = people.roles_by_site(user, sites)
    form = RolesForm(sites, request.POST if request.method == "POST" else None, held=held)
    if request.method == "POST" and form.is_valid():
        people.set_roles(administrator, user, form.wanted())
        messages.success(request, _("The roles are changed."))
        return redirect("accounts:person", user_id=user.pk)
    content = {
        "person": user,
        "form": form,
        "decides_wholly": people.decides_wholly(administrator, user),
        "is_me": user == administrator,
        "elsewhere": user.grants.exclude(site__in=sites).select_related("site"),
        "is_invited": not user.has_usable_password() and not user.is_from_provider,  # type: ignore[attr-defined]
    }
    return render(request, "accounts/person.html", content)


@needs(Right.MANAGE_ACCOUNTS)
@require_POST
def close(request: HttpRequest, user_id: int) -> HttpResponse:
    """Let nobody sign in with an account any more."""
    user = _wholly(request, user_id)
    people.close(account_of(request), user)
    messages.success(request, _("The account is closed. What it signed stays."))
    return redirect("accounts:person", user_id=user.pk)


@needs(Right.MANAGE_ACCOUNTS)
@require_POST
def open_again(request: HttpRequest, user_id: int) -> HttpResponse:
    """Open a closed account again."""
    user = _wholly(request, user_id)
    people.open_again(account_of(request), user)
    messages.success(request, _("The account is open again."))
    return redirect("accounts:person", user_id=user.pk)


@needs(Right.MANAGE_ACCOUNTS)
@never_cache
@require_POST
def new_link(request: HttpRequest, user_id: int) -> HttpResponse:
    """Take the password away and show a new one-time link."""
    user = _wholly(request, user_id)
    if user == account_of(request):
        raise InvalidInput(
            _("this is your own account"), remedy=_("change your password on your own page")
        )
    if user.is_from_provider:  # type: ignore[attr-defined]
        raise InvalidInput(
            _("this account has no password here"), remedy=_("its owner signs in at the hospital")
        )
    people.forget_password(account_of(request), user)
    return _link_page(request, user)


@needs(Right.MANAGE_ACCOUNTS)
@require_POST
def forget_device(request: HttpRequest, user_id: int) -> HttpResponse:
    """Forget somebody's second factor after they lost device and recovery codes."""
    user = _wholly(request, user_id)
    remove_second_factor(user)
    audit.record(
        "account.second_factor_removed", actor=account_of(request), about=f"user:{user.pk}"
    )
    messages.success(request, _("The device is forgotten."))
    return redirect("accounts:person", user_id=user.pk)


def _person(request: HttpRequest, user_id: int) -> User:
    user = people.people_of(account_of(request)).filter(pk=user_id).first()
    if user is None:
        raise Http404("no such person")
    return user


def _wholly(request: HttpRequest, user_id: int) -> User:
    """A person about whose account the administrator decides as a whole."""
    user = _person(request, user_id)
    if not people.decides_wholly(account_of(request), user):
        raise InvalidInput(
            _("this account also has roles at sites of others"),
            remedy=_("take its roles at your sites, or ask their administrators"),
        )
    return user


def _link_page(request: HttpRequest, user: User) -> HttpResponse:
    link = request.build_absolute_uri(invitation_path(user))
    # Not under no-referrer: the page has forms, and a browser would send them from origin null.
    return render(request, "accounts/link.html", {"person": user, "link": link})
