"""How one hospital writes its messages: a table, as data.

Owns the file and its check: which number of a patient counts, which field holds the accession
number, what the laboratory's own codes mean and in which unit. Reading messages by it is the
business of the other modules. See docs/hl7v2.md.
"""

import csv
import io
import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.units import unit_for
from deeppcos.errors import InvalidInput
from deeppcos.records.codes import LAST_MENSTRUAL_PERIOD
from deeppcos.records.hl7v2.text import ENCODINGS

SCHEMA: Literal["deeppcos.hl7-site/1"] = "deeppcos.hl7-site/1"
LARGEST_BYTES = 4 * 1024**2
_PLACE = re.compile(r"(?P<segment>[A-Z][A-Z0-9]{2})-(?P<field>[1-9]\d?)(?:\.(?P<part>[1-9]\d?))?")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class PatientTable(_Table):
    """Numbers of patients.

    Attributes:
        issuer: Who gave the numbers that do not say it themselves; empty leaves them open.
        identifier_types: Types of number (PID-3.5) that count, the best first.
        issuers: Who gave a number as the messages write it, and as other systems do.
    """

    issuer: str = ""
    identifier_types: tuple[str, ...] = ("MR", "PI", "PT")
    issuers: dict[str, str] = Field(default_factory=dict)


class OrderTable(_Table):
    """Orders.

    Attributes:
        accession: Fields that may hold the accession number, the best first.
        visit: Field of the visit number.
        last_menstrual_period: Codes of the OBX that say it, ``code^system``.
        procedures: Codes (OBR-4.1) of examinations that are ours; empty takes all.
    """

    accession: tuple[str, ...] = ("IPC-1", "OBR-18")
    visit: str = "PV1-19"
    last_menstrual_period: tuple[str, ...] = (f"{LAST_MENSTRUAL_PERIOD.value}^LN",)
    procedures: tuple[str, ...] = ()

    @field_validator("accession", "visit")
    @classmethod
    def _is_place(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for one in (value,) if isinstance(value, str) else value:
            place_of(one)
        return value


class LocalTest(_Table):
    """A test of the laboratory under its own code.

    Attributes:
        code: OBX-3.1.
        system: OBX-3.3, such as ``L`` or ``99LAB``.
        analyte: The test.
        unit: The unit the laboratory gives it in.
    """

    code: str = Field(min_length=1)
    system: str = "L"
    analyte: Analyte
    unit: str

    @field_validator("unit")
    @classmethod
    def _is_unit(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the unit is empty")
        return value.strip()


class LaboratoryTable(_Table):
    """The laboratory's own codes.

    Attributes:
        tests: Tests.
        file: A CSV beside the table with more: code, system, analyte, unit.
    """

    tests: tuple[LocalTest, ...] = ()
    file: str = ""


class Site(_Table):
    """How one hospital writes its messages.

    Attributes:
        schema_name: ``deeppcos.hl7-site/1``.
        unstated_character_set: What messages without MSH-18 are written in, as that field would
            name it; empty means ASCII.
        patient: Numbers of patients.
        orders: Orders.
        laboratory: The laboratory's own codes.
        doctors: Names by local code.
        places: Wards and sites by local code.
    """

    schema_name: Literal["deeppcos.hl7-site/1"] = Field(default=SCHEMA, alias="schema")
    unstated_character_set: str = ""
    patient: PatientTable = PatientTable()
    orders: OrderTable = OrderTable()
    laboratory: LaboratoryTable = LaboratoryTable()
    doctors: dict[str, str] = Field(default_factory=dict)
    places: dict[str, str] = Field(default_factory=dict)

    @field_validator("unstated_character_set")
    @classmethod
    def _is_character_set(cls, value: str) -> str:
        if value not in ENCODINGS:
            raise ValueError(f"one of {', '.join(one for one in ENCODINGS if one)}")
        return value

    def local_test(self, code: str, system: str) -> LocalTest | None:
        """The test a local code names, or None."""
        return self._by_code.get((code, system))

    @cached_property
    def _by_code(self) -> dict[tuple[str, str], LocalTest]:
        return {(one.code, one.system): one for one in self.laboratory.tests}


NO_SITE = Site()
"""What is done where no table is given: LOINC only, one number a patient, no local codes."""


def read_site(path: Path) -> Site:
    """Read a site's table.

    Args:
        path: The TOML file; a CSV it names lies beside it.

    Returns:
        The table.

    Raises:
        InvalidInput: If a file is missing, is none, names an unknown key, test, unit or field,
            or gives one code two meanings. Names the place.
    """
    stated = _toml(path)
    laboratory = stated.get("laboratory")
    if isinstance(laboratory, dict) and isinstance(laboratory.get("file"), str):
        rows = _rows(path.with_name(laboratory["file"]))
        laboratory["tests"] = [*laboratory.get("tests", []), *rows]
    try:
        site = Site.model_validate(stated)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInput(
            f"{path.name}: {'.'.join(str(step) for step in first['loc']) or 'the table'}",
            value=str(first.get("input"))[:80],
            accepted=str(first["msg"]),
            remedy="see docs/hl7v2.md",
        ) from error
    _refuse_two_meanings(site, path.name)
    return site


def place_of(text: str) -> tuple[str, int, int]:
    """A place in a message, such as ``OBR-18`` or ``ORC-3.1``.

    Returns:
        Segment, field and component.

    Examples:
        >>> place_of("OBR-18"), place_of("ORC-3.2")
        (('OBR', 18, 1), ('ORC', 3, 2))
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no place; accepted: such as OBR-18 or ORC-3.1")
    return found["segment"], int(found["field"]), int(found["part"] or 1)


def _toml(path: Path) -> dict[str, object]:
    """The table as it stands."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path} is no table of a site", value=str(error), accepted="a TOML file"
        ) from error


def _rows(path: Path) -> list[dict[str, str]]:
    """The tests of a CSV file."""
    try:
        text = path.read_bytes()[:LARGEST_BYTES].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path} is no table of tests", value=str(error), accepted="a CSV file in UTF-8"
        ) from error
    rows = csv.DictReader(io.StringIO(text), strict=True, restval="")
    wanted = {"code", "analyte", "unit"}
    if not wanted <= set(rows.fieldnames or ()):
        raise InvalidInput(
            f"{path.name} lacks a column",
            value=", ".join(rows.fieldnames or ()) or "no header",
            accepted="code, system, analyte, unit",
        )
    try:
        # A cell over the header's columns stands under None: the model refuses it by that name.
        return [
            {str(name): str(cell).strip() for name, cell in row.items() if cell != ""}
            for row in rows
        ]
    except csv.Error as error:
        raise InvalidInput(f"{path.name} cannot be read", value=str(error)) from error


def _refuse_two_meanings(site: Site, name: str) -> None:
    """One code, one meaning; and each in a unit its test may have."""
    seen: set[tuple[str, str]] = set()
    for test in site.laboratory.tests:
        key = (test.code, test.system)
        if key in seen:
            raise InvalidInput(
                f"{name}: laboratory.tests gives a code twice",
                value=f"{test.code} of {test.system}",
                accepted="each code once",
            )
        seen.add(key)
        try:
            unit_for(test.analyte, test.unit)
        except InvalidInput as error:
            error.what = f"{name}: laboratory.tests {test.code}: {error.what}"
            raise
