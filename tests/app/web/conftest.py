"""Fixtures of the web room: people, a study read by a small made-up machine, a browser.

Everything lies in the test's own data folder; passwords are hashed quickly; nothing is shared.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django.fixtures import Settings

from deeppcos.app import workflow
from deeppcos.app.example_study import CHART_CONTENT
from deeppcos.app.web.models import (
    Assessment,
    Grant,
    Image,
    ImageKind,
    Patient,
    Role,
    Site,
    Study,
    User,
)
from deeppcos.app.web.studies.analysis import store_assessment
from deeppcos.records.assessment_document import (
    FollicleRecord,
    FrameRecord,
    OvaryRecord,
    PixelScale,
    SectionCount,
    Side,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

# Settings without a key refuse to be read, even by the fixture that would replace it.
django_settings.SECRET_KEY = "only-for-tests-" * 4

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
PASSWORD = "correct horse battery"
MM_PER_PIXEL = 0.2
FRAME_SIZE = (240, 320)
SIDES: dict[str, Side] = {"left": "left", "right": "right"}


@pytest.fixture(autouse=True)
def _own_installation(settings: Settings, tmp_path: Path) -> None:
    settings.DEEPPCOS_HOME = tmp_path / "home"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]


@pytest.fixture
def site(db: None) -> Site:
    return Site.objects.create(name="Riverside clinic", slug="riverside")


MakeUser = Callable[..., User]


@pytest.fixture
def make_user(site: Site) -> MakeUser:
    """Make an account with roles at a site; at ``site`` when none is named."""

    def make(name: str, *roles: Role, at: Site | None = None) -> User:
        user = User.objects.create_user(name, password=PASSWORD, full_name=f"Dr {name.title()}")
        for role in roles:
            Grant.objects.create(user=user, site=at or site, role=role)
        return user

    return make


@pytest.fixture
def clinician(make_user: MakeUser) -> User:
    return make_user("ada", Role.CLINICIAN)


@pytest.fixture
def sonographer(make_user: MakeUser) -> User:
    return make_user("sona", Role.SONOGRAPHER)


@pytest.fixture
def administrator(make_user: MakeUser) -> User:
    return make_user("root", Role.ADMINISTRATOR)


ClientOf = Callable[[User], Client]


@pytest.fixture
def client_of() -> ClientOf:
    """A client that is signed in as somebody and checks CSRF tokens like a browser."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def clinician_client(clinician: User, client_of: ClientOf) -> Client:
    return client_of(clinician)


@pytest.fixture
def patient(site: Site) -> Patient:
    return Patient.objects.create(site=site, identifier="MRN-1", name="Musterfrau, Erika")


@pytest.fixture
def study(site: Site, patient: Patient) -> Study:
    """A study that has arrived, with the example's chart and no file."""
    return Study.objects.create(
        site=site, patient=patient, accession="ACC-1", chart=dict(CHART_CONTENT)
    )


def add_image(study: Study, name: str, *, frames: int = 1, side: str = "") -> Image:
    """A stored, readable file of grey noise with its frames as pictures."""
    import cv2

    rng = np.random.default_rng(len(name) + frames)
    image = Image.objects.create(
        study=study,
        position=study.images.count(),
        name=name,
        stored_as=name,
        sha256=name.encode().hex().ljust(64, "0")[:64],
        size_bytes=1,
        kind=ImageKind.STILL if frames == 1 else ImageKind.SWEEP,
        side=side,
        frame_count=frames,
        height=FRAME_SIZE[0],
        width=FRAME_SIZE[1],
        mm_per_pixel_x=MM_PER_PIXEL,
        mm_per_pixel_y=MM_PER_PIXEL,
        scale_source="dicom_regions",
        is_ready=True,
    )
    for number in range(frames):
        path = image.frame_path(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = rng.integers(0, 90, FRAME_SIZE, dtype=np.uint8)
        cv2.imwrite(str(path), grey)
    return image


def frame_record(image: Image, frame: int = 0, *, follicles: int = 3) -> FrameRecord:
    """A frame with one ovary and a row of follicles of 6 mm in it."""
    return FrameRecord(
        source=image.name,
        frame=frame,
        width=FRAME_SIZE[1],
        height=FRAME_SIZE[0],
        mm_per_pixel=PixelScale(x=MM_PER_PIXEL, y=MM_PER_PIXEL, source="dicom_regions"),
        side=SIDES.get(image.side),
        assessable=True,
        ovaries=[
            OvaryRecord(
                polygon=ring(160, 120, 90, 60),
                probability=0.93,
                follicle_count_section=SectionCount(value=follicles, low=follicles, high=9),
                follicles=[
                    FollicleRecord(
                        polygon=ring(110 + 34 * number, 120, 15, 15),
                        probability=0.8,
                        mean_diameter_mm=6.0,
                        kind="antral",
                    )
                    for number in range(follicles)
                ],
                length_mm=36.0,
                width_mm=24.0,
                area_mm2=678.6,
            )
        ],
    )


def ring(x: float, y: float, across: float, down: float) -> list[tuple[float, float]]:
    """An ellipse as a polygon of 24 corners, pixels."""
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return [(x + across * float(np.cos(t)), y + down * float(np.sin(t))) for t in turns]


def made_up_document(study: Study, frames: list[FrameRecord]) -> dict[str, Any]:
    """What a machine might have said of the frames, with a real assessment of the chart."""
    import json

    said = workflow.assess_chart(json.dumps(study.chart))
    whole = said.model_copy(
        update={"frames": frames, "release": {"name": "made-up-1", "intended_use": "tests"}}
    )
    content: dict[str, Any] = whole.model_dump(mode="json")
    return content


@pytest.fixture
def analysed_study(study: Study) -> Study:
    """A study with a still of each side and a sweep of three frames, read and assessed."""
    images = [
        add_image(study, "left.png", side="left"),
        add_image(study, "right.png", side="right"),
        add_image(study, "sweep.mp4", frames=3, side="right"),
    ]
    frames = [frame_record(image, n) for image in images for n in range(image.frame_count or 0)]
    store_assessment(study, made_up_document(study, frames), made_by=None)
    return study


@pytest.fixture
def assessment(analysed_study: Study) -> Assessment:
    return analysed_study.assessments.get()


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Chromium, one for the session."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    from playwright.sync_api import sync_playwright

    # Playwright's loop runs in this thread; Django would take it for an async caller.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_OPTIONS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A fresh browser window of 1280 pixels that fails the test on any script error."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.set_default_timeout(15_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: problems.append(message.text) if _is_blocked(message.text) else None,
    )
    yield page
    context.close()
    assert problems == []


def _is_blocked(text: str) -> bool:
    """Whether the console says that the content policy refused something."""
    return "Content Security Policy" in text


SignIn = Callable[["Page", User], None]


@pytest.fixture
def sign_in(live_server: "LiveServer") -> SignIn:
    """Sign somebody in by giving the browser their session."""

    def signed_in(page: "Page", user: User) -> None:
        client = Client()
        client.force_login(user)
        page.context.add_cookies(
            [
                {
                    "name": "sessionid",
                    "value": client.cookies["sessionid"].value,
                    "url": live_server.url,
                }
            ]
        )

    return signed_in


@pytest.fixture
def server() -> Iterator[str]:
    """Address of an empty data base on a private PostgreSQL server."""
    from tests.app.web.postgresql import private_server

    with private_server() as address:
        yield address
