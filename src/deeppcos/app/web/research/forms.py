"""The form a cohort is asked with.

Owns its fields and turning them into criteria. Choices that come from the data are those ten
women or more have.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.day_input import day_input
from deeppcos.clinical.profiles import PROFILES
from deeppcos.research.columns import AXES, PHENOTYPES
from deeppcos.research.query import LONGEST_NAME, Criterion, Take

ANY = ("", _("any"))
PHENOTYPE_CHOICES = tuple((letter, letter) for letter in PHENOTYPES)
PROFILE_CHOICES = tuple((key, profile.title) for key, profile in PROFILES.items())
STATUS_CHOICES = (
    ("criteria_met", _("criteria met")),
    ("exclusion_incomplete", _("met, tests missing")),
    ("indeterminate", _("open")),
    ("criteria_not_met", _("not met")),
    ("other_cause_suspected", _("another cause suspected")),
    ("increased_risk_adolescent", _("adolescent at increased risk")),
)
ROUTES = (
    ANY,
    ("transvaginal", _("transvaginal")),
    ("transabdominal", _("transabdominal")),
    ("transrectal", _("transrectal")),
)
GRADES = (ANY, *((str(n), str(n)) for n in range(4)))
MEASURED = (
    ("amh_ng_ml", _("AMH")),
    ("total_testosterone_nmol_l", _("total testosterone")),
    ("fnpo_largest", _("follicles of the whole ovary")),
    ("volume_largest_ml", _("ovarian volume")),
    ("mfg_score", _("hair score (mFG)")),
)


class CohortForm(forms.Form):
    """Who belongs to a cohort. What is left empty is not asked."""

    name = forms.CharField(
        label=_("Name of the cohort"),
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    age_from = forms.IntegerField(label=_("Age from"), min_value=5, max_value=110, required=False)
    age_to = forms.IntegerField(label=_("Age to"), min_value=5, max_value=110, required=False)
    profile = forms.ChoiceField(label=_("Read by"), choices=PROFILE_CHOICES)
    status = forms.MultipleChoiceField(
        label=_("Conclusion"),
        choices=STATUS_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    phenotype = forms.MultipleChoiceField(
        label=_("Phenotype"),
        choices=PHENOTYPE_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    axis = forms.ChoiceField(
        label=_("Severity axis"), choices=(ANY, *((axis, axis) for axis in AXES)), required=False
    )
    axis_from = forms.ChoiceField(label=_("Grade from"), choices=GRADES, required=False)
    axis_to = forms.ChoiceField(label=_("Grade to"), choices=GRADES, required=False)
    known = forms.MultipleChoiceField(
        label=_("Must be known"),
        choices=MEASURED,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    route = forms.ChoiceField(label=_("Route of the scan"), choices=ROUTES, required=False)
    manufacturer = forms.ChoiceField(label=_("Scanner"), required=False)
    site = forms.ChoiceField(label=_("Site"), required=False)
    release = forms.ChoiceField(label=_("Network release"), required=False)
    performed_from = forms.DateField(label=_("Examined from"), required=False, widget=day_input())
    performed_to = forms.DateField(label=_("Examined to"), required=False, widget=day_input())
    take = forms.ChoiceField(
        label=_("Of several examinations"),
        choices=(
            (Take.LATEST.value, _("the latest that fits")),
            (Take.FIRST.value, _("the first that fits")),
        ),
    )

    def __init__(self, *args: Any, groups: dict[str, Sequence[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, names in groups.items():
            choice = self.fields[field]
            assert isinstance(choice, forms.ChoiceField)
            choice.choices = [ANY, *((name, name) for name in names)]

    def criteria(self) -> tuple[Criterion, ...]:
        """What was asked.

        Raises:
            InvalidInput: If a range is the wrong way round.
        """
        return tuple(self._criteria(self.cleaned_data))

    def _criteria(self, said: dict[str, Any]) -> Iterator[Criterion]:
        profile = said["profile"]
        yield from _range("age_years", said["age_from"], said["age_to"])
        for field in ("status", "phenotype"):
            if said[field]:
                yield Criterion(field=f"{field}_{profile}", one_of=tuple(said[field]))
        if said["axis"]:
            ends = (_grade(said["axis_from"]), _grade(said["axis_to"]))
            yield from _range(f"axis_{said['axis']}", *ends)
        for field in said["known"]:
            yield Criterion(field=field, known=True)
        for field in ("route", "manufacturer", "site", "release"):
            if said[field]:
                yield Criterion(field=field, one_of=(said[field],))
        yield from _range("performed_on", _iso(said["performed_from"]), _iso(said["performed_to"]))


def _range(field: str, low: Any, high: Any) -> Iterator[Criterion]:
    if low is not None or high is not None:
        yield Criterion(field=field, at_least=low, at_most=high)


def _grade(text: str) -> int | None:
    return int(text) if text else None


def _iso(day: Any) -> str | None:
    return None if day is None else day.isoformat()
