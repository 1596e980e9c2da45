"""Every OMOP concept number the export writes, what it means, and how far it was checked.

Owns the dictionary beside the tables. OHDSI's vocabularies need a licence and a download, so none
was at hand: the numbers were held against the mappings that other projects publish. Hold them
against your own ATHENA download before you rely on them.
"""

from dataclasses import dataclass

NAME_AND_CODE = "number, name and code agree with independent public mappings"
NAME_ONLY = (
    "number and name agree with independent public mappings; the code beside it was not seen"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One concept.

    Attributes:
        number: Concept id.
        name: Name in the vocabulary.
        code: Code in its own vocabulary.
        stands_in: Column it is written to.
        checked: How far the number was checked.
    """

    number: int
    name: str
    code: str
    stands_in: str
    checked: str


def _unit(number: int, name: str, code: str) -> Concept:
    return Concept(
        number=number,
        name=name,
        code=f"UCUM {code}",
        stands_in="unit_concept_id",
        checked=NAME_AND_CODE,
    )


def _test(number: int, name: str, code: str, checked: str) -> Concept:
    return Concept(
        number=number,
        name=name,
        code=f"LOINC {code}",
        stands_in="measurement_concept_id",
        checked=checked,
    )


def _other(number: int, name: str, stands_in: str) -> Concept:
    return Concept(number=number, name=name, code="", stands_in=stands_in, checked=NAME_AND_CODE)


CONCEPTS: tuple[Concept, ...] = (
    Concept(
        number=0,
        name="No matching concept",
        code="",
        stands_in="any; the source value says what it is",
        checked="by the data model",
    ),
    _other(8532, "FEMALE", "gender_concept_id"),
    _other(9202, "Outpatient Visit", "visit_concept_id"),
    _other(32817, "EHR", "..._type_concept_id"),
    _unit(8842, "nanogram per milliliter", "ng/mL"),
    _unit(8736, "nanomole per liter", "nmol/L"),
    _unit(8753, "millimole per liter", "mmol/L"),
    _unit(8729, "picomole per liter", "pmol/L"),
    _unit(8749, "micromole per liter", "umol/L"),
    _unit(8840, "milligram per deciliter", "mg/dL"),
    _unit(8554, "percent", "%"),
    _unit(8587, "milliliter", "mL"),
    _unit(8588, "millimeter", "mm"),
    _unit(9531, "kilogram per square meter", "kg/m2"),
    _test(3038553, "Body mass index (BMI) [Ratio]", "39156-5", NAME_AND_CODE),
    _test(3004410, "Hemoglobin A1c/Hemoglobin.total in Blood", "4548-4", NAME_AND_CODE),
    _test(3007070, "Cholesterol in HDL [Mass/volume] in Serum or Plasma", "2085-9", NAME_AND_CODE),
    _test(3022192, "Triglyceride [Mass/volume] in Serum or Plasma", "2571-8", NAME_ONLY),
    _test(3027114, "Cholesterol [Mass/volume] in Serum or Plasma", "2093-3", NAME_ONLY),
    _test(3037110, "Fasting glucose [Mass/volume] in Serum or Plasma", "1558-6", NAME_ONLY),
)
"""In the order they are looked for."""

COLUMNS = ("concept_id", "name", "code", "stands_in", "checked")


def concept_rows() -> list[tuple[str, ...]]:
    """The dictionary as rows of text under ``COLUMNS``."""
    return [(str(c.number), c.name, c.code, c.stands_in, c.checked) for c in CONCEPTS]
