"""Which items of a structured report may stay, and what is shown of those that changed.

Owns one rule: an item stays where a dictionary knows what it says and its value cannot be a word.
Texts and names stay as places with a dummy in them, so that the tree keeps its form; everything
else that is not known goes with all that stands below it.
"""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from deeppcos.errors import InvalidInput
from deeppcos.records.codes import LAST_MENSTRUAL_PERIOD
from deeppcos.records.deidentification.vocabulary import coded
from deeppcos.records.dicom_header import items_of, text_of

NAMELESS = frozenset({"IMAGE", "COMPOSITE", "SCOORD"})
"""Value types that need no concept name."""

NAMED = frozenset({"CONTAINER", "NUM", "CODE", "TEXT", "PNAME", "UIDREF"})
DATES = frozenset({(LAST_MENSTRUAL_PERIOD.scheme, LAST_MENSTRUAL_PERIOD.value), ("LN", "11955-2")})
"""Dates that are medicine; others, such as a birth date, go."""


def may_stay(item: Dataset) -> bool:
    """Whether a content item, cleaned, may stay.

    Args:
        item: An item of a Content Sequence.

    Raises:
        InvalidInput: If it points at another item by its place in the tree, which would then be
            another one.
    """
    if "ReferencedContentItemIdentifier" in item:
        raise InvalidInput(
            "the report refers to its own items by their place",
            accepted="a report without references by place",
            remedy="leave it out",
        )
    kind, name = text_of(item, "ValueType") or "", _concept(item, "ConceptNameCodeSequence")
    if kind in NAMELESS:
        return name is not None or "ConceptNameCodeSequence" not in item
    if kind == "DATE":
        return name is not None and (name.CodingSchemeDesignator, name.CodeValue) in DATES
    if kind == "CODE" and _concept(item, "ConceptCodeSequence") is None:
        return False
    return kind in NAMED and name is not None


def texts_in(item: Dataset) -> Iterator[tuple[str, str]]:
    """Every text and name of a tree, with what it is, for the eyes of whoever holds the key."""
    for keyword in ("TextValue", "PersonName"):
        if keyword in item:
            name = next(iter(items_of(item, "ConceptNameCodeSequence")), Dataset())
            yield str(name.get("CodeMeaning") or keyword), str(item.get(keyword))
    for below in items_of(item, "ContentSequence"):
        yield from texts_in(below)


def _concept(item: Dataset, keyword: str) -> Dataset | None:
    """The concept of an item, where a dictionary knows it."""
    found = items_of(item, keyword)
    return coded(found[0]) if found else None
