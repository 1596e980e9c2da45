"""A second look at a written file, which trusts nothing that wrote it.

Owns reading a de-identified file anew and saying what in it could name somebody: an attribute
that is not on the table, a word that is not in the vocabulary, a UID that was not made from the
key, or a text of the original that still stands anywhere. One finding is enough to refuse the
file. It shares no code with ``header`` but the table and the vocabulary.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydicom import dcmread
from pydicom._uid_dict import UID_dictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from deeppcos.records.deidentification.actions import (
    ACTIONS,
    BASIC_PROFILE,
    CLEAN_CONTENT,
    CLEAN_PIXELS,
    MASKS,
    METHOD,
    MODIFIED_DATES,
    PATIENT_CHARACTERISTICS,
    REMOVED,
    Action,
)
from deeppcos.records.deidentification.vocabulary import is_known_word

LEAST_CHARACTERS = 4
"""Shorter texts occur by chance; they can still not stand alone, as no unknown word can."""

LEAST_DIGITS = 6
"""A number this long, found again among the kept numbers, is taken for a patient's."""

_TEXT_VRS = frozenset({"PN", "LO", "SH", "LT", "ST", "UT", "UC", "UR", "AE", "UN", "CS"})
_NUMERIC = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_MOVED = re.compile(r"\d{6,14}(?:\.\d{1,6})?")
_NEW_UID = re.compile(r"2\.25\.[1-9]\d{0,38}")
_SAID = {
    METHOD,
    "MODIFIED",
    "DCM",
    "YES",
    "NO",
    REMOVED,
    f"{REMOVED}^",
    MASKS,
    *(
        part
        for pair in (
            BASIC_PROFILE,
            CLEAN_CONTENT,
            CLEAN_PIXELS,
            MODIFIED_DATES,
            PATIENT_CHARACTERISTICS,
        )
        for part in pair
    ),
}
_ADDED = frozenset(
    [
        "PatientIdentityRemoved",
        "DeidentificationMethod",
        "DeidentificationMethodCodeSequence",
        "LongitudinalTemporalInformationModified",
        "BurnedInAnnotation",
        "CodeValue",
        "CodeMeaning",
        "CodingSchemeDesignator",
        "PixelData",
        "SegmentLabel",
        "ContentLabel",
    ]
)


def identifying_texts(header: Dataset) -> frozenset[str]:
    """The texts of a header that could name somebody: names, numbers, addresses, free words.

    Args:
        header: The original header.

    Returns:
        Texts of four characters or more, in lower case, each name also in its parts.
    """
    found: set[str] = set()
    for element in _leaves(header):
        if str(element.VR) not in _TEXT_VRS:
            continue
        for text in _texts(element):
            if not is_known_word(text):
                found.add(text.casefold().strip())
                if element.VR == "PN":
                    found.update(part.casefold() for part in re.split(r"[\^=\s]+", text))
    return frozenset(text for text in found if len(text) >= LEAST_CHARACTERS)


def what_came_through(
    path: Path,
    *,
    original: Dataset,
    pseudonym: str,
    table: Mapping[str, Action] = ACTIONS,
) -> tuple[str, ...]:
    """What in a written file could name somebody.

    Args:
        path: The de-identified file.
        original: The header it was made from.
        pseudonym: What stands for name and number in it.
        table: What may be kept of an object of its kind.

    Returns:
        Where each finding stands and why it is one, without repeating it; empty when clean.
    """
    with path.open("rb") as stream:
        written = dcmread(stream, stop_before_pixels=True)
        end = stream.tell()
        stream.seek(0)
        header = stream.read(end).lower()
    leaves = list(_leaves(written))
    problems = [f"{one.tag}: {why}" for one in leaves if (why := _wrong(one, pseudonym, table))]
    originals = identifying_texts(original)
    known: set[str] = set()
    for element in leaves:
        for text in _texts(element):
            if _is_number_of_somebody(text, originals):
                problems.append(f"{element.tag}: holds a number of the original")
            if is_known_word(text) or text in _SAID:
                known.add(text)
    # The longest first: a word inside another must not leave the other's rest behind.
    for text in sorted(known, key=len, reverse=True):
        header = header.replace(text.encode().lower(), b"")
    for text in originals:
        if _could_be_found(text) and any(form in header for form in _encoded(text)):
            problems.append("a text of the original stands in the header")
    return tuple(problems)


def _is_number_of_somebody(text: str, originals: frozenset[str]) -> bool:
    return len(text) >= LEAST_DIGITS and text.isdigit() and text in originals


def _wrong(element: DataElement, pseudonym: str, table: Mapping[str, Action]) -> str:
    if element.keyword not in table and element.keyword not in _ADDED:
        return "is not on the table of attributes that are kept"
    if element.VR == "SQ":
        return ""
    if any(not _is_allowed(text, pseudonym) for text in _texts(element)):
        return "holds a word, number or identifier that was not made here"
    return ""


def _is_allowed(text: str, pseudonym: str) -> bool:
    return (
        text in _SAID
        or text in (pseudonym, f"{pseudonym}^")
        or bool(_NUMERIC.fullmatch(text))
        or bool(_MOVED.fullmatch(text))
        or bool(_NEW_UID.fullmatch(text))
        or bool(re.fullmatch(r"\d{3}[DWMY]|[0-9A-F]{4}", text))
        or text in UID_dictionary
        or is_known_word(text)
    )


def _could_be_found(text: str) -> bool:
    """Whether finding the text would mean anything: digits alone stand in every UID."""
    return any(character.isalpha() for character in text)


def _encoded(text: str) -> set[bytes]:
    """A text as bytes of the character sets that DICOM files use."""
    forms = set()
    for encoding in ("utf-8", "latin-1", "cp1251", "shift_jis", "euc_kr", "gb18030", "iso8859-7"):
        try:
            forms.add(text.encode(encoding))
        except UnicodeEncodeError:
            continue
    return forms


def _leaves(dataset: Dataset) -> Iterator[DataElement]:
    """Every element that can be read, those in sequences after their sequence."""
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        # pydicom converts on access, and raises what its many converters raise.
        except Exception:
            continue
        yield element
        if element.VR == "SQ":
            for item in element.value or []:
                yield from _leaves(item)


def _texts(element: DataElement) -> list[str]:
    """The values of an element as texts; binary ones that read as text, too."""
    value = element.value
    if value is None or element.VR in ("SQ", "AT", "OW", "OB"):
        return []
    if isinstance(value, bytes):
        return [value.decode("utf-8", "replace").strip("\0 ")]
    many = value if isinstance(value, MultiValue | list) else [value]
    return [text for one in many if (text := str(one).strip())]
