"""The pages of learning a person may open.

Owns the row of links on top of each; to add one, one line.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.access import Right, account_of, rights_of

PAGES: tuple[tuple[str, str | Promise, Right], ...] = (
    ("learning:reading-list", _("Reading list"), Right.MARK),
    ("learning:waiting", _("To settle"), Right.SIGN),
    ("learning:readers", _("Readers"), Right.TEACH),
    ("learning:training", _("Train a candidate"), Right.TEACH),
    ("learning:releases", _("Releases"), Right.MANAGE_RELEASES),
)


@dataclass(frozen=True, slots=True)
class Link:
    """One page as linked to."""

    url: str
    label: str | Promise
    is_here: bool


def links(request: HttpRequest, here: str) -> dict[str, Any]:
    """The row of links, for a template.

    Args:
        request: Whose.
        here: Name of the page that is shown.
    """
    rights = rights_of(account_of(request))
    return {
        "links": [
            Link(reverse(name), label, is_here=name == here)
            for name, label, right in PAGES
            if right in rights
        ]
    }
