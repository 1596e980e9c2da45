"""The way of one measurement: from the pixels to every system that has acknowledged it.

Owns finding one identifier in what was measured and in what was sent. How identifiers are made and
where each format keeps them stands in ``records.tracking_identifiers``.

Nothing is looked up in a table that could be wrong: the study's results are made again from its
assessment, and what was sent is read as it lies in the outbox.
"""

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import Item, ItemState
from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.records.assessment_document import FrameReference
from deeppcos.records.result_content import ResultContent
from deeppcos.records.result_outlines import FollowedBody, OutlinedBody
from deeppcos.records.result_sides import QUANTITY_CODES, SideMeasurement

Traced = SideMeasurement | OutlinedBody | FollowedBody
MOST_ITEMS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One place the measurement came by.

    Attributes:
        name: Which, such as ``pixels`` or ``SR``.
        words: What it is there, one line each.
    """

    name: str
    words: tuple[str, ...]


def identifier_of(text: str) -> str:
    """An identifier in any of its spellings, as the UID that DICOM writes.

    Args:
        text: ``2.25...``, ``urn:oid:2.25...``, ``urn:uuid:...``, a UUID, or an entity identifier
            of HL7 v2.

    Raises:
        InvalidInput: If it is none of these.

    Examples:
        >>> identifier_of("urn:oid:2.25.7")
        '2.25.7'
        >>> identifier_of("00000000-0000-0000-0000-000000000007")
        '2.25.7'
    """
    plain = text.strip().split("^")[0].removeprefix("urn:oid:").removeprefix("urn:uuid:")
    if re.fullmatch(r"2\.25\.\d{1,39}", plain):
        return plain
    try:
        return f"2.25.{uuid.UUID(plain).int}"
    except ValueError:
        raise InvalidInput(
            "this is no identifier of a measurement",
            value=text[:80],
            accepted="2.25..., urn:oid:2.25..., or a UUID",
            remedy="copy it from SR (Tracking Unique Identifier), SEG, FHIR or OBX-21",
        ) from None


def study_of(uid: str, outbox: Outbox) -> str | None:
    """The study whose results carry an identifier, by what was sent; None where nothing does."""
    for item in outbox.items(limit=MOST_ITEMS):
        if any(_holds(path, uid) for _, path in _files(item, outbox)):
            return item.study
    return None


def stations(uid: str, content: ResultContent, outbox: Outbox, *, study: str) -> Iterator[Station]:
    """Where a measurement came by, in the order of its way.

    Args:
        uid: As ``identifier_of`` gives it.
        content: The study's results.
        outbox: What was sent.
        study: The study's id in the outbox.

    Yields:
        Pixels, assessment, each format, each peer.

    Raises:
        InvalidInput: If the study has no such measurement.
    """
    traced = find(uid, content)
    if traced is None:
        raise InvalidInput(
            "this study has no such measurement",
            value=uid,
            remedy="another release, or changed marks, give other identifiers",
        )
    yield Station(name="measurement", words=(_in_words(traced), traced.identifier.oid_urn))
    yield Station(name="pixels", words=tuple(_pixels(traced, content)))
    yield Station(name="assessment", words=(_assessment(content),))
    items = outbox.items(study=study)[::-1]
    yield from _formats(uid, items, outbox)
    yield from _peers(uid, items, outbox)


def find(uid: str, content: ResultContent) -> Traced | None:
    """What an identifier names in a study."""
    every: Iterable[Traced] = (*content.measured, *content.outlined, *content.followed)
    return next((one for one in every if one.identifier.uid == uid), None)


def _in_words(traced: Traced) -> str:
    label = traced.identifier.label
    if isinstance(traced, SideMeasurement):
        unit = QUANTITY_CODES[traced.quantity][1].meaning
        interval = (
            f" ({traced.low:g} to {traced.high:g})"
            if traced.low is not None and traced.high is not None
            else ""
        )
        return f"{label}: {traced.value:g} {unit}{interval}"
    size = traced.mean_diameter_mm
    diameter = f", mean diameter {size:g} mm" if size is not None else ""
    return f"{label}{diameter}, probability {traced.probability:.2f}"


def _pixels(traced: Traced, content: ResultContent) -> Iterator[str]:
    if isinstance(traced, SideMeasurement):
        for source in traced.sources:
            yield _frame(source, content)
        if not traced.sources:
            yield "no single frame: it follows from the whole study"
        return
    image = traced.image
    where = f"study {image.study_instance_uid}, {image.label} ({image.sop_instance_uid})"
    if isinstance(traced, OutlinedBody):
        yield f"{where}, frame {traced.frame + 1}: an outline of {len(traced.polygon)} points"
        return
    first, last = traced.frames[0] + 1, traced.frames[-1] + 1
    yield (
        f"{where}, frames {first} to {last}: {len(traced.outlines)} outlines, the largest in "
        f"frame {traced.largest_in + 1}"
    )


def _frame(source: FrameReference, content: ResultContent) -> str:
    image = content.image_of(source.source)
    if image is None:
        return f"{source.source}, frame {source.frame + 1}"
    return (
        f"study {image.study_instance_uid}, {image.label} ({image.sop_instance_uid}), "
        f"frame {source.frame + 1}"
    )


def _assessment(content: ResultContent) -> str:
    document = content.document
    made = document.provenance.created
    signed = document.signature
    words = [
        f"DeepPCOS {document.provenance.version or 'of unknown version'}",
        f"release {document.release.get('name', 'unknown')}",
        f"made {made:%Y-%m-%d %H:%M}" if made else "",
        f"signed by {signed.name} on {signed.signed:%Y-%m-%d %H:%M}" if signed else "not signed",
    ]
    return ", ".join(one for one in words if one)


def _formats(uid: str, items: Iterable[Item], outbox: Outbox) -> Iterator[Station]:
    """Where it stands in each file that was made, each file once."""
    seen: set[str] = set()
    for item in items:
        for payload, path in _files(item, outbox):
            if payload in seen or not _holds(path, uid):
                continue
            seen.add(payload)
            kind = "DICOM" if path.read_bytes()[128:132] == b"DICM" else item.what.upper()
            reader = _PLACES[kind]
            name, words = reader(path, uid)
            yield Station(name=name, words=words)


def _peers(uid: str, items: Iterable[Item], outbox: Outbox) -> Iterator[Station]:
    """Who has acknowledged it, and when."""
    for item in items:
        if not any(_holds(path, uid) for _, path in _files(item, outbox)):
            continue
        at = dt.datetime.fromtimestamp(item.changed_at).astimezone()
        state = "acknowledged" if item.state is ItemState.SENT else item.state.replace("_", " ")
        words = f"{item.what.replace('_', ' ')}: {state} on {at:%Y-%m-%d %H:%M:%S}"
        said = f", {item.words}" if item.words else ""
        yield Station(name=f"at {item.peer}", words=(words + said,))


def _files(item: Item, outbox: Outbox) -> Iterator[tuple[str, Path]]:
    """Hash and place of every file of an item that is still kept."""
    for payload in item.files:
        try:
            yield payload.sha256, outbox.payloads.path(payload)
        except ContractBroken:
            continue


def _holds(path: Path, uid: str) -> bool:
    """Whether a file names the identifier, whatever its format: as a whole, not as a beginning."""
    whole = rb"(?<![\d.])" + re.escape(uid.encode()) + rb"(?!\d)"
    return re.search(whole, path.read_bytes()) is not None


def _in_dicom(path: Path, uid: str) -> tuple[str, tuple[str, ...]]:
    from pydicom import dcmread

    made = dcmread(path, stop_before_pixels=True)
    where = f"{made.SOPClassUID.name} {made.SOPInstanceUID}"
    if "SegmentSequence" in made:
        numbers = [
            f"segment {one.SegmentNumber}, {one.SegmentLabel}"
            for one in made.SegmentSequence
            if one.get("TrackingUID") == uid
        ]
        return "SEG", (where, *numbers)
    standing = f"{made.get('CompletionFlag', '')} {made.get('VerificationFlag', '')}".strip()
    place = f"Tracking Unique Identifier, {standing}" if standing else "Tracking Unique Identifier"
    return "SR", (where, place)


def _in_fhir(path: Path, uid: str) -> tuple[str, tuple[str, ...]]:
    entries = json.loads(path.read_text(encoding="utf-8")).get("entry", [])
    found = [one["resource"] for one in entries if f"urn:oid:{uid}" in json.dumps(one)]
    words = [
        f"{one['resourceType']}, status {one.get('status', 'none')}, identifier urn:oid:{uid}"
        for one in found
        if any(i.get("value") == f"urn:oid:{uid}" for i in one.get("identifier", []))
    ]
    return "FHIR", tuple(words or (f"in {len(found)} resources",))


def _in_hl7(path: Path, uid: str) -> tuple[str, tuple[str, ...]]:
    lines = path.read_bytes().decode().split("\r")
    control = lines[0].split("|")[9]
    found = [line.split("|") for line in lines if line.startswith("OBX") and uid in line]
    words = [f"OBX {one[1]}, status {one[11]}, identifier in OBX-21" for one in found]
    return "HL7 v2", (f"message {control}", *words)


_PLACES: dict[str, Callable[[Path, str], tuple[str, tuple[str, ...]]]] = {
    "DICOM": _in_dicom,
    "FHIR": _in_fhir,
    "HL7": _in_hl7,
}
