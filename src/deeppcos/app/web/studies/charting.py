"""Saving a chart, when somebody else may have saved it meanwhile.

Owns the check of versions. How two charts join is the business of ``desk.chart_merge``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from deeppcos.app.desk.chart_form import ReadForm, read_form, typed_form
from deeppcos.app.desk.chart_merge import Merged, merged
from deeppcos.app.desk.study_states import Event, follows
from deeppcos.app.web import audit
from deeppcos.app.web.models import Study, StudyState, User
from deeppcos.errors import InvalidInput

OPEN_FOR_CHARTS = (StudyState.ARRIVED, StudyState.ANALYSED, StudyState.IN_REVIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What became of a filled-in chart.

    Attributes:
        study: The study as it stands now.
        read: What the form says, with its questions.
        merge: What somebody else saved meanwhile, where that leaves a choice; else None.
        is_saved: Whether it is stored.
        joined: Fields that were joined with somebody else's without a choice.
    """

    study: Study
    read: ReadForm
    merge: Merged | None = None
    is_saved: bool = False
    joined: tuple[str, ...] = ()


def save_chart(
    study: Study, typed: Mapping[str, str], *, version: int, before: Mapping[str, str], by: User
) -> Saving:
    """Store a chart, unless a question or a choice is open.

    Args:
        study: The study.
        typed: The form as it was filled in.
        version: The study's version the form was filled in on.
        before: The form as it was then.
        by: Who saves.

    Returns:
        What became of it. Nothing is stored while questions or a choice are open, and nothing
        another person stored is ever replaced without her choice being shown.

    Raises:
        InvalidInput: If the study is signed.
    """
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        _refuse_signed(now)
        joined: tuple[str, ...] = ()
        if now.version != version:
            merge = merged(before=before, theirs=typed_form(now.chart), mine=typed)
            if merge.conflicts:
                return Saving(study=now, read=read_form(typed), merge=merge)
            typed, joined = merge.typed, merge.joined
        read = read_form(typed)
        if read.questions:
            return Saving(study=now, read=read)
        if read.chart != now.chart:
            _store(now, read.chart, by)
    return Saving(study=now, read=read, is_saved=True, joined=joined)


def _store(study: Study, chart: dict[str, Any], by: User) -> None:
    was = typed_form(study.chart)
    now = typed_form(chart)
    changed = sorted(name for name in {*was, *now} if was.get(name, "") != now.get(name, ""))
    study.chart = chart
    study.version += 1
    if study.state == StudyState.ANALYSED:
        study.state = StudyState(follows(study.state, Event.REVIEW))
    study.save(update_fields=["chart", "version", "state", "updated_at"])
    audit.record("study.chart_saved", actor=by, study=study, detail={"fields": changed})


def _refuse_signed(study: Study) -> None:
    if study.state not in OPEN_FOR_CHARTS:
        raise InvalidInput(
            "this study is signed, so its chart cannot be changed",
            remedy="begin an amendment first",
        )
