"""Forms of accounts."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.models import User

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


class JoinForm(OwnPasswordForm):
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
