"""Orders: ORM^O01, OMG^O19 and OMI^O23.

Owns what an order says of patient, visit, examination and reason, and of the last menstrual
period where it does. What is done with it is the business of ``app.connections``.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from deeppcos.records.hl7v2.people import Patient, only_patient
from deeppcos.records.hl7v2.problems import MessageProblem, Reason
from deeppcos.records.hl7v2.site import Site, place_of
from deeppcos.records.hl7v2.text import part, require_segments, segments_of, time_of

if TYPE_CHECKING:
    import hl7


class OrderControl(StrEnum):
    """What is to be done with an order."""

    NEW = "new"
    CHANGED = "changed"
    CANCELLED = "cancelled"


CONTROLS = {
    "NW": OrderControl.NEW,
    "XO": OrderControl.CHANGED,
    "XX": OrderControl.CHANGED,
    "RP": OrderControl.CHANGED,
    "CA": OrderControl.CANCELLED,
    "DC": OrderControl.CANCELLED,
    "OC": OrderControl.CANCELLED,
}
"""ORC-1 (table 0119) that change what is to be done; others are refused by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """One examination that is asked for.

    Attributes:
        control: What is to be done.
        placer_number: ORC-2 or OBR-2.
        filler_number: ORC-3 or OBR-3.
        accession_number: Where the site says it stands; empty where it does not.
        study_instance_uid: IPC-3, or empty.
        code: OBR-4.1.
        words: OBR-4.2.
        reason: OBR-31, else OBR-13.
        asked_for_at: When it is to be done, or None.
        doctor: Who asked for it, by name where the site knows the code.
    """

    control: OrderControl
    placer_number: str
    filler_number: str
    accession_number: str
    study_instance_uid: str
    code: str
    words: str
    reason: str
    asked_for_at: dt.datetime | None
    doctor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a message orders of one patient.

    Attributes:
        control_id: MSH-10.
        patient: Whose examinations.
        visit_number: Of the visit, or empty.
        place: Ward or site, by name where the site knows the code.
        examinations: Those that are ours.
        last_menstrual_period: First day, or None where the order does not say.
        questions: What somebody has to answer.
        others: What was passed over, and why.
    """

    control_id: str
    patient: Patient
    visit_number: str
    place: str
    examinations: tuple[Examination, ...]
    last_menstrual_period: dt.date | None
    questions: tuple[str, ...]
    others: tuple[str, ...]


def order_in(message: "hl7.Message", site: Site) -> Order:
    """The order in a message.

    Args:
        message: The message.
        site: How the site writes.

    Returns:
        The order.

    Raises:
        MessageProblem: If a segment or number is missing, the control is unknown, or it names no
            patient or several.
    """
    require_segments(message, "MSH", "PID", "ORC", "OBR")
    found, others = [], []
    for group in _groups(message):
        one = _examination(group, site)
        if site.orders.procedures and one.code not in site.orders.procedures:
            others.append(f"OBR-4: {one.code or 'no code'} {one.words} is no examination of ours")
        else:
            found.append(one)
    period, questions = _last_menstrual_period(message, site)
    visits = segments_of(message, "PV1")
    ward = part(visits[0], 3) if visits else ""
    return Order(
        control_id=part(segments_of(message, "MSH")[0], 10),
        patient=only_patient(message, site),
        visit_number=_at(list(message), site.orders.visit),
        place=site.places.get(ward, ward),
        examinations=tuple(found),
        last_menstrual_period=period,
        questions=questions,
        others=tuple(others),
    )


def _groups(message: "hl7.Message") -> Iterator[list["hl7.Segment"]]:
    """The segments of each order: an ORC and what follows it."""
    group: list[hl7.Segment] = []
    for segment in message:
        name = str(segment[0])
        if name == "ORC":
            if group:
                yield group
            group = [segment]
        elif group:
            group.append(segment)
        elif name == "OBR":
            raise MessageProblem(
                "stands before its ORC", place="OBR", reason=Reason.SEGMENT_SEQUENCE
            )
    yield group


def _examination(group: Sequence["hl7.Segment"], site: Site) -> Examination:
    """One order."""
    order = group[0]
    details = [one for one in group if str(one[0]) == "OBR"]
    if len(details) != 1:
        raise MessageProblem(
            "an order has not one OBR",
            place="OBR",
            reason=Reason.SEGMENT_SEQUENCE,
            value=str(len(details)),
            accepted="one OBR after each ORC",
        )
    [detail] = details
    stated = part(order, 1)
    if stated not in CONTROLS:
        raise MessageProblem(
            "is no order control that is read",
            place="ORC-1",
            value=stated,
            accepted=", ".join(CONTROLS),
        )
    placer = part(order, 2) or part(detail, 2)
    filler = part(order, 3) or part(detail, 3)
    if not placer and not filler:
        raise MessageProblem(
            "the order has no number",
            place="ORC-2",
            reason=Reason.FIELD_MISSING,
            accepted="ORC-2 or ORC-3",
        )
    return Examination(
        control=CONTROLS[stated],
        placer_number=placer,
        filler_number=filler,
        accession_number=next((at for one in site.orders.accession if (at := _at(group, one))), ""),
        study_instance_uid=_at(group, "IPC-3"),
        code=part(detail, 4),
        words=part(detail, 4, 2),
        reason=part(detail, 31, 2) or part(detail, 31) or part(detail, 13),
        asked_for_at=time_of(
            _at(group, "TQ1-7") or part(detail, 36) or part(detail, 27, 4) or part(order, 7, 4)
        )[0],
        doctor=_doctor(order, 12, site) or _doctor(detail, 16, site),
    )


def _doctor(segment: "hl7.Segment", place: int, site: Site) -> str:
    """Who it is, by the site's table, else as the message names them."""
    code = part(segment, place)
    named = " ".join(one for one in (part(segment, place, 3), part(segment, place, 2)) if one)
    return site.doctors.get(code) or named or code


def _last_menstrual_period(
    message: "hl7.Message", site: Site
) -> tuple[dt.date | None, tuple[str, ...]]:
    """The first day of the last menstrual period, where one OBX says it; else what to ask."""
    days = set()
    for segment in segments_of(message, "OBX"):
        codes = {f"{part(segment, 3, n)}^{part(segment, 3, n + 2)}" for n in (1, 4)}
        if not codes & set(site.orders.last_menstrual_period):
            continue
        stated = part(segment, 5)
        at = time_of(stated)[0]
        if at is None:
            return None, (f"OBX-5: when did the last menstrual period begin? {stated!r} is no day",)
        days.add(at.date())
    if len(days) > 1:
        listed = ", ".join(str(day) for day in sorted(days))
        return None, (f"OBX-5: which day did the last menstrual period begin? {listed}",)
    day = days.pop() if days else None
    if day is not None and day > dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1):
        return None, (f"OBX-5: the last menstrual period is said to begin on {day}, a day to come",)
    return day, ()


def _at(segments: Sequence["hl7.Segment"], place: str) -> str:
    """What stands at a place of the first such segment; empty where there is none."""
    name, number, component = place_of(place)
    found = next((one for one in segments if str(one[0]) == name), None)
    return part(found, number, component) if found is not None else ""
