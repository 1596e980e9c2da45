"""The form by which a clinician releases the patient's page."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.patient.releasing import LONGEST_DAYS

USUAL_DAYS = 30


class ReleaseForm(forms.Form):
    """Language and time of a link."""

    language = forms.ChoiceField(label=_("Language of the page"))
    days = forms.IntegerField(
        label=_("Days until the link runs out"),
        min_value=1,
        max_value=LONGEST_DAYS,
        initial=USUAL_DAYS,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = settings.PATIENT_LANGUAGES  # type: ignore[attr-defined]
