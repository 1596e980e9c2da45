"""The measurements of an ORU^R01 message this program wrote, as they were.

Owns the way back from ``result_message``, for whoever compares what arrived with what was sent.
"""

import uuid
from typing import TYPE_CHECKING

from deeppcos.clinical.ovary import Side
from deeppcos.records import codes
from deeppcos.records.hl7v2.text import part, require_segments, segments_of
from deeppcos.records.result_sides import QUANTITY_CODES, SideMeasurement
from deeppcos.records.tracking_identifiers import Quantity, TrackingIdentifier

if TYPE_CHECKING:
    import hl7


def read_measurements(message: "hl7.Message") -> tuple[SideMeasurement, ...]:
    """The measurements in a message this program wrote; other OBX are passed over.

    Args:
        message: The message.

    Returns:
        Identifier, side, quantity, value and method; intervals stand in notes for people.

    Raises:
        InvalidInput: If a segment is missing.
    """
    require_segments(message, "MSH", "PID", "OBR", "OBX")
    kinds = {code.value: kind for kind, (code, _) in QUANTITY_CODES.items()}
    return tuple(
        _measurement(segment, kinds[part(segment, 3)])
        for segment in segments_of(message, "OBX")
        if part(segment, 3) in kinds and part(segment, 5) and part(segment, 21, 2) == "DEEPPCOS"
    )


def _measurement(segment: "hl7.Segment", kind: Quantity) -> SideMeasurement:
    """One measurement as it was before it was written."""
    number = int(part(segment, 21).removeprefix("2.25."))
    stated, value = part(segment, 4), float(part(segment, 5))
    is_count = QUANTITY_CODES[kind][1] is codes.NO_UNITS
    return SideMeasurement(
        identifier=TrackingIdentifier(uuid=uuid.UUID(int=number), label=""),
        side=Side(stated) if stated in ("left", "right") else None,
        quantity=kind,
        value=int(value) if is_count else value,
        method=part(segment, 17, 2),
    )
