"""A FHIR server: handing over a result, and asking for a patient.

Owns what is asked and in which order. One request and what its answer means is the business of
``exchange``; what the resources mean that of ``reading``.
"""

import datetime as dt
import urllib.parse
from dataclasses import dataclass
from typing import Any

from deeppcos.errors import InvalidInput, TemporaryFailure
from deeppcos.records.fhir.exchange import FhirPeer, Refusal, get, post
from deeppcos.records.fhir.parts import Resource

__all__ = ["FhirPeer", "Refusal", "Sent", "read_patient_bundle", "send_transaction", "transact"]

PAGE = 100
MOST_PAGES = 200
MOST_RESOURCES = 20_000
ASKED = {
    "Observation": "patient={patient}",
    "Condition": "patient={patient}",
    "MedicationStatement": "patient={patient}&_include=MedicationStatement:medication",
    "ImagingStudy": "patient={patient}",
}
"""What is searched for where a server does not give everything of a patient at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a server did with a transaction.

    Attributes:
        created: Places of the resources it made, such as ``Observation/12``.
        replaced_or_kept: Places of those it had already.
    """

    created: tuple[str, ...]
    replaced_or_kept: tuple[str, ...]


def send_transaction(bundle: Resource, *, peer: FhirPeer) -> tuple[str, ...]:
    """Send a transaction; sending it again makes no second result, a lost answer no harm.

    Args:
        bundle: What ``result_bundle`` made.
        peer: The server.

    Returns:
        References of the resources, created or found, such as ``Observation/12``.

    Raises:
        InvalidInput: If the address, token or rights are wrong.
        Refusal: If the server does not take the content.
        TemporaryFailure: If it cannot be reached, fails, or its answer is not one.
    """
    sent = transact(bundle, peer=peer)
    return (*sent.created, *sent.replaced_or_kept)


def transact(bundle: Resource, *, peer: FhirPeer) -> Sent:
    """As ``send_transaction``, with what was new.

    Raises:
        InvalidInput: As ``send_transaction``.
        Refusal: As ``send_transaction``.
        TemporaryFailure: As ``send_transaction``.
    """
    answer = post(peer, bundle)
    asked = len(bundle.get("entry", []))
    try:
        entries = [entry["response"] for entry in answer["entry"]]
        statuses = [(str(one["status"]), _place(peer, one)) for one in entries]
    except (LookupError, TypeError, AttributeError) as error:
        raise TemporaryFailure(
            f"{peer} did not answer with a transaction's result",
            value=str(answer.get("resourceType")),
            remedy="check that the address is that of a FHIR R4 server",
        ) from error
    bad = [f"{status} {place}" for status, place in statuses if not status.startswith("2")]
    if bad:
        refusal = Refusal(f"{peer} refused part of the result", value="; ".join(bad[:3]))
        refusal.words = "; ".join(bad[:3])
        raise refusal
    if len(statuses) != asked:
        raise TemporaryFailure(
            f"{peer} answered for another number of resources",
            value=f"{len(statuses)} of {asked}",
            remedy="send again later: nothing is stored twice",
        )
    return Sent(
        created=tuple(place for status, place in statuses if status.startswith("201")),
        replaced_or_kept=tuple(place for status, place in statuses if status[:3] != "201"),
    )


def read_patient_bundle(patient_reference: str, *, peer: FhirPeer) -> Resource:
    """What a server knows of a patient that a chart has a place for.

    Everything at once where the server offers it, else by one search for each kind of resource,
    page by page.

    Args:
        patient_reference: Such as ``Patient/123``.
        peer: The server.

    Returns:
        A Bundle (collection) for ``reading.read_bundle``, each entry with its address on the
        server, and when it was read.

    Raises:
        InvalidInput: If it is no reference of a patient, the server does not know her, has
            merged her into another, or has more than can be read.
        TemporaryFailure: If the server cannot be reached or fails.
    """
    kind, _, number = patient_reference.partition("/")
    if kind != "Patient" or not number or not number.replace("-", "").replace(".", "").isalnum():
        raise InvalidInput(
            "no reference of a patient", value=patient_reference, accepted="such as Patient/123"
        )
    patient = get(peer, patient_reference)
    _refuse_merged(patient, patient_reference)
    found = {("Patient", number): patient}
    if offers_everything(peer):
        searches = [f"{patient_reference}/$everything?"]
    else:
        searches = [f"{kind}?{asked.format(patient=number)}&" for kind, asked in ASKED.items()]
    for search in searches:
        for one in _everything_found(peer, search):
            found[str(one.get("resourceType")), str(one.get("id"))] = one
            if len(found) > MOST_RESOURCES:
                raise InvalidInput(
                    f"{peer} has more of {patient_reference} than is read",
                    value=f"over {MOST_RESOURCES:,} resources",
                )
    for reference in _medications_missing(found):
        found["Medication", reference.partition("/")[2]] = get(peer, reference)
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        "link": [{"relation": "self", "url": f"{peer.base}/{patient_reference}"}],
        "entry": [
            {"fullUrl": f"{peer.base}/{kind}/{number}", "resource": one}
            for (kind, number), one in found.items()
        ],
    }


def offers_everything(peer: FhirPeer) -> bool:
    """Whether a server states that it gives everything of a patient at once."""
    try:
        stated = get(peer, "metadata")
        resources = [one for rest in stated.get("rest", []) for one in rest.get("resource", [])]
        return any(
            one.get("type") == "Patient"
            and any(op.get("name") == "everything" for op in one.get("operation", []))
            for one in resources
        )
    except (InvalidInput, AttributeError, TypeError):
        return False  # without a statement nothing is offered; what matters is asked for below


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a search gave: matches and what they include, and how many matches are stated."""

    resources: list[Resource]
    matches: int
    total: int

    @property
    def is_cut(self) -> bool:
        return self.matches < self.total


def _everything_found(peer: FhirPeer, search: str) -> list[Resource]:
    """All resources of a search; never a part of them that looks like all."""
    found = _found(peer, f"{search}_count={PAGE}")
    if found.is_cut:
        # Some servers cut the list and give no next page: ask for all of it at once.
        found = _found(peer, f"{search}_count={found.total}")
    if found.is_cut:
        raise InvalidInput(
            f"{peer} does not give all it has",
            value=f"{found.matches} of {found.total} for {search.rstrip('&?')}",
            accepted="a next page, or all at once",
            remedy="export the patient's bundle there and read that",
        )
    return found.resources


def _found(peer: FhirPeer, url: str) -> _Found:
    """The resources of a search, page after page."""
    resources: list[Resource] = []
    matches = total = 0
    seen: set[str] = set()
    while url:
        if url in seen or len(seen) >= MOST_PAGES:
            raise InvalidInput(
                f"{peer} gives pages without end", value=url, accepted=f"up to {MOST_PAGES} pages"
            )
        seen.add(url)
        page = get(peer, url)
        if page.get("resourceType") != "Bundle":
            raise TemporaryFailure(
                f"{peer} did not answer a search with a Bundle", value=str(page["resourceType"])
            )
        for entry in _listed(page, "entry"):
            resource, search = entry.get("resource"), entry.get("search")
            mode = search.get("mode") if isinstance(search, dict) else "match"
            if isinstance(resource, dict) and mode != "outcome":
                resources.append(resource)
                matches += mode != "include"
        total = page["total"] if isinstance(page.get("total"), int) else total
        following = [one for one in _listed(page, "link") if one.get("relation") == "next"]
        url = str(following[0].get("url", "")) if following else ""
    return _Found(resources=resources, matches=matches, total=total)


def _listed(resource: Resource, name: str) -> list[dict[str, Any]]:
    """Objects of a list; whatever else stands there is none."""
    there = resource.get(name)
    return [one for one in there if isinstance(one, dict)] if isinstance(there, list) else []


def _refuse_merged(patient: Resource, reference: str) -> None:
    """A record that was merged into another is not hers any more."""
    for link in _listed(patient, "link"):
        if link.get("type") == "replaced-by":
            other = link.get("other")
            raise InvalidInput(
                f"{reference} was merged into another patient",
                value=str(other.get("reference") if isinstance(other, dict) else other),
                remedy="read that patient",
            )


def _medications_missing(found: dict[tuple[str, str], Resource]) -> list[str]:
    """Medications that statements refer to and the server did not include."""
    wanted = {
        str(one["medicationReference"].get("reference", ""))
        for one in found.values()
        if isinstance(one.get("medicationReference"), dict)
    }
    return sorted(
        one
        for one in wanted
        if one.startswith("Medication/") and ("Medication", one[11:]) not in found
    )


def _place(peer: FhirPeer, response: dict[str, Any]) -> str:
    """Where a resource is, without the server's address and the version."""
    path = str(response.get("location", "?")).removeprefix(peer.base)
    path = urllib.parse.urlsplit(path).path if "://" in path else path
    return path.partition("/_history")[0].strip("/")
