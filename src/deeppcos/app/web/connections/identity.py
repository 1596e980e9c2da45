"""Whose a study is: the hospital's identifier as the desk writes it.

Owns one rule: a number of the hospital itself stands alone, a number of anybody else carries its
issuer (``123^^^LAB``, as HL7 v2 writes it), so that two people with one number never become one.
"""

import datetime as dt
import hashlib

from django.db import transaction

from deeppcos.app.web import audit
from deeppcos.app.web.models import Patient, Site
from deeppcos.records.identifiers import PatientIdentifier

LONGEST = 64
UNKNOWN = "UNKNOWN-"


def desk_number(who: PatientIdentifier | None, *, home: str, otherwise: str = "") -> str:
    """The identifier as the desk keeps it.

    Args:
        who: Number and issuer; None where nobody stated one.
        home: Issuer of the hospital's own numbers (``identity.issuer``).
        otherwise: What tells people without a number apart, such as a study's UID.

    Examples:
        >>> desk_number(PatientIdentifier(issuer="LAB", value="123"), home="RIVERSIDE")
        '123^^^LAB'
        >>> desk_number(PatientIdentifier(issuer="", value="123"), home="RIVERSIDE")
        '123'
    """
    if who is None:
        return UNKNOWN + hashlib.sha256(otherwise.encode()).hexdigest()[:12].upper()
    number = who.value if who.issuer in ("", home) else f"{who.value}^^^{who.issuer}"
    if len(number) <= LONGEST:
        return number
    # Cut short, two numbers could become one.
    return f"{number[:43]}~{hashlib.sha256(number.encode()).hexdigest()[:20]}"


def patient_named(
    site: Site, number: str, *, name: str = "", birth_date: dt.date | None = None
) -> Patient:
    """The patient of a number; made where she is new, filled in where the desk knew less.

    Args:
        site: Where.
        number: As ``desk_number`` gives it.
        name: Her name, or empty.
        birth_date: Her birth date, or None.

    Returns:
        The patient. A name or birth date that is there is never replaced here.
    """
    with transaction.atomic():
        patient, is_new = Patient.objects.get_or_create(
            site=site, identifier=number, defaults={"name": name[:200], "birth_date": birth_date}
        )
        if is_new:
            audit.record("patient.arrived", actor=None, site=site, about=f"patient:{patient.pk}")
        elif (name and not patient.name) or (birth_date and not patient.birth_date):
            patient.name = patient.name or name[:200]
            patient.birth_date = patient.birth_date or birth_date
            patient.save(update_fields=["name", "birth_date"])
            audit.record("patient.filled_in", actor=None, site=site, about=f"patient:{patient.pk}")
    return patient


def shown_name(dicom_name: str | None) -> str:
    """A name as people write it, from DICOM's or HL7's components.

    Examples:
        >>> shown_name("Adams^Ada^^Dr")
        'Dr Ada Adams'
        >>> shown_name("Yamada^Hanako=山田^花子")
        'Hanako Yamada (山田 花子)'
    """
    groups = (dicom_name or "").split("=")
    family, given, middle, prefix, suffix = (groups[0].split("^") + [""] * 5)[:5]
    words = " ".join(one.strip() for one in (prefix, given, middle, family) if one.strip())
    shown = f"{words}, {suffix.strip()}" if suffix.strip() else words
    ideographs = " ".join(groups[1].replace("^", " ").split()) if len(groups) > 1 else ""
    return f"{shown} ({ideographs})".strip() if ideographs else shown
