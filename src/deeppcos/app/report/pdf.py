"""The PDF report: the same content as the page, in the same order, on A4.

Owns the order of the parts and the document's metadata. The parts themselves stand in
``pdf_parts``, type in ``pdf_type``, figures in ``pdf_figures``.
"""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import numpy.typing as npt
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
)

from deeppcos.app.report import wording
from deeppcos.app.report.design import MARKS
from deeppcos.app.report.field_names import listed, readable
from deeppcos.app.report.html import Pictures
from deeppcos.app.report.marks import frame_marks, numbered_follicles
from deeppcos.app.report.pdf_figures import FramePicture, colour
from deeppcos.app.report.pdf_parts import (
    CONTENT_WIDTH,
    MARGIN,
    NumberedCanvas,
    boxed,
    criterion_cards,
    facts,
    follicle_histogram,
    follicle_table,
    grid,
    marker_table,
    measurement_table,
    page_frame,
    red_flag_box,
    severity_table,
)
from deeppcos.app.report.pdf_type import (
    bullet,
    indented,
    led_paragraph,
    paragraph,
    printable,
    register_fonts,
)
from deeppcos.app.report.sentences import spelled
from deeppcos.app.report.view import ReportView, frame_summary, ovary_lines, report_view
from deeppcos.records.assessment_document import AssessmentDocument, Consideration, FrameRecord

_STUDY_LENGTH = 70
_TALLEST_PICTURE = 62 * mm
_FEW_FOLLICLES = 24
"""So many rows stay on the page of their picture."""


def render_pdf(document: AssessmentDocument, pictures: Pictures) -> bytes:
    """The whole report as a PDF file.

    Args:
        document: The assessment.
        pictures: Pixels of the frames to show; a frame without pixels shows outlines alone.
    """
    register_fonts()
    view = report_view(document)
    stream = BytesIO()
    template = SimpleDocTemplate(
        stream,
        pagesize=A4,
        leftMargin=MARGIN - 6,
        rightMargin=MARGIN - 6,
        topMargin=19 * mm,
        bottomMargin=18 * mm,
        title=printable(f"{view.title}: ovarian assessment"),
        author=document.provenance.software,
        subject=printable(view.sentence),
        creator=document.provenance.software,
        keywords=f"{document.condition}, ovarian ultrasound, research use",
        lang="en-GB",
        displayDocTitle=True,
    )
    frame = page_frame(study=_study(document), status=_status(document))
    canvas = type("ReportCanvas", (NumberedCanvas,), {"page_frame": staticmethod(frame)})
    template.build(_story(view, pictures), canvasmaker=canvas)
    return stream.getvalue()


def _story(view: ReportView, pictures: Pictures) -> list[Flowable]:
    return [
        *_opening(view),
        *_criteria(view),
        *_severity(view),
        *_measurements(view),
        *_markers(view),
        *_pictures(view, pictures),
        *_considerations(view.document.considerations),
        *_provenance(view),
        *_signature(view.document),
    ]


def _opening(view: ReportView) -> list[Flowable]:
    conclusion = view.document.conclusion
    parts: list[Flowable] = []
    if conclusion.red_flags:
        parts += [red_flag_box(conclusion.red_flags), Spacer(1, 12)]
    parts.append(paragraph(f"Ovarian and clinical assessment · {view.title}", "eyebrow"))
    parts.append(paragraph(view.sentence, "h1"))
    parts += [bullet(reason) for reason in view.reasons]
    if conclusion.missing:
        parts.append(led_paragraph("Still missing:", listed(conclusion.missing), "missing"))
    return [*parts, paragraph(wording.at_a_glance(view.document), "quiet"), Spacer(1, 6)]


def _criteria(view: ReportView) -> list[Flowable]:
    parts = _section("Criteria", criterion_cards(view.criteria))
    if view.document.would_settle:
        lines: list[Flowable] = [paragraph("What would settle this", "strong", colour="accent")]
        lines += [
            led_paragraph(f"{place}. {readable(item.measurement)}", spelled(item.because or ""))
            for place, item in enumerate(view.document.would_settle, start=1)
        ]
        parts += [Spacer(1, 9), boxed(lines, fill="accent-soft", edge="accent")]
    return parts


def _severity(view: ReportView) -> list[Flowable]:
    severity = view.document.severity
    parts = severity_table(view.severity, notice=severity.notice)
    if severity.overridden_because:
        lead = "Not to be read as severity of the condition:"
        parts = [led_paragraph(lead, severity.overridden_because, "missing"), *parts]
    return [KeepTogether(_section(f"Severity by axis: {view.severity_profile}", *parts))]


def _measurements(view: ReportView) -> list[Flowable]:
    if not view.sides:
        return _section("Measurements", paragraph("No ovary was measured.", "quiet"))
    return _section(
        "Measurements",
        measurement_table(view),
        Spacer(1, 3),
        paragraph(wording.THREE_QUANTITIES, "quiet"),
    )


def _markers(view: ReportView) -> list[Flowable]:
    if view.markers is None:
        return []
    lacking = "; ".join(view.markers.lacking)
    parts: list[Flowable] = [marker_table(view.markers.rows), Spacer(1, 3)]
    parts += [paragraph(f"Unknown: {lacking}.", "quiet")] if lacking else []
    parts.append(paragraph(view.markers.notice, "quiet"))
    return [KeepTogether(_section(wording.MARKERS_TITLE, *parts))]


def _pictures(view: ReportView, pictures: Pictures) -> list[Flowable]:
    parts: list[Flowable] = []
    if not view.key_frames:
        words = (
            "None of the pictures could be assessed; the reasons stand below."
            if view.silent
            else "No picture was read."
        )
        parts += _section("Pictures", paragraph(words, "quiet"))
    lead = _section("Pictures", paragraph(wording.UNCONFIRMED_MARKS, "quiet"))
    for frame in view.key_frames:
        parts += _frame(frame, pictures.get((frame.source, frame.frame)), lead=lead)
        lead = []
    if view.unshown:
        words = f"{'. '.join(view.unshown)}. {wording.ALL_LISTED}"
        parts.append(paragraph(words, "quiet"))
    if view.silent:
        parts.append(paragraph("Frames that could not be assessed", "h3"))
        parts += [
            led_paragraph(f"{group.source}, {group.frames}:", listed(group.reasons))
            for group in view.silent
        ]
    if view.document.refused:
        parts += [Spacer(1, 6), paragraph("Files that could not be read", "h3")]
        parts += [
            led_paragraph(f"{refusal.source}:", refusal.reason) for refusal in view.document.refused
        ]
    return parts


def _frame(
    frame: FrameRecord, pixels: npt.NDArray[np.uint8] | None, *, lead: Sequence[Flowable]
) -> list[Flowable]:
    """The picture as it was, the picture with its outlines, and what was measured in it.

    ``lead`` stays on the page of the picture.
    """
    gap = 8.0
    column = (CONTENT_WIDTH - gap) / 2
    width = min(column, _TALLEST_PICTURE * frame.width / frame.height)
    title = f"{frame.source}, {wording.frame_number(frame.frame)}"
    side = f", {frame.side} ovary" if frame.side else ""
    plain = FramePicture(frame, pixels, width=width, is_marked=False)
    marked = FramePicture(frame, pixels, width=width, is_marked=True)
    notes = wording.frame_notes(frame, has_picture=pixels is not None)
    told: list[Flowable] = [
        _legend(frame),
        led_paragraph(f"{frame_summary(frame)}.", ""),
        *(paragraph(line) for line in ovary_lines(frame)),
        *(paragraph(note, "quiet") for note in notes),
    ]
    histogram = follicle_histogram(frame)
    no_edge = [("RIGHTPADDING", (0, 0), (-1, -1), 0)]
    block: list[Flowable] = [
        *lead,
        paragraph(f"{title}{side}{'' if frame.assessable else ' · not assessable'}", "h3"),
        grid([[plain, "", marked]], [column, gap, column], no_edge),
        grid([[told, "", histogram]], [column, gap, column], no_edge),
    ]
    table = follicle_table(frame)
    if len(numbered_follicles(frame)) <= _FEW_FOLLICLES:
        return [KeepTogether([*block, *table]), Spacer(1, 14)]
    return [KeepTogether(block), *table, Spacer(1, 14)]


def _legend(frame: FrameRecord) -> Paragraph:
    kinds = dict.fromkeys(mark.kind for mark in frame_marks(frame))
    words = "; ".join(f"{MARKS[kind].legend_on_paper}: {MARKS[kind].meaning}" for kind in kinds)
    return paragraph(f"{words[:1].upper()}{words[1:]}", "quiet")


def _considerations(considerations: list[Consideration]) -> list[Flowable]:
    if not considerations:
        return _section("Considerations", paragraph("None for this conclusion.", "quiet"))
    parts: list[Flowable] = []
    for item in considerations:
        because = [f"Brought up by: {spelled(item.because)}"] if item.because else []
        lines = [*because, wording.standing(item)]
        parts.append(
            KeepTogether(
                [bullet(item.text), *(indented(line, "quiet") for line in lines), Spacer(1, 3)]
            )
        )
    return _section("Considerations", *parts)


def _provenance(view: ReportView) -> list[Flowable]:
    document = view.document
    pairs = [*wording.provenance_facts(document)]
    pairs += [("Release", "no network was used")] if not document.release else []
    pairs += [(f"Release: {name}", value) for name, value in wording.release_facts(document)]
    pairs += [(file.source, f"SHA-256 {file.sha256}") for file in document.provenance.inputs]
    parts: list[Flowable] = [facts(pairs)]
    if document.rules:
        parts += [Spacer(1, 8), paragraph("Thresholds applied", "h3")]
    for rule in document.rules:
        told = [
            bullet(spelled(wording.rule_words(rule))),
            indented(wording.standing(rule), "quiet"),
        ]
        parts.append(KeepTogether(told))
    return _section("Provenance", *parts)


def _signature(document: AssessmentDocument) -> list[Flowable]:
    if document.signature:
        return _section("Signature", paragraph(wording.signed_words(document.signature)))
    third = CONTENT_WIDTH / 3
    lines = grid(
        [[paragraph(words, "quiet") for words in ("Name and role", "Date", "Signature")]],
        [third - 10, third - 10, third + 20],
        [("LINEABOVE", (0, 0), (-1, -1), 0.8, colour("ink"))],
    )
    draft = led_paragraph(f"{wording.DRAFT}.", "Findings, outlines and wording may still change.")
    return [KeepTogether(_section("Signature", draft, Spacer(1, 22), lines))]


def _section(title: str, *content: Flowable) -> list[Flowable]:
    heading = _Heading(title)
    return [Spacer(1, 12), CondPageBreak(80), heading, *content]


class _Heading(Paragraph):  # type: ignore[misc]
    """A section heading that is also an entry in the reader's outline."""

    def __init__(self, title: str) -> None:
        source = paragraph(title, "h2")
        super().__init__(title, source.style)
        self.title = title

    def draw(self) -> None:
        """Paint the heading and set the outline entry."""
        canvas: Canvas = self.canv
        canvas.bookmarkPage(self.title)
        canvas.addOutlineEntry(self.title, self.title, level=0)
        super().draw()


def _study(document: AssessmentDocument) -> str:
    sources = list(dict.fromkeys(frame.source for frame in document.frames))
    if not sources:
        return "Clinical assessment without pictures"
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    name = sources[0]
    if len(name) > _STUDY_LENGTH:
        name = f"{name[: _STUDY_LENGTH // 2]}…{name[-_STUDY_LENGTH // 2 :]}"
    return f"{name}{more}"


def _status(document: AssessmentDocument) -> str:
    return f"Signed by {document.signature.name}" if document.signature else wording.DRAFT
