"""Filling the chart's form from a file, and choosing where it has more than one answer.

Owns requests and answers; nothing is stored here. What must be chosen is found by
``desk.chart_choices``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deeppcos.app.desk.chart_choices import FilledIn, Option, filled_in
from deeppcos.app.desk.chart_form import read_form, typed_form
from deeppcos.app.desk.chart_import import chart_in
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.models import Study
from deeppcos.app.web.studies.chart_views import (
    NAMES,
    before_of,
    form_page,
    typed_of,
    version_of,
)
from deeppcos.errors import InvalidInput

CHOSEN = "chosen:"
"""Begins the name of a field that holds a choice."""


@needs(Right.MARK)
@require_POST
def fill_in(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Fill the form from a file; nothing is saved until somebody has looked at it."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    sent = request.FILES.get("file")
    if not isinstance(sent, TemporaryUploadedFile):
        raise InvalidInput("no file was sent", accepted="a chart as JSON or CSV")
    name = sent.name or "the file"
    standing = typed_form(study.chart)
    given = chart_in(Path(sent.temporary_file_path()), name=name)
    filled = filled_in(standing, given, study_day=study.performed_on)
    audit.record("chart.filled_in", actor=user, study=study)
    if filled.choices:
        return choice_page(request, study, filled, standing, name)
    return _look_over(request, study, filled.typed, name)


@needs(Right.MARK)
@require_POST
def chosen(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """The form with what somebody chose; what was left open stays as it was in the chart."""
    study = study_for(account_of(request), study_id, Right.MARK)
    typed = typed_of(request)
    for name, text in request.POST.items():
        if name.startswith(CHOSEN):
            typed.update(_option_of(str(text)))
    return _look_over(
        request,
        study,
        typed,
        request.POST.get("from", ""),
        version=version_of(request),
        before=before_of(request),
    )


def _look_over(
    request: HttpRequest,
    study: Study,
    typed: Mapping[str, str],
    name: str,
    *,
    version: int | None = None,
    before: Mapping[str, str] | None = None,
) -> HttpResponse:
    words = _("Filled in from %(name)s. Look it over, then save.") % {"name": name[:200]}
    messages.info(request, words)
    return form_page(
        request,
        study,
        typed,
        questions=read_form(typed).questions,
        before=typed_form(study.chart) if before is None else before,
        version=version,
    )


def choice_page(
    request: HttpRequest, study: Study, filled: FilledIn, standing: Mapping[str, str], name: str
) -> HttpResponse:
    """The page on which somebody chooses among several answers.

    Args:
        request: The request.
        study: Whose chart it is.
        filled: What fits, and what must be chosen.
        standing: The form as the chart fills it in now.
        name: Where the answers are from, in words.
    """
    return render(
        request,
        "studies/chart_import_choice.html",
        {
            "study": study,
            "file_name": name,
            "choices": [
                {
                    "field": f"{CHOSEN}{choice.name}",
                    "label": choice.label,
                    "rule": choice.rule,
                    "options": [(one, _option_text(one)) for one in choice.options],
                }
                for choice in filled.choices
            ],
            "kept": filled.typed.items(),
            "version": study.version,
            "before": json.dumps(dict(standing)),
        },
        status=409,
    )


def _option_text(option: Option) -> str:
    return json.dumps(dict(option.typed))


def _option_of(text: str) -> dict[str, str]:
    """The fields an option fills in; anything else is left out and stays open to the eye."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: str(value) for name, value in content.items() if name in NAMES}
