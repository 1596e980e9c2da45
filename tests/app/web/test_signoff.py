import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pypdf import PdfReader

from deeppcos.app.web.models import AuditEvent, SignedReport, Study, StudyState, User
from deeppcos.app.web.signoff import signing
from deeppcos.app.web.signoff.signing import HTML, JSON, PDF
from deeppcos.records.assessment_json import from_json


def sign(client: Client, study: Study, **changes: Any) -> Any:
    newest = study.assessments.last()
    assert newest is not None
    form = {"assessment": newest.number, "role": "gynaecologist", "looked": "on"} | changes
    return client.post(f"/studies/{study.pk}/sign/", form)


def test_a_study_is_a_draft_until_a_named_clinician_signs(
    clinician_client: Client, clinician: User, analysed_study: Study
) -> None:
    page = clinician_client.get(f"/studies/{analysed_study.pk}/sign/").content.decode()
    assert "Draft until a named clinician signs" in page
    assert "Sign as Dr Ada" in page
    answer = sign(clinician_client, analysed_study)
    assert answer.status_code == 302
    report = SignedReport.objects.get()
    assert (report.number, report.signer_name) == (1, "Dr Ada")
    analysed_study.refresh_from_db()
    assert analysed_study.state == StudyState.SIGNED
    signed = from_json((report.folder / JSON).read_text(encoding="utf-8"))
    assert signed.signature is not None
    assert signed.signature.name == "Dr Ada"
    assert "Signed by Dr Ada" in (report.folder / HTML).read_text(encoding="utf-8")
    text = "".join(page.extract_text() for page in PdfReader(report.folder / PDF).pages)
    assert "Signed by Dr Ada" in text
    assert AuditEvent.objects.filter(action="report.signed").count() == 1


def test_the_files_are_locked_and_their_hashes_kept(
    clinician_client: Client, analysed_study: Study
) -> None:
    sign(clinician_client, analysed_study)
    report = SignedReport.objects.get()
    for name, expected in (
        (HTML, report.html_sha256),
        (PDF, report.pdf_sha256),
        (JSON, report.json_sha256),
    ):
        path = report.folder / name
        assert path.stat().st_mode & 0o222 == 0
        assert hashlib.sha256(path.read_bytes()).hexdigest() == expected
        answer = clinician_client.get(f"/studies/{analysed_study.pk}/reports/1/{name}")
        assert answer.content == path.read_bytes()
        assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    page = clinician_client.get(f"/studies/{analysed_study.pk}/reports/1/")
    assert report.html_sha256 in page.content.decode()


def test_a_report_that_was_changed_on_the_disk_is_not_shown(
    clinician_client: Client, analysed_study: Study
) -> None:
    sign(clinician_client, analysed_study)
    path = SignedReport.objects.get().folder / PDF
    path.chmod(0o600)
    path.write_bytes(b"%PDF forged")
    answer = clinician_client.get(f"/studies/{analysed_study.pk}/reports/1/report.pdf")
    assert answer.status_code == 400
    assert b"is not what was signed" in answer.content


def test_what_changed_after_looking_is_not_signed(
    clinician_client: Client, analysed_study: Study
) -> None:
    newest = analysed_study.assessments.last()
    assert newest is not None
    analysed_study.chart["body"]["waist_cm"] = 120
    analysed_study.save()
    answer = sign(clinician_client, analysed_study, assessment=newest.number)
    assert answer.status_code == 409
    assert "Marks or chart changed" in answer.content.decode()
    assert not SignedReport.objects.exists()
    assert "Waist 120 cm" in answer.content.decode()


def test_who_has_not_looked_does_not_sign(clinician_client: Client, analysed_study: Study) -> None:
    answer = sign(clinician_client, analysed_study, looked="")
    assert answer.status_code == 422
    assert "Say that you have looked" in answer.content.decode()
    assert not SignedReport.objects.exists()


def test_a_sonographer_sees_the_draft_but_does_not_sign(
    sonographer: User, client_of: Any, analysed_study: Study
) -> None:
    client = client_of(sonographer)
    page = client.get(f"/studies/{analysed_study.pk}/sign/").content.decode()
    assert "A clinician of this site can sign it" in page
    assert sign(client, analysed_study).status_code == 403


def test_an_amendment_makes_a_new_version_and_keeps_the_old(
    clinician_client: Client, analysed_study: Study
) -> None:
    sign(clinician_client, analysed_study)
    first = SignedReport.objects.get()
    before = (first.folder / PDF).read_bytes()
    clinician_client.post(f"/studies/{analysed_study.pk}/amend/")
    analysed_study.refresh_from_db()
    assert analysed_study.state == StudyState.IN_REVIEW
    assert sign(clinician_client, analysed_study).status_code == 400
    answer = sign(clinician_client, analysed_study, because="Prolactin has come in.")
    assert answer.headers["Location"].endswith("/reports/2/")
    second = SignedReport.objects.get(number=2)
    assert second.amends == first
    assert (first.folder / PDF).read_bytes() == before
    page = clinician_client.get(f"/studies/{analysed_study.pk}/reports/2/").content.decode()
    assert "Prolactin has come in." in page
    old = clinician_client.get(f"/studies/{analysed_study.pk}/reports/1/").content.decode()
    assert "There is a newer version" in old


def test_a_signature_that_fails_half_way_leaves_nothing(
    clinician_client: Client, analysed_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(signing, "render_pdf", full)
    answer = sign(clinician_client, analysed_study)
    assert answer.status_code == 503
    assert not SignedReport.objects.exists()
    analysed_study.refresh_from_db()
    assert analysed_study.state == StudyState.ANALYSED
    assert not AuditEvent.objects.filter(action="report.signed").exists()


def test_the_signed_document_is_the_assessment_with_a_signature(
    clinician_client: Client, analysed_study: Study
) -> None:
    sign(clinician_client, analysed_study)
    report = SignedReport.objects.get()
    unsigned = json.loads((report.folder / JSON).read_text(encoding="utf-8")) | {"signature": None}
    assert unsigned == report.assessment.document
