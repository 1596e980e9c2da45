"""What chart fields and laboratory tests are called by a clinician.

Owns the names of codes such as ``17_ohp`` or ``cycles.interval_days``, and lists of them. All
other words stand in ``wording``.
"""

import re
from collections.abc import Sequence

_READABLE = {
    "17_ohp": "17-OHP",
    "patient.pregnant": "whether pregnant",
    "patient.postmenopausal": "whether postmenopausal",
    "cycles.interval_days": "cycle interval",
    "cycles.per_year": "cycles per year",
    "cycles.longest_interval_days": "longest cycle interval",
    "cycles.bleeding_days": "days of bleeding",
    "signs.rapid_onset": "whether onset was rapid",
    "ultrasound.route": "route of the scan",
    "ultrasound.probe_mhz": "frequency of the probe",
    "ultrasound.fnpo": "FNPO",
    "ultrasound.fnps": "FNPS",
    "ultrasound.volume_ml": "ovarian volume",
    "amh": "AMH",
    "shbg": "SHBG",
    "lh": "LH",
    "fsh": "FSH",
    "tsh": "TSH",
    "hcg": "hCG",
    "dheas": "DHEAS",
    "hdl": "HDL cholesterol",
    "ldl": "LDL cholesterol",
    "hba1c": "HbA1c",
    "bmi": "BMI",
    "fnpo": "FNPO",
    "fnps": "FNPS",
    "mfg_score": "mFG score",
    "glucose_2h": "2-hour glucose",
    "volume_ml": "ovarian volume",
    "age_years": "age",
    "age_at_menarche_years": "age at menarche",
    "height_cm": "height",
    "weight_kg": "weight",
    "waist_cm": "waist",
    "systolic_mmhg": "systolic pressure",
    "diastolic_mmhg": "diastolic pressure",
}
_ROOMS = ("patient.", "cycles.", "signs.", "body.", "labs.", "ultrasound.")
_CODE = re.compile(r"[a-z0-9]+([._][a-z0-9]+)*")
_FIELDS = (
    "fasting_glucose",
    "fasting_insulin",
    "total_cholesterol",
    "total_testosterone",
    "free_testosterone",
    "hormonal_contraception",
)
"""Fields whose name is their code with spaces."""
_WITHIN = re.compile(
    rf"(?<![\w./-])(?:(?:{'|'.join(room[:-1] for room in _ROOMS)})\.[a-z0-9_.]*[a-z0-9]"
    rf"|[a-z0-9_]+\.(?:upper_limit|assay)"
    rf"|{'|'.join(re.escape(name) for name in (*_READABLE, *_FIELDS))})(?![\w/-]|\.\w)"
)
"""A code in a sentence; never a part of a file's name."""


def readable(text: str) -> str:
    """A code such as ``17_ohp`` or a chart field in words; a sentence stays as it is.

    Examples:
        >>> readable("fasting_glucose"), readable("17_ohp"), readable("AMH, if adult")
        ('fasting glucose', '17-OHP', 'AMH, if adult')
        >>> readable("ultrasound.left.fnpo"), readable("patient.age_years")
        ('left FNPO', 'age')
    """
    if text in _READABLE:
        return _READABLE[text]
    if not _CODE.fullmatch(text):
        return text
    room = next((room for room in _ROOMS if text.startswith(room)), "")
    parts = text.removeprefix(room).split(".")
    return " ".join(_READABLE.get(part, part.replace("_", " ")) for part in parts)


def readable_within(sentence: str) -> str:
    """A sentence with the codes in it in words.

    Examples:
        >>> readable_within("not recorded: prolactin, fsh.upper_limit; tsh in lab/tsh.csv")
        'not recorded: prolactin, FSH upper limit; TSH in lab/tsh.csv'
    """
    return _WITHIN.sub(lambda found: readable(found[0]), sentence)


def listed(parts: Sequence[str], *, most: int = 0) -> str:
    """The parts in one line, commas between.

    Args:
        parts: Codes or phrases.
        most: Name only so many and say how many more; 0 names all.

    Examples:
        >>> listed(["tsh", "prolactin", "17_ohp"], most=2)
        'TSH, prolactin and 1 more'
    """
    words = [readable(part) for part in parts]
    if most and len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return ", ".join(words)
