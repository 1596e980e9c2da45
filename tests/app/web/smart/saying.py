"""What a record system said, put into a session without asking one."""

import json
from typing import Any

from django.http import HttpRequest
from django.test import Client

from deeppcos.app.web.smart.remembering import Reading, remember_reading

SERVER = "https://ehr.example/fhir"
PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1998-01-04"}
LH = {
    "resourceType": "Observation",
    "id": "lh",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "10501-5"}]},
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2026-01-02",
    "valueQuantity": {"value": 9.5, "unit": "mIU/mL"},
}


def read_before(
    client: Client, *resources: dict[str, Any], lasts_s: int = 0, **fields: Any
) -> None:
    """Put into the session what a record system said."""
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": one} for one in resources or (PATIENT, LH)],
    }
    given = {"number": "MRN-1", "name": "Musterfrau, Erika", "birth_date": "1998-01-04", **fields}
    request = HttpRequest()
    request.session = client.session
    reading = Reading(server=SERVER, bundle=json.dumps(bundle), **given)
    remember_reading(request, reading, lasts_s=lasts_s)
    request.session.save()
