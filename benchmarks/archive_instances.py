"""An archive of 100,000 DICOM instances through ``deeppcos analyze --on local``, killed on the way.

    python -m benchmarks.archive_instances --folder FOLDER [--instances 100000] [--minutes 90]

The archive is mixed, as archives are: one instance in 25 (``--still-every``) is an ultrasound still
of a drawn ovary; of the others four in eight are slices of another modality, three structured
reports and one a still cut short in transfer. Every instance has a SOP Instance UID and, where it
has a picture, a grain of its own.
The run is killed (SIGKILL to all its processes) at a twentieth and at two fifths, and the same
command goes on. When the minutes are over it is killed for good, and what was done is said.

Started again on the same folder it goes on with what is there. Needs nothing but DeepPCOS.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deeppcos.app.archive.plan import FILES_A_SHARD

WORKERS = 2
SMALLER = 4
KILLED_AT = (0.05, 0.4)
POLL_SECONDS = 0.5
GRAIN = 6
"""Largest change of a grey value from one instance to the next."""

OTHERS = ("slice", "report", "slice", "report", "slice", "report", "slice", "cut short")
"""What the instances that are no whole still are, in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A DICOM file to make instances from.

    Attributes:
        content: Its bytes.
        uid: Its SOP Instance UID, 64 letters.
        places: Where the UID stands.
        pixels_at: Where the pixels begin; None where there are none.
    """

    content: bytes
    uid: str
    places: tuple[int, ...]
    pixels_at: int | None

    def instance(self, number: int) -> bytes:
        """The file with a UID and a grain of its own."""
        data = bytearray(self.content)
        fresh = f"{self.uid[:-8]}{number:08d}".encode()
        for at in self.places:
            data[at : at + len(fresh)] = fresh
        if self.pixels_at is not None:
            there = np.frombuffer(self.content, np.uint8, offset=self.pixels_at).astype(np.int16)
            rng = np.random.default_rng(number)
            grain = rng.integers(-GRAIN, GRAIN + 1, there.size, np.int16)
            grained = np.clip(there + grain * (there > 0), 0, 255).astype(np.uint8)
            data[self.pixels_at :] = grained.tobytes()
        return bytes(data)


def kind_of(number: int, still_every: int) -> str:
    """What an instance is."""
    return "still" if number % still_every == 0 else OTHERS[number % len(OTHERS)]


def make_archive(folder: Path, instances: int, still_every: int) -> None:
    """Write the instances, a thousand a folder."""
    templates = _templates()
    for number in range(instances):
        kind = kind_of(number, still_every)
        chosen = templates["still" if kind == "cut short" else kind]
        content = chosen[number // still_every % len(chosen)].instance(number)
        series = folder / f"{number // 1000:04d}"
        series.mkdir(parents=True, exist_ok=True)
        kept = len(content) // 2 if kind == "cut short" else len(content)
        (series / f"{number:06d}.dcm").write_bytes(content[:kept])


def _templates() -> dict[str, list[Template]]:
    """Stills of the example study at a quarter of their size, a slice and a report."""
    import pydicom

    from deeppcos.app.example_study import write_example_study

    with tempfile.TemporaryDirectory() as example:
        stills = write_example_study(Path(example) / "study").stills
        pictures = [_smaller(pydicom.dcmread(still)) for still in stills]
    return {
        "still": [_template(picture) for picture in pictures],
        "slice": [_template(_of_modality(pictures[0], "CT", "1.2.840.10008.5.1.4.1.1.2"))],
        "report": [_template(_report(pictures[0]))],
    }


def _smaller(image: Any) -> Any:
    """Every fourth pixel, and the scale with it, so that an archive fits a disk."""
    pixels = np.ascontiguousarray(image.pixel_array[::SMALLER, ::SMALLER])
    image.Rows, image.Columns = pixels.shape[:2]
    for region in image.SequenceOfUltrasoundRegions:
        region.PhysicalDeltaX *= SMALLER
        region.PhysicalDeltaY *= SMALLER
        region.RegionLocationMinX0 //= SMALLER
        region.RegionLocationMinY0 //= SMALLER
        region.RegionLocationMaxX1 = pixels.shape[1] - 1
        region.RegionLocationMaxY1 = pixels.shape[0] - 1
    image.PixelData = pixels.tobytes()
    return image


def _of_modality(image: Any, modality: str, sop_class: str) -> Any:
    """The same picture as if another machine had made it."""
    import copy

    other = copy.deepcopy(image)
    other.Modality, other.SOPClassUID = modality, sop_class
    other.file_meta.MediaStorageSOPClassUID = sop_class
    del other.SequenceOfUltrasoundRegions
    return other


def _report(image: Any) -> Any:
    """A structured report without a picture."""
    other = _of_modality(image, "SR", "1.2.840.10008.5.1.4.1.1.88.33")
    for word in ("PixelData", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation",
                 "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):  # fmt: skip
        delattr(other, word)
    return other


def _template(image: Any) -> Template:
    """A data set as bytes, with a UID of the greatest length so that every number fits."""
    uid = str(image.SOPInstanceUID)[:55].rstrip(".").ljust(56, "1") + "00000000"
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
    with tempfile.TemporaryDirectory() as folder:
        image.save_as(Path(folder) / "one.dcm")
        content = (Path(folder) / "one.dcm").read_bytes()
    places, start = [], content.find(uid.encode())
    while start >= 0:
        places.append(start)
        start = content.find(uid.encode(), start + 1)
    pixels = bytes(image.PixelData) if "PixelData" in image else b""
    at = content.rfind(pixels) if pixels else None
    return Template(content=content, uid=uid, places=tuple(places), pixels_at=at)


def measure(folder: Path, instances: int, still_every: int, minutes: float) -> dict[str, Any]:
    """Make the archive, run it with two kills, go on to the end or the deadline."""
    archive, rows = folder / "archive", folder / "rows"
    if not archive.exists():
        began = time.monotonic()
        fresh = archive.with_suffix(".new")
        make_archive(fresh, instances, still_every)
        fresh.rename(archive)
        _say("written", instances=instances, seconds=round(time.monotonic() - began, 1))
    deadline = time.monotonic() + 60 * minutes
    for share in KILLED_AT:
        enough = int(share * instances)
        if _rows_in(rows) < enough:
            _run(archive, rows, enough, deadline)
    _run(archive, rows, None, deadline)
    return _reached(rows, archive, instances, still_every)


def _run(archive: Path, rows: Path, enough: int | None, deadline: float) -> None:
    """One run, killed as soon as enough is on the disk or the time is over."""
    there, began, load = _rows_in(rows), time.monotonic(), os.getloadavg()[0]
    used = _children_seconds()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "deeppcos", "analyze", str(archive), "--on", "local"),
            *("--workers", str(WORKERS), "--out", str(rows)),
        ],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    killed = False
    while process.poll() is None:
        time.sleep(POLL_SECONDS)
        is_enough = enough is not None and _shards_in(rows) * FILES_A_SHARD >= enough
        if is_enough or time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            killed = True
            break
    process.wait()
    seconds, done = time.monotonic() - began, _rows_in(rows) - there
    _say(
        "killed" if killed else "ended",
        exit_status=process.returncode,
        rows_before=there,
        rows_after=there + done,
        seconds=round(seconds, 1),
        rows_a_second=round(done / seconds, 2),
        # Of a killed run only its own parent's time can still be asked: left out.
        processor_s=None if killed else round(_children_seconds() - used, 1),
        load_before=round(load, 1),
        load_after=round(os.getloadavg()[0], 1),
    )


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rows_in(rows: Path) -> int:
    """Rows on the disk under a final name."""
    return sum(file.read_bytes().count(b"\n") for file in rows.glob("rows/rows-*.jsonl"))


def _shards_in(rows: Path) -> int:
    return len(list(rows.glob("rows/rows-*.jsonl")))


def _reached(rows: Path, archive: Path, instances: int, still_every: int) -> dict[str, Any]:
    """What the rows hold: each file once, and why the refused ones were."""
    from deeppcos.app.archive.run import read_rows

    sources: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    assessable = 0
    for row in read_rows(rows):
        number = int(Path(row.source).stem)
        sources[row.source] += 1
        said = "looked at" if row.refused is None else row.refused.split("; ")[0].split(": ")[-1]
        kinds[f"{kind_of(number, still_every)}: {said}"] += 1
        assessable += any(frame.assessable for frame in row.frames)
    return {
        "instances": instances,
        "archive_mib": round(sum(f.stat().st_size for f in archive.rglob("*.dcm")) / 2**20),
        "rows": sum(sources.values()),
        "files_with_a_row": len(sources),
        "rows_twice": sum(count - 1 for count in sources.values()),
        "assessable": assessable,
        "by_kind": dict(kinds.most_common()),
    }


def _say(step: str, **said: Any) -> None:
    """One line of what happened, at once."""
    print(json.dumps({"at": time.strftime("%H:%M:%S"), "step": step, **said}), flush=True)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--instances", type=int, default=100_000)
    parser.add_argument("--still-every", type=int, default=25)
    parser.add_argument("--minutes", type=float, default=90.0)
    given = parser.parse_args(words)
    given.folder.mkdir(parents=True, exist_ok=True)
    print(json.dumps(measure(given.folder, given.instances, given.still_every, given.minutes)))


if __name__ == "__main__":
    main()
