"""A folder of assessments as research tables.

Owns finding assessments, their charts and the list of studies beside them. What cannot be read is
named with its reason, and the rest is read.
"""

import csv
import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deeppcos.app.cohorts.seen import chart_with_pictures
from deeppcos.clinical.chart import PatientChart
from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.assessment_json import from_json
from deeppcos.records.chart_json import read_chart
from deeppcos.research.flatten import Flattened, Row, StudyFacts, flatten
from deeppcos.research.table import ResearchTable, write_tables

ASSESSMENT, CHART, STUDIES = "assessment.json", "chart.json", "studies.csv"
STUDY_COLUMNS = (
    *("assessment", "patient_id", "performed_on", "site", "consent", "manufacturer", "model"),
)
_CONSENT = {"yes": True, "true": True, "no": False, "false": False, "": None}
FEWEST_CHARACTERS = 16


@dataclass(slots=True)
class Gathered:
    """Rows and refusals of one folder.

    Attributes:
        assessments: Rows of the flat table.
        ovaries: Rows of ovaries.
        labs: Rows of laboratory results.
        readings: Rows of readers.
        refused: File and reason of what could not be read.
    """

    assessments: list[Row] = field(default_factory=list)
    ovaries: list[Row] = field(default_factory=list)
    labs: list[Row] = field(default_factory=list)
    readings: list[Row] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def add(self, rows: Flattened) -> None:
        """Take the rows of one assessment."""
        self.assessments.append(rows.assessment)
        self.ovaries += rows.ovaries
        self.labs += rows.labs

    def write(self, folder: Path, *, source: str) -> ResearchTable:
        """Write everything as research tables.

        Args:
            folder: Where.
            source: What they were made from, in words.
        """
        tables = {
            "assessments": self.assessments,
            "ovaries": self.ovaries,
            "labs": self.labs,
            "readings": self.readings,
        }
        return write_tables(folder, tables, source=source)


def gather_folder(folder: Path) -> Gathered:
    """Read every assessment below a folder.

    Args:
        folder: Holds ``assessment.json`` files at any depth; each may have its ``chart.json``
            beside it, and ``studies.csv`` at the top says whose they are.

    Returns:
        Rows and refusals.

    Raises:
        InvalidInput: If there is no assessment, or the list of studies cannot be read.
    """
    files = sorted(folder.rglob(f"*{ASSESSMENT}"))
    if not files:
        raise InvalidInput(
            f"{folder} holds no assessment",
            accepted=f"files named {ASSESSMENT}, at any depth",
            remedy="write some with deeppcos analyze --out, or name a clinical table",
        )
    listed = _studies(folder / STUDIES)
    gathered = Gathered()
    for file in files:
        name = file.relative_to(folder).as_posix()
        try:
            gathered.add(_read(file, name, listed))
        except DeepPCOSError as problem:
            gathered.refused.append((name, str(problem)))
    unknown = set(listed) - {
        part for f in files for part in _names(f.relative_to(folder).as_posix())
    }
    gathered.refused += [
        (name, f"{STUDIES} names it, but it is not there") for name in sorted(unknown)
    ]
    return gathered


def assessments_of(folder: Path) -> Iterator[tuple[Path, AssessmentDocument, StudyFacts]]:
    """Every assessment below a folder that can be read, with what the list says of it.

    Args:
        folder: As for ``gather_folder``.

    Yields:
        File, document and facts; what cannot be read was named when the tables were made.
    """
    listed = _studies(folder / STUDIES)
    for file in sorted(folder.rglob(f"*{ASSESSMENT}")):
        try:
            yield file, *_document(file, file.relative_to(folder).as_posix(), listed)
        except DeepPCOSError:
            continue


def _read(file: Path, name: str, listed: Mapping[str, StudyFacts]) -> Flattened:
    """One assessment with its chart and what the list says of it."""
    document, facts = _document(file, name, listed)
    chart = _chart_of(file, document)
    return flatten(as_plain(document), facts, chart=chart)


def _document(
    file: Path, name: str, listed: Mapping[str, StudyFacts]
) -> tuple[AssessmentDocument, StudyFacts]:
    """One assessment and what the list says of it."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidInput(f"{name} cannot be read", value=str(problem)) from problem
    document = from_json(text)
    facts = next((listed[one] for one in _names(name) if one in listed), None)
    if facts is None:
        # The content names it: the same assessment twice is one row less, not one woman more.
        digest = hashlib.sha256(text.encode()).hexdigest()[:FEWEST_CHARACTERS]
        facts = StudyFacts(assessment_id=digest, performed_on=None)
    return document, facts


def as_plain(document: AssessmentDocument) -> dict[str, Any]:
    """A document as plain data, as ``research`` takes it."""
    plain: dict[str, Any] = document.model_dump(mode="json")
    return plain


def _chart_of(file: Path, document: AssessmentDocument) -> PatientChart | None:
    """The chart beside an assessment, with what the pictures measured; None without one."""
    beside = file.with_name(file.name.replace(ASSESSMENT, CHART))
    if not beside.is_file():
        return None
    return chart_with_pictures(read_chart(beside), document)


def _names(name: str) -> Iterator[str]:
    """What the list may call a file: itself or its folder."""
    yield name
    if "/" in name:
        yield name.rpartition("/")[0]


def _studies(file: Path) -> dict[str, StudyFacts]:
    """The list of studies; empty without one."""
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8-sig") as text:
        reader = csv.DictReader(text)
        there = reader.fieldnames or []
        wrong = [column for column in there if column not in STUDY_COLUMNS]
        if wrong or "assessment" not in there or "patient_id" not in there:
            raise InvalidInput(
                f"{STUDIES}: columns do not fit",
                value=", ".join(there),
                accepted=f"assessment and patient_id, and any of {', '.join(STUDY_COLUMNS[2:])}",
                remedy="rename or remove the others",
            )
        return {row["assessment"]: _facts(row, line) for line, row in enumerate(reader, start=2)}


def _facts(row: Mapping[str, str | None], line: int) -> StudyFacts:
    """One line of the list."""
    said = {key: (value or "").strip() for key, value in row.items() if key is not None}
    consent = said.get("consent", "").lower()
    if consent not in _CONSENT or not said["patient_id"]:
        raise InvalidInput(
            f"{STUDIES}, line {line}: {'consent' if said['patient_id'] else 'patient_id'}",
            value=consent if said["patient_id"] else "empty",
            accepted="consent: yes, no, or empty for not asked; a patient_id",
        )
    return StudyFacts(
        assessment_id=hashlib.sha256(said["assessment"].encode()).hexdigest()[:FEWEST_CHARACTERS],
        patient_id=said["patient_id"],
        performed_on=_day(said.get("performed_on", ""), line),
        site=said.get("site") or None,
        consent=_CONSENT[consent],
        manufacturer=said.get("manufacturer") or None,
        model=said.get("model") or None,
    )


def _day(text: str, line: int) -> datetime.date | None:
    """A day as ISO 8601; another spelling is asked back, since it could be read two ways."""
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as problem:
        raise InvalidInput(
            f"{STUDIES}, line {line}: performed_on",
            value=text,
            accepted="a date such as 2026-01-31",
            remedy="write year, month, day; 3/4/2026 can be read two ways",
        ) from problem


def write_simulated(folder: Path, visits: Iterator[Any]) -> int:
    """Write simulated studies as a folder of assessments, to try things with.

    Args:
        folder: Where; made if absent.
        visits: Of ``simulated_visits``; charts are not written.

    Returns:
        How many.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with (folder / STUDIES).open("w", newline="", encoding="utf-8") as text:
        table = csv.writer(text)
        table.writerow(STUDY_COLUMNS)
        for visit in visits:
            facts = visit.facts
            place = folder / facts.assessment_id
            place.mkdir()
            (place / ASSESSMENT).write_text(json.dumps(visit.document), encoding="utf-8")
            consent = {True: "yes", False: "no", None: ""}[facts.consent]
            table.writerow(
                [
                    *(facts.assessment_id, facts.patient_id, facts.performed_on, facts.site),
                    *(consent, facts.manufacturer, facts.model),
                ]
            )
            count += 1
    return count
