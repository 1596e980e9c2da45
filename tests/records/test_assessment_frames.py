"""A frame of the document comes back as the findings it was written from."""

from deeppcos.records.assessment_frames import frame_findings
from deeppcos.records.assessment_json import frame_record
from deeppcos.vision.findings import Follicle, FollicleKind, FrameFindings, Interval, Lesion, Ovary
from deeppcos.vision.frame import MmPerPixel, ScaleSource

TRIANGLE = ((0.0, 0.0), (40.0, 0.0), (0.0, 30.0))


def test_every_finding_comes_back_with_its_intervals() -> None:
    ovary = Ovary(
        polygon=TRIANGLE,
        probability=0.9,
        follicles=(
            Follicle(
                polygon=TRIANGLE,
                probability=0.8,
                mean_diameter_mm=5.5,
                kind=FollicleKind.ANTRAL,
            ),
        ),
        follicle_count_section=Interval(value=1, low=1, high=3),
        length_mm=30.0,
        width_mm=20.0,
        area_mm2=600.0,
        area_interval_mm2=(160.0, 1420.0),
    )
    seen = FrameFindings(
        source="still.dcm",
        frame=0,
        width=640,
        height=480,
        mm_per_pixel=MmPerPixel(x=0.1, y=0.1, source=ScaleSource.DICOM_REGIONS),
        scale_problem="",
        is_assessable=True,
        not_assessable_because=(),
        ovaries=(ovary,),
        lesions=(Lesion(polygon=TRIANGLE, probability=0.4, largest_diameter_mm=None),),
        burned_in_graphics=("text",),
    )
    assert frame_findings(frame_record(seen, side="left")) == seen
