"""A desk of its own with consented phantom studies, read blind, and a frozen test set.

Runs in a process of its own, where Django is set up for that desk's data folder.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from deeppcos.app.web.models import Site, Study, User
    from deeppcos.learning.samples import Sample

TAUGHT, TESTED, SCENES = 12, 10, 34
STEPS, BATCH, DRAWN = 20, 2, 16


def prepare(home: Path) -> None:
    """Studies of ``TAUGHT`` + ``TESTED`` women and one without consent, and a frozen test set."""
    from deeppcos.app.web import preparing

    preparing.set_up_django(home)
    preparing.prepare()
    from deeppcos.app.web.models import Patient, Role, Site, User
    from deeppcos.learning.sources.synthetic import draw_synthetic

    site = Site.objects.create(name="Phantoms", slug="phantoms")
    reader = User.objects.create_user("bo", full_name="Dr Bo")
    reader.grants.create(site=site, role=Role.CLINICIAN)
    boss = User.objects.create_user("root", full_name="Dr Root")
    boss.grants.create(site=site, role=Role.ADMINISTRATOR)
    drawn = draw_synthetic(count=SCENES, seed=9)
    samples = [s for s in drawn if len(s.readings.get("truth", ())) >= 1][: TAUGHT + TESTED]
    assert len(samples) == TAUGHT + TESTED
    for number, sample in enumerate(samples):
        read_blind(stored(site, number, sample), reader, sample)
    unasked = stored(site, len(samples), samples[0])
    Patient.objects.filter(pk=unasked.patient_id).update(may_teach=None)
    read_blind(unasked, reader, samples[0])
    _freeze(home)


def stored(site: "Site", number: int, sample: "Sample") -> "Study":
    """A consented study of one woman, with the phantom's picture, as the machine has read it."""
    import cv2

    from deeppcos.app.web.models import Assessment, Image, ImageKind, Patient, Study

    patient = Patient.objects.create(site=site, identifier=f"MRN-{number}", may_teach=True)
    study = Study.objects.create(site=site, patient=patient, accession=f"ACC-{number}", chart={})
    height, width = sample.raw_grey.shape
    image = Image.objects.create(
        study=study, name="p.png", stored_as="p.png", sha256=f"{number:064d}", size_bytes=1,
        kind=ImageKind.STILL, frame_count=1, height=height, width=width, is_ready=True,
        tissue_region=[0, 0, width, height],
    )  # fmt: skip
    image.frame_path(0).parent.mkdir(parents=True)
    cv2.imwrite(str(image.frame_path(0)), sample.raw_grey)
    Assessment.objects.create(study=study, number=1, document={}, chart={}, release="made-up-1")
    return study


def read_blind(study: "Study", reader: "User", sample: "Sample") -> None:
    """A finished blind reading of everything the phantom holds."""
    import numpy as np
    from django.utils import timezone

    from deeppcos.app.desk.marks.edits import Delta
    from deeppcos.app.desk.marks.edits import Edit as MarkEdit
    from deeppcos.app.desk.marks.mark import Mark, MarkKind
    from deeppcos.app.desk.marks.wire import edit_json
    from deeppcos.app.web.models import Edit, MarkSet, Purpose
    from deeppcos.learning.sources.outlines import outer_border
    from deeppcos.vision.geometry import polygon_of, simplified

    assert sample.ovary is not None
    border = np.array(simplified(polygon_of(outer_border(sample.ovary))))
    outlines = [(MarkKind.OVARY, border)]
    outlines += [(MarkKind.UNSIZED, mark.polygon) for mark in sample.readings["truth"]]
    marks = MarkSet.objects.create(
        study=study, base=study.assessments.get(), reader=reader, reader_role="clinician",
        purpose=Purpose.SECOND_READING, is_blinded=True, machine_shown_first=False, version=1,
        finished_at=timezone.now(), seconds_spent=60.0,
    )  # fmt: skip
    image = study.images.get()
    adds = tuple(
        Mark(id=f"r{uuid4()}", kind=kind, polygon=tuple((float(x), float(y)) for x, y in polygon))
        for kind, polygon in outlines
    )
    edit = MarkEdit(
        id=str(uuid4()), delta=Delta.MISSED, picture=str(image.pk), frame=0, adds=adds,
        seconds=60.0, at=datetime.now(UTC), machine_marks_seen=False,
    )  # fmt: skip
    Edit.objects.create(
        mark_set=marks, reader=reader, number=1, client_id=edit.id, kind=edit.delta.value,
        image=image, frame=0, content=edit_json(edit), made_at=edit.at,
    )  # fmt: skip


def _freeze(home: Path) -> None:
    """Put ten women and two photographs aside, with their pictures beside the data folder."""
    from deeppcos.app.web.learning.exporting import export
    from deeppcos.app.web.learning.training import frozen_file
    from deeppcos.learning.feedback.labels import write_consensus
    from deeppcos.learning.gate.frozen import freeze
    from deeppcos.learning.pool import gather

    export(home / "readings", by=None)
    write_consensus(home / "readings", home / "test-labels")
    samples = gather(home / "test-labels", synthetic=0)
    own = [sample for sample in samples if sample.source == "reviewed"][:TESTED]
    foreign = [sample for sample in samples if sample.kind == "foreign"][:2]
    frozen = freeze([*own, *foreign], name="phantoms", frozen_on="2026-01-05", frozen_by="a")
    frozen_file().parent.mkdir()
    frozen_file().write_text(frozen.model_dump_json(by_alias=True), encoding="utf-8")


def ask(home: Path) -> None:
    """An administrator asks for a candidate, as the page does."""
    from deeppcos.app.web import preparing

    preparing.set_up_django(home)
    from deeppcos.app.web.learning.training_job import CandidateAsked, ask_to_train
    from deeppcos.app.web.models import User

    asked = CandidateAsked(
        name="site-1", steps=STEPS, batch=BATCH, drawn_scenes=DRAWN, others_are_drawn=True
    )
    ask_to_train(asked, by=User.objects.get(username="root"))


if __name__ == "__main__":
    prepare(Path(os.environ["DEEPPCOS_HOME"]))
    ask(Path(os.environ["DEEPPCOS_HOME"]))
