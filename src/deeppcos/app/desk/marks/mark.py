"""What a mark on a picture is, and the marks the machine made.

Owns the record types of marks and remarks and the way from findings to marks. A mark never
changes: a correction takes some away and puts others in their place (see ``edits``), so that
undoing and merging are exact.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deeppcos.vision.analyse import follicle_kind
from deeppcos.vision.findings import FollicleKind, FrameFindings, Polygon
from deeppcos.vision.frame import MmPerPixel
from deeppcos.vision.geometry import mean_diameter_mm

DOUBTFUL_BELOW = 0.5
"""A second outline in a picture that is less likely an ovary than not is shown as doubtful."""


class MarkKind(StrEnum):
    """What an outline is of."""

    OVARY = "ovary"
    ANTRAL = "antral"  # follicle of 2.0-9.9 mm, counted
    DOMINANT = "dominant"  # follicle of 10 mm and over
    BELOW_RANGE = "below_range"  # under 2 mm: marked, not counted
    UNSIZED = "unsized"  # follicle without a scale: counted, size unknown
    CYST = "cyst"  # a fluid space that is no follicle, or a mass
    VESSEL = "vessel"  # a vessel cut across: not counted


COUNTED = frozenset({MarkKind.ANTRAL, MarkKind.UNSIZED})
FOLLICLES = frozenset(MarkKind(kind.value) for kind in FollicleKind)
CHOSEN = frozenset({MarkKind.ANTRAL, MarkKind.DOMINANT, MarkKind.CYST, MarkKind.VESSEL})
"""Kinds a reader may say; the others follow from the size or its absence."""


class By(StrEnum):
    """Who made a mark."""

    MACHINE = "machine"
    READER = "reader"


class KindBy(StrEnum):
    """What the kind of a mark rests on."""

    SIZE = "size"  # follows the diameter, and changes with it
    READER = "reader"  # a person said so


class RemarkKind(StrEnum):
    """What is said about a frame or a mark without drawing anything."""

    NOT_ASSESSABLE = "not_assessable"
    LABEL_DISPUTE = "label_dispute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One outline on one frame.

    Attributes:
        id: Unique in the study.
        kind: What it is of.
        polygon: Outline in frame pixels.
        probability: The machine's calibrated probability; None for a person's mark.
        by: Who made it.
        kind_by: Whether the kind follows the size or a person's word.
        is_doubtful: Shown, but nothing is measured or counted in it.
        is_luteal_like: The machine finds it like a corpus luteum: a research flag that changes
            neither kind nor count. A person's outline has none.
        made_from: Marks it replaced.
    """

    id: str
    kind: MarkKind
    polygon: Polygon
    probability: float | None = None
    by: By = By.READER
    kind_by: KindBy = KindBy.SIZE
    is_doubtful: bool = False
    is_luteal_like: bool = False
    made_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something said about a frame, or about one mark on it.

    Attributes:
        id: Unique in the study.
        kind: What is said.
        text: In the reader's words.
        about: The mark it is about; None for the whole frame.
    """

    id: str
    kind: RemarkKind
    text: str
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMarks:
    """Everything on one frame at one time.

    Attributes:
        marks: By id, in the order they were made.
        remarks: By id.
    """

    marks: Mapping[str, Mark] = field(default_factory=dict)
    remarks: Mapping[str, Remark] = field(default_factory=dict)


FramePlace = tuple[str, int]
"""Key of the picture and number of the frame in it, from 0."""


def machine_marks(findings: FrameFindings, *, picture: str) -> FrameMarks:
    """The machine's outlines of one frame as marks.

    Args:
        findings: What was seen in the frame.
        picture: Key of the picture.

    Returns:
        Ovaries, each followed by its follicles, then other structures. The same findings always
        give the same ids.
    """
    start = f"m:{picture}:{findings.frame}"
    found = (*_ovary_marks(findings, start), *_lesion_marks(findings, start))
    return FrameMarks(marks={mark.id: mark for mark in found})


def _ovary_marks(findings: FrameFindings, start: str) -> Iterator[Mark]:
    for place, ovary in enumerate(findings.ovaries):
        doubtful = not findings.is_assessable or (place > 0 and ovary.probability < DOUBTFUL_BELOW)
        yield Mark(
            id=f"{start}:o{place}",
            kind=MarkKind.OVARY,
            polygon=ovary.polygon,
            probability=ovary.probability,
            by=By.MACHINE,
            is_doubtful=doubtful,
        )
        for number, follicle in enumerate(ovary.follicles):
            yield Mark(
                id=f"{start}:o{place}f{number}",
                kind=MarkKind(follicle.kind.value),
                polygon=follicle.polygon,
                probability=follicle.probability,
                by=By.MACHINE,
                is_doubtful=doubtful,
                is_luteal_like=number in ovary.luteal_like and not doubtful,
            )


def _lesion_marks(findings: FrameFindings, start: str) -> Iterator[Mark]:
    for place, lesion in enumerate(findings.lesions):
        yield Mark(
            id=f"{start}:l{place}",
            kind=MarkKind.CYST,
            polygon=lesion.polygon,
            probability=lesion.probability,
            by=By.MACHINE,
        )


def kind_by_size(polygon: Polygon, scale: MmPerPixel | None) -> MarkKind:
    """What a follicle is by its mean diameter; ``unsized`` without a scale.

    Args:
        polygon: Outline in frame pixels.
        scale: Millimetres per pixel, or None.

    Examples:
        >>> kind_by_size(((0, 0), (9, 0), (9, 9), (0, 9)), None).value
        'unsized'
    """
    diameter = None if scale is None else mean_diameter_mm(polygon, scale)
    return MarkKind(follicle_kind(diameter).value)
