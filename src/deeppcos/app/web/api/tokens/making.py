"""Making and revoking tokens, each with its event in the audit trail.

Owns what is written to the data base; pages are ``views``.
"""

import datetime
import secrets
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, sites_with
from deeppcos.app.web.api.scopes import scopes_for
from deeppcos.app.web.models import ApiToken, Site, User
from deeppcos.app.web.models.tokens import token_hash
from deeppcos.errors import InvalidInput

PREFIX = "deeppcos_"
SECRET_BYTES = 32
SHOWN_CHARACTERS = len(PREFIX) + 4
LONGEST_DAYS = 366


def make_token(owner: User, *, site: Site, name: str, scopes: Sequence[str], days: int) -> str:
    """Make a token that acts as its owner.

    Args:
        owner: Whose it is, and who makes it: nobody makes a token for somebody else.
        site: The only site it may act at.
        name: What it is for, in its owner's words.
        scopes: What it may do; nothing its owner may not do herself.
        days: Days until it runs out.

    Returns:
        The secret; it is shown once and not kept.

    Raises:
        InvalidInput: If a scope is not her own, there is none, or the time is out of range.
    """
    own = scopes_for(owner, site)
    foreign = [scope for scope in scopes if scope not in own]
    if foreign or not scopes:
        raise InvalidInput(
            "a token may do what you may do yourself, and something",
            value=", ".join(foreign),
            accepted=", ".join(own),
            remedy="choose among these",
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(
            "the token's time is out of range",
            value=f"{days} days",
            accepted=f"1 to {LONGEST_DAYS} days",
            remedy="choose a shorter time",
        )
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=owner,
            site=site,
            name=name,
            secret_sha256=token_hash(secret),
            beginning=secret[:SHOWN_CHARACTERS],
            scopes=sorted(scopes),
            expires_at=timezone.now() + datetime.timedelta(days=days),
        )
        audit.record(
            "token.made",
            actor=owner,
            site=site,
            about=f"token:{token.pk}",
            detail={"scopes": token.scopes, "days": days},
        )
    return secret


def tokens_for(user: User) -> QuerySet[ApiToken]:
    """The tokens a person may revoke: her own, and those of sites whose accounts she keeps."""
    kept = sites_with(user, Right.MANAGE_ACCOUNTS)
    return ApiToken.objects.filter(Q(user=user) | Q(site__in=kept)).select_related("user", "site")


def revoke_token(token: ApiToken, *, by: User) -> None:
    """Make a token void at once."""
    with transaction.atomic():
        changed = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(
            revoked_at=timezone.now(), revoked_by=by
        )
        if changed:
            audit.record("token.revoked", actor=by, site=token.site, about=f"token:{token.pk}")
