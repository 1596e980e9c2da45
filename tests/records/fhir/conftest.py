"""A small assessed study, the independent FHIR validators, and an independent server."""

import datetime as dt
import json
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from deeppcos.clinical.ovary import Side
from deeppcos.records.assessment_document import (
    AssessmentDocument,
    Conclusion,
    CountMeasurement,
    CriterionFinding,
    Findings,
    FrameReference,
    Measurements,
    Provenance,
    Severity,
    SeverityAxis,
    SideMeasurements,
    Signature,
    VolumeMeasurement,
)
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.result_content import ResultContent, result_content
from deeppcos.records.study_file import MediaKind

PACKAGES = [f"@medplum/{name}@5.2.13" for name in ("fhir-router", "core", "definitions")]
AUTHORISATION = "oidc-provider@8.8.1"
STUDY_UID = "1.2.826.0.1.3680043.8.498.77"
SIGNATURE = Signature(
    name="Dr Ayşe Yılmaz",
    role="gynaecologist",
    signed=dt.datetime(2026, 2, 3, 9, tzinfo=dt.UTC),
)
MakeContent = Callable[..., ResultContent]


def image(number: int, side: Side) -> SourceImage:
    identity = Dataset()
    identity.PatientName, identity.PatientID = "山田^太郎 & Ö", "P 1,2"
    identity.PatientBirthDate, identity.PatientSex = "19980104", "F"
    identity.StudyDate, identity.StudyTime = "20260105", "101500"
    identity.AccessionNumber = "A-77"
    return SourceImage(
        source=f"image{number}.dcm",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.6.1",
        sop_instance_uid=f"{STUDY_UID}.3.{number}",
        study_instance_uid=STUDY_UID,
        series_instance_uid=f"{STUDY_UID}.2",
        kind=MediaKind.STILL,
        frames=1,
        rows=100,
        columns=120,
        side=side,
        slice_spacing_mm=None,
        number=number,
        institution="Ward",
        utc_offset="+0300",
        compression=Dataset(),
        identity=identity,
    )


def sides(**values: Any) -> SideMeasurements:
    where = [FrameReference(source="image1.dcm", frame=0)]
    given: dict[str, Any] = {
        "fnps": CountMeasurement(value=11, low=9, high=14, method="largest count", sources=where),
        "tracked_estimate": CountMeasurement(unknown_because="no sweep was tracked"),
        "fnpo": CountMeasurement(unknown_because="single sections never give FNPO"),
        "volume_ml": VolumeMeasurement(
            value=7.25, low=3.41, high=12.5, method="pi/6 x 3 diameters", sources=where
        ),
        "length_mm": 31.5,
    }
    return SideMeasurements(**{**given, **values})


def document(measurements: Measurements, signature: Signature | None) -> AssessmentDocument:
    unknown, axis = CriterionFinding(state="unknown"), SeverityAxis()
    return AssessmentDocument(
        conclusion=Conclusion(
            status="indeterminate", profile="guideline_2023", reasons=["two criteria are unknown"]
        ),
        findings=Findings(
            ovulatory_dysfunction=unknown,
            hyperandrogenism=unknown,
            polycystic_morphology=unknown,
            exclusions=unknown,
        ),
        severity=Severity(reproductive=axis, morphology=axis, androgen=axis, metabolic=axis),
        measurements=measurements,
        release={"name": "seeing-2", "weights_sha256": "5" * 64},
        provenance=Provenance.model_validate(
            {
                "created": "2026-02-01T08:30:00+00:00",
                "version": "0.1.0",
                "inputs": [{"source": "image1.dcm", "sha256": "a" * 64}],
            }
        ),
        signature=signature,
    )


@pytest.fixture(scope="session")
def make_content() -> MakeContent:
    """A result; ``signed`` and ``measurements`` as the test wants them."""

    def made(
        *,
        signed: bool = False,
        measurements: Measurements | None = None,
        images: bool = True,
    ) -> ResultContent:
        said = measurements or Measurements(left=sides())
        pictures = [image(1, Side.LEFT), image(2, Side.RIGHT)] if images else []
        return result_content(document(said, SIGNATURE if signed else None), pictures)

    return made


def fhirkit_errors(resource: dict[str, Any]) -> list[str]:
    fhirkit = pytest.importorskip("fhirkit", reason="fhirkit-rs is not installed")
    return [str(one) for one in fhirkit.validate(json.dumps(resource)) if "error" in str(one)]


def pyfhircheck_errors(resource: dict[str, Any]) -> list[str]:
    pytest.importorskip("pyfhircheck", reason="pyfhircheck is not installed")
    from pyfhircheck import Validator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Validator().validate_resource(resource)
    return [f"{one.path}: {one.message}" for one in found.errors]


Validate = Callable[[dict[str, Any]], list[str]]


@pytest.fixture(
    params=[
        pytest.param(fhirkit_errors, id="fhirkit"),
        # It reads every definition of R4 first, some 8 s of processor.
        pytest.param(pyfhircheck_errors, id="pyfhircheck", marks=pytest.mark.slow),
    ]
)
def errors_of(request: pytest.FixtureRequest) -> Validate:
    """What an independent validator finds wrong with a resource."""
    found: Validate = request.param
    return found


def npm_packages(folder: Path, names: list[str]) -> Path:
    """A folder with packages of npm: one that is there, or a fresh one."""
    there = os.environ.get("DEEPPCOS_FHIR_ROUTER")
    if there and all(
        (Path(there) / "node_modules" / one.rsplit("@", 1)[0]).is_dir() for one in names
    ):
        return Path(there)
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *names],
        cwd=folder,
        capture_output=True,
        timeout=240,
    )
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {names[0]} here")
    return folder


@pytest.fixture(scope="session")
def fhir_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the FHIR server."""
    return npm_packages(tmp_path_factory.mktemp("router"), PACKAGES)


@pytest.fixture(scope="session")
def smart_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the FHIR server and the authorisation server."""
    return npm_packages(tmp_path_factory.mktemp("smart"), [*PACKAGES, AUTHORISATION])


@pytest.fixture(scope="module")
def server(fhir_packages: Path) -> Iterator[str]:
    """@medplum/fhir-router, empty, in a process of its own."""
    script = Path(__file__).with_name("router_server.mjs")
    running = subprocess.Popen(
        ["node", str(script), str(fhir_packages)], stdout=subprocess.PIPE, encoding="utf-8"
    )
    try:
        assert running.stdout is not None
        yield f"http://127.0.0.1:{int(running.stdout.readline())}"
    finally:
        running.terminate()
        running.communicate(timeout=30)
