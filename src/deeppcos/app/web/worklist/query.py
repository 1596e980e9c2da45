"""What somebody asks of the worklist, from the address to a query that stays quick.

Owns filters, search and orders. Every order and filter has its index; see ``models.studies``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.models import Study, StudyState, Urgency, User

LONGEST_SEARCH = 100
MOST_WORDS = 5

NEAR = 0.25
"""A study counts as near a threshold when a count or volume lies within this share of it."""

ORDERS: dict[str, tuple[str, ...]] = {
    "urgency": ("-urgency", "-arrived_at"),
    "newest": ("-arrived_at",),
    "oldest": ("arrived_at",),
    "patient": ("search_key",),
    "closeness": ("closeness", "-arrived_at"),
}
"""Every order the worklist has; the first is the usual one."""

ORDER_LABELS = {
    "urgency": _("most urgent first"),
    "newest": _("newest first"),
    "oldest": _("oldest first"),
    "patient": _("by patient"),
    "closeness": _("nearest to a threshold first"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistQuery:
    """What somebody asks of the worklist.

    Attributes:
        text: Words to look for in name, identifier and accession number.
        state: Only this state; every state when empty.
        urgency: At least this urgent.
        is_mine: Only what is assigned to the person who asks.
        is_near: Only what lies near a threshold.
        order: A key of ``ORDERS``.
    """

    text: str = ""
    state: str = ""
    urgency: int = Urgency.ROUTINE
    is_mine: bool = False
    is_near: bool = False
    order: str = "urgency"

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the state narrows the list."""
        return bool(self.text or self.urgency or self.is_mine or self.is_near)


def asked(fields: QueryDict) -> WorklistQuery:
    """What an address asks; whatever makes no sense is left out."""
    state, urgency = fields.get("state", ""), fields.get("urgency", "")
    order = fields.get("order", "")
    return WorklistQuery(
        text=fields.get("q", "").strip()[:LONGEST_SEARCH],
        state=state if state in StudyState.values else "",
        urgency=int(urgency) if urgency in {str(one) for one in Urgency.values} else 0,
        is_mine="mine" in fields,
        is_near="near" in fields,
        order=order if order in ORDERS else "urgency",
    )


def narrowed(studies: QuerySet[Study], query: WorklistQuery, user: User) -> QuerySet[Study]:
    """The studies the question is about, whatever their state.

    Args:
        studies: What this person may see.
        query: The question.
        user: Who asks.
    """
    if query.is_mine:
        studies = studies.filter(assigned_to=user)
    if query.urgency:
        studies = studies.filter(urgency__gte=query.urgency)
    if query.is_near:
        studies = studies.filter(closeness__lte=NEAR)
    for word in _words(query.text):
        studies = studies.filter(search_key__contains=word)
    return studies


def ordered(studies: QuerySet[Study], query: WorklistQuery) -> QuerySet[Study]:
    """The studies of the asked state in the asked order; the id makes it the same every time."""
    if query.state:
        studies = studies.filter(state=query.state)
    if query.order == "closeness":
        studies = studies.filter(closeness__isnull=False)
    return studies.order_by(*ORDERS[query.order], "pk")


def _words(text: str) -> Iterable[str]:
    return text.casefold().replace(",", " ").split()[:MOST_WORDS]
