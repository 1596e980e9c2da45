"""Research tables in the shape of the OMOP common data model (5.4): four tables of rows.

Owns which column becomes which row. A concept is named only where its number was checked
(``omop_concepts`` says how); everywhere else it is 0 and the source value says what it is. No
vocabulary is shipped; nothing is guessed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

NO_CONCEPT = 0
FEMALE, OUTPATIENT_VISIT, FROM_EHR = 8532, 9202, 32817
"""OMOP standard concepts: gender, visit, and type of a record."""

UNITS = {
    "ng/mL": 8842,
    "nmol/L": 8736,
    "mmol/L": 8753,
    "pmol/L": 8729,
    "umol/L": 8749,
    "mg/dL": 8840,
    "%": 8554,
    "mL": 8587,
    "mm": 8588,
    "kg/m2": 9531,
}
"""OMOP concepts of UCUM units; a unit that is not here is 0 with its UCUM code as source value."""

MEASUREMENTS = {
    "bmi_kg_m2": (3038553, "39156-5", "kg/m2"),
    "waist_cm": (NO_CONCEPT, "8280-0", "cm"),
    "cycle_interval_days": (NO_CONCEPT, "cycle_interval_days", "d"),
    "mfg_score": (NO_CONCEPT, "mfg_score", "1"),
    "fnpo_largest": (NO_CONCEPT, "fnpo_largest", "1"),
    "fnps_largest": (NO_CONCEPT, "fnps_largest", "1"),
    "volume_largest_ml": (NO_CONCEPT, "volume_largest_ml", "mL"),
}
"""Columns of the flat table: concept, source value (LOINC where there is one), unit."""

LAB_CONCEPTS = {
    ("hba1c", "%"): (3004410, "4548-4"),
    ("hdl", "mg/dL"): (3007070, "2085-9"),
    ("triglycerides", "mg/dL"): (3022192, "2571-8"),
    ("total_cholesterol", "mg/dL"): (3027114, "2093-3"),
    ("fasting_glucose", "mg/dL"): (3037110, "1558-6"),
}
"""Tests in the unit their LOINC code goes with; others are 0 with the test's name."""

OBSERVATIONS = (
    *("status_guideline_2023", "status_rotterdam_2003", "phenotype_guideline_2023"),
    *("ovulatory_dysfunction", "hyperandrogenism", "polycystic_morphology", "exclusions"),
    *("axis_reproductive", "axis_morphology", "axis_androgen", "axis_metabolic"),
    *("hormonal_contraception", "route", "release"),
)
"""Columns that are statements, not measurements: conclusions are never written as conditions."""

TABLES: Mapping[str, Mapping[str, str]] = {
    "person": {
        "person_id": "BIGINT", "gender_concept_id": "BIGINT", "year_of_birth": "BIGINT",
        "race_concept_id": "BIGINT", "ethnicity_concept_id": "BIGINT",
        "person_source_value": "VARCHAR",
    },
    "visit_occurrence": {
        "visit_occurrence_id": "BIGINT", "person_id": "BIGINT", "visit_concept_id": "BIGINT",
        "visit_start_date": "DATE", "visit_end_date": "DATE", "visit_type_concept_id": "BIGINT",
        "visit_source_value": "VARCHAR",
    },
    "measurement": {
        "measurement_id": "BIGINT", "person_id": "BIGINT", "measurement_concept_id": "BIGINT",
        "measurement_date": "DATE", "measurement_type_concept_id": "BIGINT",
        "value_as_number": "DOUBLE", "unit_concept_id": "BIGINT", "range_high": "DOUBLE",
        "visit_occurrence_id": "BIGINT", "measurement_source_value": "VARCHAR",
        "unit_source_value": "VARCHAR",
    },
    "observation": {
        "observation_id": "BIGINT", "person_id": "BIGINT", "observation_concept_id": "BIGINT",
        "observation_date": "DATE", "observation_type_concept_id": "BIGINT",
        "value_as_string": "VARCHAR", "visit_occurrence_id": "BIGINT",
        "observation_source_value": "VARCHAR",
    },
}  # fmt: skip
"""Columns and types of each table, in the order and spelling of OMOP."""

CONDITIONS_NOTE = (
    "There is no condition_occurrence: a conclusion states how findings stand to a named profile "
    "of criteria and is no diagnosis."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OmopTables:
    """Rows by table.

    Attributes:
        tables: Rows by name of table.
        undated: Assessments left out because OMOP wants a day for everything.
    """

    tables: Mapping[str, list[Row]]
    undated: int


def omop_tables(
    assessments: Iterable[Mapping[str, Any]], labs: Iterable[Mapping[str, Any]]
) -> OmopTables:
    """OMOP rows of de-identified assessments.

    Args:
        assessments: Rows of the flat table, pseudonymous, dates moved.
        labs: Rows of laboratory results of the same assessments.

    Returns:
        The tables. A year of birth is the moved year less the age, so it moves with the dates.
    """
    rows = list(assessments)
    dated = [row for row in rows if row["performed_on"] is not None]
    people = {who: n for n, who in enumerate(sorted({r["patient_id"] for r in dated}), start=1)}
    visits = {row["assessment_id"]: n for n, row in enumerate(dated, start=1)}
    by_visit = {row["assessment_id"]: row for row in dated}
    measured = [
        *_measured(dated),
        *_laboratory(lab for lab in labs if lab["assessment_id"] in visits),
    ]
    return OmopTables(
        tables={
            "person": [_person(who, n, dated) for who, n in people.items()],
            "visit_occurrence": [
                _visit(row, visits[row["assessment_id"]], people[row["patient_id"]])
                for row in dated
            ],
            "measurement": [
                _placed("measurement", n, said, by_visit[of], people, visits)
                for n, (of, said) in enumerate(measured, start=1)
            ],
            "observation": [
                _placed("observation", n, said, by_visit[of], people, visits)
                for n, (of, said) in enumerate(_observed(dated), start=1)
            ],
        },
        undated=len(rows) - len(dated),
    )


def _person(who: str, number: int, rows: list[Mapping[str, Any]]) -> Row:
    """One woman."""
    aged = next(
        (r for r in rows if r["patient_id"] == who and r.get("age_years") is not None), None
    )
    born = None if aged is None else aged["performed_on"].year - int(aged["age_years"])
    return {
        "person_id": number,
        "gender_concept_id": FEMALE,
        "year_of_birth": born,
        "race_concept_id": NO_CONCEPT,
        "ethnicity_concept_id": NO_CONCEPT,
        "person_source_value": who,
    }


def _visit(row: Mapping[str, Any], number: int, person: int) -> Row:
    """One assessment as an outpatient visit of one day."""
    return {
        "visit_occurrence_id": number,
        "person_id": person,
        "visit_concept_id": OUTPATIENT_VISIT,
        "visit_start_date": row["performed_on"],
        "visit_end_date": row["performed_on"],
        "visit_type_concept_id": FROM_EHR,
        "visit_source_value": row["assessment_id"],
    }


Said = tuple[str, Row]


def _measured(rows: list[Mapping[str, Any]]) -> Iterator[Said]:
    """Measured columns of the flat table; unknown has no row."""
    for row in rows:
        for column, (concept, source, unit) in MEASUREMENTS.items():
            if row.get(column) is not None:
                yield (
                    row["assessment_id"],
                    {
                        "measurement_concept_id": concept,
                        "value_as_number": float(row[column]),
                        "unit_concept_id": UNITS.get(unit, NO_CONCEPT),
                        "range_high": None,
                        "measurement_source_value": source,
                        "unit_source_value": unit,
                    },
                )


def _laboratory(rows: Iterable[Mapping[str, Any]]) -> Iterator[Said]:
    """Laboratory results in the unit they were reported in."""
    for row in rows:
        concept, source = LAB_CONCEPTS.get(
            (row["analyte"], row["unit"]), (NO_CONCEPT, row["analyte"])
        )
        yield (
            row["assessment_id"],
            {
                "measurement_concept_id": concept,
                "value_as_number": row["value"],
                "unit_concept_id": UNITS.get(row["unit"], NO_CONCEPT),
                "range_high": row["upper_limit"],
                "measurement_source_value": source,
                "unit_source_value": row["unit"],
            },
        )


def _observed(rows: list[Mapping[str, Any]]) -> Iterator[Said]:
    """Statements; unknown states of findings are said, absent values are not."""
    for row in rows:
        for column in OBSERVATIONS:
            if row.get(column) is not None:
                yield (
                    row["assessment_id"],
                    {
                        "observation_concept_id": NO_CONCEPT,
                        "value_as_string": str(row[column]),
                        "observation_source_value": column,
                    },
                )


def _placed(
    table: str,
    number: int,
    said: Row,
    row: Mapping[str, Any],
    people: Mapping[str, int],
    visits: Mapping[str, int],
) -> Row:
    """What was said, with its number, person, visit and day."""
    return {
        f"{table}_id": number,
        "person_id": people[row["patient_id"]],
        f"{table}_date": row["performed_on"],
        f"{table}_type_concept_id": FROM_EHR,
        "visit_occurrence_id": visits[row["assessment_id"]],
        **said,
    }
