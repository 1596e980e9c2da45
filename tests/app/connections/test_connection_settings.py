"""``connections.toml``: the shipped example, and what is said of every kind of mistake."""

import tomllib
from pathlib import Path

import pytest

from deeppcos.app.connections.settings import (
    connections_file,
    connections_from,
    read_connections,
    secret_of,
)
from deeppcos.app.connections.tables import DicomPeerTable, What, When
from deeppcos.errors import InvalidInput

EXAMPLE = Path(__file__).parents[3] / "docs/examples/connections.toml"
PACS = '[peers.pacs]\nkind = "dicom"\nhost = "pacs"\nport = 104\nae_title = "PACS"\n'
EHR = '[peers.ehr]\nkind = "fhir"\nurl = "https://ehr/fhir"\n'


def read(text: str) -> object:
    return connections_from(tomllib.loads(text), Path("/etc/deeppcos/connections.toml"))


def test_the_shipped_example_is_read_and_uses_every_kind_of_peer() -> None:
    connections = read_connections(EXAMPLE)
    assert {one.kind for one in connections.peers.values()} == {"dicom", "dicomweb", "fhir", "hl7"}
    assert {rule.when for rule in connections.rules} == {When.ARRIVED, When.ANALYSED, When.SIGNED}
    assert connections.listeners.dicom is not None
    assert connections.listeners.hl7 is not None


def test_one_word_stands_for_a_list_and_files_count_from_the_folder_of_the_file() -> None:
    connections = connections_from(
        tomllib.loads(
            PACS + '[peers.pacs.tls]\nca_file = "ca.pem"\n'
            '[[rules]]\nwhen = "signed"\nsend = "pdf"\nto = "pacs"\n'
        ),
        Path("/etc/deeppcos/connections.toml"),
    )
    peer = connections.peer("pacs")
    assert isinstance(peer, DicomPeerTable)
    assert peer.tls is not None
    assert peer.tls.ca_file == Path("/etc/deeppcos/ca.pem")
    assert connections.rules[0].send == (What.PDF,)


MISTAKES = {
    "port-as-text": (
        PACS.replace("104", '"104"'),
        r"\[peers.pacs\]: port cannot be meant; got '104'; accepted: a port, 1 to 65535; correct",
    ),
    "unknown-key": (
        PACS + "colour = 1\n",
        r"\[peers.pacs\]: unknown key colour; got 1; accepted: kind, host, port, ae_title",
    ),
    "unknown-table": ("[peer]\n", "unknown key peer; accepted: peers, rules"),
    "no-kind": (
        '[peers.x]\nhost = "h"\n',
        r"\[peers.x\]: kind is missing; accepted: dicom, dicomweb, fhir, hl7",
    ),
    "unknown-kind": (
        '[peers.x]\nkind = "ftp"\n',
        r"\[peers.x\]: kind cannot be meant; got 'ftp'; accepted: dicom, dicomweb, fhir, hl7",
    ),
    "long-ae-title": (
        PACS.replace('"PACS"', '"A_TITLE_OF_17_SIGN"'),
        r"ae_title cannot be meant; got 'A_TITLE_OF_17_SIGN'; accepted: an AE title",
    ),
    "missing-key": (
        PACS.replace("port = 104\n", ""),
        r"\[peers.pacs\]: port is missing; accepted: a port, 1 to 65535; add the key",
    ),
    "name-of-a-peer": (
        EHR.replace("peers.ehr", 'peers."Praxis Ä"'),
        r"\[peers\]: name cannot be meant; got 'Praxis Ä'; accepted: small letters",
    ),
    "rule-without-peer": (
        PACS + '[[rules]]\nwhen = "signed"\nsend = "pdf"\nto = "archive"\n',
        r"\[\[rules\]\] number 1: to names no peer; got archive; accepted: pacs",
    ),
    "rule-for-another-kind": (
        EHR + '[[rules]]\nwhen = "signed"\nsend = ["fhir", "pdf"]\nto = "ehr"\n',
        "number 1: send holds what a fhir peer cannot take; got pdf; accepted: fhir",
    ),
    "results-on-arrival": (
        PACS + '[[rules]]\nwhen = "arrived"\nsend = "pdf"\nto = "pacs"\n',
        "send does not fit when; got pdf when arrived; accepted: images when arrived",
    ),
    "unknown-time": (
        PACS + '[[rules]]\nwhen = "later"\nsend = "pdf"\nto = "pacs"\n',
        "when cannot be meant; got 'later'; accepted: arrived, analysed, signed",
    ),
    "thickness-of-nothing": (
        "[[probes]]\nslice_mm = 0\n",
        r"\[\[probes\]\] number 1: slice_mm cannot be meant; got 0; accepted: thickness of the sec",
    ),
    "probe-without-thickness": (
        '[[probes]]\nstations = "ROOM1"\n',
        r"\[\[probes\]\] number 1: slice_mm is missing; accepted: thickness of the section",
    ),
    "half-a-way-in": (
        '[peers.web]\nkind = "dicomweb"\nurl = "https://pacs/dicom-web"\nuser = "us"\n',
        r"\[peers.web\]: what lets us in is not clear; accepted: token_variable, or user and",
    ),
    "unknown-character-set": (
        '[listeners.dicom]\nport = 1\nunstated_character_set = "latin5"\n',
        r"unstated_character_set cannot be meant.*accepted: a character set as \(0008,0005\)",
    ),
    "unknown-character-set-of-messages": (
        '[listeners.hl7]\nport = 1\nunstated_character_set = "latin5"\n',
        r"unstated_character_set cannot be meant; got 'latin5'; accepted: a character set of MSH",
    ),
    "listener-without-port": (
        "[listeners.dicom]\n",
        r"\[listeners.dicom\]: port is missing; accepted: a port",
    ),
    "never-trying": (
        "[sending]\nmost_attempts = 0\n",
        r"\[sending\]: most_attempts cannot be meant; got 0; accepted: a whole number from 1",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_table_key_value_what_is_accepted_and_a_remedy(
    mistake: str,
) -> None:
    text, said = MISTAKES[mistake]
    with pytest.raises(InvalidInput, match=said) as raised:
        read(text)
    assert raised.value.remedy


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidInput, match="has 2 problems") as raised:
        read(PACS.replace("104", "0") + "colour = 1\n")
    assert "port" in str(raised.value)
    assert "colour" in str(raised.value)


@pytest.mark.parametrize("key", ["token", "password"])
def test_a_secret_in_the_file_is_refused_and_never_repeated(key: str) -> None:
    with pytest.raises(InvalidInput, match=f"variable that holds it: {key}_variable") as raised:
        read(EHR + f'{key} = "hunter2"\n')
    assert "hunter2" not in str(raised.value)
    with pytest.raises(InvalidInput, match="name of an environment variable") as raised:
        read(EHR + 'token_variable = "hunter2-is-no-name"\n')
    assert "hunter2" not in str(raised.value)


def test_a_secret_is_read_from_its_variable_and_asked_for_by_name() -> None:
    assert secret_of("EHR_TOKEN", {"EHR_TOKEN": " abc "}) == "abc"
    assert secret_of(None) == ""
    with pytest.raises(InvalidInput, match="EHR_TOKEN is not set"):
        secret_of("EHR_TOKEN", {})


def test_a_missing_file_and_one_that_is_no_toml_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"there is no .*connections\.toml"):
        read_connections(tmp_path / "connections.toml")
    (tmp_path / "connections.toml").write_text("[peers\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"is no TOML; got .*line 1"):
        read_connections(tmp_path / "connections.toml")


def test_the_file_lies_in_the_data_folder_unless_the_environment_names_another() -> None:
    home = Path("/srv/desk")
    assert connections_file(home, {}) == home / "connections.toml"
    named = {"DEEPPCOS_CONNECTIONS": "/etc/pcos.toml"}
    assert connections_file(home, named) == Path("/etc/pcos.toml")
