"""What is wrong with a message, and where in it.

Owns the codes of acknowledgements and the error that names a segment and field. How it is told
to a sender is the business of ``acknowledgement``.
"""

from enum import StrEnum

from deeppcos.errors import InvalidInput


class Code(StrEnum):
    """What became of a message (table 0008, original mode)."""

    TAKEN = "AA"
    WRONG = "AE"
    REJECTED = "AR"


class Reason(StrEnum):
    """Why a message was not taken (table 0357)."""

    SEGMENT_SEQUENCE = "100"
    FIELD_MISSING = "101"
    DATA_TYPE = "102"
    UNKNOWN_VALUE = "103"
    UNKNOWN_KIND = "200"
    UNKNOWN_EVENT = "201"
    INTERNAL = "207"

    @property
    def code(self) -> Code:
        """Whether the content is wrong, or the message was not meant for us at all."""
        is_rejected = self in (Reason.UNKNOWN_KIND, Reason.UNKNOWN_EVENT, Reason.INTERNAL)
        return Code.REJECTED if is_rejected else Code.WRONG


class MessageProblem(InvalidInput):
    """A message that cannot be used.

    Args:
        what: What was wrong, without the name of a patient: the sender is told it.
        place: The segment and field, such as ``PID-3``.
        reason: Of which kind.
        value: The offending value; not told to the sender.
        accepted: What would have been accepted.
        remedy: What to do next.
    """

    def __init__(
        self,
        what: str,
        *,
        place: str,
        reason: Reason = Reason.UNKNOWN_VALUE,
        value: str = "",
        accepted: str = "",
        remedy: str = "",
    ) -> None:
        super().__init__(f"{place}: {what}", value=value, accepted=accepted, remedy=remedy)
        self.place = place
        self.reason = reason
        self.accepted_words = f"{what}; accepted: {accepted}" if accepted else what
