"""De-identified rows as FHIR R4 bulk data: one NDJSON file a resource type.

Owns which row becomes which resource. Codes are those of ``records.codes``; a unit a code does not
go with gets the test's name as text and no code. Conclusions are not written as conditions.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.ovary import Side
from deeppcos.records import codes
from deeppcos.records.fhir.parts import UCUM_SYSTEM, Resource, checked, concept

PSEUDONYM_SYSTEM = "urn:deeppcos:pseudonym"
FEMALE = "female"
_SIDES = {"left": Side.LEFT, "right": Side.RIGHT}
_COUNTS = {
    "fnps": codes.FNPS,
    "tracked_estimate": codes.TRACKED_ESTIMATE,
    "fnpo": codes.FNPO,
}


def write_fhir(
    assessments: Iterable[Mapping[str, Any]],
    ovaries: Iterable[Mapping[str, Any]],
    labs: Iterable[Mapping[str, Any]],
    folder: Path,
) -> None:
    """Write patients and observations.

    Args:
        assessments: Rows of the flat table, pseudonymous, dates moved.
        ovaries: Rows of ovaries of the same assessments.
        labs: Rows of laboratory results of the same assessments.
        folder: Where; made.
    """
    folder.mkdir(parents=True)
    rows = list(assessments)
    days = {row["assessment_id"]: row["performed_on"] for row in rows}
    people = sorted({str(row["patient_id"]) for row in rows})
    counts = {
        "Patient": _write(folder / "Patient.ndjson", (_patient(who) for who in people)),
        "Observation": _write(
            folder / "Observation.ndjson",
            (*_laboratory(labs, days), *_ovarian(ovaries, days)),
        ),
    }
    manifest = {
        "outputFormat": "application/fhir+ndjson",
        "fhirVersion": "4.0.1",
        "output": [
            {"type": kind, "url": f"{kind}.ndjson", "count": n} for kind, n in counts.items()
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _write(file: Path, resources: Iterable[Resource]) -> int:
    """One resource a line, each held against the R4 model first."""
    count = 0
    with file.open("w", encoding="utf-8") as lines:
        for resource in resources:
            lines.write(json.dumps(checked(resource), ensure_ascii=False) + "\n")
            count += 1
    return count


def _patient(pseudonym: str) -> Resource:
    return {
        "resourceType": "Patient",
        "id": _id(pseudonym),
        "identifier": [{"system": PSEUDONYM_SYSTEM, "value": pseudonym}],
        "gender": FEMALE,
    }


def _id(text: str) -> str:
    """A logical id FHIR accepts: at most 64 letters, digits and hyphens."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _observation(row: Mapping[str, Any], day: Any, name: str) -> Resource:
    """What every observation has."""
    found: Resource = {
        "resourceType": "Observation",
        "id": _id(f"{row['assessment_id']}|{name}"),
        "status": "final",
        "subject": {"reference": f"Patient/{_id(str(row['patient_id']))}"},
    }
    return found if day is None else found | {"effectiveDateTime": str(day)}


def _laboratory(rows: Iterable[Mapping[str, Any]], days: Mapping[Any, Any]) -> Iterator[Resource]:
    """Laboratory results in the unit they were reported in."""
    for row in rows:
        if row["analyte"] is None or row["unit"] is None:
            continue
        analyte = Analyte(row["analyte"])
        loinc = [
            {"system": "http://loinc.org", "code": code.loinc}
            for code in codes.LABORATORY.get(analyte, ())
            if code.unit == row["unit"]
        ][:1]
        said: Resource = {"code": {"text": analyte.label} | ({"coding": loinc} if loinc else {})}
        said["valueQuantity"] = _quantity(row["value"], row["unit"])
        if row["upper_limit"] is not None:
            said["referenceRange"] = [{"high": _quantity(row["upper_limit"], row["unit"])}]
        yield _observation(row, days.get(row["assessment_id"]), analyte.value) | said


def _ovarian(rows: Iterable[Mapping[str, Any]], days: Mapping[Any, Any]) -> Iterator[Resource]:
    """Counts and volume of each ovary; the three counts have codes of their own."""
    for row in rows:
        side = _SIDES.get(str(row["side"]))
        day = days.get(row["assessment_id"])
        place = {} if side is None else {"bodySite": concept(codes.OVARY, codes.SIDES[side])}
        for name, code in _COUNTS.items():
            if row[name] is not None:
                label = f"{row['side']} {row['source']} {name}"
                said = {"code": concept(code), "valueQuantity": _quantity(row[name], "1")}
                yield _observation(row, day, label) | said | place
        if row["volume_ml"] is not None:
            named = [codes.VOLUME] if side is None else [codes.OVARY_VOLUME[side]]
            said = {
                "code": concept(*named),
                "valueQuantity": _quantity(row["volume_ml"], "mL"),
            }
            label = f"{row['side']} {row['source']} volume"
            yield _observation(row, day, label) | said | place


def _quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM_SYSTEM, "code": unit}
