"""Codes of a device (TOTP, RFC 6238) and recovery codes.

Owns making and checking them. The pages are in ``second_factor_views``; who needs a second factor
is said per role at a site. A provider of identities asks for its own, so that ours is asked only
after a password.
"""

import datetime
import hashlib
import secrets

import pyotp
from django.db import transaction
from django.utils import timezone

from deeppcos.app.web.models import RecoveryCode, SecondFactor, User

ISSUER = "DeepPCOS"
STEP_SECONDS = 30
STEPS_ASIDE = 1
"""A code counts one step early and late, for clocks that differ."""
MOST_WRONG_CODES = 5
LOCK_TIME = datetime.timedelta(minutes=15)
RECOVERY_CODES = 10
RECOVERY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH = 16
"""Characters of a recovery code: 79 bits, so that a plain hash of it is enough."""


def has_second_factor(user: User) -> bool:
    """Whether somebody has confirmed a device."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def needs_second_factor(user: User) -> bool:
    """Whether a role of somebody asks for a second factor at its site."""
    return any(
        grant.role in grant.site.second_factor_roles for grant in user.grants.select_related("site")
    )


def new_device(user: User) -> SecondFactor:
    """A device that is to be confirmed; a device that was not confirmed is kept as it is."""
    factor, _ = SecondFactor.objects.get_or_create(
        user=user, defaults={"secret": pyotp.random_base32()}
    )
    return factor


def address_of(factor: SecondFactor) -> str:
    """What the device scans."""
    return pyotp.TOTP(factor.secret, interval=STEP_SECONDS).provisioning_uri(
        name=factor.user.username, issuer_name=ISSUER
    )


def is_locked(user: User, *, now: datetime.datetime | None = None) -> bool:
    """Whether so many wrong codes came that none is looked at for a while."""
    factor = SecondFactor.objects.filter(user=user).first()
    moment = now or timezone.now()
    return factor is not None and factor.locked_until is not None and factor.locked_until > moment


def accept_code(user: User, code: str, *, now: datetime.datetime | None = None) -> bool:
    """Whether a code of the device is right; then it never is again.

    Wrong ones are counted: after five nothing is looked at for a quarter of an hour.

    Args:
        user: Whose device.
        code: Six digits, spaces left out.
        now: The time; that of this computer when None.
    """
    moment = now or timezone.now()
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user).first()
        if factor is None or is_locked(user, now=moment):
            return False
        step = _step_of(factor, code, moment)
        if step is None:
            _count_wrong(factor, moment)
            return False
        factor.last_step, factor.wrong_codes, factor.locked_until = step, 0, None
        factor.confirmed_at = factor.confirmed_at or moment
        factor.save()
    return True


def _step_of(factor: SecondFactor, code: str, moment: datetime.datetime) -> int | None:
    """The step of time a code belongs to, if it was not used yet."""
    generator = pyotp.TOTP(factor.secret, interval=STEP_SECONDS)
    here = int(moment.timestamp()) // STEP_SECONDS
    for step in range(here - STEPS_ASIDE, here + STEPS_ASIDE + 1):
        right = generator.at(step * STEP_SECONDS)
        if step > factor.last_step and secrets.compare_digest(right.encode(), code.encode()):
            return step
    return None


def _count_wrong(factor: SecondFactor, moment: datetime.datetime) -> None:
    factor.wrong_codes += 1
    if factor.wrong_codes >= MOST_WRONG_CODES:
        factor.wrong_codes, factor.locked_until = 0, moment + LOCK_TIME
    factor.save()


def accept_recovery_code(user: User, code: str) -> bool:
    """Whether a recovery code is right; then it never is again."""
    if is_locked(user):
        return False
    used = RecoveryCode.objects.filter(
        user=user, digest=_digest(code), used_at__isnull=True
    ).update(used_at=timezone.now())
    if not used:
        with transaction.atomic():
            factor = SecondFactor.objects.select_for_update().filter(user=user).first()
            if factor is not None:
                _count_wrong(factor, timezone.now())
    return bool(used)


def new_recovery_codes(user: User) -> list[str]:
    """Ten new codes in place of the old ones; shown once, kept as hashes."""
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, digest=_digest(code)) for code in codes
        )
    return codes


def remove_second_factor(user: User) -> None:
    """Forget the device and its recovery codes."""
    with transaction.atomic():
        SecondFactor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()


def _recovery_code() -> str:
    letters = [secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, RECOVERY_LENGTH, 4))


def _digest(code: str) -> str:
    """The hash of a code, however it was typed."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
