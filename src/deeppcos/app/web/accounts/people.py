"""What an administrator may do with accounts: invite, give roles, close, open again.

Owns the rules. An administrator decides about the sites they administer; what concerns an account
as a whole (closing it, a new link) needs every site of the account. Nobody takes the last
administrator from a site.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, sites_with
from deeppcos.app.web.models import ExternalIdentity, Grant, Role, SecondFactor, Site, User
from deeppcos.errors import InvalidInput

INVITED_PREFIX = "invited-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The roles of somebody at one site."""

    site: Site
    roles: frozenset[str]


def sites_of(administrator: User) -> QuerySet[Site]:
    """The sites somebody administers."""
    return Site.objects.filter(pk__in=sites_with(administrator, Right.MANAGE_ACCOUNTS))


def people_of(administrator: User) -> QuerySet[User]:
    """Everybody with a role at a site of theirs, and those who have none anywhere."""
    here = Grant.objects.filter(user=OuterRef("pk"), site__in=sites_of(administrator))
    anywhere = Grant.objects.filter(user=OuterRef("pk"))
    return User.objects.filter(Exists(here) | ~Exists(anywhere)).annotate(
        has_factor=Exists(
            SecondFactor.objects.filter(user=OuterRef("pk"), confirmed_at__isnull=False)
        ),
        is_from_provider=Exists(ExternalIdentity.objects.filter(user=OuterRef("pk"))),
    )


def decides_wholly(administrator: User, user: User) -> bool:
    """Whether every site of an account is one the administrator administers."""
    theirs = set(user.grants.values_list("site_id", flat=True))
    return theirs <= set(sites_with(administrator, Right.MANAGE_ACCOUNTS))


def invite(administrator: User, full_name: str, wanted: Iterable[Roles]) -> User:
    """Make an account without a password; its owner sets one by the one-time link.

    Args:
        administrator: Who invites.
        full_name: Name of the person.
        wanted: Roles at sites of the administrator.

    Returns:
        The account.

    Raises:
        InvalidInput: If no role was chosen.
    """
    with transaction.atomic():
        user = User(username=f"{INVITED_PREFIX}{secrets.token_hex(5)}", full_name=full_name)
        user.set_unusable_password()
        user.save()
        audit.record("account.invited", actor=administrator, about=f"user:{user.pk}")
        set_roles(administrator, user, wanted)
        if not user.grants.exists():
            raise InvalidInput(
                _("an account needs a role"), remedy=_("choose at least one role at a site")
            )
    return user


def set_roles(administrator: User, user: User, wanted: Iterable[Roles]) -> None:
    """Give and take roles at sites of the administrator.

    Args:
        administrator: Who decides.
        user: Whose roles.
        wanted: The roles at each site; a site that is not named stays as it is.

    Raises:
        InvalidInput: If a site would be left without an administrator, or the provider decides.
    """
    if ExternalIdentity.objects.filter(user=user).exists():
        raise InvalidInput(
            _("the roles of this account come from the hospital's sign-in"),
            remedy=_("change the person's groups there"),
        )
    allowed = set(sites_with(administrator, Right.MANAGE_ACCOUNTS))
    with transaction.atomic():
        for one in wanted:
            if one.site.pk not in allowed:
                raise InvalidInput(_("this site is not yours to decide about"), value=one.site.name)
            _lock(one.site)
            apply_roles(user, one, actor=administrator)
            _require_administrator(one.site)


def apply_roles(user: User, wanted: Roles, *, actor: User | None) -> None:
    """Make the roles at one site what they should be, and tell the audit trail what changed."""
    grants = user.grants.filter(site=wanted.site)
    before = frozenset(grants.values_list("role", flat=True))
    if before == wanted.roles:
        return
    grants.exclude(role__in=wanted.roles).delete()
    Grant.objects.bulk_create(
        Grant(user=user, site=wanted.site, role=role) for role in wanted.roles - before
    )
    audit.record(
        "account.roles_changed",
        actor=actor,
        about=f"user:{user.pk}",
        site=wanted.site,
        detail={"before": sorted(before), "now": sorted(wanted.roles)},
    )


def close(administrator: User, user: User) -> None:
    """Let nobody sign in with an account any more; what they signed stays theirs.

    Raises:
        InvalidInput: If a site would be left without an administrator.
    """
    with transaction.atomic():
        sites = list(Site.objects.filter(grants__user=user, grants__role=Role.ADMINISTRATOR))
        for site in sites:
            _lock(site)
        User.objects.filter(pk=user.pk).update(is_active=False)
        for site in sites:
            _require_administrator(site)
        audit.record("account.closed", actor=administrator, about=f"user:{user.pk}")


def open_again(administrator: User, user: User) -> None:
    """Let an account sign in again."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=True)
        audit.record("account.opened_again", actor=administrator, about=f"user:{user.pk}")


def forget_password(administrator: User, user: User) -> None:
    """Take the password away, so that a new one-time link works; every session ends.

    Raises:
        InvalidInput: If the account is the last that can administer a site.
    """
    with transaction.atomic():
        sites = list(Site.objects.filter(grants__user=user, grants__role=Role.ADMINISTRATOR))
        for site in sites:
            _lock(site)
        user.set_unusable_password()
        user.save(update_fields=["password"])
        for site in sites:
            _require_administrator(site)
        audit.record("account.link_renewed", actor=administrator, about=f"user:{user.pk}")


def _lock(site: Site) -> None:
    """Two administrators who remove each other at once wait for one another here."""
    Site.objects.select_for_update().get(pk=site.pk)


def _require_administrator(site: Site) -> None:
    """Somebody who can sign in administers the site."""
    able = Q(user__is_active=True) & (
        ~Q(user__password__startswith="!") | Q(user__external_identity__isnull=False)
    )
    if not Grant.objects.filter(able, site=site, role=Role.ADMINISTRATOR).exists():
        raise InvalidInput(
            _("a site needs an administrator who can sign in"),
            value=site.name,
            remedy=_("make somebody else its administrator first"),
        )


def roles_by_site(user: User, sites: Iterable[Site]) -> Mapping[Site, frozenset[str]]:
    """The roles somebody has at each of some sites."""
    held: dict[int, set[str]] = {}
    for site_id, role in user.grants.values_list("site_id", "role"):
        held.setdefault(site_id, set()).add(role)
    return {site: frozenset(held.get(site.pk, ())) for site in sites}
