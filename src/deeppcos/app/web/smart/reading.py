"""From the token of a launch to the fields of a chart.

Owns what is taken of a patient's record: her number by a stated rule, and the values a chart has
a place for. Which of several results counts is chosen on the page of the chart.
"""

import datetime as dt
import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from deeppcos.app.desk.chart_form import typed_form
from deeppcos.app.desk.chart_import import GivenChart, GivenLab
from deeppcos.app.web.smart.remembering import Reading
from deeppcos.app.web.smart.servers import ca_file
from deeppcos.errors import InvalidInput
from deeppcos.records.codes import FHIR_SYSTEMS, Scheme
from deeppcos.records.fhir.known_values import coded
from deeppcos.records.fhir.reading import KnownChart, read_bundle
from deeppcos.records.fhir.server import FhirPeer, read_patient_bundle
from deeppcos.records.fhir.smart import LaunchContext
from deeppcos.records.lab_choice import FoundLab, analyte_of

KEPT = frozenset({"Patient", "Observation", "Condition", "MedicationStatement", "Medication"})
"""The day of the study is the desk's own, so that studies of the record are left there."""

MEDICAL_RECORD = "MR"
LONGEST_NUMBER = 64
LONGEST_SHOWN = 8


def read_record(context: LaunchContext) -> Reading:
    """What the record system says of the patient on the screen.

    Args:
        context: What the launch gave; its token is used here and nowhere else.

    Raises:
        InvalidInput: If the system names her by no number that counts here.
        TemporaryFailure: If it does not answer.
    """
    peer = FhirPeer(url=context.server, token=lambda: context.access_token, ca_file=ca_file())
    bundle = read_patient_bundle(context.patient, peer=peer)
    entries = [entry for entry in bundle["entry"] if _is_kept(entry["resource"])]
    patient = next(
        entry["resource"] for entry in entries if entry["resource"]["resourceType"] == "Patient"
    )
    return Reading(
        server=context.server,
        number=number_of(patient),
        name=_name(patient),
        birth_date=str(patient.get("birthDate", "")),
        bundle=json.dumps({**bundle, "entry": entries}),
    )


def number_of(patient: dict[str, Any]) -> str:
    """The number the desk knows a patient by, from her FHIR record.

    Args:
        patient: The Patient.

    Raises:
        InvalidInput: If she has none, or several and nothing says which counts.
    """
    every = [one for one in patient.get("identifier", []) if one.get("value")]
    system = settings.SMART_PATIENT_SYSTEM
    ours = [one for one in every if not system or one.get("system") == system]
    if len(ours) > 1:
        ours = [one for one in ours if MEDICAL_RECORD in _types(one)]
    numbers = {str(one["value"]) for one in ours}
    if len(numbers) != 1 or len(min(numbers)) > LONGEST_NUMBER:
        raise InvalidInput(
            "the record system does not say which of her numbers counts here",
            value=", ".join(sorted(str(one.get("system", "no system")) for one in every)) or "none",
            accepted=f"one number of {system}" if system else "one number, or one of type MR",
            remedy="ask an administrator to set DEEPPCOS_SMART_PATIENT_SYSTEM",
        )
    return numbers.pop()


def given_by(reading: Reading, *, study_day: dt.date | None) -> tuple[GivenChart, KnownChart]:
    """What the record says, as the chart's form takes it, and what is asked or refused.

    Args:
        reading: What was read.
        study_day: Day of the study; None where it is not known.
    """
    known = read_bundle(reading.bundle, study_day=study_day)
    patient = {name: value for name, value in known.chart.items() if name != "labs"}
    given = GivenChart(typed={name: text for name, text in typed_form(patient).items() if text})
    host = urlsplit(reading.server).hostname or reading.server
    for one in known.labs:
        given.labs[one.lab.analyte].append(_given(one, host))
    return given, known


def _given(one: FoundLab, host: str) -> GivenLab:
    """A result with where it stands."""
    lab = one.lab
    return GivenLab(
        parts={
            "value": f"{lab.value:.10g}",
            "unit": lab.unit,
            "upper_limit": "" if lab.upper_limit is None else f"{lab.upper_limit:.10g}",
            "assay": lab.assay or "",
        },
        day=one.at.date() if one.at else None,
        place=f"{_short(one.origin)} at {host}",
    )


def _short(origin: str) -> str:
    """A reference as people can take it in; its end tells results apart."""
    kind, _, number = origin.partition("/")
    return origin if len(number) <= LONGEST_SHOWN else f"{kind} …{number[-LONGEST_SHOWN:]}"


def _is_kept(resource: dict[str, Any]) -> bool:
    """Whether a chart may have a place for it: of observations, only the tests it knows."""
    kind = resource.get("resourceType")
    if kind == "Observation":
        codes = coded(resource.get("code", {}), FHIR_SYSTEMS[Scheme.LOINC])
        return any(analyte_of(code) is not None for code in codes)
    return kind in KEPT


def _types(identifier: dict[str, Any]) -> set[str]:
    return {str(one.get("code")) for one in identifier.get("type", {}).get("coding", [])}


def _name(patient: dict[str, Any]) -> str:
    """Her name for people: as the desk writes names, family first."""
    for one in patient.get("name", []):
        given = " ".join(str(part) for part in one.get("given", []) if part)
        parts = [part for part in (str(one.get("family", "")), given) if part]
        if parts or one.get("text"):
            return (", ".join(parts) or str(one["text"]))[:200]
    return ""
