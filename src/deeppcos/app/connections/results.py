"""Makes what the rules send of one study, and puts it into the outbox.

Owns the step from an event (arrived, analysed, signed, amended) to items of the outbox. What an
object says is the business of ``records``; everything is made from the published assessment, so
making it twice gives the same bytes.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.outbox_items import NewItem
from deeppcos.app.connections.payloads import Payload
from deeppcos.app.connections.probes import section_thicknesses
from deeppcos.app.connections.rules import StudyFacts, rules_for
from deeppcos.app.connections.settings import Connections
from deeppcos.app.connections.tables import FhirPeerTable, Hl7PeerTable, PeerTable, What, When
from deeppcos.errors import DeepPCOSError, InvalidInput, TemporaryFailure
from deeppcos.records.assessment_document import AssessmentDocument

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from deeppcos.app.dicom_results import DicomResults

FILE_NAMES: dict[What, str] = {
    What.SEGMENTATION: "segmentation_",
    What.REPORT: "measurements.",
    What.OB_GYN_REPORT: "ob_gyn_report.",
    What.PDF: "report.",
    What.PICTURES: "picture_",
    What.KEY_OBJECTS: "key_objects.",
}
"""How the file names of each kind of object begin (``dicom_results``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something that happened to a study.

    Attributes:
        when: What.
        key: Names this one event, such as ``signed:ID``; the same key sends nothing twice.
        study: The study's id.
        about: Words for people that name no patient, such as the accession number.
        facts: What rules ask about.
        paths: Every file of the study by the name the assessment knows it by.
        document: The assessment; None when the study has only arrived.
        pdf: Gives the report as PDF, of the same standing as the document.
        amends: Whether it corrects a signed result.
    """

    when: When
    key: str
    study: str
    about: str
    facts: StudyFacts
    paths: Mapping[str, Path]
    document: AssessmentDocument | None = None
    pdf: Callable[[], bytes] | None = None
    amends: bool = False


def put_results(happened: Happened, *, outbox: Outbox, connections: Connections) -> int:
    """Queue everything the rules send for an event; the same event queues nothing twice.

    Args:
        happened: The event.
        outbox: The queue.
        connections: The rules.

    Returns:
        How many items were made, those that could not be made included.

    Raises:
        TemporaryFailure: If it cannot be made now, such as for want of room; nothing is queued.
    """
    wanted: dict[tuple[str, What], None] = {}
    for rule in rules_for(connections, happened.when, happened.facts):
        wanted |= {(rule.to, what): None for what in rule.send}
    making = _Making(happened, outbox, connections)
    items = []
    for name, what in wanted:
        item = making.item(name, connections.peer(name), what)
        if item is not None:
            items.append(item)
    outbox.put(happened.key, items, study=happened.study, about=happened.about)
    return len(items)


class _Making:
    """Makes each thing once, whatever the number of peers it goes to."""

    def __init__(self, happened: Happened, outbox: Outbox, connections: Connections) -> None:
        self.happened = happened
        self.outbox = outbox
        self.probes = connections.probes
        images = connections.listeners.dicom
        self.unstated = "\\".join(images.unstated_character_set) if images else ""
        self._made: dict[tuple[What, str], tuple[Payload, ...] | DeepPCOSError] = {}
        self._dicom: DicomResults | None = None

    def item(self, name: str, peer: PeerTable, what: What) -> NewItem | None:
        """One item; None where a study has nothing of the kind, such as no outline."""
        addressed = name if isinstance(peer, FhirPeerTable | Hl7PeerTable) else ""
        key = (what, addressed)
        if key not in self._made:
            try:
                self._made[key] = self._files(what, peer)
            except TemporaryFailure:
                raise
            except DeepPCOSError as problem:
                self._made[key] = problem
        made = self._made[key]
        if isinstance(made, DeepPCOSError):
            return NewItem(what=what, peer=name, problem=str(made))
        return NewItem(what=what, peer=name, files=made) if made else None

    def _files(self, what: What, peer: PeerTable) -> tuple[Payload, ...]:
        if what is What.IMAGES:
            return tuple(
                self._keep(path.read_bytes(), name)
                for name, path in self.happened.paths.items()
                if _is_dicom(path)
            )
        if isinstance(peer, FhirPeerTable):
            return (self._keep(self._bundle(peer), "bundle.json"),)
        if isinstance(peer, Hl7PeerTable):
            return (self._keep(self._message(peer), "message.hl7"),)
        return tuple(
            self._keep(_as_file(made), name)
            for name, made in self._results().objects
            if name.startswith(FILE_NAMES[what])
        )

    def _keep(self, content: bytes, name: str) -> Payload:
        try:
            return self.outbox.payloads.keep(content, name=name)
        except OSError as problem:
            raise TemporaryFailure(
                "what is to be sent cannot be put aside",
                value=str(problem.strerror),
                remedy="make room on the disk; it is tried again",
            ) from problem

    def _document(self) -> AssessmentDocument:
        if self.happened.document is None:
            raise InvalidInput("the study has not been analysed", remedy="have it analysed")
        return self.happened.document

    def _results(self) -> "DicomResults":
        from deeppcos.app.dicom_results import dicom_results

        if self._dicom is None:
            pdf = self.happened.pdf
            self._dicom = dicom_results(
                self._document(),
                self.happened.paths,
                pdf=pdf() if pdf else None,
                slice_mm=section_thicknesses(self.happened.paths, self.probes),
                unstated_character_set=self.unstated,
            )
        return self._dicom

    def _bundle(self, peer: FhirPeerTable) -> bytes:
        from deeppcos.records.fhir.context import Addressee
        from deeppcos.records.fhir.result_bundle import result_bundle

        bundle = result_bundle(
            self._results().content,
            addressee=Addressee(identifier_system=peer.patient_system),
            pdf=self.happened.pdf() if self.happened.pdf else None,
            amends=self.happened.amends,
        )
        return json.dumps(bundle, ensure_ascii=False).encode()

    def _message(self, peer: Hl7PeerTable) -> bytes:
        from deeppcos.records.hl7v2.result_message import Correspondents, result_message

        between = Correspondents(
            sending_application=peer.sending_application,
            sending_facility=peer.sending_facility,
            receiving_application=peer.receiving_application,
            receiving_facility=peer.receiving_facility,
        )
        return result_message(self._results().content, between=between, amends=self.happened.amends)


def _is_dicom(path: Path) -> bool:
    """Whether a file is one a DICOM peer could be sent."""
    with path.open("rb") as file:
        file.seek(128)
        return file.read(4) == b"DICM"


def _as_file(made: "Dataset") -> bytes:
    """A DICOM object as the bytes of its file."""
    written = io.BytesIO()
    made.save_as(written, enforce_file_format=True)
    return written.getvalue()
