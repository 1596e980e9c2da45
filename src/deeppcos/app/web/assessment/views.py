"""The assessment page: what follows, why, what is unknown, and what would settle it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.report import wording
from deeppcos.app.report.figures import ALERT_SYMBOL, severity_bar, state_symbol, svg
from deeppcos.app.report.view import ReportView, report_view
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.assessment.choosing import choose_profile
from deeppcos.app.web.assessment.comparison import COMPARED, Comparison, compared
from deeppcos.app.web.models import Purpose, Study, User
from deeppcos.app.web.studies.charting import OPEN_FOR_CHARTS
from deeppcos.app.web.studies.current import current_assessment, document_under
from deeppcos.app.web.viewer.reading import reading_for
from deeppcos.clinical.profiles import PROFILES, profile_named
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.assessment_json import document_from_dict


@needs(Right.SEE_STUDIES)
@require_safe
def page(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Show the assessment under the study's profile, or try another."""
    user = account_of(request)
    study = study_for(user, study_id)
    newest = current_assessment(study, user)
    if newest is None:
        return render(request, "assessment/none_yet.html", {"study": study})
    audit.record("assessment.viewed", actor=user, study=study, detail={"assessment": newest.number})
    tried = _tried(request, study)
    reading = reading_for(study, user, Purpose.REVIEW)
    document = (
        document_from_dict(newest.document)
        if tried == study.profile
        else document_under(study, reading, profile=tried)
    )
    return render(
        request,
        "assessment/page.html",
        {
            "study": study,
            "assessment": newest,
            "tried": tried,
            "is_trial": tried != study.profile,
            "profiles": [(key, wording.profile_name(key)) for key in PROFILES],
            "is_open": study.state in OPEN_FOR_CHARTS,
            "comparison": _comparison(study, user),
            "marks": reading.mark_set if reading.version else None,
            **shown(document),
        },
    )


@needs(Right.MARK)
@require_POST
def use_profile(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Assess this study by another profile from now on."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    profile = choose_profile(study, request.POST.get("profile", ""), by=user)
    messages.success(request, _("This study is now assessed by %(name)s.") % {
        "name": wording.profile_name(profile.key)})  # fmt: skip
    return redirect("assessment:page", study.pk)


def shown(document: AssessmentDocument) -> dict[str, Any]:
    """What the template of an assessment needs: the report's own words and figures."""
    view = report_view(document)
    return {
        "view": view,
        "document": document,
        "conclusion": document.conclusion,
        "words": wording,
        "alert": _drawn(svg(ALERT_SYMBOL, decorative=True)),
        "cards": [
            {"card": card, "symbol": _drawn(svg(state_symbol(card.state), decorative=True))}
            for card in view.criteria
        ],
        "axes": [{"row": row, "bar": _drawn(svg(severity_bar(row)))} for row in view.severity],
        "considerations": [(item, wording.standing(item)) for item in document.considerations],
        "measured": [
            (row, list(zip(view.sides, row.cells, strict=True))) for row in view.measurements
        ],
        "facts": wording.provenance_facts(document),
    }


def _drawn(figure: str) -> str:
    """A figure of our own drawing: its texts are escaped where they are written."""
    return mark_safe(figure)


def _tried(request: HttpRequest, study: Study) -> str:
    asked = request.GET.get("profile", "")
    return profile_named(asked).key if asked else study.profile


def _comparison(study: Study, user: User) -> Comparison:
    reading = reading_for(study, user, Purpose.REVIEW)
    views: tuple[ReportView, ...] = tuple(
        report_view(document_under(study, reading, profile=profile)) for profile in COMPARED
    )
    return compared(views)
