"""The patient's link: never before signature, never after its time, never guessable."""

import datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deeppcos.app.web.models import (
    Assessment,
    AuditEvent,
    PatientLink,
    SignedReport,
    Study,
    User,
)
from deeppcos.app.web.patient.releasing import opened, release_to_patient, take_back
from deeppcos.errors import InvalidInput


@pytest.fixture
def secret(report: SignedReport, clinician: User) -> str:
    return release_to_patient(report.study, by=clinician, language="en", days=30)


def test_nothing_is_released_before_signature(analysed_study: Study, clinician: User) -> None:
    with pytest.raises(InvalidInput, match="nothing is signed yet"):
        release_to_patient(analysed_study, by=clinician, language="en", days=30)


def test_a_link_opens_without_an_account(secret: str) -> None:
    answer = Client().get(reverse("patient:page", args=[secret]))
    assert answer.status_code == 200
    assert "follicles were counted in one picture" in answer.content.decode()
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]


def test_only_the_hash_of_a_link_is_kept(secret: str) -> None:
    link = PatientLink.objects.get()
    assert secret not in str(vars(link))
    assert len(secret) >= 40


@pytest.mark.parametrize("days", [0, 91, -3])
def test_a_time_out_of_range_is_refused(report: SignedReport, clinician: User, days: int) -> None:
    with pytest.raises(InvalidInput, match="time is out of range"):
        release_to_patient(report.study, by=clinician, language="en", days=days)


def test_a_link_dies_with_its_time(secret: str) -> None:
    PatientLink.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    answer = Client().get(reverse("patient:page", args=[secret]))
    assert answer.status_code == 404
    assert "This link no longer works" in answer.content.decode()
    assert Client().get(reverse("patient:picture", args=[secret])).status_code == 404


def test_a_link_can_be_taken_back(secret: str, clinician: User) -> None:
    take_back(PatientLink.objects.get(), by=clinician)
    assert opened(secret) is None


def test_a_link_dies_when_the_report_is_amended(
    secret: str, report: SignedReport, assessment: Assessment, clinician: User
) -> None:
    values = {
        field.attname: getattr(report, field.attname)
        for field in SignedReport._meta.concrete_fields
        if field.attname not in ("id", "number")
    }
    SignedReport.objects.create(number=2, **values)
    assert opened(secret) is None


def test_a_guessed_link_says_nothing(report: SignedReport) -> None:
    answer = Client().get(reverse("patient:page", args=["guess"]))
    assert answer.status_code == 404
    assert "Dr Ada" not in answer.content.decode()


def test_releasing_opening_and_taking_back_stand_in_the_audit_trail(
    secret: str, clinician: User
) -> None:
    opened(secret)
    take_back(PatientLink.objects.get(), by=clinician)
    actions = list(
        AuditEvent.objects.filter(action__startswith="patient.").values_list("action", flat=True)
    )
    assert sorted(actions) == ["patient.opened", "patient.released", "patient.taken_back"]
    assert secret not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_a_clinician_releases_by_the_page_and_sees_the_address_once(
    clinician_client: Client, report: SignedReport
) -> None:
    place = reverse("patient:share", args=[report.study.pk])
    release = reverse("patient:release", args=[report.study.pk])
    answer = clinician_client.post(release, {"language": "es", "days": 14}, follow=True)
    address = answer.context["new_link"]
    assert "/my/" in address
    assert "Su ecografía, explicada" in Client().get(address).content.decode()
    assert clinician_client.get(place).context["new_link"] == ""


def test_a_sonographer_may_not_release(
    client_of: "object", sonographer: User, report: SignedReport
) -> None:
    client = client_of(sonographer)  # type: ignore[operator]
    release = reverse("patient:release", args=[report.study.pk])
    assert client.post(release, {"language": "en", "days": 3}).status_code == 403
    assert client.get(reverse("patient:preview", args=[report.study.pk])).status_code == 403


def test_before_signature_the_page_says_what_is_missing(
    clinician_client: Client, analysed_study: Study
) -> None:
    place = reverse("patient:share", args=[analysed_study.pk])
    assert "Sign the report first" in clinician_client.get(place).content.decode()
    preview = reverse("patient:preview", args=[analysed_study.pk])
    assert clinician_client.get(preview).status_code == 404


def test_her_own_picture_comes_with_the_link(secret: str) -> None:
    answer = Client().get(reverse("patient:picture", args=[secret]))
    assert answer.status_code == 200
    assert answer.content.startswith(b"\x89PNG")


def test_only_the_preview_may_stand_in_a_frame_of_our_own(
    clinician_client: Client, report: SignedReport, secret: str
) -> None:
    preview = clinician_client.get(reverse("patient:preview", args=[report.study.pk]))
    assert "frame-ancestors 'self'" in preview["Content-Security-Policy"]
    page = Client().get(reverse("patient:page", args=[secret]))
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
