"""Administrators invite, give roles, close accounts; and never lock everybody out."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from deeppcos.app.web.accounts import people
from deeppcos.app.web.accounts.people import Roles
from deeppcos.app.web.models import AuditEvent, Grant, Role, Site, User
from deeppcos.errors import InvalidInput

MakeUser = Callable[..., User]
ClientOf = Callable[[User], Client]
LINK = re.compile(r'value="(http://testserver/accounts/join/[^"]+)"')
JOINING = {
    "full_name": "Dr Grace Hopper",
    "username": "grace",
    "new_password1": "a long way to the sea",
    "new_password2": "a long way to the sea",
}


@pytest.fixture
def hillside(db: None) -> Site:
    return Site.objects.create(name="Hillside", slug="hillside")


def test_an_invited_person_joins_once_with_the_roles_that_were_ticked(
    administrator: User, client_of: ClientOf, site: Site, client: Client
) -> None:
    answer = client_of(administrator).post(
        reverse("accounts:invite"), {"full_name": "Grace", f"site-{site.pk}": ["clinician"]}
    )
    found = LINK.search(answer.content.decode())
    assert found is not None
    assert client.get(found[1]).status_code == 200
    assert client.post(found[1], JOINING).status_code == 302
    grace = User.objects.get(username="grace")
    assert list(grace.grants.values_list("role", "site__slug")) == [("clinician", "riverside")]
    assert client.get(reverse("worklist:list")).status_code == 200
    assert Client().get(found[1]).status_code == 410


def test_an_invitation_without_a_role_is_refused(administrator: User, client_of: ClientOf) -> None:
    answer = client_of(administrator).post(reverse("accounts:invite"), {"full_name": "Nobody"})
    assert "Choose at least one role" in answer.content.decode()
    assert not User.objects.filter(full_name="Nobody").exists()


def test_the_last_administrator_of_a_site_cannot_be_closed(administrator: User) -> None:
    with pytest.raises(InvalidInput, match="needs an administrator who can sign in"):
        people.close(administrator, administrator)
    administrator.refresh_from_db()
    assert administrator.is_active


def test_the_last_administrator_of_a_site_keeps_the_role(administrator: User, site: Site) -> None:
    wanted = [Roles(site=site, roles=frozenset({"clinician"}))]
    with pytest.raises(InvalidInput, match="needs an administrator who can sign in"):
        people.set_roles(administrator, administrator, wanted)
    assert [grant.role for grant in Grant.objects.filter(user=administrator)] == ["administrator"]


def test_an_administrator_who_has_not_joined_yet_does_not_count(
    administrator: User, site: Site
) -> None:
    wanted = [Roles(site=site, roles=frozenset({"administrator"}))]
    people.invite(administrator, "Second", wanted)
    with pytest.raises(InvalidInput, match="needs an administrator"):
        people.close(administrator, administrator)


def test_a_closed_account_is_out_at_once_and_its_password_opens_nothing(
    administrator: User, clinician: User, client_of: ClientOf
) -> None:
    theirs, ours = client_of(clinician), client_of(administrator)
    assert theirs.get(reverse("worklist:list")).status_code == 200
    assert ours.post(reverse("accounts:close", args=[clinician.pk])).status_code == 302
    assert theirs.get(reverse("worklist:list")).status_code == 302
    refused = Client().post(
        reverse("accounts:sign-in"), {"username": "ada", "password": "correct horse battery"}
    )
    assert "do not belong together" in refused.content.decode()
    ours.post(reverse("accounts:open-again", args=[clinician.pk]))
    clinician.refresh_from_db()
    assert clinician.is_active


def test_a_new_link_ends_the_sessions_of_the_account(
    administrator: User, clinician: User, client_of: ClientOf
) -> None:
    theirs = client_of(clinician)
    answer = client_of(administrator).post(reverse("accounts:new-link", args=[clinician.pk]))
    assert LINK.search(answer.content.decode())
    assert theirs.get(reverse("worklist:list")).status_code == 302


def test_an_administrator_neither_sees_nor_changes_people_of_other_sites(
    administrator: User, make_user: MakeUser, client_of: ClientOf, hillside: Site
) -> None:
    other = make_user("eve", Role.CLINICIAN, at=hillside)
    ours = client_of(administrator)
    assert "Dr Eve" not in ours.get(reverse("accounts:people")).content.decode()
    assert ours.get(reverse("accounts:person", args=[other.pk])).status_code == 404
    with pytest.raises(InvalidInput, match="not yours to decide"):
        people.set_roles(administrator, other, [Roles(site=hillside, roles=frozenset())])


def test_an_account_shared_with_another_site_cannot_be_taken_over(
    administrator: User, make_user: MakeUser, client_of: ClientOf, hillside: Site, site: Site
) -> None:
    shared = make_user("eve", Role.CLINICIAN, at=hillside)
    Grant.objects.create(user=shared, site=site, role=Role.SONOGRAPHER)
    ours = client_of(administrator)
    for action in ("new-link", "close", "forget-device"):
        answer = ours.post(reverse(f"accounts:{action}", args=[shared.pk]))
        assert answer.status_code == 400, action
    shared.refresh_from_db()
    assert shared.is_active
    assert shared.has_usable_password()
    answer = ours.post(reverse("accounts:person", args=[shared.pk]), {f"site-{site.pk}": []})
    assert answer.status_code == 302
    assert list(shared.grants.values_list("site__slug", flat=True)) == ["hillside"]


def test_a_changed_role_is_told_to_the_trail_with_what_it_was(
    administrator: User, clinician: User, site: Site
) -> None:
    people.set_roles(
        administrator, clinician, [Roles(site=site, roles=frozenset({"clinician", "researcher"}))]
    )
    event = AuditEvent.objects.get(action="account.roles_changed")
    assert event.detail == {"before": ["clinician"], "now": ["clinician", "researcher"]}
    assert event.actor == administrator


def test_whoever_makes_a_site_administers_it(administrator: User, client_of: ClientOf) -> None:
    ours = client_of(administrator)
    ours.post(reverse("accounts:sites"), {"name": "Riverside Clinic"})
    ours.post(reverse("accounts:sites"), {"name": "Riverside-Clinic"})
    made = list(Site.objects.exclude(slug="riverside").order_by("pk"))
    assert [site.slug for site in made] == ["riverside-clinic", "riverside-clinic-2"]
    assert all(site.grants.get().user == administrator for site in made)


def test_a_clinician_sees_no_accounts(clinician: User, client_of: ClientOf) -> None:
    for name in ("people", "invite", "sites"):
        assert client_of(clinician).get(reverse(f"accounts:{name}")).status_code == 403


def test_an_administrator_without_patients_lands_on_the_people(
    administrator: User, client: Client
) -> None:
    answer = client.post(
        reverse("accounts:sign-in"), {"username": "root", "password": "correct horse battery"}
    )
    assert answer.headers["Location"] == reverse("accounts:people")


def test_the_pages_show_sites_with_their_numbers(
    administrator: User, clinician: User, client_of: ClientOf, study: object
) -> None:
    ours = client_of(administrator)
    shown = ours.get(reverse("accounts:sites"))
    assert [(one.people_count, one.study_count) for one in shown.context["sites"]] == [(2, 1)]
    assert ours.get(reverse("accounts:person", args=[clinician.pk])).status_code == 200
