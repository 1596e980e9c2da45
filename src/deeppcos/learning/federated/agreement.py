"""What every site must share before the first round, and in words what differs.

Owns the document and the comparison. Sites whose versions differ fail at once, not in round nine.
"""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Protocol, TypeVar

from deeppcos.errors import InvalidInput

PROTOCOL = "deeppcos.federated/2"


class Terms(Protocol):
    """What both sides must share, as a dataclass that travels as text."""

    def text(self) -> str:
        """As it travels and is signed."""


T = TypeVar("T", bound=Terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What is trained, and by what.

    Attributes:
        network: Key of the comparators, or of the networks that read ovaries.
        side_px: Side of the pictures.
        steps: Optimiser steps a round.
        positive: The positive class.
        batch: Views a step, of a network that reads ovaries.
        secure: Whether the coordinator may see sums of weights only, never one site's.
        noise: Noise multiplier of private training; 0 trains without.
        software: Version of DeepPCOS.
        protocol: Version of this document.
    """

    network: str
    side_px: int
    steps: int
    positive: str = "lesion"
    batch: int = 12
    secure: bool = False
    noise: float = 0.0
    software: str = version("deeppcos")
    protocol: str = PROTOCOL

    def text(self) -> str:
        """As it travels and is signed."""
        return json.dumps(asdict(self), sort_keys=True)


def agreement_from(text: str) -> Agreement:
    """Read an agreement on training.

    Args:
        text: What ``Agreement.text`` wrote.

    Raises:
        InvalidInput: If it is something else, such as that of another version.
    """
    return terms_from(text, Agreement)


def terms_from(text: str, kind: type[T]) -> T:
    """Read what the other side would do.

    Args:
        text: What its ``text`` wrote.
        kind: What is expected.

    Raises:
        InvalidInput: If it is something else, such as that of another version or another run.
    """
    try:
        content: dict[str, Any] = json.loads(text)
        return kind(**content)
    except (ValueError, TypeError) as problem:
        raise InvalidInput(
            "the other side speaks another version of federated training, or came for another run",
            value=str(problem)[:200],
            accepted=f"{PROTOCOL}, {kind.__name__.lower()}",
            remedy="install the same version of DeepPCOS at every site and use the same command",
        ) from problem


def refuse_differences(ours: Terms, theirs: Terms) -> None:
    """Refuse a site that would do something else.

    Args:
        ours: The coordinator's.
        theirs: The site's.

    Raises:
        InvalidInput: If anything differs; every difference is named.

    Examples:
        >>> one = Agreement(network="plain_cnn", side_px=48, steps=10)
        >>> refuse_differences(one, one)
    """
    mine, other = json.loads(ours.text()), json.loads(theirs.text())
    differing = [name for name in mine if mine[name] != other[name]]
    if differing:
        raise InvalidInput(
            "the site would do something else",
            value="; ".join(f"{name} {other[name]}" for name in differing),
            accepted="; ".join(f"{name} {mine[name]}" for name in differing),
            remedy="start the site with the coordinator's options and version",
        )
