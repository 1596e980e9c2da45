"""What belongs to a site does not exist for people of other sites, whatever the address."""

import pytest
from django.test import Client
from django.urls import reverse
from tests.app.web.addresses import addresses, values_for
from tests.app.web.conftest import ClientOf, MakeUser

from deeppcos.app.web.models import Role, Site, Study, User

OF_A_SITE = {"study_id", "patient_id", "user_id", "site_id"}
NOT_ALLOWED, NOT_FOUND = 405, 404


@pytest.fixture
def stranger(make_user: MakeUser, client_of: ClientOf) -> Client:
    """Somebody with every role, at another site."""
    hillside = Site.objects.create(name="Hillside", slug="hillside")
    return client_of(make_user("eve", *Role, at=hillside))


def test_nothing_of_another_site_exists(
    stranger: Client, analysed_study: Study, clinician: User
) -> None:
    values = values_for(analysed_study, clinician)
    walked = [address for address in set(addresses()) if address.takes & OF_A_SITE]
    assert len(walked) > 30
    for address in walked:
        url = reverse(address.name, kwargs={key: values[key] for key in address.takes})
        said = {stranger.get(url).status_code, stranger.post(url).status_code}
        assert NOT_FOUND in said, address.name
        assert said <= {NOT_FOUND, NOT_ALLOWED}, address.name
