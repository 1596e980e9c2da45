"""Simulated women, assessed by the real rule engine. No person stands behind any of them.

Owns the draw. Distributions are chosen to look like a clinic, not fitted to one: nothing measured
on them says anything about women. Every row that comes of it says ``simulated`` as its site.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    MeasurementSource,
    OvarianVolume,
    OvaryMeasurements,
    Route,
    Ultrasound,
)
from deeppcos.clinical.patient import Body, Contraception, Cycles, Patient, Population, Signs
from deeppcos.clinical.units import LabValue
from deeppcos.research.bare import bare_document
from deeppcos.research.flatten import Flattened, Row, StudyFacts, flatten

SITES = ("simulated north", "simulated south")
SCANNERS = (("Aurora", "A7", 0.0), ("Borealis", "B2", 1.5), ("Cirrus", "C10", -2.0))
"""Made-up manufacturers, models, and how many follicles each shows more or fewer."""
ELECSYS, LC_MS = "elecsys_amh_plus", "lc_ms_ms"
RELEASES = ("simulated-release-1", "simulated-release-2")
FIRST_DAY = datetime.date(2021, 1, 4)
DAYS = 1300
SHARE_WITH_CONSENT, SHARE_ASKED = 0.8, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedVisit:
    """One simulated study.

    Attributes:
        facts: What is known beside document and chart.
        chart: The chart.
        document: The assessment document of the chart, as plain data.
        readings: Rows of two readers and the machine.
    """

    facts: StudyFacts
    chart: PatientChart
    document: dict[str, Any]
    readings: tuple[Row, ...]

    def rows(self) -> Flattened:
        """The rows of the study."""
        return flatten(self.document, self.facts, chart=self.chart)


def simulated_visits(women: int, *, seed: int = 1) -> Iterator[SimulatedVisit]:
    """Studies of simulated women: one to three visits each.

    Args:
        women: How many women.
        seed: Seed; the same women come again.

    Yields:
        Their studies.
    """
    for number in range(women):
        chance = np.random.default_rng((seed, number))
        yield from _woman(number, chance)


def _woman(number: int, chance: np.random.Generator) -> Iterator[SimulatedVisit]:
    """The visits of one woman; what she is like stays, what is measured varies."""
    tendency = float(chance.normal(0.35, 1.0))
    scanner = SCANNERS[int(chance.integers(len(SCANNERS)))]
    first = FIRST_DAY + datetime.timedelta(days=int(chance.integers(DAYS)))
    age = float(np.clip(chance.gamma(16, 1.75), 12.5, 52))
    asked = chance.random() < SHARE_ASKED
    consent = bool(chance.random() < SHARE_WITH_CONSENT) if asked else None
    visits = int(chance.choice([1, 2, 3], p=[0.66, 0.24, 0.10]))
    for visit in range(visits):
        day = first + datetime.timedelta(days=visit * int(chance.integers(150, 330)))
        years = (day - first).days / 365.25
        chart = _chart(tendency, age + years, scanner[2], chance)
        facts = StudyFacts(
            assessment_id=f"sim-{number:07d}-{visit + 1}",
            patient_id=f"sim-{number:07d}",
            performed_on=day,
            site=SITES[number % 5 > 2],
            consent=consent,
            manufacturer=scanner[0],
            model=scanner[1],
            read_by="signed" if chance.random() < 0.7 else "machine",
        )
        document = bare_document(chart, release=RELEASES[day.year > 2023])
        readings = tuple(_readings(facts, chart, chance)) if chance.random() < 0.35 else ()
        yield SimulatedVisit(facts=facts, chart=chart, document=document, readings=readings)


def _chart(
    tendency: float, age: float, more_follicles: float, chance: np.random.Generator
) -> PatientChart:
    """One simulated chart; a part of everything is not measured."""
    androgens = tendency + float(chance.normal(0, 0.8))
    weight = float(np.clip(64 + 8 * tendency + chance.normal(0, 13), 42, 150))
    height = float(np.clip(chance.normal(165, 6.5), 146, 188))
    body = Body(
        height_cm=round(height),
        weight_kg=round(weight, 1),
        waist_cm=_maybe(
            0.7, round(float(np.clip(weight * 1.13 + chance.normal(0, 6), 52, 160))), chance
        ),
        systolic_mmhg=_maybe(
            0.8, round(float(np.clip(112 + weight / 9 + chance.normal(0, 10), 88, 185))), chance
        ),
        diastolic_mmhg=None,
    )
    on_pill = chance.random() < 0.11
    return PatientChart(
        patient=Patient(
            age_years=round(age, 1),
            age_at_menarche_years=round(
                float(np.clip(chance.normal(12.4, 1.1), 9, min(17, age))), 1
            ),
            population=_maybe(
                0.85, list(Population)[int(chance.integers(len(Population)))], chance
            ),
            pregnant=_maybe(0.985, False, chance),
            postmenopausal=False,
            hormonal_contraception=_maybe(
                0.95, Contraception.COMBINED if on_pill else Contraception.NONE, chance
            ),
        ),
        cycles=Cycles(
            interval_days=_maybe(
                0.9,
                round(
                    float(
                        np.clip(29 + 11 * max(0.0, tendency) ** 1.3 + chance.normal(0, 4), 21, 190)
                    )
                ),
                chance,
            )
        ),
        signs=Signs(
            mfg_score=_maybe(
                0.88,
                int(np.clip(round(3 + 3.4 * androgens + chance.normal(0, 1.6)), 0, 34)),
                chance,
            ),
            acne=_maybe(0.7, bool(androgens > 1.0), chance),
            rapid_onset=_maybe(0.985, False, chance),
            virilisation=_maybe(0.985, False, chance),
        ),
        labs=tuple(_labs(tendency, androgens, age, chance)),
        body=body,
        ultrasound=_scan(tendency, age, more_follicles, chance),
    )


def _labs(
    tendency: float, androgens: float, age: float, chance: np.random.Generator
) -> Iterator[LabValue]:
    """Laboratory results; limits as a laboratory would print them."""
    ageing = max(0.15, 1 - (age - 25) * 0.032)
    nmol = "nmol/L"
    drawn = (
        (Analyte.AMH, 0.66, 3.4 * np.exp(0.42 * tendency) * ageing, 0.32, "ng/mL", 4.7, ELECSYS),
        (Analyte.TOTAL_TESTOSTERONE, 0.92, 1.15 * np.exp(0.34 * androgens), 0.2, nmol, 1.8, LC_MS),
        (Analyte.SHBG, 0.86, 62 * np.exp(-0.28 * tendency), 0.3, "nmol/L", 110.0, None),
        (Analyte.TSH, 0.97, 1.8, 0.4, "mIU/L", 4.2, None),
        (Analyte.PROLACTIN, 0.96, 11.0, 0.35, "ng/mL", 25.0, None),
        (Analyte.OHP_17, 0.94, 2.2, 0.35, "nmol/L", 6.0, None),
        (Analyte.LH, 0.6, 6.0 * np.exp(0.3 * tendency), 0.4, "IU/L", 12.6, None),
        (Analyte.FSH, 0.6, 6.0, 0.25, "IU/L", 12.5, None),
        (Analyte.FASTING_GLUCOSE, 0.6, 5.0 + 0.12 * tendency, 0.08, "mmol/L", 5.6, None),
        (Analyte.HBA1C, 0.5, 5.3 + 0.08 * tendency, 0.05, "%", 5.7, None),
        (Analyte.HDL, 0.45, 1.45 * np.exp(-0.08 * tendency), 0.15, "mmol/L", 2.5, None),
        (Analyte.TRIGLYCERIDES, 0.45, 1.05 * np.exp(0.14 * tendency), 0.3, "mmol/L", 1.7, None),
    )  # fmt: skip
    for analyte, share, middle, spread, unit, limit, assay in drawn:
        value = float(middle) * float(np.exp(chance.normal(0, spread)))
        if chance.random() < share:
            yield LabValue(
                analyte=analyte, value=round(value, 2), unit=unit, upper_limit=limit, assay=assay
            )


def _scan(
    tendency: float, age: float, more_follicles: float, chance: np.random.Generator
) -> Ultrasound:
    """Both ovaries as a clinician charts them, or no scan."""
    if chance.random() < 0.14:
        return Ultrasound()
    transvaginal = chance.random() < 0.86
    ageing = max(0.2, 1 - (age - 25) * 0.028)
    sides = []
    for _ in range(2):
        middle = 13.5 * np.exp(0.36 * tendency) * ageing + more_follicles
        count = int(np.clip(round(float(middle + chance.normal(0, 2.6))), 1, 80))
        volume = float(np.clip(7.2 * np.exp(0.2 * tendency + chance.normal(0, 0.22)), 1.5, 40))
        sides.append(
            OvaryMeasurements(
                fnpo=FollicleNumberPerOvary(value=count, source=MeasurementSource.CHART)
                if transvaginal
                else None,
                volume=OvarianVolume(ml=round(volume, 1), source=MeasurementSource.CHART),
                dominant_follicle_or_corpus_luteum=bool(chance.random() < 0.06),
            )
        )
    return Ultrasound(
        route=Route.TRANSVAGINAL if transvaginal else Route.TRANSABDOMINAL,
        probe_mhz=9.0 if transvaginal else 5.0,
        left=sides[0],
        right=replace(sides[1]),
    )


def _readings(facts: StudyFacts, chart: PatientChart, chance: np.random.Generator) -> Iterator[Row]:
    """What two readers and a machine would mark: the second reader counts a little more."""
    for side, ovary in (("left", chart.ultrasound.left), ("right", chart.ultrasound.right)):
        if ovary.fnpo is None or ovary.volume is None:
            continue
        for reader, bias, spread in (
            ("machine", -0.8, 2.4),
            ("reader-1", 0.0, 1.3),
            ("reader-2", 1.1, 1.6),
        ):
            yield {
                "assessment_id": facts.assessment_id,
                "patient_id": facts.patient_id,
                "reader": reader,
                "is_blinded": reader != "machine",
                "side": side,
                "fnpo": max(0, round(ovary.fnpo.value + bias + float(chance.normal(0, spread)))),
                "volume_ml": round(ovary.volume.ml * float(np.exp(chance.normal(0, 0.07))), 1),
            }  # fmt: skip


def _maybe(share: float, value: Any, chance: np.random.Generator) -> Any:
    """The value, or unknown for the rest."""
    return value if chance.random() < share else None
