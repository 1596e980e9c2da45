from collections.abc import Callable, Iterator

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from deeppcos.app.web.access import (
    GUARD_THEMSELVES,
    RIGHTS,
    Right,
    rights_of,
    study_for,
    visible_studies,
)
from deeppcos.app.web.models import Role, Site, Study, User

MakeUser = Callable[..., User]
ClientOf = Callable[[User], Client]


def views() -> Iterator[tuple[str, object]]:
    """Every view with its address."""

    def walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, object]]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLPattern):
                yield prefix + str(entry.pattern), entry.callback
            elif entry.namespace not in GUARD_THEMSELVES:
                yield from walk(entry, prefix + str(entry.pattern))

    return walk(get_resolver(), "")


@pytest.mark.parametrize("address", [address for address, _ in views()])
def test_every_view_says_who_may_see_it(address: str) -> None:
    view = dict(views())[address]
    said = [
        name
        for name in ("needed_right", "is_open_to_all", "is_for_signed_in")
        if getattr(view, name, None)
    ]
    assert len(said) == 1, f"{address} says {said}"


def test_a_stranger_is_sent_to_sign_in(client: Client, study: Study) -> None:
    answer = client.get(f"/studies/{study.pk}/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/sign-in/?next=")


def test_a_study_of_another_site_does_not_exist(
    make_user: MakeUser, client_of: ClientOf, study: Study
) -> None:
    elsewhere = Site.objects.create(name="Hillside", slug="hillside")
    stranger = make_user("eve", Role.CLINICIAN, at=elsewhere)
    assert client_of(stranger).get(f"/studies/{study.pk}/").status_code == 404
    assert not visible_studies(stranger).exists()


def test_an_administrator_sees_no_patient(
    administrator: User, client_of: ClientOf, study: Study
) -> None:
    assert client_of(administrator).get(f"/studies/{study.pk}/").status_code == 403
    with pytest.raises(Http404):
        study_for(administrator, study.pk)


def test_a_sonographer_may_mark_but_not_sign(sonographer: User, study: Study) -> None:
    assert study_for(sonographer, study.pk, Right.MARK) == study
    with pytest.raises(PermissionDenied):
        study_for(sonographer, study.pk, Right.SIGN)


def test_a_closed_account_may_do_nothing(clinician: User) -> None:
    clinician.is_active = False
    assert rights_of(clinician) == frozenset()


def test_every_role_has_its_rights() -> None:
    assert set(RIGHTS) == set(Role)
