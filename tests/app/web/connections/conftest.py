"""A desk that is connected: files of peers, a study with DICOM images, a read and a signed one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from tests.records.dicom_results.conftest import assessment as assessment_of
from tests.records.dicom_results.conftest import circle, write_image

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.sending import Answer
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.asking import note_reading
from deeppcos.app.web.models import Assessment, Patient, Site, Study, User
from deeppcos.app.web.signoff.signing import Wanted, sign_study
from deeppcos.app.web.studies.analysis import store_assessment
from deeppcos.app.web.studies.storing import keep_file
from deeppcos.records.assessment_document import (
    FollicleRecord,
    FrameRecord,
    OvaryRecord,
    PixelScale,
    SectionCount,
)

PEERS = """
[identity]
issuer = "RIVERSIDE"
[peers.pacs]
kind = "dicom"
host = "127.0.0.1"
port = 9
ae_title = "PACS"
timeout_s = 2
worklist = true
[peers.ehr]
kind = "fhir"
url = "http://127.0.0.1:9/fhir"
timeout_s = 2
patient_system = "urn:ward"
[peers.engine]
kind = "hl7"
host = "127.0.0.1"
port = 9
timeout_s = 2
[[rules]]
when = "analysed"
send = "report"
to = "pacs"
[[rules]]
when = "signed"
send = ["segmentation", "report", "ob_gyn_report", "pdf", "key_objects"]
to = "pacs"
[[rules]]
when = "signed"
send = "fhir"
to = "ehr"
[[rules]]
when = "signed"
send = "hl7"
to = "engine"
[listeners.dicom]
port = 0
host = "127.0.0.1"
quiet_s = 0
"""

Connect = Callable[..., Outbox]
MakeImages = Callable[..., list[Path]]


@pytest.fixture
def connect() -> Connect:
    """Write ``connections.toml``; gives the outbox."""

    def written(text: str = PEERS) -> Outbox:
        path = Path(settings.DEEPPCOS_HOME) / "connections.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return places.outbox()

    return written


@pytest.fixture
def make_images(tmp_path: Path) -> MakeImages:
    """Write stills of one study as a scanner would send them."""

    def made(count: int = 2, *, first: int = 1, **tags: Any) -> list[Path]:
        folder = tmp_path / "scanner"
        folder.mkdir(exist_ok=True)
        sides = ("L", "R")
        return [
            write_image(folder / f"{n}.dcm", number=n, side=sides[(n - 1) % 2], **tags)
            for n in range(first, first + count)
        ]

    return made


@pytest.fixture
def dicom_study(site: Site, make_images: MakeImages) -> Study:
    """A study with two DICOM stills that nobody has read."""
    patient = Patient.objects.create(site=site, identifier="P-1", name="Jane Doe")
    study = Study.objects.create(site=site, patient=patient, accession="A-77")
    for path in make_images():
        keep_file(study, path, name=path.name)
    return study


def read_by_machine(study: Study) -> Assessment:
    """What a machine might have said of the study's stills; noted as a reading is."""
    images = list(study.images.all())
    frames = [_frame(image.name) for image in images]
    document = assessment_of([image.original for image in images], frames)
    text = document.model_dump_json()
    for image in images:
        text = text.replace(json.dumps(str(image.original))[1:-1], image.name)
    made = store_assessment(study, json.loads(text), made_by=None)
    for image in images:
        study.images.filter(pk=image.pk).update(
            is_ready=True, kind="still", frame_count=1, side="", width=83, height=61
        )
    note_reading(made)
    return made


def sign(study: Study, by: User, *, because: str = "") -> Any:
    """Sign the newest assessment."""
    newest = study.assessments.last()
    assert newest is not None
    wanted = Wanted(assessment_number=newest.number, role="gynaecologist", because=because)
    return sign_study(study, wanted, signer=by)


def take_all(peer: Any, files: Any) -> Answer:
    """A peer that takes everything."""
    return Answer(is_taken=True, words="taken")


EVERYBODY_TAKES = {"dicom": take_all, "dicomweb": take_all, "fhir": take_all, "hl7": take_all}


def _frame(source: str) -> FrameRecord:
    follicle = FollicleRecord(
        polygon=circle(40, 30, 8), probability=0.9, mean_diameter_mm=4.8, kind="antral"
    )
    ovary = OvaryRecord(
        polygon=circle(40, 30, 25),
        probability=0.97,
        follicle_count_section=SectionCount(value=1, low=0, high=4),
        follicles=[follicle],
        length_mm=15.0,
        width_mm=14.0,
        area_mm2=170.0,
    )
    return FrameRecord(
        source=source,
        frame=0,
        width=83,
        height=61,
        mm_per_pixel=PixelScale(x=0.3, y=0.3, source="dicom_regions"),
        assessable=True,
        ovaries=[ovary],
    )
