"""What the environment may say of mail, and what stops the start."""

import pytest

from deeppcos.app.web.environment import read_environment
from deeppcos.errors import InvalidInput

SERVER = {"DEEPPCOS_MAIL_SERVER": "smtp://me:secret@mail.example.org:587"}
SENDER = {"DEEPPCOS_MAIL_FROM": "desk@example.org"}


def test_without_a_server_no_mail_is_sent() -> None:
    read = read_environment({})
    assert (read.mail_server, read.mail_alarms) == ("", ())


def test_several_people_may_be_told() -> None:
    people = {"DEEPPCOS_MAIL_ALARMS": "a@example.org, b@example.org"}
    assert read_environment(SERVER | SENDER | people).mail_alarms == (
        "a@example.org",
        "b@example.org",
    )


@pytest.mark.parametrize(
    "given",
    [
        SERVER,
        SENDER | {"DEEPPCOS_MAIL_SERVER": "https://mail.example.org"},
        SERVER | SENDER | {"DEEPPCOS_MAIL_ALARMS": "nobody"},
        {"DEEPPCOS_MAIL_ALARMS": "a@example.org"},
    ],
    ids=["no sender", "another protocol", "no address", "no server"],
)
def test_what_cannot_be_meant_stops_the_start(given: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="DEEPPCOS_MAIL"):
        read_environment(given)


def test_a_password_is_never_repeated() -> None:
    given = SENDER | {"DEEPPCOS_MAIL_SERVER": "smpt://me:secret@mail.example.org"}
    with pytest.raises(InvalidInput) as refused:
        read_environment(given)
    assert "secret" not in str(refused.value)
