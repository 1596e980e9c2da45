"""Patients that change: corrected, merged, moved, linked. Which ADT event says what.

Owns the table of events and reading them. A merge is whole or refused: a number that stays behind
would show one patient's ovaries under another's name.

===========================  ====================================================================
event                        becomes
===========================  ====================================================================
A01, A04, A05, A08, A28,     ``PatientUpdate``: what is said of her now
A31
A18, A30, A34, A36, A40,     ``PatientMerge``: the prior number is hers no longer; A47 is the
A47                          same for us, as a number that was changed stands for the same person
A43                          ``PatientMove``: what is kept under a number belongs to another
                             patient; the number itself goes on
A24, A37                     ``PatientLink``: two numbers that are one person, or no longer; both
                             go on, and nothing moves
A44, A45                     refused: they move single accounts and visits, which no study states
===========================  ====================================================================
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
MERGES = frozenset({"A18", "A30", "A34", "A36", "A40", "A47"})
MOVES = frozenset({"A43"})
LINKS = {"A24": True, "A37": False}
"""Events about two numbers, and whether they are one person from then on."""
NOT_READ = {"A44": "accounts", "A45": "visits"}
"""Events that move some of a patient's records, and of which: refused, never passed over. No study
here states its account or visit, so nobody could tell which would have to move."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientMove:
    """Whose the records kept under some numbers are.

    Attributes:
        control_id: MSH-10.
        moved: The right patient and the number it is kept under, in the order of the message.
    """

    control_id: str
    moved: tuple[Merged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientLink:
    """Two numbers that are one person, or that were taken for one.

    Attributes:
        control_id: MSH-10.
        one: The first patient.
        other: The second.
        is_link: Whether they are one person from now on.
    """

    control_id: str
    one: Patient
    other: Patient
    is_link: bool


PatientChange = PatientUpdate | PatientMerge | PatientMove | PatientLink


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


def move_in(message: "hl7.Message", site: Site) -> PatientMove | PatientUpdate:
    """Whose records a message moves.

    A number that stays her own, such as a record number that got another person's number above
    it, moves nothing here: what the message says of her is a correction.

    Raises:
        MessageProblem: As ``merge_in``, where a number may be the patient's own.
    """
    require_segments(message, "MSH", "PID", "MRG")
    control_id = part(segments_of(message, "MSH")[0], 10)
    moved = tuple(_pairs(message, site, may_stay=True))
    if all(_stays(one) for one in moved) and len(moved) == 1:
        return PatientUpdate(control_id=control_id, patient=moved[0].survivor)
    if any(_stays(one) for one in moved):
        raise MessageProblem(
            "moves some numbers and keeps others",
            place="MRG-1",
            value=f"{len(moved)} pairs",
            accepted="one kind in a message",
            remedy="send one message for each patient",
        )
    return PatientMove(control_id=control_id, moved=moved)


def link_in(message: "hl7.Message", site: Site) -> PatientLink:
    """Which two patients a message links, or takes apart.

    Raises:
        MessageProblem: If it does not name two patients with different numbers.
    """
    people = [patient_of(one, site) for one in segments_of(message, "PID")]
    if len({(one.number.issuer, one.number.value) for one in people}) != 2 or len(people) != 2:
        raise MessageProblem(
            "the message does not name two patients",
            place="PID-3",
            reason=Reason.SEGMENT_SEQUENCE,
            value=f"{len(people)} PID segments",
            accepted="two PID segments with different numbers",
            remedy="send one message for each pair",
        )
    header = segments_of(message, "MSH")[0]
    return PatientLink(
        control_id=part(header, 10),
        one=people[0],
        other=people[1],
        is_link=LINKS[part(header, 9, 2)],
    )


def _stays(one: Merged) -> bool:
    """Whether the number is the patient's own."""
    number = one.survivor.number
    return (one.prior.issuer, one.prior.value) == (number.issuer, number.value)


def _pairs(message: "hl7.Message", site: Site, *, may_stay: bool = False) -> Iterator[Merged]:
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
            yield _pair(survivor, segment, site, may_stay=may_stay)
            survivor = None
    if survivor is not None:
        raise _alone("MRG", "the last PID has no MRG")


def _pair(survivor: Patient, mrg: "hl7.Segment", site: Site, *, may_stay: bool) -> Merged:
    """A patient and the number she had."""
    prior = chosen_number(numbers_in(mrg, 1, site), site, place="MRG-1")
    pair = Merged(survivor=survivor, prior=prior)
    if _stays(pair) and not may_stay:
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
    return pair


def _alone(place: str, what: str) -> MessageProblem:
    return MessageProblem(what, place=place, reason=Reason.SEGMENT_SEQUENCE)
