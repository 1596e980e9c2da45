"""An assessment document and its chart as rows of the research tables.

Owns which key of ``deeppcos.assessment/1`` becomes which column. The document comes as plain
data, the chart as a clinical type; neither is changed and nothing unknown is filled in.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deeppcos.clinical.analytes import ANALYTES
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.criteria import conclude, find
from deeppcos.clinical.exclusions import red_flags
from deeppcos.clinical.metabolic import body_mass_index
from deeppcos.clinical.ovary import OvaryMeasurements
from deeppcos.clinical.profiles import PROFILES
from deeppcos.errors import InvalidInput
from deeppcos.research.columns import AXES, FINDINGS, LABORATORIES

Row = dict[str, Any]
ASSESSMENT_SCHEMA = "deeppcos.assessment/1"
SIDES = ("left", "right", "side_unknown")
_COUNTS = ("fnps", "tracked_estimate", "fnpo")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """What is known of a study beside its document and chart; None is unknown.

    Attributes:
        assessment_id: Pseudonym of the assessment.
        patient_id: Pseudonym of the woman; None where it is not known who she is.
        performed_on: Day of the examination.
        site: Site.
        consent: Whether she agreed to research.
        manufacturer: Manufacturer of the scanner.
        model: Model of the scanner.
        read_by: ``chart``, ``machine``, ``reader`` or ``signed``.
    """

    assessment_id: str
    patient_id: str | None = None
    performed_on: datetime.date | None = None
    site: str | None = None
    consent: bool | None = None
    manufacturer: str | None = None
    model: str | None = None
    read_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flattened:
    """The rows of one assessment.

    Attributes:
        assessment: Its row of the flat table.
        ovaries: A row for each ovary and source that says anything.
        labs: A row for each laboratory entry.
    """

    assessment: Row
    ovaries: tuple[Row, ...]
    labs: tuple[Row, ...]


def flatten(
    document: Mapping[str, Any], facts: StudyFacts, *, chart: PatientChart | None = None
) -> Flattened:
    """Rows of one assessment.

    Args:
        document: A ``deeppcos.assessment/1`` document as plain data.
        facts: What is known beside it.
        chart: The chart it was made from, with what pictures measured; None leaves everything
            only a chart says unknown, the other profiles' conclusions among it.

    Returns:
        The rows.

    Raises:
        InvalidInput: If it is another kind of document, or a part every document has is absent.
    """
    if document.get("schema") != ASSESSMENT_SCHEMA:
        raise InvalidInput(
            "not an assessment document",
            value=str(document.get("schema")),
            accepted=ASSESSMENT_SCHEMA,
            remedy="give the assessment.json that deeppcos analyze wrote",
        )
    try:
        ovaries = tuple(_ovary_rows(document, facts, chart))
        row = {
            "assessment_id": facts.assessment_id,
            "patient_id": facts.patient_id or facts.assessment_id,
            "performed_on": facts.performed_on,
            "site": facts.site,
            "consent": facts.consent,
            "manufacturer": facts.manufacturer,
            "model": facts.model,
            "read_by": facts.read_by or _read_by(document),
            **_of_document(document),
            **(_of_chart(chart) if chart is not None else {}),
            **_largest(ovaries),
        }
    except (KeyError, TypeError, AttributeError) as problem:
        raise InvalidInput(
            "an assessment document lacks a part",
            value=f"{type(problem).__name__}: {problem}",
            accepted=f"a whole {ASSESSMENT_SCHEMA} document",
            remedy="analyse the study again",
        ) from problem
    labs = tuple(_lab_rows(facts, chart)) if chart is not None else ()
    return Flattened(assessment=row, ovaries=ovaries, labs=labs)


def _read_by(document: Mapping[str, Any]) -> str:
    """Whose figures they are, as far as the document itself says."""
    if document.get("signature"):
        return "signed"
    return "machine" if document["frames"] else "chart"


def _of_document(document: Mapping[str, Any]) -> Row:
    """What the document says."""
    conclusion, frames = document["conclusion"], document["frames"]
    row: Row = {
        "release": document["release"].get("name"),
        "rule_version": document["rule_version"],
        "profile": conclusion["profile"],
        "status": conclusion["status"],
        "phenotype": conclusion["phenotype"],
        "frames": len(frames),
        "assessable_frames": sum(bool(frame["assessable"]) for frame in frames),
        "refused_inputs": len(document["refused"]),
    }
    for name in FINDINGS:
        row[name] = document["findings"][name]["state"]
    for name in AXES:
        axis = document["severity"][name]
        row[f"axis_{name}"] = axis["grade"]
        row[f"axis_{name}_at_least"] = axis["lower_bound"]
        row[f"axis_{name}_coverage"] = axis["coverage"]
    return row


def _of_chart(chart: PatientChart) -> Row:
    """What the chart says, and what every profile would conclude from it."""
    patient, cycles, scan = chart.patient, chart.cycles, chart.ultrasound
    amh = next((lab for lab in chart.labs if lab.analyte.value == "amh"), None)
    row: Row = {
        "age_years": patient.age_years,
        "age_at_menarche_years": patient.age_at_menarche_years,
        "population": _value(patient.population),
        "hormonal_contraception": _value(patient.hormonal_contraception),
        "cycle_interval_days": cycles.interval_days,
        "cycles_per_year": cycles.per_year,
        "mfg_score": chart.signs.mfg_score,
        "bmi_kg_m2": body_mass_index(chart.body),
        "waist_cm": chart.body.waist_cm,
        "amh_assay": None if amh is None else amh.assay,
        "route": _value(scan.route),
        "probe_mhz": scan.probe_mhz,
    }
    for laboratory in LABORATORIES:
        lab = chart.lab(laboratory.analyte)
        row[laboratory.column] = None if lab is None else lab.value_in(laboratory.unit)
    flags = red_flags(chart)
    for key, profile in PROFILES.items():
        conclusion = conclude(chart.patient, find(chart, profile), profile, flags)
        row[f"status_{key}"] = conclusion.status.value
        row[f"phenotype_{key}"] = conclusion.phenotype
    return row


def _value(member: Any) -> str | None:
    """The word of an enumeration, or None."""
    return None if member is None else str(member.value)


def _ovary_rows(
    document: Mapping[str, Any], facts: StudyFacts, chart: PatientChart | None
) -> Iterator[Row]:
    """Both ovaries as the pictures and as the chart show them."""
    keys = {"assessment_id": facts.assessment_id}
    keys["patient_id"] = facts.patient_id or facts.assessment_id
    for side in SIDES:
        measured = document["measurements"].get(side)
        if measured is not None:
            yield keys | {"side": side, "source": "picture"} | _picture_row(measured)
    if chart is None:
        return
    for side, ovary in (("left", chart.ultrasound.left), ("right", chart.ultrasound.right)):
        if ovary.was_seen:
            yield keys | {"side": side, "source": "chart"} | _charted_row(ovary)


def _picture_row(measured: Mapping[str, Any]) -> Row:
    """One ovary of the document."""
    row: Row = {name: measured[name] for name in ("length_mm", "width_mm", "thickness_mm")}
    for name in _COUNTS:
        count = measured[name]
        row |= {name: count["value"], f"{name}_low": count["low"], f"{name}_high": count["high"]}
    volume = measured["volume_ml"]
    return row | {
        "volume_ml": volume["value"],
        "volume_low_ml": volume["low"],
        "volume_high_ml": volume["high"],
    }


def _charted_row(ovary: OvaryMeasurements) -> Row:
    """One ovary of the chart."""
    row: Row = {}
    for name, count in zip(_COUNTS, (ovary.fnps, ovary.tracked, ovary.fnpo), strict=True):
        if count is not None:
            row |= {name: count.value, f"{name}_low": count.low, f"{name}_high": count.high}
    if ovary.volume is not None:
        volume = ovary.volume
        row |= {
            "volume_ml": volume.ml,
            "volume_low_ml": volume.low_ml,
            "volume_high_ml": volume.high_ml,
        }
    return row


def _largest(ovaries: tuple[Row, ...]) -> Row:
    """The larger ovary of each quantity; the clinician's chart before a picture."""
    names = {
        "fnpo_largest": "fnpo",
        "fnps_largest": "fnps",
        "tracked_largest": "tracked_estimate",
        "volume_largest_ml": "volume_ml",
    }
    return {column: _larger(ovaries, key) for column, key in names.items()}


def _larger(ovaries: tuple[Row, ...], key: str) -> Any:
    """The larger value among the charted ovaries, else among the pictures'."""
    for source in ("chart", "picture"):
        known = [o[key] for o in ovaries if o["source"] == source and o.get(key) is not None]
        if known:
            return max(known)
    return None


def _lab_rows(facts: StudyFacts, chart: PatientChart) -> Iterator[Row]:
    """Every laboratory entry that has a value."""
    for lab in chart.labs:
        if lab.value is None:
            continue
        usual = ANALYTES[lab.analyte].units[0]
        yield {
            "assessment_id": facts.assessment_id,
            "patient_id": facts.patient_id or facts.assessment_id,
            "analyte": lab.analyte.value,
            "value": lab.value,
            "unit": lab.unit,
            "upper_limit": lab.upper_limit,
            "assay": lab.assay,
            "value_usual": lab.value_in(usual),
            "unit_usual": usual,
        }
