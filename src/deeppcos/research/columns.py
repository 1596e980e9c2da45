"""The data dictionary: every column of every research table.

Owns names, types, units, meanings and permitted values. The page in ``docs`` is generated from
it, tables are written by it and refused where they differ from it. Unknown is null, never zero.
"""

from dataclasses import dataclass
from enum import StrEnum

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.criteria import Status
from deeppcos.clinical.finding import State
from deeppcos.clinical.patient import Contraception, Population
from deeppcos.clinical.profiles import PROFILES

SCHEMA = "deeppcos.research-table/1"
AXES = ("reproductive", "morphology", "androgen", "metabolic")
FINDINGS = ("ovulatory_dysfunction", "hyperandrogenism", "polycystic_morphology", "exclusions")
PROFILE_KEYS = tuple(PROFILES)
PHENOTYPES = ("A", "B", "C", "D")


class Kind(StrEnum):
    """Types of columns."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        name: Name in every file; units stand in it.
        kind: Type.
        meaning: What it says.
        unit: UCUM unit; empty where there is none.
        values: Every permitted value; empty where any is.
        identifies: Whether it is replaced or shifted before it leaves the house.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    values: tuple[str, ...] = ()
    identifies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """A laboratory test that has a column of its own in the flat table.

    Attributes:
        column: Name of the column.
        analyte: The test.
        unit: Unit every result is converted to.
    """

    column: str
    analyte: Analyte
    unit: str


LABORATORIES = tuple(
    Laboratory(column=column, analyte=Analyte(analyte), unit=unit)
    for column, analyte, unit in (
        ("amh_ng_ml", "amh", "ng/mL"),
        ("total_testosterone_nmol_l", "total_testosterone", "nmol/L"),
        ("shbg_nmol_l", "shbg", "nmol/L"),
        ("androstenedione_nmol_l", "androstenedione", "nmol/L"),
        ("dheas_umol_l", "dheas", "umol/L"),
        ("lh_iu_l", "lh", "[IU]/L"),
        ("fsh_iu_l", "fsh", "[IU]/L"),
        ("tsh_miu_l", "tsh", "m[IU]/L"),
        ("prolactin_ng_ml", "prolactin", "ng/mL"),
        ("ohp_17_nmol_l", "17_ohp", "nmol/L"),
        ("fasting_glucose_mmol_l", "fasting_glucose", "mmol/L"),
        ("hba1c_percent", "hba1c", "%"),
    )
)

_STATES = tuple(state.value for state in State)
_STATUSES = tuple(status.value for status in Status)
_READERS = ("chart", "machine", "reader", "signed")
_SIDES = ("left", "right", "side_unknown")


def _text(name: str, meaning: str, values: tuple[str, ...] = (), *, own: bool = False) -> Column:
    return Column(name=name, kind=Kind.TEXT, meaning=meaning, values=values, identifies=own)


def _number(name: str, meaning: str, unit: str) -> Column:
    return Column(name=name, kind=Kind.NUMBER, meaning=meaning, unit=unit)


def _count(name: str, meaning: str) -> Column:
    return Column(name=name, kind=Kind.INTEGER, meaning=meaning, unit="1")


def _keys() -> tuple[Column, Column]:
    return (
        _text("assessment_id", "Pseudonym of the assessment.", own=True),
        _text("patient_id", "Pseudonym of the woman; never her number at the clinic.", own=True),
    )


def _profile_columns() -> tuple[Column, ...]:
    """What every criteria profile says of the same chart and pictures."""
    found: list[Column] = []
    for key in PROFILE_KEYS:
        title = PROFILES[key].title
        found += [
            _text(f"status_{key}", f"Conclusion under {title}, from the same inputs.", _STATUSES),
            _text(f"phenotype_{key}", f"Phenotype, or a set such as `A or B`, under {title}."),
        ]
    return tuple(found)


def _axis_columns() -> tuple[Column, ...]:
    """Grade, lower bound and coverage of each axis."""
    return tuple(
        column
        for axis in AXES
        for column in (
            _count(f"axis_{axis}", f"Grade 0 to 3 of the {axis} axis; null: not graded."),
            _count(f"axis_{axis}_at_least", f"What is proved at least of the {axis} axis."),
            _number(f"axis_{axis}_coverage", f"Known share of what the {axis} axis needs.", "1"),
        )
    )


ASSESSMENTS: tuple[Column, ...] = (
    *_keys(),
    Column(name="performed_on", kind=Kind.DATE, meaning="Day of the examination.", identifies=True),
    _text("site", "Site the study belongs to."),
    Column(
        name="consent",
        kind=Kind.FLAG,
        meaning="Whether she agreed to research; null: not asked, and treated as not given.",
    ),
    _text("release", "Network release that read the pictures; null: no picture was read."),
    _text("rule_version", "Version of the clinical rules."),
    _text("read_by", "Whose marks the figures rest on.", _READERS),
    _number("age_years", "Age at the examination.", "a"),
    _number("age_at_menarche_years", "Age at the first period.", "a"),
    _text("population", "Population for limits.", tuple(p.value for p in Population)),
    _text(
        "hormonal_contraception",
        "Use now or within three months.",
        tuple(c.value for c in Contraception),
    ),
    _text("profile", "Criteria profile of the assessment.", PROFILE_KEYS),
    _text("status", "Conclusion under that profile.", _STATUSES),
    _text("phenotype", "Phenotype `A` to `D`, or a set such as `A or B`, under that profile."),
    *(_text(name, f"Finding: {name.replace('_', ' ')}.", _STATES) for name in FINDINGS),
    *_profile_columns(),
    *_axis_columns(),
    _number("cycle_interval_days", "Usual cycle interval; never days of bleeding.", "d"),
    _number("cycles_per_year", "Cycles in the last year.", "/a"),
    _number("mfg_score", "Modified Ferriman-Gallwey score.", "1"),
    _number("bmi_kg_m2", "Body mass index from height and weight.", "kg/m2"),
    _number("waist_cm", "Waist.", "cm"),
    *(
        _number(lab.column, f"{lab.analyte.label}, converted to this unit.", lab.unit)
        for lab in LABORATORIES
    ),
    _text("amh_assay", "How AMH was measured; assays are not interchangeable."),
    _text("route", "Route of the scan.", ("transvaginal", "transabdominal", "transrectal")),
    _number("probe_mhz", "Highest frequency of the probe.", "MHz"),
    _text("manufacturer", "Manufacturer of the scanner."),
    _text("model", "Model of the scanner."),
    _count("fnpo_largest", "Larger of both ovaries: follicles of 2-9 mm in the whole ovary."),
    _count("fnps_largest", "Larger of both ovaries: follicles in one section."),
    _count("tracked_largest", "Larger of both ovaries: estimate from a sweep; never an FNPO."),
    _number("volume_largest_ml", "Larger ovarian volume.", "mL"),
    _count("frames", "Frames that were looked at."),
    _count("assessable_frames", "Frames in which an ovary could be judged."),
    _count("refused_inputs", "Inputs that could not be read."),
)
"""One row an assessment."""

OVARIES: tuple[Column, ...] = (
    *_keys(),
    _text("side", "Which ovary.", _SIDES),
    _text("source", "Where the figures stand: the document or the chart.", ("picture", "chart")),
    *(
        column
        for key, words in (
            ("fnps", "follicles in one section"),
            ("tracked_estimate", "follicles followed through a sweep"),
            ("fnpo", "follicles of 2-9 mm in the whole ovary"),
        )
        for column in (
            _count(key, f"Number of {words}."),
            _count(f"{key}_low", f"Lower end of the interval of {words}."),
            _count(f"{key}_high", f"Upper end of the interval of {words}."),
        )
    ),
    _number("volume_ml", "Volume.", "mL"),
    _number("volume_low_ml", "Lower end of its interval.", "mL"),
    _number("volume_high_ml", "Upper end of its interval.", "mL"),
    _number("length_mm", "Longest diameter of the largest section.", "mm"),
    _number("width_mm", "Diameter across it.", "mm"),
    _number("thickness_mm", "Diameter across both, where it was measured itself.", "mm"),
)
"""One row an ovary and source."""

LABS: tuple[Column, ...] = (
    *_keys(),
    _text("analyte", "The test.", tuple(a.value for a in Analyte)),
    _number("value", "Result as charted, in `unit`.", ""),
    _text("unit", "UCUM unit of `value` and `upper_limit`."),
    _number("upper_limit", "Upper limit of that laboratory.", ""),
    _text("assay", "How it was measured."),
    _number("value_usual", "Result in `unit_usual`.", ""),
    _text("unit_usual", "The unit limits of this test are stated in."),
)
"""One row a laboratory result."""

READINGS: tuple[Column, ...] = (
    *_keys(),
    _text("reader", "Pseudonym of the reader; `machine` for the release itself.", own=True),
    Column(
        name="is_blinded",
        kind=Kind.FLAG,
        meaning="Whether the reader saw neither machine nor colleague.",
    ),
    _text("side", "Which ovary.", _SIDES),
    _count("fnps", "Follicles in one section, as this reader marked them."),
    _count("fnpo", "Follicles in the whole ovary, as this reader marked them."),
    _number("volume_ml", "Volume, as this reader marked it.", "mL"),
    _text("status", "Conclusion from this reader's marks.", _STATUSES),
)
"""One row an ovary and reader."""

TABLES: dict[str, tuple[Column, ...]] = {
    "assessments": ASSESSMENTS,
    "ovaries": OVARIES,
    "labs": LABS,
    "readings": READINGS,
}
"""Tables by name, each a Parquet file."""

BY_NAME = {column.name: column for column in ASSESSMENTS}
"""Columns of the flat table by name."""

MISSING_COLUMNS = {
    "age_years": "age",
    "cycle_interval_days": "cycle interval",
    "mfg_score": "hair score (mFG)",
    "bmi_kg_m2": "body mass index",
    "waist_cm": "waist",
    "amh_ng_ml": "AMH",
    "total_testosterone_nmol_l": "total testosterone",
    "shbg_nmol_l": "SHBG",
    "tsh_miu_l": "TSH",
    "prolactin_ng_ml": "prolactin",
    "ohp_17_nmol_l": "17-OHP",
    "fasting_glucose_mmol_l": "fasting glucose",
    "fnpo_largest": "follicles of the whole ovary",
    "volume_largest_ml": "ovarian volume",
    "manufacturer": "scanner",
}
"""What missing values are shown of, in the order of a consultation."""

NEEDED_COLUMNS = (
    *("assessment_id", "patient_id", "performed_on", "site", "release", "rule_version"),
    *("route", "amh_assay", "phenotype_guideline_2023", "status_guideline_2023"),
    "status_rotterdam_2003",
    *(f"axis_{axis}" for axis in AXES),
    *MISSING_COLUMNS,
)
"""Columns of the flat table that figures are made from."""
