"""From marks back to findings, so that a reader's marks are measured like the machine's.

Owns which follicle belongs to which ovary and what a person's mark is worth. Measuring is the
business of ``deeppcos.vision``.

A person's outline has the probability 1: somebody looked and said so. It has no interval,
because the machine's interval is about the machine's errors.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from deeppcos.app.desk.marks.mark import (
    COUNTED,
    FOLLICLES,
    By,
    FrameMarks,
    Mark,
    MarkKind,
    RemarkKind,
    machine_marks,
)
from deeppcos.vision.findings import (
    Follicle,
    FollicleKind,
    FrameFindings,
    Interval,
    Lesion,
    Ovary,
)
from deeppcos.vision.frame import MmPerPixel
from deeppcos.vision.geometry import area_mm2, diameters_mm, overlap_px

SAID_BY_A_PERSON = 1.0


def edited_findings(findings: FrameFindings, marks: FrameMarks, *, picture: str) -> FrameFindings:
    """The frame as the reader sees it.

    Args:
        findings: The machine's findings of the frame, or a frame without any.
        marks: The reader's marks of the frame.
        picture: Key of the picture.

    Returns:
        Findings with the reader's ovaries, follicles and other structures. A frame the reader
        calls not assessable is so, for her reasons; one in which a person outlined an ovary is
        assessable.
    """
    before = machine_marks(findings, picture=picture)
    if marks == before:
        return findings
    said = tuple(
        remark.text or "the reader cannot judge this picture"
        for remark in marks.remarks.values()
        if remark.kind is RemarkKind.NOT_ASSESSABLE
    )
    outlined = [mark for mark in marks.marks.values() if mark.kind is MarkKind.OVARY]
    by_person = any(mark.by is By.READER for mark in outlined)
    is_assessable = not said and bool(outlined) and (findings.is_assessable or by_person)
    return replace(
        findings,
        is_assessable=is_assessable,
        not_assessable_because=()
        if is_assessable
        else said or findings.not_assessable_because or ("no ovary is outlined",),
        ovaries=_ovaries(findings, marks, before),
        lesions=tuple(
            Lesion(
                polygon=mark.polygon,
                probability=_probability(mark),
                largest_diameter_mm=_longest(mark, findings.mm_per_pixel),
            )
            for mark in marks.marks.values()
            if mark.kind is MarkKind.CYST
        ),
    )


def ovary_of(follicle: Mark, ovaries: Sequence[Mark]) -> Mark | None:
    """The ovary a follicle lies in.

    Args:
        follicle: The mark.
        ovaries: Outlines of ovaries in the frame.

    Returns:
        The one it shares most with, at least half of the follicle; None where there is none.
    """
    shares = [(_share_within(follicle, ovary), -place) for place, ovary in enumerate(ovaries)]
    share, place = max(shares, default=(0.0, 0))
    return ovaries[-place] if share >= 0.5 else None


def _home(mark: Mark, ovaries: Sequence[Mark]) -> Mark | None:
    """The machine's follicles stay with the ovary they were found in while it stands."""
    found_in = mark.id.rpartition("f")[0]
    return next((one for one in ovaries if one.id == found_in), None) or ovary_of(mark, ovaries)


def _share_within(follicle: Mark, ovary: Mark) -> float:
    shared, area, _ = overlap_px(follicle.polygon, ovary.polygon)
    return shared / area if area > 0 else 0.0


def _ovaries(findings: FrameFindings, marks: FrameMarks, before: FrameMarks) -> tuple[Ovary, ...]:
    """Ovaries with the follicles in them; people's outlines before the machine's."""
    outlined = [mark for mark in marks.marks.values() if mark.kind is MarkKind.OVARY]
    follicles: dict[str, list[Mark]] = {mark.id: [] for mark in outlined}
    for mark in marks.marks.values():
        home = _home(mark, outlined) if mark.kind in FOLLICLES else None
        if home is not None:
            follicles[home.id].append(mark)
    # An ovary nobody touched keeps its interval and its diameters from before simplifying.
    untouched = _untouched(findings, before, follicles)
    found = [
        untouched.get(mark.id) or _ovary(mark, follicles[mark.id], findings.mm_per_pixel)
        for mark in outlined
    ]
    return tuple(sorted(found, key=lambda ovary: -ovary.probability))


def _untouched(
    findings: FrameFindings, before: FrameMarks, follicles: dict[str, list[Mark]]
) -> dict[str, Ovary]:
    same = {}
    ids = [key for key, mark in before.marks.items() if mark.kind is MarkKind.OVARY]
    for key, ovary in zip(ids, findings.ovaries, strict=True):
        own = {k for k in before.marks if k.startswith(f"{key}f")}
        if key in follicles and {mark.id for mark in follicles[key]} == own:
            same[key] = ovary
    return same


def _ovary(outline: Mark, follicles: Iterable[Mark], scale: MmPerPixel | None) -> Ovary:
    inside = tuple(follicles)
    counted = sum(mark.kind in COUNTED for mark in inside)
    length, width = diameters_mm(outline.polygon, scale) if scale else (None, None)
    return Ovary(
        polygon=outline.polygon,
        probability=_probability(outline),
        follicles=tuple(
            Follicle(
                polygon=mark.polygon,
                probability=_probability(mark),
                mean_diameter_mm=_mean(mark, scale),
                kind=FollicleKind(mark.kind.value),
            )
            for mark in inside
        ),
        follicle_count_section=Interval(value=counted, low=counted, high=counted),
        length_mm=length,
        width_mm=width,
        area_mm2=area_mm2(outline.polygon, scale) if scale else None,
        luteal_like=tuple(place for place, mark in enumerate(inside) if mark.is_luteal_like),
    )


def _probability(mark: Mark) -> float:
    return SAID_BY_A_PERSON if mark.probability is None else mark.probability


def _mean(mark: Mark, scale: MmPerPixel | None) -> float | None:
    return sum(diameters_mm(mark.polygon, scale)) / 2 if scale else None


def _longest(mark: Mark, scale: MmPerPixel | None) -> float | None:
    return diameters_mm(mark.polygon, scale)[0] if scale else None
