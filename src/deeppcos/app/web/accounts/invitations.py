"""One-time links: an account without a password, and the link by which its owner sets one.

Owns making and reading links. A link is void once a password is set (Django's own tokens).
"""

from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from deeppcos.app.web.models import Grant, Role, Site, User

FIRST_USERNAME = "first-account"


def invitation_path(user: User) -> str:
    """The address at which this person sets name and password, once."""
    who = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return reverse("accounts:join", kwargs={"who": who, "token": token})


def invited(who: str, token: str) -> User | None:
    """The account a link belongs to, or None if the link is void."""
    try:
        user = User.objects.get(pk=int(urlsafe_base64_decode(who)), is_active=True)
    except (ValueError, OverflowError, User.DoesNotExist):
        return None
    if user.has_usable_password() or not default_token_generator.check_token(user, token):
        return None
    return user


def first_account(site: Site) -> User | None:
    """The account of whoever starts an installation, or None once somebody can sign in.

    It may do everything at the first site: see, mark, sign, and keep accounts.
    """
    if User.objects.exclude(password__startswith="!").exists():
        return None
    user, is_new = User.objects.get_or_create(username=FIRST_USERNAME)
    if is_new:
        user.set_unusable_password()
        user.save()
        for role in (Role.CLINICIAN, Role.ADMINISTRATOR):
            Grant.objects.create(user=user, site=site, role=role)
    return user
