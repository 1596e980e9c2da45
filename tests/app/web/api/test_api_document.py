"""The published OpenAPI document, and that every answer is as it says."""

import functools
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.urls import get_resolver
from pytest_django.fixtures import Settings

from deeppcos.app.web.api.openapi import openapi_text
from deeppcos.app.web.models import Study

from .conftest import Program

PUBLISHED = Path(__file__).parents[4] / "docs" / "schemas" / "api-openapi.json"


def test_the_published_document_is_that_of_the_calls() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == openapi_text(), (
        "run: python -m deeppcos.app.web.api.openapi docs/schemas/api-openapi.json"
    )


def test_the_server_gives_the_published_document(client: Client) -> None:
    given = client.get("/api/v1/openapi.json")
    assert given.json() == json.loads(PUBLISHED.read_text(encoding="utf-8"))


def test_every_call_but_health_needs_a_token() -> None:
    paths = json.loads(PUBLISHED.read_text(encoding="utf-8"))["paths"]
    open_to_all = [
        address
        for address, calls in paths.items()
        for call in calls.values()
        if not call.get("security")
    ]
    assert open_to_all == ["/api/v1/health"]


def test_only_sending_files_may_carry_a_study() -> None:
    found = [
        str(pattern.pattern)
        for entry in get_resolver().url_patterns
        if getattr(entry, "namespace", None) == "api"
        for pattern in entry.url_patterns  # type: ignore[union-attr]
        if getattr(pattern.callback, "takes_studies", False)
    ]
    assert found == ["studies/<study_id>/files"]


OPERATIONS = sorted(
    (call["operationId"], method.upper(), address)
    for address, calls in json.loads(PUBLISHED.read_text(encoding="utf-8"))["paths"].items()
    for method, call in calls.items()
)


@pytest.fixture
def described(program: Program) -> Any:
    """The calls as schemathesis reads them from the server itself."""
    return _described()


@functools.cache
def _described() -> Any:
    """Read once: the document is long."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The tool's own, about the libraries below it.
        schemathesis = pytest.importorskip("schemathesis")
    server = get_wsgi_application()

    def closing(environ: Any, start_response: Any) -> Iterator[bytes]:
        """The application, closing each answer as a real server does."""
        answer = server(environ, start_response)
        try:
            yield from answer
        finally:
            answer.close()

    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", closing)


@pytest.fixture
def real_ids(program: Program, analysed_study: Study) -> dict[str, Any]:
    """Ids of things that are there, so that calls get further than "nothing here"."""
    number = program.get(f"/studies/{analysed_study.pk}/assessments/current").json()["number"]
    image = analysed_study.images.get(name="sweep.mp4")
    return {
        "study_id": str(analysed_study.pk),
        "image_id": str(image.pk),
        "patient_id": str(analysed_study.patient_id),
        "number": number,
        "frame": 1,
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "address"),
    [(method, address) for _name, method, address in OPERATIONS],
    ids=[f"{method} {address}" for _name, method, address in OPERATIONS],
)
def test_whatever_is_sent_the_answer_is_as_the_document_says(
    settings: Settings,
    program: Program,
    described: Any,
    real_ids: dict[str, Any],
    method: str,
    address: str,
) -> None:
    import hypothesis
    from schemathesis import checks
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    settings.API_CALLS_A_MINUTE = 10**6
    operation = described[address][method]
    held = [
        checks.not_a_server_error,
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    ]
    answered: set[int] = set()

    @hypothesis.settings(
        max_examples=6,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(), is_real=hypothesis.strategies.booleans())
    def hold(case: Any, is_real: bool) -> None:
        if is_real:
            known = {name: real_ids[name] for name in case.path_parameters if name in real_ids}
            case.path_parameters.update(known)
        headers = {"Authorization": f"Bearer {program.secret}"}
        answer = case.call_and_validate(checks=held, headers=headers)
        answered.add(answer.status_code)

    hold()
    assert answered
