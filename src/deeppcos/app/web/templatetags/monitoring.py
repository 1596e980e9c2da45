"""Words of figures on the page of the watch."""

from django import template
from django.utils.translation import gettext as _

from deeppcos.research.figures.intervals import Estimate

register = template.Library()


@register.filter
def percent(share: float) -> str:
    """A share in per cent.

    Examples:
        >>> percent(0.05)
        '5 %'
    """
    return f"{100 * share:.0f} %"


@register.filter
def share_words(share: Estimate | None) -> str:
    """A share with its interval, in per cent; that it is withheld under ten women."""
    if share is None:
        return _("under ten")
    low, high = 100 * share.low, 100 * share.high
    return f"{100 * share.value:.0f} % ({low:.0f}–{high:.0f})"


@register.filter
def estimate_words(found: Estimate | None) -> str:
    """A difference with its sign and interval.

    Examples:
        >>> estimate_words(Estimate(value=-0.02, low=-0.3, high=0.26))
        '0.0 (-0.3 to +0.3)'
    """
    if found is None:
        return _("under ten")
    return f"{_signed(found.value)} ({_signed(found.low)} to {_signed(found.high)})"


def _signed(value: float) -> str:
    """One decimal with its sign; nothing has none."""
    text = f"{value:+.1f}"
    return text if text not in ("+0.0", "-0.0") else "0.0"
