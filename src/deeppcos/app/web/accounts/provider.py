"""Who somebody is by the hospital's OpenID Connect provider, and which roles that gives.

Owns the mapping from a checked answer to an account. The protocol (PKCE, state, nonce, signature,
issuer, audience) is Authlib's. An account of the provider is never joined with a local one by its
name or e-mail address: whoever chooses those there would choose an account here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from authlib.integrations.django_client import DjangoOAuth2App, OAuth
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from deeppcos.app.web import audit
from deeppcos.app.web.accounts.people import Roles, apply_roles
from deeppcos.app.web.models import ExternalIdentity, Site, User
from deeppcos.errors import InvalidInput

NAME = "hospital"
LONGEST_NAME = 150
ANSWER_SECONDS = 10


def client() -> DjangoOAuth2App:
    """The client of the provider that the settings name."""
    registry = OAuth()
    registry.register(
        NAME,
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET or None,
        server_metadata_url=f"{settings.OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile email",
            "code_challenge_method": "S256",
            "default_timeout": ANSWER_SECONDS,
            **({} if settings.OIDC_CLIENT_SECRET else {"token_endpoint_auth_method": "none"}),
        },
    )
    found: DjangoOAuth2App = registry.create_client(NAME)
    return found


def claims_options() -> dict[str, dict[str, Any]]:
    """What an id token must say: that this provider made it, for this application."""
    return {
        "iss": {"essential": True, "value": settings.OIDC_ISSUER},
        "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
        "sub": {"essential": True},
        "nonce": {"essential": True},
    }


def mapped_roles(groups: Iterable[str]) -> dict[str, frozenset[str]]:
    """Roles by site that a person's groups give; nothing where no group is mapped.

    Args:
        groups: The groups the provider says.

    Returns:
        Roles by the short name of the site.
    """
    theirs = set(groups)
    given: dict[str, set[str]] = {}
    for group, role, site in settings.OIDC_ROLES:
        if group in theirs:
            given.setdefault(site, set()).add(role)
    return {site: frozenset(roles) for site, roles in given.items()}


def account_for(claims: Mapping[str, Any]) -> User | None:
    """The account of a checked answer, with exactly the roles its groups give.

    Args:
        claims: Claims of the id token, already checked.

    Returns:
        The account, or None if the provider gives no role here: then none is made, and one
        that is there loses its roles.

    Raises:
        InvalidInput: If the account was closed here.
    """
    roles = mapped_roles(_groups(claims))
    with transaction.atomic():
        sites = list(Site.objects.filter(slug__in=roles))
        identity = (
            ExternalIdentity.objects.select_related("user")
            .filter(issuer=claims["iss"], subject=claims["sub"])
            .first()
        )
        if identity is None and not sites:
            return None
        user = identity.user if identity else _new_account(claims)
        if not user.is_active:
            raise InvalidInput(
                _("this account is closed"), remedy=_("ask an administrator of your site")
            )
        for site in Site.objects.filter(grants__user=user).exclude(slug__in=roles).distinct():
            apply_roles(user, Roles(site=site, roles=frozenset()), actor=None)
        for site in sites:
            apply_roles(user, Roles(site=site, roles=roles[site.slug]), actor=None)
    return user if sites else None


def _groups(claims: Mapping[str, Any]) -> list[str]:
    """The groups of a person; one alone may come as a word."""
    said = claims.get(settings.OIDC_GROUPS_CLAIM, [])
    if isinstance(said, str):
        return [said]
    return [group for group in said if isinstance(group, str)] if isinstance(said, list) else []


def _new_account(claims: Mapping[str, Any]) -> User:
    """An account without a password for somebody the provider knows."""
    wanted = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
    user = User(username=_free_name(wanted), full_name=_shown_name(claims))
    user.set_unusable_password()
    user.save()
    ExternalIdentity.objects.create(user=user, issuer=claims["iss"], subject=claims["sub"])
    audit.record("account.came_from_provider", actor=None, about=f"user:{user.pk}")
    return user


def _shown_name(claims: Mapping[str, Any]) -> str:
    parts = (claims.get("given_name"), claims.get("family_name"))
    return str(claims.get("name") or " ".join(str(part) for part in parts if part))[:LONGEST_NAME]


def _free_name(wanted: str) -> str:
    """A sign-in name nobody has."""
    plain, number = wanted[: LONGEST_NAME - 10], 2
    name = plain
    while User.objects.filter(username__iexact=name).exists():
        name, number = f"{plain}-{number}", number + 1
    return name
