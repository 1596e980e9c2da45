"""Whatever changes something, shows a study or takes it away leaves an event in the trail.

Every address of the web room is walked. A new one that changes something, or shows a study,
fails here until it is named in one of the tables below.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
import pyotp
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.app.web.addresses import Address, addresses, values_for
from tests.app.web.conftest import PASSWORD, ClientOf, MakeUser
from tests.app.web.connections.doing import CONNECTED
from tests.app.web.learning.doing import LEARNED
from tests.app.web.monitoring.conftest import add_readings
from tests.app.web.research.recorded import RESEARCHED
from tests.app.web.smart.saying import read_before
from tests.app.web.viewer.conftest import correction, new_mark

from deeppcos.app.web import jobs
from deeppcos.app.web.accounts import second_factor
from deeppcos.app.web.accounts.invitations import invitation_path
from deeppcos.app.web.models import (
    ApiToken,
    AuditEvent,
    DriftAlarm,
    Job,
    PatientLink,
    Role,
    Study,
    User,
    WatchWindow,
)

NOT_ALLOWED = 405
NEW_PASSWORD = "a long way to the sea"

CHANGES_NOTHING = {
    "accounts:theme": "a cookie of the browser",
    "studies:chart-question": "asks whether a typed value is meant",
    "studies:chart-import": "fills the form; saving it is an event",
    "studies:chart-chosen": "fills the form; saving it is an event",
    "research:preview": "tells about how many, and keeps nothing",
    "viewer:outline": "proposes an outline; adding it is an event",
}
"""Addresses that take a form and store nothing."""

PARTS_OF_A_PAGE = {
    "learning:training-progress", "studies:progress", "studies:thumbnail", "viewer:manifest",
    "viewer:edits", "viewer:measures", "viewer:marks", "viewer:exact", "viewer:reel",
    "viewer:small", "viewer:plane", "viewer:saliency", "patient:preview",
    "patient:preview-picture",
}  # fmt: skip
"""What pages that are recorded themselves fetch."""


class World:
    """A clinic in which everything can be done."""

    def __init__(self, study: Study, user: User, client: Client, other: User) -> None:
        self.study, self.user, self.client, self.other = study, user, client, other

    def url(self, name: str, **more: object) -> str:
        values = values_for(self.study, self.user) | more
        takes = next(address.takes for address in addresses() if address.name == name)
        return reverse(name, kwargs={key: values[key] for key in takes})

    def post(self, name: str, fields: dict[str, Any] | None = None, **more: object) -> Any:
        return self.client.post(self.url(name, **more), fields or {})

    def sign(self) -> Any:
        newest = self.study.assessments.last()
        assert newest is not None
        form = {"assessment": newest.number, "role": "gynaecologist", "looked": "on"}
        return self.post("signoff:sign", form)

    def release(self) -> Any:
        self.sign()
        return self.post("patient:release", {"language": "en", "days": 30})

    def device(self, user: User) -> str:
        """A code of a confirmed device of somebody, of the step after it was confirmed."""
        factor = second_factor.new_device(user)
        totp = pyotp.TOTP(factor.secret)
        factor.confirmed_at, factor.last_step = user.date_joined, 0
        factor.save()
        return totp.now()


def picture() -> SimpleUploadedFile:
    grey = np.random.default_rng(7).integers(0, 255, (32, 48), dtype=np.uint8)
    return SimpleUploadedFile("new.png", cv2.imencode(".png", grey)[1].tobytes())


def edit(world: World) -> Any:
    image = world.study.images.get(name="left.png")
    added = correction(image, "missed", adds=[new_mark(60, 60)])
    body = json.dumps({"base_version": 0, "edits": [added]})
    url = world.url("viewer:edits")
    return world.client.post(url, body, content_type="application/json")


def sit(world: World) -> Any:
    told = {"id": str(uuid4()), "seconds": 4.2, "machine_marks_seen": True}
    url = world.url("viewer:sitting")
    return world.client.post(url, json.dumps(told), content_type="application/json")


def finish(world: World) -> Any:
    world.post("viewer:second")
    return world.client.post(world.url("viewer:finish") + "?as=second")


def save_chart(world: World) -> Any:
    from deeppcos.app.desk.chart_form import typed_form

    before = typed_form(world.study.chart)
    form = before | {"labs.tsh.value": "2.1", "labs.tsh.unit": "m[IU]/L"}
    said = {"version": world.study.version, "before": json.dumps(before)}
    return world.post("studies:chart", form | said)


def cancel(world: World) -> Any:
    job = jobs.ask("analyse", study=world.study)
    assert isinstance(job, Job)
    return world.post("studies:cancel", {"job": str(job.pk)})


def give_code(world: World) -> Any:
    code = world.device(world.other)
    client = Client()
    fields = {"username": world.other.username, "password": PASSWORD}
    client.post(reverse("accounts:sign-in"), fields)
    return client.post(reverse("accounts:second-factor"), {"code": code})


def set_up(world: World) -> Any:
    factor = second_factor.new_device(world.user)
    return world.post("accounts:set-up-second-factor", {"code": pyotp.TOTP(factor.secret).now()})


def join(world: World) -> Any:
    world.other.set_unusable_password()
    world.other.save()
    names = {"full_name": "Dr Bo", "username": "bo"}
    passwords = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    return Client().post(invitation_path(world.other), names | passwords)


def with_device(name: str) -> Callable[[World], Any]:
    def does(world: World) -> Any:
        world.device(world.user)
        return world.post(name, {"password": PASSWORD})

    return does


def take_back(world: World) -> Any:
    world.release()
    return world.post("patient:revoke", link_id=PatientLink.objects.get().pk)


def amend(world: World) -> Any:
    world.sign()
    return world.post("signoff:amend")


def make_token(world: World) -> Any:
    fields = {"name": "a program", "site": world.study.site_id, "scopes": ["read"], "days": 30}
    page = world.client.get(world.url("tokens:list"))
    scopes = page.context["form"].fields["scopes"].choices
    return world.post("tokens:list", fields | {"scopes": [scopes[0][0]]})


def revoke_token(world: World) -> Any:
    make_token(world)
    return world.post("tokens:revoke", token_id=ApiToken.objects.get().pk)


def open_again(world: World) -> Any:
    world.post("accounts:close", user_id=world.other.pk)
    return world.post("accounts:open-again", user_id=world.other.pk)


def change_password(world: World) -> Any:
    new = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    return world.post("accounts:change-password", {"old_password": PASSWORD} | new)


def unread(world: World) -> Study:
    """The study as if nothing of it had been read."""
    world.study.assessments.all().delete()
    world.study.images.update(is_ready=False)
    return world.study


def remove_file(world: World) -> Any:
    image = unread(world).images.get(name="left.png")
    return world.post("studies:remove-file", image_id=image.pk)


def withdraw(world: World) -> Any:
    image = world.study.images.get(name="left.png")
    fields = {"because": "shows another patient"}
    return world.post("studies:withdraw-picture", fields, image_id=image.pk)


def restore(world: World) -> Any:
    image = world.study.images.get(name="left.png")
    withdraw(world)
    return world.post("studies:restore-picture", image_id=image.pk)


def begin_from_record(world: World) -> Any:
    read_before(world.client)
    return world.post("smart:begin", {"site": world.study.site_id})


def remove_study(world: World) -> Any:
    unread(world)
    return world.post("studies:remove")


def name_window(world: World) -> Any:
    add_readings(world.study.site, 30, days_ago=3)
    days = {"first": "2020-01-01", "last": str(timezone.localdate() - timedelta(days=1))}
    return world.post("monitoring:window", {"name": "usual", "rate": "0.05"} | days)


def acknowledge_alarm(world: World) -> Any:
    name_window(world)
    window = WatchWindow.objects.get()
    alarm = DriftAlarm.objects.create(
        window=window, signal="count", crossed_at=timezone.now(), detail={"before": "median 5"}
    )
    return world.post("monitoring:acknowledge", {"remark": "seen"}, alarm_id=alarm.pk)


def roles(world: World) -> dict[str, Any]:
    return {f"site-{world.study.site_id}": ["researcher"]}


HOW: dict[str, Callable[[World], Any]] = {
    "studies:new": lambda world: world.post(
        "studies:new",
        {"identifier": "MRN-9", "name": "Doe, J", "urgency": "1", "site": world.study.site_id},
    ),
    "smart:begin": begin_from_record,
    "studies:files": lambda world: world.post("studies:files", {"files": [picture()]}),
    "studies:read": lambda world: world.post("studies:read"),
    "studies:cancel": cancel,
    "studies:take": lambda world: world.post("studies:take"),
    "studies:remove-file": remove_file,
    "studies:withdraw-picture": withdraw,
    "studies:restore-picture": restore,
    "studies:remove": remove_study,
    "studies:set-aside": lambda world: world.post("studies:set-aside"),
    "studies:side": lambda world: world.post("studies:side", {"side": "right"}),
    "studies:chart": save_chart,
    "assessment:use-profile": lambda world: world.post(
        "assessment:use-profile", {"profile": "rotterdam_2003"}
    ),
    "signoff:sign": World.sign,
    "signoff:amend": amend,
    "viewer:second": lambda world: world.post("viewer:second"),
    "viewer:edits": edit,
    "viewer:finish": finish,
    "viewer:sitting": sit,
    "patient:release": World.release,
    "patient:revoke": take_back,
    "tokens:list": make_token,
    "tokens:revoke": revoke_token,
    "accounts:sign-in": lambda world: Client().post(
        reverse("accounts:sign-in"), {"username": world.other.username, "password": PASSWORD}
    ),
    "accounts:sign-out": lambda world: world.post("accounts:sign-out"),
    "accounts:join": join,
    "accounts:second-factor": give_code,
    "accounts:set-up-second-factor": set_up,
    "accounts:recovery-codes": with_device("accounts:recovery-codes"),
    "accounts:remove-second-factor": with_device("accounts:remove-second-factor"),
    "accounts:change-password": change_password,
    "accounts:language": lambda world: world.post("accounts:language", {"language": "de"}),
    "accounts:invite": lambda world: world.post(
        "accounts:invite", {"full_name": "Bo"} | roles(world)
    ),
    "accounts:person": lambda world: world.post(
        "accounts:person", roles(world), user_id=world.other.pk
    ),
    "accounts:close": lambda world: world.post("accounts:close", user_id=world.other.pk),
    "accounts:open-again": open_again,
    "accounts:new-link": lambda world: world.post("accounts:new-link", user_id=world.other.pk),
    "accounts:forget-device": lambda world: world.post(
        "accounts:forget-device", user_id=world.other.pk
    ),
    "accounts:sites": lambda world: world.post("accounts:sites", {"name": "Hillside"}),
    "accounts:site": lambda world: world.post("accounts:site", {"name": "Riverside"}),
    "monitoring:look": lambda world: world.post("monitoring:look"),
    "monitoring:window": name_window,
    "monitoring:acknowledge": acknowledge_alarm,
    "trail:verify": lambda world: world.post("trail:verify"),
    **CONNECTED,
    **LEARNED,
    **RESEARCHED,
}
"""How each thing that changes something is done, once, so that it succeeds."""


@pytest.fixture
def world(analysed_study: Study, make_user: MakeUser, client_of: ClientOf) -> World:
    user = make_user("ada", *Role)
    other = make_user("bo", Role.SONOGRAPHER)
    return World(analysed_study, user, client_of(user), other)


def all_addresses() -> list[Address]:
    return sorted(set(addresses()), key=lambda address: address.name)


@pytest.mark.parametrize("name", sorted(HOW))
def test_what_changes_something_leaves_an_event(world: World, name: str) -> None:
    before = AuditEvent.objects.count()
    answer = HOW[name](world)
    assert answer.status_code < 400, answer.content.decode()[-2000:]
    assert AuditEvent.objects.count() > before


def test_every_other_address_takes_no_form(world: World) -> None:
    known = set(HOW) | set(CHANGES_NOTHING)
    others = [address.name for address in all_addresses() if address.name not in known]
    said = {name: world.client.post(world.url(name)).status_code for name in others}
    takers = [name for name, status in said.items() if status != NOT_ALLOWED]
    assert takers == [], "these take a form: say in HOW how it is done"


def test_what_shows_a_study_leaves_an_event(world: World) -> None:
    pages = [
        address.name
        for address in all_addresses()
        if "study_id" in address.takes and address.name not in PARTS_OF_A_PAGE
    ]
    silent = [name for name in pages if not leaves_an_event(world, name)]
    world.sign()
    silent += [name for name in pages if not leaves_an_event(world, name)]
    # The report's text is shown inside the report's page, which is recorded.
    assert set(silent) <= {"signoff:document"}


def leaves_an_event(world: World, name: str) -> bool:
    """Whether looking at a page was recorded, where there was something to see."""
    before = AuditEvent.objects.count()
    answer = world.client.get(world.url(name))
    answer.close()
    if answer.status_code != 200:
        return True
    event = AuditEvent.objects.last()
    is_new = AuditEvent.objects.count() > before
    return is_new and event is not None and event.about == f"study:{world.study.pk}"


def test_the_patients_own_reading_leaves_an_event(world: World) -> None:
    world.release()
    page = world.client.get(world.url("patient:share"))
    link = page.context["new_link"]
    before = AuditEvent.objects.count()
    assert Client().get(link).status_code == 200
    assert AuditEvent.objects.count() == before + 1
