"""What a chart may plausibly say. A value outside is asked back, never silently used.

Owns the limits of history, signs, body and ultrasound fields. Laboratory limits stand with the
analytes in ``analytes.py``. These are limits against slips of the pen, wide on purpose; they
are project rules and have no diagnostic meaning.
"""

import sys
from dataclasses import dataclass

from deeppcos.errors import InvalidInput

FLOAT_LIMIT = sys.float_info.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The plausible range of one number, both ends allowed.

    Attributes:
        low: Smallest plausible value.
        high: Largest plausible value.
        unit: Unit of both, for the message.
        is_whole: Whether only whole numbers make sense.
    """

    low: float
    high: float
    unit: str
    is_whole: bool = False


LIMITS: dict[str, Limit] = {
    "patient.age_years": Limit(low=5, high=110, unit="years"),
    # 20 is also what the staging of cycles relies on when the age at menarche is unknown.
    "patient.age_at_menarche_years": Limit(low=6, high=20, unit="years"),
    "cycles.interval_days": Limit(low=5, high=1000, unit="days"),
    "cycles.per_year": Limit(low=0, high=60, unit="cycles a year"),
    "cycles.longest_interval_days": Limit(low=5, high=10000, unit="days"),
    "cycles.bleeding_days": Limit(low=0, high=90, unit="days"),
    "signs.mfg_score": Limit(low=0, high=36, unit="points", is_whole=True),
    "body.height_cm": Limit(low=100, high=230, unit="cm"),
    "body.weight_kg": Limit(low=20, high=400, unit="kg"),
    "body.waist_cm": Limit(low=40, high=250, unit="cm"),
    "body.systolic_mmhg": Limit(low=50, high=300, unit="mmHg"),
    "body.diastolic_mmhg": Limit(low=20, high=200, unit="mmHg"),
    "ultrasound.probe_mhz": Limit(low=1, high=30, unit="MHz"),
    "ovary.fnpo": Limit(low=0, high=200, unit="follicles", is_whole=True),
    "ovary.fnps": Limit(low=0, high=100, unit="follicles", is_whole=True),
    "ovary.volume_ml": Limit(low=0.1, high=300, unit="mL"),
}


def require_plausible(field: str, value: float | None, *, limit: str | None = None) -> None:
    """Refuse a number outside its plausible range; None, unknown, always passes.

    Args:
        field: Name for the message, such as ``patient.age_years``.
        value: The number.
        limit: Name of the limit where it differs from the field's.

    Raises:
        InvalidInput: If the number is not finite, not whole where it must be, or out of range.
    """
    if value is None:
        return
    bounds = LIMITS[limit or field]
    span = f"{bounds.low:g} to {bounds.high:g} {bounds.unit}"
    # NaN fails the comparison too; a whole number may be too large for a float.
    if not bounds.low <= value <= bounds.high:
        shown = f"{value:g}" if not abs(value) > FLOAT_LIMIT else "a number beyond all limits,"
        raise InvalidInput(
            f"{field} is implausible",
            value=f"{shown} {bounds.unit}",
            accepted=span,
            remedy="check the entry, or leave it out if it is not known",
        )
    if bounds.is_whole and value != int(value):
        raise InvalidInput(
            f"{field} must be a whole number",
            value=f"{value:g}",
            accepted=f"whole numbers, {span}",
            remedy="give the count or score as read",
        )
