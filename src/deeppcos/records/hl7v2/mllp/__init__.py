"""MLLP: HL7 v2 messages over a TCP or TLS connection, both ways.

Owns the wire and nothing of what a message says: a message is bytes here, in whatever character
set it states. Standard library only.

================  ================================================================
module            owns
================  ================================================================
``framing``       where a message begins and ends in a stream
``sender``        handing over a message and what the answer means
``conversation``  one sender, within limits
``listener``      many senders at once
================  ================================================================
"""

from deeppcos.records.hl7v2.mllp.conversation import Limits
from deeppcos.records.hl7v2.mllp.listener import Listener, MllpSettings, serving
from deeppcos.records.hl7v2.mllp.sender import (
    Acknowledgement,
    Connection,
    MllpPeer,
    connected,
    send,
)

__all__ = [
    "Acknowledgement",
    "Connection",
    "Limits",
    "Listener",
    "MllpPeer",
    "MllpSettings",
    "connected",
    "send",
    "serving",
]
