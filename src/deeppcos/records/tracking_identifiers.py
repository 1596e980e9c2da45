"""One identifier for one measurement, from the pixel to every report that carries it.

Owns how identifiers are derived, and nothing of what they name. Whoever writes a measurement
into a format asks here, so that the same follicle is recognised in a DICOM SR, a segmentation,
a FHIR Observation and an HL7 message without a table that maps one to the other:

=========================  =======================================================================
format                     where the identifier stands
=========================  =======================================================================
DICOM SR (TID 1500, 5000)  Tracking Unique Identifier (112040, DCM) = ``uid``;
                           Tracking Identifier (112039, DCM) = ``label``
DICOM SEG                  Tracking UID (0062,0021) = ``uid``; Tracking ID (0062,0020) = ``label``
FHIR                       ``identifier.system = "urn:ietf:rfc:3986"``,
                           ``identifier.value = oid_urn``; ``fullUrl = uuid_urn``
HL7 v2                     OBX-21 Observation Instance Identifier = ``hl7_entity_identifier``
=========================  =======================================================================

An identifier is computed, never drawn: the same study, read by the same release, gives the same
identifiers on every machine, and sending twice makes no second measurement. Another release is
another reader and gives others. Two kinds of thing are named:

- what is said of a *side* (its counts, volume and diameters), from the study, the release, the
  side and the quantity. It keeps its identifier when a picture is added to the study: the value
  is amended, not joined by a second one.
- what is *outlined in a picture* (an ovary, a follicle, a lesion, a follicle followed through a
  sweep), from the study, the release, the picture and the place among its outlines.

Examples:
    >>> from deeppcos.clinical.ovary import Side
    >>> scope = TrackingScope(study="1.2.3", release="5f3c")
    >>> volume = scope.of_side(Side.LEFT, Quantity.VOLUME)
    >>> volume.label
    'left ovary volume'
    >>> volume == TrackingScope(study="1.2.3", release="5f3c").of_side(Side.LEFT, Quantity.VOLUME)
    True
    >>> volume.uid.startswith("2.25.") and len(volume.uid) <= 64
    True
    >>> volume.uuid_urn == f"urn:uuid:{volume.uuid}"
    True
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deeppcos.clinical.ovary import Side
from deeppcos.records.assessment_document import AssessmentDocument, InputFile

NAMESPACE = uuid.UUID("d39b89a3-42ff-4ac2-b5ad-d6482f593ed5")
"""Drawn once. It changes only if the derivation below does: every identifier ever sent depends
on it."""

_SEPARATOR = "\x1f"
_NO_RELEASE = "no release"


class Quantity(StrEnum):
    """What is said of one ovary as a whole. The three counts are never interchangeable."""

    OVARY = "ovary"  # the ovary itself: the group that holds its measurements
    FNPS = "fnps"
    TRACKED_ESTIMATE = "tracked_estimate"
    FNPO = "fnpo"
    VOLUME = "volume"
    LENGTH = "length"
    WIDTH = "width"
    THICKNESS = "thickness"
    DOMINANT = "dominant_follicle"


class Outline(StrEnum):
    """What is outlined in one frame, or followed through the frames of one file."""

    OVARY = "ovary"
    FOLLICLE = "follicle"
    LESION = "lesion"
    TRACKED_FOLLICLE = "tracked_follicle"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingIdentifier:
    """The identifier of one measured thing.

    Attributes:
        uuid: A version 5 UUID; every other form is this one number.
        label: Short words for people, such as ``right ovary follicle 7``. Not unique.
    """

    uuid: uuid.UUID
    label: str

    @property
    def uid(self) -> str:
        """As a DICOM UID: ``2.25.`` and the number (PS3.5 B.2), at most 44 characters."""
        return f"2.25.{self.uuid.int}"

    @property
    def uuid_urn(self) -> str:
        """As ``urn:uuid:...``, for a FHIR ``fullUrl``."""
        return f"urn:uuid:{self.uuid}"

    @property
    def oid_urn(self) -> str:
        """As ``urn:oid:2.25...``, for a FHIR identifier of system ``urn:ietf:rfc:3986``."""
        return f"urn:oid:{self.uid}"

    @property
    def hl7_entity_identifier(self) -> str:
        """As an HL7 v2 entity identifier (EI): ``uid^DEEPPCOS^uid^ISO``."""
        return f"{self.uid}^DEEPPCOS^{self.uid}^ISO"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingScope:
    """One study as one release reads it: what all its identifiers have in common.

    Attributes:
        study: Study Instance UID; of pictures without one, what ``scope_of`` makes of their
            contents.
        release: SHA-256 of the weights, which names the reader.
    """

    study: str
    release: str

    def of_side(self, side: Side | None, quantity: Quantity) -> TrackingIdentifier:
        """The identifier of what is said of one ovary as a whole.

        Args:
            side: Left or right; None for ovaries whose side nobody stated.
            quantity: Which measurement, or ``Quantity.OVARY`` for the group that holds them.
        """
        words = "ovary" if quantity is Quantity.OVARY else f"ovary {_in_words(quantity)}"
        return self._named(f"{_side_in_words(side)} {words}", "side", side or "unknown", quantity)

    def of_outline(
        self,
        kind: Outline,
        *,
        image: str,
        frame: int,
        number: int,
        within: int = 0,
        side: Side | None = None,
        shown_in: str = "",
    ) -> TrackingIdentifier:
        """The identifier of one outline in one frame.

        Args:
            kind: What is outlined.
            image: SOP Instance UID of the image; of other files ``image_key``.
            frame: Frame number in the file, from 0.
            number: Place among the outlines of this kind, from 0, as the assessment lists them.
            within: Place of the ovary that a follicle lies in, from 0.
            side: Only for the label.
            shown_in: Only for the label: words for the picture, such as ``image 3``.
        """
        ovary = "ovary " if kind is Outline.FOLLICLE else ""
        count = f" {number + 1}" if number or kind is not Outline.OVARY else ""
        label = f"{_side_in_words(side)} {ovary}{_in_words(kind)}{count}"
        label += f", {shown_in}" if shown_in else ""
        return self._named(label, "outline", kind, image, str(frame), str(within), str(number))

    def of_track(
        self, *, image: str, number: int, side: Side | None = None, shown_in: str = ""
    ) -> TrackingIdentifier:
        """The identifier of one follicle followed through a sweep or volume.

        Args:
            image: SOP Instance UID of the sweep; of other files ``image_key``.
            number: Place among the followed follicles, from 0.
            side: Only for the label.
            shown_in: Only for the label: words for the file, such as ``image 5``.
        """
        label = f"{_side_in_words(side)} ovary follicle {number + 1}"
        label += f", {shown_in}" if shown_in else ""
        return self._named(label, "track", Outline.TRACKED_FOLLICLE, image, str(number))

    def of_result(self, kind: str, *content: str) -> TrackingIdentifier:
        """The identifier of a whole result: a series, a report, a segmentation.

        Args:
            kind: What it is, such as ``structured report``.
            content: What must not change under the same identifier, such as ``digest_of`` the
                assessment. A DICOM object with another content needs another SOP Instance UID.
        """
        return self._named(kind, "result", kind, *content)

    def _named(self, label: str, *parts: str) -> TrackingIdentifier:
        """The UUID of some words under this study and release."""
        name = _SEPARATOR.join((self.study, self.release, *parts))
        return TrackingIdentifier(uuid=uuid.uuid5(NAMESPACE, name), label=label)


def scope_of(
    document: AssessmentDocument, *, study_instance_uid: str | None = None
) -> TrackingScope:
    """The scope of an assessment.

    Args:
        document: The assessment.
        study_instance_uid: Study Instance UID of its pictures (``AnalysedFile.file.identifiers``),
            or None where they are no DICOM: then the contents of the pictures stand for it.

    Returns:
        The scope. Both roads that lead from one study to a report must pass the same UID.
    """
    inputs = document.provenance.inputs
    return TrackingScope(
        study=study_instance_uid or f"sha256:{_digest_of_inputs(inputs)}",
        release=release_key(document.release),
    )


def release_key(release: Mapping[str, Any]) -> str:
    """What names the release in identifiers: the hash of its weights, else its name."""
    return str(release.get("weights_sha256") or release.get("name") or _NO_RELEASE)


def image_key(document: AssessmentDocument, source: str) -> str:
    """What stands for a picture that has no SOP Instance UID: the hash of its file.

    Args:
        document: The assessment.
        source: The file, as the assessment names it.

    Returns:
        ``sha256:`` and the hash; the name itself where the assessment has no hash.
    """
    hashes = {one.source: one.sha256 for one in document.provenance.inputs}
    return f"sha256:{hashes[source]}" if source in hashes else f"file:{source}"


def digest_of(document: AssessmentDocument) -> str:
    """SHA-256 of an assessment: changes with anything in it, the signature included."""
    return hashlib.sha256(document.model_dump_json().encode()).hexdigest()


def _digest_of_inputs(inputs: Iterable[InputFile]) -> str:
    """Hash of the contents of all inputs, whatever their names and order."""
    return hashlib.sha256("".join(sorted({one.sha256 for one in inputs})).encode()).hexdigest()


def _in_words(member: Quantity | Outline) -> str:
    """A member's words for people."""
    if member is Outline.TRACKED_FOLLICLE:
        return "follicle"
    counts = (Quantity.FNPS, Quantity.FNPO)
    return member.value.upper() if member in counts else member.value.replace("_", " ")


def _side_in_words(side: Side | None) -> str:
    """The side for people; unknown is said."""
    return side.value if side is not None else "side unknown:"
