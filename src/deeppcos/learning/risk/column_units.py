"""Units that a header states: the same, convertible, or refused.

Owns the factor from a header's unit to the dictionary's, and the check of a whole column
against where its median must lie. Single cells are the business of ``repair``.
"""

import numpy as np
import numpy.typing as npt

from deeppcos.clinical.units import convert, parse_unit
from deeppcos.errors import InvalidInput
from deeppcos.learning.risk.adapters import Column, plain_header
from deeppcos.learning.risk.dictionary import BY_NAME

FEWEST_FOR_MEDIAN = 30
_LENGTH_CM = {"cm": 1.0, "cms": 1.0, "in cms": 1.0, "inch": 2.54, "in": 2.54, "m": 100.0}
_MASS_KG = {"kg": 1.0, "kgs": 1.0, "in kgs": 1.0, "lb": 0.45359237, "lbs": 0.45359237}
_FAMILIES = (_LENGTH_CM, _MASS_KG)


def factor_for(column: Column, stated: str) -> float | None:
    """What the column's numbers are multiplied with, or None if the unit cannot be converted.

    Args:
        column: The column, with the unit it is expected in.
        stated: Unit in the header's brackets; empty if none.

    Returns:
        The factor to the unit of the dictionary. None where the header states no unit although
        the table should, or one that does not convert: neither is guessed.

    Examples:
        >>> from deeppcos.learning.risk.adapters import KERALA
        >>> amh = next(c for c in KERALA.columns if c.feature == "amh_ng_ml")
        >>> round(factor_for(amh, "pmol/L"), 3), factor_for(amh, "")
        (0.14, None)
    """
    if plain_header(stated) == plain_header(column.unit):
        return column.scale
    if not stated or column.codes:
        return None
    for family in _FAMILIES:
        if plain_header(stated) in family and plain_header(column.unit) in family:
            factor = family[plain_header(stated)] / family[plain_header(column.unit)]
            return column.scale * factor
    return _converted(column, stated)


def _converted(column: Column, stated: str) -> float | None:
    """The factor between two units of one laboratory test, or None."""
    analyte = BY_NAME[column.feature].analyte
    try:
        if analyte is None:
            # Without an analyte only a spelling of the same unit is the same.
            return column.scale if parse_unit(stated) == parse_unit(column.unit) else None
        return convert(analyte, 1.0, source=stated, target=column.unit) * column.scale
    except InvalidInput:
        return None


def doubt_about(column: Column, values: npt.NDArray[np.float64]) -> str:
    """Why a whole column seems to be in another unit; empty if it does not.

    A median far from where that of any adult women lies is a unit, not a finding; single
    values within the limits would otherwise pass, 10-fold wrong.
    """
    usual = BY_NAME[column.feature].usual_median
    known = values[np.isfinite(values)]
    if usual is None or known.size < FEWEST_FOR_MEDIAN:
        return ""
    median = float(np.median(known))
    if usual[0] <= median <= usual[1]:
        return ""
    unit = BY_NAME[column.feature].unit
    folds = [f for f in (10.0, 100.0, 1000.0) if usual[0] <= median / f <= usual[1]]
    folds += [f for f in (0.1, 0.01) if usual[0] <= median / f <= usual[1]]
    hint = f"; a {folds[0]:g}-fold unit error?" if folds else "; another unit?"
    return f"median {median:.3g}, expected {usual[0]:g} to {usual[1]:g} {unit}{hint}"
