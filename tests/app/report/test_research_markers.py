import io
import json

import pytest

from deeppcos.app.report import text
from deeppcos.app.report.html import render_html
from deeppcos.app.report.pdf import render_pdf
from deeppcos.app.report.research_markers import marker_number, markers_shown
from deeppcos.app.report.text import report_text
from deeppcos.app.workflow import assess_chart
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.assessment_json import document_from_dict

FASTING = {
    "labs": [
        {"analyte": "fasting_glucose", "value": 90, "unit": "mg/dL"},
        {"analyte": "fasting_insulin", "value": 9, "unit": "uIU/mL"},
    ]
}


@pytest.fixture
def document() -> AssessmentDocument:
    return assess_chart(json.dumps(FASTING))


def test_what_the_chart_allows_is_shown_with_formula_and_source(
    document: AssessmentDocument,
) -> None:
    shown = markers_shown(document)
    assert shown is not None
    first = shown.rows[0]
    assert (first.label, first.value) == ("HOMA-IR", "2.00")
    assert first.formula == "glucose (mmol/L) × insulin (uIU/mL) / 22.5"
    assert first.source == "Matthews 1985"
    assert "TyG (missing: triglycerides)" in shown.lacking


def test_every_report_shows_them_ungraded(document: AssessmentDocument) -> None:
    pypdf = pytest.importorskip("pypdf")
    pages = pypdf.PdfReader(io.BytesIO(render_pdf(document, {}))).pages
    paper = " ".join(" ".join(page.extract_text() for page in pages).split())
    for said in (render_html(document, {}), paper, " ".join(report_text(document).split())):
        assert "HOMA-IR" in said
        assert "not graded" in said
        assert "2.00" in said


def test_on_a_full_screen_reasons_stay_and_the_markers_give_way(
    document: AssessmentDocument,
    full_document: AssessmentDocument,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = full_document.model_copy(update={"insulin_resistance": None})
    marked = full_document.model_copy(update={"insulin_resistance": document.insulin_resistance})
    without = [line.text for line in text.report_lines(bare)]
    monkeypatch.setattr(text, "MOST_LINES", len(without) + 1)
    told = [line.text for line in text.report_lines(marked)]
    left_out = [line for line in told if line.startswith("Markers of insulin resistance")]
    assert left_out == ["Markers of insulin resistance, not graded: in the report (--out)"]
    assert [line for line in told if line not in left_out] == without


def test_a_chart_that_allows_none_has_no_empty_section() -> None:
    empty = assess_chart("{}")
    assert markers_shown(empty) is None
    assert "Markers of insulin resistance" not in render_html(empty, {})
    assert "Markers of insulin resistance" not in report_text(empty)


def test_a_document_older_than_the_markers_is_still_read(document: AssessmentDocument) -> None:
    content = document.model_dump(mode="json")
    del content["insulin_resistance"]
    assert markers_shown(document_from_dict(content)) is None


def test_a_marker_that_is_not_defined_says_why() -> None:
    low = json.dumps(FASTING).replace("90", "60")
    shown = markers_shown(assess_chart(low))
    assert shown is not None
    assert any(one.startswith("HOMA-B (glucose is 3.5 mmol/L") for one in shown.lacking)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0.000"), (99.96, "100.0"), (-3.14159, "-3.14")]
)
def test_numbers_keep_the_digits_that_matter(value: float, shown: str) -> None:
    assert marker_number(value) == shown
