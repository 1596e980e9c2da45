"""The field in which somebody enters a day: the browser's own calendar, in one format.

Owns that widget for every form.
"""

from django import forms


def day_input() -> forms.DateInput:
    """A widget for a day."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
