import datetime
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from deeppcos.app.web.api.tokens.making import make_token, revoke_token
from deeppcos.app.web.models import ApiToken, AuditEvent, Grant, Role, Site, Study, User
from deeppcos.errors import InvalidInput

from .conftest import V1, Program, ProgramOf, TokenFor

MakeUser = Callable[..., User]
PARTS = {"what", "value", "accepted", "remedy"}


def test_a_call_without_a_token_is_refused_in_four_parts(client: Client, study: Study) -> None:
    answer = client.get(f"{V1}/studies/{study.pk}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert set(answer.json()["problem"]) == PARTS


def test_a_signed_in_browser_is_no_token(clinician_client: Client, study: Study) -> None:
    assert clinician_client.get(f"{V1}/studies/{study.pk}").status_code == 401


def test_only_the_hash_of_a_token_is_stored(program: Program) -> None:
    kept = ApiToken.objects.values().get()
    assert program.secret not in str(kept)
    assert program.secret.startswith(kept["beginning"])


def test_a_revoked_token_and_one_that_ran_out_open_nothing(
    program: Program, clinician: User
) -> None:
    assert program.get("/token").status_code == 200
    ApiToken.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    assert program.get("/token").status_code == 401
    ApiToken.objects.update(expires_at=timezone.now() + datetime.timedelta(days=1))
    revoke_token(program.token, by=clinician)
    assert program.get("/token").status_code == 401


def test_a_token_ends_with_its_owners_account_and_role(program: Program, clinician: User) -> None:
    Grant.objects.filter(user=clinician).update(role=Role.SONOGRAPHER)
    assert "sign" not in program.get("/token").json()["rights"]
    User.objects.filter(pk=clinician.pk).update(is_active=False)
    assert program.get("/token").status_code == 401


def test_a_token_does_only_what_its_scopes_say(
    program_of: ProgramOf, clinician: User, analysed_study: Study
) -> None:
    reader = program_of(clinician, "studies:read")
    study = f"/studies/{analysed_study.pk}"
    assert reader.get(study).status_code == 200
    assert reader.post("/studies", {"identifier": "MRN-2"}).status_code == 403
    assert reader.put(f"{study}/assignment", {"mine": True}).status_code == 403
    assert reader.post(f"{study}/patient-links", {}).status_code == 403
    assert reader.get("/audit-trail").status_code == 403
    signing = {"assessment": 1, "role": "clinician", "looked": True}
    refused = reader.post(f"{study}/reports", signing)
    assert refused.status_code == 403
    assert set(refused.json()["problem"]) == PARTS


def test_a_sonographer_can_make_no_token_that_signs(
    token_for: TokenFor, sonographer: User, site: Site
) -> None:
    with pytest.raises(InvalidInput, match="reports:sign"):
        token_for(sonographer, scopes=["reports:sign"])


def test_a_token_covers_one_site_even_where_its_owner_has_two(
    program: Program, clinician: User, study: Study
) -> None:
    elsewhere = Site.objects.create(name="Hillside", slug="hillside")
    Grant.objects.create(user=clinician, site=elsewhere, role=Role.CLINICIAN)
    again = User.objects.get(pk=clinician.pk)
    there = Program(make_token(again, site=elsewhere, name="x", scopes=["studies:read"], days=1))
    assert there.get(f"/studies/{study.pk}").status_code == 404
    assert there.get("/studies").json()["items"] == []
    assert len(program.get("/studies").json()["items"]) == 1


def test_every_call_stands_in_the_audit_trail(program: Program, study: Study) -> None:
    program.get(f"/studies/{study.pk}")
    program.get("/audit-trail")
    calls = AuditEvent.objects.filter(action="api.called")
    assert [one.detail["status"] for one in calls] == [200, 403]
    assert calls[0].about == f"token:{program.token.pk}"
    assert AuditEvent.objects.filter(action="study.viewed").exists()
    assert program.token.last_used_at is not None


def test_what_was_searched_for_is_not_in_the_audit_trail(program: Program, study: Study) -> None:
    assert len(program.get("/studies", q="musterfrau").json()["items"]) == 1
    assert "musterfrau" not in str(list(AuditEvent.objects.values()))


def test_a_token_that_calls_too_often_is_told_to_wait_and_others_are_not(
    settings: Settings, program_of: ProgramOf, clinician: User
) -> None:
    settings.API_CALLS_A_MINUTE = 2
    busy, quiet = program_of(clinician), program_of(clinician)
    assert [busy.get("/token").status_code for _ in range(3)] == [200, 200, 429]
    refused = busy.get("/token")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert set(refused.json()["problem"]) == PARTS
    assert quiet.get("/token").status_code == 200


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("get", "/nowhere", 404),
        ("delete", "/token", 405),
        ("get", "/studies/not-an-id", 422),
        ("get", "/studies?limit=9999", 422),
        ("get", "/studies?cursor=nonsense", 400),
        ("get", "/studies?q=%00", 422),
    ],
)
def test_every_refusal_has_the_same_shape(
    program: Program, method: str, address: str, status: int
) -> None:
    answer = getattr(program.client, method)(V1 + address)
    assert answer.status_code == status
    assert set(answer.json()["problem"]) == PARTS


def test_health_needs_no_token_and_tells_nothing_else(client: Client, db: None) -> None:
    answer = client.get(f"{V1}/health")
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "version"}
