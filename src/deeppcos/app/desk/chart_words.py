"""What people write for a choice: any case, any spacing, and the synonyms that mean one thing.

Owns the synonyms. A word that could mean two choices has none: it is asked back, never guessed.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from deeppcos.app.desk.chart_fields import FIELDS, ChartField, FieldKind
from deeppcos.clinical.analytes import Analyte
from deeppcos.errors import InvalidInput

_SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "patient.population": {
        "african_american": "black_american",
        "turk": "turkish",
        "turkey": "turkish",
        "korea": "korean",
        "philippine": "filipino",
        "philippines": "filipino",
        "filipina": "filipino",
    },
    "patient.hormonal_contraception": {
        "no": "none",
        "never": "none",
        "combined_pill": "combined",
        "combined_oral_contraceptive": "combined",
        "coc": "combined",
        "cocp": "combined",
        "progestogen_only": "progestogen",
        "progestin": "progestogen",
        "progestin_only": "progestogen",
        "pop": "progestogen",
    },
    "ultrasound.route": {
        "tv": "transvaginal",
        "tvs": "transvaginal",
        "tvus": "transvaginal",
        "endovaginal": "transvaginal",
        "vaginal": "transvaginal",
        "ta": "transabdominal",
        "tas": "transabdominal",
        "abdominal": "transabdominal",
        "tr": "transrectal",
        "rectal": "transrectal",
    },
}

_YES_NO = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}


def plain(text: str) -> str:
    """A word as it is compared: small letters, one underscore between words.

    Examples:
        >>> plain(" Han-Chinese ")
        'han_chinese'
    """
    return re.sub(r"[\s_-]+", "_", text.strip().casefold()).strip("_")


def choice_of(field: ChartField, text: str) -> str:
    """The choice somebody means.

    Args:
        field: A field with choices.
        text: What was written.

    Raises:
        InvalidInput: If it is none of them, or could be several.

    Examples:
        >>> choice_of(FIELDS["patient.population"], "TURKISH")
        'turkish'
    """
    known = {plain(words): value for value, words in field.choices}
    known |= {plain(value): value for value, _words in field.choices}
    asked = plain(text)
    found = known.get(asked) or _SYNONYMS.get(field.path, {}).get(asked)
    if found is None:
        close = get_close_matches(asked, known, n=1)
        words = dict(field.choices)
        raise InvalidInput(
            f"{field.label}: this is not one of the choices",
            value=text[:40],
            accepted=", ".join(words.values()),
            remedy=f"did you mean {words[known[close[0]]]}?" if close else "choose one of them",
        )
    return found


def yes_or_no(field: ChartField, text: str) -> bool:
    """Yes or no as people write it.

    Raises:
        InvalidInput: If it is neither; it is never taken for unknown.
    """
    answer = _YES_NO.get(plain(text))
    if answer is None:
        raise InvalidInput(
            f"{field.label}: this is neither yes nor no",
            value=text[:40],
            accepted="yes or no",
            remedy="leave it empty if it is not known",
        )
    return answer


def understood(field: ChartField, text: str) -> str:
    """A choice in the form's own spelling; what is not understood stays, to be asked back.

    Examples:
        >>> understood(FIELDS["patient.pregnant"], "No"), understood(FIELDS["signs.acne"], "maybe")
        ('no', 'maybe')
    """
    if not text:
        return ""
    try:
        if field.kind is FieldKind.YES_NO:
            return "yes" if yes_or_no(field, text) else "no"
        return choice_of(field, text) if field.kind is FieldKind.CHOICE else text
    except InvalidInput:
        return text


_PATHS = {plain(path): path for path in FIELDS}
_TESTS = {plain(name): one for one in Analyte for name in (one.value, one.label)}


def field_path(text: str) -> str | None:
    """The place of a field in the chart, in any case; None where there is none."""
    return _PATHS.get(plain(text))


def test_named(text: str) -> Analyte | None:
    """The laboratory test somebody names, by its key or its printed name.

    Examples:
        >>> test_named("TSH")
        <Analyte.TSH: 'tsh'>
    """
    return _TESTS.get(plain(text))
