"""What a result does not know of the ovaries, and why.

Owns which measurements are always said, known or not, so that FHIR and HL7 v2 are silent about
the same things: nothing.
"""

from collections.abc import Iterator

from deeppcos.clinical.ovary import Side
from deeppcos.records.result_content import ResultContent
from deeppcos.records.tracking_identifiers import Quantity

ALWAYS_SAID = {
    Quantity.FNPS: "fnps",
    Quantity.TRACKED_ESTIMATE: "tracked_estimate",
    Quantity.FNPO: "fnpo",
    Quantity.VOLUME: "volume_ml",
}
"""What is said of each ovary, known or not, and its name in the assessment."""

NO_PICTURE = "no assessable picture is known to show this ovary"


def unknowns(content: ResultContent) -> Iterator[tuple[Side | None, Quantity, str]]:
    """What is not known of the ovaries, and why.

    Args:
        content: The result.

    Yields:
        Side, quantity and reason.
    """
    said = content.document.measurements
    sides = [(Side.LEFT, said.left), (Side.RIGHT, said.right)]
    for side, values in [*sides, *([(None, said.side_unknown)] if said.side_unknown else [])]:
        for kind, name in ALWAYS_SAID.items():
            stated = getattr(values, name) if values is not None else None
            if stated is None or stated.value is None:
                reason = stated.unknown_because if stated is not None else NO_PICTURE
                yield side, kind, reason or "the assessment gives no reason"
