import datetime
import uuid
from collections.abc import Callable
from typing import Any

from django.test import Client

from deeppcos.app.web.models import AuditEvent, PatientLink, Role, Study, StudyState, User

from .conftest import Program, ProgramOf

MakeUser = Callable[..., User]


def added_follicle(study: Study, **changes: Any) -> dict[str, Any]:
    """A follicle that a reader adds to the left picture."""
    image = study.images.get(name="left.png")
    square = [[60.0, 60.0], [80.0, 60.0], [80.0, 80.0], [60.0, 80.0]]
    edit = {
        "id": str(uuid.uuid4()),
        "delta": "missed",
        "picture": str(image.pk),
        "frame": 0,
        "removes": [],
        "adds": [{"id": f"r:{uuid.uuid4()}", "kind": "antral", "polygon": square, "by": "reader"}],
        "seconds": 2.5,
        "at": datetime.datetime.now(datetime.UTC).isoformat(),
        "machine_marks_seen": True,
    }
    return {**edit, **changes}


def test_every_version_and_another_profile_are_told(
    program: Program, analysed_study: Study
) -> None:
    address = f"/studies/{analysed_study.pk}/assessments"
    current = program.get(f"{address}/current").json()
    assert current["document"]["schema"] == "deeppcos.assessment/1"
    listed = program.get(address).json()
    assert listed[-1]["number"] == current["number"]
    one = program.get(f"{address}/1").json()
    assert one["document"] == analysed_study.assessments.get(number=1).document
    other = program.get(f"{address}/under", profile="rotterdam_2003").json()
    assert other["document"]["conclusion"]["profile"] == "rotterdam_2003"
    assert analysed_study.assessments.count() == len(listed)
    assert program.get(f"{address}/under", profile="nineties").status_code == 400
    assert program.get(f"{address}/99").status_code == 404


def test_a_study_that_was_not_read_has_no_assessment(program: Program, study: Study) -> None:
    assert program.get(f"/studies/{study.pk}/assessments/current").status_code == 404
    assert program.get(f"/studies/{study.pk}/assessments").json() == []


def test_marks_are_corrected_once_and_never_over_somebody_else(
    program: Program, program_of: ProgramOf, sonographer: User, analysed_study: Study
) -> None:
    address = f"/studies/{analysed_study.pk}/edits"
    edit = added_follicle(analysed_study)
    kept = program.post(address, {"base_version": 0, "edits": [edit]})
    assert kept.json() == {"version": 1}, kept.content
    again = program.post(address, {"base_version": 0, "edits": [edit]})
    assert again.json() == {"version": 1}
    other = program_of(sonographer)
    late = other.post(address, {"base_version": 0, "edits": [added_follicle(analysed_study)]})
    assert late.status_code == 409
    assert late.json()["version"] == 1
    assert late.json()["edits"][0]["id"] == edit["id"]
    assert late.json()["problem"]["remedy"]
    log = program.get(address, since=0).json()
    assert [one["reader"] for one in log["edits"]] == ["Dr Ada"]
    image = edit["picture"]
    marks = program.get(f"/studies/{analysed_study.pk}/images/{image}/marks").json()
    assert len(marks["frames"][0]["reader"]["marks"]) == 1 + len(
        marks["frames"][0]["machine"]["marks"]
    )
    assert program.get(f"/studies/{analysed_study.pk}/measures").json()["reader"] is not None
    analysed_study.refresh_from_db()
    assert analysed_study.state == StudyState.IN_REVIEW


def test_a_correction_that_makes_no_sense_is_refused(
    program: Program, analysed_study: Study
) -> None:
    address = f"/studies/{analysed_study.pk}/edits"
    for wrong in ({"frame": 7}, {"delta": "better"}, {"picture": str(uuid.uuid4())}):
        sent = {"base_version": 0, "edits": [added_follicle(analysed_study, **wrong)]}
        answer = program.post(address, sent)
        assert answer.status_code in (400, 422), wrong
        assert answer.json()["problem"]["what"]
    assert not analysed_study.mark_sets.filter(version__gt=0).exists()


def test_a_blinded_second_reader_is_told_nothing_of_the_others(
    program: Program, program_of: ProgramOf, make_user: MakeUser, analysed_study: Study
) -> None:
    second = program_of(make_user("bea", Role.CLINICIAN))
    study = f"/studies/{analysed_study.pk}"
    program.post(f"{study}/edits", {"base_version": 0, "edits": [added_follicle(analysed_study)]})
    begun = second.post(f"{study}/second-reading")
    assert begun.status_code == 201
    assert begun.json()["is_blinded"]
    image = analysed_study.images.get(name="left.png").pk
    frame = second.get(f"{study}/images/{image}/marks").json()["frames"][0]
    assert "machine" not in frame
    assert frame["reader"] == {"marks": [], "remarks": []}
    assert second.get(f"{study}/measures").json()["machine"] is None
    assert second.get(f"{study}/assessments/current").status_code == 400
    assert second.get(f"{study}/edits").json() == {"version": 0, "edits": []}
    assert [one["reader"] for one in second.get(f"{study}/mark-sets").json()] == ["Dr Bea"]
    assert second.post(f"{study}/second-reading/finish").json()["finished_at"]
    assert second.get(f"{study}/assessments/current").status_code == 200


def test_a_blinded_reader_reads_no_signed_report(
    program: Program, program_of: ProgramOf, make_user: MakeUser, analysed_study: Study
) -> None:
    signed(program, analysed_study)
    second = program_of(make_user("bea", Role.CLINICIAN))
    second.post(f"/studies/{analysed_study.pk}/second-reading")
    assert second.get(f"/studies/{analysed_study.pk}/reports/1/files/json").status_code == 400
    assert second.get(f"/patients/{analysed_study.patient_id}/trends").status_code == 400


def signed(program: Program, study: Study) -> dict[str, Any]:
    """Have a study signed through the API."""
    number = program.get(f"/studies/{study.pk}/assessments/current").json()["number"]
    signing = {"assessment": number, "role": "clinician", "looked": True}
    answer = program.post(f"/studies/{study.pk}/reports", signing)
    assert answer.status_code == 201, answer.content
    report: dict[str, Any] = answer.json()
    return report


def test_a_report_is_signed_locked_and_amended(program: Program, analysed_study: Study) -> None:
    study = f"/studies/{analysed_study.pk}"
    report = signed(program, analysed_study)
    assert (report["number"], report["signer"]) == (1, "Dr Ada")
    pdf = program.get(f"{study}/reports/1/files/pdf")
    assert pdf.content.startswith(b"%PDF")
    assert program.get(f"{study}/reports/1/files/html").headers["Content-Type"].startswith("text/")
    document = program.get(f"{study}/reports/1/files/json").json()
    assert document["signature"]["name"] == "Dr Ada"
    late = program.post(
        f"{study}/edits", {"base_version": 0, "edits": [added_follicle(analysed_study)]}
    )
    assert late.status_code == 423
    assert program.post(f"{study}/amendments").json()["state"] == "in_review"
    signing = {"assessment": report["assessment"], "role": "clinician", "looked": True}
    assert program.post(f"{study}/reports", signing).status_code == 400
    amended = program.post(f"{study}/reports", {**signing, "because": "side corrected"})
    assert amended.json()["amends"] == 1
    assert [one["number"] for one in program.get(f"{study}/reports").json()] == [1, 2]


def test_nobody_signs_what_changed_meanwhile_or_without_having_looked(
    program: Program, analysed_study: Study
) -> None:
    study = f"/studies/{analysed_study.pk}"
    number = program.get(f"{study}/assessments/current").json()["number"]
    program.post(f"{study}/edits", {"base_version": 0, "edits": [added_follicle(analysed_study)]})
    signing = {"assessment": number, "role": "clinician", "looked": True}
    assert program.post(f"{study}/reports", signing).status_code == 409
    assert program.post(f"{study}/reports", {**signing, "looked": False}).status_code == 422
    assert not analysed_study.reports.exists()


def test_a_patients_link_is_released_after_the_signature_and_taken_back(
    program: Program, client: Client, analysed_study: Study
) -> None:
    links = f"/studies/{analysed_study.pk}/patient-links"
    assert program.post(links, {"language": "en", "days": 7}).status_code == 400
    signed(program, analysed_study)
    assert program.post(links, {"language": "xx", "days": 7}).status_code == 400
    made = program.post(links, {"language": "es", "days": 7})
    assert made.status_code == 201
    address = made.json()["address"].removeprefix("http://testserver")
    assert client.get(address).status_code == 200
    listed = program.get(links).json()
    assert listed[0]["opened_count"] == 1
    assert "address" not in listed[0]
    assert program.post(f"{links}/{made.json()['id']}/take-back").json()["works"] is False
    assert client.get(address).status_code == 404
    assert PatientLink.objects.count() == 1


def test_time_lines_are_told_without_inventing_values(
    program: Program, analysed_study: Study
) -> None:
    lines = program.get(f"/patients/{analysed_study.patient_id}/trends").json()
    assert all(point["study"] == str(analysed_study.pk) for one in lines for point in one["points"])
    assert {one["name"] for one in lines}
    assert program.get(f"/patients/{uuid.uuid4()}/trends").status_code == 404


def test_the_audit_trail_is_read_in_pages_by_whoever_may(
    program: Program, auditor: Program, study: Study
) -> None:
    for _ in range(3):
        program.get(f"/studies/{study.pk}")
    page = auditor.get("/audit-trail", limit=2, action="study.viewed").json()
    assert [one["actor"] for one in page["items"]] == ["Dr Ada", "Dr Ada"]
    rest = auditor.get("/audit-trail", limit=2, action="study.viewed", cursor=page["next"]).json()
    assert len(rest["items"]) == 1
    assert rest["next"] is None
    event = AuditEvent.objects.get(number=page["items"][0]["number"])
    assert event.hash == page["items"][0]["hash"]


def test_an_edge_is_found_or_the_reason_told(program: Program, analysed_study: Study) -> None:
    image = analysed_study.images.get(name="left.png")
    point = {"picture": str(image.pk), "frame": 0, "x": 150, "y": 120}
    told = program.post(f"/studies/{analysed_study.pk}/outline", point).json()
    assert (told["polygon"] is None) == (told["reason"] is not None)
    nowhere = {**point, "picture": "no-id"}
    assert program.post(f"/studies/{analysed_study.pk}/outline", nowhere).status_code == 400
    heat = program.get(f"/studies/{analysed_study.pk}/images/{image.pk}/saliency/0")
    assert heat.json()["reason"]
    plane = f"/studies/{analysed_study.pk}/images/{image.pk}/planes"
    assert program.get(f"{plane}/coronal/0").status_code == 404
    assert program.get(f"{plane}/oblique/0").status_code == 422
