"""Builds charts for the clinical tests from dotted field names."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    MeasurementSource,
    OvarianVolume,
    Route,
)
from deeppcos.clinical.patient import Contraception, Population
from deeppcos.clinical.units import LabValue

ChartMaker = Callable[[Mapping[str, Any]], PatientChart]

BY_HAND = MeasurementSource.CHART

ENUMS = {
    "route": Route,
    "population": Population,
    "hormonal_contraception": Contraception,
}

MEASUREMENTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "fnpo": ("fnpo", lambda n: FollicleNumberPerOvary(value=n, source=BY_HAND)),
    "fnps": ("fnps", lambda n: FollicleNumberPerSection(value=n, source=BY_HAND)),
    "volume_ml": ("volume", lambda ml: OvarianVolume(ml=ml, source=BY_HAND)),
}

ADULT: dict[str, Any] = {
    "patient.age_years": 27,
    "patient.age_at_menarche_years": 12,
    "patient.population": "han_chinese",
    "patient.pregnant": False,
    "patient.postmenopausal": False,
    "patient.hormonal_contraception": "none",
}

EXCLUDED: dict[str, Any] = {
    "signs.rapid_onset": False,
    "signs.virilisation": False,
    "labs.tsh": (2, "mIU/L", 4),
    "labs.prolactin": (10, "ng/mL", 25),
    "labs.17_ohp": (60, "ng/dL", None),
    "labs.fsh": (6, "IU/L", 12),
}

REGULAR: dict[str, Any] = {
    "cycles.interval_days": 28,
    "cycles.per_year": 13,
    "cycles.longest_interval_days": 32,
}

IRREGULAR: dict[str, Any] = {
    "cycles.interval_days": 50,
    "cycles.per_year": 7,
    "cycles.longest_interval_days": 80,
}

NO_ANDROGEN_EXCESS: dict[str, Any] = {
    "signs.mfg_score": 1,
    "labs.total_testosterone": (1.0, "nmol/L", 1.7, "lc_ms_ms"),
    "labs.shbg": (60, "nmol/L", None),
}

HIRSUTE: dict[str, Any] = {"signs.mfg_score": 12}

MODERN_SCAN: dict[str, Any] = {"ultrasound.route": "transvaginal", "ultrasound.probe_mhz": 9}

FEW_FOLLICLES: dict[str, Any] = {**MODERN_SCAN, "left.fnpo": 8, "right.fnpo": 9}

MANY_FOLLICLES: dict[str, Any] = {**MODERN_SCAN, "left.fnpo": 26, "right.fnpo": 22}


def build_chart(fields: Mapping[str, Any]) -> PatientChart:
    chart = PatientChart()
    for name, value in fields.items():
        chart = with_field(chart, name, value)
    return chart


def with_field(chart: PatientChart, name: str, value: Any) -> PatientChart:
    section, _, field = name.partition(".")
    if section == "labs":
        value_, unit, *rest = value
        limit, assay = [*rest, None, None][:2]
        lab = LabValue(
            analyte=Analyte(field), value=value_, unit=unit, upper_limit=limit, assay=assay
        )
        others = tuple(x for x in chart.labs if x.analyte is not lab.analyte)
        return replace(chart, labs=(*others, lab))
    if section in ("left", "right"):
        attribute, make = MEASUREMENTS.get(field, (field, lambda flag: flag))
        ovary = replace(getattr(chart.ultrasound, section), **{attribute: make(value)})
        scan: Any = replace(chart.ultrasound, **{section: ovary})
        return replace(chart, ultrasound=scan)
    made = ENUMS[field](value) if field in ENUMS and value is not None else value
    record: Any = replace(getattr(chart, section), **{field: made})
    return replace(chart, **{section: record})


@pytest.fixture(scope="session")
def make_chart() -> ChartMaker:
    """A chart from dotted names; labs as ``(value, unit, upper_limit, assay)``."""
    return build_chart


@pytest.fixture(scope="session")
def parts() -> dict[str, dict[str, Any]]:
    """Ready parts of charts by name."""
    return {
        "adult": ADULT,
        "excluded": EXCLUDED,
        "regular": REGULAR,
        "irregular": IRREGULAR,
        "no_androgen_excess": NO_ANDROGEN_EXCESS,
        "hirsute": HIRSUTE,
        "modern_scan": MODERN_SCAN,
        "few_follicles": FEW_FOLLICLES,
        "many_follicles": MANY_FOLLICLES,
    }
