"""The site's section thickness, from ``[[probes]]`` into segmentations that are sent by rule."""

import io
from pathlib import Path
from typing import Any

import pytest
from tests.records.dicom_results.conftest import write_image, write_study

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.probes import section_thicknesses
from deeppcos.app.connections.results import Happened, put_results
from deeppcos.app.connections.rules import StudyFacts
from deeppcos.app.connections.settings import Connections, connections_from
from deeppcos.app.connections.tables import ProbeTable, When

pytest.importorskip("highdicom", reason="the records extra is not installed")


def told(*probes: dict[str, Any]) -> Connections:
    peer = {"kind": "dicom", "host": "127.0.0.1", "port": 9, "ae_title": "PACS"}
    rule = {"when": "analysed", "send": "segmentation", "to": "pacs"}
    content = {"peers": {"pacs": peer}, "rules": [rule], "probes": list(probes)}
    return connections_from(content, Path("connections.toml"))


def sent_by_rule(folder: Path, connections: Connections, **tags: Any) -> list[Any]:
    """The segmentations of two stills and a cine, as they wait in the outbox."""
    from pydicom import dcmread

    study = write_study(folder, **tags)
    outbox = Outbox(folder / "connections")
    happened = Happened(
        when=When.ANALYSED,
        key="analysed:1",
        study="1",
        about="A-77",
        facts=StudyFacts(),
        paths={str(one): one for one in study.files},
        document=study.document,
    )
    put_results(happened, outbox=outbox, connections=connections)
    [item] = outbox.items()
    assert item.is_made, item.words
    payloads = [outbox.payloads.path(one).read_bytes() for one in item.files]
    return [dcmread(io.BytesIO(one)) for one in payloads]


def test_a_segmentation_sent_by_rule_carries_the_thickness_the_site_states(tmp_path: Path) -> None:
    table = {"stations": "ROOM1", "transducers": "RIC5-9", "slice_mm": 1.5}
    header = {"StationName": "ROOM1", "TransducerData": ["RIC5-9", "7.5"]}
    made = sent_by_rule(tmp_path, told(table), **header)
    assert len(made) == 3
    for one in made:
        [shared] = one.SharedFunctionalGroupsSequence
        [plane] = shared.PlaneOrientationSequence
        assert list(plane.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
        assert shared.PixelMeasuresSequence[0].SliceThickness == 1.5


@pytest.mark.parametrize(
    "probes",
    [
        pytest.param((), id="nothing stated"),
        pytest.param(({"stations": "ROOM2", "slice_mm": 1.5},), id="another station"),
        pytest.param(({"transducers": "RIC5-9", "slice_mm": 1.5},), id="no probe in the header"),
    ],
)
def test_where_the_site_states_nothing_of_a_probe_no_plane_is_made_up(
    probes: tuple[dict[str, Any], ...], tmp_path: Path
) -> None:
    for one in sent_by_rule(tmp_path, told(*probes), StationName="ROOM1"):
        for shared in one.SharedFunctionalGroupsSequence:
            assert "PlaneOrientationSequence" not in shared
            assert "PixelMeasuresSequence" not in shared


def test_each_image_has_the_thickness_of_its_own_probe_the_first_table_counting(
    tmp_path: Path,
) -> None:
    files = {
        "vaginal": write_image(tmp_path / "1.dcm", number=1, side="L", TransducerData="RIC5-9"),
        "abdominal": write_image(tmp_path / "2.dcm", number=2, side="L", TransducerData="C1-5"),
        "unstated": write_image(tmp_path / "3.dcm", number=3, side="L"),
        "damaged": tmp_path / "4.dcm",
    }
    files["damaged"].write_bytes(b"no picture")
    probes = [
        ProbeTable(transducers=("RIC5-9",), slice_mm=1.2),
        ProbeTable(transducers=("RIC5-9", "C1-5"), slice_mm=3.0),
    ]
    assert section_thicknesses(files, probes) == {"vaginal": 1.2, "abdominal": 3.0}
