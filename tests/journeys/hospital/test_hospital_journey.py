"""A study's way through a hospital of programs that are not ours, with power cuts on the way.

DCMTK pushes it, the desk analyses and signs it, and Orthanc, a FHIR router and an MLLP receiver
must hold what was sent, each read back equal. The recipes of ``docs/integration.md`` are what is
run. ``DEEPPCOS_KILL_EVERYWHERE=1`` kills at each of the nine steps of the one walk, which takes
minutes; ``python -m benchmarks.hospital_journey --kill STEP`` kills at one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pynetdicom", reason="the records extra is not installed")
pytest.importorskip("highdicom", reason="the records extra is not installed")

from benchmarks.hospital_peers import NotHere

from benchmarks import hospital_journey as journey

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(1800)]

SOME = ("half pushed", "signed", "prepared", "half sent")
KILLS = journey.STEPS if os.environ.get("DEEPPCOS_KILL_EVERYWHERE") else SOME


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[journey.Hospital]:
    try:
        made = journey.hospital(tmp_path_factory.mktemp("hospital"))
    except NotHere as missing:
        pytest.skip(str(missing))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("scanner") / "study"
    return journey.example_images(folder, stills=2, sweep=False)


def deeppcos(made: journey.Hospital, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deeppcos", *words, "--home", str(made.home)],
        capture_output=True, encoding="utf-8", timeout=240, check=False,
        env={n: t for n, t in os.environ.items() if not n.startswith("DEEPPCOS_")},
    )  # fmt: skip


def test_every_peer_works_by_the_recipes(hospital: journey.Hospital) -> None:
    for name in ("pacs", "ehr", "engine"):
        done = deeppcos(hospital, "connect", "test", name)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{name} works" in done.stdout
    assert (
        "segmentations, structured reports, PDF reports"
        in deeppcos(hospital, "connect", "test", "pacs").stdout
    )
    hospital.engine.peer.stop()
    done = deeppcos(hospital, "connect", "test", "engine")
    assert done.returncode == 1
    assert "nobody answers on 127.0.0.1" in done.stdout
    hospital.engine.peer.start()


def test_a_study_comes_through_power_cuts_and_an_engine_that_is_away(
    hospital: journey.Hospital, images: list[Path]
) -> None:
    journey.walk(
        hospital,
        images,
        kills=KILLS,
        away=hospital.engine.peer.stop,
        back=hospital.engine.peer.start,
    )
    assert hospital.kills == len(KILLS)
    compared = journey.compare(hospital, images)
    assert compared["images kept"] == len(images)
    assert compared["objects in Orthanc"] >= 6
    assert compared["measurements in FHIR"] > 0
    assert compared["messages at the engine"] == 1


def test_one_identifier_is_found_in_every_system(hospital: journey.Hospital) -> None:
    if not hospital.reached.get("sent"):
        pytest.skip("the study did not come through")
    held = hospital.record.held("Observation")
    measured = [one for one in held if "valueQuantity" in one or "valueInteger" in one]
    [identifier] = [one["value"] for one in measured[0]["identifier"]]
    uid = identifier.removeprefix("urn:oid:").encode()
    assert any(uid in content for content in hospital.archive.files().values())
    assert any(uid in message for message in hospital.engine.messages())
    done = deeppcos(hospital, "trace", identifier)
    assert done.returncode == 0, done.stderr
    for station in ("pixels:", "assessment:", "SR:", "FHIR:", "HL7 v2:", "at pacs:", "at ehr:"):
        assert station in done.stdout, done.stdout
    assert "acknowledged on" in done.stdout
    assert "signed by Dr Ada Adams" in done.stdout
