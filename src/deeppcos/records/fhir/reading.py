"""A FHIR bundle as a chart, with where each value is from.

Owns going through a bundle of one patient. Nothing is guessed: what contradicts itself becomes a
question and is left open, what has an unknown unit is refused by its name, and everything that
was passed over is listed.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.records.chart_document import SCHEMA_NAME
from deeppcos.records.fhir.known_patient import (
    KnownPatient,
    age_of,
    contraception_of,
    state_of,
    with_medication,
)
from deeppcos.records.fhir.known_values import lab_of, moment_of
from deeppcos.records.fhir.parts import Resource, accepted
from deeppcos.records.lab_choice import FoundLab, choose

LARGEST_BYTES = 64 * 1024**2
READ = frozenset(
    {
        "Patient",
        "Observation",
        "Condition",
        "MedicationStatement",
        "Medication",
        "ImagingStudy",
    }
)
OLD_VERSIONS = "history"
NOT_DONE = frozenset({"entered-in-error", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownChart:
    """What a hospital knows of a patient, as a chart.

    Attributes:
        chart: A ``deeppcos.chart/1`` document.
        origins: Where each value is from, one line each.
        questions: What contradicts itself; left open in the chart.
        refused: Values that were not used because of their unit or size.
        others: Everything else that was passed over, and why.
        labs: Every result that can be used, the chosen ones among them.
        study_day: The day the choice rests on; None where no study is known.
    """

    chart: dict[str, Any]
    origins: tuple[str, ...]
    questions: tuple[str, ...]
    refused: tuple[str, ...]
    others: tuple[str, ...]
    labs: tuple[FoundLab, ...]
    study_day: dt.date | None


def read_bundle(text: str, *, study_day: dt.date | None = None) -> KnownChart:
    """Read a bundle of one patient.

    Args:
        text: The bundle, JSON.
        study_day: Day of the ultrasound study; None takes that of the one ImagingStudy there.

    Returns:
        The chart.

    Raises:
        InvalidInput: If it is no R4 bundle, or speaks of several patients.
    """
    resources = list(_resources(text))
    _refuse_several_patients(resources)
    day, day_note = (study_day, ()) if study_day else _study_day(resources)
    labs, refused, others = _labs(resources)
    choice = choose(labs, study_day=day)
    person = list(_person(resources, day or dt.datetime.now(tz=dt.UTC).date()))
    chart: dict[str, Any] = {"schema": SCHEMA_NAME}
    fields = {name: value for one in person for name, value in one.fields.items()}
    if fields:
        chart["patient"] = fields
    if choice.chosen:
        chart["labs"] = [_charted(one) for one in choice.chosen]
    origins = [line for one in person for line in one.origins]
    return KnownChart(
        chart=chart,
        origins=(*origins, *(f"labs: {one}" for one in choice.chosen)),
        questions=(*(q for one in person for q in one.questions), *choice.questions),
        refused=tuple(refused),
        others=(*day_note, *others, *choice.others, *(o for one in person for o in one.others)),
        labs=tuple(labs),
        study_day=day,
    )


def _resources(text: str) -> Iterator[tuple[str, Resource]]:
    """Name and resource of everything the chart may need, each held against R4."""
    for place, entry in enumerate(_entries(text)):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and str(resource.get("resourceType")) in READ:
            name = f"{resource['resourceType']}/{resource.get('id', f'entry {place}')}"
            url = str(entry.get("fullUrl", ""))
            # Others refer to these by the address of the entry where that is a URN.
            if resource["resourceType"] in ("Patient", "Medication") and url.startswith("urn:"):
                name = url
            yield name, accepted(resource, name)


def _entries(text: str) -> list[Any]:
    """The entries of a bundle."""
    if len(text) > LARGEST_BYTES:
        raise InvalidInput(
            "the bundle is too large", accepted=f"up to {LARGEST_BYTES // 1024**2} MB"
        )
    try:
        bundle = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the bundle is no JSON", value=str(error)[:80]) from error
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise InvalidInput("this is no FHIR Bundle", accepted='"resourceType": "Bundle"')
    if bundle.get("type") == OLD_VERSIONS:
        raise InvalidInput(
            "the bundle is a history: it holds values that were replaced",
            accepted="what the server holds now, such as a searchset",
        )
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise InvalidInput("entry of the bundle is no list", accepted="a list of entries")
    return entries


def _of(resources: Sequence[tuple[str, Resource]], kind: str) -> list[tuple[str, Resource]]:
    """Those of one kind."""
    return [(name, one) for name, one in resources if one["resourceType"] == kind]


def _refuse_several_patients(resources: Sequence[tuple[str, Resource]]) -> None:
    """A chart is of one patient."""
    subjects = {
        str(one["subject"].get("reference") or one["subject"].get("identifier", {}).get("value"))
        for _, one in resources
        if "subject" in one
    }
    patients = _of(resources, "Patient")
    strangers = [one for one in subjects for patient in patients if not _is_of(one, *patient)]
    merged = [name for name, one in patients if _is_merged(one)]
    if merged:
        raise InvalidInput(
            "the patient was merged into another", value=merged[0], remedy="read that patient"
        )
    if len(patients) > 1 or len(subjects) > 1 or strangers:
        raise InvalidInput(
            "the bundle speaks of several patients",
            value=", ".join(sorted({*subjects, *(name for name, _ in patients)})),
            accepted="resources of one patient",
            remedy="ask the server for one patient's",
        )


def _is_merged(patient: Resource) -> bool:
    """Whether another record took this one's place."""
    return any(one.get("type") == "replaced-by" for one in patient.get("link", []))


def _is_of(subject: str, name: str, patient: Resource) -> bool:
    """Whether a subject, by reference or number, is this patient."""
    numbers = {str(one.get("value")) for one in patient.get("identifier", [])}
    return subject in numbers or f"/{subject}".endswith(f"/{name}")


def _study_day(resources: Sequence[tuple[str, Resource]]) -> tuple[dt.date | None, tuple[str, ...]]:
    """The day of the only study; none where there are several days."""
    days = {
        at.date()
        for _, one in _of(resources, "ImagingStudy")
        if one.get("status") not in NOT_DONE
        and (at := moment_of(str(one.get("started", "")))[0]) is not None
    }
    if len(days) == 1:
        return days.pop(), ()
    if not days:
        return None, ("no day of the study is known: the latest results of all are used",)
    listed = ", ".join(str(day) for day in sorted(days))
    raise InvalidInput(
        "the bundle has studies of several days",
        value=listed,
        accepted="the day of one study",
        remedy="state it (--study-date)",
    )


def _labs(
    resources: Sequence[tuple[str, Resource]],
) -> tuple[list[FoundLab], list[str], list[str]]:
    """Results, refusals, and results that are not used."""
    found: list[FoundLab] = []
    refused, others = [], []
    for name, one in _of(resources, "Observation"):
        try:
            lab = lab_of(one, name)
        except InvalidInput as problem:
            refused.append(str(problem))
            continue
        if isinstance(lab, FoundLab):
            found.append(lab)
        elif lab is not None:
            others.append(lab)
    return found, refused, others


def _person(resources: Sequence[tuple[str, Resource]], on: dt.date) -> Iterator[KnownPatient]:
    """What is known of the patient herself."""
    for name, one in _of(resources, "Patient"):
        yield age_of(one, name, on)
    for name, one in _of(resources, "Condition"):
        yield state_of(one, name)
    medications = dict(_of(resources, "Medication"))
    statements = [
        (name, with_medication(one, medications))
        for name, one in _of(resources, "MedicationStatement")
    ]
    yield contraception_of(statements, on)


def _charted(one: FoundLab) -> dict[str, Any]:
    """A result as the chart holds it."""
    lab = one.lab
    made = {"analyte": lab.analyte.value, "value": lab.value, "unit": lab.unit}
    return made if lab.upper_limit is None else {**made, "upper_limit": lab.upper_limit}
