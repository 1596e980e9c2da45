"""The whole road: 30 studies, three readers, one careless, to a promotion, an alarm and back.

Training is stood in for: the better candidate has the shipped network's answers under other bytes,
the worse one thresholds that hide follicles. Everything else is the real thing: DICOM stills of
phantoms uploaded and read by the worker, readings in the data base, adjudication through the page,
the export, the consensus, the gate on a frozen test set, two administrators, the watch, its mail
through a socket, and the way back.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings
from tests.app.releases.made_up import candidate_in
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.learning.arriving import arrive, dicom_of, turned_down
from tests.app.web.monitoring.mailbox import mailbox_for

from deeppcos.app.desk.marks.edits import Delta
from deeppcos.app.desk.marks.edits import Edit as MarkEdit
from deeppcos.app.desk.marks.mark import Mark, MarkKind
from deeppcos.app.desk.marks.wire import edit_json
from deeppcos.app.releases import history, promotion
from deeppcos.app.web import jobs
from deeppcos.app.web.learning.adjudicating import TOGETHER, cases_of, studies_to_settle
from deeppcos.app.web.learning.exporting import UNSETTLED, export
from deeppcos.app.web.learning.pseudonyms import pseudonyms
from deeppcos.app.web.models import (
    Assessment,
    AuditEvent,
    DriftAlarm,
    Edit,
    MarkSet,
    Purpose,
    Role,
    Site,
    Study,
    User,
)
from deeppcos.app.web.served import shelf
from deeppcos.app.web.trail.verifying import verify
from deeppcos.errors import InvalidInput
from deeppcos.learning.feedback.agreement import agreement_of_readers, pair_rows
from deeppcos.learning.feedback.labels import write_consensus
from deeppcos.learning.gate.decide import Contest, contestant, decide, write_report
from deeppcos.learning.gate.frozen import freeze
from deeppcos.learning.gate.plan import default_plan
from deeppcos.learning.gate.report import GateReport
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.outlines import outer_border
from deeppcos.learning.sources.reviewed import read_reviewed
from deeppcos.learning.sources.reviewed_document import load_reviewed
from deeppcos.learning.sources.synthetic import draw_synthetic
from deeppcos.learning.train.config import fingerprint
from deeppcos.vision.geometry import polygon_of, simplified
from deeppcos.vision.release import MANIFEST_FILE, SHIPPED, read_manifest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

STUDIES, LATER, SEED = 30, 20, 9
"""Ties of the watch hang on primary keys: ten women alarm in 7 of 10 data bases, twenty in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A scanner and how it is set."""

    scanner: tuple[str, str]
    turned_down_db: float = 0.0


USUAL = Machine(scanner=("Kestrel", "K7"))
DARKER = Machine(scanner=("Merlin", "M2"), turned_down_db=8.0)
Outlines = list[tuple[MarkKind, np.ndarray]]


def scanned(site: Site, sample: Sample, machine: Machine, *, sender: Client) -> Study:
    """A consented woman whose phantom a machine has written and the desk has read."""
    grey = turned_down(sample.raw_grey, by_db=machine.turned_down_db)
    name = f"{sample.name.removeprefix('synthetic/')}-{machine.scanner[1]}"
    return arrive(site, name, dicom_of(grey, scanner=machine.scanner), sender=sender)


def name_what_was_usual(site: Site, researcher: Client) -> None:
    """Name the thirty women as usual. The calendar is turned back for it, and nothing else."""
    long_ago = timezone.now() - timedelta(days=9)
    Assessment.objects.filter(study__site=site).update(made_at=long_ago)
    form = {
        "name": "First weeks",
        "first": str(timezone.localdate() - timedelta(days=12)),
        "last": str(timezone.localdate() - timedelta(days=7)),
        "rate": "0.05",
    }
    window = reverse("monitoring:window", args=[site.pk])
    assert researcher.post(window, form).status_code == 302


def go_back_upon_the_alarm(
    site: Site, researcher: Client, administrator: Client, settings: Settings
) -> None:
    """The watch alarms on its page and by mail, and whoever can go back does, and says why."""
    with mailbox_for(settings, "physicist@example.org") as box:
        look = reverse("monitoring:look", args=[site.pk])
        assert "Scanner: changed" in researcher.post(look, follow=True).content.decode()
    [mail] = box.taken
    assert "Scanner" in mail
    assert "read by better" in mail
    assert not [word for word in ("MRN", "ACC", "PHANTOM") if word in mail]
    page = administrator.get(reverse("learning:releases"))
    assert "Scanner changed at Riverside clinic" in page.context["reason"]
    why = {"why": page.context["reason"]}
    assert administrator.post(reverse("learning:rollback"), why).status_code == 302
    alarm = DriftAlarm.objects.get(signal="scanner")
    assert alarm.detail["women"] <= LATER
    said = {"remark": "A new scanner since Monday; the earlier release reads until it is checked."}
    seen = reverse("monitoring:acknowledge", args=[alarm.pk])
    assert researcher.post(seen, said).status_code == 302


def truth(sample: Sample) -> Outlines:
    """The phantom's ovary and follicles."""
    assert sample.ovary is not None
    follicles = [(MarkKind.UNSIZED, m.polygon) for m in sample.readings["truth"]]
    # A reader's outline has dozens of corners, not one a pixel.
    border = np.array(simplified(polygon_of(outer_border(sample.ovary))))
    return [(MarkKind.OVARY, border), *follicles]


def careless(sample: Sample) -> Outlines:
    """Small circles all over the picture instead of the follicles."""
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    height, width = sample.raw_grey.shape
    made: Outlines = []
    for x, y in np.random.default_rng(3).uniform(0.2, 0.8, (8, 2)) * (width, height):
        made.append((MarkKind.UNSIZED, np.stack([x + 6 * np.cos(turns), y + 6 * np.sin(turns)], 1)))
    return truth(sample)[:1] + made


def read(study: Study, reader: User, outlines: Outlines) -> None:
    """A finished blind reading as the viewer keeps it."""
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


@pytest.fixture(autouse=True)
def _no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heart beats in a thread of its own, which sees no row of a test's transaction."""
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 3600.0)


def frozen_pictures() -> list[Sample]:
    """Phantoms of other women: two pictures a patient, a third without any ovary."""
    drawn = draw_synthetic(count=20, seed=5)
    return [
        replace(one, name=f"t{n:02}", group=f"test patient {n // 2}") for n, one in enumerate(drawn)
    ]


def candidate(
    tmp_path: Path, name: str, learned: Sequence[Sample], **points: float
) -> tuple[Path, GateReport]:
    """A release on disk that says what it learned from, with the gate's real report beside it."""
    folder = candidate_in(tmp_path, name)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    manifest["training"] = {"samples": fingerprint(learned)}
    manifest["operating_points"].update(points)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    pictures = frozen_pictures()
    report = decide(
        Contest(
            current=contestant(shelf().current_place()),
            candidate=contestant(folder),
            # Timing aside: tests share a machine.
            plan=default_plan(written_by=("a", "b"), written_on="2026-01-05").model_copy(
                update={"most_seconds_ratio": 1000.0, "bootstrap_rounds": 200}
            ),
            frozen=freeze(pictures, name="t", frozen_on="2026-01-05", frozen_by="a"),
            test=pictures,
            training=learned,
            command="deeppcos learn gate",
        )
    )
    write_report(report, folder)
    return folder, report


def test_from_corrections_to_a_promotion_an_alarm_and_back(
    site: Site, make_user: MakeUser, client_of: ClientOf, settings: Settings, tmp_path: Path
) -> None:
    drawn = draw_synthetic(count=90, seed=SEED)
    samples = [s for s in drawn if len(s.readings.get("truth", ())) >= 3][:STUDIES]
    assert len(samples) == STUDIES
    desk = client_of(make_user("sona", Role.SONOGRAPHER))
    studies = [scanned(site, one, USUAL, sender=desk) for one in samples]
    readers = [make_user(name, Role.CLINICIAN) for name in ("bo", "cy", "di")]
    for number, (study, sample) in enumerate(zip(studies, samples, strict=True)):
        read(study, readers[0], truth(sample))
        read(study, readers[1], truth(sample))
        read(study, readers[2], careless(sample) if number % 3 == 0 else truth(sample))

    # Contradictions stay here until somebody who took no part has settled them.
    assert export(tmp_path / "early", by=None).left_out == {UNSETTLED: 10}
    adjudicator = make_user("eve", Role.CLINICIAN)
    waiting = studies_to_settle(adjudicator, pseudonyms())
    assert len(waiting) == 10
    for study, _ in waiting:
        (case,) = cases_of(study, pseudonyms())
        form = {f"choice:{case.key}": TOGETHER, f"seal:{case.key}": case.seal}
        page = reverse("learning:settle", args=[study.pk])
        assert client_of(adjudicator).post(page, form).status_code == 302

    done = export(tmp_path / "export", by=None)
    assert (done.studies, done.patients, done.left_out) == (30, 30, {})
    seen = agreement_of_readers(pair_rows(load_reviewed(tmp_path / "export")), rounds=50)
    scores = sorted(one.f1.value or 0.0 for one in seen)
    assert scores[0] < scores[1] - 0.1, "the careless reader stands out"
    assert write_consensus(tmp_path / "export", tmp_path / "labels") == (30, 30)
    learned = read_reviewed(tmp_path / "labels")
    outlines = sum(len(marks) for one in learned for marks in one.readings.values())
    assert outlines == sum(len(sample.readings["truth"]) for sample in samples)

    worse, refused = candidate(tmp_path, "worse", learned, follicle_top=0.995)
    assert not refused.is_passed
    better, passed = candidate(tmp_path, "better", learned)
    assert passed.is_passed, [q for q in passed.questions if not q.is_passed]
    for folder in (worse, better):
        promotion.add_candidate(shelf(), folder, by="Terry Trainer")
    one, two = (client_of(make_user(n, Role.ADMINISTRATOR)) for n in ("root", "ruth"))
    said = {"has_read": "yes"}
    assert one.post(reverse("learning:approve", args=["worse"]), said).status_code == 400
    for client in (one, two):
        assert client.post(reverse("learning:approve", args=["better"]), said).status_code == 302
    assert two.post(reverse("learning:promote", args=["better"])).status_code == 302
    assert shelf().current().name == "better"
    researcher = client_of(make_user("rosa", Role.RESEARCHER))
    name_what_was_usual(site, researcher)

    # The promoted release reads women with the same ovaries from another scanner, set darker.
    later = [scanned(site, one, DARKER, sender=desk) for one in samples[:LATER]]
    assert [study.assessments.get().release for study in later] == ["better"] * LATER
    go_back_upon_the_alarm(site, researcher, one, settings)
    assert shelf().current().name == "shipped"
    after = scanned(site, samples[LATER], DARKER, sender=desk)
    assert after.assessments.get().release == read_manifest(SHIPPED).name
    assert history.problems(shelf().folder) == []
    assert verify().is_whole
    told = set(AuditEvent.objects.values_list("action", flat=True))
    assert {
        "reading.settled",
        "learning.exported",
        "release.approved",
        "release.promoted",
        "monitoring.window_named",
        "monitoring.alarm",
        "monitoring.mailed",
        "monitoring.acknowledged",
        "release.rolled_back",
    } <= told
    with pytest.raises(InvalidInput):
        promotion.promote(shelf(), shelf().releases()[1], by="Dr Root (root)")
    assert (shelf().folder / "better").is_dir()
