"""Age, pregnancy and hormonal contraception from a bundle.

Owns what of Patient, Condition and MedicationStatement the chart has a place for. That nothing
is recorded never means that nothing is there: without a statement contraception stays unknown.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deeppcos.clinical.patient import Contraception
from deeppcos.records.codes import (
    CONTRACEPTIVES,
    FHIR_SYSTEMS,
    POSTMENOPAUSAL,
    PREGNANT,
    Scheme,
)
from deeppcos.records.fhir.known_values import coded, moment_of
from deeppcos.records.fhir.parts import Resource

OLDEST_YEARS = 120
RECENT = dt.timedelta(days=92)
STATES = {PREGNANT.value: "pregnant", POSTMENOPAUSAL.value: "postmenopausal"}
ACTIVE = frozenset({"active", "recurrence", "relapse"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPatient:
    """Fields of the chart's ``patient`` section.

    Attributes:
        fields: What is known.
        origins: Where each is from, in one line.
        questions: What somebody has to answer.
        others: What was passed over, and why.
    """

    fields: dict[str, int | bool | str] = field(default_factory=dict)
    origins: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def age_of(patient: Resource, origin: str, on: dt.date) -> KnownPatient:
    """Age in completed years on a day; unknown where only a year of birth is recorded."""
    born, _ = moment_of(str(patient.get("birthDate", "")))
    if born is None:
        return KnownPatient(others=(f"{origin}: no full date of birth, so no age",))
    birthday_to_come = (on.month, on.day) < (born.month, born.day)
    years = on.year - born.year - birthday_to_come
    if not 0 <= years <= OLDEST_YEARS:
        said = f"{origin}: is her date of birth {born.date()}? On {on} she would be {years}"
        return KnownPatient(questions=(said,))
    return KnownPatient(
        fields={"age_years": years}, origins=(f"patient.age_years {years}: {origin} on {on}",)
    )


def state_of(condition: Resource, origin: str) -> KnownPatient:
    """Pregnancy or menopause from an active, confirmed Condition; others are named, not used."""
    what = condition.get("code", {})
    names = [STATES[code] for code in coded(what, FHIR_SYSTEMS[Scheme.SNOMED_CT]) if code in STATES]
    clinical = {one.get("code") for one in condition.get("clinicalStatus", {}).get("coding", [])}
    sure = {one.get("code") for one in condition.get("verificationStatus", {}).get("coding", [])}
    is_active = bool(clinical & ACTIVE) and (not sure or "confirmed" in sure)
    if not names or not is_active:
        display = next((one.get("display") for one in what.get("coding", []) if one), None)
        words = what.get("text") or display or "without a name"
        return KnownPatient(others=(f"{origin}: condition {words!r} is not used",))
    return KnownPatient(fields={names[0]: True}, origins=(f"patient.{names[0]} true: {origin}",))


def contraception_of(statements: Iterable[tuple[str, Resource]], on: dt.date) -> KnownPatient:
    """Hormonal contraception on a day or within the three months before.

    Args:
        statements: Name and MedicationStatement.
        on: The day.

    Returns:
        What is known; contradicting statements are a question.
    """
    found: list[tuple[Contraception, str]] = []
    others, questions = [], []
    for origin, one in statements:
        kind = _contraceptive(one)
        if kind is None:
            others.append(f"{origin}: no hormonal contraceptive by its ATC code")
            continue
        used = _use(one, kind, on)
        if isinstance(used, Contraception):
            found.append((used, origin))
        elif used.endswith("?"):
            questions.append(f"{origin}: {used}")
        else:
            others.append(f"{origin}: {used}")
    current = [one for one in found if one[0] is not Contraception.STOPPED_UNDER_3_MONTHS]
    decided = current or found
    if len({kind for kind, _ in decided}) > 1:
        listed = ", ".join(f"{kind.value} ({origin})" for kind, origin in decided)
        questions.append(f"which hormonal contraception is in use: {listed}?")
        decided = []
    if questions or not decided:
        return KnownPatient(questions=tuple(questions), others=tuple(others))
    kind, origin = decided[0]
    return KnownPatient(
        fields={"hormonal_contraception": kind.value},
        origins=(f"patient.hormonal_contraception {kind.value}: {origin}",),
        others=tuple(others),
    )


def with_medication(statement: Resource, medications: Mapping[str, Resource]) -> Resource:
    """A statement with the code of the Medication it refers to, where that is known.

    Args:
        statement: The MedicationStatement.
        medications: Medications by reference, such as ``Medication/12``.
    """
    reference = str(statement.get("medicationReference", {}).get("reference", ""))
    contained = {f"#{one.get('id')}": one for one in statement.get("contained", [])}
    found = contained.get(reference) or next(
        (one for name, one in medications.items() if f"/{reference}".endswith(f"/{name}")), None
    )
    if found is None or "code" not in found:
        return statement
    return {**statement, "medicationCodeableConcept": found["code"]}


def _contraceptive(statement: Resource) -> Contraception | None:
    """The kind of contraceptive, by ATC code."""
    stated = statement.get("medicationCodeableConcept", {})
    for code in coded(stated, FHIR_SYSTEMS[Scheme.ATC]):
        for start, kind in CONTRACEPTIVES.items():
            if code.startswith(start.value):
                return kind
    return None


def _use(statement: Resource, kind: Contraception, on: dt.date) -> Contraception | str:
    """The use on a day, or why it does not count."""
    period = statement.get("effectivePeriod", {})
    start, _ = moment_of(str(period.get("start") or statement.get("effectiveDateTime") or ""))
    end, _ = moment_of(str(period.get("end", "")))
    status = statement.get("status")
    if status not in ("active", "completed", "stopped"):
        return f"is {status}"
    if start is not None and start.date() > on:
        return "began after the study"
    if end is None:
        return kind if status == "active" else f"{kind.value} was stopped, when?"
    if end.date() >= on:
        return kind
    recent = on - end.date() <= RECENT
    return Contraception.STOPPED_UNDER_3_MONTHS if recent else f"ended on {end.date()}"
