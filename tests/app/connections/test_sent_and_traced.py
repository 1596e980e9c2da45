"""A report in a folder, sent by hand to an archive of ours and followed there; and no desk."""

from pathlib import Path
from typing import Any

import pytest
from tests.app.connections.conftest import listening
from typer.testing import CliRunner

pytest.importorskip("pynetdicom", reason="the records extra is not installed")
pytest.importorskip("highdicom", reason="the records extra is not installed")

from deeppcos.app.cli import app
from deeppcos.app.connections.incoming import analyse_quiet
from deeppcos.app.connections.listeners import open_doors
from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import ItemState
from deeppcos.app.connections.settings import connections_from
from deeppcos.app.connections.trace import identifier_of
from deeppcos.app.example_study import write_example_study
from deeppcos.app.fhir_results import content_of_report
from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_network import DicomPeer, Inbox, store

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    study = write_example_study(tmp_path_factory.mktemp("example") / "study")
    return [Path(one) for one in study.stills[:1]]


@pytest.fixture(scope="module")
def report(stills: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from deeppcos.app import workflow

    folder = tmp_path_factory.mktemp("report") / "report"
    study = workflow.analyze_study(stills)
    workflow.claim_output(folder, force=False)
    workflow.write_report(study, folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, inbox_listener: tuple[int, Path]) -> Path:
    """A data folder that knows one archive, which is a listener of ours."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "connections.toml").write_text(
        '[peers.pacs]\nkind = "dicom"\nhost = "127.0.0.1"\nae_title = "ARCHIVE"\n'
        f"port = {inbox_listener[0]}\n",
        encoding="utf-8",
    )
    return folder


def run(*words: object) -> Any:
    return CliRunner().invoke(app, list(map(str, words)))


def test_a_report_is_sent_by_hand_once_and_each_measurement_followed(
    home: Path, report: Path, inbox_listener: tuple[int, Path]
) -> None:
    done = run("send", report, "--to", "pacs", "--home", home)
    assert done.exit_code == 0, done.output
    with Inbox(inbox_listener[1]) as inbox:
        held = inbox.instances()
    assert {"SR", "SEG", "DOC"} <= {one.modality for one in held}
    again = run("send", report, "--to", "pacs", "--home", home)
    assert again.exit_code == 0
    assert len(Outbox(home / "connections").items()) == 6
    content = content_of_report(report)
    for measured in (content.measured[0], content.outlined[0]):
        traced = run("trace", measured.identifier.oid_urn, "--report", report, "--home", home)
        assert traced.exit_code == 0, traced.output
        assert measured.identifier.label in traced.output
        assert "SR:" in traced.output
        assert "at pacs:" in traced.output
        assert "acknowledged on" in traced.output
        assert "not signed" in traced.output
    outline = run("trace", content.outlined[0].identifier.uid, "--report", report, "--home", home)
    assert "an outline of" in outline.output
    assert "SEG:" in outline.output


def test_what_is_asked_of_the_wrong_peer_or_of_nobody_is_refused(home: Path, report: Path) -> None:
    nobody = run("send", report, "--home", home)
    assert nobody.exit_code == 2
    assert "name the peer with --to" in nobody.output
    wrong = run("send", report, "--to", "pacs", "--what", "fhir", "--home", home)
    assert wrong.exit_code == 2
    assert "a dicom peer is not sent this" in wrong.output
    unknown = run("trace", "2.25.7", "--report", report, "--home", home)
    assert unknown.exit_code == 2
    assert "no such measurement" in unknown.output
    nothing = run("trace", "2.25.7", "--home", home)
    assert "nothing that was sent from here" in nothing.output


def test_a_peer_that_is_away_leaves_it_waiting_and_says_so(home: Path, report: Path) -> None:
    (home / "connections.toml").write_text(
        '[peers.pacs]\nkind = "dicom"\nhost = "127.0.0.1"\nae_title = "A"\nport = 9\n'
        "timeout_s = 2\n",
        encoding="utf-8",
    )
    done = run("send", report, "--to", "pacs", "--what", "pdf", "--home", home)
    assert done.exit_code == 1
    assert "pdf to pacs: waiting" in done.output


def test_without_a_desk_what_arrives_is_analysed_into_folders_and_sent_by_rule(
    stills: list[Path], tmp_path: Path, inbox_listener: tuple[int, Path]
) -> None:
    told = connections_from(
        {
            "peers": {
                "pacs": {
                    "kind": "dicom", "host": "127.0.0.1", "ae_title": "ARCHIVE",
                    "port": inbox_listener[0],
                }
            },
            "rules": [{"when": "analysed", "send": ["report", "segmentation"], "to": "pacs"}],
            "listeners": {"dicom": {"port": 0, "host": "127.0.0.1", "quiet_s": 0}},
        },
        Path("connections.toml"),
    )  # fmt: skip
    outbox, spoken = Outbox(tmp_path / "connections"), list[str]()
    with Inbox(tmp_path / "own-inbox") as inbox, open_doors(told, inbox) as doors:
        assert doors.dicom_port is not None
        peer = DicomPeer(ae_title="DEEPPCOS", host="127.0.0.1", port=doors.dicom_port)
        store(stills, peer=peer)
        for _ in range(2):
            analyse_quiet(inbox, told, out=tmp_path / "out", outbox=outbox, say=spoken.append)
    [folder] = (tmp_path / "out").iterdir()
    assert (folder / "report.html").is_file()
    assert {one.what for one in outbox.items(states=[ItemState.WAITING])} == {
        "report",
        "segmentation",
    }
    assert [one.endswith("analysed") for one in spoken] == [True]


def test_a_listener_that_hears_nothing_is_said_so(tmp_path: Path) -> None:
    told = listening()
    with Inbox(tmp_path / "inbox") as inbox, open_doors(told, inbox) as doors:
        assert str(doors) == f"receiving images on port {doors.dicom_port}"


@pytest.mark.parametrize("text", ["", "2.25.", "7", "urn:oid:1.2.3", "2.25.x"])
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no identifier of a measurement"):
        identifier_of(text)
