"""How far counts and volumes lie from their thresholds, as a small picture beside words.

Owns the picture: a rail, a tick where the threshold is, a dot where the value is.
"""

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

RAIL_FROM, RAIL_TO, MIDDLE = 6.0, 78.0, 42.0
"""Ends and threshold of the rail in a picture of 84 by 14."""

COUNT_SPAN, VOLUME_SPAN_ML = 10.0, 10.0
"""Margins at the ends of the rail: follicles, mL. What lies farther is drawn at the end."""


def margins_picture(
    count_margin: float | None, volume_margin_ml: float | None, *, is_read: bool = True
) -> SafeString:
    """A row for each margin that is known, or words that none is.

    Args:
        count_margin: Count minus its threshold, follicles.
        volume_margin_ml: Volume minus its threshold, mL.
        is_read: Whether anybody has looked yet; before that nothing is "not measured".
    """
    rows = []
    if count_margin is not None:
        rows.append((_row(count_margin / COUNT_SPAN), _("count"), f"{count_margin:+g}"))
    if volume_margin_ml is not None:
        share = volume_margin_ml / VOLUME_SPAN_ML
        rows.append((_row(share), _("volume"), f"{volume_margin_ml:+.1f} mL"))
    if not rows:
        words = _("not measured") if is_read else _("not read yet")
        return format_html('<span class="quiet">{}</span>', words)
    inner = format_html_join(
        "", "{}<span>{} {}</span>", ((row, what, _minus(value)) for row, what, value in rows)
    )
    return format_html('<div class="margin">{}</div>', inner)


def _row(share: float) -> SafeString:
    x = MIDDLE + (RAIL_TO - MIDDLE) * max(-1.0, min(1.0, share))
    return format_html(
        '<svg viewBox="0 0 84 14" aria-hidden="true" focusable="false">'
        '<line class="rail" x1="{}" x2="{}" y1="7" y2="7"/>'
        '<line class="limit" x1="{}" x2="{}" y1="1" y2="13"/>'
        '<circle class="{}" cx="{}" cy="7" r="4.2"/></svg>',
        *(RAIL_FROM, RAIL_TO, MIDDLE, MIDDLE),
        *("above" if share >= 0 else "below", f"{x:.1f}"),
    )


def _minus(number: str) -> str:
    """A true minus, as wide as a plus."""
    return number.replace("-", "\N{MINUS SIGN}")
