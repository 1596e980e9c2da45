"""From files and findings to the public record: every number with its source or its reason."""

from dataclasses import replace

import pytest

from deeppcos.app.study_record import (
    AnalysedFile,
    largest_diameters_mm,
    measurements_record,
    sides_of,
    with_header_hints,
)
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.ovary import Route
from deeppcos.records.dicom_header import ChartHints
from deeppcos.records.study_file import MediaKind, OpenedStudyFile
from deeppcos.vision.findings import Follicle, FollicleKind, FrameFindings, Interval, Ovary
from deeppcos.vision.frame import MmPerPixel, ScaleSource
from deeppcos.vision.study_measurements import measure_study

SCALE = MmPerPixel(x=0.1, y=0.1, source=ScaleSource.DICOM_REGIONS)
SQUARE = ((100.0, 100.0), (400.0, 100.0), (400.0, 300.0), (100.0, 300.0))


def seen(
    source: str,
    *,
    frame: int = 0,
    size_mm: tuple[float, float] | None = (30.0, 20.0),
    count: int = 5,
    is_assessable: bool = True,
) -> FrameFindings:
    """One frame with one ovary; without a size it has no scale."""
    ovary = Ovary(
        polygon=SQUARE,
        probability=0.9,
        follicles=(),
        follicle_count_section=Interval(value=count, low=count - 1, high=count + 2),
        length_mm=size_mm[0] if size_mm else None,
        width_mm=size_mm[1] if size_mm else None,
        area_mm2=None,
    )
    return FrameFindings(
        source=source,
        frame=frame,
        width=640,
        height=480,
        mm_per_pixel=SCALE if size_mm else None,
        scale_problem="" if size_mm else "the file states no pixel size",
        is_assessable=is_assessable,
        not_assessable_because=() if is_assessable else ("no ovary in view",),
        ovaries=(ovary,),
        lesions=(),
        burned_in_graphics=(),
    )


def analysed(
    *frames: FrameFindings,
    kind: MediaKind = MediaKind.STILL,
    side: str | None = "L",
    plane: str | None = None,
) -> AnalysedFile:
    file = OpenedStudyFile(
        source=frames[0].source,
        kind=kind,
        frame_count=len(frames),
        frames=lambda: iter(()),
        header=ChartHints(laterality=side, section_plane=plane),
    )
    return AnalysedFile(file=file, findings=frames)


ACROSS = analysed(seen("across.dcm", size_mm=(34.0, 33.0)), plane="transverse")
ALONG = analysed(seen("along.dcm", size_mm=(33.2, 20.4)), plane="longitudinal")
SWEEP = analysed(
    seen("sweep.dcm", size_mm=(60.0, 40.0)),
    seen("sweep.dcm", frame=1, size_mm=(61.0, 40.0)),
    kind=MediaKind.CINE,
)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([SWEEP, ACROSS, ALONG], (33.2, 20.4)),
        ([SWEEP, ACROSS], (34.0, 33.0)),
        ([SWEEP], (61.0, 40.0)),
        ([ALONG, analysed(seen("b.dcm", size_mm=(35.0, 21.0)), plane="longitudinal")], (35, 21)),
        ([analysed(seen("unscaled.png", size_mm=None))], None),
        ([analysed(seen("unsure.dcm", is_assessable=False))], None),
        ([], None),
    ],
    ids=[
        "lengthwise still",
        "any still",
        "sweep alone",
        "larger of two",
        "no scale",
        "not assessable",
        "nothing",
    ],
)
def test_diameters_come_from_the_largest_section_that_shows_the_length_best(
    files: list[AnalysedFile], expected: tuple[float, float] | None
) -> None:
    assert largest_diameters_mm(files) == expected


def test_diameters_stay_with_their_side_and_thickness_is_not_guessed() -> None:
    right = analysed(seen("right.dcm", size_mm=(41.0, 28.0)), side="R", plane="longitudinal")
    files = [ALONG, ACROSS, right]
    measured = measure_study(file.as_measured() for file in files)
    found = measurements_record(measured, files)
    assert found.left is not None
    assert found.right is not None
    assert (found.left.length_mm, found.left.width_mm) == (33.2, 20.4)
    assert (found.right.length_mm, found.right.width_mm) == (41.0, 28.0)
    assert found.left.thickness_mm is None
    assert found.side_unknown is None


def test_each_unknown_gives_its_own_reason() -> None:
    files = [analysed(seen("unsure.dcm", is_assessable=False))]
    side = measurements_record(measure_study(f.as_measured() for f in files), files).left
    assert side is not None
    assert side.fnps.unknown_because == "no section in which the ovary can be judged"
    assert side.tracked_estimate.unknown_because == (
        "no sweep or volume: stills give follicles per section at most"
    )
    assert side.fnpo.unknown_because == "a whole ovary is counted in a 3D volume only"
    assert side.volume_ml.unknown_because == (
        "no volume: no longitudinal still with a scale and an ovary"
    )


def test_a_body_to_look_at_is_named_where_the_volume_would_stand() -> None:
    frame = seen("still.dcm")
    body = Follicle(polygon=SQUARE, probability=0.9, mean_diameter_mm=8.4, kind=FollicleKind.ANTRAL)
    ovary = replace(frame.ovaries[0], follicles=(body,), luteal_like=(0,))
    files = [analysed(replace(frame, ovaries=(ovary,)))]
    side = measurements_record(measure_study(f.as_measured() for f in files), files).left
    assert side is not None
    assert side.volume_ml.unknown_because is not None
    assert "still.dcm: corpus-luteum-like body (8 mm, echoes inside): look at it" in (
        side.volume_ml.unknown_because
    )


def test_a_count_without_a_scale_says_so() -> None:
    files = [analysed(seen("unscaled.png", size_mm=None))]
    side = measurements_record(measure_study(f.as_measured() for f in files), files).left
    assert side is not None
    assert side.fnps.value == 5
    assert side.fnps.method is not None
    assert "without a scale" in side.fnps.method
    assert (side.length_mm, side.width_mm) == (None, None)


def test_files_without_a_side_are_never_given_one() -> None:
    files = [analysed(seen("somewhere.dcm"), side=None), analysed(seen("both.dcm"), side="B")]
    found = measurements_record(measure_study(f.as_measured() for f in files), files)
    assert (found.left, found.right) == (None, None)
    assert found.side_unknown is not None
    assert sides_of(files) == {}
    assert sides_of([ALONG]) == {("along.dcm", 0): "left"}


def test_headers_fill_the_chart_only_where_they_agree() -> None:
    hints = ChartHints(transducer_type="ENDOCAV_CLA", transducer_mhz=8.0)
    endocavity = replace(ALONG, file=replace(ALONG.file, header=hints))
    scan = with_header_hints(PatientChart(), [endocavity]).ultrasound
    assert (scan.route, scan.probe_mhz) == (Route.TRANSVAGINAL, 8.0)
    other = replace(ALONG, file=replace(ALONG.file, header=replace(hints, transducer_mhz=6.0)))
    assert with_header_hints(PatientChart(), [endocavity, other]).ultrasound.probe_mhz is None
