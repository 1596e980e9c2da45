"""SMART on FHIR: being let in by a hospital's authorisation server.

Owns the client's side of SMART App Launch 2: discovery, backend services, EHR and standalone
launch. Authlib and joserfc speak the protocol; they come with the ``records`` extra. What is done
with a token is the business of ``server``; the pages are in ``app.web.smart``.

==============  ===================================================================
module          owns
==============  ===================================================================
``discovery``   where a server's authorisation endpoints are
``client``      who we are there: name, secret or key
``backend``     tokens without a person, kept until they end
``launch``      tokens for a person and the patient on her screen
==============  ===================================================================
"""

from deeppcos.records.fhir.smart.backend import BackendToken, backend_token
from deeppcos.records.fhir.smart.client import SigningKey, SmartClient
from deeppcos.records.fhir.smart.discovery import SmartConfiguration, discover
from deeppcos.records.fhir.smart.launch import (
    LaunchContext,
    LaunchState,
    begin_launch,
    finish_launch,
)

__all__ = [
    "BackendToken",
    "LaunchContext",
    "LaunchState",
    "SigningKey",
    "SmartClient",
    "SmartConfiguration",
    "backend_token",
    "begin_launch",
    "discover",
    "finish_launch",
]
