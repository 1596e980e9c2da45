"""Forms of accounts."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.accounts.people import Roles
from deeppcos.app.web.models import Role, Site, User

if TYPE_CHECKING:
    OwnPasswordForm = SetPasswordForm[User]
else:  # Generic for the type checker only.
    OwnPasswordForm = SetPasswordForm


class SignInForm(AuthenticationForm):
    """Name and password."""

    username = forms.CharField(
        label=_("Sign-in name"),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )

    def get_invalid_login_error(self) -> forms.ValidationError:
        """One sentence for a wrong name and a wrong password, so that neither is given away."""
        return forms.ValidationError(
            _(
                "Sign-in name and password do not belong together. Capital letters count in the "
                "password."
            ),
            code="invalid_login",
        )


class ChosenPasswordForm(OwnPasswordForm):
    """A new password twice, and in one sentence what it has to be."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["new_password1"].help_text = _(
            "At least 10 characters; no common password, not only digits, not like your name."
        )
        self.fields["new_password2"].help_text = ""


class JoinForm(ChosenPasswordForm):
    """Full name, sign-in name and a password, for a one-time link."""

    full_name = forms.CharField(
        label=_("Your name, as it is signed with"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    username = forms.CharField(
        label=_("Sign-in name"),
        max_length=150,
        help_text=_("Short, without spaces, such as your e-mail address."),
        validators=[User.username_validator],
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    field_order = ("full_name", "username", "new_password1", "new_password2")

    def clean_username(self) -> str:
        """Refuse a name that somebody else signs in with."""
        name = str(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exclude(pk=self.user.pk).exists():
            raise forms.ValidationError(_("Somebody else signs in with that name."))
        return name

    def save(self, commit: bool = True) -> Any:
        """Set both names with the password."""
        self.user.full_name = self.cleaned_data["full_name"]
        self.user.username = self.cleaned_data["username"]
        return super().save(commit)


class ChangePasswordForm(ChosenPasswordForm):
    """A new password for the old one."""

    old_password = forms.CharField(
        label=_("Password until now"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("old_password", "new_password1", "new_password2")

    def clean_old_password(self) -> str:
        """The password until now must be right."""
        given = str(self.cleaned_data["old_password"])
        if not self.user.check_password(given):
            raise forms.ValidationError(_("That is not your password until now."))
        return given


class ConfirmForm(forms.Form):
    """One's password once more, before something that weakens the account."""

    password = forms.CharField(strip=False)

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        self.user = user

    def clean_password(self) -> str:
        """The password must be right."""
        given = str(self.cleaned_data["password"])
        if not self.user.check_password(given):
            raise forms.ValidationError(_("That is not your password."))
        return given


class CodeForm(forms.Form):
    """Six digits of a device, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )

    def clean_code(self) -> str:
        """The code without the spaces people type."""
        return "".join(str(self.cleaned_data["code"]).split())


class RolesForm(forms.Form):
    """Roles at each of the administrator's sites, as boxes to tick."""

    def __init__(
        self,
        sites: Iterable[Site],
        *args: Any,
        held: Mapping[Site, frozenset[str]] | None = None,
    ) -> None:
        super().__init__(*args)
        self.sites = {f"site-{site.pk}": site for site in sites}
        for name, site in self.sites.items():
            self.fields[name] = forms.MultipleChoiceField(
                label=site.name,
                choices=Role.choices,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                initial=sorted((held or {}).get(site, ())),
            )

    def role_fields(self) -> list[forms.BoundField]:
        """The boxes of each site."""
        return [self[name] for name in self.sites]

    def wanted(self) -> list[Roles]:
        """What was ticked."""
        return [
            Roles(site=site, roles=frozenset(self.cleaned_data[name]))
            for name, site in self.sites.items()
        ]


class InviteForm(RolesForm):
    """A name and roles for a new account."""

    full_name = forms.CharField(
        label=_("Name of the person"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )

    def clean(self) -> dict[str, Any]:
        """An account needs a role somewhere."""
        if not any(self.cleaned_data.get(name) for name in self.sites):
            raise forms.ValidationError(_("Choose at least one role at a site."))
        return self.cleaned_data


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name of a site, and which roles must give a second factor there."""

    second_factor_roles = forms.MultipleChoiceField(
        label=_("Roles that must give a second factor"),
        help_text=_(
            "Asked from the next sign-in on. Who has no device yet sets one up while signing in."
        ),
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Site
        fields = ("name", "second_factor_roles")
        labels: ClassVar = {"name": _("Name of the site")}
