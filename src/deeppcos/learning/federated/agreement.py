"""What every site must share before the first round, and in words what differs.

Owns the document and the comparison. Sites whose versions differ fail at once, not in round nine.
"""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from deeppcos.errors import InvalidInput

PROTOCOL = "deeppcos.federated/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What is trained, and by what.

    Attributes:
        network: Key of the comparators.
        side_px: Side of the pictures.
        steps: Optimiser steps a round.
        positive: The positive class.
        software: Version of DeepPCOS.
        protocol: Version of this document.
    """

    network: str
    side_px: int
    steps: int
    positive: str = "lesion"
    software: str = version("deeppcos")
    protocol: str = PROTOCOL

    def text(self) -> str:
        """As it travels and is signed."""
        return json.dumps(asdict(self), sort_keys=True)


def agreement_from(text: str) -> Agreement:
    """Read an agreement.

    Args:
        text: What ``Agreement.text`` wrote.

    Raises:
        InvalidInput: If it is something else, such as that of another version.
    """
    try:
        content: dict[str, Any] = json.loads(text)
        return Agreement(**content)
    except (ValueError, TypeError) as problem:
        raise InvalidInput(
            "the other side speaks another version of federated training",
            value=str(problem)[:200],
            accepted=PROTOCOL,
            remedy="install the same version of DeepPCOS at every site",
        ) from problem


def refuse_differences(ours: Agreement, theirs: Agreement) -> None:
    """Refuse a site that would train something else.

    Args:
        ours: The coordinator's.
        theirs: The site's.

    Raises:
        InvalidInput: If anything differs; every difference is named.

    Examples:
        >>> one = Agreement(network="plain_cnn", side_px=48, steps=10)
        >>> refuse_differences(one, one)
    """
    mine, other = asdict(ours), asdict(theirs)
    differing = [name for name in mine if mine[name] != other[name]]
    if differing:
        raise InvalidInput(
            "the site would train something else",
            value="; ".join(f"{name} {other[name]}" for name in differing),
            accepted="; ".join(f"{name} {mine[name]}" for name in differing),
            remedy="start the site with the coordinator's options and version",
        )
