"""Fills, writes and reads the public assessment document, ``deeppcos.assessment/1``.

Owns the road from the vision records and the clinical part to JSON and back, and the published
schema. The fields themselves stand in ``assessment_document``. It decides nothing clinical.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from deeppcos.clinical.sourcing import RULE_VERSION, Rule
from deeppcos.errors import ContractBroken
from deeppcos.records.assessment_document import (
    SCHEMA_NAME,
    AppliedRule,
    AreaInterval,
    AssessmentDocument,
    CountMeasurement,
    FollicleRecord,
    FrameRecord,
    FrameReference,
    LesionRecord,
    Measurements,
    OvaryRecord,
    PixelScale,
    Provenance,
    Refusal,
    SectionCount,
    Side,
    SideMeasurements,
    VolumeMeasurement,
)
from deeppcos.vision.findings import FrameFindings, Ovary
from deeppcos.vision.frame import MmPerPixel


def build_document(
    *,
    clinical: Mapping[str, Any],
    frames: Iterable[FrameFindings] = (),
    rules: Iterable[Rule] = (),
    measurements: Measurements | None = None,
    release: Mapping[str, Any] | None = None,
    refused: Iterable[Refusal] = (),
    provenance: Provenance | None = None,
    sides: Mapping[tuple[str, int], Side] | None = None,
) -> AssessmentDocument:
    """Join the clinical answer and the image findings into the public document.

    Args:
        clinical: The clinical part as ``deeppcos.clinical.document`` writes it: condition,
            conclusion, findings, severity, considerations, would_settle.
        frames: What was seen in each frame, in the order in which it was read.
        rules: Every clinical rule that was applied.
        measurements: Measurements of each ovary; taken from the frames when None.
        release: The manifest of the weights that were used; None when no picture was read.
        refused: Inputs that could not be read.
        provenance: Who, when, from what.
        sides: The side shown, by (source, frame), where a file or the user states it.

    Returns:
        The validated document.

    Raises:
        ContractBroken: If a part does not fit the contract.
    """
    seen = tuple(frames)
    known_sides = dict(sides or {})
    return document_from_dict(
        {
            "schema": SCHEMA_NAME,
            "rules": [_applied_rule(rule) for rule in rules],
            "rule_version": RULE_VERSION,
            **clinical,
            "measurements": measurements or measurements_from_frames(seen, sides=known_sides),
            "frames": [frame_record(f, side=known_sides.get((f.source, f.frame))) for f in seen],
            "refused": list(refused),
            "release": dict(release or {}),
            "provenance": provenance or Provenance(),
        }
    )


def document_from_dict(content: Mapping[str, Any]) -> AssessmentDocument:
    """Check a decoded document against the contract.

    Args:
        content: The document as decoded from JSON.

    Raises:
        ContractBroken: If a key is unknown, missing or holds something else than agreed.
    """
    try:
        return AssessmentDocument.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the document"
        raise ContractBroken(
            f"assessment document: {place}: {first['msg']}",
            value=repr(first["input"])[:80],
            accepted=f"{SCHEMA_NAME} as published in docs/schemas",
            remedy="read it with the version of DeepPCOS that wrote it, or newer",
        ) from error


def to_json(document: AssessmentDocument) -> str:
    """Write the document as JSON text, keys in the documented order, ending in a newline."""
    content = document.model_dump(mode="json")
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def from_json(text: str) -> AssessmentDocument:
    """Read a document from JSON text.

    Args:
        text: What ``to_json`` wrote.

    Raises:
        ContractBroken: If the text is not JSON or does not fit the contract.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ContractBroken(
            "assessment document is not JSON",
            value=str(error),
            accepted=f"a {SCHEMA_NAME} document",
            remedy="write it again with deeppcos analyze",
        ) from error
    return document_from_dict(content)


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of the document.

    Every key is always written, so every key is required. Objects stay open: a later version
    may add keys within ``/1``, and a reader ignores the keys it does not know.
    """
    schema = AssessmentDocument.model_json_schema(mode="serialization")
    for part in (schema, *schema["$defs"].values()):
        part.pop("additionalProperties", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": SCHEMA_NAME,
    }


def measurements_from_frames(
    frames: Sequence[FrameFindings], *, sides: Mapping[tuple[str, int], Side]
) -> Measurements:
    """What single sections alone can tell: FNPS and two diameters of each side.

    One frame never yields FNPO, a tracked estimate or a volume, so these stay null with the
    reason. Of each side the section with the most follicles speaks.

    Args:
        frames: What was seen in each frame.
        sides: The side shown, by (source, frame), where it is stated.
    """
    by_side: dict[str, tuple[FrameFindings, Ovary]] = {}
    for frame in frames:
        side = sides.get((frame.source, frame.frame), "side_unknown")
        for ovary in frame.ovaries if frame.is_assessable else ():
            best = by_side.get(side)
            if best is None or _count(ovary) > _count(best[1]):
                by_side[side] = (frame, ovary)
    return Measurements.model_validate(
        {side: _section_measurements(*section) for side, section in by_side.items()}
    )


def _applied_rule(rule: Rule) -> AppliedRule:
    return AppliedRule(
        key=rule.key,
        value=rule.value,
        unit=rule.unit,
        relation=rule.relation.value,
        text=rule.text,
        source=rule.source,
        verification=rule.verification.value,
        recommendation=rule.recommendation,
        verified_by=rule.verified_by,
        verified_on=rule.verified_on,
    )


def _count(ovary: Ovary) -> int:
    return ovary.follicle_count_section.value


def _section_measurements(frame: FrameFindings, ovary: Ovary) -> SideMeasurements:
    count = ovary.follicle_count_section
    return SideMeasurements(
        fnps=CountMeasurement(
            value=count.value,
            low=count.low,
            high=count.high,
            method="largest count in one section, by image analysis",
            sources=[FrameReference(source=frame.source, frame=frame.frame)],
        ),
        tracked_estimate=CountMeasurement(unknown_because="no sweep was tracked"),
        fnpo=CountMeasurement(unknown_because="single sections never give FNPO"),
        volume_ml=VolumeMeasurement(
            unknown_because=frame.scale_problem or "a volume needs three orthogonal diameters"
        ),
        length_mm=ovary.length_mm,
        width_mm=ovary.width_mm,
    )


def frame_record(frame: FrameFindings, *, side: Side | None) -> FrameRecord:
    """One frame as the public record shows it.

    Args:
        frame: What was seen.
        side: The ovary the file names, or None.

    Returns:
        The record.
    """
    return FrameRecord(
        source=frame.source,
        frame=frame.frame,
        width=frame.width,
        height=frame.height,
        mm_per_pixel=_pixel_scale(frame.mm_per_pixel),
        scale_problem=frame.scale_problem or None,
        side=side,
        assessable=frame.is_assessable,
        not_assessable_because=list(frame.not_assessable_because),
        ovaries=[_ovary_record(ovary) for ovary in frame.ovaries],
        lesions=[
            LesionRecord(
                polygon=list(lesion.polygon),
                probability=lesion.probability,
                largest_diameter_mm=lesion.largest_diameter_mm,
            )
            for lesion in frame.lesions
        ],
        burned_in_graphics=list(frame.burned_in_graphics),
    )


def _pixel_scale(scale: MmPerPixel | None) -> PixelScale | None:
    return None if scale is None else PixelScale(x=scale.x, y=scale.y, source=scale.source.value)


def _ovary_record(ovary: Ovary) -> OvaryRecord:
    count = ovary.follicle_count_section
    return OvaryRecord(
        polygon=list(ovary.polygon),
        probability=ovary.probability,
        follicle_count_section=SectionCount(value=count.value, low=count.low, high=count.high),
        follicles=[
            FollicleRecord(
                polygon=list(follicle.polygon),
                probability=follicle.probability,
                mean_diameter_mm=follicle.mean_diameter_mm,
                kind=follicle.kind.value,
            )
            for follicle in ovary.follicles
        ],
        length_mm=ovary.length_mm,
        width_mm=ovary.width_mm,
        area_mm2=ovary.area_mm2,
        area_interval_mm2=_area_interval(ovary),
        luteal_like=list(ovary.luteal_like),
    )


def _area_interval(ovary: Ovary) -> AreaInterval | None:
    if ovary.area_interval_mm2 is None:
        return None
    low, high = ovary.area_interval_mm2
    return AreaInterval(low=low, high=high)
