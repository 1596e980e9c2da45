"""A real archive: every object stored over C-STORE and read back as it was sent."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from deeppcos.records.dicom_documents import encapsulated_pdf
from deeppcos.records.dicom_key_objects import key_object_selection
from deeppcos.records.dicom_pictures import MarkedPicture, secondary_capture
from deeppcos.records.dicom_report import measurement_report, ob_gyn_report
from deeppcos.records.dicom_result import write_object
from deeppcos.records.dicom_segmentation import read_segmentation, segmentations

pytest.importorskip("highdicom", reason="the records extra is not installed")

ORTHANC = shutil.which("Orthanc")
STORESCU = shutil.which("storescu")
UNDER_LOAD_S = 60

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(
        ORTHANC is None or STORESCU is None, reason="orthanc or dcmtk is not installed"
    ),
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Archive:
    """An Orthanc of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.http, self.dicom = _free_port(), _free_port()
        config = {
            "Name": "test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ARCHIVE",
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomCheckCalledAet": False,
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(config), encoding="utf-8")
        with (folder / "orthanc.log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(ORTHANC), str(folder / "orthanc.json")],
                stdout=log,
                stderr=log,
                env={**os.environ, "TCP_NODELAY": "1"},
            )

    def get(self, place: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{place}", timeout=30) as answer:
            return bytes(answer.read())

    def wait(self) -> None:
        until = time.monotonic() + UNDER_LOAD_S
        while True:
            try:
                self.get("/system")
            except (urllib.error.URLError, ConnectionError):
                assert self.process.poll() is None, "Orthanc stopped"
                assert time.monotonic() < until, "Orthanc did not start"
                time.sleep(0.2)
            else:
                return

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    running = Archive(tmp_path_factory.mktemp("orthanc"))
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def objects(study: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    content, folder = study.content, tmp_path_factory.mktemp("objects")
    outlines = segmentations(content)
    pixels = np.random.default_rng(1).integers(0, 255, (31, 33, 3), np.uint8)
    picture = secondary_capture(
        content, MarkedPicture(image=content.images[0], frame=0, pixels=pixels), number=1
    )
    made = {
        **{f"segmentation{number}": one for number, one in enumerate(outlines)},
        "measurements": measurement_report(content, evidence=outlines),
        "ob_gyn": ob_gyn_report(content),
        "pdf": encapsulated_pdf(content, b"%PDF-1.4\n%%EOF"),
        "picture": picture,
        "keys": key_object_selection(content, pictures=[picture]),
    }
    paths = {}
    for name, one in made.items():
        assert one is not None
        paths[name] = folder / f"{name}.dcm"
        write_object(one, paths[name])
    return paths


def _store(archive: Archive, files: list[Path]) -> None:
    sent = subprocess.run(
        [str(STORESCU), "-R", "-aec", "ARCHIVE", "127.0.0.1", str(archive.dicom), *map(str, files)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "TCP_NODELAY": "1"},
    )
    assert sent.returncode == 0, sent.stderr


def test_orthanc_stores_every_object_and_returns_it_identical(
    study: Any, objects: dict[str, Path], archive: Archive, tmp_path: Path
) -> None:
    _store(archive, [*study.files, *objects.values()])
    instances = json.loads(archive.get("/instances?expand"))
    assert len(instances) == len(study.files) + len(objects)
    stored = {one["MainDicomTags"]["SOPInstanceUID"]: one["ID"] for one in instances}
    for name, path in objects.items():
        sent = dcmread(path)
        back = tmp_path / f"{name}.dcm"
        back.write_bytes(archive.get(f"/instances/{stored[sent.SOPInstanceUID]}/file"))
        assert dcmread(back) == sent
        if name.startswith("segmentation"):
            pairs = zip(read_segmentation(path), read_segmentation(back), strict=True)
            for one, other in pairs:
                assert one.masks.keys() == other.masks.keys()
                assert all((one.masks[at] == other.masks[at]).all() for at in one.masks)
    studies = json.loads(archive.get("/studies?expand"))
    assert [one["MainDicomTags"]["AccessionNumber"] for one in studies] == ["A-77"]


def test_sending_again_stores_nothing_twice(
    study: Any, objects: dict[str, Path], archive: Archive
) -> None:
    _store(archive, [*study.files, *objects.values()])
    first = json.loads(archive.get("/statistics"))["CountInstances"]
    _store(archive, list(objects.values()))
    assert json.loads(archive.get("/statistics"))["CountInstances"] == first
