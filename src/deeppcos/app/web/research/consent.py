"""Consent to research, as a clinician records it on the study page.

Owns the one control. What was not asked stays unknown, and counts as not given.
"""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.research.taking import forget_exports_of_withdrawn
from deeppcos.errors import InvalidInput

ANSWERS = {"given": True, "refused": False, "unasked": None}


@needs(Right.SIGN)
@require_POST
def consent(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Record what the woman said about research; it holds for all her studies."""
    user = account_of(request)
    study = study_for(user, study_id, Right.SIGN)
    answer = request.POST.get("consent", "")
    if answer not in ANSWERS:
        raise InvalidInput("consent to research", value=answer, accepted=", ".join(ANSWERS))
    before = study.patient.may_research
    study.patient.may_research = ANSWERS[answer]
    study.patient.save(update_fields=["may_research"])
    forget_exports_of_withdrawn()
    audit.record(
        "research.consent",
        actor=user,
        study=study,
        detail={"before": _word(before), "after": answer},
    )
    messages.success(request, _("Consent to research is recorded."))
    return redirect("studies:study", study.pk)


def _word(value: bool | None) -> str:
    return next(word for word, meaning in ANSWERS.items() if meaning is value)
