"""What the viewer is told and what it may do: rights, marks, pictures, measurements."""

import json

import numpy as np
import pytest
from django.test import Client
from tests.app.web.conftest import ClientOf, MakeUser, add_image
from tests.app.web.viewer.conftest import (
    MISSED,
    Send,
    correction,
    image_named,
    machine_id,
    new_mark,
    read_picture,
    ring,
    said,
    unpacked,
)

from deeppcos.app.web.models import AuditEvent, Image, ImageKind, Role, Study, StudyState, User
from deeppcos.vision.geometry import area_px, polygon_iou


def viewer(study: Study, rest: str = "") -> str:
    return f"/studies/{study.pk}/viewer/{rest}"


def test_the_page_names_its_manifest_and_runs_no_inline_script(
    clinician_client: Client, seen_study: Study
) -> None:
    page = clinician_client.get(viewer(seen_study))
    text = page.content.decode()
    assert f'data-manifest="{viewer(seen_study, "manifest.json")}"' in text
    assert "style=" not in text
    assert "<script>" not in text


def test_looking_at_marks_is_in_the_audit_trail(
    clinician_client: Client, clinician: User, seen_study: Study
) -> None:
    clinician_client.get(viewer(seen_study))
    assert AuditEvent.objects.filter(action="marks.shown", actor=clinician).count() == 1


@pytest.mark.parametrize(
    "rest", ["", "manifest.json", "edits", "measures.json"], ids=["page", "manifest", "log", "sum"]
)
def test_nobody_of_another_site_is_told_that_the_study_exists(
    seen_study: Study, make_user: MakeUser, client_of: ClientOf, rest: str
) -> None:
    from deeppcos.app.web.models import Site

    elsewhere = Site.objects.create(name="Hilltop", slug="hilltop")
    stranger = client_of(make_user("stranger", Role.CLINICIAN, at=elsewhere))
    assert stranger.get(viewer(seen_study, rest)).status_code == 404
    assert Client().get(viewer(seen_study, rest)).status_code in (302, 403)


def test_a_researcher_may_not_open_it(
    seen_study: Study, make_user: MakeUser, client_of: ClientOf
) -> None:
    someone = client_of(make_user("rita", Role.RESEARCHER))
    assert someone.get(viewer(seen_study)).status_code == 403


def test_the_manifest_lists_every_picture_with_its_facts(
    clinician_client: Client, seen_study: Study
) -> None:
    told = said(clinician_client.get(viewer(seen_study, "manifest.json")))
    assert [(p["name"], p["kind"], p["side"], p["frame_count"]) for p in told["pictures"]] == [
        ("left.png", "still", "left", 1),
        ("right.png", "still", "right", 1),
        ("sweep.mp4", "sweep", "right", 3),
    ]
    assert told["reading"]["may_edit"] is True
    assert told["release"] == "made-up-1"
    assert told["limits"] == {"smallest_counted_mm": 2.0, "dominant_from_mm": 10.0}


def test_a_refused_file_stays_in_the_list_with_its_reason(
    clinician_client: Client, seen_study: Study
) -> None:
    Image.objects.filter(name="left.png").update(is_ready=False, refused_because="cut short")
    told = said(clinician_client.get(viewer(seen_study, "manifest.json")))
    assert (told["pictures"][0]["is_ready"], told["pictures"][0]["problem"]) == (False, "cut short")


def test_marks_come_with_scale_probability_and_interval(
    clinician_client: Client, seen_study: Study
) -> None:
    image = image_named(seen_study, "left.png")
    file = said(clinician_client.get(viewer(seen_study, f"pictures/{image.pk}/marks.json")))
    [frame] = file["frames"]
    assert frame["mm_per_pixel"] == {"x": 0.2, "y": 0.2, "source": "dicom_regions"}
    assert frame["interval"] == {"value": 3, "low": 3, "high": 9}
    marks = frame["machine"]["marks"]
    assert [m["kind"] for m in marks] == ["ovary", "antral", "antral", "antral"]
    assert marks[0]["id"] == machine_id(image, "o0")
    assert marks[1]["probability"] == 0.8
    assert "reader" not in frame


def test_exact_frames_are_the_stored_pixels_and_may_be_kept(
    clinician_client: Client, seen_study: Study
) -> None:
    image = image_named(seen_study, "sweep.mp4")
    answer = clinician_client.get(viewer(seen_study, f"pictures/{image.pk}/frames/2.png"))
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    shown = read_picture(content)
    stored = read_picture(str(image.frame_path(2)))
    assert np.array_equal(shown, stored)
    assert "immutable" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]


def test_frames_for_playing_come_in_one_piece_lighter_and_nearly_the_same(
    clinician_client: Client, seen_study: Study
) -> None:
    image = image_named(seen_study, "sweep.mp4")
    for _ in range(2):
        answer = clinician_client.get(viewer(seen_study, f"pictures/{image.pk}/reels/0"))
        content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    frames = unpacked(content)
    assert len(frames) == image.frame_count
    for number, frame in enumerate(frames):
        exact = image.frame_path(number)
        assert len(frame) < 0.8 * exact.stat().st_size
        difference = read_picture(frame).astype(int) - read_picture(str(exact)).astype(int)
        assert np.abs(difference).mean() < 8


def test_the_middle_frame_is_there_small_to_choose_by(
    clinician_client: Client, seen_study: Study
) -> None:
    image = image_named(seen_study, "sweep.mp4")
    answer = clinician_client.get(viewer(seen_study, f"pictures/{image.pk}/small.jpg"))
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert read_picture(content).shape[1] == 360


@pytest.mark.parametrize("rest", ["frames/9.png", "reels/1", "planes/coronal/0.png"])
def test_there_is_no_other_frame(clinician_client: Client, seen_study: Study, rest: str) -> None:
    image = image_named(seen_study, "sweep.mp4")
    answer = clinician_client.get(viewer(seen_study, f"pictures/{image.pk}/{rest}"))
    assert answer.status_code == 404


def test_the_planes_of_a_volume_are_cut_from_its_slices(
    clinician_client: Client, seen_study: Study
) -> None:
    volume = add_image(seen_study, "volume.mha", frames=6)
    Image.objects.filter(pk=volume.pk).update(kind=ImageKind.VOLUME, slice_spacing_mm=0.5)
    slices = [read_picture(str(volume.frame_path(n))) for n in range(6)]
    stack = np.stack(slices)
    for plane, cut in (("coronal", stack[:, 40]), ("sagittal", stack[:, :, 40])):
        answer = clinician_client.get(
            viewer(seen_study, f"pictures/{volume.pk}/planes/{plane}/40.png")
        )
        shown = read_picture(answer.content)
        assert np.array_equal(shown, cut)


def test_a_click_finds_the_edge_of_a_missed_follicle(
    clinician_client: Client, seen_study: Study
) -> None:
    image = image_named(seen_study, "left.png")
    asked = {"picture": str(image.pk), "frame": 0, "x": MISSED[0] + 3, "y": MISSED[1] - 2}
    answer = said(
        clinician_client.post(
            viewer(seen_study, "outline"), json.dumps(asked), content_type="application/json"
        )
    )
    polygon = tuple((x, y) for x, y in answer["polygon"])
    truth = tuple((x, y) for x, y in ring(*MISSED, 11))
    assert polygon_iou(polygon, truth) > 0.75
    assert area_px(polygon) == pytest.approx(3.14 * 121, rel=0.3)


def test_a_click_where_no_edge_is_says_so(clinician_client: Client, seen_study: Study) -> None:
    image = image_named(seen_study, "left.png")
    asked = {"picture": str(image.pk), "frame": 0, "x": 20, "y": 20}
    answer = clinician_client.post(
        viewer(seen_study, "outline"), json.dumps(asked), content_type="application/json"
    )
    assert answer.status_code == 200
    assert "no edge" in said(answer)["reason"]


def test_corrections_change_the_readers_marks_and_not_the_machines(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    gone = correction(image, "extra", removes=[machine_id(image, "o0f0")])
    more = correction(image, "missed", adds=[new_mark(*MISSED)])
    assert said(send(clinician_client, seen_study, gone, more)) == {"version": 2}
    file = said(clinician_client.get(viewer(seen_study, f"pictures/{image.pk}/marks.json")))
    [frame] = file["frames"]
    assert file["version"] == 2
    assert len(frame["machine"]["marks"]) == 4
    kept = {m["id"] for m in frame["reader"]["marks"]}
    assert machine_id(image, "o0f0") not in kept
    assert more["adds"][0]["id"] in kept


def test_marks_can_be_asked_as_they_stood_at_a_version(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    send(clinician_client, seen_study, correction(image, "missed", adds=[new_mark(*MISSED)]))
    url = viewer(seen_study, f"pictures/{image.pk}/marks.json?version=0")
    assert "reader" not in said(clinician_client.get(url))["frames"][0]


def test_measurements_of_machine_and_reader_are_kept_apart(
    clinician_client: Client, seen_study: Study, send: Send
) -> None:
    before = said(clinician_client.get(viewer(seen_study, "measures.json")))
    assert before["reader"] is None
    image = image_named(seen_study, "left.png")
    send(clinician_client, seen_study, correction(image, "missed", adds=[new_mark(*MISSED)]))
    after = said(clinician_client.get(viewer(seen_study, "measures.json")))
    assert after["machine"] == before["machine"]
    assert after["reader"]["left"]["fnps"]["value"] == 4
    assert after["reader"]["left"]["fnps"]["low"] is None
    assert after["reader"]["right"]["fnps"]["value"] == 3


def test_an_earlier_visit_is_offered(
    clinician_client: Client, seen_study: Study, study: Study
) -> None:
    import datetime

    from tests.app.web.conftest import frame_record, made_up_document

    from deeppcos.app.web.studies.analysis import store_assessment

    Study.objects.filter(pk=seen_study.pk).update(performed_on=datetime.date(2026, 11, 1))
    earlier = Study.objects.create(
        site=study.site,
        patient=study.patient,
        accession="ACC-0",
        chart=study.chart,
        performed_on=datetime.date(2025, 3, 1),
    )
    image = add_image(earlier, "old.png", side="left")
    store_assessment(earlier, made_up_document(earlier, [frame_record(image)]), made_by=None)
    told = said(clinician_client.get(viewer(seen_study, "manifest.json")))
    assert [one["title"] for one in told["earlier"]] == ["ACC-0 · 1 Mar 2025"]
    assert clinician_client.get(told["earlier"][0]["url"]).status_code == 200


def test_a_sonographer_marks_and_the_study_is_in_review(
    sonographer: User, client_of: ClientOf, seen_study: Study, send: Send
) -> None:
    image = image_named(seen_study, "left.png")
    more = correction(image, "missed", adds=[new_mark(*MISSED)])
    assert send(client_of(sonographer), seen_study, more).status_code == 200
    seen_study.refresh_from_db()
    assert seen_study.state == StudyState.IN_REVIEW


def test_a_study_without_pictures_leads_back_to_itself(
    clinician_client: Client, study: Study
) -> None:
    answer = clinician_client.get(viewer(study))
    assert (answer.status_code, answer["Location"]) == (302, f"/studies/{study.pk}/")
    told = said(clinician_client.get(viewer(study, "manifest.json")))
    assert told["pictures"] == []
    assert told["reading"]["why_not"] == "The study has not been analysed yet."


def test_a_heat_map_of_another_release_is_not_shown(
    clinician_client: Client, seen_study: Study
) -> None:
    image = image_named(seen_study, "left.png")
    answer = clinician_client.get(viewer(seen_study, f"pictures/{image.pk}/saliency/0"))
    assert answer.status_code == 200
    assert "another release" in said(answer)["reason"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_deciding_network_explains_itself_or_says_why_not(
    clinician_client: Client, seen_study: Study
) -> None:
    import time

    from deeppcos.vision.release import SHIPPED, load_release

    seen_study.assessments.update(release=load_release(SHIPPED).manifest.name)
    image = image_named(seen_study, "left.png")
    url = viewer(seen_study, f"pictures/{image.pk}/saliency/0")
    answer = clinician_client.get(url)
    assert answer.status_code == 202
    until = time.monotonic() + 200
    while answer.status_code == 202 and time.monotonic() < until:
        time.sleep(0.5)
        answer = clinician_client.get(url)
    assert answer.status_code == 200
    if answer["Content-Type"] == "image/png":
        heat = read_picture(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
        assert heat.shape == (240, 320)
        assert heat.max() > 100
    else:
        assert len(said(answer)["reason"]) > 10
