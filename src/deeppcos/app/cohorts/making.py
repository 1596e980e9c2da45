"""The use cases of ``deeppcos cohort``: tables, saved queries, releases, reports.

Owns their order. Reading, asking and drawing are done by the rooms it brings together.
"""

import datetime
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from deeppcos.app.cohorts.clinical_tables import SUFFIXES, RepairedTable, gather_clinical_table
from deeppcos.app.cohorts.folders import Gathered, gather_folder
from deeppcos.app.cohorts.look import PAPER, report_page
from deeppcos.errors import InvalidInput
from deeppcos.research.disclosure.ledger import Ledger
from deeppcos.research.query import CohortQuery, Take, parse_criteria, query_from
from deeppcos.research.release import CohortRelease, release_cohort
from deeppcos.research.report import claim, write_report
from deeppcos.research.simulation import simulated_visits
from deeppcos.research.table import TABLE_FILE, ResearchTable, open_table

LEDGER_FOLDER, TABLE_FOLDER, REPAIRS = "releases", "table", "repairs.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeTable:
    """Research tables and what could not be read for them.

    Attributes:
        table: The tables.
        refused: File and reason.
        repairs: The repair report of a clinical table as CSV; empty for assessments.
        summary: The same in sentences.
    """

    table: ResearchTable
    refused: tuple[tuple[str, str], ...] = ()
    repairs: str = ""
    summary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeReport:
    """A report.

    Attributes:
        page: The page.
        refused: File and reason of what could not be read.
        summary: How often each thing was done to a raw table, in sentences; empty for others.
        repairs: The repair report; None for others.
    """

    page: Path
    refused: tuple[tuple[str, str], ...]
    summary: tuple[str, ...]
    repairs: Path | None


def make_table(source: Path, out: Path, *, refused_to: Path | None = None) -> MadeTable:
    """Research tables from a folder of assessments or a raw clinical table.

    Args:
        source: The folder or file.
        out: Folder of the tables; must hold none.
        refused_to: Folder of the repair report of a table that is refused; ``out`` when None.

    Raises:
        InvalidInput: If nothing can be read, or ``out`` holds tables. Of a refused table, the
            repair report is written all the same.
    """
    if (out / TABLE_FILE).exists():
        raise InvalidInput("there is a research table already", value=str(out))
    if source.is_file() or source.suffix.lower() in SUFFIXES:
        read = _repaired(source, refused_to or out)
        table = read.gathered.write(out, source=f"{source.name}: {read.title}")
        _write_repairs(out, read.repairs)
        return MadeTable(table=table, repairs=read.repairs, summary=read.summary)
    gathered = gather_folder(source)
    if not gathered.assessments:
        name, reason = gathered.refused[0]
        raise InvalidInput(
            f"{source}: no assessment could be read",
            value=f"{len(gathered.refused)} refused; {name}: {reason}",
        )
    table = gathered.write(out, source=f"assessments of {source.name}")
    return MadeTable(table=table, refused=tuple(gathered.refused))


def _repaired(source: Path, folder: Path) -> RepairedTable:
    """A clinical table; where it is refused, its repair report stays in ``folder``."""
    try:
        return gather_clinical_table(source, on_refused=partial(_write_repairs, folder))
    except InvalidInput as problem:
        if not (folder / REPAIRS).is_file():
            raise
        seen = f"what was found in its cells stands in {folder / REPAIRS}"
        raise InvalidInput(
            problem.what,
            value=problem.value,
            accepted=problem.accepted,
            remedy=f"{problem.remedy}; {seen}" if problem.remedy else seen,
        ) from problem


def _write_repairs(folder: Path, repairs: str) -> None:
    """The repair report of a clinical table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPAIRS).write_text(repairs, encoding="utf-8", newline="")


def make_simulated(out: Path, *, women: int, seed: int) -> ResearchTable:
    """Research tables of simulated women.

    Args:
        out: Folder of the tables.
        women: How many.
        seed: Seed.
    """
    gathered = Gathered()
    for visit in simulated_visits(women, seed=seed):
        gathered.add(visit.rows())
        gathered.readings += visit.readings
    return gathered.write(out, source=f"{women:,} simulated women, seed {seed}; no person")


def query_of(where: Sequence[str], *, take: str) -> CohortQuery:
    """A query from the command line.

    Raises:
        InvalidInput: If it cannot be read.
    """
    if take not in list(Take):
        raise InvalidInput("--take", value=take, accepted=", ".join(Take))
    return CohortQuery(criteria=parse_criteria(where), take=Take(take))


def save_query(query: CohortQuery, table: ResearchTable, out: Path, *, name: str) -> None:
    """Freeze a query in a file.

    Args:
        query: The query.
        table: The data it was tried on.
        out: The file; must be new.
        name: What the cohort is called.

    Raises:
        InvalidInput: If the file is there already.
    """
    if out.exists():
        raise InvalidInput(
            f"{out} is there already",
            remedy="name another file: a saved query is never changed",
        )
    content = {
        **query.as_data(),
        "name": name,
        "sha256": query.sha256,
        "table_sha256": table.fingerprint,
        "saved": datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat(),
        "command": f"deeppcos cohort build TABLE {query.command()} --name {shlex.quote(name)}",
    }
    out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_saved(file: Path) -> tuple[CohortQuery, dict[str, Any]]:
    """A saved query, checked against its own hash.

    Raises:
        InvalidInput: If it cannot be read or was changed.
    """
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        stated, _ = str(content["sha256"]), str(content["name"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise InvalidInput(
            f"{file} is no saved query",
            value=str(problem),
            accepted="a file that deeppcos cohort build wrote",
        ) from problem
    query = query_from(content)
    if query.sha256 != stated:
        raise InvalidInput(
            f"{file} was changed after it was saved",
            value=query.sha256[:12],
            accepted=stated[:12],
            remedy="save it as another query with deeppcos cohort build",
        )
    return query, content


def release_of(file: Path, folder: Path, *, epsilon: float | None = None) -> CohortRelease:
    """Release the figures of a saved query from a table.

    Args:
        file: The saved query.
        folder: The research tables, which keep their ledger of releases.
        epsilon: Privacy budget for noise; None suppresses.
    """
    query, content = read_saved(file)
    table = open_table(folder)
    return release_cohort(
        table,
        query,
        name=content["name"],
        ledger=Ledger(folder=folder / LEDGER_FOLDER),
        command=_command(query, content["name"], epsilon),
        epsilon=epsilon,
    )


def make_report(
    source: Path,
    out: Path,
    *,
    query: CohortQuery,
    name: str,
    epsilon: float | None,
    force: bool,
) -> MadeReport:
    """A report from whatever somebody has.

    Args:
        source: Research tables, a folder of assessments, or a raw clinical table.
        out: Folder of the report; tables made for it are kept under ``table``.
        query: Who belongs to the cohort.
        name: What it is called.
        epsilon: Privacy budget for noise; None suppresses.
        force: Whether an earlier report may be replaced.

    Returns:
        The page, and what was done and refused on the way.
    """
    claim(out, force=force)
    if (source / TABLE_FILE).is_file():
        made = MadeTable(table=open_table(source))
    elif (out / TABLE_FOLDER / TABLE_FILE).is_file():
        raise InvalidInput(
            f"{out / TABLE_FOLDER} holds the tables of an earlier report",
            remedy=f"report on these (deeppcos cohort report {out / TABLE_FOLDER}), or choose "
            "another folder",
        )
    else:
        made = make_table(source, out / TABLE_FOLDER, refused_to=out)
    release = release_cohort(
        made.table,
        query,
        name=name,
        ledger=Ledger(folder=made.table.folder / LEDGER_FOLDER),
        command=_command(query, name, epsilon),
        epsilon=epsilon,
    )
    page = report_page(release, repairs=made.summary, refused=made.refused)
    extra = {REPAIRS: made.repairs} if made.repairs else {}
    return MadeReport(
        page=write_report(release, out, palette=PAPER, page=page, extra=extra),
        refused=made.refused,
        summary=made.summary,
        repairs=out / REPAIRS if made.repairs else None,
    )


def _command(query: CohortQuery, name: str, epsilon: float | None) -> str:
    """The command that makes the figures again from the same table."""
    noise = "" if epsilon is None else f" --epsilon {epsilon:g}"
    parts = f"{query.command()} --name {shlex.quote(name)}".strip()
    return f"deeppcos cohort report TABLE {parts}{noise} --out DIR"
