"""Studies are read by the release that was promoted, and by one in shadow that nobody sees."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.app.releases.made_up import candidate_in

from deeppcos.app.releases.promotion import add_candidate, approve, promote
from deeppcos.app.releases.shadowing import summary
from deeppcos.app.releases.shelf import Pointer
from deeppcos.app.web import jobs
from deeppcos.app.web.models import Job, JobState, Study
from deeppcos.app.web.served import served_release, shelf
from deeppcos.learning.phantom import random_scene
from deeppcos.vision.release import SHIPPED, read_manifest


@pytest.fixture(autouse=True)
def _no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heart beats in a thread of its own, which sees no row of a test's transaction."""
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 3600.0)


@pytest.fixture
def candidate(db: None, tmp_path: Path) -> Pointer:
    return add_candidate(shelf(), candidate_in(tmp_path, "site-1"), by="trainer")


def read(study: Study, client: Client) -> Study:
    """Upload one phantom and have the worker read it."""
    scene = random_scene(np.random.default_rng([5, 1]))
    pixels = np.asarray(cv2.cvtColor(scene.pixels, cv2.COLOR_RGB2BGR))
    picture = SimpleUploadedFile("a.png", cv2.imencode(".png", pixels)[1].tobytes())
    client.post(f"/studies/{study.pk}/files/", {"files": [picture]})
    job = Job.objects.get(study=study, state=JobState.WAITING)
    jobs.run.func(str(job.pk))
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.problem
    return study


def test_until_one_is_promoted_the_shipped_release_reads(
    clinician_client: Client, study: Study
) -> None:
    read(study, clinician_client)
    assert study.assessments.get().release == read_manifest(SHIPPED).name


def test_a_promoted_release_reads_the_next_study_and_its_results_say_so(
    clinician_client: Client, study: Study, candidate: Pointer
) -> None:
    for person in ("Dr One", "Dr Two"):
        approve(shelf(), candidate, by=person)
    promote(shelf(), candidate, by="Dr One")
    read(study, clinician_client)
    assert study.assessments.get().release == "site-1"
    assert served_release().manifest.name == "site-1"


def test_a_release_in_shadow_is_compared_and_shown_nowhere(
    clinician_client: Client, study: Study, candidate: Pointer
) -> None:
    shelf().run_in_shadow(candidate)
    read(study, clinician_client)
    assert study.assessments.get().release == read_manifest(SHIPPED).name
    seen = summary(shelf(), "site-1")
    assert (seen.studies, seen.failures, seen.other_conclusions) == (1, 0, 0)
    assert seen.mean_change in (None, 0.0)
    page = clinician_client.get(f"/studies/{study.pk}/assessment/").content.decode()
    assert "site-1" not in page


def test_a_shadow_that_fails_costs_the_study_nothing(
    clinician_client: Client, study: Study, candidate: Pointer
) -> None:
    shelf().run_in_shadow(candidate)
    (shelf().folder / "site-1" / "seeing.onnx").write_bytes(b"torn")
    read(study, clinician_client)
    assert study.assessments.count() == 1
    assert summary(shelf(), "site-1").failures == 1
