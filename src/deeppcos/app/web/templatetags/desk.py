"""Small words and marks that templates use everywhere; loaded in every template.

Owns icons and formats. Sentences of an assessment come from ``deeppcos.app.report``.
"""

import datetime
import re
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from deeppcos.app.desk.chart_fields import ASSAY_WORDS, unit_label
from deeppcos.app.report.field_names import listed, readable
from deeppcos.app.report.sentences import spelled
from deeppcos.app.web.models import Study
from deeppcos.app.web.worklist.margins import margins_picture

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """One icon of the vendored sprite; beside words, so that it needs none of its own."""
    from django.templatetags.static import static

    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("desk/icons.svg"),
        name,
    )


@register.filter
def breakable(name: str) -> SafeString:
    """A file's name that breaks after its own joints before it breaks inside a word."""
    return format_html_join(
        "", "{}<wbr>", ((part,) for part in re.split(r"(?<=[_\-. ])", name) if part)
    )


@register.filter
def unit_words(unit: str) -> str:
    """A unit as laboratories print it."""
    return unit_label(unit)


@register.filter
def side_or_method(detail: str) -> str:
    """What sets a time line apart from others of its name: a side, or a laboratory's method."""
    return ASSAY_WORDS.get(detail.replace(" ", "_"), detail)


@register.filter
def since(moment: datetime.datetime | None) -> str:
    """How long ago, in the shortest words: ``4 min ago``, ``yesterday 14:05``, a date."""
    if moment is None:
        return ""
    local, now = timezone.localtime(moment), timezone.localtime()
    minutes = int((now - local).total_seconds() // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return _("%(minutes)d min ago") % {"minutes": minutes}
    if local.date() == now.date():
        return _("today %(time)s") % {"time": f"{local:%H:%M}"}
    if local.date() == now.date() - datetime.timedelta(days=1):
        return _("yesterday %(time)s") % {"time": f"{local:%H:%M}"}
    return f"{local:%d %b %Y}"


@register.filter
def thousands(number: int) -> str:
    """A number with thin spaces between thousands, as medicine writes it."""
    return f"{number:,}".replace(",", "\u202f")


@register.filter
def status_words(status: str) -> str:
    """A status of an assessment in the words of the report."""
    from deeppcos.app.report.wording import STATUS_WORDS

    return STATUS_WORDS.get(status, status)


@register.filter
def sentence(words: str) -> str:
    """Words as a sentence of their own: a capital before, a full stop behind."""
    plain = str(words).strip()
    ends = "" if plain[-1:] in ".!?" else "."
    return f"{plain[:1].upper()}{plain[1:]}{ends}" if plain else ""


@register.simple_tag(takes_context=True)
def query_with(context: dict[str, Any], **changes: Any) -> str:
    """The page's query with some fields changed; an empty value removes a field."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = value
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def study_tabs(context: dict[str, Any]) -> SafeString:
    """Links to the parts of the study in ``study`` that this person may open."""
    from deeppcos.app.web.page import tabs_of

    request, study = context["request"], context["study"]
    return format_html_join(
        "",
        '<a href="{}"{}>{}</a>',
        (
            (tab.url, mark_safe(' aria-current="page"') if tab.is_here else "", tab.label)
            for tab in tabs_of(request, study)
        ),
    )


@register.simple_tag
def margin_picture(study: Study) -> SafeString:
    """How far count and volume lie from their thresholds."""
    is_read = study.analysed_at is not None
    return margins_picture(study.count_margin, study.volume_margin_ml, is_read=is_read)


register.filter("readable", readable)
register.filter("spelled", spelled)
register.filter("listed", listed)
