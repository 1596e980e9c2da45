"""The tables of ``connections.toml``: peers, rules, listeners, and what arrives.

Owns the keys, their types and what each accepts. Reading the file and saying what is wrong with it
is the business of ``settings``.

A description ends up in error messages as what is accepted. Secrets have no key here: a key that
ends in ``_variable`` names the environment variable that holds one.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydicom.charset import python_encoding

from deeppcos.records.hl7v2.text import ENCODINGS

VARIABLE = r"^[A-Z][A-Z0-9_]*$"
NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"
DAY_S = 86_400.0


class What(StrEnum):
    """Something a rule can send."""

    IMAGES = "images"
    SEGMENTATION = "segmentation"
    REPORT = "report"
    OB_GYN_REPORT = "ob_gyn_report"
    PDF = "pdf"
    PICTURES = "pictures"
    KEY_OBJECTS = "key_objects"
    FHIR = "fhir"
    HL7 = "hl7"


class When(StrEnum):
    """What makes a rule send. An amendment is a signed version too, so ``signed`` covers it."""

    ARRIVED = "arrived"
    ANALYSED = "analysed"
    SIGNED = "signed"
    AMENDED = "amended"


DICOM_OBJECTS = frozenset(set(What) - {What.FHIR, What.HL7})
ACCEPTED_BY: dict[str, frozenset[What]] = {
    "dicom": DICOM_OBJECTS,
    "dicomweb": DICOM_OBJECTS,
    "fhir": frozenset({What.FHIR}),
    "hl7": frozenset({What.HL7}),
}
"""What each kind of peer can be sent."""


def _listed(value: object) -> object:
    """One word stands for a list of one."""
    return [value] if isinstance(value, str) else value


AeTitle = Annotated[
    str,
    Field(
        pattern=r"^[\x21-\x5b\x5d-\x7e]([\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?$",
        description="an AE title: 1 to 16 letters, digits or signs, no backslash",
    ),
]
Host = Annotated[str, Field(min_length=1, description="a host name or address")]
Port = Annotated[int, Field(ge=1, le=65_535, strict=True, description="a port, 1 to 65535")]
OwnPort = Annotated[
    int,
    Field(ge=0, le=65_535, strict=True, description="a port, 1 to 65535; 0 takes a free one"),
]
Seconds = Annotated[float, Field(gt=0, le=DAY_S, description="seconds, more than 0")]
Variable = Annotated[
    str,
    Field(
        pattern=VARIABLE,
        description="the name of an environment variable that holds the secret, such as PACS_TOKEN",
    ),
]
Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
AeTitles = Annotated[tuple[AeTitle, ...], BeforeValidator(_listed)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+", description="an address, https://...")]


def _known_to_dicom(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a character set that is no defined term of DICOM."""
    if any(one not in python_encoding or not one for one in names):
        raise ValueError("no such character set")
    return names


def _known_to_hl7(name: str) -> str:
    """Refuse a character set of messages that is not read."""
    if name not in ENCODINGS:
        raise ValueError("no such character set")
    return name


CharacterSets = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    AfterValidator(_known_to_dicom),
    Field(
        description="a character set as (0008,0005) names it, such as ISO_IR 148 or ISO_IR 192; "
        "several where it takes them, such as ISO 2022 IR 6 and ISO 2022 IR 87"
    ),
]
Hl7CharacterSet = Annotated[
    str,
    AfterValidator(_known_to_hl7),
    Field(description=f"a character set of MSH-18: {', '.join(filter(None, ENCODINGS))}"),
]


class Table(BaseModel):
    """A table of the file: unknown keys are refused, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tls(Table):
    """Files of a TLS connection, PEM; paths count from the file they stand in."""

    ca_file: Annotated[Path | None, Field(description="a PEM file of trusted issuers")] = None
    certificate_file: Annotated[Path | None, Field(description="a PEM certificate")] = None
    key_file: Annotated[Path | None, Field(description="its PEM key")] = None


class DicomPeerTable(Table):
    """An archive or another DICOM node that takes C-STORE."""

    kind: Literal["dicom"]
    host: Host
    port: Port
    ae_title: AeTitle
    own_ae_title: AeTitle = "DEEPPCOS"
    tls: Tls | None = None
    timeout_s: Seconds = 30.0
    commitment: Annotated[
        bool, Field(description="true or false: ask for storage commitment after sending")
    ] = False
    worklist: Annotated[
        bool, Field(description="true or false: it answers modality worklist queries")
    ] = False
    unstated_character_set: CharacterSets = ()


class DicomWebPeerTable(Table):
    """An archive that takes STOW-RS."""

    kind: Literal["dicomweb"]
    url: Url
    token_variable: Variable | None = None
    user: Annotated[
        str, Field(pattern=r"^[^:]*$", description="a name without colon, where it asks for one")
    ] = ""
    password_variable: Variable | None = None
    ca_file: Path | None = None
    timeout_s: Seconds = 30.0


class SmartTable(Table):
    """SMART backend services: this program signs in with a key of its own."""

    token_url: Annotated[
        str,
        Field(
            pattern=r"^(https?://[^\s/]+.*)?$",
            description="where tokens are given; empty asks the server itself",
        ),
    ] = ""
    client_id: Annotated[str, Field(min_length=1, description="what this program is called there")]
    private_key_file: Annotated[Path, Field(description="a PEM key, or a JSON Web Key")]
    scope: str = "system/*.cruds"


class FhirPeerTable(Table):
    """A FHIR R4 server."""

    kind: Literal["fhir"]
    url: Url
    token_variable: Variable | None = None
    smart: SmartTable | None = None
    patient_system: Annotated[
        str, Field(description="URI of the identifier system of the images' Patient ID")
    ] = ""
    ca_file: Path | None = None
    timeout_s: Seconds = 30.0


class Hl7PeerTable(Table):
    """A receiver of HL7 v2 messages over MLLP."""

    kind: Literal["hl7"]
    host: Host
    port: Port
    tls: Tls | None = None
    timeout_s: Seconds = 30.0
    sending_application: str = "DEEPPCOS"
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""


PeerTable = Annotated[
    DicomPeerTable | DicomWebPeerTable | FhirPeerTable | Hl7PeerTable,
    Field(discriminator="kind", description="kind = dicom, dicomweb, fhir or hl7"),
]


PEER_KINDS: dict[str, type[Table]] = {
    "dicom": DicomPeerTable,
    "dicomweb": DicomWebPeerTable,
    "fhir": FhirPeerTable,
    "hl7": Hl7PeerTable,
}


class Conditions(Table):
    """Of which studies a rule speaks; a list that is empty stands for all."""

    modalities: Words = ()
    stations: Words = ()
    ae_titles: AeTitles = ()
    sites: Words = ()


class RuleTable(Conditions):
    """What is sent to whom, and when."""

    when: Annotated[
        When, Field(description="arrived, analysed, signed (amendments too) or amended")
    ]
    send: Annotated[
        tuple[What, ...],
        BeforeValidator(_listed),
        Field(min_length=1, description=f"one or more of {', '.join(What)}"),
    ]
    to: Annotated[str, Field(description="the name of a peer")]


class IncomingTable(Conditions):
    """What is done with studies that arrive; the first table that fits counts."""

    into_site: Annotated[str, Field(description="the short name of a site of the desk")] = ""
    analyze: Annotated[bool, Field(description="true or false")] = True


class ProbeTable(Table):
    """How thick the section of a probe is; the first table that fits an image counts.

    No header says it, and nobody guesses it: a site states it of its own probes.
    """

    slice_mm: Annotated[
        float, Field(ge=0.1, le=20.0, description="thickness of the section, 0.1 to 20 mm")
    ]
    stations: Words = ()
    models: Words = ()
    transducers: Words = ()


class DicomListenerTable(Table):
    """Where images are received."""

    port: OwnPort
    host: Host = "0.0.0.0"
    ae_title: AeTitle = "DEEPPCOS"
    tls: Tls | None = None
    allowed_ae_titles: AeTitles = ()
    allowed_addresses: Words = ()
    quiet_s: Annotated[
        float,
        Field(ge=0, le=DAY_S, description="seconds without a new image after which it is whole"),
    ] = 30.0
    unstated_character_set: CharacterSets = ()


class Hl7ListenerTable(Table):
    """Where HL7 v2 messages are received."""

    port: OwnPort
    host: Host = "0.0.0.0"
    tls: Tls | None = None
    allowed_addresses: Words = ()
    mapping_file: Annotated[Path | None, Field(description="a table of the site's codes")] = None
    unstated_character_set: Hl7CharacterSet = ""
    into_site: Annotated[str, Field(description="the short name of a site of the desk")] = ""


class ListenersTable(Table):
    """What listens."""

    dicom: DicomListenerTable | None = None
    hl7: Hl7ListenerTable | None = None


class SendingTable(Table):
    """How often is tried, and for how long."""

    first_pause_s: Seconds = 5.0
    longest_pause_s: Seconds = 900.0
    give_up_after_days: Annotated[
        float, Field(gt=0, le=365, description="days, more than 0 and up to 365")
    ] = 7.0
    most_attempts: Annotated[
        int, Field(ge=1, le=100_000, strict=True, description="a whole number from 1")
    ] = 2_000
    keep_sent_days: Annotated[
        float, Field(ge=0, le=36_500, description="days that what was sent is kept here")
    ] = 30.0


class IdentityTable(Table):
    """Whose numbers Patient IDs are where a message does not say."""

    issuer: Annotated[
        str, Field(description="the name of the authority that gives the numbers")
    ] = ""


class FileTable(Table):
    """The whole file."""

    peers: dict[Annotated[str, Field(pattern=NAME)], PeerTable] = Field(default_factory=dict)
    rules: tuple[RuleTable, ...] = ()
    incoming: tuple[IncomingTable, ...] = ()
    probes: tuple[ProbeTable, ...] = ()
    listeners: ListenersTable = ListenersTable()
    sending: SendingTable = SendingTable()
    identity: IdentityTable = IdentityTable()
