"""The numbers said of each ovary as a whole, each with its identifier.

Owns which they are, what they are called and in which unit. Everything is taken from the
assessment document as it was published, rounding included.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from deeppcos.clinical.ovary import Side
from deeppcos.records import assessment_document as record
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.codes import (
    CUBIC_CENTIMETRE,
    FNPO,
    FNPS,
    HEIGHT,
    LENGTH,
    MILLIMETRE,
    NO_UNITS,
    TRACKED_ESTIMATE,
    VOLUME,
    WIDTH,
    Code,
)
from deeppcos.records.tracking_identifiers import Quantity, TrackingIdentifier, TrackingScope

QUANTITY_CODES: dict[Quantity, tuple[Code, Code]] = {
    Quantity.FNPS: (FNPS, NO_UNITS),
    Quantity.TRACKED_ESTIMATE: (TRACKED_ESTIMATE, NO_UNITS),
    Quantity.FNPO: (FNPO, NO_UNITS),
    Quantity.VOLUME: (VOLUME, CUBIC_CENTIMETRE),
    Quantity.LENGTH: (LENGTH, MILLIMETRE),
    Quantity.WIDTH: (WIDTH, MILLIMETRE),
    Quantity.THICKNESS: (HEIGHT, MILLIMETRE),
}
"""What each measurement of an ovary is called, and the unit its value is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideMeasurement:
    """One number said of one ovary as a whole.

    Attributes:
        identifier: The same in every format.
        side: Left or right; None where no file states it.
        quantity: What was measured.
        value: In the unit of ``QUANTITY_CODES``.
        low: Lower end of the measurement interval, or None.
        high: Upper end, or None.
        method: How, in words.
        coverage: Part of the ovary that was shown, 0 to 1, of a tracked estimate.
        sources: The frames it was read from.
    """

    identifier: TrackingIdentifier
    side: Side | None
    quantity: Quantity
    value: float
    low: float | None = None
    high: float | None = None
    method: str = ""
    coverage: float | None = None
    sources: tuple[record.FrameReference, ...] = ()


def side_measurements(
    document: AssessmentDocument, scope: TrackingScope
) -> Iterator[SideMeasurement]:
    """The numbers of each ovary, with identifiers.

    Args:
        document: The assessment.
        scope: What the identifiers have in common.

    Yields:
        Left, right, then side unknown; only what is known.
    """
    measurements = document.measurements
    for side, values in (
        (Side.LEFT, measurements.left),
        (Side.RIGHT, measurements.right),
        (None, measurements.side_unknown),
    ):
        if values is not None:
            yield from _of_side(side, values, scope)


def _of_side(
    side: Side | None, values: record.SideMeasurements, scope: TrackingScope
) -> Iterator[SideMeasurement]:
    """What is known of one ovary."""
    for quantity, stated in (
        (Quantity.FNPS, values.fnps),
        (Quantity.TRACKED_ESTIMATE, values.tracked_estimate),
        (Quantity.FNPO, values.fnpo),
        (Quantity.VOLUME, values.volume_ml),
    ):
        if stated.value is not None:
            yield SideMeasurement(
                identifier=scope.of_side(side, quantity),
                side=side,
                quantity=quantity,
                value=stated.value,
                low=stated.low,
                high=stated.high,
                method=stated.method or "",
                coverage=getattr(stated, "coverage", None),
                sources=tuple(stated.sources),
            )
    for quantity, length_mm in (
        (Quantity.LENGTH, values.length_mm),
        (Quantity.WIDTH, values.width_mm),
        (Quantity.THICKNESS, values.thickness_mm),
    ):
        if length_mm is not None:
            yield SideMeasurement(
                identifier=scope.of_side(side, quantity),
                side=side,
                quantity=quantity,
                value=length_mm,
                method="largest section with a scale",
            )
