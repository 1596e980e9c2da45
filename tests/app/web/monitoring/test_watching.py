"""The watch of a site: what is taken down, alarms raised once, mailed, and acknowledged."""

import datetime
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings
from tests.app.web.conftest import ClientOf, MakeUser
from tests.app.web.monitoring.conftest import add_readings
from tests.app.web.monitoring.mailbox import Mailbox, mailbox_for
from tests.app.web.viewer.conftest import correction

from deeppcos.app.web import audit
from deeppcos.app.web.models import (
    AuditEvent,
    DriftAlarm,
    Grant,
    Role,
    Site,
    Study,
    User,
    WatchReading,
    WatchWindow,
)
from deeppcos.app.web.monitoring import mailing, watching
from deeppcos.app.web.monitoring.observing import observe
from deeppcos.app.web.monitoring.views import MOST_UNFOLDED
from deeppcos.app.web.monitoring.waiting import waiting_alarms
from deeppcos.errors import ContractBroken, InvalidInput, TemporaryFailure


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    with mailbox_for(settings, "physicist@example.org") as box:
        yield box


def say_new_scanner(site: Site) -> None:
    add_readings(site, 25, days_ago=1, seed=2, scanner="Mindray Resona")


def test_the_first_reading_of_a_woman_is_taken_down(analysed_study: Study, site: Site) -> None:
    assert observe(site) == 1
    facts = WatchReading.objects.get().facts
    assert facts["has_scale"] is True
    assert facts["depth_mm"] == pytest.approx(48.0)
    assert 35 < facts["brightness"] < 55
    assert facts["status"] == analysed_study.status
    assert "scanner" not in facts, "unknown is not observed"


def test_a_woman_is_taken_down_once(analysed_study: Study, site: Site) -> None:
    observe(site)
    before = WatchReading.objects.get().facts
    machines = analysed_study.assessments.get()
    machines.pk, machines.number = None, 2
    Study.objects.filter(pk=analysed_study.pk).update(analysed_at=timezone.now())
    assert observe(site) == 0
    assert WatchReading.objects.get().facts == before


def test_the_example_is_not_watched(analysed_study: Study, site: Site) -> None:
    Study.objects.filter(pk=analysed_study.pk).update(is_example=True)
    assert observe(site) == 0


def test_a_signature_says_what_was_corrected(
    analysed_study: Study, site: Site, clinician_client: Client
) -> None:
    observe(site)
    assert WatchReading.objects.get().reader_at is None
    image = analysed_study.images.get(name="left.png")
    extra = correction(image, "extra", removes=[f"m:{image.pk}:0:o0f0"])
    answer = clinician_client.post(
        reverse("viewer:edits", args=[analysed_study.pk]),
        {"base_version": 0, "edits": [extra]},
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content
    sign(analysed_study, clinician_client)
    observe(site)
    facts = WatchReading.objects.get().reader_facts
    # Six follicles of 0.8 on two stills, five of them kept.
    assert facts["edits"] == 1
    assert facts["calibration"] == pytest.approx(5 / 6 - 0.8)


def sign(study: Study, client: Client) -> None:
    client.get(reverse("signoff:sign", args=[study.pk]))
    newest = study.assessments.order_by("number").last()
    assert newest is not None
    form = {"assessment": newest.number, "role": "gynaecologist", "looked": "on"}
    assert client.post(reverse("signoff:sign", args=[study.pk]), form).status_code == 302


def test_a_new_scanner_raises_one_alarm_and_a_second_look_none(
    window: WatchWindow, site: Site
) -> None:
    say_new_scanner(site)
    first = watching.look(site)
    watching.look(site)
    assert "scanner" in {alarm.signal for alarm in first.open_alarms}
    assert DriftAlarm.objects.filter(signal="scanner").count() == 1
    assert (
        AuditEvent.objects.filter(action="monitoring.alarm", detail__signal="scanner").count() == 1
    )


def test_without_a_change_nothing_alarms(window: WatchWindow, site: Site) -> None:
    add_readings(site, 60, days_ago=2, seed=5)
    assert watching.look(site).alarms == ()


def test_a_window_keeps_its_values_when_a_study_goes(window: WatchWindow, site: Site) -> None:
    say_new_scanner(site)
    before = watching.standing(site).states
    WatchReading.objects.filter(
        observed_at__lt=timezone.now() - datetime.timedelta(days=5)
    ).delete()
    assert watching.standing(site).states == before


def test_a_window_that_was_changed_in_the_data_base_is_not_used(
    window: WatchWindow, site: Site
) -> None:
    document = window.document | {"false_alarm_rate": 0.5}
    WatchWindow.objects.filter(pk=window.pk).update(document=document)
    with pytest.raises(ContractBroken, match="changed after it was frozen"):
        watching.look(site)


def test_a_window_is_never_saved_again(window: WatchWindow) -> None:
    with pytest.raises(TypeError, match="never changed"):
        window.save()


@pytest.mark.parametrize("name", ["", "   "], ids=["none", "blank"])
def test_a_window_needs_a_name(site: Site, clinician: User, name: str) -> None:
    day = timezone.localdate() - datetime.timedelta(days=1)
    with pytest.raises(InvalidInput, match="needs a name"):
        watching.name_window(site, name=name, first=day, last=day, by=clinician)


def test_a_window_that_is_not_over_is_refused(site: Site, clinician: User) -> None:
    day = timezone.localdate()
    with pytest.raises(InvalidInput, match="not over"):
        watching.name_window(site, name="now", first=day, last=day, by=clinician)


def test_an_alarm_is_acknowledged_once_and_by_name(
    window: WatchWindow, site: Site, clinician: User
) -> None:
    say_new_scanner(site)
    alarm = watching.look(site).open_alarms[0]
    watching.acknowledge(alarm, by=clinician, remark="New scanner since Monday, checked.")
    alarm.refresh_from_db()
    assert (alarm.acknowledged_by, alarm.remark[:3]) == (clinician, "New")
    assert AuditEvent.objects.filter(action="monitoring.acknowledged", actor=clinician).exists()
    with pytest.raises(InvalidInput, match="somebody else"):
        watching.acknowledge(alarm, by=clinician, remark="Again.")


def test_an_alarm_is_not_acknowledged_without_words(
    window: WatchWindow, site: Site, clinician: User
) -> None:
    say_new_scanner(site)
    alarm = watching.look(site).open_alarms[0]
    with pytest.raises(InvalidInput, match="what was found"):
        watching.acknowledge(alarm, by=clinician, remark="  ")


def test_an_alarm_is_mailed_once_and_names_no_patient(
    window: WatchWindow, site: Site, mailbox: Mailbox
) -> None:
    say_new_scanner(site)
    watching.look(site)
    assert mailing.send_unsent(site) >= 1
    assert mailing.send_unsent(site) == 0
    [mail] = mailbox.taken
    assert "To: physicist@example.org" in mail
    assert "Scanner" in mail
    assert "Riverside" in mail
    assert "W9-1-" not in mail
    assert not DriftAlarm.objects.filter(mailed_at=None).exists()


def test_a_mail_that_was_refused_is_tried_again(
    window: WatchWindow, site: Site, mailbox: Mailbox
) -> None:
    say_new_scanner(site)
    watching.look(site)
    mailbox.is_full = True
    with pytest.raises(TemporaryFailure, match="not taken"):
        mailing.send_unsent(site)
    assert DriftAlarm.objects.filter(mailed_at=None).exists()
    mailbox.is_full = False
    assert mailing.send_unsent(site) >= 1


def test_a_line_break_in_a_site_name_does_not_reach_the_head_of_a_mail(
    window: WatchWindow, site: Site, mailbox: Mailbox
) -> None:
    Site.objects.filter(pk=site.pk).update(name="Clinic\nBcc: all@example.org")
    site.refresh_from_db()
    say_new_scanner(site)
    watching.look(site)
    mailing.send_unsent(site)
    assert "\nBcc:" not in mailbox.taken[0].split("\r\n\r\n")[0]


def test_an_alarm_stands_beside_the_way_back_until_somebody_has_seen_it(
    window: WatchWindow, site: Site, clinician: User, administrator: User, client_of: ClientOf
) -> None:
    say_new_scanner(site)
    for alarm in watching.look(site).open_alarms:
        if alarm.signal != "scanner":
            watching.acknowledge(alarm, by=clinician, remark="by chance")
    releases = reverse("learning:releases")
    page = client_of(administrator).get(releases)
    assert page.context["reason"] == ("Alarm of the watch: Scanner changed at Riverside clinic.")
    assert "read by r-1" in page.content.decode()
    elsewhere = Site.objects.create(name="Hillside", slug="hillside")
    other = User.objects.create_user("otto", password="correct horse battery")
    Grant.objects.create(user=other, site=elsewhere, role=Role.ADMINISTRATOR)
    assert client_of(other).get(releases).context["alarms"] == ()
    alarm = DriftAlarm.objects.get(signal="scanner")
    watching.acknowledge(alarm, by=clinician, remark="New scanner.")
    assert client_of(administrator).get(releases).context["reason"] == ""


def test_an_alarm_of_an_older_window_is_nobodys_reason_any_more(
    window: WatchWindow, site: Site, clinician: User
) -> None:
    say_new_scanner(site)
    watching.look(site)
    assert waiting_alarms(None)
    day = timezone.localdate()
    watching.name_window(
        site, name="After it", first=day - datetime.timedelta(days=12),
        last=day - datetime.timedelta(days=1), by=clinician,
    )  # fmt: skip
    assert waiting_alarms(None) == ()


def test_another_site_sees_neither_page_nor_alarm(
    window: WatchWindow, site: Site, make_user: MakeUser, client_of: ClientOf
) -> None:
    say_new_scanner(site)
    alarm = watching.look(site).open_alarms[0]
    elsewhere = Site.objects.create(name="Hillside", slug="hillside")
    client = client_of(make_user("eve", Role.CLINICIAN, at=elsewhere))
    assert client.get(reverse("monitoring:site", args=[site.pk])).status_code == 404
    url = reverse("monitoring:acknowledge", args=[alarm.pk])
    assert client.post(url, {"remark": "mine"}).status_code == 404
    alarm.refresh_from_db()
    assert alarm.acknowledged_at is None


@pytest.mark.parametrize(
    ("role", "may_see", "may_name"),
    [
        (Role.CLINICIAN, True, False),
        (Role.RESEARCHER, True, True),
        (Role.SONOGRAPHER, False, False),
        (Role.ADMINISTRATOR, False, False),
    ],
    ids=lambda value: str(value),
)
def test_roles_are_kept_apart(
    site: Site, make_user: MakeUser, client_of: ClientOf, role: Role, may_see: bool, may_name: bool
) -> None:
    client = client_of(make_user("zoe", role))
    seen = client.get(reverse("monitoring:page")).status_code
    named = client.post(reverse("monitoring:window", args=[site.pk]), {}).status_code
    assert (seen == 200, named == 422) == (may_see, may_name)


def test_somebody_without_a_site_is_told_that_there_is_none(
    client_of: ClientOf, make_user: MakeUser, site: Site
) -> None:
    client = client_of(make_user("non"))
    assert client.get(reverse("monitoring:page")).status_code == 403


def test_the_page_shows_an_alarm_and_takes_its_acknowledgement(
    window: WatchWindow, site: Site, clinician_client: Client
) -> None:
    say_new_scanner(site)
    clinician_client.post(reverse("monitoring:look", args=[site.pk]))
    text = clinician_client.get(reverse("monitoring:page")).content.decode()
    assert "Scanner: changed" in text
    assert "Mindray Resona" in text
    alarm = DriftAlarm.objects.get(signal="scanner")
    url = reverse("monitoring:acknowledge", args=[alarm.pk])
    assert clinician_client.post(url, {"remark": ""}).status_code == 422
    assert clinician_client.post(url, {"remark": "Looked into it."}).status_code == 302
    assert "Looked into it." in clinician_client.get(reverse("monitoring:page")).content.decode()


def test_of_many_alarms_the_cause_stands_first_and_alone_unfolded(
    window: WatchWindow, site: Site, clinician_client: Client
) -> None:
    add_readings(site, 30, days_ago=1, seed=2, scanner="Mindray Resona", more=25)
    DriftAlarm.objects.create(
        window=window, signal="edits", crossed_at=timezone.now(),
        detail={"before": "median 1", "now": "median 4", "women": 20},
    )  # fmt: skip
    clinician_client.post(reverse("monitoring:look", args=[site.pk]))
    page = clinician_client.get(reverse("monitoring:page"))
    told = [(one["alarm"].signal, one["is_unfolded"]) for one in page.context["alarms"]]
    assert told[0] == ("scanner", True)
    assert len(told) > MOST_UNFOLDED
    assert not any(is_unfolded for _, is_unfolded in told[1:])
    assert page.content.decode().count('<details class="alarm" open>') == 1


def test_a_window_is_named_on_the_page(
    site: Site, make_user: MakeUser, client_of: ClientOf
) -> None:
    add_readings(site, 40, days_ago=5)
    client = client_of(make_user("rosa", Role.RESEARCHER))
    day = timezone.localdate()
    form = {
        "name": "Spring",
        "first": str(day - datetime.timedelta(days=8)),
        "last": str(day - datetime.timedelta(days=1)),
        "rate": "0.01",
    }
    url = reverse("monitoring:window", args=[site.pk])
    assert client.post(url, form | {"last": "2020-01-01"}).status_code == 422
    assert client.post(url, form).status_code == 302
    assert WatchWindow.objects.get().document["false_alarm_rate"] == 0.01


def test_groups_under_ten_women_are_withheld_on_the_page(
    window: WatchWindow, site: Site, clinician_client: Client
) -> None:
    add_readings(site, 5, days_ago=3, seed=9, scanner="Rarewave One")
    add_readings(site, 5, days_ago=2, seed=8)
    text = clinician_client.get(reverse("monitoring:page")).content.decode()
    row = text.split("Rarewave")[-1][:120]
    assert "withheld" in row


def test_sites_are_compared_with_those_a_person_may_see(
    window: WatchWindow, site: Site, clinician: User, client_of: ClientOf
) -> None:
    hers, others = (
        Site.objects.create(name=name, slug=name.lower()) for name in ("Hillside", "Lakeside")
    )
    Grant.objects.create(user=clinician, site=hers, role=Role.CLINICIAN)
    for number, one in enumerate((hers, others)):
        add_readings(one, 20, days_ago=4 + number)
    page = client_of(clinician).get(reverse("monitoring:site", args=[site.pk]))
    [by_site] = [one for one in page.context["tables"] if one.title == "Site"]
    assert {row.group: row.women for row in by_site.rows} == {
        "Hillside": 20,
        "Riverside clinic": 60,
    }


def test_every_alarm_leaves_the_trail_whole(
    window: WatchWindow, site: Site, clinician: User
) -> None:
    from deeppcos.app.desk.audit_chain import problems_of
    from deeppcos.app.web.models import AuditHead

    say_new_scanner(site)
    for alarm in watching.look(site).open_alarms:
        watching.acknowledge(alarm, by=clinician, remark="seen")
    chain = [(audit.as_event(row), row.hash) for row in AuditEvent.objects.all()]
    head = AuditHead.objects.get()
    assert list(problems_of(chain, head_number=head.number, head_hash=head.hash)) == []
