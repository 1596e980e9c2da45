"""The page of training in a browser, in every state it has."""

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from django.urls import reverse
from tests.app.web.conftest import MakeUser, SignIn
from tests.app.web.learning.doing import frozen_here
from tests.app.web.learning.phantom_desk import read_blind, stored
from tests.app.web.looking import problems_of

from deeppcos.app.web.learning.training import (
    frozen_file,
    gathered_set,
    read_site_frozen,
    training_place,
)
from deeppcos.app.web.models import Job, JobState, Patient, Role, Site
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.learning.site.fitness import LEAST_PATIENTS
from deeppcos.learning.site.start import CANDIDATE, Asking, begin
from deeppcos.vision.release import SHIPPED

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

PAGE = "learning:training"


def drawn(number: int) -> Sample:
    """An ellipse with a follicle in noise: drawn in a moment, unlike a phantom."""
    grey = np.random.default_rng(number).integers(0, 120, (120, 160), dtype=np.uint8)
    y, x = np.mgrid[:120, :160]
    ovary = ((x - 80) / 55) ** 2 + ((y - 60) / 40) ** 2 < 1
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    polygon = np.stack([80 + 9 * np.cos(turns), 60 + 9 * np.sin(turns)], 1).astype(np.float32)
    return Sample(
        name=str(number), source="x", group=str(number), kind="ovary", grey=grey, raw_grey=grey,
        ovary=ovary, lesion=None, subgroup="x",
        readings={"truth": (FollicleMark(polygon=polygon, is_sure=True),)},
    )  # fmt: skip


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_page_of_training_holds_wcag_and_fits_every_screen_in_every_state(
    page: "Page", live_server: "LiveServer", sign_in: SignIn, make_user: MakeUser, site: Site,
) -> None:  # fmt: skip
    administrator, reader = make_user("ada", Role.ADMINISTRATOR), make_user("bo", Role.CLINICIAN)
    sign_in(page, administrator)

    def looked(state: str) -> list[str]:
        return problems_of(page, live_server.url, {f"training {state}": reverse(PAGE)})

    wrong = looked("of an empty desk")
    for number in range(LEAST_PATIENTS + 2):
        read_blind(stored(site, number, drawn(number)), reader, drawn(number))
    Patient.objects.filter(identifier="MRN-0").update(may_teach=None)
    frozen_here()
    wrong += looked("ready to begin")
    page.get_by_label("Name of the candidate").fill("site-1")
    page.get_by_label("Every picture is of one kind.").check()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("heading", name="site-1 waits to be trained").wait_for()
    job = Job.objects.filter(kind="train")
    job.update(state=JobState.RUNNING, done=80, total=200, message="training|80|200|60")
    page.get_by_text("Step 80 of at most 200").wait_for()
    wrong += looked("running")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("heading", name="stops at its next checkpoint").wait_for()
    # The tests' data base lies in memory: a page that asks on meets a locked table.
    page.goto("about:blank")
    job.update(state=JobState.CANCELLED)
    finished()
    page.goto(live_server.url + reverse(PAGE))
    page.get_by_role("button", name="Go on").wait_for()
    job.update(state=JobState.DONE)
    wrong += looked("done")
    job.update(state=JobState.FAILED, problem="run/checkpoint.pt: damaged checkpoint; remove it")
    wrong += looked("failed")
    assert json.dumps(wrong, indent=1) == "[]"


def finished() -> None:
    """A candidate that was trained, and one that was only begun."""
    learned = gathered_set(read_site_frozen(frozen_file()), by=None, clean=False)
    for name in ("site-1", "site-2"):
        asking = Asking(name=name, training_set=learned.name, frozen=str(frozen_file()))
        begin(training_place() / name, asking, release=SHIPPED)
    place = training_place() / "site-1"
    shutil.copytree(place / "start", place / CANDIDATE)
