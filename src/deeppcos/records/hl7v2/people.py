"""Who a message speaks of: numbers with their issuers, and what PID says besides.

Owns reading PID-3, MRG-1 and the name. A number without an issuer belongs to the issuer the site
names, or to none; which of several numbers counts is said by the site and never guessed.
"""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeppcos.records.hl7v2.problems import MessageProblem, Reason
from deeppcos.records.hl7v2.site import Site
from deeppcos.records.hl7v2.text import leaf, part, repetitions, segments_of, time_of

if TYPE_CHECKING:
    import hl7

SEXES = frozenset({"F", "M", "O", "A", "N", "U"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientNumber:
    """A number and who gave it.

    Attributes:
        issuer: Who gave it, in the site's words; empty where nobody says.
        value: The number.
        kind: Type of number (table 0203), such as MR; or empty.
    """

    issuer: str
    value: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A patient as a message names her.

    Attributes:
        number: The number that counts here.
        others: Her other numbers.
        family_name: PID-5.1.
        given_name: PID-5.2.
        birth_date: PID-7; None where it is no full date.
        sex: PID-8, or empty.
    """

    number: PatientNumber
    others: tuple[PatientNumber, ...] = ()
    family_name: str = ""
    given_name: str = ""
    birth_date: dt.date | None = None
    sex: str = ""


def patient_of(pid: "hl7.Segment", site: Site) -> Patient:
    """The patient of a PID segment.

    Args:
        pid: The segment.
        site: How the site writes numbers.

    Returns:
        The patient.

    Raises:
        MessageProblem: If PID-3 has no number, several of which none is preferred, or PID-7 or
            PID-8 says something unreadable.
    """
    numbers = numbers_in(pid, 3, site)
    number = chosen_number(numbers, site, place="PID-3")
    stated = part(pid, 7)
    born = time_of(stated)[0]
    if born is None and len(stated) >= len("YYYYMMDD"):
        raise MessageProblem(
            "is no date of birth", place="PID-7", reason=Reason.DATA_TYPE, value=stated
        )
    sex = part(pid, 8)
    if sex and sex not in SEXES:
        raise MessageProblem(
            "is no administrative sex", place="PID-8", value=sex, accepted=", ".join(sorted(SEXES))
        )
    return Patient(
        number=number,
        others=tuple(one for one in numbers if one != number),
        family_name=part(pid, 5),
        given_name=part(pid, 5, 2),
        birth_date=born.date() if born else None,
        sex=sex,
    )


def numbers_in(segment: "hl7.Segment", place: int, site: Site) -> tuple[PatientNumber, ...]:
    """Every number in a field of type CX."""
    found = []
    for one in repetitions(segment, place):
        value = leaf(one, 1)
        if value:
            stated = leaf(one, 4) or leaf(one, 4, 2)
            issuer = site.patient.issuers.get(stated, stated) or site.patient.issuer
            found.append(PatientNumber(issuer=issuer, value=value, kind=leaf(one, 5)))
    return tuple(dict.fromkeys(found))


def chosen_number(numbers: tuple[PatientNumber, ...], site: Site, *, place: str) -> PatientNumber:
    """The number that counts: the only one, or the first of the type the site prefers.

    Raises:
        MessageProblem: If there is none, or several and nothing to choose by.
    """
    if not numbers:
        raise MessageProblem(
            "names no patient",
            place=place,
            reason=Reason.FIELD_MISSING,
            accepted="at least one number",
        )
    if len(numbers) == 1:
        return numbers[0]
    for kind in site.patient.identifier_types:
        preferred = [one for one in numbers if one.kind == kind]
        if len(preferred) == 1:
            return preferred[0]
    raise MessageProblem(
        "names several numbers, and the site does not say which counts",
        place=place,
        value=", ".join(f"{one.kind or 'no type'}" for one in numbers),
        accepted=f"one of type {', '.join(site.patient.identifier_types) or '(none is set)'}",
        remedy="set patient.identifier_types in the site's table",
    )


def only_patient(message: "hl7.Message", site: Site) -> Patient:
    """The one patient of a message.

    Raises:
        MessageProblem: If there are several, or as ``patient_of``.
    """
    people = {patient_of(segment, site).number: segment for segment in segments_of(message, "PID")}
    if len(people) != 1:
        raise MessageProblem(
            "the message does not name one patient",
            place="PID-3",
            value=f"{len(people)} patients",
            accepted="one PID segment with PID-3",
            remedy="send one message for each patient",
        )
    return patient_of(next(iter(people.values())), site)
