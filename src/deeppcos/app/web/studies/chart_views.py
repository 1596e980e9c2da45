"""The chart's form: fill in, and choose where two people changed the same field."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from deeppcos.app.desk.chart_fields import (
    ASSAY_WORDS,
    ASSAYS,
    FIELD_GROUPS,
    LAB_GROUPS,
    ChartField,
    lab_name,
    named_fields,
    unit_label,
    usual_range,
)
from deeppcos.app.desk.chart_form import read_form, typed_form
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.models import Study
from deeppcos.app.web.studies.charting import OPEN_FOR_CHARTS, Saving, save_chart
from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.errors import InvalidInput

NAMES = tuple(name for name, _label in named_fields())


@needs(Right.SEE_STUDIES)
@require_http_methods(["GET", "HEAD", "POST"])
def chart(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Show the chart, or save it."""
    user = account_of(request)
    if request.method != "POST":
        study = study_for(user, study_id)
        audit.record("chart.viewed", actor=user, study=study)
        return form_page(request, study, typed_form(study.chart))
    study = study_for(user, study_id, Right.MARK)
    typed = typed_of(request)
    saving = save_chart(
        study, typed, version=version_of(request), before=before_of(request), by=user
    )
    if saving.merge is not None:
        return _choice(request, saving, typed)
    if not saving.is_saved:
        return form_page(request, study, typed, questions=saving.read.questions, status=422,
                     version=version_of(request), before=before_of(request))  # fmt: skip
    if saving.joined:
        messages.info(
            request,
            _("Somebody else saved this chart meanwhile. Both were joined: %(fields)s.")
            % {"fields": ", ".join(saving.joined)},
        )
    messages.success(request, _("Chart saved."))
    return redirect("studies:chart", study.pk)


@needs(Right.MARK)
@require_POST
def question(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """What is asked back about one field while the form is being filled in, for htmx."""
    study_for(account_of(request), study_id, Right.MARK)
    name = request.headers.get("HX-Trigger-Name", "")
    if name.startswith("labs."):
        name = f"{name.rsplit('.', 1)[0]}.value"
    asked = read_form(typed_of(request)).questions.get(name)
    return render(request, "studies/_question.html", {"question": asked})


def typed_of(request: HttpRequest) -> dict[str, str]:
    """Every field of the form as it was sent."""
    return {name: request.POST.get(name, "") for name in NAMES}


def version_of(request: HttpRequest) -> int:
    """The study's version the form was given out with; -1 where it does not say."""
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() else -1


def before_of(request: HttpRequest) -> dict[str, str]:
    """The form as this person was given it; an unreadable one counts as empty."""
    try:
        content = json.loads(request.POST.get("before", ""))
    except json.JSONDecodeError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: str(content.get(name, "")) for name in NAMES}


def form_page(
    request: HttpRequest,
    study: Study,
    typed: Mapping[str, str],
    *,
    questions: Mapping[str, InvalidInput] | None = None,
    before: Mapping[str, str] | None = None,
    version: int | None = None,
    status: int = 200,
) -> HttpResponse:
    """The chart's form, with what is asked back beside its fields."""
    asked = questions or {}
    return render(
        request,
        "studies/chart.html",
        {
            "study": study,
            "groups": [
                {
                    "title": group.title,
                    "key": group.key,
                    "fields": [_field(field, typed, asked) for field in group.fields],
                }
                for group in FIELD_GROUPS
            ],
            "lab_groups": [
                {
                    "title": group.title,
                    "key": group.key,
                    "labs": [_lab(analyte, typed, asked) for analyte in group.analytes],
                }
                for group in LAB_GROUPS
            ],
            "questions": asked,
            "whole": asked.get(""),
            "version": study.version if version is None else version,
            "before": json.dumps(dict(typed if before is None else before)),
            "is_open": study.state in OPEN_FOR_CHARTS,
        },
        status=status,
    )


def _field(
    field: ChartField, typed: Mapping[str, str], asked: Mapping[str, InvalidInput]
) -> dict[str, Any]:
    return {
        "name": field.path,
        "label": field.label,
        "unit": field.unit,
        "kind": field.kind.value,
        "choices": field.choices,
        "hint": field.hint,
        "range": usual_range(field.path),
        "value": typed.get(field.path, ""),
        "question": asked.get(field.path),
    }


def _lab(
    analyte: Analyte, typed: Mapping[str, str], asked: Mapping[str, InvalidInput]
) -> dict[str, Any]:
    name = lab_name(analyte, "value")
    unit = typed.get(lab_name(analyte, "unit"), "")
    units = list(ANALYTES[analyte].units)
    if unit and unit not in units:
        units.append(unit)
    assay = typed.get(lab_name(analyte, "assay"), "")
    return {
        "label": _capital(analyte.label),
        "prefix": f"labs.{analyte}",
        "value": typed.get(name, ""),
        "unit": unit or units[0],
        "units": [(one, unit_label(one)) for one in units],
        "upper_limit": typed.get(lab_name(analyte, "upper_limit"), ""),
        "assay": assay,
        "assays": [(one, ASSAY_WORDS.get(one, one)) for one in dict.fromkeys((*ASSAYS, assay))],
        "question": asked.get(name),
    }


def _capital(words: str) -> str:
    """Words that begin a line; hCG keeps its small letter."""
    return words if words == "hCG" else words[:1].upper() + words[1:]


def _choice(request: HttpRequest, saving: Saving, typed: Mapping[str, str]) -> HttpResponse:
    """Show what both wrote, for somebody to choose."""
    merge = saving.merge
    assert merge is not None
    in_conflict = {conflict.name for conflict in merge.conflicts}
    return render(
        request,
        "studies/chart_choice.html",
        {
            "study": saving.study,
            "conflicts": merge.conflicts,
            "joined": merge.joined,
            "kept": [(name, text) for name, text in merge.typed.items() if name not in in_conflict],
            "version": saving.study.version,
            "before": json.dumps(typed_form(saving.study.chart)),
        },
        status=409,
    )
