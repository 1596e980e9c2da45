"""What a study measured of each ovary: sources, refusals, and nothing guessed."""

import math
from dataclasses import replace

import numpy as np
import pytest

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    MeasurementSource,
    OvaryMeasurements,
    Side,
    Ultrasound,
    VolumeMethod,
)
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
from deeppcos.vision.study_measurements import (
    FileKind,
    FrameReference,
    SectionPlane,
    StudyFileFindings,
    measure_study,
    to_chart,
)

SCALE = MmPerPixel(x=0.1, y=0.1, source=ScaleSource.DICOM_REGIONS)


def ellipse(x: float, y: float, half_x_mm: float, half_y_mm: float) -> Polygon:
    at = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    return tuple((x + half_x_mm / 0.1 * math.cos(a), y + half_y_mm / 0.1 * math.sin(a)) for a in at)


def follicle(x: float, y: float, diameter: float, *, scaled: bool = True) -> Follicle:
    kind = FollicleKind.DOMINANT if diameter >= 10 else FollicleKind.ANTRAL
    return Follicle(
        polygon=ellipse(x, y, diameter / 2, diameter / 2),
        probability=0.9,
        mean_diameter_mm=diameter if scaled else None,
        kind=kind if scaled else FollicleKind.UNSIZED,
    )


def section(
    source: str,
    *,
    frame: int = 0,
    count: int = 5,
    size_mm: tuple[float, float] = (36.0, 20.0),
    scale: MmPerPixel | None = SCALE,
    follicles: tuple[Follicle, ...] = (),
    lesions: tuple[Lesion, ...] = (),
    probability: float = 0.9,
) -> FrameFindings:
    ovary = Ovary(
        polygon=ellipse(300, 250, size_mm[0] / 2, size_mm[1] / 2),
        probability=probability,
        follicles=follicles,
        follicle_count_section=Interval(value=count, low=max(0, count - 2), high=count + 2),
        length_mm=None,
        width_mm=None,
        area_mm2=None,
    )
    return FrameFindings(
        source=source,
        frame=frame,
        width=640,
        height=520,
        mm_per_pixel=scale,
        scale_problem="" if scale else "no ruler",
        is_assessable=True,
        not_assessable_because=(),
        ovaries=(ovary,),
        lesions=lesions,
        burned_in_graphics=(),
    )


def still(
    one: FrameFindings,
    *,
    side: Side | None = Side.LEFT,
    plane: SectionPlane = SectionPlane.UNKNOWN,
) -> StudyFileFindings:
    return StudyFileFindings(
        source=one.source, kind=FileKind.STILL, side=side, plane=plane, frames=(one,)
    )


def slices(*, kind: FileKind, spacing: float | None, side: Side = Side.RIGHT) -> StudyFileFindings:
    """An ellipsoid of 36 x 20 x 24 mm with four follicles of 5 mm and a step of 0.5 mm."""
    frames = []
    for index, z in enumerate(np.arange(-14, 14, 0.5)):
        height = 1 - (float(z) / 12) ** 2
        if height <= 0.01:
            empty = section("right.nii", frame=index)
            frames.append(
                replace(empty, ovaries=(), is_assessable=False, not_assessable_because=("none",))
            )
            continue
        squared = 6.25 - (abs(float(z)) - 4) ** 2
        seen: tuple[Follicle, ...] = ()
        if squared > 0.6:
            x = 200 if z < 0 else 400
            width = 2 * math.sqrt(squared)
            seen = (follicle(x, 215, width), follicle(x, 285, width))
        reach = math.sqrt(height)
        size = (36 * reach, 20 * reach)
        frames.append(
            section("right.nii", frame=index, count=len(seen), size_mm=size, follicles=seen)
        )
    return StudyFileFindings(
        source="right.nii",
        kind=kind,
        side=side,
        frames=tuple(frames),
        slice_spacing_mm=spacing,
    )


def pair(
    longitudinal: tuple[float, float],
    transverse: tuple[float, float],
    side: Side | None = Side.LEFT,
) -> list[StudyFileFindings]:
    return [
        still(
            section("long.dcm", size_mm=longitudinal), side=side, plane=SectionPlane.LONGITUDINAL
        ),
        still(section("trans.dcm", size_mm=transverse), side=side, plane=SectionPlane.TRANSVERSE),
    ]


def test_the_fullest_section_gives_the_count_and_names_its_frame() -> None:
    [left] = measure_study(
        [still(section("a.dcm", count=6)), still(section("b.dcm", count=11)),
         still(section("c.dcm", count=9))]
    )  # fmt: skip
    assert left.measurements.fnps is not None
    assert (left.measurements.fnps.value, left.measurements.fnps.low) == (11, 9)
    assert left.measurements.fnps.source is MeasurementSource.IMAGE
    assert left.fnps_from == FrameReference(source="b.dcm", frame=0)
    assert left.is_fnps_sized is True


def test_one_frame_never_gives_a_whole_ovary_count() -> None:
    [left] = measure_study([still(section("a.dcm", count=25))])
    assert left.is_single_frame
    assert left.measurements.fnpo is None
    assert left.measurements.tracked is None
    assert left.measurements.volume is None
    for kind in (FileKind.CINE, FileKind.VOLUME):
        one = replace(still(section("a.dcm", count=25)), kind=kind, slice_spacing_mm=0.5)
        [left] = measure_study([one])
        assert left.is_single_frame
        assert left.measurements.fnpo is None
        assert left.measurements.tracked is None


def test_a_section_with_a_scale_goes_before_a_fuller_one_without() -> None:
    [left] = measure_study(
        [still(section("a.png", count=14, scale=None)), still(section("b.dcm", count=8))]
    )
    assert left.fnps_from == FrameReference(source="b.dcm", frame=0)
    [left] = measure_study([still(section("a.png", count=14, scale=None))])
    assert left.is_fnps_sized is False
    assert any("without a scale" in note for note in left.notes)


def test_a_single_outlier_of_a_sweep_is_not_its_fullest_section() -> None:
    counts = (5, 6, 6, 19, 7, 7, 6)
    frames = tuple(section("s.mp4", frame=i, count=c) for i, c in enumerate(counts))
    file = StudyFileFindings(source="s.mp4", kind=FileKind.CINE, side=Side.LEFT, frames=frames)
    [left] = measure_study([file])
    assert left.measurements.fnps is not None
    assert left.measurements.fnps.value == 7


def test_frames_in_which_no_ovary_can_be_judged_count_for_nothing() -> None:
    poor = replace(
        section("a.dcm", count=12), is_assessable=False, not_assessable_because=("too dark",)
    )
    [left] = measure_study([still(poor)])
    assert left.measurements.fnps is None
    assert not left.measurements.was_seen
    assert "no section in which the ovary can be judged" in left.notes


def test_sides_are_kept_apart_and_an_unknown_side_stays_unknown() -> None:
    read = measure_study(
        [
            still(section("u.png", count=9), side=None),
            still(section("r.dcm", count=4), side=Side.RIGHT),
            still(section("l.dcm", count=7), side=Side.LEFT),
        ]
    )
    counts = [(one.side, one.measurements.fnps and one.measurements.fnps.value) for one in read]
    assert counts == [(Side.LEFT, 7), (Side.RIGHT, 4), (None, 9)]


def test_of_several_outlines_in_a_picture_of_one_side_the_most_probable_is_the_ovary() -> None:
    one, doubtful = section("l.dcm", count=5), section("l.dcm", count=15, probability=0.3)
    both = replace(one, ovaries=(*one.ovaries, *doubtful.ovaries))
    [left] = measure_study([still(both)])
    assert left.measurements.fnps is not None
    assert left.measurements.fnps.value == 5


def test_a_volume_gives_the_whole_ovary_count_and_the_volume() -> None:
    [right] = measure_study([slices(kind=FileKind.VOLUME, spacing=0.5)])
    fnpo, volume = right.measurements.fnpo, right.measurements.volume
    assert fnpo is not None
    assert fnpo.value == 4
    assert fnpo.low == 0
    assert fnpo.high is not None
    assert fnpo.high >= 9
    # What the network misses on volumes of phantoms, at worst.
    assert fnpo.high >= 1.82 * fnpo.value
    assert volume is not None
    assert volume.ml == pytest.approx(math.pi / 6 * 36 * 20 * 24 / 1000, rel=0.02)
    assert volume.method is VolumeMethod.THREE_D
    assert volume.low_ml == pytest.approx(volume.ml - 5.4, abs=0.01)
    assert right.fnpo_from == "right.nii"
    assert right.measurements.tracked is None


def test_a_sweep_gives_an_estimate_and_no_volume() -> None:
    [right] = measure_study([slices(kind=FileKind.CINE, spacing=None)])
    assert right.measurements.tracked is not None
    assert right.measurements.tracked.value == 4
    assert right.tracked_from == "right.nii"
    assert right.measurements.fnpo is None
    assert right.measurements.volume is None


def test_a_cine_is_a_sweep_even_where_a_spacing_is_stated() -> None:
    [right] = measure_study([slices(kind=FileKind.CINE, spacing=0.5)])
    assert right.measurements.fnpo is None


def test_slices_of_unknown_spacing_give_no_whole_ovary_count() -> None:
    [right] = measure_study([slices(kind=FileKind.VOLUME, spacing=None)])
    assert right.measurements.fnpo is None
    assert any("slice spacing not known" in note for note in right.notes)


@pytest.mark.parametrize(
    ("longitudinal", "transverse"),
    [
        ((40.0, 20.0), (25.0, 20.0)),
        ((40.0, 25.0), (25.0, 20.0)),
        ((40.0, 20.0), (25.0, 21.0)),
    ],
)
def test_two_stills_at_right_angles_give_a_volume_whichever_diameter_they_share(
    longitudinal: tuple[float, float], transverse: tuple[float, float]
) -> None:
    [left] = measure_study(pair(longitudinal, transverse))
    volume = left.measurements.volume
    assert volume is not None
    assert volume.ml == pytest.approx(math.pi / 6 * 40 * 25 * 20 / 1000, rel=0.03)
    assert volume.method is VolumeMethod.TWO_D
    assert volume.low_ml == pytest.approx(volume.ml - 6.7, abs=0.01)
    assert volume.high_ml == pytest.approx(volume.ml + 3.8, abs=0.01)
    assert [one.source for one in left.volume_from] == ["long.dcm", "trans.dcm"]
    assert "longitudinal" in left.volume_method
    assert "transverse" in left.volume_method


@pytest.mark.parametrize(
    ("files", "because"),
    [
        (pair((40.0, 20.0), (25.0, 20.0))[:1], "no transverse still"),
        (pair((40.0, 20.0), (25.0, 20.0))[1:], "no longitudinal still"),
        (pair((40.0, 12.0), (25.0, 22.0)), "both stills share"),
        (pair((30.0, 20.0), (45.0, 20.0)), "wider"),
        (pair((40.0, 20.0), (25.0, 20.0), side=None), "unknown side"),
        (
            [
                *pair((40.0, 20.0), (25.0, 20.0))[:1],
                still(section("t.png", scale=None), plane=SectionPlane.TRANSVERSE),
            ],
            "no transverse still with a scale",
        ),
    ],
)
def test_a_volume_that_stills_cannot_give_is_refused_with_its_reason(
    files: list[StudyFileFindings], because: str
) -> None:
    [one] = measure_study(files)
    assert one.measurements.volume is None
    assert one.volume_method == ""
    assert any(because in note for note in one.notes if note.startswith("no volume"))


def test_stills_of_two_sides_never_make_one_volume() -> None:
    long, trans = pair((40.0, 20.0), (25.0, 20.0))
    read = measure_study([long, replace(trans, side=Side.RIGHT)])
    assert [one.measurements.volume for one in read] == [None, None]


def test_a_volume_is_counted_in_slices_before_it_is_calculated_from_stills() -> None:
    stills = pair((40.0, 20.0), (25.0, 20.0), side=Side.RIGHT)
    [right] = measure_study([*stills, slices(kind=FileKind.VOLUME, spacing=0.5)])
    assert right.measurements.volume is not None
    assert right.measurements.volume.method is VolumeMethod.THREE_D


def test_the_interval_of_a_volume_is_as_wide_as_the_outlines_may_be_wrong() -> None:
    plain = pair((40.0, 20.0), (25.0, 20.0))
    doubtful = [
        replace(
            file,
            frames=tuple(
                replace(
                    one,
                    ovaries=(
                        replace(one.ovaries[0], area_mm2=600.0, area_interval_mm2=(300.0, 1200.0)),
                    ),
                )
                for one in file.frames
            ),
        )
        for file in plain
    ]
    [sure], [unsure] = measure_study(plain), measure_study(doubtful)
    narrow, wide = sure.measurements.volume, unsure.measurements.volume
    assert narrow is not None
    assert wide is not None
    assert wide.ml == narrow.ml
    assert wide.low_ml == pytest.approx(wide.ml * 0.5**1.5, abs=0.01)
    assert wide.high_ml == pytest.approx(wide.ml * 2**1.5, abs=0.01)


def test_a_dominant_follicle_is_flagged_with_what_it_forbids() -> None:
    one = section("a.dcm", follicles=(follicle(300, 250, 14.0),))
    [left] = measure_study([still(one)])
    assert left.measurements.dominant_follicle_or_corpus_luteum is True
    assert left.dominant_from == FrameReference(source="a.dcm", frame=0)
    assert any("volume is not read" in note for note in left.notes)


def test_a_cyst_like_body_in_the_ovary_is_flagged_and_one_beside_it_is_not() -> None:
    inside = Lesion(polygon=ellipse(300, 250, 6, 6), probability=0.8, largest_diameter_mm=12.0)
    beside = Lesion(polygon=ellipse(550, 450, 4, 4), probability=0.8, largest_diameter_mm=8.0)
    [left] = measure_study([still(section("a.dcm", lesions=(inside,)))])
    assert left.measurements.dominant_follicle_or_corpus_luteum is True
    [left] = measure_study([still(section("a.dcm", lesions=(beside,)))])
    assert left.measurements.dominant_follicle_or_corpus_luteum is None


def test_no_picture_rules_a_corpus_luteum_out() -> None:
    [right] = measure_study([slices(kind=FileKind.VOLUME, spacing=0.5)])
    assert right.measurements.dominant_follicle_or_corpus_luteum is None


def test_a_chart_keeps_what_a_person_wrote_beside_what_was_measured() -> None:
    charted = OvaryMeasurements(
        fnpo=FollicleNumberPerOvary(value=12, source=MeasurementSource.CHART)
    )
    chart = PatientChart(ultrasound=Ultrasound(right=charted))
    measured = measure_study([slices(kind=FileKind.VOLUME, spacing=0.5)])
    merged = to_chart(chart, measured)
    assert merged.ultrasound.right == charted
    assert [seen.side for seen in merged.ultrasound.seen] == [Side.RIGHT]
    seen_count = merged.ultrasound.seen[0].measurements.fnpo
    assert seen_count is not None
    assert (seen_count.value, seen_count.source) == (4, MeasurementSource.IMAGE)
    assert chart.ultrasound.seen == ()


def test_a_side_in_which_nothing_was_measured_does_not_reach_the_chart() -> None:
    poor = replace(section("a.dcm"), is_assessable=False, not_assessable_because=("too dark",))
    merged = to_chart(PatientChart(), measure_study([still(poor)]))
    assert merged.ultrasound.seen == ()
    assert measure_study([]) == ()


def test_a_body_that_looks_like_a_corpus_luteum_is_pointed_out_and_decides_nothing() -> None:
    one = section("a.dcm", follicles=(follicle(300, 250, 8.0),))
    flagged = replace(one, ovaries=(replace(one.ovaries[0], luteal_like=(0,)),))
    [left] = measure_study([still(flagged)])
    assert left.measurements.dominant_follicle_or_corpus_luteum is None
    assert left.luteal_from == FrameReference(source="a.dcm", frame=0)
    [note] = [note for note in left.notes if "corpus-luteum-like" in note]
    assert note.startswith("a.dcm: corpus-luteum-like body (8 mm, echoes inside): look at it")
    assert "volume is not read" in note
    assert "its absence nothing out" in note


def test_single_frames_of_a_sweep_flag_no_corpus_luteum() -> None:
    one = section("a.dcm", follicles=(follicle(300, 250, 8.0),))
    flagged = replace(one, ovaries=(replace(one.ovaries[0], luteal_like=(0,)),))
    cine = replace(still(flagged), kind=FileKind.CINE)
    [left] = measure_study([cine])
    assert left.luteal_from is None
