"""Real DICOM files, written by the tests that read them."""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

Pixels = npt.NDArray[Any]
WriteDicom = Callable[..., Path]
Transcode = Callable[[Path, str], Path]


def ultrasound_dataset(pixels: Pixels, *, bits: int = 8, frames: int = 1) -> Dataset:
    """A data set for pixels of shape (rows, columns[, 3]), or with frames before them."""
    picture = pixels if frames == 1 else pixels[0]
    is_colour = picture.ndim == 3
    header = Dataset()
    header.SOPClassUID = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
    header.SOPInstanceUID = generate_uid()
    header.StudyInstanceUID = generate_uid()
    header.SeriesInstanceUID = generate_uid()
    header.Modality = "US"
    header.PatientName = "Doe^Jane"
    header.PatientID = "12345"
    header.Rows, header.Columns = picture.shape[:2]
    header.SamplesPerPixel = 3 if is_colour else 1
    header.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        header.PlanarConfiguration = 0
    if frames > 1:
        header.NumberOfFrames = frames
    header.BitsAllocated = 8 if bits <= 8 else 16
    header.BitsStored = bits
    header.HighBit = bits - 1
    header.PixelRepresentation = 0
    raw = pixels.tobytes()
    header.PixelData = raw + b"\0" * (len(raw) % 2)
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return header


@pytest.fixture
def write_dicom(tmp_path: Path) -> WriteDicom:
    """Write pixels, or a data set, and give the path."""

    def write(pixels: Pixels | Dataset, name: str = "image.dcm", **values: Any) -> Path:
        layout = {key: values.pop(key) for key in ("bits", "frames") if key in values}
        header = pixels if isinstance(pixels, Dataset) else ultrasound_dataset(pixels, **layout)
        for keyword, value in values.items():
            if value is None:
                delattr(header, keyword)
            else:
                setattr(header, keyword, value)
        header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID
        header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
        path = tmp_path / name
        header.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def transcode(tmp_path: Path) -> Transcode:
    """Re-encode a file with GDCM, by GDCM's name of the transfer syntax."""

    def change(path: Path, syntax: str) -> Path:
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        assert reader.Read()
        changer = gdcm.ImageChangeTransferSyntax()
        changer.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
        changer.SetInput(reader.GetImage())
        assert changer.Change()
        changed = tmp_path / f"{syntax}_{path.name}"
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(changed))
        writer.SetFile(reader.GetFile())
        writer.SetImage(changer.GetOutput())
        assert writer.Write()
        return changed

    return change


@pytest.fixture
def grey_picture() -> npt.NDArray[np.uint8]:
    """(40, 56) uint8 with a gradient and some noise."""
    noise = np.random.default_rng(7).integers(0, 9, (40, 56))
    ramp = np.add.outer(np.arange(40) * 2, np.arange(56) * 3)
    return (ramp + noise).astype(np.uint8)


@pytest.fixture
def colour_picture(grey_picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(40, 56, 3) uint8."""
    return np.stack([grey_picture, 255 - grey_picture, grey_picture // 2], axis=-1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Orthanc:
    """An Orthanc of the tests' own, with its DICOMweb and worklist plugins.

    The folder ``worklists`` is what its worklist answers from, and the title ``DEEPPCOS`` on
    ``report_port`` is where it reports storage commitments to. With ``users`` (name and password)
    it asks for one of them.
    """

    PLUGINS = Path("/usr/share/orthanc/plugins")

    def __init__(self, folder: Path, *, users: dict[str, str] | None = None) -> None:
        self.users = users or {}
        self.http, self.dicom, self.report_port = _free_port(), _free_port(), _free_port()
        self.worklists = folder / "worklists"
        self.worklists.mkdir()
        config = {
            "Name": "test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ARCHIVE",
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": bool(self.users),
            "RegisteredUsers": self.users,
            "DicomCheckCalledAet": False,
            "DicomAlwaysAllowFindWorklist": True,
            "DicomModalities": {"us": ["DEEPPCOS", "127.0.0.1", self.report_port]},
            "DefaultEncoding": "Utf8",
            "Worklists": {"Enable": True, "Database": str(self.worklists)},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            "Plugins": [
                str(self.PLUGINS / name)
                for name in ("libOrthancDicomWeb.so", "libModalityWorklists.so")
            ],
        }
        (folder / "orthanc.json").write_text(json.dumps(config), encoding="utf-8")
        with (folder / "orthanc.log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(shutil.which("Orthanc")), str(folder / "orthanc.json")],
                stdout=log,
                stderr=log,
                env={**os.environ, "TCP_NODELAY": "1"},
            )

    def get(self, place: str) -> bytes:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{place}", headers=self.authorization()
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return bytes(answer.read())

    def authorization(self) -> dict[str, str]:
        """What lets the tests in."""
        pairs = [":".join(one).encode() for one in self.users.items()]
        known = [base64.b64encode(one).decode("ascii") for one in pairs]
        return {"Authorization": f"Basic {known[0]}"} if known else {}

    def ids_by_uid(self) -> dict[str, str]:
        """Orthanc's own ids by SOP Instance UID."""
        instances = json.loads(self.get("/instances?expand"))
        return {one["MainDicomTags"]["SOPInstanceUID"]: one["ID"] for one in instances}

    def wait(self, *, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
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


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Finds a TCP port nobody uses now."""
    return _free_port


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An archive that runs, or a skip."""
    if shutil.which("Orthanc") is None or not Orthanc.PLUGINS.is_dir():
        pytest.skip("orthanc and orthanc-dicomweb are not installed")
    running = Orthanc(tmp_path_factory.mktemp("orthanc"))
    try:
        running.wait()
        yield running
    finally:
        running.stop()
