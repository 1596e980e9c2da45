"""What works with a peer and what does not, step by step and in plain words.

Owns the steps and their order: a step that fails ends the test, because those after it stand on
it. Nothing is written at the peer unless that is asked for; what is written then is a test and
says so.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from deeppcos.app.connections import peers as as_peers
from deeppcos.app.connections.check_writing import write_dicom, write_fhir, write_hl7
from deeppcos.app.connections.tables import (
    DicomPeerTable,
    DicomWebPeerTable,
    FhirPeerTable,
    Hl7PeerTable,
    PeerTable,
)
from deeppcos.errors import DeepPCOSError, TemporaryFailure

SHORT_S = 10.0
"""A test is waited for by a person."""


class Verdict(StrEnum):
    """How a step ended."""

    WORKS = "works"
    NOTE = "note"  # it works, and somebody should know something
    FAILS = "fails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was tried.

    Attributes:
        name: What, in a word or two.
        verdict: How it ended.
        words: What was found, or what to do.
    """

    name: str
    verdict: Verdict
    words: str


Steps = Iterator[Step]


def check(peer: PeerTable, *, is_writing: bool = False) -> Steps:
    """Try a peer, step by step.

    Args:
        peer: The peer.
        is_writing: Whether a test may be written there.

    Yields:
        Each step as soon as it is done; the last one of a peer that does not work fails.
    """
    patient = peer.model_copy(update={"timeout_s": min(peer.timeout_s, SHORT_S)})
    host, port, tls = _place(patient)
    yield (name := _resolved(host))
    if name.verdict is Verdict.FAILS:
        return
    yield (line := _connected(host, port))
    if line.verdict is Verdict.FAILS:
        return
    if tls is not None:
        yield (secure := _secured(host, port, tls))
        if secure.verdict is Verdict.FAILS:
            return
    yield from _told(_STEPS[patient.kind], patient, is_writing)


def sign_of_life(peer: PeerTable) -> None:
    """Whether a peer answers in its own language; the shortest question there is.

    Raises:
        InvalidInput: If our settings are wrong, or it does not know us.
        TemporaryFailure: If it does not answer.
    """
    short = peer.model_copy(update={"timeout_s": min(peer.timeout_s, SHORT_S)})
    for one in _told(_SIGNS[short.kind], short, False):
        if one.verdict is Verdict.FAILS:
            raise TemporaryFailure(one.words)


def _told(steps: Callable[[Any, bool], Steps], peer: PeerTable, is_writing: bool) -> Steps:
    """The steps; an error is the last of them."""
    try:
        yield from steps(peer, is_writing)
    except DeepPCOSError as problem:
        yield Step(name="answer", verdict=Verdict.FAILS, words=str(problem))
    except ModuleNotFoundError as missing:
        words = f"{missing.name} is not installed; pip install 'deeppcos[records]'"
        yield Step(name="answer", verdict=Verdict.FAILS, words=words)


def _place(peer: PeerTable) -> tuple[str, int, ssl.SSLContext | None]:
    """Where a peer is, and how its line is encrypted."""
    if isinstance(peer, DicomPeerTable | Hl7PeerTable):
        files = as_peers.tls_files(peer.tls)
        return peer.host, peer.port, files.client_context() if files else None
    parts = urlsplit(peer.url)
    is_secure = parts.scheme == "https"
    context = ssl.create_default_context(cafile=peer.ca_file) if is_secure else None
    return parts.hostname or "", parts.port or (443 if is_secure else 80), context


def _resolved(host: str) -> Step:
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, None)}
    except OSError as problem:
        words = f"{host} is not known here ({problem}); check the name, or give its address"
        return Step(name="name", verdict=Verdict.FAILS, words=words)
    return Step(name="name", verdict=Verdict.WORKS, words=f"{host} is {', '.join(sorted(found))}")


def _connected(host: str, port: int) -> Step:
    try:
        socket.create_connection((host, port), timeout=SHORT_S).close()
    except OSError as problem:
        words = (
            f"nobody answers on {host}:{port} ({problem}); check that it runs, that the port is "
            "right and that no firewall stands between"
        )
        return Step(name="line", verdict=Verdict.FAILS, words=words)
    return Step(name="line", verdict=Verdict.WORKS, words=f"somebody answers on port {port}")


def _secured(host: str, port: int, context: ssl.SSLContext) -> Step:
    try:
        with (
            socket.create_connection((host, port), timeout=SHORT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as line,
        ):
            certificate: dict[str, Any] = line.getpeercert() or {}
            version = line.version()
    except (OSError, ssl.CertificateError) as problem:
        words = (
            f"no encrypted line ({problem}); check that the peer speaks TLS there and that "
            "ca_file names who issued its certificate"
        )
        return Step(name="encryption", verdict=Verdict.FAILS, words=words)
    until = certificate.get("notAfter", "an unknown day")
    words = f"{version}; its certificate is trusted and valid until {until}"
    return Step(name="encryption", verdict=Verdict.WORKS, words=words)


def _echo(peer: DicomPeerTable, _: bool) -> Steps:
    from deeppcos.records.dicom_network.verification import echo

    echo(as_peers.dicom(peer))
    yield Step(name="echo", verdict=Verdict.WORKS, words=f"{peer.ae_title} answers C-ECHO")


def _dicom_steps(peer: DicomPeerTable, is_writing: bool) -> Steps:
    yield from _echo(peer, False)
    accepted, refused = _accepted_classes(peer)
    if accepted:
        words = f"{peer.ae_title} takes {', '.join(accepted)}"
        yield Step(name="kinds of object", verdict=Verdict.WORKS, words=words)
    if refused:
        words = f"{peer.ae_title} does not take {', '.join(refused)}; enable them there"
        verdict = Verdict.NOTE if accepted else Verdict.FAILS
        yield Step(name="kinds of object", verdict=verdict, words=words)
    if peer.worklist:
        import datetime as dt

        from deeppcos.records.dicom_network.worklist import worklist

        entries = worklist(as_peers.dicom(peer), day=dt.date.today())
        words = f"{len(entries)} examinations are scheduled for today"
        yield Step(name="worklist", verdict=Verdict.WORKS, words=words)
    if is_writing:
        words = write_dicom(peer)
        yield Step(name="writing", verdict=Verdict.WORKS, words=words)


def _accepted_classes(peer: DicomPeerTable) -> tuple[list[str], list[str]]:
    """Names of the kinds of object we send that a peer takes, and of those it does not."""
    from pynetdicom.presentation import build_context

    from deeppcos.app.connections.sent_classes import SENT_CLASSES
    from deeppcos.records.dicom_network.associations import associated

    contexts = [build_context(one) for one in SENT_CLASSES]
    with associated(as_peers.dicom(peer), contexts) as association:
        taken = {str(one.abstract_syntax) for one in association.accepted_contexts}
    accepted = [name for uid, name in SENT_CLASSES.items() if uid in taken]
    return accepted, [name for name in SENT_CLASSES.values() if name not in accepted]


def _dicomweb_search(peer: DicomWebPeerTable, _: bool) -> Steps:
    from deeppcos.records.dicom_web.searching import search_studies

    found = search_studies(as_peers.dicomweb(peer), limit=1)
    words = "it answers a search (QIDO-RS)" + ("" if found else "; it holds no study")
    yield Step(name="search", verdict=Verdict.WORKS, words=words)


def _dicomweb_steps(peer: DicomWebPeerTable, is_writing: bool) -> Steps:
    yield from _dicomweb_search(peer, False)
    if is_writing:
        yield Step(name="writing", verdict=Verdict.WORKS, words=write_dicom(peer))


def _fhir_statement(peer: FhirPeerTable, _: bool) -> Steps:
    from deeppcos.records.fhir.exchange import get

    stated = get(as_peers.fhir(peer), "metadata")
    software = stated.get("software")
    name = software.get("name") if isinstance(software, dict) else None
    version = stated.get("fhirVersion")
    if stated.get("resourceType") != "CapabilityStatement" or not version:
        words = "it answers, but does not state what it can do (metadata)"
        yield Step(name="statement", verdict=Verdict.NOTE, words=words)
        return
    is_r4 = str(version).startswith("4.")
    words = f"{name or 'a server'} with FHIR {version}" + ("" if is_r4 else "; R4 is needed")
    yield Step(name="statement", verdict=Verdict.WORKS if is_r4 else Verdict.FAILS, words=words)


def _fhir_steps(peer: FhirPeerTable, is_writing: bool) -> Steps:
    from deeppcos.records.fhir.exchange import get

    yield from _fhir_statement(peer, False)
    asked = as_peers.fhir(peer)
    get(asked, "DiagnosticReport?_summary=count")
    words = "our token is taken" if asked.token else "it asks for no token"
    yield Step(name="access", verdict=Verdict.WORKS, words=words)
    if is_writing:
        yield Step(name="writing", verdict=Verdict.WORKS, words=write_fhir(peer))


def _hl7_line(peer: Hl7PeerTable, _: bool) -> Steps:
    from deeppcos.records.hl7v2.mllp import connected

    with connected(as_peers.hl7(peer)):
        yield Step(name="line for messages", verdict=Verdict.WORKS, words="it takes a connection")


def _hl7_steps(peer: Hl7PeerTable, is_writing: bool) -> Steps:
    yield from _hl7_line(peer, False)
    if is_writing:
        yield Step(name="acknowledgement", verdict=Verdict.WORKS, words=write_hl7(peer))
    else:
        words = "whether it acknowledges is known only after a message: test with --write"
        yield Step(name="acknowledgement", verdict=Verdict.NOTE, words=words)


_STEPS: dict[str, Callable[[Any, bool], Steps]] = {
    "dicom": _dicom_steps,
    "dicomweb": _dicomweb_steps,
    "fhir": _fhir_steps,
    "hl7": _hl7_steps,
}
_SIGNS: dict[str, Callable[[Any, bool], Steps]] = {
    "dicom": _echo,
    "dicomweb": _dicomweb_search,
    "fhir": _fhir_statement,
    "hl7": _hl7_line,
}
