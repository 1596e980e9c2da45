"""The PDF: the same words as the page, on every page its status, readable by machines."""

import re
import time
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from deeppcos.app.report.field_names import readable
from deeppcos.app.report.pdf import render_pdf
from deeppcos.app.report.pdf_type import paragraph, printable, register_fonts
from deeppcos.app.report.sentences import told
from deeppcos.app.report.view import report_view
from deeppcos.app.report.wording import BANNER, DRAFT
from deeppcos.records.assessment_document import AssessmentDocument, Signature
from deeppcos.records.assessment_json import document_from_dict


def read(pdf: bytes) -> PdfReader:
    return PdfReader(BytesIO(pdf))


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in read(pdf).pages).split())


def test_the_text_holds_conclusion_criteria_and_measurements(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    text = text_of(render_pdf(full_document, pictures))
    assert report_view(full_document).sentence in text
    conclusion = full_document.conclusion
    said = [*conclusion.reasons, *(flag.message for flag in conclusion.red_flags)]
    said += [step.measurement for step in full_document.would_settle]
    for finding in dict(full_document.findings).values():
        said += [*finding.reasons, *finding.missing, *finding.provisional_on]
    for name in ("reproductive", "morphology", "androgen", "metabolic"):
        axis = getattr(full_document.severity, name)
        said += [*axis.drivers, *axis.missing]
    said += [item.text for item in full_document.considerations]
    said += [part for refusal in full_document.refused for part in (refusal.source, refusal.reason)]
    said += ["15 (12–17)", "23 (18–29)", "11.4 mL (7.6–18.1)", "needs a 3D volume"]
    said += ["no ovary in view", "frames 1–3", "never summed", full_document.severity.notice]
    assert len(said) > 30
    shown = text.lower()
    assert [w for w in said if told(w).lower() not in shown and readable(w) not in text] == []


def test_every_page_says_research_use_draft_and_its_number(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    pages = read(render_pdf(full_document, pictures)).pages
    assert len(pages) > 1
    for number, page in enumerate(pages, start=1):
        text = page.extract_text()
        assert BANNER in text
        assert DRAFT in text
        assert f"{number} / {len(pages)}" in text


def test_a_signed_document_is_no_draft(full_document: AssessmentDocument) -> None:
    signature = Signature(name="Dr Jo Roe", signed=datetime(2026, 11, 24, tzinfo=UTC))
    text = text_of(render_pdf(full_document.model_copy(update={"signature": signature}), {}))
    assert DRAFT not in text
    assert "Signed by Dr Jo Roe" in text


def test_the_file_has_title_language_and_outline(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    reader = read(render_pdf(full_document, pictures))
    assert reader.metadata is not None
    assert reader.metadata.title == "Exclusion incomplete: ovarian assessment"
    assert reader.metadata.subject == report_view(full_document).sentence
    assert str(reader.root_object["/Lang"]) == "en-GB"
    titles = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert titles[0] == "Criteria"
    assert titles[-1] == "Signature"


def test_the_pictures_are_embedded_beside_vector_outlines(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    with_pictures = read(render_pdf(full_document, pictures))
    without = read(render_pdf(full_document, {}))
    assert sum(len(page.images) for page in with_pictures.pages) >= 2
    assert sum(len(page.images) for page in without.pages) == 0


def test_fonts_are_embedded(full_document: AssessmentDocument) -> None:
    for page in read(render_pdf(full_document, {})).pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            if "Vera" in str(font.get_object()["/BaseFont"]):
                assert "/FontFile2" in font.get_object()["/FontDescriptor"]
                break
        else:
            pytest.fail("a page without an embedded font")


def test_hostile_strings_are_shown_not_obeyed(hostile_document: AssessmentDocument) -> None:
    text = text_of(render_pdf(hostile_document, {}))
    assert "<script>alert(1)</script>" in text.replace(" ", "")
    assert "</style><script>alert(3)</script>" in text
    assert "[U+001B][31m<b>red</b>.dcm" in text


def test_letters_the_font_lacks_are_spelt_out() -> None:
    assert printable("Zoë ≥ 5 µm² – 左") == "Zoë ≥ 5 µm² – [U+5DE6]"
    register_fonts()
    assert paragraph("<b>a & b</b>").getPlainText() == "<b>a & b</b>"


def test_nothing_known_and_no_frame_makes_a_pdf(empty_document: AssessmentDocument) -> None:
    text = text_of(render_pdf(empty_document, {}))
    assert report_view(empty_document).sentence in text
    assert "No picture was read." in text
    assert "Clinical assessment without pictures" in text


def test_no_word_gives_a_verdict(full_document: AssessmentDocument) -> None:
    text = text_of(render_pdf(full_document, {})).lower()
    assert "diagnosed" not in text
    assert not re.search(r"\bcysts?\b", text)


def test_a_long_sweep_renders_quickly_and_says_how_many_more(
    sweep_document: AssessmentDocument,
) -> None:
    begun = time.process_time()
    text = text_of(render_pdf(sweep_document, {}))
    assert time.process_time() - begun < 5
    assert "3 of 50 assessed frames are shown" in text


def test_a_document_that_overflows_every_part_still_makes_a_pdf(
    full_content: dict[str, Any],
) -> None:
    many = [f"reason {number} " + "with many words " * 20 for number in range(30)]
    full_content["findings"]["hyperandrogenism"] |= {"reasons": many, "missing": many}
    full_content["conclusion"]["red_flags"] = [{"trigger": t, "message": "look"} for t in many]
    full_content["would_settle"] = [{"measurement": step} for step in many]
    full_content["severity"]["androgen"]["drivers"] = many
    full_content["measurements"]["left"]["fnpo"]["unknown_because"] = "why " * 1500
    full_content["refused"] = [{"source": "x" * 400, "reason": "y" * 1500}] * 9
    full_content["release"] = {"metrics": {"dice": ["z" * 50] * 400}}
    text = text_of(render_pdf(document_from_dict(full_content), {}))
    assert "reason 29 with" in text
    assert "whole in assessment.json" in text
