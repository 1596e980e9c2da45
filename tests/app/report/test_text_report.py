"""The terminal report: one screen, 80 columns, unknowns with their reasons, no surprises."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from deeppcos.app.report.text import MOST_LINES, report_lines, report_rich, report_text
from deeppcos.app.report.view import report_view
from deeppcos.app.report.wording import BANNER, DRAFT
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.assessment_json import document_from_dict


def flat(text: str) -> str:
    return " ".join(text.split())


def test_it_says_what_matters(full_document: AssessmentDocument) -> None:
    text = flat(report_text(full_document))
    assert text.startswith(BANNER)
    for said in (
        report_view(full_document).sentence,
        "!! rapid onset: consider an androgen-secreting source",
        "[+] Ovulatory dysfunction: present",
        "[/] Polycystic morphology: not assessable",
        "unknown because missing: prolactin, 17-OHP",
        "provisional until known: recent hair removal",
        "FNPS 15 (12–17); Tracked estimate 23 (18–29); Volume 11.4 mL (7.6–18.1)",
        "FNPO (needs a 3D volume); Volume (the file states no pixel size)",
        "Severity R3 M? H1–2 B≥1",
        "grade boundaries are not outcome-validated",
        "Would settle this: prolactin, 17-OHP",
        "Refused: notes.dcm: a PDF named .dcm",
        DRAFT,
    ):
        assert said in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_keeps_to_the_width(full_document: AssessmentDocument, width: int) -> None:
    lines = report_lines(full_document, width=width)
    assert max(len(line.text) for line in lines) <= width


def test_no_more_than_two_reasons_stand_under_a_criterion(full_content: dict[str, Any]) -> None:
    full_content["findings"]["exclusions"]["reasons"] = [f"test {n} is normal" for n in range(5)]
    text = flat(report_text(document_from_dict(full_content)))
    assert "Test 0 is normal" in text
    assert "Test 2 is normal" not in text
    assert "and 3 more" in text


def test_severity_gives_way_before_the_reasons_of_a_criterion(
    full_content: dict[str, Any],
) -> None:
    drivers = [f"driver {number} " + "of many words " * 6 for number in range(3)]
    for name in ("reproductive", "androgen", "metabolic"):
        full_content["severity"][name]["drivers"] = drivers
    text = flat(report_text(document_from_dict(full_content)))
    assert "mFG score 9; cut-off 5 Total testosterone 62 ng/dL; limit 48" in text
    assert "driver 2" not in text
    assert "Reproductive: grade 3 of 3" in text


def test_the_closing_is_never_cut(full_content: dict[str, Any]) -> None:
    long = "a reason of very many words that goes on and on, " * 5 + "to its end"
    full_content["refused"] = [{"source": f"{n}.dcm", "reason": f"{long} {n}"} for n in range(4)]
    full_content["frames"][1]["not_assessable_because"] = [long]
    text = flat(report_text(document_from_dict(full_content)))
    for number in range(4):
        assert f"{long} {number}" in text
    assert f"frame 1: {long}" in text
    assert text.endswith(f"{DRAFT}.")
    assert "Would settle this: prolactin, 17-OHP" in text
    assert "5 frames read" in text


def test_every_line_of_a_long_report_belongs_to_a_whole_sentence(
    full_content: dict[str, Any],
) -> None:
    full_content["conclusion"]["red_flags"] *= 9
    text = report_text(document_from_dict(full_content))
    assert "shortened" not in text
    assert text.endswith("signs.\n")


def test_whenever_it_was_written_the_same_document_reads_the_same(
    full_content: dict[str, Any],
) -> None:
    later = {**full_content, "provenance": {**full_content["provenance"]}}
    later["provenance"]["created"] = "2027-01-02T03:04:00Z"
    first, second = (report_text(document_from_dict(content)) for content in (full_content, later))
    assert first == second


def test_it_fits_one_screen(
    full_document: AssessmentDocument, empty_document: AssessmentDocument
) -> None:
    assert len(report_lines(full_document)) <= MOST_LINES
    assert len(report_lines(empty_document)) <= MOST_LINES


def test_long_lists_say_how_many_more(full_content: dict[str, Any]) -> None:
    reasons = [f"reason {number} " + "with many words " * 12 for number in range(30)]
    full_content["findings"]["hyperandrogenism"]["reasons"] = reasons
    flags = [{"trigger": reason, "message": "look"} for reason in reasons]
    full_content["conclusion"]["red_flags"] = flags
    full_content["frames"] *= 9
    lines = report_lines(document_from_dict(full_content))
    assert len(lines) <= MOST_LINES
    assert "and 29 more" in report_text(document_from_dict(full_content))
    assert DRAFT.split()[-1] in lines[-1].text


def test_it_degrades_without_colour(full_document: AssessmentDocument) -> None:
    stream = StringIO()
    Console(file=stream, no_color=True, width=80).print(report_rich(full_document), end="")
    assert stream.getvalue() == report_text(full_document)
    assert "\x1b" not in stream.getvalue()


def test_colour_adds_nothing_but_colour(full_document: AssessmentDocument) -> None:
    stream = StringIO()
    console = Console(file=stream, force_terminal=True, color_system="standard", width=80)
    console.print(report_rich(full_document), end="")
    assert "\x1b[" in stream.getvalue()
    assert report_rich(full_document).plain == report_text(full_document)


def test_control_characters_never_reach_the_terminal(hostile_document: AssessmentDocument) -> None:
    text = report_text(hostile_document)
    assert "\x1b" not in text
    assert "[31m<b>red</b>.dcm" in text


def test_nothing_known_reads_as_unknown(empty_document: AssessmentDocument) -> None:
    text = report_text(empty_document)
    assert text.count("[?]") == 4
    assert "R? M? H? B?" in text
    assert "No frames read" in text
