"""De-identified exports of a cohort: Parquet, CSV, OMOP-style tables, FHIR bulk NDJSON.

Owns the folder: which files lie where, and the note and dictionary beside them. Who may leave the
house is decided by ``consented``.
"""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeppcos.app.cohorts.consented import ConsentedRows, consented_rows
from deeppcos.app.cohorts.fhir_bulk import write_fhir
from deeppcos.app.cohorts.making import read_saved
from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification import key_at
from deeppcos.research.columns import TABLES
from deeppcos.research.dictionary_page import dictionary_page, dictionary_rows
from deeppcos.research.engine import engine
from deeppcos.research.export import omop
from deeppcos.research.export.omop_concepts import COLUMNS, concept_rows
from deeppcos.research.query import CohortQuery
from deeppcos.research.table import ResearchTable, open_table, quoted, write_tables

KEY_FILE, NOTE_FILE, DICTIONARY = "deidentification.key", "export.json", "data-dictionary.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortExport:
    """What was written.

    Attributes:
        women: Women in it.
        without_consent: Women of the cohort left out.
        files: Files, relative to the folder.
    """

    women: int
    without_consent: int
    files: tuple[str, ...]


def export_cohort(
    cohort_file: Path, table_folder: Path, out: Path, *, forms: Sequence[str]
) -> CohortExport:
    """Export a saved query from a folder of research tables.

    Args:
        cohort_file: The saved query.
        table_folder: The research tables; the key of pseudonyms is kept beside them.
        out: Folder; must be new.
        forms: Keys of ``FORMS``.

    Raises:
        InvalidInput: If a form is not known, the folder is there, or too few women agreed.
    """
    query, content = read_saved(cohort_file)
    table = open_table(table_folder)
    return export_query(
        table, query, out, forms=forms, name=content["name"], key_file=table_folder / KEY_FILE
    )


def export_query(
    table: ResearchTable,
    query: CohortQuery,
    out: Path,
    *,
    forms: Sequence[str],
    name: str,
    key_file: Path,
) -> CohortExport:
    """Export a query.

    Args:
        table: The data.
        query: Who belongs to the cohort.
        out: Folder; must be new.
        forms: Keys of ``FORMS``.
        name: What the cohort is called.
        key_file: The site's key; made when absent. It stays with the site.
    """
    unknown = [form for form in forms if form not in FORMS]
    if unknown or not forms:
        raise InvalidInput(
            "unknown form of export", value=", ".join(unknown), accepted=", ".join(FORMS)
        )
    if out.exists() and any(out.iterdir()):
        raise InvalidInput(f"{out} is not empty", remedy="name a new folder")
    rows = consented_rows(table, query, key_at(key_file))
    out.mkdir(parents=True, exist_ok=True)
    for form in forms:
        FORMS[form](rows, out / form)
    (out / DICTIONARY).write_text(dictionary_page(), encoding="utf-8")
    files = [one.relative_to(out).as_posix() for one in sorted(out.rglob("*")) if one.is_file()]
    note = {
        "schema": "deeppcos.research-export/1",
        "name": name,
        "query": query.as_data(),
        "query_sha256": query.sha256,
        "table_sha256": table.fingerprint,
        "women": rows.women,
        "files": files,
        "what_was_done": [
            "only women with recorded consent to research",
            "patient and assessment identifiers replaced by keyed pseudonyms",
            "every date of a woman moved by the same secret number of days",
            "ages of 90 years and more grouped; names, notes and file names left out",
            "words that fewer than ten women share left out",
            "single rows stand for single women: not anonymous, to be used under an agreement",
        ],
    }
    # Last: its existence says that the export is whole.
    (out / NOTE_FILE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    return CohortExport(
        women=rows.women, without_consent=rows.without_consent, files=(*files, NOTE_FILE)
    )


def _write_parquet(rows: ConsentedRows, folder: Path) -> None:
    """Research tables again, which the same commands read."""
    write_tables(folder, rows.rows, source="de-identified export")


def _write_csv(rows: ConsentedRows, folder: Path) -> None:
    """One file a table and one for the dictionary; an unknown cell is empty."""
    folder.mkdir(parents=True)
    for name, columns in TABLES.items():
        header = [column.name for column in columns]
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(header)
            for row in rows.rows[name]:
                writer.writerow([_cell(row.get(column)) for column in header])
    with (folder / "data-dictionary.csv").open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["table", "column", "type", "unit", "values", "meaning"])
        for name in TABLES:
            for one in dictionary_rows(name):
                values = " ".join(one["values"] or [])
                writer.writerow(
                    [name, one["column"], one["type"], one["unit"] or "", values, one["meaning"]]
                )


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def _write_omop(rows: ConsentedRows, folder: Path) -> None:
    """OMOP-style tables as Parquet, with a note on concepts."""
    made = omop.omop_tables(rows.rows["assessments"], rows.rows["labs"])
    folder.mkdir(parents=True)
    with engine() as connection:
        for name, types in omop.TABLES.items():
            lines = folder / f".{name}.jsonl"
            with lines.open("w", encoding="utf-8") as text:
                for row in made.tables[name]:
                    text.write(json.dumps(row, default=str) + "\n")
            columns = ", ".join(f"{column}: '{kind}'" for column, kind in types.items())
            connection.execute(
                f"COPY (SELECT * FROM read_json({quoted(lines)}, columns={{{columns}}}, "
                f"format='newline_delimited')) TO {quoted(folder / f'{name}.parquet')} "
                "(FORMAT parquet, COMPRESSION zstd)"
            )
            lines.unlink()
    with (folder / "concepts.csv").open("w", newline="", encoding="utf-8") as text:
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *concept_rows()])
    note = {
        "model": "shape of OMOP CDM 5.4: person, visit_occurrence, measurement, observation",
        "concepts": "see concepts.csv, which says how each number was checked; 0 elsewhere, with "
        "the source value",
        "conditions": omop.CONDITIONS_NOTE,
        "year_of_birth": "moved with the dates of the woman",
        "assessments_without_a_day_left_out": made.undated,
        "columns": {name: dict(types) for name, types in omop.TABLES.items()},
    }
    (folder / "about.json").write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")


def _write_fhir(rows: ConsentedRows, folder: Path) -> None:
    """FHIR R4 as bulk data: one file a resource type."""
    write_fhir(rows.rows["assessments"], rows.rows["ovaries"], rows.rows["labs"], folder)


FORMS: Mapping[str, Callable[[ConsentedRows, Path], None]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "omop": _write_omop,
    "fhir": _write_fhir,
}
"""Forms of an export by name."""
