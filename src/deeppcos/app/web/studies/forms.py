"""The form a study begins with."""

import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.day_input import day_input
from deeppcos.app.web.models import Patient, Site, Study, Urgency

UNMISTAKABLE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class NewStudyForm(forms.Form):
    """Whose study it is, and how soon it should be looked at."""

    identifier = forms.CharField(
        label=_("Patient identifier"),
        max_length=64,
        help_text=_("The number your clinic knows her by."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    birth_date = forms.DateField(
        label=_("Birth date"),
        required=False,
        widget=day_input(),
    )
    accession = forms.CharField(
        label=_("Accession number"),
        max_length=64,
        required=False,
        help_text=_("Made up for you when left empty."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    performed_on = forms.DateField(
        label=_("Date of the examination"),
        required=False,
        widget=day_input(),
    )
    urgency = forms.TypedChoiceField(
        label=_("Urgency"), choices=Urgency.choices, coerce=int, initial=Urgency.ROUTINE
    )
    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none(), empty_label=None)

    def __init__(self, *args: Any, sites: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["site"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Site.objects.filter(pk__in=sites)
        if len(sites) == 1:
            field.initial = sites[0]
            field.widget = forms.HiddenInput()

    def clean_birth_date(self) -> datetime.date | None:
        """Ask about a birth date that cannot be."""
        return self._not_in_future("birth_date")

    def clean_performed_on(self) -> datetime.date | None:
        """Ask about an examination that has not been."""
        return self._not_in_future("performed_on")

    def _not_in_future(self, name: str) -> datetime.date | None:
        date: datetime.date | None = self.cleaned_data[name]
        if date is not None and not datetime.date(1900, 1, 1) <= date <= timezone.localdate():
            raise forms.ValidationError(_("Is this date right? It lies in the future or far back."))
        return date

    def clean(self) -> dict[str, Any]:
        """Ask where the patient or the accession number are known otherwise."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        site = said.get("site")
        if site is None:
            return said
        known = Patient.objects.filter(site=site, identifier=said.get("identifier", "")).first()
        name = said.get("name", "")
        if known is not None and name and name.casefold() != known.name.casefold():
            self.add_error(
                "name",
                _(
                    "This identifier belongs to %(name)s. If it is the same person, leave the name "
                    "empty; otherwise correct the identifier."
                )
                % {"name": known.name or _("somebody without a name")},
            )
        number = said.get("accession", "")
        if number and Study.objects.filter(site=site, accession=number).exists():
            self.add_error("accession", _("There is a study with this number already."))
        return said

    def save(self, *, created_by: Any, profile: str) -> Study:
        """Store the study, and the patient where she is new."""
        said = self.cleaned_data
        patient, _is_new = Patient.objects.get_or_create(
            site=said["site"],
            identifier=said["identifier"],
            defaults={"name": said["name"], "birth_date": said["birth_date"]},
        )
        return Study.objects.create(
            site=said["site"],
            patient=patient,
            accession=said["accession"] or new_number(),
            performed_on=said["performed_on"],
            urgency=said["urgency"],
            created_by=created_by,
            profile=profile,
        )


def new_number() -> str:
    """A number nobody mistakes when it is read out."""
    return f"D{timezone.localdate():%y%m%d}-{get_random_string(5, UNMISTAKABLE)}"
