"""Which of several laboratory results counts, whatever language they came in.

Owns finding a test by its LOINC code, and the choice: the latest result up to the day of the
study, all others listed. Results that contradict each other are asked back, never averaged or
picked. Reading messages is the business of ``fhir`` and ``hl7v2``.
"""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.clinical.units import LabValue
from deeppcos.errors import InvalidInput
from deeppcos.records.codes import LABORATORY

SAME = 0.005
"""Results that differ by less than this part are one result, rounded in two units."""

LIMITS_WITH_ANOTHER_MEANING = frozenset({Analyte.AMH, Analyte.PROGESTERONE})
"""The chart's upper limit of these is a threshold, not the end of a reference range."""

_ANALYTES = {code.loinc: analyte for analyte, rows in LABORATORY.items() for code in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLab:
    """One result as somebody sent it.

    Attributes:
        lab: The result.
        at: Day and, where stated, time it was drawn; None when unknown.
        has_time: Whether ``at`` states a time of day.
        origin: Where it stood, such as ``Observation/12``.
    """

    lab: LabValue
    at: dt.datetime | None
    has_time: bool
    origin: str

    def __str__(self) -> str:
        day = f"{self.at:%Y-%m-%d}" if self.at else "no date"
        return f"{self.lab} ({self.origin}, {day})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabChoice:
    """The results to use, and what became of the others.

    Attributes:
        chosen: At most one result of each test.
        others: Results that were passed over, each with the reason.
        questions: What somebody has to answer; these tests are left open.
    """

    chosen: tuple[FoundLab, ...]
    others: tuple[str, ...]
    questions: tuple[str, ...]


def analyte_of(loinc: str) -> Analyte | None:
    """The test a LOINC code names, or None.

    Examples:
        >>> analyte_of("3016-3").label
        'TSH'
    """
    return _ANALYTES.get(loinc)


def found_lab(
    analyte: Analyte,
    value: float,
    unit: str,
    *,
    upper_limit: float | None = None,
    at: tuple[dt.datetime | None, bool] = (None, False),
    origin: str,
) -> FoundLab:
    """One result, unless its unit or number is not to be used.

    Args:
        analyte: The test.
        value: The number.
        unit: Its unit, as it was sent.
        upper_limit: Upper end of the laboratory's reference range, in the same unit, or None.
        at: When it was drawn, and whether that states a time of day.
        origin: Where it stood.

    Raises:
        InvalidInput: If the unit is unknown or the number implausible; names where it stood.
    """
    if analyte in LIMITS_WITH_ANOTHER_MEANING:
        upper_limit = None
    try:
        lab = LabValue(analyte=analyte, value=value, unit=unit, upper_limit=upper_limit)
    except InvalidInput as error:
        error.what = f"{origin}: {error.what}"
        raise
    return FoundLab(lab=lab, at=at[0], has_time=at[1], origin=origin)


def choose(found: Iterable[FoundLab], *, study_day: dt.date | None) -> LabChoice:
    """The result of each test to use: the latest up to the day of the study.

    Args:
        found: Every result.
        study_day: Day of the ultrasound study; None takes the latest of all.

    Returns:
        The choice.
    """
    by_analyte: dict[Analyte, list[FoundLab]] = defaultdict(list)
    for one in found:
        by_analyte[one.lab.analyte].append(one)
    chosen, others, questions = [], [], []
    for results in by_analyte.values():
        early = [one for one in results if not _is_after(one, study_day)]
        others += [f"{one}: after the study" for one in results if one not in early]
        latest = _latest(early)
        if len(latest) > 1 and not _agree(latest):
            questions.append("which of these counts? " + "; ".join(str(one) for one in latest))
            continue
        chosen += latest[:1]
        others += [f"{one}: not the latest" for one in early if one not in latest[:1]]
    return LabChoice(chosen=tuple(chosen), others=tuple(others), questions=tuple(questions))


def _is_after(one: FoundLab, study_day: dt.date | None) -> bool:
    """Whether it was drawn after the day of the study."""
    return one.at is not None and study_day is not None and one.at.date() > study_day


def _latest(results: list[FoundLab]) -> list[FoundLab]:
    """The latest result; several where their order is not known."""
    undated = [one for one in results if one.at is None]
    dated = [(one.at, one) for one in results if one.at is not None]
    if not dated:
        return undated
    day = max(at.date() for at, _ in dated)
    of_day = [one for at, one in dated if at.date() == day]
    if all(one.has_time for one in of_day) and not undated:
        last = max(at for at, one in dated if one in of_day)
        return [one for at, one in dated if at == last]
    return [*of_day, *undated]


def _agree(results: list[FoundLab]) -> bool:
    """Whether all say the same, unit aside."""
    unit = ANALYTES[results[0].lab.analyte].units[0]
    values = [value for one in results if (value := one.lab.value_in(unit)) is not None]
    return all(math.isclose(value, values[0], rel_tol=SAME) for value in values)
