"""The audit as one HTML file: findings, figures and contact sheets, nothing outside it.

Owns what the template is given. Colours come from ``design``; layout stands in ``templates``.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from deeppcos.app.report.audit_text import decimal_text, share_text, verdict, what_was_seen
from deeppcos.app.report.design import DARK, LIGHT
from deeppcos.errors import DeepPCOSError
from deeppcos.learning.audit.findings import Share, Weight, percent
from deeppcos.learning.audit.image_audit import ImageAudit
from deeppcos.learning.audit.image_findings import GRAPHICS_WORDS
from deeppcos.learning.audit.looking_at_pictures import decode, shrunk
from deeppcos.learning.audit.report import AuditReport
from deeppcos.learning.audit.table_leaks import ColumnScore
from deeppcos.learning.audit.trivial import FEATURES

THUMBNAIL_SIDE = 176
MOST_SHEETS = 24
MOST_ON_A_SHEET = 10
MOST_COLUMNS = 12
FIGURE_LEFT, FIGURE_RIGHT = 210.0, 60.0
FIGURE_WIDTH, ROW_HEIGHT = 720.0, 34.0
WEIGHT_WORDS = {
    Weight.SPOILS: "Spoils an evaluation",
    Weight.CAUTION: "Caution",
    Weight.NOTE: "Note",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """One picture of a contact sheet.

    Attributes:
        picture: JPEG data URI, or empty where the file is gone.
        name: File.
        tags: Class and split.
    """

    picture: str
    name: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Files made from one picture.

    Attributes:
        title: How many, and where they lie.
        flags: What is wrong with the group: ``across splits``, ``across classes``.
        thumbnails: Some of them.
        more: How many are not shown.
    """

    title: str
    flags: tuple[str, ...]
    thumbnails: tuple[Thumbnail, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of the figure of accuracies.

    Attributes:
        name: Row heading.
        share: The figure with its interval.
        base: What guessing gives.
        colour: Name of a colour of the design.
        y: Middle of the row.
    """

    name: str
    share: Share
    base: float
    colour: str
    y: float


def render_audit_html(report: AuditReport) -> str:
    """The whole report as one HTML file.

    Args:
        report: The report.
    """
    style = _style()
    images = report.images
    return (
        _environment()
        .get_template("audit.html.j2")
        .render(
            report=report,
            verdict=verdict(report),
            seen=what_was_seen(report),
            cards=_cards(report),
            weights=WEIGHT_WORDS,
            bars=_bars(report),
            geometry={"left": FIGURE_LEFT, "width": FIGURE_WIDTH, "row": ROW_HEIGHT},
            split_name="given split" if images and images.has_given_split else "random split",
            sheets=_sheets(images) if images else (),
            all_sheets=_count_groups(images) if images else 0,
            graphics=_graphics(images) if images else {},
            style=Markup(style),
            style_hash=f"sha256-{b64encode(sha256(style.encode()).digest()).decode('ascii')}",
        )
    )


def _cards(report: AuditReport) -> list[tuple[str, str]]:
    """The figures worth a glance: value and what it is."""
    by_code = {finding.code: finding for finding in report.findings}
    if report.table:
        rows = report.table.rows
        cards = [
            (f"{len(report.table.table.row_names):,}", "rows"),
            (str(len(rows.near) + len(rows.equal)), "groups of rows of one person"),
        ]
        leaks = report.table.leaks
        for model in leaks.models if leaks else ():
            words = {"all": "all columns", "definition": "defining columns only"}
            cards.append(
                (
                    f"{model.auroc.value or 0:.2f}",
                    f"AUROC, {words.get(model.name, 'without the defining columns')}",
                )
            )
        return cards
    if not report.images:
        return []
    cards = [
        (f"{len(report.images.facts):,}", "images"),
        (f"{len(report.images.copies.sources):,}", "source pictures"),
    ]
    crossing = by_code.get("copies_across_splits")
    if crossing:
        hit, held_out = (crossing.figures[k] for k in ("held_out_with_copy", "held_out"))
        cards.append((f"{hit} of {held_out}", "held-out images have a copy in training"))
    best = max(
        (r for r in report.images.trivial if r.given),
        key=lambda r: (r.given.accuracy.value or 0) if r.given else 0,
        default=None,
    )
    if best and best.given:
        cards.append(
            (percent(best.given.accuracy.value), f"accuracy from {FEATURES[best.feature]} alone")
        )
    return cards


def _bars(report: AuditReport) -> list[Bar]:
    """Rows of the figure: trivial features, or columns that give the label away."""
    rows: list[tuple[str, Share, float, str]] = []
    if report.images:
        for result in report.images.trivial:
            for measured, colour in ((result.given, "alert"), (result.grouped, "accent")):
                if measured:
                    name = FEATURES[result.feature] if colour == "alert" else ""
                    rows.append((name, measured.accuracy, measured.majority, colour))
    elif report.table and report.table.leaks:
        rows = [
            (_column_name(score), score.auroc, 0.5, "alert" if score.defines else "accent")
            for score in report.table.leaks.singles[:MOST_COLUMNS]
        ]
    return [
        Bar(name=name, share=share, base=base, colour=colour, y=(n + 0.5) * ROW_HEIGHT)
        for n, (name, share, base, colour) in enumerate(rows)
    ]


def _column_name(score: ColumnScore) -> str:
    name = f"gaps in {score.column}" if score.is_missingness else score.column
    return name if len(name) <= 30 else f"{name[:29]}…"


def _place(value: float) -> str:
    """Horizontal place of a share in the figure."""
    return f"{FIGURE_LEFT + value * (FIGURE_WIDTH - FIGURE_LEFT - FIGURE_RIGHT):.1f}"


def _count_groups(audit: ImageAudit) -> int:
    return sum(len(group) > 1 for group in audit.copies.sources)


def _sheets(audit: ImageAudit) -> list[Sheet]:
    """Contact sheets, groups that cross splits or classes first."""
    groups = [group for group in audit.copies.sources if len(group) > 1]
    graded = sorted(groups, key=lambda group: (-len(_flags(audit, group)), -len(group), group))
    return [_sheet(audit, group) for group in graded[:MOST_SHEETS]]


def _flags(audit: ImageAudit, group: Sequence[int]) -> tuple[str, ...]:
    members = [audit.pictures.pictures[n] for n in group]
    splits = {p.split for p in members if p.split}
    labels = {p.label for p in members if p.label}
    flags = [("across splits", len(splits) > 1), ("across classes", len(labels) > 1)]
    return tuple(name for name, is_so in flags if is_so)


def _sheet(audit: ImageAudit, group: Sequence[int]) -> Sheet:
    # Every class and split of the group is shown before a second of any.
    seen: dict[tuple[str | None, str | None], int] = {}
    ranked = []
    for n in group:
        picture = audit.pictures.pictures[n]
        rank = seen[picture.label, picture.split] = seen.get((picture.label, picture.split), 0) + 1
        ranked.append((rank, n))
    shown = [n for _, n in sorted(ranked)[:MOST_ON_A_SHEET]]
    return Sheet(
        title=f"{len(group)} files from one picture",
        flags=_flags(audit, group),
        thumbnails=tuple(_thumbnail(audit, n) for n in shown),
        more=len(group) - len(shown),
    )


def _thumbnail(audit: ImageAudit, number: int) -> Thumbnail:
    picture = audit.pictures.pictures[number]
    tags = tuple(tag for tag in (picture.split, picture.label) if tag)
    try:
        ending = picture.path.suffix.casefold()
        pixels, _ = decode(picture.path.read_bytes(), name=picture.name, ending=ending)
    except (DeepPCOSError, OSError):
        return Thumbnail(picture="", name=picture.name, tags=tags)
    stream = BytesIO()
    Image.fromarray(shrunk(pixels, THUMBNAIL_SIDE)).save(stream, format="JPEG", quality=82)
    data = b64encode(stream.getvalue()).decode("ascii")
    return Thumbnail(picture=f"data:image/jpeg;base64,{data}", name=picture.name, tags=tags)


def _graphics(audit: ImageAudit) -> dict[str, dict[str, Share]]:
    """Share by class and kind."""
    found: dict[str, dict[str, Share]] = {}
    for share in audit.graphics:
        found.setdefault(share.label, {})[GRAPHICS_WORDS[share.kind]] = share.share
    return found


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("deeppcos.app.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        share=share_text, decimal=decimal_text, percent=percent, place=_place
    )
    return environment


def _style() -> str:
    dark = f"@media screen and (prefers-color-scheme: dark){{:root{{{_variables(DARK)}}}}}"
    sheet = files("deeppcos.app.report").joinpath("templates", "audit.css")
    return "\n".join([f":root{{{_variables(LIGHT)}}}", dark, sheet.read_text(encoding="utf-8")])


def _variables(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())
