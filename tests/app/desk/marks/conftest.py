"""Findings of one made-up frame, and edits on it, for the tests of marks."""

import datetime as dt
from collections.abc import Callable
from uuid import uuid4

import pytest

from deeppcos.app.desk.marks.edits import Delta, Edit
from deeppcos.app.desk.marks.mark import KindBy, Mark, MarkKind, Remark
from deeppcos.vision.findings import (
    Follicle,
    FollicleKind,
    FrameFindings,
    Interval,
    Lesion,
    Ovary,
    Polygon,
)
from deeppcos.vision.frame import MmPerPixel, ScaleSource

PICTURE = "0b9cbe6a-0000-4000-8000-00000000000f"
SCALE = MmPerPixel(x=0.1, y=0.1, source=ScaleSource.DICOM_REGIONS)
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def square(x: float, y: float, side: float = 50) -> Polygon:
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))


def follicle(x: float, y: float, side: float = 50) -> Follicle:
    return Follicle(
        polygon=square(x, y, side),
        probability=0.9,
        mean_diameter_mm=side * 0.1,
        kind=FollicleKind.ANTRAL,
    )


def frame_findings(*, frame: int = 0, is_assessable: bool = True) -> FrameFindings:
    """An ovary with three follicles at known places, and a cyst beside it."""
    ovary = Ovary(
        polygon=square(0, 0, 400),
        probability=0.95,
        follicles=(follicle(50, 50), follicle(150, 50), follicle(250, 50)),
        follicle_count_section=Interval(value=3, low=2, high=5),
        length_mm=41.0,
        width_mm=40.0,
        area_mm2=1600.0,
    )
    return FrameFindings(
        source="left.png",
        frame=frame,
        width=640,
        height=480,
        mm_per_pixel=SCALE,
        scale_problem="",
        is_assessable=is_assessable,
        not_assessable_because=() if is_assessable else ("a region resembles an ovary",),
        ovaries=(ovary,),
        lesions=(Lesion(polygon=square(500, 300), probability=0.8, largest_diameter_mm=7.1),),
        burned_in_graphics=(),
    )


def mark(
    name: str, polygon: Polygon, kind: MarkKind = MarkKind.ANTRAL, *, said: bool = False
) -> Mark:
    return Mark(id=name, kind=kind, polygon=polygon, kind_by=KindBy.READER if said else KindBy.SIZE)


MakeEdit = Callable[..., Edit]


@pytest.fixture
def edit() -> MakeEdit:
    """Make an edit of the one frame, with the usual values where none are given."""

    def make(
        delta: Delta,
        *,
        removes: tuple[str, ...] = (),
        adds: tuple[Mark, ...] = (),
        remarks: tuple[Remark, ...] = (),
        undoes: str | None = None,
        seconds: float = 2.0,
        seen: bool = True,
    ) -> Edit:
        return Edit(
            id=str(uuid4()),
            delta=delta,
            picture=PICTURE,
            frame=0,
            removes=removes,
            adds=adds,
            remarks=remarks,
            undoes=undoes,
            seconds=seconds,
            at=NOON,
            machine_marks_seen=seen,
            release="seeing-2" if seen else "",
        )

    return make
