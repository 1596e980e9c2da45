"""Typed laboratory values: unit, assay, upper limit, and conversion from molar mass.

Owns reading a unit as laboratories spell it (UCUM or the usual way) and converting a value of
a known analyte. The table of analytes is ``analytes.py``; nothing here knows what is normal.
"""

import math
import re
from dataclasses import dataclass

from deeppcos.clinical.analytes import ANALYTES, Analyte, AnalyteFacts, UnitKind
from deeppcos.errors import InvalidInput

HBA1C_SLOPE = 10.93
HBA1C_OFFSET = 23.5
"""IFCC mmol/mol = 10.93 x NGSP % - 23.5. Source: clinical reference 5.1 (M)."""

LC_MS_MS = "lc_ms_ms"
IMMUNOASSAY = "immunoassay"
ELECSYS_AMH_PLUS = "elecsys_amh_plus"

_PREFIXES = {"": 0, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_AMOUNTS = {
    "g": UnitKind.MASS,
    "mol": UnitKind.MOLAR,
    "[iu]": UnitKind.ACTIVITY,
    "iu": UnitKind.ACTIVITY,
    "u": UnitKind.ACTIVITY,
}
_UCUM_AMOUNT = {UnitKind.MASS: "g", UnitKind.MOLAR: "mol", UnitKind.ACTIVITY: "[IU]"}
_PATTERN = re.compile(
    r"(?P<prefix>[munpf]?)(?P<amount>g|mol|\[iu\]|iu|u)/(?P<volume>[dmu]?)l", re.ASCII
)
_KIND_NAMES = {UnitKind.MASS: "mass", UnitKind.MOLAR: "molar", UnitKind.ACTIVITY: "activity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit of concentration.

    Attributes:
        ucum: Spelling in UCUM, such as ``m[IU]/L``.
        kind: What it counts.
        exponent: Power of ten against g/L, mol/L or IU/L.
    """

    ucum: str
    kind: UnitKind
    exponent: int = 0


def parse_unit(text: str) -> Unit:
    """A unit from UCUM or the usual spelling; both micro signs and ``mcg`` are read as micro.

    Args:
        text: The unit as written.

    Returns:
        The unit with its UCUM spelling.

    Raises:
        InvalidInput: If the text is no unit of concentration known here.

    Examples:
        >>> parse_unit("mIU/L").ucum, parse_unit("µg/dL").ucum, parse_unit("ng/ml").ucum
        ('m[IU]/L', 'ug/dL', 'ng/mL')
    """
    plain = re.sub(r"\s+", "", text).replace("\u00b5", "u").replace("\u03bc", "u")
    plain = plain.replace("mcg", "ug").replace("mcIU", "uIU").replace("mcU", "uU")
    if plain == "%":
        return Unit(ucum="%", kind=UnitKind.PERCENT)
    if plain == "mmol/mol":
        return Unit(ucum="mmol/mol", kind=UnitKind.PER_MILLE)
    # A capital M would be mega: only the amount and the litre may differ in case.
    match = None if plain[:1] == "M" else _PATTERN.fullmatch(plain.lower())
    if match is None:
        raise InvalidInput(
            "unknown unit",
            value=repr(text),
            accepted="a concentration such as nmol/L, ng/dL, ug/dL, m[IU]/L, %",
            remedy="write the unit as the laboratory prints it",
        )
    kind = _AMOUNTS[match["amount"]]
    return Unit(
        ucum=f"{match['prefix']}{_UCUM_AMOUNT[kind]}/{match['volume']}L",
        kind=kind,
        exponent=_PREFIXES[match["prefix"]] - _PREFIXES[match["volume"]],
    )


def unit_for(analyte: Analyte, text: str) -> Unit:
    """The unit, if it is one in which this analyte may be given.

    Raises:
        InvalidInput: If the unit is unknown, or of a kind this analyte is not given in; the
            message names the analyte, the unit and what is accepted.
    """
    facts = ANALYTES[analyte]
    accepted = ", ".join(facts.units)
    try:
        unit = parse_unit(text)
    except InvalidInput as error:
        raise InvalidInput(
            f"{analyte}: unknown unit", value=repr(text), accepted=accepted, remedy=error.remedy
        ) from error
    for kind, reason in facts.refused:
        if unit.kind is kind:
            raise InvalidInput(
                f"{analyte} is not accepted in {_KIND_NAMES[kind]} units: {reason}",
                value=repr(text),
                accepted=accepted,
                remedy="ask the laboratory for the accepted unit",
            )
    if unit.kind not in _accepted_kinds(facts):
        raise InvalidInput(
            f"{analyte} is not given in this unit",
            value=repr(text),
            accepted=accepted,
            remedy="check analyte and unit on the laboratory report",
        )
    return unit


def convert(analyte: Analyte, value: float, *, source: str, target: str) -> float:
    """A value of an analyte in another unit, by molar mass where mass and molar units meet.

    Args:
        analyte: What was measured.
        value: The value in the source unit.
        source: Unit the value is in.
        target: Unit wanted.

    Returns:
        The value in the target unit.

    Raises:
        InvalidInput: If either unit is not accepted for the analyte.

    Examples:
        >>> round(convert(Analyte.TOTAL_TESTOSTERONE, 62, source="ng/dL", target="nmol/L"), 2)
        2.15
        >>> convert(Analyte.OHP_17, 2, source="ng/mL", target="ng/dL")
        200.0
    """
    start, end = unit_for(analyte, source), unit_for(analyte, target)
    if start.ucum == end.ucum:
        return value
    if start.kind is UnitKind.PERCENT:
        return HBA1C_SLOPE * value - HBA1C_OFFSET
    if start.kind is UnitKind.PER_MILLE:
        return (value + HBA1C_OFFSET) / HBA1C_SLOPE
    if start.kind is end.kind:
        return _shift(value, start.exponent - end.exponent)
    factor = _per_unit(analyte, start.kind) / _per_unit(analyte, end.kind)
    return _shift(value * factor, start.exponent - end.exponent)


def _accepted_kinds(facts: AnalyteFacts) -> set[UnitKind]:
    """Kinds of unit in which the analyte is given."""
    return {parse_unit(u).kind for u in facts.units}


def _per_unit(analyte: Analyte, kind: UnitKind) -> float:
    """Size of one g, mol or IU of the analyte on a common scale."""
    facts = ANALYTES[analyte]
    if facts.molar_mass_g_mol is not None:
        return facts.molar_mass_g_mol if kind is UnitKind.MOLAR else 1.0
    if facts.activity is not None:
        return facts.activity.per_iu if kind is UnitKind.ACTIVITY else 1.0
    return 1.0


def _shift(value: float, exponent: int) -> float:
    """Times a power of ten, dividing for negative powers so that short decimals stay exact."""
    return value * float(10**exponent) if exponent >= 0 else value / 10**-exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class LabValue:
    """One laboratory result.

    Attributes:
        analyte: What was measured.
        value: The result, or None: no result, but perhaps a limit of this laboratory.
        unit: Unit of value and limit; stored in its UCUM spelling.
        upper_limit: Upper limit of this laboratory for this assay, or None. For AMH it is the
            threshold for polycystic morphology; for progesterone the upper limit of the
            follicular phase, above which ovulation is taken to have occurred.
        assay: How it was measured: ``lc_ms_ms``, ``immunoassay``, ``elecsys_amh_plus`` are
            known; other names are kept as text.

    Raises:
        InvalidInput: If the unit is not accepted or a number is implausible.
    """

    analyte: Analyte
    value: float | None
    unit: str
    upper_limit: float | None = None
    assay: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", unit_for(self.analyte, self.unit).ucum)
        object.__setattr__(self, "assay", known_assay(self.assay))
        _require_plausible(self.analyte, self.value, self.unit, "")
        _require_plausible(self.analyte, self.upper_limit, self.unit, " upper_limit")
        if self.upper_limit is not None and self.upper_limit <= 0:
            raise InvalidInput(
                f"{self.analyte} upper_limit is not positive",
                value=f"{self.upper_limit:g} {self.unit}",
                accepted="a limit above 0",
                remedy="leave upper_limit out if it is not known",
            )

    def value_in(self, unit: str) -> float | None:
        """The result in another unit, or None if there is none."""
        if self.value is None:
            return None
        return convert(self.analyte, self.value, source=self.unit, target=unit)

    def upper_limit_in(self, unit: str) -> float | None:
        """The laboratory's upper limit in another unit, or None if there is none."""
        if self.upper_limit is None:
            return None
        return convert(self.analyte, self.upper_limit, source=self.unit, target=unit)

    @property
    def times_upper_limit(self) -> float | None:
        """The result as a multiple of the laboratory's upper limit, or None."""
        if self.value is None or self.upper_limit is None:
            return None
        return self.value / self.upper_limit

    def __str__(self) -> str:
        number = "not measured" if self.value is None else f"{self.value:g} {self.unit}"
        return f"{self.analyte.label} {number}"


def known_assay(text: str | None) -> str | None:
    """The name of a known assay however it is spelt; other names as given, empty as unknown.

    Examples:
        >>> known_assay("LC-MS/MS"), known_assay("Elecsys AMH Plus"), known_assay("Brand X")
        ('lc_ms_ms', 'elecsys_amh_plus', 'Brand X')
    """
    if text is None or not text.strip():
        return None
    plain = re.sub(r"[^a-z0-9]+", "_", text.strip().lower())
    return plain if plain in (LC_MS_MS, IMMUNOASSAY, ELECSYS_AMH_PLUS) else text


def is_plausible(analyte: Analyte, value: float, unit: str) -> bool:
    """Whether the value lies in the plausible range of the analyte."""
    facts = ANALYTES[analyte]
    reading = convert(analyte, value, source=unit, target=facts.units[0])
    # A hair of tolerance, so that a limit converted to another unit is still inside.
    return facts.low * (1 - 1e-9) <= reading <= facts.high * (1 + 1e-9)


def _require_plausible(analyte: Analyte, value: float | None, unit: str, what: str) -> None:
    """Ask an implausible value back, with the unit it was perhaps meant in."""
    if value is None or (math.isfinite(value) and is_plausible(analyte, value, unit)):
        return
    facts = ANALYTES[analyte]
    low, high = (
        convert(analyte, edge, source=facts.units[0], target=unit)
        for edge in (facts.low, facts.high)
    )
    meant = [
        u
        for u in facts.units
        if u != unit and math.isfinite(value) and is_plausible(analyte, value, u)
    ]
    remedy = f"did you mean {value:g} {' or '.join(meant)}? " if meant else ""
    raise InvalidInput(
        f"{analyte}{what} is implausible and was not used",
        value=f"{value:g} {unit}",
        accepted=f"{max(low, 0):.4g} to {high:.4g} {unit}",
        remedy=remedy + "check number and unit on the laboratory report",
    )
