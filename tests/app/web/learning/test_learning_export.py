"""From the desk to a training set: what goes out, under which names, and what never does."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.app.web.conftest import ClientOf, MakeUser, add_image, frame_record, made_up_document
from tests.app.web.viewer.conftest import correction, new_mark

from deeppcos.app.desk.marks.edits import Delta
from deeppcos.app.desk.marks.edits import Edit as MarkEdit
from deeppcos.app.desk.marks.mark import Mark, MarkKind, Remark, RemarkKind
from deeppcos.app.desk.marks.wire import edit_json
from deeppcos.app.web import audit
from deeppcos.app.web.learning.exporting import NAMES_POSSIBLE, UNREAD, UNSETTLED, Exported, export
from deeppcos.app.web.models import (
    AuditEvent,
    Edit,
    MarkSet,
    Patient,
    Purpose,
    Role,
    Site,
    Study,
    User,
)
from deeppcos.app.web.studies.analysis import store_assessment
from deeppcos.errors import InvalidInput
from deeppcos.learning.feedback.agreement import agreement_of_pairs, pair_rows
from deeppcos.learning.feedback.labels import write_consensus
from deeppcos.learning.sources.reviewed import read_reviewed
from deeppcos.learning.sources.reviewed_document import ReviewedDocument, load_reviewed

CENTRES = ((110.0, 120.0), (150.0, 120.0), (190.0, 120.0))


@pytest.fixture
def one_still(study: Study) -> Study:
    """A consented study with one still, read by the machine, whose ultrasound area is known."""
    image = add_image(study, "left.png", side="left")
    image.tissue_region = [20, 10, 300, 230]
    image.save()
    study.patient.may_teach = True
    study.patient.save()
    store_assessment(study, made_up_document(study, [frame_record(image)]), made_by=None)
    return study


def circle(x: float, y: float, radius: float) -> tuple[tuple[float, float], ...]:
    turns = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    return tuple(
        (round(x + radius * float(np.cos(t)), 2), round(y + radius * float(np.sin(t)), 2))
        for t in turns
    )


def read_blind(
    study: Study,
    reader: User,
    *places: tuple[float, float],
    has_finished: bool = True,
    has_seen: bool = False,
    disputes: bool = False,
) -> MarkSet:
    """A second reading as the viewer keeps it: the ovary and a follicle at each place."""
    base = study.assessments.filter(marks=None).get()
    marks = MarkSet.objects.create(
        study=study,
        base=base,
        reader=reader,
        reader_role="clinician",
        purpose=Purpose.SECOND_READING,
        is_blinded=True,
        machine_shown_first=has_seen,
        release_shown=base.release if has_seen else "",
        seconds_spent=42.0,
        finished_at=timezone.now() if has_finished else None,
        version=1,
    )
    image = study.images.all()[0]
    follicles = [(MarkKind.ANTRAL, circle(*place, 14)) for place in places]
    outlines = [(MarkKind.OVARY, circle(160, 120, 70)), *follicles]
    edits = [
        MarkEdit(
            id=str(uuid4()), delta=Delta.MISSED, picture=str(image.pk), frame=0,
            adds=tuple(Mark(id=f"r{uuid4()}", kind=k, polygon=o) for k, o in outlines),
            seconds=4.0, at=timezone.now(), machine_marks_seen=has_seen,
            release=marks.release_shown,
        )
    ]  # fmt: skip
    if disputes:
        remark = Remark(id=f"r{uuid4()}", kind=RemarkKind.LABEL_DISPUTE, text="a cyst, I think")
        edits.append(
            MarkEdit(
                id=str(uuid4()), delta=Delta.LABEL_DISPUTE, picture=str(image.pk), frame=0,
                remarks=(remark,), seconds=1.0, at=timezone.now(), machine_marks_seen=has_seen,
            )
        )  # fmt: skip
    for number, edit in enumerate(edits, start=1):
        Edit.objects.create(
            mark_set=marks, reader=reader, number=number, client_id=edit.id,
            kind=edit.delta.value, image=image, frame=0, content=edit_json(edit), made_at=edit.at,
        )  # fmt: skip
    return marks


@pytest.fixture
def readers(make_user: MakeUser) -> list[User]:
    return [make_user(name, Role.CLINICIAN) for name in ("bo", "cy", "di")]


def exported(folder: Path) -> tuple[Exported, ReviewedDocument]:
    done = export(folder, by=None)
    return done, load_reviewed(folder)


def test_three_readings_go_out_under_pseudonyms_with_what_was_shown(
    one_still: Study, readers: list[User], tmp_path: Path
) -> None:
    read_blind(one_still, readers[0], *CENTRES)
    read_blind(one_still, readers[1], *CENTRES)
    read_blind(one_still, readers[2], *CENTRES[:2], has_seen=True)
    done, document = exported(tmp_path / "out")
    (image,) = document.studies[0].images
    assert (done.studies, done.pictures, done.readings) == (1, 1, 3)
    assert sorted(r.release_shown or "" for r in image.readings) == ["", "", "made-up-1"]
    assert sorted(len(r.follicles or []) for r in image.readings) == [2, 3, 3]
    assert image.mm_per_pixel == (0.2, 0.2)
    text = (tmp_path / "out" / "reviewed.json").read_text()
    for secret in ("Musterfrau", "MRN-1", "ACC-1", "bo", "Dr ", str(one_still.pk), "Riverside"):
        assert f'"{secret}' not in text
    assert str(one_still.patient_id) not in text


def test_the_export_is_read_by_training_and_its_consensus_too(
    one_still: Study, readers: list[User], tmp_path: Path
) -> None:
    for reader, places in zip(readers, (CENTRES, CENTRES, CENTRES[:2]), strict=True):
        read_blind(one_still, reader, *places)
    export(tmp_path / "out", by=None)
    (sample,) = read_reviewed(tmp_path / "out")
    assert len(sample.readings) == 3
    assert write_consensus(tmp_path / "out", tmp_path / "labels") == (1, 1)
    (label,) = read_reviewed(tmp_path / "labels")
    assert sorted(m.is_sure for m in label.readings["consensus"]) == [False, True, True]
    pairs = agreement_of_pairs(pair_rows(load_reviewed(tmp_path / "out")), rounds=10)
    assert sorted(round(p.f1.value or 0, 2) for p in pairs) == [0.8, 0.8, 1.0]


def test_pseudonyms_stay_the_same_across_exports_and_differ_between_people(
    one_still: Study, readers: list[User], tmp_path: Path
) -> None:
    for reader in readers[:2]:
        read_blind(one_still, reader, *CENTRES)
    _, first = exported(tmp_path / "one")
    _, again = exported(tmp_path / "two")
    assert first.studies == again.studies
    assert len({r.reader for r in first.studies[0].images[0].readings}) == 2


def test_nothing_outside_the_ultrasound_is_left_in_a_picture(
    one_still: Study, readers: list[User], tmp_path: Path
) -> None:
    image = one_still.images.get()
    cv2.imwrite(str(image.frame_path(0)), np.full((240, 320), 200, np.uint8))
    read_blind(one_still, readers[0], *CENTRES)
    _, document = exported(tmp_path / "out")
    pixels = cv2.imread(str(tmp_path / "out" / document.studies[0].images[0].file), 0)
    assert pixels is not None
    assert (pixels[10:230, 20:300] == 200).all()
    assert int(pixels.astype(int).sum()) == 200 * 220 * 280


def test_a_picture_whose_ultrasound_area_is_unknown_stays_here_unless_somebody_vouches(
    one_still: Study, readers: list[User], tmp_path: Path
) -> None:
    one_still.images.update(tissue_region=None)
    read_blind(one_still, readers[0], *CENTRES)
    done, _ = exported(tmp_path / "out")
    assert (done.pictures, done.left_out) == (0, {NAMES_POSSIBLE: 1})
    assert export(tmp_path / "vouched", by=None, pictures_are_clean=True).pictures == 1


@pytest.mark.parametrize(
    ("answer", "reason"), [(None, "never asked"), (False, "refused or withdrawn")],
    ids=["unasked", "withdrawn"],
)  # fmt: skip
def test_without_consent_nothing_goes_out(
    one_still: Study, readers: list[User], tmp_path: Path, answer: bool | None, reason: str
) -> None:
    read_blind(one_still, readers[0], *CENTRES)
    one_still.patient.may_teach = answer
    one_still.patient.save()
    done, document = exported(tmp_path / "out")
    assert document.studies == []
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "reviewed.json"]
    assert any(reason in words for words in done.left_out)


@pytest.mark.parametrize("event", ["study.patient_merged", "patient.corrected"])
def test_consent_does_not_outlive_a_change_of_identity_until_it_is_asked_again(
    one_still: Study,
    readers: list[User],
    tmp_path: Path,
    client_of: ClientOf,
    event: str,
) -> None:
    read_blind(one_still, readers[0], *CENTRES)
    if event.startswith("study"):
        audit.record(event, actor=None, study=one_still)
    else:
        about = f"patient:{one_still.patient_id}"
        audit.record(event, actor=None, site=one_still.site, about=about)
    done, _ = exported(tmp_path / "out")
    assert done.left_out == {"studies: re-identified since consent was given": 1}
    asked = client_of(readers[1]).post(
        reverse("learning:consent", args=[one_still.pk]), {"consent": "given"}
    )
    assert asked.status_code == 302
    assert exported(tmp_path / "again")[0].studies == 1


def test_a_deleted_study_leaves_nothing_in_the_next_export(
    one_still: Study, readers: list[User], tmp_path: Path
) -> None:
    marks = read_blind(one_still, readers[0], *CENTRES)
    assert exported(tmp_path / "before")[0].studies == 1
    marks.edits.all().delete()
    marks.delete()
    one_still.assessments.all().delete()
    one_still.delete()
    assert exported(tmp_path / "after")[1].studies == []


@pytest.mark.parametrize("case", ["apart", "disputed"])
def test_an_unsettled_conflict_stays_here(
    one_still: Study, readers: list[User], tmp_path: Path, case: str
) -> None:
    elsewhere = [(110.0, 160.0), (150.0, 160.0), (190.0, 160.0)]
    read_blind(one_still, readers[0], *CENTRES, disputes=case == "disputed")
    read_blind(one_still, readers[1], *(elsewhere if case == "apart" else CENTRES))
    assert exported(tmp_path / "out")[0].left_out == {UNSETTLED: 1}


def test_an_unfinished_reading_counts_for_nothing_and_a_closed_account_keeps_its_finished_ones(
    one_still: Study, readers: list[User], tmp_path: Path
) -> None:
    read_blind(one_still, readers[0], *CENTRES, has_finished=False)
    assert exported(tmp_path / "none")[0].left_out == {UNREAD: 1}
    read_blind(one_still, readers[1], *CENTRES)
    _, before = exported(tmp_path / "before")
    readers[1].is_active = False
    readers[1].save()
    _, after = exported(tmp_path / "after")
    assert before.studies == after.studies


def test_a_review_goes_out_once_it_is_signed(
    one_still: Study, clinician_client: Client, clinician: User, tmp_path: Path
) -> None:
    image = one_still.images.get()
    edit = correction(image, "missed", adds=[new_mark(200.0, 160.0)])
    sent = clinician_client.post(
        f"/studies/{one_still.pk}/viewer/edits",
        {"base_version": 0, "edits": [edit]},
        content_type="application/json",
    )
    assert sent.status_code == 200
    assert exported(tmp_path / "draft")[0].left_out == {UNREAD: 1}
    sign(one_still, clinician)
    _, document = exported(tmp_path / "signed")
    (reading,) = document.studies[0].images[0].readings
    assert reading.release_shown == "made-up-1"
    assert len(reading.follicles or []) == 4


def sign(study: Study, signer: User) -> None:
    """A signed report on the reader's marks, as sign-off leaves it."""
    from deeppcos.app.web.models import Assessment, SignedReport

    marks = study.mark_sets.get(purpose=Purpose.REVIEW)
    machine = study.assessments.get(marks=None)
    signed = Assessment.objects.create(
        study=study, number=2, release=machine.release, profile=machine.profile,
        schema=machine.schema, document=machine.document, chart=machine.chart, marks=marks,
        marks_version=marks.version, status=machine.status,
    )  # fmt: skip
    SignedReport.objects.create(
        study=study, number=1, assessment=signed, document={}, signer=signer, signer_name="x",
        signer_role="clinician", signed_at=timezone.now(), json_sha256="0" * 64,
        html_sha256="0" * 64, pdf_sha256="0" * 64,
    )  # fmt: skip


def test_an_export_is_never_mixed_with_another_and_is_told_in_the_trail(
    one_still: Study, readers: list[User], tmp_path: Path
) -> None:
    read_blind(one_still, readers[0], *CENTRES)
    export(tmp_path / "out", by=None)
    with pytest.raises(InvalidInput, match="there already"):
        export(tmp_path / "out", by=None)
    assert AuditEvent.objects.filter(action="learning.exported").count() == 1


def test_half_an_export_leaves_nothing(
    one_still: Study, readers: list[User], tmp_path: Path
) -> None:
    read_blind(one_still, readers[0], *CENTRES)
    one_still.images.get().frame_path(0).write_bytes(b"no picture")
    with pytest.raises(InvalidInput, match="cannot be read"):
        export(tmp_path / "out", by=None)
    assert [p for p in tmp_path.iterdir() if "out" in p.name] == []


def test_patients_of_two_records_are_two_groups(
    one_still: Study, site: Site, readers: list[User], tmp_path: Path
) -> None:
    read_blind(one_still, readers[0], *CENTRES)
    her = Patient.objects.create(site=site, identifier="MRN-2", may_teach=True)
    other = Study.objects.create(site=site, patient=her, accession="ACC-2", chart=one_still.chart)
    image = add_image(other, "right.png", side="right")
    image.tissue_region = [0, 0, 320, 240]
    image.save()
    store_assessment(other, made_up_document(other, [frame_record(image)]), made_by=None)
    read_blind(other, readers[1], *CENTRES)
    done, _ = exported(tmp_path / "out")
    assert (done.studies, done.patients) == (2, 2)


def test_a_data_folder_without_a_desk_is_refused_in_words(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deeppcos", "learn", "export", "--out", str(tmp_path / "out")],
        env={**os.environ, "DEEPPCOS_HOME": str(tmp_path / "nothing")},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert "there is no desk in this data folder" in done.stderr
    assert not (tmp_path / "out").exists()
