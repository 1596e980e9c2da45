"""Values that cannot be: outside what a body allows, in another unit, or not what the name says.

Owns matching a column's heading to a quantity with its unit and limits. Laboratory tests take
their limits and conversions from the clinical room; the limits of other quantities stand here.
They are limits against slips, wide enough for disease, and have no diagnostic meaning.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.clinical.plausibility import LIMITS
from deeppcos.clinical.units import convert
from deeppcos.errors import InvalidInput
from deeppcos.learning.audit.table_reading import Column, Table

Floats = npt.NDArray[np.float64]

FAR_OFF = 10.0
"""Robust deviations on a logarithmic scale from which a value stands alone."""

LEAST_VALUES = 20
CM_PER_INCH = 2.54


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What a column measures.

    Attributes:
        name: In words.
        low: Smallest possible value in the column's unit.
        high: Largest possible value.
        unit: The column's unit, as read from its heading or assumed.
        factors: Other units met in practice: name and how many of the column's unit one is.
    """

    name: str
    low: float
    high: float
    unit: str
    factors: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueTrouble:
    """Values of one column that cannot be as they stand.

    Attributes:
        column: The column.
        kind: ``impossible``, ``other_unit``, ``far_off`` or ``whole_column``.
        rows: Rows from 0.
        said: What is wrong, in words.
    """

    column: str
    kind: str
    rows: tuple[int, ...]
    said: str


def _limit(name: str, field: str, factors: tuple[tuple[str, float], ...] = ()) -> Quantity:
    bounds = LIMITS[field]
    return Quantity(name=name, low=bounds.low, high=bounds.high, unit=bounds.unit, factors=factors)


_INCH = ("inch", CM_PER_INCH)
_BODY: tuple[tuple[str, Quantity], ...] = (
    (r"menarche|start menstruat", _limit("age at menarche", "patient.age_at_menarche_years")),
    (r"^age\b", _limit("age", "patient.age_years")),
    (r"^height\b", _limit("height", "body.height_cm", (("m", 100.0), ("ft", 30.48), _INCH))),
    (r"^weight\b(?!.*gain)", _limit("weight", "body.weight_kg", (("lb", 0.4536),))),
    (r"^bmi\b|body mass index", Quantity(name="BMI", low=10, high=90, unit="kg/m²")),
    (r"waist.{0,3}hip|whr", Quantity(name="waist-to-hip ratio", low=0.4, high=1.8, unit="")),
    (r"^waist\b", _limit("waist", "body.waist_cm", (_INCH,))),
    (r"^hip\b", _limit("hip", "body.waist_cm", (_INCH,))),
    (r"systolic|^sbp\b", _limit("systolic pressure", "body.systolic_mmhg", (("cmHg", 10.0),))),
    (r"diastolic|^dbp\b", _limit("diastolic pressure", "body.diastolic_mmhg", (("cmHg", 10.0),))),
    (r"pulse|heart rate", Quantity(name="pulse", low=30, high=220, unit="beats/min")),
    (r"^rr\b|resp.*rate", Quantity(name="respiratory rate", low=6, high=60, unit="breaths/min")),
    (
        r"^hb\b|h(?:a)?emoglobin",
        Quantity(name="haemoglobin", low=3, high=22, unit="g/dL", factors=(("g/L", 0.1),)),
    ),
    (
        r"vit.*d",
        Quantity(name="vitamin D", low=0.5, high=300, unit="ng/mL", factors=(("nmol/L", 0.4006),)),
    ),
    (
        r"endometri",
        Quantity(name="endometrium", low=0.5, high=40, unit="mm", factors=(("cm", 10.0),)),
    ),
    (r"f(?:ollicle)?s? size", Quantity(name="follicle size", low=0, high=60, unit="mm")),
    (r"follicle", _limit("follicles", "ovary.fnps")),
    (r"mfg|ferriman|hirsutism score", _limit("mFG score", "signs.mfg_score")),
)  # fmt: skip
_LABS: tuple[tuple[str, Analyte, str], ...] = (
    (r"\bamh\b|m(?:ü|u|ue)llerian", Analyte.AMH, "ng/mL"),
    (r"^fsh\b(?!\s*/)", Analyte.FSH, "mIU/mL"),
    (r"^lh\b(?!\s*/)", Analyte.LH, "mIU/mL"),
    (r"\btsh\b", Analyte.TSH, "mIU/L"),
    (r"\bprl\b|prolactin", Analyte.PROLACTIN, "ng/mL"),
    (r"\bprg\b|progesterone(?!.*17)", Analyte.PROGESTERONE, "ng/mL"),
    (r"hcg", Analyte.HCG, "mIU/mL"),
    (r"free testosterone", Analyte.FREE_TESTOSTERONE, "pg/mL"),
    (r"testosterone", Analyte.TOTAL_TESTOSTERONE, "ng/dL"),
    (r"\bshbg\b", Analyte.SHBG, "nmol/L"),
    (r"dhea", Analyte.DHEAS, "ug/dL"),
    (r"\brbs\b|glucose|blood sugar", Analyte.FASTING_GLUCOSE, "mg/dL"),
    (r"insulin", Analyte.FASTING_INSULIN, "uIU/mL"),
    (r"hba1c", Analyte.HBA1C, "%"),
    (r"\bhdl\b", Analyte.HDL, "mg/dL"),
    (r"\bldl\b", Analyte.LDL, "mg/dL"),
    (r"triglycerid", Analyte.TRIGLYCERIDES, "mg/dL"),
    (r"total cholesterol", Analyte.TOTAL_CHOLESTEROL, "mg/dL"),
)
_UNIT = re.compile(r"[(\[]([^)\]]+)[)\]]\s*$")


def quantity_of(heading: str) -> Quantity | None:
    """What a column measures, by its heading.

    Args:
        heading: Such as ``FSH(mIU/mL)`` or ``Waist(inch)``.

    Returns:
        The quantity in the heading's own unit; None where the heading is not known.

    Examples:
        >>> quantity_of("Waist(inch)").high < 100, quantity_of("favourite colour")
        (True, None)
    """
    plain = re.sub(r"[_\s]+", " ", heading).strip().casefold()
    stated = _UNIT.search(heading)
    for pattern, analyte, usual in _LABS:
        if re.search(pattern, plain):
            return _laboratory(analyte, stated[1] if stated else usual)
    for pattern, quantity in _BODY:
        if re.search(pattern, plain):
            return _in_unit(quantity, stated[1] if stated else quantity.unit)
    return None


def _laboratory(analyte: Analyte, unit: str) -> Quantity | None:
    """Limits of a laboratory test in the unit of the column."""
    facts = ANALYTES[analyte]
    first = facts.units[0]
    try:
        low, high = (
            convert(analyte, value, source=first, target=unit) for value in (facts.low, facts.high)
        )
        others = [
            (u, convert(analyte, 1.0, source=u, target=unit)) for u in facts.units if u != unit
        ]
    except InvalidInput:
        return None
    factors = tuple((u, factor) for u, factor in others if not 0.99 < factor < 1.01)
    return Quantity(name=analyte.label, low=low, high=high, unit=unit, factors=factors)


def _in_unit(quantity: Quantity, unit: str) -> Quantity:
    """The quantity in another unit where the heading names one that is known."""
    plain = unit.strip().casefold().rstrip(".")
    plain = {"in": "inch", "inches": "inch", "feet": "ft", "lbs": "lb", "meter": "m"}.get(
        plain, plain
    )
    known = dict(quantity.factors)
    if plain not in known:
        return quantity
    factor = known[plain]
    others = ((quantity.unit, 1.0), *(pair for pair in quantity.factors if pair[0] != plain))
    return Quantity(
        name=quantity.name,
        low=quantity.low / factor,
        high=quantity.high / factor,
        unit=plain,
        factors=tuple((name, value / factor) for name, value in others),
    )


def value_troubles(table: Table) -> tuple[ValueTrouble, ...]:
    """Values that cannot be as they stand.

    Args:
        table: The table.
    """
    found: list[ValueTrouble] = []
    for column in table.columns:
        if column.is_numeric and column.distinct > 2:
            quantity = quantity_of(column.name)
            if quantity:
                found += _against_limits(column, quantity)
            impossible = {
                row for trouble in found if trouble.column == column.name for row in trouble.rows
            }
            found += _far_off(column, leave_out=impossible)
    found += _wrong_body_mass_index(table)
    return tuple(found)


def _against_limits(column: Column, quantity: Quantity) -> list[ValueTrouble]:
    values = column.numbers
    known = np.isfinite(values)
    outside = known & ~((values >= quantity.low) & (values <= quantity.high))
    limits = f"{quantity.low:.4g} to {quantity.high:.4g} {quantity.unit}".strip()
    if known.sum() and outside.sum() > 0.5 * known.sum():
        middle = float(np.median(values[known]))
        return [
            ValueTrouble(
                column=column.name,
                kind="whole_column",
                rows=(),
                said=f"half of the values lie outside {limits} (median {middle:.4g}):"
                f" another unit, or not {quantity.name}",
            )
        ]
    inside = values[known & ~outside]
    rest = [int(row) for row in np.flatnonzero(outside)]
    found = []
    for unit, factor in quantity.factors:
        fits = [row for row in rest if _would_fit(values[row] * factor, inside)]
        if fits:
            rest = [row for row in rest if row not in fits]
            found.append(
                ValueTrouble(
                    column=column.name,
                    kind="other_unit",
                    rows=tuple(fits),
                    said=f"{_values(values, fits)} would fit in {unit}; limits {limits}",
                )
            )
    if rest:
        found.append(
            ValueTrouble(
                column=column.name,
                kind="impossible",
                rows=tuple(rest),
                said=f"{_values(values, rest)} outside {limits}",
            )
        )
    return found


def _would_fit(value: float, inside: Floats) -> bool:
    """Whether a converted value lies where the column's other values lie."""
    if len(inside) < LEAST_VALUES:
        return False
    low, high = np.quantile(inside, (0.02, 0.98))
    return bool(low <= value <= high)


def _far_off(column: Column, *, leave_out: set[int]) -> list[ValueTrouble]:
    """Values that stand alone on a logarithmic scale."""
    values = column.numbers
    positive = np.isfinite(values) & (values > 0)
    if positive.sum() < LEAST_VALUES or column.distinct < 10:
        return []
    logs = np.log(values[positive])
    low, middle, high = np.quantile(logs, (0.25, 0.5, 0.75))
    spread = max((high - low) / 1.349, 0.02)
    far = positive.copy()
    far[positive] = np.abs(logs - middle) > FAR_OFF * spread
    rows = [int(row) for row in np.flatnonzero(far) if int(row) not in leave_out]
    # A column of which a tenth is far off is skewed, and nothing stands alone.
    if not rows or len(rows) > 0.02 * positive.sum() + 1:
        return []
    return [
        ValueTrouble(
            column=column.name,
            kind="far_off",
            rows=tuple(rows),
            said=f"{_values(values, rows)} against a median of {np.exp(middle):.4g}",
        )
    ]


def _wrong_body_mass_index(table: Table) -> list[ValueTrouble]:
    """Rows whose BMI is not weight over height squared."""
    height, weight, index = (_first(table, name) for name in ("height", "weight", "BMI"))
    if not (height and weight and index and "inch" not in height.name.casefold()):
        return []
    computed = weight.numbers / (height.numbers / 100) ** 2
    with np.errstate(invalid="ignore"):
        wrong = np.abs(index.numbers - computed) > 0.5
    rows = tuple(int(row) for row in np.flatnonzero(wrong))
    if not rows:
        return []
    said = f"{len(rows)} differ from weight / height² by more than 0.5 kg/m²"
    return [ValueTrouble(column=index.name, kind="impossible", rows=rows, said=said)]


def _first(table: Table, wanted: str) -> Column | None:
    """The first column of a quantity."""
    for column in table.columns:
        quantity = quantity_of(column.name)
        if quantity and quantity.name == wanted:
            return column
    return None


def _values(values: Floats, rows: Sequence[int]) -> str:
    shown = ", ".join(f"{values[row]:.6g}" for row in rows[:6])
    return (
        f"{len(rows)} values ({shown}{', ...' if len(rows) > 6 else ''})"
        if len(rows) > 1
        else shown
    )
