"""Pages of sign-off: the draft and its signature, amendments, locked reports."""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, rights_of, study_for
from deeppcos.app.web.assessment.views import shown
from deeppcos.app.web.models import Assessment, Role, SignedReport, Study, StudyState, User
from deeppcos.app.web.signoff.signing import (
    HTML,
    JSON,
    PDF,
    Changed,
    Wanted,
    begin_amendment,
    locked_file,
    sign_study,
)
from deeppcos.app.web.studies.current import current_assessment
from deeppcos.records.assessment_json import document_from_dict

KINDS = {HTML: "text/html; charset=utf-8", PDF: "application/pdf", JSON: "application/json"}
OWN_POLICY = re.compile(rb'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


class SignForm(forms.Form):
    """A signature: what it is given as, and that somebody looked."""

    assessment = forms.IntegerField(widget=forms.HiddenInput())
    role = forms.CharField(label=gettext_lazy("Signed as"), max_length=80)
    because = forms.CharField(
        label=gettext_lazy("What changed, and why"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Stands in the new version of the report."),
    )
    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept beside the report."),
    )
    looked = forms.BooleanField(
        label=gettext_lazy("I have looked at the pictures, the marks and the chart."),
        error_messages={"required": gettext_lazy("Say that you have looked before you sign.")},
    )

    def __init__(self, *args: Any, has_pictures: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_pictures:
            self.fields["looked"].label = _("I have looked at the chart; there are no pictures.")


@needs(Right.SEE_STUDIES)
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Show the draft and take its signature; a signed study shows its report."""
    user = account_of(request)
    if request.method == "POST":
        return _signed(request, study_for(user, study_id, Right.SIGN), user)
    study = study_for(user, study_id)
    newest = study.reports.order_by("-number").first()
    if newest is not None and study.state in (StudyState.SIGNED, StudyState.SENT):
        return redirect("signoff:report", study.pk, newest.number)
    assessment = current_assessment(study, user)
    if assessment is None:
        return render(request, "assessment/none_yet.html", {"study": study})
    audit.record("report.draft_viewed", actor=user, study=study)
    return _draft(request, study, user, assessment)


@needs(Right.SIGN)
@require_POST
def amend(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Open a signed study again."""
    user = account_of(request)
    study = study_for(user, study_id, Right.SIGN)
    begin_amendment(study, by=user)
    messages.info(
        request, _("Open for an amendment. The signed report stays as it is until you sign again.")
    )
    return redirect("studies:study", study.pk)


@needs(Right.SEE_STUDIES)
@require_safe
def report(request: HttpRequest, study_id: UUID, number: int) -> HttpResponse:
    """One signed version, with its hashes and the versions beside it."""
    user = account_of(request)
    study = study_for(user, study_id)
    found = _report_of(study, number)
    audit.record("report.viewed", actor=user, study=study, detail={"report": number})
    newest = study.reports.order_by("-number").first()
    return render(
        request,
        "signoff/report.html",
        {
            "study": study,
            "report": found,
            "versions": study.reports.order_by("-number"),
            "is_newest": newest == found,
            "may_amend": Right.SIGN in rights_of(user, study.site_id)
            and study.state in (StudyState.SIGNED, StudyState.SENT)
            and newest == found,
        },
    )


@needs(Right.SEE_STUDIES)
@require_safe
@xframe_options_sameorigin
def document(request: HttpRequest, study_id: UUID, number: int, name: str) -> HttpResponse:
    """One file of a signed report, exactly as it was signed."""
    user = account_of(request)
    study = study_for(user, study_id)
    if name not in KINDS:
        raise Http404("no such file")
    content = locked_file(_report_of(study, number), name)
    if name != HTML:
        detail = {"report": number, "file": name}
        audit.record("report.exported", actor=user, study=study, detail=detail)
    response = HttpResponse(content, content_type=KINDS[name])
    response["Content-Security-Policy"] = _policy_of(content if name == HTML else b"")
    how = "inline" if name == HTML else "attachment"
    response["Content-Disposition"] = f'{how}; filename="{study.accession}-{number}-{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _signed(request: HttpRequest, study: Study, user: User) -> HttpResponse:
    form = SignForm(request.POST, has_pictures=study.images.filter(is_ready=True).exists())
    if not form.is_valid():
        assessment = current_assessment(study, user)
        if assessment is None:
            return redirect("studies:study", study.pk)
        return _draft(request, study, user, assessment, form=form, status=422)
    said = form.cleaned_data
    wanted = Wanted(
        assessment_number=said["assessment"],
        role=said["role"],
        comment=said["comment"],
        because=said["because"],
    )
    try:
        made = sign_study(study, wanted, signer=user)
    except Changed as problem:
        study.refresh_from_db()
        assessment = current_assessment(study, user)
        assert assessment is not None
        return _draft(request, study, user, assessment, problem=problem, status=409)
    messages.success(request, _("Signed. The report is locked."))
    return redirect("signoff:report", study.pk, made.number)


def _draft(
    request: HttpRequest,
    study: Study,
    user: User,
    assessment: Assessment,
    *,
    form: SignForm | None = None,
    problem: Changed | None = None,
    status: int = 200,
) -> HttpResponse:
    """What would be signed, and the form to sign it."""
    before = study.reports.order_by("-number").first()
    has_pictures = bool(assessment.document["frames"])
    role = _usual_role(user, study)
    context: dict[str, Any] = {
        "study": study,
        "assessment": assessment,
        "form": form or SignForm(initial={"role": role}, has_pictures=has_pictures),
        "problem": problem,
        "before": before,
        "marks": assessment.marks,
        "may_sign": Right.SIGN in rights_of(user, study.site_id)
        and study.state in (StudyState.ANALYSED, StudyState.IN_REVIEW),
        **shown(document_from_dict(assessment.document)),
    }
    return render(request, "signoff/sign.html", context, status=status)


def _usual_role(user: User, study: Study) -> str:
    roles = user.grants.filter(site=study.site_id, role=Role.CLINICIAN)
    return str(Role.CLINICIAN.label) if roles.exists() else ""


def _report_of(study: Study, number: int) -> SignedReport:
    found = study.reports.filter(number=number).select_related("signer", "amends").first()
    if found is None:
        raise Http404("no such report")
    return found


def _policy_of(page: bytes) -> str:
    """The policy a report carries in itself, and that nothing but our own pages may frame it."""
    found = OWN_POLICY.search(page[:4000])
    own = found[1].decode() if found else "default-src 'none'"
    return f"{own}; frame-ancestors 'self'; sandbox allow-scripts allow-modals allow-downloads"
