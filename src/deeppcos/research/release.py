"""Releasing a cohort: its figures, from which query, which data and which software.

Owns the document ``deeppcos.cohort-release/1``. Everything a dashboard, a report or a table shows
of a cohort stands in it, so that it can be kept, compared and made again.
"""

import datetime
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.research.cohort import VIEW, OpenCohort, open_cohort
from deeppcos.research.disclosure.counting import (
    cells_as_data,
    protected_families,
    write_members,
)
from deeppcos.research.disclosure.ledger import Ledger
from deeppcos.research.disclosure.noise import require_budget, with_noise
from deeppcos.research.disclosure.protect import FEWEST
from deeppcos.research.figures.building import figures_of
from deeppcos.research.figures.families import Family, families_of
from deeppcos.research.figures.figure import Figure, figure_from
from deeppcos.research.figures.noisy import NOISY_FAMILIES, noisy_figures
from deeppcos.research.query import LONGEST_NAME, CohortQuery
from deeppcos.research.table import ResearchTable

SCHEMA = "deeppcos.cohort-release/1"
ROUNDED_TO = 10
"""What is told of a cohort before it is released: its size to the nearest ten, rounded down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortRelease:
    """What was released of a cohort.

    Attributes:
        document: The whole record, plain data.
    """

    document: Mapping[str, Any]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Its figures."""
        return tuple(figure_from(dict(content)) for content in self.document["figures"])

    def figure(self, key: str) -> Figure:
        """One figure.

        Raises:
            InvalidInput: If there is none of that name.
        """
        found = {figure.key: figure for figure in self.figures}
        if key not in found:
            raise InvalidInput("no such figure", value=key, accepted=", ".join(found))
        return found[key]

    def origin(self) -> str:
        """Query, data, software and command, as every figure states them."""
        d = self.document
        releases = ", ".join(d["network_releases"]) or "none"
        return (
            f"cohort {d['query_sha256'][:12]} of table {d['table']['sha256'][:12]}; "
            f"n = {d['women']}; rules {', '.join(d['rule_versions']) or 'unknown'}; "
            f"network releases {releases}; DeepPCOS {d['software']}; {d['command']}"
        )


def rounded_size(table: ResearchTable, query: CohortQuery) -> int:
    """About how many women a query finds, before anything is released.

    Args:
        table: The data.
        query: The query.

    Returns:
        Rounded down to ten.
    """
    with open_cohort(table, query, columns=("patient_id",)) as cohort:
        return cohort.women // ROUNDED_TO * ROUNDED_TO


def release_cohort(
    table: ResearchTable,
    query: CohortQuery,
    *,
    name: str,
    ledger: Ledger,
    command: str,
    epsilon: float | None = None,
) -> CohortRelease:
    """Release the figures of a cohort, or find the same release made before.

    Args:
        table: The data.
        query: Who belongs to it.
        name: What it is called.
        ledger: Every release made before of the same place.
        command: The command that makes it again.
        epsilon: Privacy budget for counts with noise; None suppresses small cells instead.

    Returns:
        The release, kept in the ledger.

    Raises:
        InvalidInput: If it is too small, tells few women apart together with an earlier one, or
            costs more budget than is left.
    """
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise InvalidInput(
            "a cohort wants a name", value=repr(name[:40]), accepted=f"1 to {LONGEST_NAME} letters"
        )
    with ledger.alone():
        found = ledger.find(query=query.sha256, table=table.fingerprint, epsilon=epsilon)
        if found is not None:
            return CohortRelease(document=found)
        with _work() as members, open_cohort(table, query) as cohort:
            families = families_of(cohort)
            write_members(cohort, families, members)
            said = _said(cohort, families, members, ledger, epsilon)
            document = {
                "schema": SCHEMA,
                "name": name.strip(),
                "made": datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat(),
                "query": query.as_data(),
                "query_sha256": query.sha256,
                "table": {
                    "sha256": table.fingerprint,
                    "made": table.made,
                    "source": table.source,
                },
                "software": version("deeppcos"),
                "rule_versions": _distinct(cohort, "rule_version"),
                "network_releases": _distinct(cohort, "release"),
                "command": command,
                "epsilon": epsilon,
                **said,
            }
            ledger.add(query.sha256[:12], members, document)
    return CohortRelease(document=document)


def _said(
    cohort: OpenCohort,
    families: tuple[Family, ...],
    members: Path,
    ledger: Ledger,
    epsilon: float | None,
) -> dict[str, Any]:
    """Women, figures and what was withheld; or figures with noise."""
    if epsilon is None:
        protected = protected_families(cohort.connection, families, members, ledger.earlier())
        return {
            "women": cohort.women,
            "figures": [figure.as_data() for figure in figures_of(cohort, protected)],
            "withheld": {one.family.key: cells_as_data(one.withheld) for one in protected},
        }
    require_budget(epsilon, spent=ledger.spent())
    if cohort.women < FEWEST:
        raise InvalidInput(
            "the cohort is too small", value=f"fewer than {FEWEST}", accepted=f"at least {FEWEST}"
        )
    chosen = [family for family in families if family.key in NOISY_FAMILIES]
    return noisy_figures(cohort, chosen, members, epsilon=epsilon, draw=with_noise)


def _distinct(cohort: OpenCohort, column: str) -> list[str]:
    """Values of a column that ten women or more have, in order."""
    found = cohort.rows(
        f"SELECT {column} FROM {VIEW} WHERE {column} IS NOT NULL GROUP BY 1 "
        f"HAVING count(*) >= {FEWEST} ORDER BY 1"
    )
    return [str(value) for (value,) in found]


@contextmanager
def _work() -> Iterator[Path]:
    """A place for the members file until the ledger takes it."""
    with tempfile.TemporaryDirectory(prefix="deeppcos-cohort-") as folder:
        yield Path(folder) / "members.parquet"
