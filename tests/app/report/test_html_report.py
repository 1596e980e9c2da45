"""The page: complete, self-contained, well formed, escaped, navigable."""

import re
import time
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image

from deeppcos.app.report.field_names import readable
from deeppcos.app.report.html import picture_data_uri, render_html
from deeppcos.app.report.sentences import told
from deeppcos.app.report.wording import BANNER, DRAFT
from deeppcos.records.assessment_document import AssessmentDocument, Signature

VOID = {"meta", "link", "img", "br", "input", "hr"}
CODED = {
    "schema",
    "status",
    "state",
    "kind",
    "verification",
    "confidence",
    "rule_version",
    "created",
    "relation",
    "unit",
    "rules",
    "key",
}


class Page(HTMLParser):
    """Text, tags and attributes of a page; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def sayings(part: Any, key: str = "") -> Iterator[str]:
    """Every free text of a document."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name not in CODED:
                yield from sayings(value, name)
    elif isinstance(part, list) and key != "polygon":
        for value in part:
            yield from sayings(value, key)
    elif isinstance(part, str):
        yield part


def test_every_element_of_the_document_appears(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    text = Page(render_html(full_document, pictures)).text
    content = full_document.model_dump(mode="json")
    expected = [said for said in sayings(content) if said != "dicom_regions"]
    assert len(expected) > 60
    shown = text.lower()
    assert [
        said for said in expected if told(said).lower() not in shown and readable(said) not in text
    ] == []
    assert "DICOM ultrasound regions" in text


def test_numbers_appear_with_their_intervals(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    text = Page(render_html(full_document, pictures)).text
    for said in ("15 (12–17)", "23 (18–29)", "86% of the sweep", "11.4 mL (7.6–18.1)"):
        assert said in text
    assert "36.8 × 23.5 × 25.2 mm" in text
    assert text.count("left_sweep.dcm") >= 5
    for grade in ("Grade 3 of 3", "Grade unknown", "Grade 1 to 2", "Grade 1 or higher"):
        assert grade in text


def test_the_parts_come_in_the_order_a_clinician_needs(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    text = Page(render_html(full_document, pictures)).text
    body = text[text.index(BANNER) :]
    order = [
        BANNER,
        "Red flag",
        "Enough criteria for PCOS",
        "Hyperandrogenism",
        "What would settle this",
        "Severity by axis",
        "Tracked estimate",
        "Outlines are proposals",
        "Frames that could not be assessed",
        "Files that could not be read",
        "The guideline suggests considering",
        "Criteria profile",
        "Name and role",
    ]
    places = [body.index(part) for part in order]
    assert places == sorted(places)


def test_no_request_leaves_the_page(full_document: AssessmentDocument, pictures: Any) -> None:
    html = render_html(full_document, pictures)
    assert not re.search(r"https?://|//[a-z0-9-]+\.[a-z]|@import", html, re.IGNORECASE)
    assert not re.search(r"url\((?!#)", html)
    page = Page(html)
    assert page.named("link") == []
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            target = attributes.get(name)
            if target is not None:
                assert target.startswith(("#", "data:image/png;base64,")), (tag, target[:60])
    (policy,) = [m for m in page.named("meta") if "http-equiv" in m]
    assert str(policy["content"]).startswith("default-src 'none'; img-src data:")


def test_the_page_nests_and_its_ids_are_unique(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    page = Page(render_html(full_document, pictures))
    assert page.stack == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in page.named("a"):
        assert str(attributes["href"])[1:] in ids
    for _, attributes in page.tags:
        for name in str(attributes.get("aria-labelledby") or "").split():
            assert name in ids


def test_headings_never_skip_a_level(full_document: AssessmentDocument, pictures: Any) -> None:
    quiet = full_document.model_copy(
        update={"conclusion": full_document.conclusion.model_copy(update={"red_flags": []})}
    )
    page = Page(render_html(quiet, pictures))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_pictures_have_words_and_keyboards_have_a_way(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    page = Page(render_html(full_document, pictures))
    assert page.tags[[tag for tag, _ in page.tags].index("html")][1]["lang"] == "en-GB"
    assert page.named("a")[0] == {"class": "skip", "href": "#conclusion"}
    for attributes in page.named("svg"):
        assert attributes.get("aria-hidden") == "true" or attributes.get("aria-label")
    assert all("aria-label" in b or "aria-pressed" in b for b in page.named("button"))
    scans = [s["aria-label"] for s in page.named("svg") if s.get("class") == "scan"]
    assert scans[0] == (
        "Ultrasound picture, left_sweep.dcm, frame 13. 1 ovary outlined, 15 follicles marked"
    )


def test_every_row_has_its_outline(full_document: AssessmentDocument, pictures: Any) -> None:
    page = Page(render_html(full_document, pictures))
    rows = [row["data-mark"] for row in page.named("tr") if "data-mark" in row]
    outlines = [mark["data-mark"] for mark in page.named("g") if "data-mark" in mark]
    assert sorted(map(str, rows)) == sorted(map(str, outlines))
    assert len(rows) == 15 + 8


def test_the_picture_is_embedded_without_loss(pictures: Any) -> None:
    pixels = pictures["left_sweep.dcm", 12]
    uri = picture_data_uri(pixels)
    back = Image.open(BytesIO(b64decode(uri.removeprefix("data:image/png;base64,"))))
    assert back.mode == "L"
    assert (np.asarray(back.convert("RGB")) == pixels).all()
    coloured = pixels.copy()
    coloured[0, 0, 0] = 255
    assert Image.open(BytesIO(b64decode(picture_data_uri(coloured)[22:]))).mode == "RGB"


def test_hostile_strings_stay_text(hostile_document: AssessmentDocument) -> None:
    html = render_html(hostile_document, {})
    page = Page(html)
    assert len(page.named("script")) == 1
    assert len(page.named("style")) == 1
    assert page.named("img") == []
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_nothing_known_and_no_frame_makes_a_page(empty_document: AssessmentDocument) -> None:
    text = Page(render_html(empty_document, {})).text
    assert text.count("Unknown") >= 4
    for said in ("No ovary was measured.", "No picture was read.", "None for this conclusion."):
        assert said in text
    assert "No network was used." in text


def test_a_frame_without_pixels_says_so(full_document: AssessmentDocument) -> None:
    page = Page(render_html(full_document, {}))
    assert "The picture itself was not given to this report" in page.text
    assert page.named("image") == []


def test_it_is_a_draft_until_signed(full_document: AssessmentDocument) -> None:
    assert DRAFT in Page(render_html(full_document, {})).text
    signature = Signature(name="Dr Jo Roe", signed=datetime(2026, 11, 24, tzinfo=UTC))
    signed = full_document.model_copy(update={"signature": signature})
    text = Page(render_html(signed, {})).text
    assert DRAFT not in text
    assert "Signed by Dr Jo Roe" in text


def test_no_word_gives_a_verdict(full_document: AssessmentDocument, pictures: Any) -> None:
    text = Page(render_html(full_document, pictures)).text.lower()
    assert "diagnosed" not in text
    assert not re.search(r"\bcysts?\b", text)


def test_a_long_sweep_renders_quickly_and_says_how_many_more(
    sweep_document: AssessmentDocument,
) -> None:
    begun = time.process_time()
    html = render_html(sweep_document, {})
    assert time.process_time() - begun < 3
    page = Page(html)
    assert "3 of 50 assessed frames are shown" in page.text
    assert len([s for s in page.named("svg") if s.get("class") == "scan"]) == 3
