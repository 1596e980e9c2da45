"""Rows about patients without their identity: what an export of the desk gives away.

Owns the treatment of columns by what each one holds. A column that is not declared is dropped,
and so is free text. Dates move with the same secret shift as the patient's images; birth dates
become ages. Small cells are the business of whoever counts the rows.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification.header import GROUPED_AGE_YEARS
from deeppcos.records.deidentification.key import DeidentificationKey
from deeppcos.records.identifiers import PatientIdentifier

Cell = str | int | float | bool | dt.date | dt.datetime | None


class Holds(StrEnum):
    """What a column holds, which decides what becomes of it."""

    PATIENT = "patient"  # the identifier the row is about: becomes the pseudonym
    DATE = "date"  # moved with the patient's other dates; times of day are dropped
    BIRTH_DATE = "birth date"  # becomes whole years at the row's reference date
    AGE_YEARS = "age in years"  # above 89 grouped
    NUMBER = "number"  # kept
    CATEGORY = "category"  # kept where it is one of the declared words
    UID = "uid"  # becomes the same new UID as in the images
    FREE_TEXT = "free text"  # dropped


def deidentify_rows(
    rows: Iterable[Mapping[str, Cell]],
    *,
    columns: Mapping[str, Holds],
    key: DeidentificationKey,
    issuer: str = "",
    words: Mapping[str, frozenset[str]] | None = None,
    reference_date: str = "",
) -> Iterator[dict[str, Cell]]:
    """De-identify the rows of a table.

    Args:
        rows: One mapping a row; cells of columns that are not declared are dropped.
        columns: What each column holds; exactly one holds the patient.
        key: The secret; the key of the images gives the pseudonyms and shifts of the images.
        issuer: Who gave the patient numbers.
        words: For each column of categories, the words that may stand in it.
        reference_date: Column of the date at which ages are taken from birth dates.

    Yields:
        New rows. A cell that does not hold what its column says is None, never passed on.

    Raises:
        InvalidInput: If no or several columns hold the patient, or a row names none.

    Examples:
        >>> key = DeidentificationKey(secret=bytes(32))
        >>> columns = {"id": Holds.PATIENT, "amh": Holds.NUMBER, "note": Holds.FREE_TEXT}
        >>> [row] = deidentify_rows([{"id": "7", "amh": 5.1, "note": "Jane"}],
        ...                         columns=columns, key=key)
        >>> sorted(row), row["amh"], str(row["id"])[:2]
        (['amh', 'id'], 5.1, 'P-')
    """
    patient_columns = [name for name, holds in columns.items() if holds is Holds.PATIENT]
    if len(patient_columns) != 1:
        raise InvalidInput(
            "a table is de-identified patient by patient",
            value=f"{len(patient_columns)} columns that hold the patient",
            accepted="exactly one",
            remedy="declare it",
        )
    for row in rows:
        number = row.get(patient_columns[0])
        patient = PatientIdentifier(issuer=issuer, value="" if number is None else str(number))
        treat = _Treatment(key, patient, words or {}, _day(row.get(reference_date)))
        yield {
            name: treat.cell(name, holds, row[name])
            for name, holds in columns.items()
            if name in row and holds is not Holds.FREE_TEXT
        }


class _Treatment:
    """What becomes of the cells of one row."""

    def __init__(
        self,
        key: DeidentificationKey,
        patient: PatientIdentifier,
        words: Mapping[str, frozenset[str]],
        reference: dt.date | None,
    ) -> None:
        self._key, self._patient, self._words = key, patient, words
        self._reference = reference

    def cell(self, name: str, holds: Holds, value: Cell) -> Cell:
        """One cell; None where it does not hold what the column says."""
        if holds is Holds.PATIENT:
            return self._key.pseudonym(self._patient)
        if value is None:
            return None
        if holds is Holds.DATE:
            return self._moved(_day(value))
        if holds is Holds.BIRTH_DATE:
            return self._age(_day(value))
        if holds is Holds.UID:
            return self._key.uid(str(value))
        return _plain(value, holds, self._words.get(name, frozenset()))

    def _moved(self, day: dt.date | None) -> dt.date | None:
        return None if day is None else day + dt.timedelta(days=self._key.shift_days(self._patient))

    def _age(self, born: dt.date | None) -> int | None:
        at = self._reference
        if born is None or at is None or at < born:
            return None
        years = at.year - born.year - ((at.month, at.day) < (born.month, born.day))
        return min(years, GROUPED_AGE_YEARS)


def _plain(value: Cell, holds: Holds, words: frozenset[str]) -> Cell:
    """A number or a declared word."""
    if holds is Holds.CATEGORY:
        return value if isinstance(value, bool) or value in words else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(value, GROUPED_AGE_YEARS) if holds is Holds.AGE_YEARS else value


def _day(value: Cell) -> dt.date | None:
    """A date cell, whether typed or ISO text."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None
