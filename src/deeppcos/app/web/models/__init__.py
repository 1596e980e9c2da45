"""What the desk remembers. Documents stay JSON; columns are what is searched and counted."""

from deeppcos.app.web.models.audit import AuditEvent, AuditHead
from deeppcos.app.web.models.connections import (
    Dispatch,
    ExpectedStudy,
    MessageState,
    ReceivedMessage,
)
from deeppcos.app.web.models.jobs import Job, JobState
from deeppcos.app.web.models.links import PatientLink
from deeppcos.app.web.models.monitoring import DriftAlarm, WatchReading, WatchWindow
from deeppcos.app.web.models.people import Grant, Role, Site, User
from deeppcos.app.web.models.readings import Assessment, Edit, EditKind, MarkSet, Purpose
from deeppcos.app.web.models.reports import SignedReport
from deeppcos.app.web.models.research import SavedCohort
from deeppcos.app.web.models.second_factor import ExternalIdentity, RecoveryCode, SecondFactor
from deeppcos.app.web.models.sittings import Sitting
from deeppcos.app.web.models.studies import Image, ImageKind, Patient, Study, StudyState, Urgency
from deeppcos.app.web.models.tokens import ApiToken, IdempotencyKey

__all__ = [
    "ApiToken",
    "Assessment",
    "AuditEvent",
    "AuditHead",
    "Dispatch",
    "DriftAlarm",
    "Edit",
    "EditKind",
    "ExpectedStudy",
    "ExternalIdentity",
    "Grant",
    "IdempotencyKey",
    "Image",
    "ImageKind",
    "Job",
    "JobState",
    "MarkSet",
    "MessageState",
    "Patient",
    "PatientLink",
    "Purpose",
    "ReceivedMessage",
    "RecoveryCode",
    "Role",
    "SavedCohort",
    "SecondFactor",
    "SignedReport",
    "Site",
    "Sitting",
    "Study",
    "StudyState",
    "Urgency",
    "User",
    "WatchReading",
    "WatchWindow",
]
