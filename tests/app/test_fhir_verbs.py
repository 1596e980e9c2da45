"""From a report's folder to a bundle and from a bundle to a chart, through the door people use."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deeppcos.app.cli import app
from deeppcos.app.example_study import write_example_study
from deeppcos.app.workflow import analyze_study, claim_output, write_report
from deeppcos.records.chart_json import read_chart

pytest.importorskip("fhir.resources", reason="the records extra is not installed")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    example = write_example_study(folder)
    out = folder / "report"
    claim_output(out, force=False)
    write_report(analyze_study([example.stills[0]], chart=example.chart), out)
    return out


@pytest.mark.slow
def test_a_report_becomes_a_bundle_with_the_identifiers_of_its_dicom_objects(
    report: Path, tmp_path: Path
) -> None:
    pytest.importorskip("highdicom", reason="the records extra is not installed")
    from deeppcos.app.dicom_results import results_of_report

    out = tmp_path / "bundle.json"
    done = CliRunner().invoke(app, ["export-fhir", str(report), "--out", str(out)])
    assert done.exit_code == 0, done.output
    bundle = json.loads(out.read_text(encoding="utf-8"))
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert {"DiagnosticReport", "Observation", "Device", "DocumentReference"} <= kinds
    said = {
        entry["resource"]["identifier"][0]["value"].removeprefix("urn:oid:")
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Observation"
    }
    measured = {one.identifier.uid for one in results_of_report(report).content.measured}
    assert measured
    assert measured <= said
    again = CliRunner().invoke(app, ["export-fhir", str(report), "--out", str(out)])
    assert again.exit_code == 2
    assert "is there already" in again.output


def test_a_folder_without_a_report_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export-fhir", str(tmp_path), "--out", str(tmp_path / "b")])
    assert done.exit_code == 2
    assert "holds no report" in done.output


def _bundle(folder: Path, unit: str) -> Path:
    lab: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "tsh",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "3016-3"}]},
        "effectiveDateTime": "2026-01-02",
        "valueQuantity": {"value": 2.1, "unit": unit},
    }
    path = folder / "bundle.json"
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": lab}]}
    path.write_text(json.dumps(bundle), encoding="utf-8")
    return path


def test_a_bundle_becomes_a_chart_with_its_origins_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "chart.json"
    bundle = _bundle(tmp_path, "mIU/L")
    done = CliRunner().invoke(
        app, ["read-fhir", str(bundle), "--chart-out", str(out), "--study-date", "2026-01-05"]
    )
    assert done.exit_code == 0, done.output
    assert read_chart(out).labs[0].value == 2.1
    origins = json.loads((tmp_path / "chart.origins.json").read_text(encoding="utf-8"))
    assert origins["used"] == ["labs: TSH 2.1 m[IU]/L (Observation/tsh, 2026-01-02)"]


def test_a_refused_unit_is_told_and_the_exit_says_so(tmp_path: Path) -> None:
    out = tmp_path / "chart.json"
    done = CliRunner().invoke(
        app, ["read-fhir", str(_bundle(tmp_path, "grain")), "--chart-out", str(out)]
    )
    assert done.exit_code == 1
    assert "refused: Observation/tsh: tsh: unknown unit; got 'grain'" in done.output
    assert read_chart(out).labs == ()


def test_without_the_extra_the_verbs_name_it() -> None:
    code = (
        "import sys; sys.modules['fhir'] = None; sys.modules['fhir.resources'] = None; "
        "import deeppcos.app.fhir_results; from deeppcos.app.cli import app; "
        "app(['read-fhir', 'b.json', '--chart-out', 'c.json'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 2
    assert "pip install 'deeppcos[records]'" in done.stderr


def test_a_patient_of_a_server_becomes_a_chart_that_says_where_from(tmp_path: Path) -> None:
    lab = json.loads(_bundle(tmp_path, "mIU/L").read_text(encoding="utf-8"))["entry"][0]["resource"]
    answers: dict[str, Any] = {
        "/fhir/Patient/7": {"resourceType": "Patient", "id": "7", "birthDate": "1998-01-04"},
        "/fhir/metadata": {"resourceType": "OperationOutcome", "issue": []},
    }

    class Hospital(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind = self.path.removeprefix("/fhir/").partition("?")[0]
            entries = [{"resource": lab}] if kind == "Observation" else []
            found = answers.get(self.path, {"resourceType": "Bundle", "entry": entries})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *args: Any) -> None:
            pass

    out = tmp_path / "chart.json"
    with HTTPServer(("127.0.0.1", 0), Hospital) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/fhir"
        said = ["read-fhir", "--server", url, "--patient", "Patient/7", "--chart-out", str(out)]
        done = CliRunner().invoke(app, said)
        server.shutdown()
        thread.join(5)
    assert done.exit_code == 0, done.output
    assert read_chart(out).labs
    origins = json.loads(out.with_name("chart.origins.json").read_text(encoding="utf-8"))
    assert origins["source"] == f"{url} Patient/7"


@pytest.mark.parametrize(
    "said",
    [[], ["bundle.json", "--server", "http://127.0.0.1:9", "--patient", "Patient/1"]],
    ids=["nothing", "both"],
)
def test_what_is_to_be_read_is_said_once(tmp_path: Path, said: list[str]) -> None:
    done = CliRunner().invoke(app, ["read-fhir", *said, "--chart-out", str(tmp_path / "c.json")])
    assert done.exit_code == 2
    assert "one thing is read at a time" in done.output


def test_a_name_without_its_key_lets_nobody_in(tmp_path: Path) -> None:
    said = ["--server", "https://ehr.example/fhir", "--patient", "Patient/1", "--client-id", "us"]
    done = CliRunner().invoke(app, ["read-fhir", *said, "--chart-out", str(tmp_path / "c.json")])
    assert done.exit_code == 2
    assert "not clear how to be let in" in done.output
