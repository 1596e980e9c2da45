"""Which state of a study follows which.

Owns the table. Who may bring a study forward is the business of the web room's rights.
"""

from enum import StrEnum

from deeppcos.errors import InvalidInput


class State(StrEnum):
    """How far a study has come."""

    ARRIVED = "arrived"
    ANALYSED = "analysed"
    IN_REVIEW = "in_review"
    SIGNED = "signed"
    SENT = "sent"


class Event(StrEnum):
    """What happens to a study."""

    ADD_FILES = "add_files"
    READ = "read"
    REVIEW = "review"
    SIGN = "sign"
    AMEND = "amend"
    SEND = "send"


_FOLLOWS: dict[tuple[State, Event], State] = {
    (State.ARRIVED, Event.ADD_FILES): State.ARRIVED,
    (State.ANALYSED, Event.ADD_FILES): State.ARRIVED,
    (State.IN_REVIEW, Event.ADD_FILES): State.IN_REVIEW,
    (State.ARRIVED, Event.READ): State.ANALYSED,
    (State.ANALYSED, Event.READ): State.ANALYSED,
    (State.IN_REVIEW, Event.READ): State.IN_REVIEW,
    (State.ANALYSED, Event.REVIEW): State.IN_REVIEW,
    (State.IN_REVIEW, Event.REVIEW): State.IN_REVIEW,
    (State.ANALYSED, Event.SIGN): State.SIGNED,
    (State.IN_REVIEW, Event.SIGN): State.SIGNED,
    (State.SIGNED, Event.AMEND): State.IN_REVIEW,
    (State.SENT, Event.AMEND): State.IN_REVIEW,
    (State.SIGNED, Event.SEND): State.SENT,
    (State.SENT, Event.SEND): State.SENT,
}

_WORDS = {
    Event.ADD_FILES: "files cannot be added",
    Event.READ: "it cannot be read again",
    Event.REVIEW: "it cannot be changed",
    Event.SIGN: "it cannot be signed",
    Event.AMEND: "it cannot be amended",
    Event.SEND: "it cannot be sent",
}
_REMEDIES = {
    State.ARRIVED: "have it read first",
    State.ANALYSED: "sign it first",
    State.IN_REVIEW: "sign it first",
    State.SIGNED: "begin an amendment first",
    State.SENT: "begin an amendment first",
}


def follows(state: str, event: Event) -> State:
    """The state after an event.

    Args:
        state: The state now.
        event: What happens.

    Returns:
        The state after it.

    Raises:
        InvalidInput: If this may not happen to a study in that state.

    Examples:
        >>> str(follows("analysed", Event.SIGN))
        'signed'
    """
    now = State(state)
    after = _FOLLOWS.get((now, event))
    if after is None:
        raise InvalidInput(
            f"this study is {now.replace('_', ' ')}, so {_WORDS[event]}", remedy=_REMEDIES[now]
        )
    return after
