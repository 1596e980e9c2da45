"""A result in FHIR R5: what R4 says, in the names of R5, with the frames behind each measurement.

Owns the differences, resource by resource. R5 has ImagingSelection: it says which frames of which
images a measurement was read from, as the DICOM SR does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator

from deeppcos.records.codes import SIDES, SOURCE_OF_MEASUREMENT
from deeppcos.records.fhir.parts import (
    URI_SYSTEM,
    Resource,
    by_identifier,
    concept,
    created_once,
    tracked,
)
from deeppcos.records.result_content import ResultContent
from deeppcos.records.result_sides import SideMeasurement


def in_r5(bundle: Resource, content: ResultContent) -> Resource:
    """A transaction of R4 as one of R5.

    Args:
        bundle: What was made for R4.
        content: The result it was made of.

    Returns:
        The Bundle, to be checked against R5.
    """
    shown_by, selections = _selections(bundle, content)
    entries = []
    for entry in bundle["entry"]:
        made = entry["resource"]
        change = _CHANGES.get(made["resourceType"])
        made = change(made) if change else made
        if entry["fullUrl"] in shown_by:
            frames = [{"reference": url} for url in shown_by[entry["fullUrl"]]]
            made = {**made, "derivedFrom": [*made.get("derivedFrom", []), *frames]}
        entries.append({**entry, "resource": made})
    document = [one["fullUrl"] for one in entries if _is(one, "DocumentReference")]
    for entry in entries:
        if _is(entry, "DiagnosticReport") and document:
            entry["resource"]["media"] = [{"link": {"reference": url}} for url in document]
    return {**bundle, "entry": [*entries, *selections]}


def _is(entry: Resource, kind: str) -> bool:
    return bool(entry["resource"]["resourceType"] == kind)


def _selections(
    bundle: Resource, content: ResultContent
) -> tuple[dict[str, list[str]], list[Resource]]:
    """The frames of each measurement: by the measurement's address, and as entries."""
    subjects = [
        entry["resource"]["subject"]
        for entry in bundle["entry"]
        if _is(entry, "Observation") and "subject" in entry["resource"]
    ]
    studies = [entry["fullUrl"] for entry in bundle["entry"] if _is(entry, "ImagingStudy")]
    shown_by: dict[str, list[str]] = {}
    entries = []
    for one in content.measured:
        for url, made in _selection(one, content):
            if subjects:
                made["subject"] = subjects[0]
            made["derivedFrom"] = [{"reference": study} for study in studies]
            shown_by.setdefault(one.identifier.uuid_urn, []).append(url)
            entries.append(created_once(url, made, by_identifier(made["identifier"][0])))
    return shown_by, entries


def _selection(one: SideMeasurement, content: ResultContent) -> Iterator[tuple[str, Resource]]:
    """The frames one measurement was read from, one selection for each series."""
    series: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    images = {image.source: image for image in content.images}
    for source in one.sources:
        image = images.get(source.source)
        if image is not None:
            series[image.series_instance_uid][source.source].add(source.frame + 1)
    for uid, frames in series.items():
        identifier = content.scope.of_result(
            "fhir imaging selection",
            one.identifier.uid,
            uid,
            *(f"{source} {number}" for source in frames for number in sorted(frames[source])),
        )
        made: Resource = {
            "resourceType": "ImagingSelection",
            "identifier": [tracked(identifier)],
            "status": "available",
            "code": concept(SOURCE_OF_MEASUREMENT),
            "studyUid": images[next(iter(frames))].study_instance_uid,
            "seriesUid": uid,
            "instance": [
                {
                    "uid": images[source].sop_instance_uid,
                    "sopClass": {
                        "system": URI_SYSTEM,
                        "code": f"urn:oid:{images[source].sop_class_uid}",
                    },
                    "subset": [str(number) for number in sorted(numbers)],
                }
                for source, numbers in frames.items()
            ],
        }
        if one.side is not None:
            side = concept(SIDES[one.side], text=f"{one.side.value.capitalize()} ovary")
            made["bodySite"] = {"concept": side}
        yield identifier.uuid_urn, made


def _device(made: Resource) -> Resource:
    """Names are values, the type is a list, and the program says what its name is for."""
    names = [
        {"value": one["name"], "type": "user-friendly-name", "display": True}
        for one in made["deviceName"]
    ]
    rest = {name: value for name, value in made.items() if name != "deviceName"}
    return {**rest, "name": names, "type": [made["type"]]}


def _study(made: Resource) -> Resource:
    """Modalities are concepts."""
    series = [{**one, "modality": _concept_of(one["modality"])} for one in made["series"]]
    return {**made, "modality": [_concept_of(one) for one in made["modality"]], "series": series}


def _concept_of(coded: Resource) -> Resource:
    return {"coding": [coded]}


def _report(made: Resource) -> Resource:
    """The study has another name."""
    rest = {name: value for name, value in made.items() if name != "imagingStudy"}
    return {**rest, "study": made["imagingStudy"]} if "imagingStudy" in made else rest


def _document(made: Resource) -> Resource:
    """One kind of identifier; the report refers to the document, no longer the other way round."""
    gone = ("masterIdentifier", "context", "content")
    rest = {name: value for name, value in made.items() if name not in gone}
    content = [
        # integer64 is text in JSON.
        {**one, "attachment": {**one["attachment"], "size": str(one["attachment"]["size"])}}
        for one in made["content"]
    ]
    return {**rest, "content": content}


_CHANGES: dict[str, Callable[[Resource], Resource]] = {
    "Device": _device,
    "ImagingStudy": _study,
    "DiagnosticReport": _report,
    "DocumentReference": _document,
}
