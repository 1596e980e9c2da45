from pathlib import Path

import pytest
from django.test import Client

from deeppcos.app.web import preparing
from deeppcos.app.web.environment import read_environment
from deeppcos.app.web.models import Role, Site, User
from deeppcos.app.web.secret_key import SECRET_FILE, keep_a_secret, stored_secret
from deeppcos.errors import InvalidInput


def test_a_new_data_folder_gets_a_key_only_its_owner_reads(tmp_path: Path) -> None:
    assert stored_secret(tmp_path) == ""
    keep_a_secret(tmp_path / "home")
    key = stored_secret(tmp_path / "home")
    assert len(key) >= 50
    assert (tmp_path / "home" / SECRET_FILE).stat().st_mode & 0o777 == 0o600
    keep_a_secret(tmp_path / "home")
    assert stored_secret(tmp_path / "home") == key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS", "perhaps"),
        ("LARGEST_UPLOAD", "much"),
        ("NAME", "ovaries"),
        ("SECRET_KEY", "short"),
    ],
)
def test_a_variable_that_cannot_be_meant_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=f"DEEPPCOS_{name}") as told:
        read_environment({f"DEEPPCOS_{name}": value})
    if name == "SECRET_KEY":
        assert value not in str(told.value)


def test_the_first_start_gives_one_link_and_no_password(db: None, client: Client) -> None:
    link = preparing.prepare()
    assert link is not None
    user = User.objects.get()
    assert not user.has_usable_password()
    assert {grant.role for grant in user.grants.all()} == {Role.CLINICIAN, Role.ADMINISTRATOR}
    answer = client.post(
        link,
        {
            "full_name": "Ada Adams",
            "username": "ada",
            "new_password1": "a long enough phrase",
            "new_password2": "a long enough phrase",
        },
    )
    assert answer.status_code == 302
    assert client.get("/").status_code == 200
    assert User.objects.get().get_full_name() == "Ada Adams"
    assert Client().get(link).status_code == 410
    assert preparing.prepare() is None
    assert Site.objects.count() == 1


def test_a_void_link_says_so(db: None, client: Client) -> None:
    answer = client.get("/accounts/join/MQ/never-made/")
    assert answer.status_code == 410
    assert "no longer valid" in answer.content.decode()


def test_a_form_without_its_token_is_refused_in_plain_words(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/sign-in/", {"username": "x"})
    assert answer.status_code == 403
    assert "did not come from here" in answer.content.decode()
    assert "<style" not in answer.content.decode()


def test_the_page_of_a_one_time_link_lets_the_browser_say_where_its_form_comes_from(
    db: None, client: Client
) -> None:
    link = preparing.prepare()
    assert link is not None
    # Under no-referrer a browser sends its forms with the origin null, which is refused.
    assert client.get(link).headers["Referrer-Policy"] == "same-origin"
