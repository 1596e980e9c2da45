"""The rows of a cohort that may leave the house: consented to, without identity, dates moved.

Owns joining a cohort to ``records.deidentification``. Consent that was not asked for is treated as
not given. Words that fewer than ten women share are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification import DeidentificationKey, Holds, deidentify_rows
from deeppcos.research.cohort import OpenCohort, open_cohort
from deeppcos.research.columns import TABLES, Column, Kind
from deeppcos.research.disclosure.protect import FEWEST
from deeppcos.research.query import CohortQuery
from deeppcos.research.table import ResearchTable

Row = dict[str, Any]
VIEWS = {
    "assessments": "every_visit",
    "ovaries": "ovaries",
    "labs": "labs",
    "readings": "readings",
}
_HOLDS = {
    Kind.TEXT: Holds.CATEGORY,
    Kind.FLAG: Holds.CATEGORY,
    Kind.DATE: Holds.DATE,
    Kind.NUMBER: Holds.NUMBER,
    Kind.INTEGER: Holds.NUMBER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentedRows:
    """Rows by table, fit to leave.

    Attributes:
        rows: Rows of every research table.
        women: Women they are of.
        without_consent: Women of the cohort who did not agree, or were not asked.
    """

    rows: Mapping[str, list[Row]]
    women: int
    without_consent: int


def consented_rows(
    table: ResearchTable, query: CohortQuery, key: DeidentificationKey
) -> ConsentedRows:
    """Take the rows of consenting women of a cohort and remove who they are.

    Args:
        table: The data.
        query: Who belongs to the cohort.
        key: The site's key.

    Returns:
        The rows.

    Raises:
        InvalidInput: If fewer than ten women of the cohort agreed.
    """
    with open_cohort(table, query) as cohort:
        # One refusal counts for the woman, whatever another of her rows says.
        cohort.connection.execute(
            "CREATE TEMP TABLE agreed AS SELECT patient_id FROM every_visit "
            "GROUP BY patient_id HAVING bool_and(consent IS TRUE)"
        )
        [(women,)] = cohort.rows("SELECT count(*) FROM agreed")
        if women < FEWEST:
            raise InvalidInput(
                "too few women agreed to research",
                value=f"fewer than {FEWEST} of the cohort",
                accepted=f"at least {FEWEST} with consent",
                remedy="record consent first; consent that was not asked for is not given",
            )
        rows = {
            name: list(
                deidentify_rows(
                    _rows(cohort, view),
                    columns={column.name: _holds(column) for column in TABLES[name]},
                    key=key,
                    words=_words(cohort, name, view),
                )
            )
            for name, view in VIEWS.items()
        }
        return ConsentedRows(rows=rows, women=int(women), without_consent=cohort.women - int(women))


def _holds(column: Column) -> Holds:
    """What a column holds, as de-identification takes it."""
    if column.name == "patient_id":
        return Holds.PATIENT
    if column.name == "assessment_id":
        return Holds.UID
    if column.name == "age_years":
        return Holds.AGE_YEARS
    return _HOLDS[column.kind]


def _rows(cohort: OpenCohort, view: str) -> list[Row]:
    """Rows of consenting women, by name of column."""
    cursor = cohort.connection.execute(
        f"SELECT * FROM {view} WHERE patient_id IN (SELECT patient_id FROM agreed) "
        "ORDER BY patient_id, assessment_id"
    )
    names = [str(one[0]) for one in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _words(cohort: OpenCohort, table: str, view: str) -> dict[str, frozenset[str]]:
    """Words that may stand in each column of words: those ten women or more share."""
    words = {}
    for column in TABLES[table]:
        if column.kind is not Kind.TEXT or column.name in ("patient_id", "assessment_id"):
            continue
        found = cohort.rows(
            f"SELECT {column.name} FROM {view} WHERE {column.name} IS NOT NULL "
            "AND patient_id IN (SELECT patient_id FROM agreed) GROUP BY 1 "
            f"HAVING count(DISTINCT patient_id) >= {FEWEST}"
        )
        words[column.name] = frozenset(str(word) for (word,) in found)
    return words
