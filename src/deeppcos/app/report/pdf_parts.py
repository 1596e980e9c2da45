"""The building blocks of the PDF: cards, tables, the page frame.

Owns how parts of the report look on A4. Their order and content stand in ``pdf``.
"""

from collections.abc import Callable, Sequence
from typing import Any

from reportlab.graphics import shapes as rl
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Spacer, Table, TableStyle

from deeppcos.app.report.figures import (
    ALERT_SYMBOL,
    severity_bar,
    size_histogram,
    state_symbol,
)
from deeppcos.app.report.marks import numbered_follicles
from deeppcos.app.report.pdf_figures import colour, drawing
from deeppcos.app.report.pdf_type import (
    BOLD,
    REGULAR,
    bullet,
    led_paragraph,
    paragraph,
    printable,
)
from deeppcos.app.report.research_markers import MarkerRow
from deeppcos.app.report.sentences import spelled
from deeppcos.app.report.view import AxisRow, CriterionCard, ReportView
from deeppcos.app.report.wording import BANNER, KIND_WORDS, NEVER_SUMMED
from deeppcos.records.assessment_document import FollicleRecord, FrameRecord, RedFlag

MARGIN = 17 * mm
CONTENT_WIDTH = A4[0] - 2 * MARGIN
_FOLLICLE_COLUMNS = 3

Commands = list[tuple[Any, ...]]


def grid(
    rows: Sequence[Sequence[Any]], widths: Sequence[float], commands: Commands, **options: Any
) -> Table:
    """A table without surprises: top-aligned, and a row longer than a page goes on overleaf."""
    base: Commands = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    return Table(
        [list(row) for row in rows],
        colWidths=list(widths),
        style=TableStyle([*base, *commands]),
        hAlign="LEFT",
        splitInRow=1,
        **options,
    )


def boxed(content: Sequence[Flowable], *, fill: str, edge: str) -> Table:
    """A block on a tinted ground with a strong left edge."""
    return grid(
        [[list(content)]],
        [CONTENT_WIDTH],
        [
            ("BACKGROUND", (0, 0), (-1, -1), colour(fill)),
            ("LINEBEFORE", (0, 0), (0, -1), 3, colour(edge)),
            ("LEFTPADDING", (0, 0), (-1, -1), 10),
            ("TOPPADDING", (0, 0), (-1, -1), 7),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
        ],
    )


def red_flag_box(flags: Sequence[RedFlag]) -> Table:
    """Red flags, before everything else."""
    title = "Red flag" if len(flags) == 1 else "Red flags"
    head = grid(
        [
            [
                drawing(ALERT_SYMBOL, scale=0.6),
                paragraph(f"{title}: overrides everything below", "alert"),
            ]
        ],
        [18, CONTENT_WIDTH - 40],
        [("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 0)],
    )
    lines: list[Flowable] = [head]
    for flag in flags:
        lines.append(led_paragraph(f"{spelled(flag.trigger)}:", spelled(flag.message)))
        lines += [paragraph(flag.source, "quiet")] if flag.source else []
    return boxed(lines, fill="alert-soft", edge="alert")


def criterion_cards(cards: Sequence[CriterionCard]) -> Table:
    """Cards in two columns, those of a row equally high."""
    gap = 9.0
    width = (CONTENT_WIDTH - gap) / 2
    rows: list[list[Any]] = []
    commands: Commands = [("RIGHTPADDING", (0, 0), (-1, -1), 0)]
    for left, right in zip(cards[::2], cards[1::2], strict=True):
        row = len(rows)
        commands += [*_card_edge(left, (0, row)), *_card_edge(right, (2, row))]
        rows += [[_card(left, width), "", _card(right, width)], [Spacer(1, 2) for _ in range(3)]]
    return grid(rows[:-1], [width, gap, width], commands)


def _card_edge(card: CriterionCard, cell: tuple[int, int]) -> Commands:
    return [
        ("BOX", cell, cell, 0.6, colour("line")),
        ("LINEABOVE", cell, cell, 2.6, colour(_tone(card))),
        ("LEFTPADDING", cell, cell, 10),
        ("RIGHTPADDING", cell, cell, 8),
        ("TOPPADDING", cell, cell, 7),
        ("BOTTOMPADDING", cell, cell, 6),
    ]


def _tone(card: CriterionCard) -> str:
    return card.state.replace("_", "-")


def _card(card: CriterionCard, width: float) -> list[Flowable]:
    symbol = drawing(state_symbol(card.state), scale=0.62)
    state = grid(
        [[symbol, paragraph(card.word, "state", colour=_tone(card))]],
        [19, width - 50],
        [("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 2)],
    )
    content: list[Flowable] = [paragraph(card.title, "quiet"), state]
    content += [bullet(reason) for reason in card.reasons]
    if card.missing:
        lead = "Unknown because missing:" if card.state == "unknown" else "Missing:"
        content.append(led_paragraph(lead, ", ".join(card.missing), "missing"))
    if card.provisional_on:
        withdrawn_by = ", ".join(card.provisional_on)
        content.append(led_paragraph("Provisional until known:", withdrawn_by, "missing"))
    if not card.reasons and not card.missing:
        content.append(paragraph("No reason was recorded.", "quiet"))
    if card.sources:
        content.append(paragraph(f"Sources: {'; '.join(card.sources)}", "quiet"))
    return content


def severity_table(rows: Sequence[AxisRow], *, notice: str) -> list[Flowable]:
    """Four axes as bars with their words, and the disclaimer."""
    body = []
    for row in rows:
        words: list[Flowable] = [
            led_paragraph(
                f"{row.words[0].upper()}{row.words[1:]}{':' if row.drivers else '.'}",
                f"{'; '.join(row.drivers)}." if row.drivers else "",
            )
        ]
        if row.missing:
            words.append(paragraph(f"Missing: {', '.join(row.missing)}", "missing"))
        if row.remark:
            words.append(paragraph(row.remark, "quiet"))
        if row.sources:
            words.append(paragraph(f"Sources: {'; '.join(row.sources)}", "quiet"))
        title = paragraph(f"{row.letter}  {row.title}", "strong")
        body.append([title, drawing(severity_bar(row), scale=0.72), words])
    lines: Commands = [("LINEBELOW", (0, 0), (-1, -2), 0.5, colour("line"))]
    lines += [("TOPPADDING", (0, 0), (-1, -1), 7), ("BOTTOMPADDING", (0, 0), (-1, -1), 6)]
    key = (
        "Filled: reached. Hatched: possible, inputs missing. Strip: share of the inputs known. "
        f"{notice} {NEVER_SUMMED}"
    )
    table = grid(body, [82, 158, CONTENT_WIDTH - 240], lines)
    return [table, Spacer(1, 3), paragraph(key, "quiet")]


def measurement_table(view: ReportView) -> Table:
    """Quantities in rows, sides in columns, unknown with its reason."""
    head: list[Any] = [paragraph("Quantity", "cell-head")]
    head += [paragraph(side, "cell-head") for side in view.sides]
    rows: list[list[Any]] = [head]
    for row in view.measurements:
        cells: list[Any] = [[paragraph(row.title, "strong"), paragraph(row.explanation, "quiet")]]
        for cell in row.cells:
            value = (
                paragraph("unknown", "number", colour="unknown")
                if cell.value is None
                else paragraph(cell.value, "number")
            )
            cells.append([value, paragraph(cell.detail, "quiet")] if cell.detail else [value])
        rows.append(cells)
    first = 118.0
    other = (CONTENT_WIDTH - first) / len(view.sides)
    return grid(
        rows,
        [first, *[other] * len(view.sides)],
        [
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, colour("muted")),
            ("LINEBELOW", (0, 1), (-1, -2), 0.5, colour("line")),
        ],
        repeatRows=1,
    )


def marker_table(markers: Sequence[MarkerRow]) -> Table:
    """Research markers in rows, each with its formula and source."""
    head: list[Any] = [
        paragraph(words, "cell-head") for words in ("Marker", "Value", "Formula and source")
    ]
    rows = [
        [
            paragraph(row.label, "strong"),
            paragraph(row.value, "cell"),
            paragraph(f"{row.formula} · {row.source}", "quiet"),
        ]
        for row in markers
    ]
    return grid(
        [head, *rows],
        [80.0, 74.0, CONTENT_WIDTH - 154],
        [
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, colour("muted")),
            ("LINEBELOW", (0, 1), (-1, -2), 0.5, colour("line")),
            ("TOPPADDING", (0, 1), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 1), (-1, -1), 2),
        ],
        repeatRows=1,
    )


def follicle_histogram(frame: FrameRecord) -> rl.Drawing | str:
    """Sizes of the frame's follicles; nothing where none has a size."""
    figure = size_histogram([follicle for _, follicle in numbered_follicles(frame)])
    return "" if figure is None else drawing(figure, scale=0.7)


def follicle_table(frame: FrameRecord) -> list[Flowable]:
    """Every follicle of the frame in a compact table; nothing where there is none."""
    follicles = numbered_follicles(frame)
    return [_follicle_table(follicles)] if follicles else []


def _follicle_table(follicles: Sequence[tuple[int, FollicleRecord]]) -> Table:
    deep = -(-len(follicles) // _FOLLICLE_COLUMNS)
    head = [
        paragraph(words, "cell-head")
        for _ in range(_FOLLICLE_COLUMNS)
        for words in ("No.", "Diameter", "Kind", "Prob.")
    ]
    rows: list[list[Any]] = [head]
    for line in range(deep):
        row: list[Any] = []
        for place in range(line, line + deep * _FOLLICLE_COLUMNS, deep):
            row += _follicle_cells(*follicles[place]) if place < len(follicles) else [""] * 4
        rows.append(row)
    widths = [20.0, 44.0, CONTENT_WIDTH / _FOLLICLE_COLUMNS - 94, 30.0]
    return grid(
        rows,
        widths * _FOLLICLE_COLUMNS,
        [
            ("LINEBELOW", (0, 0), (-1, 0), 0.6, colour("muted")),
            ("LINEBELOW", (0, 1), (-1, -1), 0.3, colour("line")),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ],
        repeatRows=1,
    )


def _follicle_cells(number: int, follicle: FollicleRecord) -> list[Any]:
    diameter = follicle.mean_diameter_mm
    return [
        paragraph(str(number), "cell"),
        paragraph("unknown", "cell", colour="unknown")
        if diameter is None
        else paragraph(f"{diameter:.1f} mm", "cell"),
        paragraph(KIND_WORDS[follicle.kind], "cell"),
        paragraph(f"{follicle.probability:.2f}", "cell"),
    ]


def facts(pairs: Sequence[tuple[str, str]]) -> Table:
    """Names and values, one pair a row."""
    return grid(
        [[paragraph(name, "quiet"), paragraph(value, "cell")] for name, value in pairs],
        [118, CONTENT_WIDTH - 118],
        [("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)],
    )


def page_frame(*, study: str, status: str) -> Callable[[Canvas, int, int], None]:
    """What stands on every page: study and status above, banner and page number below.

    Args:
        study: What was read, in a few words.
        status: Draft or signed.

    Returns:
        A function of canvas, page and number of pages.
    """

    def draw(canvas: Canvas, page: int, pages: int) -> None:
        width, height = A4
        canvas.setStrokeColor(colour("line"))
        canvas.setLineWidth(0.6)
        canvas.line(MARGIN, height - 14.5 * mm, width - MARGIN, height - 14.5 * mm)
        canvas.line(MARGIN, 14 * mm, width - MARGIN, 14 * mm)
        canvas.setFont(BOLD, 7.4)
        canvas.setFillColor(colour("unknown"))
        canvas.drawRightString(width - MARGIN, height - 12 * mm, printable(status))
        canvas.setFillColor(colour("ink"))
        canvas.drawString(MARGIN, 10 * mm, BANNER)
        canvas.setFont(REGULAR, 7.4)
        canvas.setFillColor(colour("muted"))
        canvas.drawString(MARGIN, height - 12 * mm, printable(study))
        canvas.drawRightString(width - MARGIN, 10 * mm, f"{page} / {pages}")

    return draw


class NumberedCanvas(Canvas):  # type: ignore[misc]
    """A canvas that knows the number of pages when it draws their frames."""

    page_frame: Callable[[Canvas, int, int], None]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._finished_pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - the name is reportlab's
        """Keep the page until the number of pages is known."""
        self._finished_pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Draw every page's frame and write the file."""
        pages = len(self._finished_pages)
        for number, page in enumerate(self._finished_pages, start=1):
            self.__dict__.update(page)
            type(self).page_frame(self, number, pages)
            super().showPage()
        super().save()
