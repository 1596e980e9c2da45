"""A saved query: which women belong to a cohort, as data with a hash.

Owns the document ``deeppcos.cohort/1``, its fields and how it is written on a command line.
Asking it of a table is the business of ``cohort``. A query is frozen: another criterion is
another query with another hash.
"""

import datetime
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.research.columns import BY_NAME, Column, Kind

SCHEMA = "deeppcos.cohort/1"
MOST_CRITERIA = 24
LONGEST_NAME = 120

FIELDS: tuple[str, ...] = tuple(
    name for name in BY_NAME if name not in ("assessment_id", "patient_id")
)
"""What a criterion may name: every column but the pseudonyms."""


class Take(StrEnum):
    """Which of a woman's matching assessments stands for her."""

    LATEST = "latest"
    FIRST = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One condition on one column. Unknown never fulfils it, unless ``known`` is False.

    Attributes:
        field: Column of the flat table.
        one_of: Values it may have, as text; empty where it is a range.
        at_least: Lower end, included; a number, or a date as ISO 8601.
        at_most: Upper end, included.
        known: True: any known value. False: unknown only. None: neither is asked.
    """

    field: str
    one_of: tuple[str, ...] = ()
    at_least: float | str | None = None
    at_most: float | str | None = None
    known: bool | None = None

    def __post_init__(self) -> None:
        column = _column(self.field)
        asked = [bool(self.one_of), self._is_range, self.known is not None]
        if sum(asked) != 1:
            raise _wrong(self.field, str(self), "either values, a range, or known")
        if self._is_range:
            self._check_range(column)
        elif self.one_of:
            self._check_values(column)

    @property
    def _is_range(self) -> bool:
        return self.at_least is not None or self.at_most is not None

    def _check_range(self, column: Column) -> None:
        """Ends must fit the column and each other."""
        ends = [end for end in (self.at_least, self.at_most) if end is not None]
        if column.kind is Kind.DATE:
            for end in ends:
                _date(self.field, end)
        elif column.kind not in (Kind.NUMBER, Kind.INTEGER):
            raise _wrong(self.field, str(ends[0]), f"values of a {column.kind} column")
        elif not all(isinstance(end, int | float) and abs(end) < 1e12 for end in ends):
            raise _wrong(self.field, str(ends), "numbers")
        if len(ends) == 2 and ends[0] > ends[1]:  # type: ignore[operator]
            raise _wrong(self.field, f"{ends[0]}..{ends[1]}", "a lower end below the upper one")

    def _check_values(self, column: Column) -> None:
        """Values must be ones the column can have."""
        permitted = ("true", "false") if column.kind is Kind.FLAG else column.values
        unknown = [value for value in self.one_of if permitted and value not in permitted]
        if unknown:
            raise _wrong(self.field, ", ".join(unknown), ", ".join(permitted))
        if column.kind in (Kind.NUMBER, Kind.DATE):
            raise _wrong(self.field, ", ".join(self.one_of), "a range such as 18..40")
        if column.kind is Kind.INTEGER and not all(v.lstrip("-").isdigit() for v in self.one_of):
            raise _wrong(self.field, ", ".join(self.one_of), "whole numbers")

    def as_data(self) -> dict[str, Any]:
        """The criterion as JSON takes it; what was not asked is left out."""
        said: dict[str, Any] = {"field": self.field}
        if self.one_of:
            said["one_of"] = sorted(set(self.one_of))
        for name in ("at_least", "at_most", "known"):
            if getattr(self, name) is not None:
                said[name] = getattr(self, name)
        return said

    def words(self) -> str:
        """The criterion as a command line writes it.

        Examples:
            >>> Criterion(field="age_years", at_least=18, at_most=40).words()
            'age_years=18..40'
        """
        if self.known is not None:
            return f"{self.field}={'known' if self.known else 'unknown'}"
        if self.one_of:
            return f"{self.field}={','.join(sorted(set(self.one_of)))}"
        ends = (_end(self.at_least), _end(self.at_most))
        return f"{self.field}={ends[0]}..{ends[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortQuery:
    """Which women belong to a cohort.

    Attributes:
        criteria: All must hold for an assessment.
        take: Which of a woman's matching assessments stands for her.
    """

    criteria: tuple[Criterion, ...] = ()
    take: Take = Take.LATEST

    def __post_init__(self) -> None:
        if len(self.criteria) > MOST_CRITERIA:
            raise InvalidInput(
                "too many criteria", value=str(len(self.criteria)), accepted=f"{MOST_CRITERIA}"
            )
        fields = [criterion.field for criterion in self.criteria]
        twice = sorted({field for field in fields if fields.count(field) > 1})
        if twice:
            raise InvalidInput(
                "a field is asked twice",
                value=", ".join(twice),
                accepted="each field once",
                remedy="join the values with a comma, or the ends with ..",
            )

    def as_data(self) -> dict[str, Any]:
        """The query as JSON takes it, in one order whatever the order of typing."""
        criteria = sorted((c.as_data() for c in self.criteria), key=lambda one: str(one["field"]))
        return {"schema": SCHEMA, "where": criteria, "take": self.take.value}

    @property
    def sha256(self) -> str:
        """Hash of what is asked; the version of the query.

        Examples:
            >>> one, other = Criterion(field="age_years", at_least=18), Criterion(
            ...     field="route", known=True)
            >>> a, b = CohortQuery(criteria=(one, other)), CohortQuery(criteria=(other, one))
            >>> a.sha256 == b.sha256
            True
        """
        text = json.dumps(self.as_data(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def command(self) -> str:
        """The options of ``deeppcos cohort build`` that make the query again."""
        where = [f"--where '{c.words()}'" for c in sorted(self.criteria, key=lambda c: c.field)]
        take = [] if self.take is Take.LATEST else [f"--take {self.take.value}"]
        return " ".join([*where, *take])


def query_from(content: Mapping[str, Any]) -> CohortQuery:
    """A query from its document.

    Args:
        content: As ``CohortQuery.as_data`` wrote it; other keys beside it are not read.

    Raises:
        InvalidInput: If it is none, or asks what cannot be asked.
    """
    if content.get("schema") != SCHEMA:
        raise InvalidInput("not a cohort query", value=str(content.get("schema")), accepted=SCHEMA)
    try:
        criteria = tuple(
            Criterion(**{**one, "one_of": tuple(one.get("one_of", ()))}) for one in content["where"]
        )
        return CohortQuery(criteria=criteria, take=Take(content["take"]))
    except (TypeError, KeyError, ValueError) as problem:
        raise InvalidInput(
            "a cohort query cannot be read", value=str(problem), accepted=f"a {SCHEMA} document"
        ) from problem


def parse_criteria(texts: Iterable[str]) -> tuple[Criterion, ...]:
    """Criteria from a command line.

    Args:
        texts: Such as ``phenotype=A,B``, ``age_years=18..40``, ``amh_ng_ml=known``.

    Raises:
        InvalidInput: If one cannot be read.

    Examples:
        >>> [criterion] = parse_criteria(["phenotype=B,A"])
        >>> criterion.words()
        'phenotype=A,B'
    """
    return tuple(_parsed(text) for text in texts)


def _parsed(text: str) -> Criterion:
    """One criterion."""
    field, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not value:
        raise InvalidInput(
            "a criterion could not be read",
            value=repr(text),
            accepted="field=value,value, field=low..high, field=known or field=unknown",
        )
    column = _column(field)
    if value in ("known", "unknown") and value not in column.values:
        return Criterion(field=field, known=value == "known")
    if ".." in value:
        low, _, high = value.partition("..")
        return Criterion(
            field=field, at_least=_parsed_end(column, low), at_most=_parsed_end(column, high)
        )
    values = tuple(part.strip() for part in value.split(",") if part.strip())
    return Criterion(field=field, one_of=values)


def _parsed_end(column: Column, text: str) -> float | str | None:
    """One end of a range; empty is open."""
    text = text.strip()
    if not text:
        return None
    if column.kind is Kind.DATE:
        return _date(column.name, text)
    if column.kind not in (Kind.NUMBER, Kind.INTEGER):
        raise _wrong(column.name, text, f"values of a {column.kind} column")
    try:
        return float(text)
    except ValueError as problem:
        raise _wrong(column.name, text, "a number with a decimal point") from problem


def _date(field: str, text: object) -> str:
    """A date as ISO 8601."""
    try:
        return datetime.date.fromisoformat(str(text)).isoformat()
    except ValueError as problem:
        raise _wrong(field, str(text), "a date such as 2026-01-31") from problem


def _end(end: float | str | None) -> str:
    return "" if end is None else f"{end:g}" if isinstance(end, int | float) else end


def _column(field: str) -> Column:
    """The column a criterion names."""
    if field not in FIELDS:
        near = get_close_matches(field, FIELDS, n=1)
        raise InvalidInput(
            "a criterion names no column",
            value=field,
            accepted="a column of the flat table",
            remedy=f"did you mean {near[0]}?" if near else "see docs/research-data-dictionary.md",
        )
    return BY_NAME[field]


def _wrong(field: str, value: str, accepted: str) -> InvalidInput:
    return InvalidInput(f"criterion on {field}", value=value, accepted=accepted)
