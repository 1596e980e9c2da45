"""A picture that was read and does not belong here: withdrawn, kept, met nowhere, put back."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.app.web.api.conftest import Program
from tests.app.web.conftest import ClientOf, MakeUser, add_image
from tests.app.web.connections.doing import connect
from tests.app.web.learning.test_learning_export import CENTRES, read_blind
from tests.app.web.viewer.conftest import correction, new_mark

from deeppcos.app.connections.outbox_items import ItemState, NewItem
from deeppcos.app.web import jobs
from deeppcos.app.web.api.scopes import scopes_for
from deeppcos.app.web.api.tokens.making import make_token
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.asking import note_reading
from deeppcos.app.web.connections.dispatching import dispatch_due
from deeppcos.app.web.learning.exporting import export
from deeppcos.app.web.models import (
    AuditEvent,
    Dispatch,
    Image,
    Role,
    SignedReport,
    Study,
    StudyState,
    User,
)
from deeppcos.app.web.patient.releasing import find, release_to_patient
from deeppcos.app.web.research.gathering import _gathered
from deeppcos.app.web.signoff.signing import Wanted, begin_amendment, sign_study
from deeppcos.app.web.studies.current import current_assessment
from deeppcos.app.web.studies.withdrawing import (
    restore_picture,
    withdraw_picture,
    withdrawn_pictures,
)
from deeppcos.errors import InvalidInput
from deeppcos.learning.sources.reviewed_document import load_reviewed

WHY = "shows another patient"


def image_named(study: Study, name: str) -> Image:
    return Image.with_withdrawn.get(study=study, name=name)


def withdraw(client: Client, image: Image, because: str = WHY) -> Any:
    address = reverse("studies:withdraw-picture", args=[image.study_id, image.pk])
    return client.post(address, {"because": because}, follow=True)


def sources(study: Study) -> set[str]:
    newest = study.assessments.last()
    assert newest is not None
    return {frame["source"] for frame in newest.document["frames"]}


def signed(study: Study, signer: User, *, because: str = "") -> SignedReport:
    current = current_assessment(study, signer)
    assert current is not None
    wanted = Wanted(assessment_number=current.number, role="gynaecologist", because=because)
    return sign_study(study, wanted, signer=signer)


def correct(client: Client, study: Study, *edits: dict[str, Any], base_version: int = 0) -> None:
    body = json.dumps({"base_version": base_version, "edits": edits})
    address = reverse("viewer:edits", args=[study.pk])
    answer = client.post(address, body, content_type="application/json")
    assert answer.status_code == 200, answer.content


def test_a_withdrawn_picture_is_kept_and_met_nowhere(
    clinician_client: Client, analysed_study: Study, clinician: User
) -> None:
    image = image_named(analysed_study, "left.png")
    small = reverse("studies:thumbnail", args=[analysed_study.pk, image.pk])
    exact = reverse("viewer:exact", args=[analysed_study.pk, image.pk, 0])
    assert clinician_client.get(small).status_code == 200
    page = withdraw(clinician_client, image).content.decode()
    assert "left.png is withdrawn" in page
    assert WHY in page
    assert "Dr Ada" in page
    assert sources(analysed_study) == {"right.png", "sweep.mp4"}
    assert clinician_client.get(small).status_code == 404
    assert clinician_client.get(exact).status_code == 404
    manifest = clinician_client.get(reverse("viewer:manifest", args=[analysed_study.pk])).json()
    assert [one["name"] for one in manifest["pictures"]] == ["right.png", "sweep.mp4"]
    assert image.frame_path(0).exists(), "the picture itself is kept"
    [event] = AuditEvent.objects.filter(action="study.picture_withdrawn")
    assert event.actor == clinician
    assert event.detail == {"image": str(image.pk), "sha256": image.sha256, "reason": WHY}


def test_what_was_measured_in_it_counts_no_more_and_again_when_put_back(
    clinician_client: Client, analysed_study: Study
) -> None:
    image = image_named(analysed_study, "left.png")

    def sides() -> set[str]:
        newest = analysed_study.assessments.last()
        assert newest is not None
        return {side for side, found in newest.document["measurements"].items() if found}

    withdraw(clinician_client, image)
    assert sides() == {"right"}
    measures = reverse("viewer:measures", args=[analysed_study.pk])
    told = clinician_client.get(measures).json()["machine"]
    assert {side for side, found in told.items() if found} == {"right"}
    address = reverse("studies:restore-picture", args=[analysed_study.pk, image.pk])
    page = clinician_client.post(address, follow=True).content.decode()
    assert "left.png counts again" in page
    assert sources(analysed_study) == {"left.png", "right.png", "sweep.mp4"}
    assert sides() == {"left", "right"}
    assert not analysed_study.jobs.exists(), "the machine had seen it; nothing is read again"
    assert AuditEvent.objects.filter(action="study.picture_restored").count() == 1


def test_corrections_in_it_are_kept_aside_and_come_back_with_it(
    clinician_client: Client, analysed_study: Study, clinician: User
) -> None:
    left, right = (image_named(analysed_study, name) for name in ("left.png", "right.png"))
    added = [correction(one, "missed", adds=[new_mark(225, 130)]) for one in (left, right)]
    correct(clinician_client, analysed_study, *added)
    withdraw_picture(left, because=WHY, by=clinician)
    newest = analysed_study.assessments.last()
    assert newest is not None
    assert newest.marks is not None
    assert sources(analysed_study) == {"right.png", "sweep.mp4"}
    marks = reverse("viewer:marks", args=[analysed_study.pk, left.pk])
    assert clinician_client.get(marks).status_code == 404
    restore_picture(withdrawn_pictures(analysed_study)[0], by=clinician)
    frames = clinician_client.get(marks).json()["frames"]
    assert len(frames[0]["reader"]["marks"]) == len(frames[0]["machine"]["marks"]) + 1


def test_a_picture_put_back_into_a_draft_begun_without_it_shows_what_the_machine_saw(
    clinician_client: Client, analysed_study: Study, clinician: User
) -> None:
    left, right = (image_named(analysed_study, name) for name in ("left.png", "right.png"))
    withdraw_picture(left, because=WHY, by=clinician)
    marks = reverse("viewer:marks", args=[analysed_study.pk, right.pk])
    known = clinician_client.get(marks).json()["frames"][0]["machine"]["marks"]
    removed = next(one["id"] for one in known if one["kind"] != "ovary")
    correct(clinician_client, analysed_study, correction(right, "extra", removes=[removed]))
    restore_picture(withdrawn_pictures(analysed_study)[0], by=clinician)
    shown = clinician_client.get(reverse("viewer:marks", args=[analysed_study.pk, left.pk])).json()
    assert len(shown["frames"][0]["machine"]["marks"]) == 4
    assert sources(analysed_study) == {"left.png", "right.png", "sweep.mp4"}


def test_a_picture_the_machine_never_saw_is_read_when_it_is_put_back(
    analysed_study: Study, clinician: User
) -> None:
    late = add_image(analysed_study, "late.png", side="left")
    withdraw_picture(late, because="sent twice", by=clinician)
    restore_picture(image_named(analysed_study, "late.png"), by=clinician)
    assert analysed_study.jobs.get().kind == "analyse"


@pytest.mark.parametrize("because", ["", "   ", "x" * 301], ids=["empty", "blank", "too long"])
def test_a_picture_is_withdrawn_with_a_reason_only(
    clinician_client: Client, analysed_study: Study, because: str
) -> None:
    answer = withdraw(clinician_client, image_named(analysed_study, "left.png"), because)
    assert answer.status_code == 400
    assert analysed_study.images.count() == 3


def test_a_signed_study_lets_go_of_a_picture_only_in_an_amendment(
    clinician_client: Client, analysed_study: Study, clinician: User
) -> None:
    first = signed(analysed_study, clinician)
    image = image_named(analysed_study, "left.png")
    assert (
        "Does not belong here?"
        not in clinician_client.get(
            reverse("studies:study", args=[analysed_study.pk])
        ).content.decode()
    )
    answer = withdraw(clinician_client, image)
    assert answer.status_code == 400
    assert "egin an amendment first" in answer.content.decode()
    begin_amendment(analysed_study, by=clinician)
    withdraw(clinician_client, image)
    analysed_study.refresh_from_db()
    second = signed(analysed_study, clinician, because="a picture was another patient's")
    assert "left.png" in {one["source"] for one in first.document["frames"]}
    assert "left.png" not in json.dumps(second.document)
    assert "left.png" not in (second.folder / "report.html").read_text()
    assert (first.folder / "report.html").exists()
    assert analysed_study.reports.count() == 2


def test_the_patients_link_to_what_rested_on_it_is_taken_back_at_once(
    analysed_study: Study, clinician: User
) -> None:
    signed(analysed_study, clinician)
    secret = release_to_patient(analysed_study, by=clinician, language="en", days=7)
    begin_amendment(analysed_study, by=clinician)
    assert find(secret) is not None
    withdraw_picture(image_named(analysed_study, "left.png"), because=WHY, by=clinician)
    assert find(secret) is None
    with pytest.raises(InvalidInput, match="withdrawn"):
        release_to_patient(analysed_study, by=clinician, language="en", days=7)


def test_it_does_not_come_back_by_being_sent_again(
    clinician_client: Client, study: Study, clinician: User
) -> None:
    import cv2
    import numpy as np

    noise = np.random.default_rng(3).integers(0, 255, (32, 48), dtype=np.uint8)
    content = bytes(cv2.imencode(".png", noise)[1])
    address = reverse("studies:files", args=[study.pk])

    def send() -> dict[str, Any]:
        sent = {"files": [SimpleUploadedFile("scan.png", content)]}
        answer = clinician_client.post(address, sent, headers={"Accept": "application/json"})
        return dict(answer.json())

    assert send()["kept"] == ["scan.png"]
    study.images.update(is_ready=True, kind="still", frame_count=1)
    withdraw_picture(study.images.get(), because=WHY, by=clinician)
    [refused] = send()["refused"]
    assert "was withdrawn from this study" in refused["reason"]
    assert not study.images.exists()


def test_a_study_is_not_changed_while_it_is_read(analysed_study: Study, clinician: User) -> None:
    image = image_named(analysed_study, "left.png")
    jobs.ask("analyse", study=analysed_study)
    with pytest.raises(InvalidInput, match="being read"):
        withdraw_picture(image, because=WHY, by=clinician)


def test_without_any_picture_left_the_chart_alone_speaks(
    clinician_client: Client, analysed_study: Study, clinician: User
) -> None:
    for image in list(analysed_study.images.all()):
        withdraw_picture(image, because=WHY, by=clinician)
    assert sources(analysed_study) == set()
    newest = analysed_study.assessments.last()
    assert newest is not None
    assert newest.document["findings"]["polycystic_morphology"]["state"] == "unknown"
    for name in ("studies:study", "assessment:page", "signoff:sign"):
        page = clinician_client.get(reverse(name, args=[analysed_study.pk]))
        assert page.status_code == 200


def test_a_withdrawn_picture_teaches_nothing(
    study: Study, make_user: MakeUser, clinician: User, tmp_path: Any
) -> None:
    from tests.app.web.conftest import frame_record, made_up_document

    from deeppcos.app.web.studies.analysis import store_assessment

    images = [add_image(study, name) for name in ("hers.png", "anothers.png")]
    for image in images:
        image.tissue_region = [20, 10, 300, 230]
        image.save()
    study.patient.may_teach = True
    study.patient.save()
    frames = [frame_record(image) for image in images]
    store_assessment(study, made_up_document(study, frames), made_by=None)
    read_blind(study, make_user("bo", Role.CLINICIAN), *CENTRES)
    assert export(tmp_path / "before", by=None).pictures == 1
    withdraw_picture(images[0], because=WHY, by=clinician)
    done = export(tmp_path / "after", by=None)
    assert done.pictures == 0
    assert load_reviewed(tmp_path / "after").studies == []


def test_a_withdrawn_picture_is_in_no_research_row(
    analysed_study: Study, clinician: User, make_user: MakeUser
) -> None:
    pytest.importorskip("duckdb", reason="cohorts need the research extra")
    Study.objects.update(is_example=False)
    analysed_study.patient.may_research = True
    analysed_study.patient.save()
    signed(analysed_study, clinician)
    [before] = _gathered([analysed_study.site_id]).assessments
    assert before["read_by"] == "signed"
    begin_amendment(analysed_study, by=clinician)
    withdraw_picture(image_named(analysed_study, "left.png"), because=WHY, by=clinician)
    gathered = _gathered([analysed_study.site_id])
    [after] = gathered.assessments
    assert after["read_by"] != "signed", "what was signed rested on the picture"
    seen = {one["side"] for one in gathered.ovaries if one["source"] == "picture"}
    assert seen == {"right"}


def test_nothing_made_with_it_is_sent(analysed_study: Study, clinician: User) -> None:
    outbox = connect()
    Study.objects.update(is_example=False)
    analysed_study.refresh_from_db()
    assessment = analysed_study.assessments.get()
    note_reading(assessment)
    file = outbox.payloads.keep(b"pixels", name="left.dcm")
    waiting = NewItem(what="images", peer="pacs", files=(file,))
    outbox.put("arrived:1", [waiting], study=str(analysed_study.pk), about="ACC-1")
    withdraw_picture(image_named(analysed_study, "left.png"), because=WHY, by=clinician)
    [item] = outbox.items()
    assert item.state is ItemState.REFUSED
    assert item.files == ()
    with pytest.raises(InvalidInput, match="nothing to send"):
        outbox.retry(item.id, by="anybody")
    assert dispatch_due(outbox, places.connections()) == 1
    assert len(outbox.items()) == 1, "the reading made with it is not put out"
    assert "withdrawn" in Dispatch.objects.get().problem


def test_programs_withdraw_list_and_put_back(analysed_study: Study, clinician: User) -> None:
    site = analysed_study.site
    secret = make_token(clinician, site=site, name="p", scopes=scopes_for(clinician, site), days=5)
    program = Program(secret)
    image = image_named(analysed_study, "left.png")
    address = f"/studies/{analysed_study.pk}"
    assert program.post(f"{address}/images/{image.pk}/withdraw", {"because": ""}).status_code == 422
    answer = program.post(f"{address}/images/{image.pk}/withdraw", {"because": WHY})
    assert answer.status_code == 200, answer.content
    assert answer.json()["withdrawn_by"] == "Dr Ada"
    listed = program.get(f"{address}/images").json()["items"]
    assert [one["name"] for one in listed] == ["right.png", "sweep.mp4"]
    [withdrawn] = program.get(f"{address}/withdrawn-images").json()
    assert withdrawn["withdrawn_because"] == WHY
    assert program.get(f"{address}/images/{image.pk}/frames/0").status_code == 404
    back = program.post(f"{address}/withdrawn-images/{image.pk}/restore")
    assert back.json()["name"] == "left.png"
    assert program.get(f"{address}/withdrawn-images").json() == []


def test_who_may_not_mark_may_not_withdraw(
    client_of: ClientOf, make_user: MakeUser, analysed_study: Study
) -> None:
    client = client_of(make_user("rosa", Role.RESEARCHER))
    image = image_named(analysed_study, "left.png")
    assert withdraw(client, image).status_code in (403, 404)
    assert analysed_study.images.count() == 3
    analysed_study.refresh_from_db()
    assert analysed_study.state == StudyState.ANALYSED
