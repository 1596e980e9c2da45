"""Patients that change: corrected (ADT^A08, A31 and admissions) and merged (A40, A34, A36, A18).

Owns reading them. A merge is whole or refused: a number that stays behind would show one patient's
ovaries under another's name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeppcos.records.hl7v2.people import (
    Patient,
    PatientNumber,
    chosen_number,
    numbers_in,
    only_patient,
    patient_of,
)
from deeppcos.records.hl7v2.problems import MessageProblem, Reason
from deeppcos.records.hl7v2.site import Site
from deeppcos.records.hl7v2.text import part, require_segments, segments_of

if TYPE_CHECKING:
    import hl7

UPDATES = frozenset({"A01", "A04", "A05", "A08", "A28", "A31"})
MERGES = frozenset({"A18", "A34", "A36", "A40"})
NOT_READ = frozenset({"A24", "A37", "A43", "A47"})
"""Events that move a patient's records and are not understood: refused, never passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientUpdate:
    """A patient as she is now.

    Attributes:
        control_id: MSH-10.
        patient: Number, name, date of birth, sex. What is empty was not said.
    """

    control_id: str
    patient: Patient


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """One patient that had two numbers.

    Attributes:
        survivor: Who she is from now on.
        prior: The number that is hers no longer.
    """

    survivor: Patient
    prior: PatientNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientMerge:
    """What a message merges.

    Attributes:
        control_id: MSH-10.
        merged: Every pair, in the order of the message.
    """

    control_id: str
    merged: tuple[Merged, ...]


def update_in(message: "hl7.Message", site: Site) -> PatientUpdate:
    """The patient a message corrects.

    Raises:
        MessageProblem: If it names no patient or several.
    """
    require_segments(message, "MSH", "PID")
    return PatientUpdate(
        control_id=part(segments_of(message, "MSH")[0], 10), patient=only_patient(message, site)
    )


def merge_in(message: "hl7.Message", site: Site) -> PatientMerge:
    """The patients a message merges.

    Raises:
        MessageProblem: If a PID has no MRG or an MRG no PID, a number is missing, or a patient
            would be merged into herself.
    """
    require_segments(message, "MSH", "PID", "MRG")
    return PatientMerge(
        control_id=part(segments_of(message, "MSH")[0], 10), merged=tuple(_pairs(message, site))
    )


def _pairs(message: "hl7.Message", site: Site) -> Iterator[Merged]:
    """Each PID with its MRG."""
    survivor: Patient | None = None
    for segment in message:
        name = str(segment[0])
        if name == "PID":
            if survivor is not None:
                raise _alone("MRG", "a PID is followed by another, not by its MRG")
            survivor = patient_of(segment, site)
        elif name == "MRG":
            if survivor is None:
                raise _alone("PID", "an MRG has no PID of its own")
            yield _pair(survivor, segment, site)
            survivor = None
    if survivor is not None:
        raise _alone("MRG", "the last PID has no MRG")


def _pair(survivor: Patient, mrg: "hl7.Segment", site: Site) -> Merged:
    """A patient and the number she had."""
    prior = chosen_number(numbers_in(mrg, 1, site), site, place="MRG-1")
    same = (prior.issuer, prior.value) == (survivor.number.issuer, survivor.number.value)
    if same:
        raise MessageProblem(
            "is the number of the surviving patient", place="MRG-1", value=prior.value
        )
    if prior.issuer != survivor.number.issuer:
        raise MessageProblem(
            "is of another issuer than PID-3",
            place="MRG-1.4",
            value=f"{prior.issuer or 'none'}, not {survivor.number.issuer or 'none'}",
            accepted="numbers of one issuer",
        )
    return Merged(survivor=survivor, prior=prior)


def _alone(place: str, what: str) -> MessageProblem:
    return MessageProblem(what, place=place, reason=Reason.SEGMENT_SEQUENCE)
