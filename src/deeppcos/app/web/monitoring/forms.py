"""The form that names a window."""

from django import forms
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.day_input import day_input

RATES = (("0.05", _("at most 5 %")), ("0.01", _("at most 1 %")), ("0.1", _("at most 10 %")))


class WindowForm(forms.Form):
    """A time that was usual, and how often the watch may be wrong."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    first = forms.DateField(label=_("First day"), widget=day_input())
    last = forms.DateField(label=_("Last day"), widget=day_input())
    rate = forms.TypedChoiceField(
        label=_("Chance that it ever alarms without a change"), choices=RATES, coerce=float
    )
