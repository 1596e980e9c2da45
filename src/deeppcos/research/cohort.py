"""A cohort: the women a query finds in one state of the data.

Owns turning a query into SQL and choosing one assessment a woman. Every value goes in as a
parameter, never as text of the statement. What may be shown of it is the business of
``disclosure``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deeppcos.research.columns import BY_NAME, NEEDED_COLUMNS, Kind
from deeppcos.research.engine import engine
from deeppcos.research.query import CohortQuery, Criterion, Take
from deeppcos.research.table import SQL_TYPES, ResearchTable, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VIEW = "cohort"
"""Name under which the women of a cohort are asked: one row a woman."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCohort:
    """A cohort that can be asked.

    Attributes:
        connection: Where; holds the views ``cohort``, ``every_visit``, ``ovaries``, ``labs``
            and ``readings`` of these women.
        query: Who belongs to it.
        table: The state of the data.
        women: How many; not to be shown without ``disclosure``.
    """

    connection: "DuckDBPyConnection"
    query: CohortQuery
    table: ResearchTable
    women: int

    def rows(self, statement: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Ask something of the views.

        Args:
            statement: SQL of this package, never of a user.
            parameters: Values of its question marks.
        """
        return self.connection.execute(statement, parameters or []).fetchall()


@contextmanager
def open_cohort(
    table: ResearchTable,
    query: CohortQuery,
    *,
    columns: Sequence[str] = NEEDED_COLUMNS,
    threads: int | None = None,
) -> Iterator[OpenCohort]:
    """Find the women of a query.

    Args:
        table: The data.
        query: Who belongs to it.
        columns: Columns of the flat table that will be asked for.
        threads: Threads of the engine; all cores when None.

    Yields:
        The cohort, closed afterwards.
    """
    where, parameters = conditions(query)
    latest = query.take is Take.LATEST
    pick, never = ("max", "0001-01-01") if latest else ("min", "9999-12-31")
    source = f"read_parquet({quoted(table.file('assessments'))}, file_row_number = true)"
    with engine(threads=threads) as connection:
        # The chosen rows first, by their number alone: a window over whole rows costs four times
        # the memory.
        connection.execute(
            f"CREATE TEMP TABLE chosen AS SELECT {pick}({{'day': coalesce(performed_on, "
            f"DATE '{never}'), 'id': assessment_id, 'row': file_row_number}}).row AS row "
            f"FROM {source} WHERE {where} GROUP BY patient_id",
            parameters,
        )
        connection.execute(
            f"CREATE TEMP TABLE {VIEW} AS SELECT {', '.join(columns)} FROM {source} "
            "SEMI JOIN chosen ON file_row_number = chosen.row"
        )
        for name, file in (
            ("every_visit", "assessments"),
            ("ovaries", "ovaries"),
            ("labs", "labs"),
            ("readings", "readings"),
        ):
            connection.execute(
                f"CREATE TEMP VIEW {name} AS SELECT * FROM "
                f"read_parquet({quoted(table.file(file))}) "
                f"WHERE patient_id IN (SELECT patient_id FROM {VIEW})"
            )
        [(women,)] = connection.execute(f"SELECT count(*) FROM {VIEW}").fetchall()
        yield OpenCohort(connection=connection, query=query, table=table, women=int(women))


def conditions(query: CohortQuery) -> tuple[str, list[Any]]:
    """A query as an SQL condition with its parameters.

    Args:
        query: The query; its fields are columns of the dictionary, checked when it was made.

    Examples:
        >>> from deeppcos.research.query import parse_criteria
        >>> conditions(CohortQuery(criteria=parse_criteria(["age_years=18..40"])))
        ('age_years >= ? AND age_years <= ?', [18.0, 40.0])
    """
    parts: list[str] = []
    parameters: list[Any] = []
    for criterion in query.criteria:
        part, values = _condition(criterion)
        parts.append(part)
        parameters += values
    return " AND ".join(parts) or "true", parameters


def _condition(criterion: Criterion) -> tuple[str, list[Any]]:
    """One criterion; comparing with null is never true, so unknown never fulfils it."""
    field, kind = criterion.field, BY_NAME[criterion.field].kind
    if criterion.known is not None:
        return f"{field} IS {'NOT ' if criterion.known else ''}NULL", []
    if criterion.one_of:
        sign = ", ".join("?" for _ in criterion.one_of)
        if kind is Kind.TEXT:
            return f"{field} IN ({sign})", list(criterion.one_of)
        return f"CAST({field} AS VARCHAR) IN ({sign})", list(criterion.one_of)
    cast = f"CAST(? AS {SQL_TYPES[Kind.DATE]})" if kind is Kind.DATE else "?"
    ends = ((">=", criterion.at_least), ("<=", criterion.at_most))
    asked = [(sign, end) for sign, end in ends if end is not None]
    return (
        " AND ".join(f"{field} {sign} {cast}" for sign, _ in asked),
        [end for _, end in asked],
    )
