"""Launches: a person, at her EHR or here, lets this program read one patient for a while.

Owns the way there and back: state against forged answers, PKCE against stolen codes, and the
patient the EHR names. The token is for the moment; nothing here keeps it.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.records.fhir.smart.backend import token_from
from deeppcos.records.fhir.smart.client import SmartClient, session_of
from deeppcos.records.fhir.smart.discovery import SmartConfiguration

READ = (
    "patient/Patient.rs patient/Observation.rs patient/Condition.rs "
    "patient/MedicationStatement.rs patient/Medication.rs patient/ImagingStudy.rs"
)
EHR_SCOPE = f"launch {READ}"
STANDALONE_SCOPE = f"launch/patient {READ}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchState:
    """What must be remembered between the way there and the way back, and kept from others.

    Attributes:
        state: Comes back unchanged, or the answer is forged.
        verifier: Proves that the code is ours (PKCE).
        redirect_uri: Where the answer comes.
        server: Base address of the FHIR server.
        token_endpoint: Where the code becomes a token.
    """

    state: str
    verifier: str
    redirect_uri: str
    server: str
    token_endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchContext:
    """What a launch gives.

    Attributes:
        server: Base address of the FHIR server.
        access_token: Bearer token.
        patient: Reference of the patient, ``Patient/123``.
        encounter: Reference of the encounter, or empty.
        scope: What was granted.
        lasts_s: How long the token is good, s; 0 where the server does not say.
    """

    server: str
    access_token: str
    patient: str
    encounter: str
    scope: str
    lasts_s: int


def begin_launch(
    configuration: SmartConfiguration,
    client: SmartClient,
    *,
    redirect_uri: str,
    launch: str = "",
    scope: str = "",
) -> tuple[str, LaunchState]:
    """The address to lead the browser to, and what to remember until it comes back.

    Args:
        configuration: The server's.
        client: Who we are there.
        redirect_uri: Where the answer comes; registered at the server.
        launch: What the EHR gave us; empty launches from here, and the server asks which patient.
        scope: What for; empty reads what a chart has a place for.

    Raises:
        InvalidInput: If the server asks nobody.
    """
    if not configuration.authorization_endpoint:
        raise InvalidInput(
            f"{configuration.server} lets nobody launch this program",
            accepted="an authorization_endpoint in its SMART configuration",
        )
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    session = session_of(
        client,
        token_endpoint=configuration.token_endpoint,
        ca_file=configuration.ca_file,
        scope=scope or (EHR_SCOPE if launch else STANDALONE_SCOPE),
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    with session:
        url, _ = session.create_authorization_url(
            configuration.authorization_endpoint,
            state=state,
            code_verifier=verifier,
            aud=configuration.server,
            **({"launch": launch} if launch else {}),
        )
    return url, LaunchState(
        state=state,
        verifier=verifier,
        redirect_uri=redirect_uri,
        server=configuration.server,
        token_endpoint=configuration.token_endpoint,
    )


def finish_launch(
    answer: Mapping[str, str],
    remembered: LaunchState,
    client: SmartClient,
    configuration: SmartConfiguration,
) -> LaunchContext:
    """The token and the patient, from the address the browser came back with.

    Args:
        answer: The parameters of that address.
        remembered: What ``begin_launch`` gave.
        client: Who we are there.
        configuration: The server's.

    Raises:
        InvalidInput: If the answer is forged or says no, the server does not take the code, or
            names no patient.
        TemporaryFailure: If the server cannot be reached.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(), remembered.state.encode()):
        raise InvalidInput(
            "this answer belongs to no launch of ours", remedy="launch again from the start"
        )
    if "error" in answer:
        raise InvalidInput(
            "the EHR did not let us in",
            value=f"{answer['error']}: {answer.get('error_description', '')}"[:200],
            remedy="ask the EHR's keeper whether this program may read the chart",
        )
    if not answer.get("code"):
        raise InvalidInput("the EHR's answer has no code", remedy="launch again from the start")
    if configuration.server != remembered.server:
        raise InvalidInput("this answer is of another server", value=configuration.server)
    said = token_from(
        configuration,
        client,
        grant_type="authorization_code",
        code=answer["code"],
        redirect_uri=remembered.redirect_uri,
        code_verifier=remembered.verifier,
    )
    return LaunchContext(
        server=remembered.server,
        access_token=str(said["access_token"]),
        patient=_reference(said, "patient", "Patient"),
        encounter=_reference(said, "encounter", "Encounter"),
        scope=str(said.get("scope", "")),
        lasts_s=int(said.get("expires_in") or 0),
    )


def _reference(said: Mapping[str, Any], name: str, kind: str) -> str:
    """A resource the context names, by its id."""
    stated = str(said.get(name) or "").removeprefix(f"{kind}/")
    if not stated and name == "patient":
        raise InvalidInput(
            "the EHR names no patient",
            accepted="patient in the answer with the token",
            remedy="launch from a patient's chart, or choose one",
        )
    return f"{kind}/{stated}" if stated else ""
