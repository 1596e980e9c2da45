"""DICOM over its own network protocol: receive durably, send, ask for the worklist.

``inbox`` keeps what ``listening`` receives; ``sending``, ``commitment``, ``verification`` and
``worklist`` call a ``DicomPeer``. Only what opens a connection needs pynetdicom (the records
extra); records and the inbox do not.
"""

from deeppcos.records.dicom_network.commitment import (
    Commitment,
    CommitmentOutcome,
    SentInstance,
    commitment_answers,
    request_commitment,
)
from deeppcos.records.dicom_network.inbox import Inbox
from deeppcos.records.dicom_network.kept import (
    ARRIVING,
    InboxLimits,
    InboxStudy,
    Keeping,
    Kept,
    KeptInstance,
    Quarantined,
    Sender,
)
from deeppcos.records.dicom_network.listen_settings import ListenSettings
from deeppcos.records.dicom_network.listening import Listening, listening
from deeppcos.records.dicom_network.peer import DicomPeer, StoreOutcome
from deeppcos.records.dicom_network.sending import store
from deeppcos.records.dicom_network.verification import echo
from deeppcos.records.dicom_network.worklist import PregnancyStatus, WorklistEntry, worklist

__all__ = [
    "ARRIVING",
    "Commitment",
    "CommitmentOutcome",
    "DicomPeer",
    "Inbox",
    "InboxLimits",
    "InboxStudy",
    "Keeping",
    "Kept",
    "KeptInstance",
    "ListenSettings",
    "Listening",
    "PregnancyStatus",
    "Quarantined",
    "Sender",
    "SentInstance",
    "StoreOutcome",
    "WorklistEntry",
    "commitment_answers",
    "echo",
    "listening",
    "request_commitment",
    "store",
    "worklist",
]
