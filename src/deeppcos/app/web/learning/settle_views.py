"""Pages on which an adjudicator sees blinded readings side by side, and settles.

Owns requests and answers; the rules stand in ``adjudicating``.
"""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.learning.adjudicating import (
    NOT_ASSESSABLE,
    TOGETHER,
    Case,
    cases_of,
    refuse_unfit,
    settle,
    shapes,
    studies_to_settle,
)
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
            messages.success(request, _("The readings are settled."))
            return redirect("learning:waiting")
    cases = cases_of(study, names)
    audit.record("reading.compared", actor=user, study=study)
    context = {
        "study": study,
        "cases": [_shown(case, request.POST.get(f"choice:{case.key}", "")) for case in cases],
        "problem": problem,
        "not_assessable": NOT_ASSESSABLE,
        **links(request, "learning:waiting"),
    }
    return render(request, "learning/settle.html", context, status=422 if problem else 200)


def _choices(request: HttpRequest) -> dict[str, tuple[str, str]]:
    """What the form says of each picture."""
    start = "choice:"
    return {
        name.removeprefix(start): (value, request.POST.get(f"seal:{name.removeprefix(start)}", ""))
        for name, value in request.POST.items()
        if name.startswith(start) and isinstance(value, str)
    }


def _shown(case: Case, chosen: str) -> dict[str, object]:
    """A case as the template draws it."""
    image = case.read.image
    return {
        "key": case.key,
        "seal": case.seal,
        "image": image,
        "frame": case.read.frame,
        "conflict": case.read.conflict,
        "chosen": chosen,
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
