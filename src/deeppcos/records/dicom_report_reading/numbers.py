"""Every number of a structured report, with the side, site and group it was said of.

Owns walking a content tree of any maker and of unknown honesty: depth and size are bounded, a
malformed item is passed over and named. SNOMED CT and the legacy SNOMED RT codes are the same
here. What the numbers mean for an ovary is the business of ``ob_gyn``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, EnhancedSRStorage

from deeppcos.clinical.ovary import Side
from deeppcos.errors import InvalidInput
from deeppcos.records import codes
from deeppcos.records.codes import Code, Scheme
from deeppcos.records.dicom_file import EXPORT_AGAIN, read_object
from deeppcos.records.dicom_header import as_number, items_of, number_of, text_of
from deeppcos.records.dicom_items import MOST_OF_REPORTS
from deeppcos.vision.decoder_guard import guarded
from deeppcos.vision.stills import refuse_size

COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
REPORT_CLASSES = frozenset({EnhancedSRStorage, ComprehensiveSRStorage, COMPREHENSIVE_3D_SR})
DEEPEST = 24
MOST_ITEMS = 50_000
_SNOMED = {"SCT", "SRT", "SNM3", "99SDM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCode:
    """A code as the report writes it."""

    value: str
    scheme: str
    meaning: str

    def is_(self, code: Code) -> bool:
        """Whether it stands for a concept of our table, in its present or its legacy form."""
        if self.scheme in _SNOMED:
            return code.scheme is Scheme.SNOMED_CT and self.value in (code.value, code.legacy)
        return (self.scheme, self.value) == (code.scheme.value, code.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNumber:
    """One number and what was said around it.

    Attributes:
        name: Concept name.
        value: As written.
        unit: Unit code as written, UCUM where the maker keeps to it.
        site: Finding site it stands under, or None.
        side: Side it stands under, or None.
        group: Identifier of its measurement group, or empty.
        group_place: Which measurement group of the report it stands in, from 1; 0 in none.
        derivation: How it was derived from others, such as Mean, or None.
        low: Value less its lower uncertainty, or None.
        high: Value and its upper uncertainty, or None.
        tracking_uid: Tracking Unique Identifier of the number or its group, or empty.
        images: SOP Instance UID and frame (from 1; 0 for the whole image) it was read from.
    """

    name: ReadCode
    value: float
    unit: str
    site: ReadCode | None = None
    side: Side | None = None
    group: str = ""
    group_place: int = 0
    derivation: ReadCode | None = None
    low: float | None = None
    high: float | None = None
    tracking_uid: str = ""
    images: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReport:
    """A structured report.

    Attributes:
        source: The file, as the user named it.
        title: Concept name of the root.
        maker: Manufacturer, or empty.
        is_verified: Whether an observer stands behind it.
        study_instance_uid: The study it belongs to, or empty.
        patient_id: The patient it belongs to, or empty.
        numbers: Its numbers in order.
        notes: What was passed over, and why.
    """

    source: str
    title: ReadCode
    maker: str
    is_verified: bool
    study_instance_uid: str
    patient_id: str
    numbers: tuple[ReadNumber, ...]
    notes: tuple[str, ...] = ()


def read_report(path: Path) -> ReadReport:
    """Read the numbers of a structured report.

    Args:
        path: The file.

    Returns:
        The report.

    Raises:
        InvalidInput: If it is no structured report, is damaged, or is larger or deeper than any
            honest one.
    """
    source = str(path)
    refuse_size(path, source)
    with guarded(source, problem="cannot be read as a structured report", remedy=EXPORT_AGAIN):
        stored = read_object(path, source, most_items=MOST_OF_REPORTS)
        if str(stored.get("SOPClassUID", "")) not in REPORT_CLASSES:
            raise InvalidInput(
                f"{source}: is no structured report that is read",
                value=text_of(stored, "Modality") or "no modality",
                accepted="an Enhanced, Comprehensive or Comprehensive 3D SR",
                remedy="give the report the scanner sent",
            )
        stored.decode()
        walk = _Walk(source)
        numbers = tuple(walk.numbers(stored, _Context(), 0))
        return ReadReport(
            source=source,
            title=_code(stored, "ConceptNameCodeSequence")
            or ReadCode(value="", scheme="", meaning="no title"),
            maker=text_of(stored, "Manufacturer") or "",
            is_verified=text_of(stored, "VerificationFlag") == "VERIFIED",
            study_instance_uid=text_of(stored, "StudyInstanceUID") or "",
            patient_id=text_of(stored, "PatientID") or "",
            numbers=numbers,
            notes=tuple(walk.notes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """What the containers above say."""

    site: ReadCode | None = None
    side: Side | None = None
    group: str = ""
    group_place: int = 0
    tracking_uid: str = ""


class _Walk:
    """One walk through a tree, counting items."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.seen = 0
        self.groups = 0
        self.notes: list[str] = []

    def numbers(self, item: Dataset, above: _Context, depth: int) -> Iterator[ReadNumber]:
        """Numbers of an item and everything below it."""
        children = items_of(item, "ContentSequence")
        self._count(len(children), depth)
        context = _within(self._in_group(item, above), children)
        if text_of(item, "ValueType") == "NUM":
            number = self._number(item, children, context)
            if number is not None:
                yield number
        for child in children:
            # A property of a number, such as its uncertainty, is no number of its own.
            if text_of(child, "RelationshipType") != "HAS PROPERTIES":
                yield from self.numbers(child, context, depth + 1)

    def _in_group(self, item: Dataset, above: _Context) -> _Context:
        """The context inside a container, which may be a measurement group."""
        name = _code(item, "ConceptNameCodeSequence")
        if name is None or not name.is_(codes.MEASUREMENT_GROUP):
            return above
        self.groups += 1
        return replace(above, group="", group_place=self.groups, tracking_uid="")

    def _count(self, children: int, depth: int) -> None:
        self.seen += children
        if self.seen > MOST_ITEMS or depth > DEEPEST:
            raise InvalidInput(
                f"{self.source}: is larger or deeper than any report",
                value=f"{self.seen} items, depth {depth}",
                accepted=f"up to {MOST_ITEMS} items, depth {DEEPEST}",
                remedy=EXPORT_AGAIN,
            )

    def _number(
        self, item: Dataset, children: list[Dataset], context: _Context
    ) -> ReadNumber | None:
        """The number of one item; None where it says that it has none."""
        name = _code(item, "ConceptNameCodeSequence")
        measured = items_of(item, "MeasuredValueSequence")
        if name is None or not measured:
            if name is not None:
                self.notes.append(f"{name.meaning}: no value")
            return None
        value = as_number(measured[0].get("NumericValue"))
        unit = _code(measured[0], "MeasurementUnitsCodeSequence")
        if value is None or unit is None:
            self.notes.append(f"{name.meaning}: value or unit cannot be read")
            return None
        upper, lower = (
            _number_below(children, code)
            for code in (codes.UPPER_UNCERTAINTY, codes.LOWER_UNCERTAINTY)
        )
        return ReadNumber(
            name=name,
            value=value,
            unit=unit.value,
            site=context.site,
            side=context.side,
            group=context.group,
            group_place=context.group_place,
            derivation=_code_below(children, codes.DERIVATION),
            low=None if lower is None else round(value - lower, 6),
            high=None if upper is None else round(value + upper, 6),
            tracking_uid=context.tracking_uid,
            images=tuple(_images(children)),
        )


def _within(above: _Context, children: list[Dataset]) -> _Context:
    """The context below an item: what it says itself goes before what stands above."""
    context = above
    for child in children:
        name = _code(child, "ConceptNameCodeSequence")
        if name is None:
            continue
        said = _code(child, "ConceptCodeSequence")
        if name.is_(codes.FINDING_SITE) and said is not None:
            context = replace(context, site=said)
            nested = _within(_Context(), items_of(child, "ContentSequence"))
            context = replace(context, side=nested.side or context.side)
        elif name.is_(codes.LATERALITY) and said is not None:
            context = replace(context, side=_side(said))
        elif name.is_(codes.IDENTIFIER):
            context = replace(context, group=text_of(child, "TextValue") or "")
        elif name.is_(codes.TRACKING_UNIQUE_IDENTIFIER):
            context = replace(context, tracking_uid=text_of(child, "UID") or "")
    return context


def _side(said: ReadCode) -> Side | None:
    """Left or right; None for both or neither."""
    return next((side for side, code in codes.SIDES.items() if said.is_(code)), None)


def _code(item: Dataset, keyword: str) -> ReadCode | None:
    """The first code of a code sequence."""
    for code in items_of(item, keyword):
        value = text_of(code, "CodeValue") or text_of(code, "LongCodeValue")
        if value:
            return ReadCode(
                value=value,
                scheme=text_of(code, "CodingSchemeDesignator") or "",
                meaning=text_of(code, "CodeMeaning") or value,
            )
    return None


def _code_below(children: list[Dataset], name: Code) -> ReadCode | None:
    for child in children:
        own = _code(child, "ConceptNameCodeSequence")
        if own is not None and own.is_(name):
            return _code(child, "ConceptCodeSequence")
    return None


def _number_below(children: list[Dataset], name: Code) -> float | None:
    for child in children:
        own = _code(child, "ConceptNameCodeSequence")
        if own is not None and own.is_(name):
            for measured in items_of(child, "MeasuredValueSequence"):
                return as_number(measured.get("NumericValue"))
    return None


def _images(children: list[Dataset]) -> Iterator[tuple[str, int]]:
    """Images named below a number; coordinates name theirs one level further down."""
    for child in children:
        if text_of(child, "ValueType") == "SCOORD":
            yield from _images(items_of(child, "ContentSequence"))
        for reference in items_of(child, "ReferencedSOPSequence"):
            uid = text_of(reference, "ReferencedSOPInstanceUID")
            if uid:
                yield uid, int(number_of(reference, "ReferencedFrameNumber") or 0)
