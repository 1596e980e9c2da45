"""A released cohort as a folder: a page, pictures, tables, the record itself.

Owns what lies in the folder and how figures become tables of text. The page's look is the
business of its template; colours come from whoever asks.
"""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.research.drawing.palette import Palette
from deeppcos.research.drawing.pictures import picture
from deeppcos.research.figures.figure import Figure
from deeppcos.research.release import CohortRelease

PAGE, RECORD = "report.html", "release.json"
FORMS = ("svg", "png")


def csv_of(figure: Figure, *, origin: str) -> str:
    """A figure's table for a spreadsheet, with its origin in the first lines.

    Args:
        figure: The figure.
        origin: Query, data, software and command.

    Returns:
        CSV; lines that begin with # are not data.
    """
    text = io.StringIO()
    why = [figure.why_withheld] if figure.withheld else []
    said = (f"{figure.title}: {figure.question}", origin, *figure.summary, *figure.notes, *why)
    for line in said:
        text.write(f"# {line}\n")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(figure.columns)
    for row in figure.rows:
        table.writerow(["" if value is None else value for value in row])
    return text.getvalue()


def claim(out: Path, *, force: bool) -> None:
    """Refuse a folder that holds a report already.

    Args:
        out: The folder; made if absent.
        force: Whether an earlier report may be replaced.

    Raises:
        InvalidInput: If there is one.
    """
    if out.exists() and not out.is_dir():
        raise InvalidInput(f"{out} is a file", accepted="a folder", remedy="name another place")
    if (out / PAGE).exists() and not force:
        raise InvalidInput(
            "there is a report already",
            value=str(out / PAGE),
            remedy="choose another folder, or pass --force to replace it",
        )
    out.mkdir(parents=True, exist_ok=True)


def write_report(
    release: CohortRelease,
    out: Path,
    *,
    palette: Palette,
    page: str,
    extra: Mapping[str, str] | None = None,
) -> Path:
    """Write everything of a release.

    Args:
        release: The release.
        out: Folder; made if absent.
        palette: Colours of its pictures.
        page: The page, as rendered.
        extra: More text files by name.

    Returns:
        The page, written last: its existence means that the report is whole.
    """
    pictures, tables = out / "pictures", out / "tables"
    for folder in (pictures, tables):
        folder.mkdir(parents=True, exist_ok=True)
    origin = release.origin()
    for figure in release.figures:
        for form in FORMS:
            content = picture(figure, palette, origin=origin, form=form)
            (pictures / f"{figure.key}.{form}").write_bytes(content)
        (tables / f"{figure.key}.csv").write_text(
            csv_of(figure, origin=origin), encoding="utf-8", newline=""
        )
    record = json.dumps(release.document, indent=1, ensure_ascii=False)
    (out / RECORD).write_text(record + "\n", encoding="utf-8")
    for name, text in (extra or {}).items():
        (out / name).write_text(text, encoding="utf-8", newline="")
    (out / PAGE).write_text(page, encoding="utf-8")
    return out / PAGE
