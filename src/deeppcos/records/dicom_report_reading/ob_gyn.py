"""What an OB-GYN ultrasound report (TID 5000) says of each ovary.

Owns choosing among repeated values, units, and the sides. A value that is repeated without one
marked as the mean is left open: nobody can tell which one the sonographer meant. Reading the
tree is the business of ``numbers``; filling a chart that of ``deeppcos.app.dicom_reports``.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deeppcos.clinical.ovary import Side
from deeppcos.errors import InvalidInput
from deeppcos.records import codes
from deeppcos.records.codes import LENGTH_IN_MM, VOLUME_IN_ML, Code
from deeppcos.records.dicom_report_reading.numbers import ReadNumber, ReadReport

TITLES = (codes.OB_GYN_REPORT, codes.US_PELVIS)
"""Document titles of the template (CID 12024) that concern an ovary."""

_FOLLICLE_NUMBER = re.compile(r"\bnumber of follicles?\b|\bfollicle (number|count)\b", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class OvaryReport:
    """One ovary as a report gives it; None is not stated, or not decidable.

    Attributes:
        side: Left or right.
        volume_ml: Volume, mL.
        length_mm: Length, mm.
        width_mm: Width, mm.
        height_mm: Height, mm.
        follicle_number: Number of follicles as the maker counts them. Which sizes it holds and
            whether the whole ovary was counted, the template does not say.
        follicle_diameters_mm: Mean diameter of each follicle listed, mm, largest first.
        notes: What could not be used, and why.
    """

    side: Side
    volume_ml: float | None = None
    length_mm: float | None = None
    width_mm: float | None = None
    height_mm: float | None = None
    follicle_number: int | None = None
    follicle_diameters_mm: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def says_anything(self) -> bool:
        """Whether anything of the ovary is known."""
        values = (self.volume_ml, self.length_mm, self.width_mm, self.height_mm)
        known = any(value is not None for value in values)
        return known or self.follicle_number is not None or bool(self.follicle_diameters_mm)


def ovaries_of(report: ReadReport) -> tuple[OvaryReport, ...]:
    """What a report says of each ovary.

    Args:
        report: The report.

    Returns:
        Left, then right; only ovaries it says anything of.

    Raises:
        InvalidInput: If it is no OB-GYN ultrasound report.
    """
    if not any(report.title.is_(title) for title in TITLES):
        raise InvalidInput(
            f"{report.source}: is no OB-GYN ultrasound report",
            value=report.title.meaning,
            accepted=f"a report titled {', '.join(title.meaning for title in TITLES)} (TID 5000)",
            remedy="give the gynaecological report of the scanner",
        )
    found = (_ovary(side, report.numbers) for side in Side)
    return tuple(ovary for ovary in found if ovary.says_anything or ovary.notes)


def _ovary(side: Side, numbers: Sequence[ReadNumber]) -> OvaryReport:
    """Everything of one side."""
    notes: list[str] = []

    def one(by_side: dict[Side, Code], plain: Code, units: dict[str, float]) -> float | None:
        own = [n for n in numbers if _is_of_ovary(n, side, by_side[side], plain)]
        return _chosen(own, by_side[side].meaning, units, notes)

    number = _chosen(
        [n for n in numbers if _is_follicle_number(n, side)],
        codes.FOLLICLES_IN_OVARY[side].meaning,
        {},
        notes,
    )
    return OvaryReport(
        side=side,
        volume_ml=one(codes.OVARY_VOLUME, codes.VOLUME, VOLUME_IN_ML),
        length_mm=one(codes.OVARY_LENGTH, codes.LENGTH, LENGTH_IN_MM),
        width_mm=one(codes.OVARY_WIDTH, codes.WIDTH, LENGTH_IN_MM),
        height_mm=one(codes.OVARY_HEIGHT, codes.HEIGHT, LENGTH_IN_MM),
        follicle_number=_whole(number, notes),
        follicle_diameters_mm=tuple(_diameters(side, numbers, notes)),
        notes=tuple(notes),
    )


def _is_of_ovary(number: ReadNumber, side: Side, named: Code, plain: Code) -> bool:
    """Whether a number is this quantity of this ovary, by a code of its own or by its place."""
    if number.name.is_(named):
        return True
    at_ovary = number.site is not None and number.site.is_(codes.OVARY)
    return at_ovary and number.side is side and number.name.is_(plain)


def _is_follicle_number(number: ReadNumber, side: Side) -> bool:
    """Whether a number is how many follicles the maker counts in this ovary."""
    if number.name.is_(codes.FOLLICLES_IN_OVARY[side]):
        return True
    # Makers differ in the code; the words are the template's. Our own counts have codes of
    # their own and are no number of the whole ovary.
    is_ours = any(number.name.is_(own) for own in (codes.FNPS, codes.TRACKED_ESTIMATE))
    says_so = bool(_FOLLICLE_NUMBER.search(number.name.meaning)) and not is_ours
    return says_so and (number.side is side or side.value in number.name.meaning.lower())


def _chosen(
    numbers: Sequence[ReadNumber], what: str, units: dict[str, float], notes: list[str]
) -> float | None:
    """The one value to use: the mean where one is marked, else the only one."""
    means = [n for n in numbers if n.derivation is not None and n.derivation.is_(codes.MEAN)]
    values = []
    for number in means or [n for n in numbers if n.derivation is None] or numbers:
        factor = 1.0 if not units else units.get(number.unit.lower())
        if factor is None:
            notes.append(f"{what}: unit {number.unit} is not read")
        else:
            values.append(number.value * factor)
    if not values:
        return None
    if max(values) - min(values) > 1e-6 * max(map(abs, values)):
        stated = ", ".join(f"{value:g}" for value in values)
        notes.append(f"{what}: {stated} are stated and none is marked as the mean")
        return None
    return round(values[0], 4)


def _whole(number: float | None, notes: list[str]) -> int | None:
    """A count, if it is one."""
    if number is None or (number >= 0 and number == int(number)):
        return None if number is None else int(number)
    notes.append(f"number of follicles: {number:g} is no count")
    return None


def _diameters(side: Side, numbers: Iterable[ReadNumber], notes: list[str]) -> list[float]:
    """Mean diameter of each follicle listed, largest first."""
    groups: dict[int, list[ReadNumber]] = {}
    for place, number in enumerate(numbers, start=1):
        at_follicle = number.site is not None and number.site.is_(codes.OVARIAN_FOLLICLE)
        is_diameter = number.name.is_(codes.FOLLICLE_DIAMETER) or (
            at_follicle and number.name.is_(codes.DIAMETER)
        )
        if is_diameter and number.side is side:
            # Outside a group every diameter is a follicle of its own.
            groups.setdefault(number.group_place or -place, []).append(number)
    found = (_mean_mm(one, notes) for one in groups.values())
    return sorted((mean for mean in found if mean is not None), reverse=True)


def _mean_mm(group: Sequence[ReadNumber], notes: list[str]) -> float | None:
    """The stated mean of one follicle, else the mean of the diameters listed."""
    means = [n for n in group if n.derivation is not None and n.derivation.is_(codes.MEAN)]
    used = means[:1] or [n for n in group if n.derivation is None] or list(group)
    factors = [LENGTH_IN_MM.get(n.unit.lower()) for n in used]
    if any(factor is None for factor in factors):
        notes.append(f"follicle {used[0].group}: unit {used[0].unit} is not read")
        return None
    values = [n.value * (factor or 0.0) for n, factor in zip(used, factors, strict=True)]
    return round(sum(values) / len(values), 4)
