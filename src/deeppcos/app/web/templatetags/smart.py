"""The record systems a chart can be filled in from, for templates.

Owns the list; the settings name them.
"""

from urllib.parse import urlsplit

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def record_systems() -> list[tuple[str, str]]:
    """Address and shown name of each."""
    return [(server, urlsplit(server).hostname or server) for server, _ in settings.SMART_SERVERS]
