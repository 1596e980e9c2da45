"""Pages of a long list of studies, the last as quick as the first.

Owns the way from a page's number to its rows: first the ids alone, which an index gives, counted
from the nearer end; then the rows of those few.
"""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Prefetch, QuerySet

from deeppcos.app.web.jobs import OPEN
from deeppcos.app.web.models import Job, Study

PAGE_SIZE = 25
FEW = 500
"""Lists up to this long are sorted whole."""


class StudyPages(Paginator):  # type: ignore[type-arg]
    """Pages of an ordered list of studies.

    Args:
        studies: The list, in an order that leaves no two studies equal.
        number: How many it has, where that is known already.
    """

    def __init__(self, studies: QuerySet[Study], number: int | None) -> None:
        super().__init__(studies, PAGE_SIZE)
        if number is not None:
            self.__dict__["count"] = number

    def page(self, number: int | str) -> "Page[Any]":
        """One page with its rows."""
        valid = self.validate_number(number)
        first = (valid - 1) * self.per_page
        return Page(_rows(self._ids(first)), valid, self)

    def _ids(self, first: int) -> list[Any]:
        studies = self.object_list
        assert isinstance(studies, QuerySet)
        last = min(first + self.per_page, self.count)
        if self.count <= FEW:
            # Asked for a page of a rare find, a data base walks the whole order looking for it.
            return list(studies.values_list("pk", flat=True))[first:last]
        if first <= self.count // 2:
            return list(studies.values_list("pk", flat=True)[first:last])
        from_end = studies.reverse().values_list("pk", flat=True)
        return list(from_end[self.count - last : self.count - first])[::-1]


def _rows(ids: list[Any]) -> list[Study]:
    """The rows of a page in the order of their ids, with what a row shows."""
    open_jobs = Prefetch("jobs", queryset=Job.objects.filter(state__in=OPEN), to_attr="open_jobs")
    rows = (
        Study.objects.filter(pk__in=ids)
        .select_related("patient", "assigned_to")
        .prefetch_related(open_jobs)
        .defer("chart", "patient__search_key", "search_key")
    )
    by_id = {study.pk: study for study in rows}
    return [by_id[one] for one in ids if one in by_id]
