"""The public contract: built from records, rounded, stable, and equal to its published schema."""

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deeppcos.clinical.assessment import assess
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.document import to_document
from deeppcos.clinical.patient import Contraception, Cycles, Patient, Signs
from deeppcos.errors import ContractBroken
from deeppcos.records.assessment_document import InputFile, Provenance, Refusal
from deeppcos.records.assessment_json import (
    build_document,
    document_from_dict,
    from_json,
    json_schema,
    to_json,
)
from deeppcos.vision.findings import (
    Follicle,
    FollicleKind,
    FrameFindings,
    Interval,
    Lesion,
    Ovary,
)
from deeppcos.vision.frame import MmPerPixel, ScaleSource

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "schemas" / "assessment-1.schema.json"
TRIANGLE = ((0.0, 0.0), (10.04, 0.0), (0.0, 10.06))
FINDINGS = ("ovulatory_dysfunction", "hyperandrogenism", "polycystic_morphology", "exclusions")
AXES = ("reproductive", "morphology", "androgen", "metabolic")


def clinical_part() -> dict[str, Any]:
    return {
        "conclusion": {"status": "indeterminate", "profile": "guideline_2023"},
        "findings": {key: {"state": "unknown"} for key in FINDINGS},
        "severity": {key: {"coverage": 1 / 3} for key in AXES},
    }


def ovary(count: int = 9, *, is_scaled: bool = True) -> Ovary:
    follicle = Follicle(
        polygon=TRIANGLE,
        probability=0.87654,
        mean_diameter_mm=5.1234 if is_scaled else None,
        kind=FollicleKind.ANTRAL if is_scaled else FollicleKind.UNSIZED,
    )
    return Ovary(
        polygon=TRIANGLE,
        probability=0.93,
        follicles=(follicle,),
        follicle_count_section=Interval(value=count, low=count - 2, high=count + 2),
        length_mm=35.0 if is_scaled else None,
        width_mm=22.0 if is_scaled else None,
        area_mm2=600.123 if is_scaled else None,
        area_interval_mm2=(510.06, 700.0) if is_scaled else None,
        luteal_like=(0,) if is_scaled else (),
    )


def frame(
    index: int = 0, *, ovaries: tuple[Ovary, ...] = (), is_scaled: bool = True
) -> FrameFindings:
    scale = MmPerPixel(x=0.1234567, y=0.12, source=ScaleSource.DICOM_REGIONS)
    return FrameFindings(
        source="a.dcm",
        frame=index,
        width=640,
        height=480,
        mm_per_pixel=scale if is_scaled else None,
        scale_problem="" if is_scaled else "the file states no pixel size",
        is_assessable=bool(ovaries),
        not_assessable_because=() if ovaries else ("no ovary in view",),
        ovaries=ovaries,
        lesions=(Lesion(polygon=TRIANGLE, probability=0.7, largest_diameter_mm=None),),
        burned_in_graphics=("calipers",),
    )


def test_the_published_schema_is_the_generated_one() -> None:
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == json_schema()


def test_a_built_document_fits_the_published_schema() -> None:
    document = build_document(
        clinical=clinical_part(),
        frames=[frame(ovaries=(ovary(),)), frame(1)],
        release={"name": "r1"},
        refused=[Refusal(source="b.dcm", reason="truncated")],
        provenance=Provenance(inputs=[InputFile(source="a.dcm", sha256="0" * 64)]),
    )
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(to_json(document)), schema)


@pytest.mark.parametrize("key", ["conclusion", "frames", "refused", "severity", "measurements"])
def test_the_schema_requires_every_key(key: str) -> None:
    content = json.loads(to_json(build_document(clinical=clinical_part())))
    del content[key]
    with pytest.raises(jsonschema.ValidationError, match=key):
        jsonschema.validate(content, json_schema())


def test_a_reader_may_ignore_keys_added_later() -> None:
    content = json.loads(to_json(build_document(clinical=clinical_part())))
    content["added_later"] = 1
    jsonschema.validate(content, json_schema())


def test_writing_then_reading_gives_the_same_document() -> None:
    document = build_document(clinical=clinical_part(), frames=[frame(ovaries=(ovary(),))])
    assert from_json(to_json(document)) == document


def test_keys_come_in_the_documented_order() -> None:
    document = build_document(clinical=dict(reversed(clinical_part().items())))
    assert list(json.loads(to_json(document))) == [
        "schema",
        "condition",
        "conclusion",
        "findings",
        "severity",
        "considerations",
        "would_settle",
        "rules",
        "rule_version",
        "measurements",
        "insulin_resistance",
        "frames",
        "refused",
        "release",
        "provenance",
        "signature",
    ]


def test_every_key_is_documented() -> None:
    contract = (SCHEMA_FILE.parents[1] / "assessment-contract.md").read_text(encoding="utf-8")
    parts = [json_schema(), *json_schema()["$defs"].values()]
    keys = {key for part in parts for key in part.get("properties", {})}
    assert len(keys) > 60
    assert [key for key in sorted(keys) if f"`{key}`" not in contract] == []


def test_numbers_are_rounded_sensibly() -> None:
    document = build_document(clinical=clinical_part(), frames=[frame(ovaries=(ovary(),))])
    seen = document.frames[0]
    follicle = seen.ovaries[0].follicles[0]
    assert seen.mm_per_pixel is not None
    assert seen.mm_per_pixel.x == 0.12346
    assert follicle.probability == 0.877
    assert follicle.mean_diameter_mm == 5.12
    assert follicle.polygon[1] == (10.0, 0.0)
    assert seen.ovaries[0].area_mm2 == 600.1
    interval = seen.ovaries[0].area_interval_mm2
    assert interval is not None
    assert (interval.low, interval.high) == (510.1, 700.0)
    assert document.severity.androgen.coverage == 0.333


def test_without_a_scale_every_millimetre_is_null() -> None:
    unscaled = frame(ovaries=(ovary(is_scaled=False),), is_scaled=False)
    seen = json.loads(to_json(build_document(clinical=clinical_part(), frames=[unscaled])))
    section = seen["frames"][0]["ovaries"][0]
    assert seen["frames"][0]["mm_per_pixel"] is None
    assert seen["frames"][0]["scale_problem"] == "the file states no pixel size"
    assert [section[key] for key in ("length_mm", "width_mm", "area_mm2")] == [None, None, None]
    assert section["follicles"][0]["mean_diameter_mm"] is None
    assert section["follicles"][0]["kind"] == "unsized"


def test_one_frame_never_yields_fnpo_or_a_volume() -> None:
    document = build_document(clinical=clinical_part(), frames=[frame(ovaries=(ovary(22),))])
    measured = document.measurements.side_unknown
    assert measured is not None
    assert measured.fnps.value == 22
    assert measured.fnpo.value is None
    assert measured.fnpo.unknown_because
    assert measured.tracked_estimate.value is None
    assert measured.volume_ml.value is None
    assert measured.thickness_mm is None


def test_the_section_with_the_most_follicles_speaks_for_its_side() -> None:
    frames = [frame(index, ovaries=(ovary(count),)) for index, count in enumerate((5, 9, 7))]
    document = build_document(
        clinical=clinical_part(),
        frames=frames,
        sides={("a.dcm", 0): "left", ("a.dcm", 1): "left", ("a.dcm", 2): "right"},
    )
    left, right = document.measurements.left, document.measurements.right
    assert left is not None
    assert right is not None
    assert (left.fnps.value, left.fnps.sources[0].frame) == (9, 1)
    assert right.fnps.value == 7
    assert document.measurements.side_unknown is None
    assert [seen.side for seen in document.frames] == ["left", "left", "right"]


def test_nothing_measured_leaves_the_sides_null() -> None:
    document = build_document(clinical=clinical_part(), frames=[frame()])
    assert document.measurements.model_dump() == {
        "left": None,
        "right": None,
        "side_unknown": None,
    }


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("conclusion", "status"), "diagnosed", "conclusion.status"),
        (("findings", "exclusions", "state"), "normal", "findings.exclusions.state"),
        (("severity", "androgen", "grade"), 4, "severity.androgen.grade"),
        (("severity", "androgen", "coverage"), math.nan, "severity.androgen.coverage"),
        (("conclusion", "surprise"), 1, "conclusion.surprise"),
    ],
)
def test_a_part_that_breaks_the_contract_is_named(
    place: tuple[str, ...], value: object, named: str
) -> None:
    content = json.loads(to_json(build_document(clinical=clinical_part())))
    part = content
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    with pytest.raises(ContractBroken, match=named):
        document_from_dict(content)


@pytest.mark.parametrize(
    "chart",
    [
        PatientChart(),
        PatientChart(
            patient=Patient(
                age_years=27,
                age_at_menarche_years=12,
                pregnant=False,
                hormonal_contraception=Contraception.NONE,
            ),
            cycles=Cycles(interval_days=50, per_year=7),
            signs=Signs(mfg_score=18, rapid_onset=True),
        ),
    ],
    ids=["nothing known", "red flag"],
)
def test_the_clinical_part_fits_the_contract(chart: PatientChart) -> None:
    assessment = assess(chart)
    document = build_document(clinical=to_document(assessment), rules=assessment.rules)
    jsonschema.validate(json.loads(to_json(document)), json_schema())
    assert document.conclusion.status == assessment.conclusion.status.value
    assert len(document.conclusion.red_flags) == len(assessment.conclusion.red_flags)
    assert [rule.key for rule in document.rules] == [rule.key for rule in assessment.rules]
    assert document.rule_version == assessment.rule_version


def test_text_that_is_not_json_is_refused_with_a_remedy() -> None:
    with pytest.raises(ContractBroken, match="write it again with deeppcos analyze"):
        from_json("{")
