"""What could still be asked or measured of a chart, with the answers it might bring.

Owns the catalogue of enquiries and their hypothetical answers. Searching for the shortest list
that settles a conclusion is the business of ``settling``.

Answers that end the enquiry by themselves (an exclusion test that is raised, pregnancy,
contraception in use) are not played through: the others stay of interest only without them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import unique
from deeppcos.clinical.hormones import polycystic_amh, raised_free_androgen
from deeppcos.clinical.morphology import MorphologyRules, scan_finding
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    MeasurementSource,
    OvarianVolume,
    OvaryMeasurements,
    Route,
    Ultrasound,
)
from deeppcos.clinical.patient import Contraception, Population
from deeppcos.clinical.plausibility import LIMITS
from deeppcos.clinical.units import LC_MS_MS, LabValue

Answer = Callable[[PatientChart], PatientChart]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enquiry:
    """Something that could be asked or measured.

    Attributes:
        key: Chart field or laboratory test, such as ``prolactin`` or ``cycles.per_year``.
        question: The question it helps to answer.
        answers: What the chart might become.
    """

    key: str
    question: str
    answers: tuple[Answer, ...]


NEW_SCAN = "ultrasound.fnpo"
"""A transvaginal scan with a modern probe, follicles counted in the whole of both ovaries."""


def open_enquiries(chart: PatientChart) -> list[Enquiry]:
    """Enquiries of history, signs, hair and the laboratory that the chart lacks."""
    return [
        *_fields(chart, "patient", _patient_answers(chart), "who the patient is"),
        *_fields(chart, "cycles", _CYCLES, "ovulatory dysfunction"),
        *_fields(chart, "signs", {"mfg_score": (0, 20)}, "hyperandrogenism"),
        *_laboratory(chart, Analyte.TOTAL_TESTOSTERONE, "hyperandrogenism"),
        *_laboratory(chart, Analyte.TSH, "other causes"),
        *_laboratory(chart, Analyte.PROLACTIN, "other causes"),
        *_laboratory(chart, Analyte.OHP_17, "other causes"),
        *_laboratory(chart, Analyte.FSH, "other causes"),
        *_fields(chart, "signs", _RED_FLAG_SIGNS, "other causes"),
    ]


_CYCLES: dict[str, tuple[Any, ...]] = {
    "interval_days": (28, 60),
    "per_year": (12, 5),
    "longest_interval_days": (32, 120),
}
_RED_FLAG_SIGNS: dict[str, tuple[Any, ...]] = {"rapid_onset": (False,), "virilisation": (False,)}


def _patient_answers(chart: PatientChart) -> dict[str, tuple[Any, ...]]:
    """Answers about the patient that fit what is known of the other age."""
    patient = chart.patient
    menarche, age = patient.age_at_menarche_years, patient.age_years
    return {
        "age_years": (27,) if menarche is None else (menarche + 4, menarche + 15),
        "age_at_menarche_years": (12,) if age is None else _menarche_before(age),
        "population": (Population.WHITE_AMERICAN, Population.WHITE_IRANIAN),
        "hormonal_contraception": (Contraception.NONE,),
        "pregnant": (False,),
        **({"postmenopausal": (False,)} if patient.needs_menopausal_state else {}),
    }


def _menarche_before(age_years: float) -> tuple[float, ...]:
    """Ages at menarche 2, 5 and 9 years back, where plausible."""
    limit = LIMITS["patient.age_at_menarche_years"]
    earlier = (age_years - 2, age_years - 5, min(12.0, age_years - 9))
    return tuple(a for a in earlier if limit.low <= a <= min(limit.high, 16))


def _fields(
    chart: PatientChart, section: str, answers: dict[str, tuple[Any, ...]], question: str
) -> list[Enquiry]:
    """Enquiries for the unknown fields of one section."""
    record = getattr(chart, section)
    return [
        Enquiry(
            key=f"{section}.{name}",
            question=question,
            answers=tuple(_set_field(section, name, value) for value in values),
        )
        for name, values in answers.items()
        if getattr(record, name) is None and values
    ]


def _set_field(section: str, name: str, value: object) -> Answer:
    """The chart with one field of one section filled."""

    def answer(chart: PatientChart) -> PatientChart:
        record = replace(getattr(chart, section), **{name: value})
        return replace(chart, **{section: record})

    return answer


_RESULTS: dict[Analyte, tuple[tuple[float, ...], float | None]] = {
    Analyte.TOTAL_TESTOSTERONE: ((1.0, 2.5), 1.7),
    Analyte.FREE_TESTOSTERONE: ((10, 45), 30),
    Analyte.SHBG: ((45, 120), None),
    Analyte.ALBUMIN: ((35, 50), None),
    Analyte.AMH: ((1, 9), 5),
    Analyte.TSH: ((2,), 4),
    Analyte.PROLACTIN: ((10,), 25),
    Analyte.FSH: ((6,), 12),
    Analyte.OHP_17: ((2,), 6),
}
"""Hypothetical results in the analyte's first unit, and the upper limit that goes with them."""

_LIMIT_FACTORS: dict[Analyte, tuple[float, ...]] = {
    Analyte.TSH: (2,),
    Analyte.PROLACTIN: (2,),
    Analyte.FSH: (2,),
}


def _laboratory(chart: PatientChart, analyte: Analyte, question: str) -> list[Enquiry]:
    """A test that was not done, or the limit of one that was."""
    lab = chart.measured(analyte)
    values, limit = _RESULTS[analyte]
    if lab is None:
        results = tuple(
            _set_lab(
                LabValue(
                    analyte=analyte,
                    value=value,
                    unit=ANALYTES[analyte].units[0],
                    upper_limit=limit,
                    assay=LC_MS_MS if analyte is Analyte.TOTAL_TESTOSTERONE else None,
                )
            )
            for value in values
        )
        return [Enquiry(key=analyte.value, question=question, answers=results)]
    if lab.upper_limit is None and limit is not None and analyte is not Analyte.OHP_17:
        return [_limit_enquiry(lab, question)]
    return []


def _limit_enquiry(lab: LabValue, question: str) -> Enquiry:
    """The laboratory's limit for a result that is there: the result within it, and over it."""
    value = max(lab.value or 0.0, 1e-6)
    answers = tuple(
        _set_lab(replace(lab, upper_limit=limit))
        for factor in _LIMIT_FACTORS.get(lab.analyte, (1.5, 1 / 1.5))
        if (limit := _plausible_limit(lab, value * factor)) is not None
    )
    return Enquiry(key=f"{lab.analyte}.upper_limit", question=question, answers=answers)


def _plausible_limit(lab: LabValue, limit: float) -> float | None:
    """The limit, unless a chart could not hold it."""
    low, high = (
        LabValue(analyte=lab.analyte, value=edge, unit=ANALYTES[lab.analyte].units[0]).value_in(
            lab.unit
        )
        for edge in (ANALYTES[lab.analyte].low, ANALYTES[lab.analyte].high)
    )
    return limit if low is not None and high is not None and low <= limit <= high else None


def _set_lab(lab: LabValue) -> Answer:
    """The chart with one result in place of any it held of that analyte."""

    def answer(chart: PatientChart) -> PatientChart:
        others = tuple(x for x in chart.labs if x.analyte is not lab.analyte)
        return replace(chart, labs=(*others, lab))

    return answer


def free_androgen_options(chart: PatientChart) -> list[list[Enquiry]]:
    """Ways to learn of free androgen: what the index or calculation lacks, or a direct result."""
    missing = raised_free_androgen(chart).missing
    completed: list[Enquiry] = []
    if "shbg" in missing:
        completed += _laboratory(chart, Analyte.SHBG, "hyperandrogenism")
    if "albumin" in missing:
        completed += _laboratory(chart, Analyte.ALBUMIN, "hyperandrogenism")
    if "total_testosterone.assay" in missing:
        completed.append(_assay_enquiry(chart))
    direct = _laboratory(chart, Analyte.FREE_TESTOSTERONE, "hyperandrogenism")
    return [option for option in ([], completed, direct) if option or not completed]


def _assay_enquiry(chart: PatientChart) -> Enquiry:
    """How testosterone was measured."""
    lab = chart.measured(Analyte.TOTAL_TESTOSTERONE)
    answers = () if lab is None else tuple(_set_lab(replace(lab, assay=a)) for a in _ASSAYS)
    return Enquiry(key="total_testosterone.assay", question="hyperandrogenism", answers=answers)


_ASSAYS = ("lc_ms_ms", "immunoassay", "another method")


def morphology_options(chart: PatientChart, rules: MorphologyRules) -> list[list[Enquiry]]:
    """Ways to learn of morphology: complete the scan there is, scan anew, or measure AMH."""
    options: list[list[Enquiry]] = [[]]
    fields = _scan_fields(chart, rules)
    if fields:
        options.append(fields)
    question = "polycystic ovarian morphology"
    options.append([Enquiry(key=NEW_SCAN, question=question, answers=(_scanned(5), _scanned(40)))])
    if rules.uses_amh and polycystic_amh(chart).missing:
        options.append(_laboratory(chart, Analyte.AMH, question))
    return options


def _scan_fields(chart: PatientChart, rules: MorphologyRules) -> list[Enquiry]:
    """The fields the scan in the chart lacks, if it was begun."""
    scan = chart.ultrasound
    if not (scan.left.was_seen or scan.right.was_seen):
        return []
    missing = unique(m for m in scan_finding(scan, rules).missing)
    return [e for field in missing for e in _scan_field(field)]


_SCAN_ANSWERS: dict[str, Iterable[object]] = {
    "route": (Route.TRANSVAGINAL,),
    "probe_mhz": (9,),
    "fnpo": tuple(FollicleNumberPerOvary(value=n, source=MeasurementSource.CHART) for n in (5, 40)),
    "fnps": tuple(
        FollicleNumberPerSection(value=n, source=MeasurementSource.CHART) for n in (3, 20)
    ),
    "volume_ml": tuple(OvarianVolume(ml=ml, source=MeasurementSource.CHART) for ml in (5, 18)),
    "dominant_follicle_or_corpus_luteum": (False,),
}


def _scan_field(field: str) -> list[Enquiry]:
    """One field of the scan."""
    _, *path, name = field.split(".")
    attribute = "volume" if name == "volume_ml" else name
    side = path[0] if path else None
    return [
        Enquiry(
            key=field,
            question="polycystic ovarian morphology",
            answers=tuple(_set_scan(side, attribute, value) for value in _SCAN_ANSWERS[name]),
        )
    ]


def _set_scan(side: str | None, name: str, value: object) -> Answer:
    """The chart with one field of the scan filled."""

    def answer(chart: PatientChart) -> PatientChart:
        scan: Any = chart.ultrasound
        if side is None:
            return replace(chart, ultrasound=replace(scan, **{name: value}))
        ovary = replace(getattr(scan, side), **{name: value})
        return replace(chart, ultrasound=replace(scan, **{side: ovary}))

    return answer


def _scanned(count: int) -> Answer:
    """The chart with a new scan in place of the old."""

    def answer(chart: PatientChart) -> PatientChart:
        ovary = OvaryMeasurements(
            fnpo=FollicleNumberPerOvary(value=count, source=MeasurementSource.CHART),
            volume=OvarianVolume(ml=6 if count < 10 else 14, source=MeasurementSource.CHART),
            dominant_follicle_or_corpus_luteum=False,
        )
        scan = Ultrasound(route=Route.TRANSVAGINAL, probe_mhz=9, left=ovary, right=ovary)
        return replace(chart, ultrasound=scan)

    return answer
