"""How a clinical sentence is shown: codes in words, units as written, sources set apart.

Owns the rewording for readers. The sentences themselves come from ``deeppcos.clinical`` and
stand unchanged in the document; each applied threshold is listed whole under Provenance.
"""

import re
from collections.abc import Iterable

from deeppcos.app.report.field_names import readable_within
from deeppcos.app.report.wording import VERIFICATION_WORDS

POPULATIONS = {
    "white american": "White American",
    "black american": "Black American",
    "white russian": "White Russian",
    "asian russian": "Asian Russian",
    "white italian": "White Italian",
    "turkish": "Turkish",
    "white iranian": "White Iranian",
    "black african": "Black African",
    "south indian": "South Indian",
    "han chinese": "Han Chinese",
    "southern chinese": "Southern Chinese",
    "korean": "Korean",
    "filipino": "Filipino",
}
_GUIDELINE = "2023 International Guideline"
_VERIFIED = r"(?P<how>V2|V|M|project)"
_IN_BRACKETS = re.compile(rf"\s*\((?P<source>[^()]+(?:\([^()]*\)[^()]*)*); {_VERIFIED}\)")
"""A rule's source as it follows its limit: ``(guideline [G2]; V2)``."""
_KEYS_ALONE = re.compile(rf"\s*\[(?P<keys>[A-Z]\d+(?:, [A-Z]\d+)*); {_VERIFIED}\]")
"""Keys of the reference list alone: ``[G2; V2]``."""
_AT_THE_END = re.compile(rf"\.\s+(?P<source>[^.;]*\[[A-Z]\d[^\]]*\]); {_VERIFIED}\.?$")
"""A source as a sentence of its own."""
_KEYS = re.compile(r"\s*\[[A-Z]\d+(?:, [A-Z]\d+)*\]")
_POPULATION = re.compile(rf"\b(population )?({'|'.join(POPULATIONS)})\b")
_SPELLINGS = (
    (re.compile(r"\[IU\]"), "IU"),
    (re.compile(r"(?<=/m)2\b"), "²"),
    (re.compile(r"(?<=\d) d\b"), " days"),
    (re.compile(r"\bpi/6(?= x )"), "π/6"),
    (re.compile(r"(?<=[\dm)]) x (?=[\dltu])"), " × "),
    (re.compile(r"\b0% of the required inputs are"), "none of the required inputs is"),
)
_LOWER_FIRST = re.compile(r"[a-z]{3,}(?=[ ,:])")


def told(sentence: str) -> str:
    """A clinical sentence without sources and codes, beginning with a capital.

    Examples:
        >>> told("mFG score 9, population han chinese: hirsutism ≥ 5 points (clusters [H1]; V).")
        'mFG score 9, Han Chinese population: hirsutism ≥ 5 points.'
        >>> told("not recorded: 17_ohp, fsh.upper_limit")
        'Not recorded: 17-OHP, FSH upper limit'
    """
    words = spelled(sentence)
    return f"{words[:1].upper()}{words[1:]}" if _LOWER_FIRST.match(words) else words


def spelled(words: str) -> str:
    """The same without touching the first letter."""
    for pattern, kept in ((_IN_BRACKETS, ""), (_KEYS_ALONE, ""), (_AT_THE_END, ".")):
        words = pattern.sub(kept, words)
    words = _POPULATION.sub(_named_population, words)
    for spelling, better in _SPELLINGS:
        words = spelling.sub(better, words)
    return readable_within(words)


def clause(sentence: str) -> str:
    """A sentence as a part of a list: no full stop of its own.

    Examples:
        >>> clause("Waist 89 cm: ≥ 80 cm (metabolic syndrome tables [M1, M6]; V).")
        'Waist 89 cm: ≥ 80 cm'
    """
    return spelled(sentence).rstrip(".")


def clauses(sentences: Iterable[str]) -> str:
    """Several in one line, semicolons between."""
    return "; ".join(clause(sentence) for sentence in sentences)


def sources_of(sentences: Iterable[str]) -> tuple[str, ...]:
    """The sources the sentences name, each once, with how they were read.

    Examples:
        >>> sources_of(["irregular > 35 d (2023 International Guideline [G2, G4]; V2)."])
        ('2023 International Guideline (read in a secondary source only)',)
    """
    found = (one for sentence in sentences for one in _cited(sentence))
    return tuple(dict.fromkeys(found))


def _cited(sentence: str) -> list[str]:
    """Every source one sentence names."""
    matches = [
        match
        for pattern in (_IN_BRACKETS, _KEYS_ALONE, _AT_THE_END)
        for match in pattern.finditer(sentence)
    ]
    return [f"{_name(match)} ({VERIFICATION_WORDS[match['how']]})" for match in matches]


def _name(match: re.Match[str]) -> str:
    """The source in words; keys of the guideline's group alone mean the guideline."""
    parts = match.groupdict()
    if "source" in parts:
        return _KEYS.sub("", parts["source"]).strip(" ;")
    return _GUIDELINE if parts["keys"].startswith("G") else f"reference {parts['keys']}"


def _named_population(match: re.Match[str]) -> str:
    name = POPULATIONS[match[2]]
    return f"{name} population" if match[1] else name
