"""A folder of images made fit to be given away, with what its owner keeps.

Owns where the key, the lists and the before-and-after sheet lie, and the report beside the
results. The de-identification itself is the business of ``records.deidentification``.

Two folders are written. The results hold images under pseudonyms and a report that names nobody.
The private folder holds the key, the journal, the list of files kept aside and the sheet, which
shows the originals: it never leaves the house.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape

from deeppcos import __version__
from deeppcos.records.deidentification import (
    DeidentificationPolicy,
    DeidentificationReport,
    DoneFile,
    deidentify,
    key_at,
    shown_after,
)
from deeppcos.records.deidentification.actions import EDITION
from deeppcos.records.deidentification.folder import JOURNAL, REFUSED
from deeppcos.records.deidentification.journal import Entry, journal_entries
from deeppcos.records.identifiers import PatientIdentifier

REPORT_FILE = "deidentification.json"
KEY_FILE, ASIDE_FILE, SHEET_FILE, SHEET_FOLDER = "key.json", "kept_aside.csv", "sheet.html", "sheet"

_SHOWN_WIDTH_PX = 640
_JPEG_QUALITY = 88
_OUTLINE_BGR = (60, 120, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentifiedExport:
    """What was written.

    Attributes:
        report: The counts.
        key: The key file.
        sheet: The before-and-after sheet.
        kept_aside: The list of refused files.
    """

    report: DeidentificationReport
    key: Path
    sheet: Path
    kept_aside: Path


def private_folder(out: Path) -> Path:
    """Where the key and the lists lie unless told otherwise: beside the results, not in them."""
    return out.with_name(f"{out.name}-private")


def export_deidentified(
    paths: Iterable[Path],
    *,
    out: Path,
    private: Path | None = None,
    key_file: Path | None = None,
    policy: DeidentificationPolicy | None = None,
    canonical: Callable[[PatientIdentifier], PatientIdentifier] = lambda one: one,
    on_file: Callable[[Entry], None] = lambda _: None,
) -> DeidentifiedExport:
    """De-identify files and folders, and write the report, the lists and the sheet.

    Args:
        paths: Files and folders.
        out: Folder of results.
        private: Folder of what names patients; beside the results when None.
        key_file: The key, made when absent; in the private folder when None.
        policy: What the site decides.
        canonical: Which identifier stands for a patient now.
        on_file: Told of every file as it is done.

    Returns:
        What was written, and the counts.

    Raises:
        InvalidInput: If the folders were begun with another key or policy.
    """
    private = private or private_folder(out)
    key_file = key_file or private / KEY_FILE
    pictures = private / SHEET_FOLDER

    def done(file: DoneFile) -> None:
        _draw(file, pictures)
        _list_texts(file, pictures)
        on_file(file.entry)

    report = deidentify(
        paths,
        into=out,
        private=private,
        key=key_at(key_file),
        policy=policy,
        canonical=canonical,
        on_done=done,
    )
    entries = journal_entries(private / JOURNAL)
    out.mkdir(parents=True, exist_ok=True)
    _write_report(out / REPORT_FILE, report)
    _write_aside(private / ASIDE_FILE, entries)
    _write_sheet(private / SHEET_FILE, entries, pictures)
    return DeidentifiedExport(
        report=report,
        key=key_file,
        sheet=private / SHEET_FILE,
        kept_aside=private / ASIDE_FILE,
    )


def _is_done(entry: Entry) -> bool:
    """Whether a file without a picture was written: a report, a segmentation."""
    return entry.state != REFUSED and entry.output.endswith(".dcm")


def _write_report(path: Path, report: DeidentificationReport) -> None:
    content = {
        "schema": "deeppcos.deidentification/1",
        "made_by": f"DeepPCOS {__version__}",
        "profile": f"{EDITION}, Basic Application Level Confidentiality Profile",
        "options": [
            "Clean Pixel Data",
            "Clean Structured Content",
            "Retain Patient Characteristics",
            "Retain Longitudinal Temporal Information Modified Dates",
        ],
        "counts": asdict(report),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _write_aside(path: Path, entries: Iterable[Entry]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["file", "why it was kept aside"])
        table.writerows((one.source, one.reason) for one in entries if one.state == REFUSED)


def _draw(file: DoneFile, folder: Path) -> None:
    """The first frame before, with what is blanked outlined, beside the first frame after."""
    if file.before is None or file.mask is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    before = np.ascontiguousarray(file.before[..., ::-1])
    after = np.ascontiguousarray(shown_after(file.before, file.mask)[..., ::-1])
    outlines, _ = cv2.findContours(
        file.mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE
    )
    cv2.drawContours(before, outlines, -1, _OUTLINE_BGR, 2)
    pair = np.hstack([before, np.full((before.shape[0], 8, 3), 128, np.uint8), after])
    scale = min(1.0, 2 * _SHOWN_WIDTH_PX / pair.shape[1])
    shown = cv2.resize(pair, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    target = folder / _picture_name(file.entry)
    cv2.imwrite(str(target), shown, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])


def _list_texts(file: DoneFile, folder: Path) -> None:
    """What each text of a report said before it was removed."""
    if not file.texts:
        return
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_name_of(file.entry)}.json"
    target.write_text(json.dumps(file.texts, ensure_ascii=False), encoding="utf-8")


def _texts_of(entry: Entry, folder: Path) -> list[list[str]]:
    """As ``_list_texts`` wrote it; a run that goes on finds it again."""
    path = folder / f"{_name_of(entry)}.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def _name_of(entry: Entry) -> str:
    return hashlib.sha256(entry.source.encode()).hexdigest()[:24]


def _picture_name(entry: Entry) -> str:
    return f"{_name_of(entry)}.jpg"


def _write_sheet(path: Path, entries: tuple[Entry, ...], pictures: Path) -> None:
    environment = Environment(
        loader=PackageLoader("deeppcos.app", "templates"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = [
        {
            "name": Path(one.source).name,
            "entry": one,
            "picture": f"{SHEET_FOLDER}/{_picture_name(one)}"
            if (pictures / _picture_name(one)).exists()
            else "",
            "texts": _texts_of(one, pictures),
            "is_object": _is_done(one),
        }
        for one in entries
    ]
    page = environment.get_template("deidentification_sheet.html.j2").render(
        shown=[row for row in rows if row["picture"]],
        objects=[row for row in rows if not row["picture"] and row["is_object"]],
        aside=[row for row in rows if not row["picture"] and not row["is_object"]],
        version=__version__,
    )
    path.write_text(page, encoding="utf-8")
