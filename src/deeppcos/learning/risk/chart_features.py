"""From a chart to the features of the tables: only what means the same in both.

Owns the translation and its notes. The thresholds it applies are ``deeppcos.clinical``'s.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import State
from deeppcos.clinical.hyperandrogenism import hirsutism
from deeppcos.clinical.metabolic import body_mass_index
from deeppcos.clinical.morphology import has_modern_probe
from deeppcos.clinical.ovulation import FEW_CYCLES, LONG_INTERVAL, SHORT_INTERVAL
from deeppcos.clinical.patient import Cycles
from deeppcos.errors import InvalidInput
from deeppcos.learning.risk.dictionary import BY_NAME, FEATURES, NAMES, Kind

Floats = npt.NDArray[np.float64]

_LABS: dict[str, tuple[Analyte, str]] = {
    "amh_ng_ml": (Analyte.AMH, "ng/mL"),
    "lh_iu_l": (Analyte.LH, "IU/L"),
    "fsh_iu_l": (Analyte.FSH, "IU/L"),
    "tsh_miu_l": (Analyte.TSH, "mIU/L"),
    "prolactin_ng_ml": (Analyte.PROLACTIN, "ng/mL"),
    "progesterone_ng_ml": (Analyte.PROGESTERONE, "ng/mL"),
}
MODERN_COUNT = (
    "follicle counts were not used: the table's counts are of 2003-era practice, a modern "
    "transvaginal probe counts more"
)
ANSWERS: tuple[str, ...] = tuple(f.name for f in FEATURES if f.kind is Kind.YES_NO)


def features_of(
    chart: PatientChart, answers: Mapping[str, bool] | None = None
) -> tuple[Floats, tuple[str, ...]]:
    """The features a chart holds.

    Args:
        chart: The patient's chart.
        answers: Answers to questions the chart has no place for, such as ``weight_gain``.

    Returns:
        Of shape (n_features,), in the order of the dictionary, NaN unknown; and notes on what
        was not used and why.

    Raises:
        InvalidInput: If an answer is to no known question, or contradicts the chart.
    """
    known = _from_chart(chart)
    notes: tuple[str, ...] = ()
    if has_modern_probe(chart.ultrasound) is True and "follicles" in " ".join(known):
        known = {n: v for n, v in known.items() if not n.startswith("follicles")}
        notes = (MODERN_COUNT,)
    for name, answer in (answers or {}).items():
        _require_question(name)
        if known.get(name, float(answer)) != float(answer):
            raise InvalidInput(
                f"the answer on {BY_NAME[name].label} contradicts the chart",
                value="yes" if answer else "no",
                accepted="one answer",
                remedy="correct the chart or leave the answer out",
            )
        known[name] = float(answer)
    row = np.array([known.get(name, np.nan) for name in NAMES])
    return row, notes


def _from_chart(chart: PatientChart) -> dict[str, float]:
    """Every feature the chart itself holds."""
    found: dict[str, float | None] = {
        "age_years": chart.patient.age_years,
        "body_mass_index": body_mass_index(chart.body),
        "cycle_irregular": _irregular(chart.cycles),
        "bleeding_days": chart.cycles.bleeding_days,
        "hair_growth": _of_state(hirsutism(chart).state),
        "hair_loss": _of_flag(chart.signs.scalp_hair_loss),
        "acne": _of_flag(chart.signs.acne),
        "waist_cm": chart.body.waist_cm,
        "systolic_mmhg": chart.body.systolic_mmhg,
        "diastolic_mmhg": chart.body.diastolic_mmhg,
    }
    for name, (analyte, unit) in _LABS.items():
        lab = chart.measured(analyte)
        found[name] = None if lab is None else lab.value_in(unit)
    for side in ("left", "right"):
        fnpo = getattr(chart.ultrasound, side).fnpo
        found[f"follicles_{side}"] = None if fnpo is None else float(fnpo.value)
    return {name: value for name, value in found.items() if value is not None}


def _irregular(cycles: Cycles) -> float | None:
    """Whether cycles are irregular by what is known of them; the usual interval comes first."""
    if cycles.interval_days is not None:
        rules = (SHORT_INTERVAL, LONG_INTERVAL)
        return float(any(rule.applies_to(cycles.interval_days) for rule in rules))
    if cycles.per_year is not None:
        return float(FEW_CYCLES.applies_to(cycles.per_year))
    return None


def _of_state(state: State) -> float | None:
    """A finding as a feature; an open one is unknown."""
    return None if state.is_open else float(state is State.PRESENT)


def _of_flag(flag: bool | None) -> float | None:
    """A yes or no as a feature."""
    return None if flag is None else float(flag)


def _require_question(name: str) -> None:
    """Refuse an answer to a question that is not asked."""
    if name not in ANSWERS:
        raise InvalidInput(
            "there is no such question",
            value=repr(name),
            accepted=", ".join(ANSWERS),
            remedy="measurements belong in the chart",
        )
