"""Pages on which an adjudicator sees blinded readings side by side, and settles.

Owns requests and answers; the rules stand in ``adjudicating``. What was chosen for one picture
while another was drawn is kept in the session, so that coming back loses nothing.
"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deeppcos.app.desk.marks.mark import FOLLICLES, FrameMarks
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.learning.adjudicating import (
    NO_MARKS,
    NOT_ASSESSABLE,
    NOTHING,
    OWN,
    TOGETHER,
    Case,
    begin_drawing,
    cases_of,
    refuse_unfit,
    settle,
    studies_to_settle,
)
from deeppcos.app.web.learning.own_marks import begun_by, shapes, shapes_of_marks
from deeppcos.app.web.learning.pages import links
from deeppcos.app.web.learning.pseudonyms import pseudonyms
from deeppcos.errors import InvalidInput


@needs(Right.SIGN)
@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """Studies whose readings contradict each other."""
    user = account_of(request)
    audit.record("reading.waiting_viewed", actor=user)
    found = studies_to_settle(user, pseudonyms())
    rows = [{"study": study, "pictures": len(cases)} for study, cases in found]
    return render(
        request, "learning/waiting.html", {"rows": rows, **links(request, "learning:waiting")}
    )


@needs(Right.SIGN)
@require_http_methods(["GET", "HEAD", "POST"])
def settle_study(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Look at the readings of a study, and settle them all at once."""
    user = account_of(request)
    study = study_for(user, study_id, Right.SIGN)
    refuse_unfit(study, user)
    names, problem = pseudonyms(), None
    if request.method == "POST":
        try:
            settle(study, user, _choices(request), names)
        except InvalidInput as refused:
            problem = refused
        else:
            request.session.pop(_kept_under(study.pk), None)
            messages.success(request, _("The readings are settled."))
            return redirect("learning:waiting")
    cases, drawn = cases_of(study, names), begun_by(study, user)
    before: dict[str, str] = request.session.get(_kept_under(study.pk), {})
    audit.record("reading.compared", actor=user, study=study)
    context = {
        "study": study,
        "cases": [
            _shown(
                case,
                request.POST.get(f"choice:{case.key}", before.get(case.key, "")),
                drawn.get(case.read.place, NO_MARKS),
            )
            for case in cases
        ],
        "problem": problem,
        "not_assessable": NOT_ASSESSABLE,
        "nothing": NOTHING,
        "own": OWN,
        **links(request, "learning:waiting"),
    }
    return render(request, "learning/settle.html", context, status=422 if problem else 200)


@needs(Right.SIGN)
@require_POST
def draw(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Open the viewer on one picture, to draw what none of the readers drew."""
    user = account_of(request)
    study = study_for(user, study_id, Right.SIGN)
    start, _mark, key = request.POST.get("draw", "").partition("|")
    choices = _choices(request)
    read = begin_drawing(
        study,
        user,
        key=key,
        start=start,
        seal=request.POST.get(f"seal:{key}", ""),
        names=pseudonyms(),
    )
    request.session[_kept_under(study.pk)] = {
        **{name: value for name, (value, _seal) in choices.items()},
        key: OWN,
    }
    place = {"as": "adjudicate", "picture": str(read.image.pk), "frame": str(read.frame)}
    return redirect(f"{reverse('viewer:page', args=[study.pk])}?{urlencode(place)}")


def _kept_under(study_id: UUID) -> str:
    """Where the session keeps what was chosen so far."""
    return f"settling {study_id}"


def _choices(request: HttpRequest) -> dict[str, tuple[str, str]]:
    """What the form says of each picture."""
    start = "choice:"
    return {
        name.removeprefix(start): (value, request.POST.get(f"seal:{name.removeprefix(start)}", ""))
        for name, value in request.POST.items()
        if name.startswith(start) and isinstance(value, str)
    }


def _shown(case: Case, chosen: str, drawn: FrameMarks) -> dict[str, Any]:
    """A case as the template draws it."""
    image = case.read.image
    has_drawn = bool(drawn.marks or drawn.remarks)
    return {
        "key": case.key,
        "seal": case.seal,
        "image": image,
        "frame": case.read.frame,
        "conflict": case.read.conflict,
        "chosen": "" if chosen == OWN and not has_drawn else chosen,
        "drawn": {
            "shapes": shapes_of_marks(drawn),
            "follicles": sum(mark.kind in FOLLICLES for mark in drawn.marks.values()),
        }
        if has_drawn
        else None,
        "alternatives": [
            {
                "key": one.key,
                "is_together": one.key == TOGETHER,
                "shows": one.reading.shows,
                "follicles": len(one.reading.follicles or []),
                "is_counted": one.reading.follicles is not None,
                "shapes": shapes(one.reading),
            }
            for one in case.alternatives
        ],
    }
