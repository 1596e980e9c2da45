"""Work longer than a request, as people see it: what, how far, and how it ended."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.models.people import User
from deeppcos.app.web.models.studies import Study


class JobState(models.TextChoices):
    """Where a job stands."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class Job(models.Model):
    """One piece of background work. The queue runs it; this row tells how it goes.

    ``heard_at`` is its lease: whoever does the work writes it every few seconds, and a job that
    was not heard of for a while is given to another worker. ``attempts`` tells the workers apart.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    study = models.ForeignKey(
        Study, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs"
    )
    arguments = models.JSONField(default=dict)
    asked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.WAITING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True)
    problem = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    task = models.UUIDField(null=True, blank=True, editable=False)
    is_cancel_wanted = models.BooleanField(default=False)
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-asked_at"]
        indexes: ClassVar = [
            models.Index(fields=["state", "asked_at"], name="job_by_state"),
            models.Index(fields=["study", "-asked_at"], name="job_by_study"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in (JobState.WAITING, JobState.RUNNING)
