"""One audit from start to document: the door of this package.

Owns telling tables from pictures, the shape of the JSON document and the grouped split file.
How a report looks is the business of the doors in ``deeppcos.app``.
"""

import csv
import io
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.learning.audit.findings import Finding, Weight
from deeppcos.learning.audit.grouped_split import FOLDS
from deeppcos.learning.audit.image_audit import THREADS, ImageAudit, audit_images
from deeppcos.learning.audit.image_findings import image_findings
from deeppcos.learning.audit.looking_at_pictures import Progress
from deeppcos.learning.audit.picture_set import PICTURE_SUFFIXES, picture_folder
from deeppcos.learning.audit.picture_table import ColumnChoice, tabled_pictures
from deeppcos.learning.audit.table_audit import TableAudit, audit_table, require_rows
from deeppcos.learning.audit.table_findings import table_findings
from deeppcos.learning.audit.table_reading import TABLE_SUFFIXES, read_table

SCHEMA = "deeppcos.audit/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What was found of one data set.

    Attributes:
        name: The data set as the user named it.
        findings: What was found, the gravest first.
        images: Measurements of a set of pictures, or None.
        table: Measurements of a table, or None.
    """

    name: str
    findings: tuple[Finding, ...]
    images: ImageAudit | None = None
    table: TableAudit | None = None

    @property
    def is_spoiled(self) -> bool:
        """Whether a figure measured on the data as it is would mislead."""
        return any(finding.weight is Weight.SPOILS for finding in self.findings)

    def count(self, weight: Weight) -> int:
        """Findings of one weight."""
        return sum(finding.weight is weight for finding in self.findings)


def audit_dataset(
    dataset: Path,
    choice: ColumnChoice,
    *,
    folds: int = FOLDS,
    threads: int = THREADS,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit a folder of pictures, a table that names pictures, or a table.

    Args:
        dataset: A folder, or a CSV, TSV or XLSX file.
        choice: Columns the user named.
        folds: Folds of the grouped split.
        threads: Pictures worked on at a time.
        progress: Told of every picture and round of pairs.

    Raises:
        InvalidInput: If there is nothing to audit, or a named column is missing.
    """
    if dataset.is_dir():
        pictures = tabled_pictures(dataset, choice) if _has_pictures(dataset) else None
        if pictures is None and not _has_pictures(dataset) and _tables(dataset):
            return _table_report(_only_table(dataset), choice, folds=folds, name=str(dataset))
        pictures = pictures or picture_folder(dataset)
    elif dataset.is_file() and dataset.suffix.casefold() in TABLE_SUFFIXES:
        beside = _has_pictures(dataset.parent)
        pictures = tabled_pictures(dataset.parent, choice, only=dataset) if beside else None
        if pictures is None:
            return _table_report(dataset, choice, folds=folds, name=str(dataset))
    else:
        raise InvalidInput(
            f"{dataset}: is no data set",
            value="a single file" if dataset.is_file() else "nothing there",
            accepted="a folder of pictures, or a CSV, TSV or XLSX table",
            remedy="give the folder that holds the data",
        )
    images = audit_images(pictures, folds=folds, threads=threads, progress=progress)
    return AuditReport(name=str(dataset), findings=image_findings(images), images=images)


def _table_report(path: Path, choice: ColumnChoice, *, folds: int, name: str) -> AuditReport:
    table = read_table(path)
    require_rows(table)
    audit = audit_table(table, choice, folds=folds)
    return AuditReport(name=name, findings=table_findings(audit), table=audit)


def _has_pictures(folder: Path) -> bool:
    return any(path.suffix.casefold() in PICTURE_SUFFIXES for path in folder.rglob("*"))


def _tables(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.casefold() in TABLE_SUFFIXES)


def _only_table(folder: Path) -> Path:
    tables = _tables(folder)
    if len(tables) > 1:
        raise InvalidInput(
            f"{folder}: holds several tables and no pictures",
            value=", ".join(table.name for table in tables[:8]),
            accepted="one table at a time",
            remedy="give the table itself",
        )
    return tables[0]


def as_document(report: AuditReport) -> dict[str, Any]:
    """The report as one JSON document, described in ``docs/audit.md``.

    Args:
        report: The report.
    """
    return {
        "schema": SCHEMA,
        "dataset": _dataset(report),
        "verdict": {
            "is_spoiled": report.is_spoiled,
            **{weight.value: report.count(weight) for weight in Weight},
        },
        "findings": [
            {**asdict(finding), "weight": finding.weight.value, "figures": dict(finding.figures)}
            for finding in report.findings
        ],
        "images": _images(report.images) if report.images else None,
        "table": _table(report.table) if report.table else None,
        "split": [
            {"item": name, "group": group, "fold": fold} for name, group, fold in split_rows(report)
        ],
    }


def _dataset(report: AuditReport) -> dict[str, Any]:
    if report.table:
        audit = report.table
        return {
            "name": report.name,
            "kind": "table",
            "layout": f"{audit.table.source}: label {audit.label or 'not recognised'}",
            "items": len(audit.table.row_names),
            "classes": dict(audit.classes),
            "splits": {},
        }
    images = _require(report.images)
    listed = [images.pictures.pictures[n] for n in images.facts]
    return {
        "name": report.name,
        "kind": "images",
        "layout": images.pictures.layout,
        "items": len(listed),
        "classes": dict(Counter(p.label for p in listed if p.label).most_common()),
        "splits": dict(Counter(p.split for p in listed if p.split).most_common()),
    }


def _images(audit: ImageAudit) -> dict[str, Any]:
    copies, names = audit.copies, audit.names
    return {
        "source_pictures": len(copies.sources),
        "source_groups": [list(names(group)) for group in copies.sources if len(group) > 1],
        "equal_files": [list(names(group)) for group in copies.same_files],
        "equal_pixels": [list(names(group)) for group in copies.same_pixels],
        "near_duplicates": [
            {
                "first": names([pair.first])[0],
                "second": names([pair.second])[0],
                "mirrored": pair.agreement.is_mirrored,
                "rotation_degrees": round(pair.agreement.rotation_degrees, 1),
                "scale": round(pair.agreement.scale, 3),
                "keypoints": pair.agreement.inliers,
                "overlap": round(pair.agreement.overlap, 3),
                "correlation": round(pair.agreement.correlation, 3),
            }
            for pair in copies.near_pairs
        ],
        "has_given_split": audit.has_given_split,
        "trivial_features": [asdict(result) for result in audit.trivial],
        "burned_in_graphics": [asdict(share) for share in audit.graphics],
        "neighbours": _neighbours(audit),
        "masks": _masks(audit),
        "refused": [asdict(refused) for refused in audit.refused],
        "absent": list(audit.pictures.absent),
        "passed_over": dict(audit.pictures.passed_over),
    }


def _neighbours(audit: ImageAudit) -> dict[str, Any] | None:
    seen = audit.neighbours
    if seen is None:
        return None
    return {
        "more_alike_than_chance": asdict(seen.more_alike),
        "runs": [list(audit.names(run)) for run in seen.runs],
        "held_out": seen.held_out,
        "held_out_beside_training": seen.beside_training,
    }


def _masks(audit: ImageAudit) -> dict[str, Any] | None:
    masks = audit.masks
    if masks is None:
        return None
    return {
        "checked": masks.checked,
        "missing": list(audit.names(masks.missing)),
        "without_image": list(audit.pictures.masks),
        "wrong_size": list(audit.names(masks.wrong_size)),
        "empty": list(audit.names(masks.empty)),
        "refused": [asdict(refused) for refused in masks.refused],
    }


def _table(audit: TableAudit) -> dict[str, Any]:
    rows = audit.table.row_names
    return {
        "label": audit.label,
        "positive": audit.positive,
        "identifiers": list(audit.rows.identifiers),
        "equal_rows": [[rows[n] for n in group] for group in audit.rows.equal],
        "near_duplicate_rows": [
            {"first": rows[p.first], "second": rows[p.second], "score": round(p.score, 2)}
            for p in audit.rows.near
        ],
        "label_conflicts": [[rows[n] for n in group] for group in audit.conflicts],
        "values": [
            {"column": t.column, "kind": t.kind, "rows": [rows[n] for n in t.rows], "said": t.said}
            for t in audit.troubles
        ],
        "text_in_numbers": [
            {"column": column, "row": row, "text": text} for column, row, text in audit.strays
        ],
        "broken_formulas": dict(audit.broken_formulas),
        "decimal_commas": dict(audit.decimal_commas),
        "leaks": asdict(audit.leaks) if audit.leaks else None,
    }


def split_rows(report: AuditReport) -> list[tuple[str, int, int]]:
    """Item, group and fold of the grouped split.

    Args:
        report: The report.
    """
    if report.table:
        audit = report.table
        return list(zip(audit.table.row_names, audit.groups, audit.folds, strict=True))
    images = _require(report.images)
    return [
        (images.pictures.pictures[n].name, images.groups[n], images.folds[n]) for n in images.facts
    ]


def split_file(report: AuditReport) -> str:
    """The grouped split as CSV: ``file`` (or ``row``), ``group``, ``fold``.

    Args:
        report: The report.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("row" if report.table else "file", "group", "fold"))
    writer.writerows(split_rows(report))
    return stream.getvalue()


def _require(images: ImageAudit | None) -> ImageAudit:
    if images is None:
        raise ValueError("a report has either pictures or a table")
    return images
