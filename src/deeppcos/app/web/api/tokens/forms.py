"""The form that makes a token."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.api.scopes import WORDS, Scope
from deeppcos.app.web.api.tokens.making import LONGEST_DAYS
from deeppcos.app.web.models import Site

USUAL_DAYS = 90


class TokenForm(forms.Form):
    """What a token is for, where, and for how long."""

    name = forms.CharField(
        label=_("What it is for"),
        max_length=80,
        help_text=_("Such as the name of the program that will use it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none(), empty_label=None)
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), widget=forms.CheckboxSelectMultiple()
    )
    days = forms.IntegerField(
        label=_("Days until it runs out"),
        min_value=1,
        max_value=LONGEST_DAYS,
        initial=USUAL_DAYS,
    )

    def __init__(self, *args: Any, sites: list[int], scopes: list[Scope], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["site"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Site.objects.filter(pk__in=sites)
        if len(sites) == 1:
            field.initial = sites[0]
            field.widget = forms.HiddenInput()
        choices = [(scope.value, WORDS[scope]) for scope in scopes]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]
