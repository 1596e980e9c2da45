"""How fast images are received: ours with its durable index, Orthanc, and dcmtk's storescp.

    python -m benchmarks.dicom_receive [--rounds 3] [--images 200] [--cines 20] [--out FILE]

Every receiver gets the same files from dcmtk's storescu in the same run, on this machine, with
``TCP_NODELAY=1`` in every environment: without it Debian's builds wait 50 ms an image, and any
comparison is one of waits. The rounds go through all receivers in turn, so that a busy minute
falls on all of them. What each has done when it says "success" differs, and stands in the table.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from benchmarks.measuring import spread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

IMAGE_SHAPE = (512, 1024)  # 524 kB
CINE_SHAPE = (34, 768, 700)  # 18.3 MB
START_SECONDS = 60.0
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
PLACEHOLDER = "1.2.826.0.1.3680043.10.999.10000000.10000000"

OURS = """
import sys, threading
from deeppcos.records.dicom_network import Inbox, ListenSettings, listening
with Inbox(sys.argv[1]) as inbox:
    settings = ListenSettings(ae_title="BENCH", host="127.0.0.1", port=int(sys.argv[2]))
    with listening(settings, inbox):
        threading.Event().wait()
"""

DONE_AT_SUCCESS = {
    "deeppcos": "file, name and index row forced to the disk (fsync), hashed: survives a power cut",
    "orthanc": "content of the file forced to the disk (fdatasync), not its name; index not forced",
    "storescp": "file written; no index; nothing forced to the disk",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent: how many files over how many associations."""

    name: str
    shape: tuple[int, ...]
    associations: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One round of one receiver under one load."""

    receiver: str
    load: str
    files_per_s: float
    mb_per_s: float
    receiver_cpu_s: float


def template(shape: tuple[int, ...]) -> bytes:
    """A DICOM file with a placeholder where its UID goes."""
    image = Dataset()
    frames = shape[0] if len(shape) == 3 else 1
    image.SOPClassUID = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
    image.SOPInstanceUID = UID(PLACEHOLDER)
    image.StudyInstanceUID, image.SeriesInstanceUID = UID("1.2.3.4"), UID("1.2.3.4.5")
    image.Modality, image.PatientName, image.PatientID = "US", "Bench^Mark", "B-1"
    image.Rows, image.Columns = shape[-2:]
    image.NumberOfFrames = frames
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.PixelData = np.random.default_rng(1).integers(0, 255, shape, np.uint8).tobytes()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = UID(PLACEHOLDER)
    with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
        image.save_as(file.name, enforce_file_format=True)
        return Path(file.name).read_bytes()


def write_files(folder: Path, content: bytes, load: Load, *, run: int) -> list[list[str]]:
    """The files of one round, new UIDs in each, one list an association."""
    groups: list[list[str]] = [[] for _ in range(load.associations)]
    for number in range(load.files):
        uid = f"{PLACEHOLDER[:-17]}{run + 1:d}0000000.{number + 10_000_000}"
        path = folder / f"{run}_{number}.dcm"
        path.write_bytes(content.replace(PLACEHOLDER.encode(), uid.encode()))
        groups[number % load.associations].append(str(path))
    return groups


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ours(folder: Path, port: int) -> list[str]:
    return [sys.executable, "-c", OURS, str(folder), str(port)]


def _orthanc(folder: Path, port: int) -> list[str]:
    config = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "HttpPort": _free_port(),
        "DicomPort": port,
        "DicomAet": "BENCH",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
    }
    (folder / "orthanc.json").write_text(json.dumps(config), encoding="utf-8")
    return ["Orthanc", str(folder / "orthanc.json")]


def _storescp(folder: Path, port: int) -> list[str]:
    return [
        "storescp",
        "--fork",
        "--max-pdu",
        "131072",
        "-od",
        str(folder),
        "-aet",
        "BENCH",
        str(port),
    ]


RECEIVERS: dict[str, Callable[[Path, int], list[str]]] = {
    "deeppcos": _ours,
    "orthanc": _orthanc,
    "storescp": _storescp,
}


@contextmanager
def receiving(name: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Run a receiver; gives its port and process id."""
    port = _free_port()
    folder.mkdir()
    process = subprocess.Popen(
        RECEIVERS[name](folder, port),
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    command = ["echoscu", "-aec", "BENCH", "127.0.0.1", str(port)]
    while subprocess.run(command, env=ENVIRONMENT, capture_output=True).returncode:
        if time.monotonic() > until:
            raise TimeoutError("a receiver did not start")
        time.sleep(0.1)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and the children it has waited for, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def send(groups: list[list[str]], port: int) -> float:
    """Send each group over an association of its own, at once; wall seconds until all are done."""
    base = ["storescu", "-R", "--max-pdu", "131072", "-aec", "BENCH", "127.0.0.1", str(port)]
    began = time.perf_counter()
    senders = [
        subprocess.Popen([*base, *group], env=ENVIRONMENT, stderr=subprocess.PIPE)
        for group in groups
    ]
    for sender in senders:
        _, words = sender.communicate(timeout=600)
        if sender.returncode:
            raise RuntimeError(words.decode("utf-8", "replace"))
    return time.perf_counter() - began


def measure(loads: list[Load], rounds: int, place: Path) -> list[Taken]:
    """All rounds of all receivers under all loads."""
    taken: list[Taken] = []
    for load in loads:
        content = template(load.shape)
        for number in range(rounds + 1):  # the first is thrown away: caches, imports, tables
            for name in RECEIVERS:
                with tempfile.TemporaryDirectory(dir=place) as folder:
                    one = _one_round(name, load, content, Path(folder), run=number)
                if number:
                    taken.append(one)
                    print(json.dumps(asdict(one)), flush=True)
    return taken


def _one_round(name: str, load: Load, content: bytes, folder: Path, *, run: int) -> Taken:
    files = folder / "files"
    files.mkdir()
    groups = write_files(files, content, load, run=run)
    os.sync()  # what was just written is not the receiver's to write
    with receiving(name, folder / "kept") as (port, pid):
        before = cpu_seconds(pid)
        wall = send(groups, port)
        cpu = cpu_seconds(pid) - before
    return Taken(
        receiver=name,
        load=load.name,
        files_per_s=load.files / wall,
        mb_per_s=load.files * len(content) / wall / 1e6,
        receiver_cpu_s=cpu,
    )


def table(taken: list[Taken], loads: list[Load]) -> str:
    """The rounds as Markdown: medians, least and largest."""
    lines = [
        "| load | receiver | files/s | MB/s | receiver's processor, ms a file |",
        "|---|---|---|---|---|",
    ]
    for load in loads:
        for name in RECEIVERS:
            mine = [one for one in taken if (one.receiver, one.load) == (name, load.name)]
            rate = spread([one.files_per_s for one in mine]).said(digits=0)
            size = spread([one.mb_per_s for one in mine]).said(digits=0)
            cpu = spread([one.receiver_cpu_s / load.files for one in mine]).said(factor=1e3)
            lines.append(f"| {load.name} | {name} | {rate} | {size} | {cpu} |")
    lines += ["", *(f"- {name}: {what}." for name, what in DONE_AT_SUCCESS.items())]
    return "\n".join(lines)


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--cines", type=int, default=20)
    parser.add_argument("--place", type=Path, default=Path.cwd(), help="a folder on a real disk")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    missing = [
        one for one in ("Orthanc", "storescp", "storescu", "echoscu") if not shutil.which(one)
    ]
    if missing:
        parser.error(f"not installed: {', '.join(missing)}")
    loads = [
        Load(name="512 kB, 1 association", shape=IMAGE_SHAPE, associations=1, files=given.images),
        Load(name="512 kB, 4 associations", shape=IMAGE_SHAPE, associations=4, files=given.images),
        Load(
            name="18 MB cines, 1 association", shape=CINE_SHAPE, associations=1, files=given.cines
        ),
    ]
    text = table(measure(loads, given.rounds, given.place), loads)
    load_average = " ".join(f"{one:.1f}" for one in os.getloadavg())
    text += f"\n\n{given.rounds} rounds, {os.cpu_count()} cores, "
    text += f"load average {load_average} at the end."
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
