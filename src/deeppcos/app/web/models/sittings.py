"""Who looked at a study's pictures, for how long, and what she had been shown.

Owns the circumstances of a reading, with corrections or without: a reader who agrees with
everything leaves no correction, and still took her time.
"""

import uuid
from typing import ClassVar

from django.db import models

from deeppcos.app.web.models.people import User
from deeppcos.app.web.models.readings import Assessment, Purpose
from deeppcos.app.web.models.studies import Study


class Sitting(models.Model):
    """One person at one study's pictures, from opening the viewer to leaving it.

    The id is the browser's, so that what it says again is not counted again. ``seconds`` counts
    while the page is visible and something was done in the last minute, and only grows.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="sittings")
    base = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="sittings")
    reader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sittings")
    reader_role = models.CharField(max_length=16, blank=True)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.REVIEW)
    seconds = models.FloatField(default=0.0)
    machine_shown_first = models.BooleanField(
        help_text="Whether the machine's marks were shown before the first correction, if any."
    )
    release_shown = models.CharField(
        max_length=64, blank=True, help_text="Release whose marks were shown; empty when none were."
    )
    begun_at = models.DateTimeField(auto_now_add=True)
    heard_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["begun_at"]

    def __str__(self) -> str:
        return f"{self.reader} at {self.study}, {self.seconds:.0f} s"
