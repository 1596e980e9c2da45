"""The models of the public assessment document, ``deeppcos.assessment/1``.

Owns every field, its range and its rounding. Filling the document, reading and writing it is
the business of ``assessment_json``. Unknown is null, never zero.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

SCHEMA_NAME: Literal["deeppcos.assessment/1"] = "deeppcos.assessment/1"

State = Literal["present", "absent", "unknown", "not_assessable"]
Status = Literal[
    "criteria_met",
    "criteria_not_met",
    "increased_risk_adolescent",
    "indeterminate",
    "exclusion_incomplete",
    "other_cause_suspected",
]
Verification = Literal["V", "V2", "M", "project"]
Grade = Annotated[int, Field(ge=0, le=3)]
Share = Annotated[float, Field(ge=0, le=1), AfterValidator(lambda share: round(share, 3))]
Millimetres = Annotated[float, Field(ge=0), AfterValidator(lambda mm: round(mm, 2))]
Millilitres = Annotated[float, Field(ge=0), AfterValidator(lambda ml: round(ml, 2))]
SquareMillimetres = Annotated[float, Field(ge=0), AfterValidator(lambda mm2: round(mm2, 1))]
PixelSize = Annotated[float, Field(gt=0), AfterValidator(lambda mm: round(mm, 5))]
MarkerValue = Annotated[float, AfterValidator(lambda value: round(value, 4))]
Count = Annotated[int, Field(ge=0)]
Pixel = Annotated[float, AfterValidator(lambda pixels: round(pixels, 1))]
Side = Literal["left", "right"]
PixelPolygon = Annotated[list[tuple[Pixel, Pixel]], Field(min_length=3)]


class Record(BaseModel):
    """A frozen part of the document that refuses keys it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        serialize_by_alias=True,
        validate_by_name=True,
        validate_by_alias=True,
        json_schema_serialization_defaults_required=True,
    )


class RedFlag(Record):
    """Something that overrides the wording of every other part."""

    trigger: str
    message: str
    source: str | None = None


class Conclusion(Record):
    """What the criteria profile says of everything known, and why."""

    status: Status
    profile: str
    phenotype: str | None = None
    reasons: list[str] = []
    missing: list[str] = []
    red_flags: list[RedFlag] = []


class CriterionFinding(Record):
    """One criterion, its state and why.

    A present finding that something unknown could still withdraw names it in
    ``provisional_on``. ``rules`` holds keys into the document's ``rules``.
    """

    state: State
    reasons: list[str] = []
    missing: list[str] = []
    provisional_on: list[str] = []
    rules: list[str] = []


class Findings(Record):
    """The three criteria and the exclusion of other causes."""

    ovulatory_dysfunction: CriterionFinding
    hyperandrogenism: CriterionFinding
    polycystic_morphology: CriterionFinding
    exclusions: CriterionFinding


class SeverityAxis(Record):
    """One ordinal axis. A null grade leaves only the lower bound."""

    grade: Grade | None = None
    lower_bound: Grade | None = None
    coverage: Share = 0.0
    drivers: list[str] = []
    missing: list[str] = []
    borderline: list[Grade] = []
    confidence: str | None = None
    not_graded_because: str | None = None
    rule_version: str | None = None


class Severity(Record):
    """Four separate axes, never summed."""

    reproductive: SeverityAxis
    morphology: SeverityAxis
    androgen: SeverityAxis
    metabolic: SeverityAxis
    notice: str = (
        "Project-defined grading: anchors come from cited criteria; "
        "grade boundaries are not outcome-validated."
    )
    overridden_because: str | None = None


class Consideration(Record):
    """What the guideline suggests considering, with the standing of that statement."""

    key: str | None = None
    text: str
    because: str | None = None
    source: str | None = None
    verification: Verification | None = None
    recommendation: str | None = None
    verified_by: str | None = None
    verified_on: str | None = None


class SettlingStep(Record):
    """One enquiry of the shortest list that would turn an open result into an answer."""

    measurement: str
    because: str | None = None


class AppliedRule(Record):
    """One threshold that was applied, with its source and how far it was checked."""

    key: str
    value: float
    unit: str
    relation: Literal[">=", ">", "<"]
    text: str
    source: str
    verification: Verification
    recommendation: str | None = None
    verified_by: str | None = None
    verified_on: str | None = None


class ResearchMarker(Record):
    """One computed marker, with its inputs' names where they are missing; never graded."""

    key: str
    label: str
    value: MarkerValue | None = None
    unit: str
    formula: str
    source: str
    verification: Verification
    missing: list[str] = []
    undefined_because: str | None = None


class InsulinResistance(Record):
    """Markers of insulin resistance, for research: no cut-off stands behind any of them."""

    notice: str
    markers: list[ResearchMarker] = []


class FrameReference(Record):
    """A frame of a file; frames are numbered from 0."""

    source: str
    frame: Count


class CountMeasurement(Record):
    """A follicle count; a null value says why in ``unknown_because``."""

    value: Count | None = None
    low: Count | None = None
    high: Count | None = None
    method: str | None = None
    coverage: Share | None = None
    sources: list[FrameReference] = []
    unknown_because: str | None = None


class VolumeMeasurement(Record):
    """An ovarian volume, mL; a null value says why in ``unknown_because``."""

    value: Millilitres | None = None
    low: Millilitres | None = None
    high: Millilitres | None = None
    method: str | None = None
    sources: list[FrameReference] = []
    unknown_because: str | None = None


class SideMeasurements(Record):
    """One ovary. FNPS, tracked estimate and FNPO are three quantities, never interchangeable."""

    fnps: CountMeasurement = CountMeasurement()
    tracked_estimate: CountMeasurement = CountMeasurement()
    fnpo: CountMeasurement = CountMeasurement()
    volume_ml: VolumeMeasurement = VolumeMeasurement()
    length_mm: Millimetres | None = None
    width_mm: Millimetres | None = None
    thickness_mm: Millimetres | None = None


class Measurements(Record):
    """What was measured of each ovary; ``side_unknown`` where no file states a side."""

    left: SideMeasurements | None = None
    right: SideMeasurements | None = None
    side_unknown: SideMeasurements | None = None


class PixelScale(Record):
    """Millimetres per pixel along both axes and where they were read."""

    x: PixelSize
    y: PixelSize
    source: str


class FollicleRecord(Record):
    """One follicle in one section."""

    polygon: PixelPolygon
    probability: Share
    mean_diameter_mm: Millimetres | None
    kind: Literal["antral", "dominant", "below_range", "unsized"]


class SectionCount(Record):
    """Follicles counted in one section (FNPS) with a 90 % interval."""

    value: Count
    low: Count
    high: Count


class AreaInterval(Record):
    """What the promised share of true section areas lies between, mm2."""

    low: SquareMillimetres
    high: SquareMillimetres


class OvaryRecord(Record):
    """One ovary in one section."""

    polygon: PixelPolygon
    probability: Share
    follicle_count_section: SectionCount
    follicles: list[FollicleRecord]
    length_mm: Millimetres | None = None
    width_mm: Millimetres | None = None
    area_mm2: SquareMillimetres | None = None
    area_interval_mm2: AreaInterval | None = None
    luteal_like: list[Count] = []  # places in follicles, from 0


class LesionRecord(Record):
    """A structure in the picture that is not a follicle."""

    polygon: PixelPolygon
    probability: Share
    largest_diameter_mm: Millimetres | None = None


class FrameRecord(Record):
    """Everything seen in one frame, or why nothing can be said."""

    source: str
    frame: Count
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    mm_per_pixel: PixelScale | None
    scale_problem: str | None = None
    side: Side | None = None
    assessable: bool
    not_assessable_because: list[str] = []
    ovaries: list[OvaryRecord] = []
    lesions: list[LesionRecord] = []
    burned_in_graphics: list[str] = []


class Refusal(Record):
    """An input that could not be read, with the reason; the others were still analysed."""

    source: str
    reason: str


class InputFile(Record):
    """A file that was read, with its SHA-256."""

    source: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Provenance(Record):
    """Who made the document, when and from what."""

    created: AwareDatetime | None = None
    software: str = "DeepPCOS"
    version: str | None = None
    inputs: list[InputFile] = []


class Signature(Record):
    """A named clinician's signature. Without one the document is a draft."""

    name: Annotated[str, Field(min_length=1)]
    role: str | None = None
    signed: AwareDatetime


class AssessmentDocument(Record):
    """The whole document, in the order in which it is written."""

    schema_name: Literal["deeppcos.assessment/1"] = Field(default=SCHEMA_NAME, alias="schema")
    condition: str = "PCOS (now PMOS)"
    conclusion: Conclusion
    findings: Findings
    severity: Severity
    considerations: list[Consideration] = []
    would_settle: list[SettlingStep] = []
    rules: list[AppliedRule] = []
    rule_version: str | None = None
    measurements: Measurements = Measurements()
    insulin_resistance: InsulinResistance | None = None
    frames: list[FrameRecord] = []
    refused: list[Refusal] = []
    release: dict[str, Any] = {}
    provenance: Provenance = Provenance()
    signature: Signature | None = None
