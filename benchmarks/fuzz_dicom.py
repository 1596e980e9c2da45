"""Throws damaged and hostile DICOM at everything that receives or reads it, and counts.

    python -m benchmarks.fuzz_dicom [--count 20000] [--seed 1] [--place FOLDER] [--out FILE]
                                    [--of segmentation]

Deterministic: file N of a seed is always the same, so that a finding can be made again with
``--only N``. Each file is given to the inbox as a peer would send it, and to every reader of
files. Allowed ends are: kept, quarantined with a reason, read, or refused with ``InvalidInput``.
Anything else is a finding: another exception, a death of the process, more than ``MOST_SECONDS``
or more memory than ``MOST_MEMORY_BYTES``.
"""

import argparse
import io
import json
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
    SegmentationStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from deeppcos.errors import DeepPCOSError

BATCH = 500
MOST_SECONDS = 20.0
MOST_MEMORY_BYTES = 2 * 1024**3
BATCH_SECONDS = 600
MOST_FRAMES = 3
VRS = (b"OB", b"OW", b"SQ", b"UN", b"PN", b"DS", b"IS", b"US", b"UI", b"FD", b"AT", b"UT", b"ZZ")
LENGTHS = (0, 1, 2, 3, 7, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def _image(frames: int = 1, *, colour: bool = False) -> Dataset:
    noise = np.random.default_rng(7)
    shape = ((frames,) if frames > 1 else ()) + (40, 48) + ((3,) if colour else ())
    image = Dataset()
    image.SOPClassUID = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
    image.SOPInstanceUID, image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3", "1.2", "1.2.1"
    image.SpecificCharacterSet, image.PatientName = "ISO_IR 192", "山田^花子"
    image.Modality, image.PatientID, image.StudyDate = "US", "P-1", "20260105"
    image.Rows, image.Columns, image.NumberOfFrames = 40, 48, frames
    image.SamplesPerPixel = 3 if colour else 1
    image.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        image.PlanarConfiguration = 0
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    region = Dataset()
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.03
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 47, 39
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    image.SequenceOfUltrasoundRegions = [region]
    image.PixelData = noise.integers(0, 255, shape, np.uint8).tobytes()
    return image


def _report() -> Dataset:
    """A small OB-GYN report: containers in containers, a number in each."""
    report = Dataset()
    report.SOPClassUID, report.SOPInstanceUID = ComprehensiveSRStorage, "1.2.3"
    report.StudyInstanceUID, report.SeriesInstanceUID, report.Modality = "1.2", "1.2.1", "SR"
    report.ValueType, report.ContinuityOfContent = "CONTAINER", "SEPARATE"
    report.ConceptNameCodeSequence = [_code("125000", "DCM", "OB-GYN Ultrasound Procedure Report")]
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "5000"
    report.ContentTemplateSequence = [template]
    number = Dataset()
    number.RelationshipType, number.ValueType = "CONTAINS", "NUM"
    number.ConceptNameCodeSequence = [_code("11829-9", "LN", "Left Ovary Length")]
    value = Dataset()
    value.NumericValue = "3.1"
    value.MeasurementUnitsCodeSequence = [_code("cm", "UCUM", "cm")]
    number.MeasuredValueSequence = [value]
    section = Dataset()
    section.RelationshipType, section.ValueType = "CONTAINS", "CONTAINER"
    section.ConceptNameCodeSequence = [_code("121070", "DCM", "Findings")]
    section.ContentSequence = [number, number]
    report.ContentSequence = [section]
    return report


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _segmentation() -> Dataset:
    """A follicle on both frames of a cine, whole: the reader of segmentations accepts it."""
    segmentation = _image(2)
    segmentation.SOPClassUID, segmentation.Modality = SegmentationStorage, "SEG"
    segmentation.SegmentationType = "BINARY"
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel = 1, "ovary"
    segmentation.SegmentSequence = [segment]
    segmentation.PerFrameFunctionalGroupsSequence = [_place(frame) for frame in (1, 2)]
    segmentation.BitsAllocated = segmentation.BitsStored = 1
    segmentation.HighBit = 0
    segmentation.PixelData = bytes([0b10110101]) * (40 * 48 * 2 // 8)
    return segmentation


def _place(frame: int) -> Dataset:
    """Segment 1 on a frame of the image, counted from 1."""
    identified, image, derivation, place = Dataset(), Dataset(), Dataset(), Dataset()
    identified.ReferencedSegmentNumber = 1
    image.ReferencedSOPClassUID = UltrasoundMultiFrameImageStorage
    image.ReferencedSOPInstanceUID, image.ReferencedFrameNumber = "1.2.4", frame
    derivation.SourceImageSequence = [image]
    place.SegmentIdentificationSequence = [identified]
    place.DerivationImageSequence = [derivation]
    return place


def seeds() -> dict[str, bytes]:
    """The files that are damaged, by name: one of every kind and encoding."""
    explicit = {
        "still": _image(),
        "colour": _image(colour=True),
        "cine": _image(4),
        "report": _report(),
        "segmentation": _segmentation(),
    }
    found = {name: _file(one, ExplicitVRLittleEndian) for name, one in explicit.items()}
    found["implicit still"] = _file(_image(), ImplicitVRLittleEndian)
    found["implicit report"] = _file(_report(), ImplicitVRLittleEndian)
    found["big endian"] = _file(_image(), ExplicitVRBigEndian)
    found["deflated"] = _file(_image(), DeflatedExplicitVRLittleEndian)
    compressed = dcmread(io.BytesIO(found["cine"]))
    compressed.compress(RLELossless)
    found["rle"] = _file(compressed, RLELossless)
    found["jpeg"] = _jpeg()
    return found


def _jpeg() -> bytes:
    from PIL import Image
    from pydicom.encaps import encapsulate

    image = _image(3)
    pixels = np.frombuffer(image.PixelData, np.uint8).reshape(3, 40, 48)
    frames = []
    for frame in pixels:
        packed = io.BytesIO()
        Image.fromarray(frame).save(packed, "JPEG")
        frames.append(packed.getvalue())
    image.PixelData = encapsulate(frames)
    image["PixelData"].is_undefined_length = True
    image["PixelData"].VR = "OB"
    return _file(image, JPEGBaseline8Bit)


def _file(image: Dataset, syntax: UID) -> bytes:
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = syntax
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    stream = io.BytesIO()
    if "PixelData" in image and syntax not in (JPEGBaseline8Bit, RLELossless):
        image["PixelData"].VR = "OW" if syntax == ImplicitVRLittleEndian else "OB"
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    given = Dataset(image)
    given.file_meta = image.file_meta
    given.save_as(stream, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return stream.getvalue()


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 2, 8, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _overwrite(data: bytearray, chance: random.Random) -> None:
    at, size = chance.randrange(len(data)), chance.choice((1, 4, 16, 200))
    data[at : at + size] = chance.randbytes(size)


def _length(data: bytearray, chance: random.Random) -> None:
    """A length no file of this size can have, where a length may stand."""
    at = _element(data, chance)
    order = chance.choice(("<", ">"))
    data[at + 4 : at + 8] = struct.pack(f"{order}L", chance.choice(LENGTHS))


def _length_after_vr(data: bytearray, chance: random.Random) -> None:
    at = _element(data, chance)
    if chance.random() < 0.5:
        data[at + 6 : at + 8] = struct.pack("<H", chance.choice(LENGTHS) & 0xFFFF)
    else:
        data[at + 8 : at + 12] = struct.pack("<L", chance.choice(LENGTHS))


def _other_vr(data: bytearray, chance: random.Random) -> None:
    at = _element(data, chance)
    data[at + 4 : at + 6] = chance.choice(VRS)


def _double(data: bytearray, chance: random.Random) -> None:
    at = _element(data, chance)
    size = chance.choice((8, 20, 100, 1000))
    data[at:at] = data[at : at + size] * chance.choice((1, 2, 50))


def _remove(data: bytearray, chance: random.Random) -> None:
    at = _element(data, chance)
    del data[at : at + chance.choice((2, 8, 20, 100))]


def _nest(data: bytearray, chance: random.Random) -> None:
    """Sequences in sequences, thousands deep, none of them ended."""
    at = _element(data, chance)
    sequence = b"\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    if chance.random() < 0.5:
        sequence = b"\x40\x00\x30\xa7\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    data[at:at] = sequence * _rarely_large(chance, 3, 100, 20_000)


def _many_items(data: bytearray, chance: random.Random) -> None:
    at = _element(data, chance)
    item = b"\xfe\xff\x00\xe0\x00\x00\x00\x00"
    data[at:at] = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + item * _rarely_large(
        chance, 10, 500, 50_000
    )


def _rarely_large(chance: random.Random, small: int, middle: int, large: int) -> int:
    """The large ones take seconds each: one in fifty shows what they do."""
    return chance.choices((small, middle, large), weights=(34, 15, 1))[0]


def _bomb(data: bytearray, chance: random.Random) -> None:
    """A deflated data set that grows a thousandfold."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = packer.compress(bytes(data[-400:])) + b"".join(
        packer.compress(bytes(1024**2)) for _ in range(_rarely_large(chance, 1, 16, 700))
    )
    start = data.find(b"DICM")
    data[max(start, 0) + 200 :] = body + packer.flush()


def _rows(data: bytearray, chance: random.Random) -> None:
    """Another picture size, depth or number of frames than the pixels have."""
    tags = (b"\x28\x00\x10\x00", b"\x28\x00\x11\x00", b"\x28\x00\x02\x00", b"\x28\x00\x00\x01")
    at = data.find(chance.choice(tags))
    if at >= 0:
        data[at + 8 : at + 10] = struct.pack("<H", chance.choice((0, 1, 3, 41, 8192, 65535)))


def _swap(data: bytearray, chance: random.Random) -> None:
    one, other = sorted((_element(data, chance), _element(data, chance)))
    size = min(24, len(data) - other)
    data[one : one + size], data[other : other + size] = (
        data[other : other + size],
        data[one : one + size],
    )


def _noise(data: bytearray, chance: random.Random) -> None:
    data[132:] = chance.randbytes(chance.choice((0, 10, 3000)))


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _cut, _flip, _overwrite, _length, _length_after_vr, _other_vr, _double, _remove, _nest,
    _many_items, _bomb, _rows, _swap, _noise,
)  # fmt: skip


def _element(data: bytearray, chance: random.Random) -> int:
    """Where an element may begin: behind a group number that DICOM often uses."""
    group = chance.choice((b"\x08\x00", b"\x10\x00", b"\x18\x00", b"\x20\x00", b"\x28\x00",
                           b"\x40\x00", b"\xe0\x7f", b"\xfe\xff", b"\x02\x00"))  # fmt: skip
    start = chance.randrange(max(1, len(data)))
    at = data.find(group, start)
    return at if at >= 0 else max(0, data.find(group))


def damaged(number: int, *, seed: int, files: list[bytes]) -> tuple[str, bytes]:
    """File ``number``: the mutations it went through, and what they left."""
    chance = random.Random(f"{seed}/{number}")
    data = bytearray(chance.choice(files))
    applied = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        mutation = chance.choice(MUTATIONS)
        if len(data) > 16:
            mutation(data, chance)
            applied.append(mutation.__name__.strip("_"))
    return "+".join(applied), bytes(data)


def _received(data: bytes, inbox: Any) -> str:
    """Give it to the inbox as a peer would: the data set, and what its header announced."""
    from deeppcos.records.dicom_network import Sender
    from deeppcos.records.dicom_network.arrival import Announced

    syntax = next(
        (one for one in SYNTAXES if one.encode() + b"\0" in data[:400]), ExplicitVRLittleEndian
    )
    start = data.find(b"\x08\x00\x05\x00")
    arrival = inbox.arrival(
        Announced(
            sop_class_uid=UltrasoundImageStorage,
            sop_instance_uid="1.2.3",
            transfer_syntax=str(syntax),
            sender=Sender(ae_title="FUZZ", address="127.0.0.1"),
        )
    )
    arrival.write(data[max(start, 0) :])
    return f"inbox: {inbox.keep(arrival).keeping}"


SYNTAXES = (
    DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEGBaseline8Bit,
    ExplicitVRLittleEndian, ImplicitVRLittleEndian,
)  # fmt: skip


def _read_pictures(path: Path) -> str:
    from deeppcos.records.open_study import open_file

    for count, _ in enumerate(open_file(path).frames(), start=1):
        if count == MOST_FRAMES:
            break
    return "pictures: read"


def _read_report(path: Path) -> str:
    from deeppcos.records.dicom_report_reading import ovaries_of, read_report

    ovaries_of(read_report(path))
    return "report: read"


def _read_segmentation(path: Path) -> str:
    from deeppcos.records.dicom_segmentation import read_segmentation

    read_segmentation(path)
    return "segmentation: read"


def _read_source(path: Path) -> str:
    from deeppcos.records.dicom_source import read_source_image

    read_source_image(path)
    return "source: read"


def _sendable(path: Path) -> str:
    from deeppcos.records.dicom_network.sendable import sendable_file

    sendable_file(path)
    return "sending: read"


READERS = {
    "pictures": _read_pictures,
    "report": _read_report,
    "segmentation": _read_segmentation,
    "source": _read_source,
    "sending": _sendable,
}


def work(
    numbers: range, *, seed: int, place: Path, only: str | None = None
) -> Iterator[dict[str, Any]]:
    """Go through files; yields one record a file: its ends, and findings."""
    from deeppcos.records.dicom_network import Inbox

    files = [one for name, one in seeds().items() if only in (None, name)]
    with Inbox(place / "inbox") as inbox:
        for number in numbers:
            how, data = damaged(number, seed=seed, files=files)
            path = place / "damaged.dcm"
            path.write_bytes(data)
            ends, findings = [], []
            for name in ("inbox", *READERS):
                began = time.monotonic()
                try:
                    ends.append(READERS[name](path) if name in READERS else _received(data, inbox))
                except DeepPCOSError as error:
                    ends.append(f"{name}: refused ({type(error).__name__})")
                # The point of the exercise: whatever else comes out is written down.
                except BaseException as error:
                    findings.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
                if time.monotonic() - began > MOST_SECONDS:
                    findings.append(f"{name}: took {time.monotonic() - began:.0f} s")
            yield {"number": number, "how": how, "ends": ends, "findings": findings}


def _worker(first: int, last: int, seed: int, place: Path, only: str | None) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES * 2, MOST_MEMORY_BYTES * 2))
    with tempfile.TemporaryDirectory(dir=place) as folder:
        for record in work(range(first, last), seed=seed, place=Path(folder), only=only):
            print(json.dumps(record), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"peak_bytes": peak}), flush=True)


def run(count: int, *, seed: int, place: Path, only: str | None = None) -> dict[str, Any]:
    """All batches, each in a process of its own."""
    ends: Counter[str] = Counter()
    findings: list[str] = []
    peak, done, first = 0, 0, 0
    while first < count:
        last = min(first + BATCH, count)
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.fuzz_dicom"]
        command += ["--seed", str(seed), "--place", str(place)]
        command += ["--worker", str(first), str(last)]
        command += ["--of", only] if only else []
        try:
            ran = subprocess.run(
                command, stdout=subprocess.PIPE, encoding="utf-8", timeout=BATCH_SECONDS
            )
            lines, code = ran.stdout.splitlines(), ran.returncode
        except subprocess.TimeoutExpired as late:
            given = late.stdout or b""
            lines = (given if isinstance(given, bytes) else given.encode()).decode().splitlines()
            code = -1
        records = [json.loads(line) for line in lines]
        files = [one for one in records if "number" in one]
        for one in files:
            ends.update(one["ends"])
            findings += [f"file {one['number']} ({one['how']}): {said}" for said in one["findings"]]
        peak = max([peak, *(one["peak_bytes"] for one in records if "peak_bytes" in one)])
        done += len(files)
        first = last
        if code:
            reached = files[-1]["number"] + 1 if files else last - BATCH
            findings.append(f"file {reached}: the process ended with {code}")
            first = max(reached + 1, 0)
        print(f"{done} files, {len(findings)} findings", file=sys.stderr, flush=True)
    if peak > MOST_MEMORY_BYTES:
        findings.append(f"a process took {peak} bytes")
    return {"files": done, "peak_bytes": peak, "ends": ends, "findings": findings}


def page(result: dict[str, Any], *, seed: int) -> str:
    """The run as a table."""
    lines = [
        f"{result['files']:,} damaged files (seed {seed}), every one given to the inbox and to "
        f"{len(READERS)} readers: {len(result['findings'])} findings. "
        f"Peak memory of a process: {result['peak_bytes'] / 1024**2:.0f} MiB.",
        "",
        "| given to: end | files |",
        "|---|---|",
    ]
    lines += [f"| {end} | {number:,} |" for end, number in sorted(result["ends"].items())]
    lines += ["", *(f"- {one}" for one in result["findings"])]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Run, and print or write the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--place", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", type=int)
    parser.add_argument("--of", choices=sorted(seeds()), help="damage this file alone")
    parser.add_argument("--worker", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        first, last = given.worker
        _worker(first, last, given.seed, given.place, given.of)
        return
    if given.only is not None:
        _worker(given.only, given.only + 1, given.seed, given.place, given.of)
        return
    result = run(given.count, seed=given.seed, place=given.place, only=given.of)
    text = page(result, seed=given.seed)
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
