"""What the watch remembers: frozen windows, one reading a woman, and alarms.

Owns the rows. What is observed is the business of ``deeppcos.app.web.monitoring``, what counts as
drift that of ``deeppcos.research.monitoring``.
"""

import uuid
from typing import Any, ClassVar

from django.db import models

from deeppcos.app.web.models.people import Site, User
from deeppcos.app.web.models.studies import Patient, Study


class WatchWindow(models.Model):
    """A reference that somebody named. The last one of a site is the one that counts.

    ``document`` is ``deeppcos.monitoring-window/1`` and is never changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="watch_windows")
    name = models.CharField(max_length=120)
    document = models.JSONField()
    fingerprint = models.CharField(max_length=64)
    named_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="watch_windows")
    named_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-named_at"]

    def __str__(self) -> str:
        return f"{self.name} at {self.site}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new window; an old one stays as it is."""
        if not self._state.adding:
            raise TypeError("a monitoring window is never changed; name another")
        super().save(*args, **kwargs)


class WatchReading(models.Model):
    """What was observed of one woman, once, as it was then.

    ``facts`` are those of the study's first reading by the machine, ``reader_facts`` those of its
    first signature. Neither is changed afterwards: the order of the test is the order of events.
    """

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="watch_reading")
    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="watch_reading")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="watch_readings")
    observed_at = models.DateTimeField()
    release = models.CharField(max_length=64, blank=True)
    facts = models.JSONField(default=dict)
    reader_at = models.DateTimeField(null=True, blank=True)
    reader_facts = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["site", "observed_at"], name="watch_by_time")]

    def __str__(self) -> str:
        return f"reading of {self.study}"


class DriftAlarm(models.Model):
    """One signal that left its window. It stands until somebody says what she found."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    window = models.ForeignKey(WatchWindow, on_delete=models.PROTECT, related_name="alarms")
    signal = models.CharField(max_length=40)
    crossed_at = models.DateTimeField()
    raised_at = models.DateTimeField(auto_now_add=True)
    detail = models.JSONField(default=dict)
    mailed_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="drift_alarms"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    remark = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-raised_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["window", "signal"], name="one_alarm_a_signal")
        ]

    def __str__(self) -> str:
        return f"{self.signal} left {self.window}"
