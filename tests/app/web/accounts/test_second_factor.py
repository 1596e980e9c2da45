"""A second factor: codes of a device, recovery codes, and sites that ask for it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deeppcos.app.web.accounts import second_factor
from deeppcos.app.web.models import RecoveryCode, Role, SecondFactor, Site, User

ClientOf = Callable[[User], Client]
RIGHT = {"username": "ada", "password": "correct horse battery"}
NOON = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
CODES = re.compile(r"<code>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</code>")


def code_at(user: User, moment: datetime) -> str:
    return pyotp.TOTP(SecondFactor.objects.get(user=user).secret).at(moment)


@pytest.fixture
def device(clinician: User) -> SecondFactor:
    factor = second_factor.new_device(clinician)
    factor.confirmed_at = timezone.now()
    factor.save()
    return factor


def test_codes_are_those_of_rfc_6238(clinician: User) -> None:
    """Appendix B: the secret 12345678901234567890 at 59 s shows 94287082."""
    SecondFactor.objects.create(user=clinician, secret="GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    moment = datetime.fromtimestamp(59, tz=UTC)
    assert second_factor.accept_code(clinician, "287082", now=moment)


@pytest.mark.parametrize(("seconds", "is_right"), [(0, True), (-30, True), (30, True), (90, False)])
def test_a_code_counts_one_step_early_and_late(
    clinician: User, device: SecondFactor, seconds: int, is_right: bool
) -> None:
    code = code_at(clinician, NOON + timedelta(seconds=seconds))
    assert second_factor.accept_code(clinician, code, now=NOON) is is_right


def test_a_code_works_once(clinician: User, device: SecondFactor) -> None:
    code = code_at(clinician, NOON)
    assert second_factor.accept_code(clinician, code, now=NOON)
    assert not second_factor.accept_code(clinician, code, now=NOON + timedelta(seconds=10))


def test_five_wrong_codes_lock_the_device_even_for_right_ones(
    clinician: User, device: SecondFactor
) -> None:
    right = code_at(clinician, NOON)
    wrong = "000000" if right != "000000" else "000001"
    assert not any(second_factor.accept_code(clinician, wrong, now=NOON) for _ in range(5))
    assert not second_factor.accept_code(clinician, right, now=NOON)
    later = NOON + timedelta(minutes=16)
    assert second_factor.accept_code(clinician, code_at(clinician, later), now=later)


def test_a_password_alone_opens_nothing(
    clinician: User, device: SecondFactor, client: Client
) -> None:
    answer = client.post(reverse("accounts:sign-in"), RIGHT)
    assert answer.headers["Location"] == reverse("accounts:second-factor")
    assert client.get(reverse("worklist:list")).status_code == 302
    code = code_at(clinician, timezone.now())
    answer = client.post(reverse("accounts:second-factor"), {"code": f"{code[:3]} {code[3:]}"})
    assert answer.headers["Location"] == reverse("worklist:list")
    assert client.get(reverse("worklist:list")).status_code == 200


def test_the_page_of_codes_needs_a_password_first(
    clinician: User, device: SecondFactor, client: Client
) -> None:
    code = code_at(clinician, timezone.now())
    answer = client.post(reverse("accounts:second-factor"), {"code": code})
    assert answer.headers["Location"] == reverse("accounts:sign-in")
    assert client.get(reverse("worklist:list")).status_code == 302


def test_a_password_changed_meanwhile_voids_the_half_way_session(
    clinician: User, device: SecondFactor, client: Client
) -> None:
    client.post(reverse("accounts:sign-in"), RIGHT)
    clinician.set_password("quite another password")
    clinician.save()
    code = code_at(clinician, timezone.now())
    answer = client.post(reverse("accounts:second-factor"), {"code": code})
    assert answer.headers["Location"] == reverse("accounts:sign-in")


def test_a_device_is_set_up_and_its_recovery_codes_work_once_each(
    clinician: User, client_of: ClientOf
) -> None:
    mine = client_of(clinician)
    page = mine.get(reverse("accounts:set-up-second-factor")).content.decode()
    assert "data:image/svg+xml" in page
    assert not second_factor.has_second_factor(clinician)
    answer = mine.post(
        reverse("accounts:set-up-second-factor"), {"code": code_at(clinician, timezone.now())}
    )
    codes = CODES.findall(answer.content.decode())
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    stored = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert not stored & set(codes)
    assert second_factor.has_second_factor(clinician)
    for said, expected in ((codes[0].upper(), 302), (codes[0], 200), (codes[1], 302)):
        client = Client()
        client.post(reverse("accounts:sign-in"), RIGHT)
        answer = client.post(reverse("accounts:second-factor"), {"code": said})
        assert answer.status_code == expected


def test_a_role_that_must_have_one_sets_it_up_before_it_is_in(
    clinician: User, site: Site, client: Client
) -> None:
    site.second_factor_roles = [Role.CLINICIAN]
    site.save()
    answer = client.post(reverse("accounts:sign-in"), RIGHT)
    assert answer.headers["Location"] == reverse("accounts:set-up-second-factor")
    client.get(reverse("accounts:set-up-second-factor"))
    assert client.get(reverse("worklist:list")).status_code == 302
    code = code_at(clinician, timezone.now())
    answer = client.post(reverse("accounts:set-up-second-factor"), {"code": code})
    assert "recovery codes" in answer.content.decode()
    assert client.get(reverse("worklist:list")).status_code == 200


def test_a_device_is_removed_for_the_password_only(
    clinician: User, device: SecondFactor, client_of: ClientOf
) -> None:
    mine = client_of(clinician)
    mine.post(reverse("accounts:remove-second-factor"), {"password": "guessed"})
    assert second_factor.has_second_factor(clinician)
    mine.post(reverse("accounts:remove-second-factor"), {"password": RIGHT["password"]})
    assert not second_factor.has_second_factor(clinician)
