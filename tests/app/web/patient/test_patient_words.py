"""What a patient reads: plain, complete in every language, and never a word that frightens."""

import ast
import re
from itertools import takewhile
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from deeppcos.app.desk.patient_view import CountKind, OvaryFacts, PatientView
from deeppcos.app.web.models import SignedReport, User
from deeppcos.app.web.patient import words
from deeppcos.app.web.patient.releasing import release_to_patient
from deeppcos.clinical.criteria import Status
from deeppcos.clinical.wording import CONDITION_NAMES, PATIENT_SENTENCES

LOCALE = Path(words.__file__).parents[1] / "locale"
TRANSLATED = [code for code, _ in settings.PATIENT_LANGUAGES if code != "en"]
FORBIDDEN = re.compile(r"\b(cysts?|quistes?|zysten?|diagnosed|suffer|abnormal|obes|infertil)", re.I)


def _sentences() -> list[str]:
    """Every sentence that can be shown, as written in the source."""
    tree = ast.parse(Path(words.__file__).read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("_", "gettext") and isinstance(node.args[0], ast.Constant):
                found.append(str(node.args[0].value))
            elif node.func.id == "ngettext":
                found += [str(ast.literal_eval(argument)) for argument in node.args[:2]]
    return [*found, *PATIENT_SENTENCES.values()]


def _syllables(word: str) -> int:
    """Vowel groups, without a silent e: close enough for a reading grade."""
    groups = re.findall(r"[aeiouy]+", word.lower())
    silent = word.lower().endswith("e") and not word.lower().endswith("le")
    return max(1, len(groups) - silent)


def _grade(text: str) -> float:
    """Flesch-Kincaid grade of English text.

    Source: Kincaid 1975.
    """
    sentences = [s for s in re.split(r"[.?!:]+", text) if s.strip()]
    found = re.findall(r"[A-Za-z']+", text)
    syllables = sum(_syllables(word) for word in found)
    return 0.39 * len(found) / len(sentences) + 11.8 * syllables / len(found) - 15.59


def test_the_grade_formula_agrees_with_a_published_example() -> None:
    """The Gettysburg Address' first sentence is far above a primary school text."""
    assert _grade("The cat sat on the mat. The dog ran to it.") < 1
    assert (
        _grade(
            "Four score and seven years ago our fathers brought forth on this continent a "
            "new nation conceived in liberty and dedicated to the proposition that all men "
            "are created equal."
        )
        > 12
    )


def test_the_whole_page_reads_at_sixth_grade_or_below() -> None:
    text = " ".join(s if s.endswith((".", "?", "!", ":")) else f"{s}." for s in _sentences())
    assert _grade(text) <= 6.0


def test_no_sentence_is_longer_than_twenty_four_words() -> None:
    for sentence in _sentences():
        for part in re.split(r"[.?!:]", sentence):
            assert len(part.split()) <= 24, part


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated(language: str) -> None:
    catalogue = polib.pofile(str(LOCALE / language / "LC_MESSAGES" / "django.po"))
    known = {entry.msgid: entry for entry in catalogue}
    singular = [s for s in _sentences() if not any(e.msgid_plural == s for e in catalogue)]
    for sentence in [*singular, *CONDITION_NAMES.values()]:
        entry = known.get(sentence)
        assert entry is not None, f"{language}: not translated: {sentence}"
        for said in [entry.msgstr, *entry.msgstr_plural.values()]:
            if said or not entry.msgid_plural:
                assert _holes(said) == _holes(sentence), f"{language}: {sentence}"


def _holes(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)s|\{\w+\}", text))


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_catalogue_is_the_written_one(language: str) -> None:
    folder = LOCALE / language / "LC_MESSAGES"
    written = polib.pofile(str(folder / "django.po")).to_binary()
    assert (folder / "django.mo").read_bytes() == written, "run scripts/compile_translations.py"


@pytest.mark.parametrize("language", ["en", *TRANSLATED])
def test_no_word_frightens_or_blames(language: str) -> None:
    if language == "en":
        text = " ".join(_sentences())
    else:
        catalogue = polib.pofile(str(LOCALE / language / "LC_MESSAGES" / "django.po"))
        # What follows is the clinic's: a sonographer calls a mark what it is.
        hers = list(takewhile(lambda entry: entry.tcomment != "The page of the viewer.", catalogue))
        assert len(hers) > 60
        text = " ".join(said for e in hers for said in [e.msgstr, *e.msgstr_plural.values()])
    assert FORBIDDEN.findall(text) == []


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("name", ["pcos", "pmos", "both"])
def test_every_conclusion_has_its_sentence_with_the_chosen_name(status: Status, name: str) -> None:
    view = PatientView(
        status=status.value,
        features=(),
        ovaries=(),
        is_something_missing=False,
        picture=None,
        has_pictures=True,
    )
    for language in ("en", *TRANSLATED):
        with translation.override(language):
            said = words.conclusion_sentence(view, name)
        assert "{" not in said
        if name == "pmos" and "{name}" in PATIENT_SENTENCES[status]:
            assert "PMOS" in said
            assert "PCOS" not in said


@pytest.mark.parametrize(
    ("kind", "count", "said"),
    [
        (CountKind.SECTION, 1, "1 follicle was counted in one picture"),
        (CountKind.SECTION, 12, "12 follicles were counted in one picture"),
        (CountKind.SWEEP, 27, "About 27 follicles were found in a moving picture"),
        (CountKind.OVARY, 22, "22 follicles were counted in the whole ovary"),
        (None, None, "could not be counted"),
    ],
)
def test_a_count_is_named_for_what_it_was_counted_in(
    kind: CountKind | None, count: int | None, said: str
) -> None:
    facts = OvaryFacts(side="left", follicle_count=count, counted_in=kind, volume_ml=None)
    view = PatientView(
        status="indeterminate",
        features=(),
        ovaries=(facts,),
        is_something_missing=True,
        picture=None,
        has_pictures=True,
    )
    (ovary,) = words.ovaries(view)
    assert said in ovary.sentences[0]
    assert len(ovary.sentences) == 1, "an unknown size is not told"


def test_the_page_changes_its_language(report: SignedReport, clinician: User) -> None:
    secret = release_to_patient(report.study, by=clinician, language="en", days=3)
    page = reverse("patient:page", args=[secret])
    spanish = Client().get(page, {"language": "es"}).content.decode()
    assert '<html lang="es"' in spanish
    assert "En una imagen se contaron 7 folículos" in spanish
    unknown = Client().get(page, {"language": "xx"}).content.decode()
    assert '<html lang="en"' in unknown
