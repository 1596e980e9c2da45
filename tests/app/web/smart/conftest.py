"""A hospital's authorisation server and FHIR server, neither of them ours, in one process."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

PACKAGES = [f"@medplum/{name}@5.2.13" for name in ("fhir-router", "core", "definitions")]
SERVER = Path(__file__).parents[3] / "records" / "fhir" / "smart_server.mjs"
MRN = {"system": "urn:ward", "value": "MRN-1"}


def lab(loinc: str, value: float, unit: str, day: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "effectiveDateTime": day,
        "valueQuantity": {
            "value": value,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }


PATIENT = {
    "identifier": [MRN],
    "name": [{"family": "Musterfrau", "given": ["Erika"]}],
    "birthDate": "1998-01-04",
    "labs": [
        lab("10501-5", 9.5, "m[IU]/mL", "2026-01-02"),
        lab("2842-3", 14, "ng/mL", "2026-01-02"),
        lab("2842-3", 19, "ng/mL", "2025-06-01"),
    ],
}


@pytest.fixture(scope="session")
def smart_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = os.environ.get("DEEPPCOS_FHIR_ROUTER")
    names = [*PACKAGES, "oidc-provider@8.8.1"]
    if there and all(
        (Path(there) / "node_modules" / one.rsplit("@", 1)[0]).is_dir() for one in names
    ):
        return Path(there)
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("smart")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *names],
        cwd=folder,
        capture_output=True,
        timeout=240,
    )
    if done.returncode != 0:
        pytest.skip("npm cannot install the servers here")
    return folder


@pytest.fixture
def ehr(
    smart_modules: Path, live_server: LiveServer, settings: Settings
) -> Iterator[dict[str, Any]]:
    """The hospital, and an application that is known to it."""
    client = {
        "client_id": "desk",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "redirect_uris": [f"{live_server.url}/smart/back/"],
        "token_endpoint_auth_method": "none",
    }
    given = {"clients": [client], "patients": [PATIENT]}
    running = subprocess.Popen(
        ["node", "--no-warnings", str(SERVER), str(smart_modules), json.dumps(given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    try:
        assert running.stdout is not None
        said = next(dict(json.loads(line)) for line in running.stdout if line.startswith("{"))
        settings.SMART_SERVERS = ((said["url"], "desk"),)
        yield said
    finally:
        running.terminate()
        running.communicate(timeout=30)
