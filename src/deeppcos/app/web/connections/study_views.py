"""A study's own part: which system has what of it, and what the laboratory asks."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.desk.chart_form import typed_form
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, rights_of, study_for
from deeppcos.app.web.connections import lab_results, merging, places
from deeppcos.app.web.connections.arriving import late_images
from deeppcos.app.web.connections.dispatching import try_again_now
from deeppcos.app.web.connections.showing import item_rows
from deeppcos.app.web.models import Dispatch, MessageState, Study
from deeppcos.app.web.studies.chart_import_views import choice_page


@needs(Right.SEE_STUDIES)
@require_safe
def sent(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Which system has what, since when, and its last words."""
    user = account_of(request)
    study = study_for(user, study_id)
    audit.record("study.sending_viewed", actor=user, study=study)
    rows = item_rows(places.outbox().items(study=str(study.pk)))
    return render(
        request,
        "connections/study.html",
        {
            "study": study,
            "is_connected": places.is_connected(),
            "rows": rows,
            "not_made": any(row.state == "not_made" for row in rows),
            "preparing": Dispatch.objects.filter(study=study, done_at=None).order_by("made_at"),
            "late": late_images(study),
            "linked": merging.linked_numbers(study.site, study.patient.identifier),
            "asked": study.messages.filter(state=MessageState.ASKED).order_by("received_at"),
            "lab_messages": study.messages.filter(kind=lab_results.LABS).order_by("received_at"),
            "rights": rights_of(user, study.site_id),
        },
    )


@needs(Right.SIGN)
@require_POST
def make_again(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Have what could not be made made again, such as after a table was corrected."""
    user = account_of(request)
    study = study_for(user, study_id, Right.SIGN)
    for dispatch in Dispatch.objects.filter(study=study):
        try_again_now(dispatch)
    audit.record("connection.made_again", actor=user, study=study)
    messages.info(request, _("It is made again. What was sent is not sent twice."))
    return redirect("connections:study", study.pk)


@needs(Right.MARK)
@require_POST
def choose_labs(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Ask which of several laboratory results counts; nothing is saved until the form is."""
    study = study_for(account_of(request), study_id, Right.MARK)
    standing = lab_results.standing_of(study)
    if not standing.filled.choices:
        return _done(request, study)
    return choice_page(
        request, study, standing.filled, typed_form(study.chart), _("the laboratory")
    )


@needs(Right.MARK)
@require_POST
def labs_done(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Somebody has looked: the chart stands as it is."""
    return _done(request, study_for(account_of(request), study_id, Right.MARK))


def _done(request: HttpRequest, study: Study) -> HttpResponse:
    lab_results.settle(study)
    audit.record("study.labs_settled", actor=account_of(request), study=study)
    messages.success(request, _("The chart stands as it is."))
    return redirect("connections:study", study.pk)
