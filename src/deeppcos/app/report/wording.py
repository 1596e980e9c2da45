"""The words of the reports: what each code of the document is called by a clinician.

Owns every fixed phrase shared by HTML, PDF and terminal text. The conclusion never says that
anyone has a condition; it says how findings stand to a criteria profile. Follicles are
follicles.
"""

import json
from datetime import UTC, datetime

from deeppcos.app.report.field_names import listed, readable
from deeppcos.records.assessment_document import (
    AppliedRule,
    AssessmentDocument,
    Conclusion,
    Consideration,
    FrameRecord,
    Signature,
)

BANNER = "Research use. Not a medical device."
DRAFT = "Draft until a named clinician signs"
MARKERS_TITLE = "Markers of insulin resistance"
NEVER_SUMMED = "The axes are never summed."
UNCONFIRMED_MARKS = (
    "Outlines are proposals of a network. A clinician confirms or corrects them before use."
)

THREE_QUANTITIES = (
    "FNPS, the tracked estimate and FNPO are three quantities and never stand in for one "
    "another. In brackets: the range the method allows."
)
ALL_LISTED = "assessment.json lists every frame."
LONGEST_VALUE = 300
"""Letters of one part of a release's manifest that a report shows."""
VERIFICATION_WORDS = {
    "V": "read in a primary source",
    "V2": "read in a secondary source only",
    "M": "general knowledge, not checked against a text",
    "project": "decision of this project",
}

STATE_WORDS = {
    "present": "Present",
    "absent": "Absent",
    "unknown": "Unknown",
    "not_assessable": "Not assessable",
}
CRITERION_TITLES = {
    "ovulatory_dysfunction": "Ovulatory dysfunction",
    "hyperandrogenism": "Hyperandrogenism",
    "polycystic_morphology": "Polycystic morphology",
    "exclusions": "Other causes",
}
EXCLUSION_WORDS = {"present": "Another cause found", "absent": "Excluded"}
AXIS_TITLES = {
    "reproductive": ("R", "Reproductive"),
    "morphology": ("M", "Morphology"),
    "androgen": ("H", "Androgen"),
    "metabolic": ("B", "Metabolic"),
}
KIND_WORDS = {
    "antral": "antral",
    "dominant": "10 mm and over",
    "below_range": "under 2 mm",
    "unsized": "no scale",
}
PROFILE_NAMES = {
    "guideline_2023": "2023 international guideline",
    "rotterdam_2003": "Rotterdam 2003 criteria",
    "nih_1990": "NIH 1990 criteria",
    "aepcos_2006": "AE-PCOS 2006 criteria",
    "aepcos_2014": "AE-PCOS criteria with the 2014 follicle threshold",
}
STATUS_WORDS = {
    "criteria_met": "Criteria met",
    "criteria_not_met": "Criteria not met",
    "increased_risk_adolescent": "Increased risk (adolescent)",
    "indeterminate": "Indeterminate",
    "exclusion_incomplete": "Exclusion incomplete",
    "other_cause_suspected": "Another cause suspected",
}
SCALE_SOURCES = {
    "dicom_regions": "DICOM ultrasound regions",
    "volume_spacing": "spacing of the volume",
    "burned_in_ruler": "depth ruler in the picture (lower confidence)",
    "burned_in_caliper": "caliper read-out in the picture (lower confidence)",
}
_SENTENCES = {
    "criteria_met": (
        "The findings meet the criteria for {condition} under the {profile}{phenotype}."
    ),
    "criteria_not_met": (
        "The findings do not meet the criteria for {condition} under the {profile}."
    ),
    "increased_risk_adolescent": (
        "Increased risk of {condition} in an adolescent under the {profile}: "
        "reassess by about eight years after the first period."
    ),
    "indeterminate": (
        "Under the {profile} the criteria for {condition} can be neither met "
        "nor ruled out with what is known{phenotype}."
    ),
    "exclusion_incomplete": (
        "Enough criteria for {condition} are present under the {profile}{phenotype}, "
        "but other causes are not excluded yet."
    ),
    "other_cause_suspected": (
        "Another cause is suspected and comes before any conclusion about {condition} "
        "under the {profile}."
    ),
}


def conclusion_sentence(conclusion: Conclusion, *, condition: str) -> str:
    """The conclusion in one sentence, naming the criteria profile.

    Args:
        conclusion: The conclusion of the document.
        condition: The condition's display name, such as ``PCOS (now PMOS)``.
    """
    phenotype = f", phenotype {conclusion.phenotype}" if conclusion.phenotype else ""
    return _SENTENCES[conclusion.status].format(
        condition=condition, profile=profile_name(conclusion.profile), phenotype=phenotype
    )


def profile_name(profile: str) -> str:
    """What a criteria profile is called; its code in words where it has no name here."""
    return PROFILE_NAMES.get(profile, f"profile {readable(profile)}")


def state_word(state: str, *, criterion: str) -> str:
    """The word for a state. For exclusions, absent means that other causes are excluded."""
    if criterion == "exclusions" and state in EXCLUSION_WORDS:
        return EXCLUSION_WORDS[state]
    return STATE_WORDS[state]


def frame_number(frame: int) -> str:
    """The frame as a reader counts it, from 1.

    Examples:
        >>> frame_number(0)
        'frame 1'
    """
    return f"frame {frame + 1}"


def moment_words(moment: datetime) -> str:
    """A moment as day, month in letters and time, in UTC.

    Examples:
        >>> moment_words(datetime(2026, 11, 23, 6, 5, tzinfo=UTC))
        '23 November 2026, 06:05 UTC'
    """
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


def scale_words(frame: FrameRecord) -> str:
    """The frame's scale and where it was read, or why there is none."""
    if frame.mm_per_pixel is None:
        return f"No scale, so no millimetres: {frame.scale_problem or 'no reason was recorded'}"
    scale = frame.mm_per_pixel
    source = SCALE_SOURCES.get(scale.source, readable(scale.source))
    return f"Scale {scale.x:g} × {scale.y:g} mm per pixel, from {source}"


def how_much_was_read(document: AssessmentDocument) -> str:
    """How many frames were read and how many files refused; the same every time."""
    frames, refused = len(document.frames), len(document.refused)
    parts = [f"{frames or 'No'} {'frame' if frames == 1 else 'frames'} read"]
    if refused:
        parts.append(f"{refused} {'file' if refused == 1 else 'files'} refused")
    return ", ".join(parts)


def at_a_glance(document: AssessmentDocument) -> str:
    """How much was read, how much refused, and when the document was written."""
    read, created = how_much_was_read(document), document.provenance.created
    return f"{read}, {moment_words(created)}" if created else read


def frame_notes(frame: FrameRecord, *, has_picture: bool) -> tuple[str, ...]:
    """What a reader of one picture must know: scale, graphics, why it cannot be assessed."""
    notes = [] if has_picture else ["The picture itself was not given to this report"]
    notes.append(scale_words(frame))
    if not frame.assessable:
        notes.append(f"Not assessable: {listed(frame.not_assessable_because)}")
    if frame.burned_in_graphics:
        graphics = listed(frame.burned_in_graphics)
        notes.append(f"Burned-in graphics neutralised before analysis: {graphics}")
    return tuple(notes)


def standing(statement: Consideration | AppliedRule) -> str:
    """Source and verification of a statement; a recommendation number only once ticked."""
    parts = [statement.source or "no source recorded"]
    if statement.verified_by and statement.verified_on:
        number = f"recommendation {statement.recommendation}, " if statement.recommendation else ""
        parts.append(f"{number}verified by {statement.verified_by} on {statement.verified_on}")
    else:
        how = VERIFICATION_WORDS.get(statement.verification or "", "origin not recorded")
        parts.append(f"{how}; not yet verified by a clinician")
    return " · ".join(parts)


def rule_words(rule: AppliedRule) -> str:
    """One applied threshold with its reading direction and unit."""
    sign = {">=": "≥", ">": ">", "<": "<"}[rule.relation]
    unit = "" if rule.unit == "1" else f" {rule.unit}"
    return f"{rule.text.removesuffix('.')}: {sign} {rule.value:g}{unit}"


def provenance_facts(document: AssessmentDocument) -> tuple[tuple[str, str], ...]:
    """Who wrote the document, when, and by which rules, as name and value."""
    made = document.provenance
    version = f" {made.version}" if made.version else ", version not recorded"
    return (
        ("Written", moment_words(made.created) if made.created else "time not recorded"),
        ("Software", f"{made.software}{version}"),
        (
            "Criteria profile",
            f"{profile_name(document.conclusion.profile)} ({document.conclusion.profile}), "
            f"rules {document.rule_version or 'of unrecorded version'}",
        ),
        (
            "Document",
            f"{document.schema_name}; frames count from 1 here and from 0 in assessment.json",
        ),
    )


def release_facts(document: AssessmentDocument) -> tuple[tuple[str, str], ...]:
    """The release's manifest as name and value; long parts are cut, and say so."""
    return tuple(
        (readable(name), _short(_as_words(value))) for name, value in document.release.items()
    )


def _as_words(value: object) -> str:
    """Text as it is, a list of texts with semicolons, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return "; ".join(value)
    return json.dumps(value)


def _short(text: str) -> str:
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]} … (whole in assessment.json)"


def signed_words(signature: Signature) -> str:
    """Who signed, as what, and when."""
    role = f", {signature.role}" if signature.role else ""
    return f"Signed by {signature.name}{role}, {moment_words(signature.signed)}."
