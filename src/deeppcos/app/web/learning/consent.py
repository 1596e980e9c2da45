"""Consent to learning from a woman's studies: recorded on the study page, asked before any export.

Owns the one control and the rule. Never asked counts as not given. Consent was given by a person:
where her record was corrected or a study moved to another woman's record afterwards, it no longer
holds until somebody asks again.
"""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.models import AuditEvent, Study
from deeppcos.errors import InvalidInput

ANSWERS = {"given": True, "refused": False, "unasked": None}
RECORDED = "learning.consent"
MOVED, CORRECTED = "study.patient_merged", "patient.corrected"


@needs(Right.SIGN)
@require_POST
def consent(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Record what the woman said about learning; it holds for all her studies."""
    user = account_of(request)
    study = study_for(user, study_id, Right.SIGN)
    answer = request.POST.get("consent", "")
    if answer not in ANSWERS:
        raise InvalidInput("consent to learning", value=answer, accepted=", ".join(ANSWERS))
    study.patient.may_teach = ANSWERS[answer]
    study.patient.save(update_fields=["may_teach"])
    audit.record(
        RECORDED,
        actor=user,
        site=study.site,
        about=f"patient:{study.patient_id}",
        detail={"after": answer, "study": str(study.pk)},
    )
    messages.success(request, _("Consent to learning is recorded."))
    return redirect("studies:study", study.pk)


def why_not(study: Study) -> str:
    """Why a study must not be learned from; empty where consent holds.

    Args:
        study: The study, with its patient.
    """
    if study.is_example:
        return "the synthetic example"
    if study.patient.may_teach is None:
        return "consent to learning was never asked"
    if study.patient.may_teach is False:
        return "consent to learning was refused or withdrawn"
    patient = f"patient:{study.patient_id}"
    changed = (
        (
            AuditEvent.objects.filter(action=MOVED, about=f"study:{study.pk}")
            | AuditEvent.objects.filter(action=CORRECTED, about=patient)
        )
        .order_by("-number")
        .first()
    )
    if changed is None:
        return ""
    confirmed = AuditEvent.objects.filter(
        action=RECORDED, about=patient, number__gt=changed.number
    ).exists()
    return "" if confirmed else "re-identified since consent was given"
