"""The viewer's words: every sentence translated, none with its holes changed, in the page too."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import polib
import pytest
from django.conf import settings
from django.test import Client
from tests.app.web.viewer.conftest import SEEN, Open, at, wait_until_saved

from deeppcos.app.web.models import Study, User
from deeppcos.app.web.viewer import urls

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WEB = Path(urls.__file__).parents[1]
SCRIPTS = WEB / "static" / "viewer"
PAGE = WEB / "templates" / "viewer" / "page.html"
TRANSLATED = [code for code, _ in settings.STAFF_LANGUAGES if not code.startswith("en")]
SPOKEN = re.compile(r'\b([np]?)gettext\(\s*"((?:[^"\\]|\\.)*)"(?:,\s*"((?:[^"\\]|\\.)*)")?')
SHOWN = re.compile(r"""translate (?:"([^"]+)"|'([^']+)')|_\("([^"]+)"\)""")

Sentence = tuple[str | None, str, str]


def spoken() -> Iterator[Sentence]:
    """Context, sentence and plural of everything the scripts say."""
    for script in sorted(SCRIPTS.glob("*.js")):
        if script.name == "i18n.js":
            continue
        for kind, first, second in SPOKEN.findall(script.read_text(encoding="utf-8")):
            if kind == "p":
                yield first, second, ""
            else:
                yield None, first, second if kind == "n" else ""


def holes(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}|%\(\w+\)s", text))


@pytest.mark.parametrize("language", TRANSLATED)
def test_everything_the_scripts_say_is_translated_and_nothing_else(language: str) -> None:
    catalogue = polib.pofile(str(WEB / "locale" / language / "LC_MESSAGES" / "djangojs.po"))
    known = {(one.msgctxt, one.msgid, one.msgid_plural): one for one in catalogue}
    sentences = set(spoken())
    assert len(sentences) > 200
    assert sentences - set(known) == set(), "not translated"
    assert set(known) - sentences == set(), "said nowhere"
    for (_, text, plural), entry in known.items():
        said = list(entry.msgstr_plural.values()) if plural else [entry.msgstr]
        assert len(said) == (2 if plural else 1)
        for one in said:
            assert one.strip(), text
            assert holes(one) <= holes(text) | holes(plural), text
        assert holes(said[-1]) == holes(plural or text), text


@pytest.mark.parametrize("language", TRANSLATED)
def test_everything_the_page_says_is_translated(language: str) -> None:
    catalogue = polib.pofile(str(WEB / "locale" / language / "LC_MESSAGES" / "django.po"))
    known = {one.msgid: one.msgstr for one in catalogue}
    shown = {next(filter(None, found)) for found in SHOWN.findall(PAGE.read_text(encoding="utf-8"))}
    assert len(shown) > 50
    assert {one for one in shown if not known.get(one)} == set()


@pytest.mark.parametrize("domain", ["django", "djangojs"])
@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_words_are_the_written_ones(language: str, domain: str) -> None:
    folder = WEB / "locale" / language / "LC_MESSAGES"
    written = polib.pofile(str(folder / f"{domain}.po")).to_binary()
    compiled = (folder / f"{domain}.mo").read_bytes()
    assert compiled == written, "run scripts/compile_translations.py"


@pytest.mark.parametrize(
    ("chosen", "page_says", "script_says"),
    [
        ("de", "Follikel hinzufügen", "gel\\u00f6scht"),
        ("es", "Añadir folículo", "marcas borradas"),
        ("xx", "Add follicle", ""),
    ],
    ids=["German", "Spanish", "none-we-speak"],
)
def test_the_viewer_speaks_what_its_reader_chose(
    clinician_client: Client, seen_study: Study, chosen: str, page_says: str, script_says: str
) -> None:
    clinician_client.post("/accounts/me/language/", {"language": chosen})
    page = clinician_client.get(f"/studies/{seen_study.pk}/viewer/")
    assert page_says in page.content.decode()
    words = clinician_client.get("/studies/viewer/words.js")
    assert words["Content-Type"].startswith("text/javascript")
    assert "Cookie" in words["Vary"]
    assert script_says in words.content.decode()


@pytest.mark.parametrize("asked", ["de-AT,de;q=0.9", "es-MX", "fr, en;q=0.5", ""])
def test_whatever_a_browser_asks_for_the_clinics_pages_speak_one_language(
    clinician_client: Client, seen_study: Study, asked: str
) -> None:
    headers = {"accept-language": asked}
    pages = ("/", "/accounts/me/", *(f"/studies/{seen_study.pk}/{p}" for p in ("", "viewer/")))
    for address in pages:
        page = clinician_client.get(address, headers=headers).content.decode()
        assert '<html lang="en-gb"' in page, address
    assert "Add follicle" in page


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_german_reader_is_spoken_to_in_german(
    browser: "Browser", opened: Open, clinician: User, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="de-DE")
    clinician.language = "de"
    clinician.save()
    page = context.new_page()
    opened(page, clinician)
    page.mouse.click(*at(page, SEEN[0]))
    assert "Follikel 1, 6,0 mm, antral, von der Maschine" in page.locator("#live").inner_text()
    page.keyboard.press("Delete")
    wait_until_saved(page, 1)
    assert page.locator("#standing").inner_text().startswith("Gespeichert")
    assert "keine Korrektur" not in page.locator("#section").inner_text()
    assert (
        page.locator("#live").inner_text() == "1 Markierung gelöscht. 2 Follikel in diesem Schnitt"
    )
    page.screenshot(path=tmp_path / "german.png")
    context.close()
