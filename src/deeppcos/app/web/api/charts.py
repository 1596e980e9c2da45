"""Calls about a study's chart.

Owns requests and answers; what is saved and what is asked back stands in ``studies.charting``.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import BaseModel, Field

from deeppcos.app.desk.chart_form import typed_form
from deeppcos.app.web.access import Right, account_of, study_for
from deeppcos.app.web.api.problems import (
    EVERYWHERE,
    SENDING,
    Problem,
    Refusal,
    refusal_of,
)
from deeppcos.app.web.api.words import Count
from deeppcos.app.web.models import Study
from deeppcos.app.web.studies.charting import save_chart
from deeppcos.errors import InvalidInput
from deeppcos.records.chart_document import ChartDocument

router = Router(tags=["chart"], by_alias=True)


class ChartOut(BaseModel):
    """A chart and the study's version it stands in."""

    version: int
    chart: ChartDocument


class ChartSent(Schema):
    """A whole chart and the version it was made on."""

    version: Count
    chart: ChartDocument


class ChartConflict(Refusal):
    """Somebody else changed the study meanwhile; nothing was stored."""

    version: int = Field(description="Of the study now.")
    chart: ChartDocument = Field(description="As it stands now.")
    differs: list[str] = Field(description="Fields in which both differ.")


@router.get(
    "/studies/{study_id}/chart",
    response={200: ChartOut, **EVERYWHERE},
    summary="The chart",
    exclude_unset=True,
)
def get_chart(request: HttpRequest, study_id: UUID, response: HttpResponse) -> object:
    """The chart, `deeppcos.chart/1`; what is absent is unknown."""
    study = study_for(account_of(request), study_id)
    response["ETag"] = f'"{study.version}"'
    return ChartOut(version=study.version, chart=_chart(study))


@router.put(
    "/studies/{study_id}/chart",
    response={200: ChartOut, 409: ChartConflict, **SENDING},
    summary="Replace the chart",
    exclude_unset=True,
)
def put_chart(
    request: HttpRequest, study_id: UUID, sent: ChartSent, response: HttpResponse
) -> object:
    """Replace the whole chart, if nobody changed the study since `version` (else 409).

    A value that is not plausible is asked back (422) and nothing is stored.
    """
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    _refuse_twice(sent.chart)
    typed = typed_form(sent.chart.model_dump(mode="json", exclude_unset=True))
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        standing = typed_form(now.chart)
        if now.version != sent.version:
            return Status(409, _conflict(now, standing, typed))
        saving = save_chart(now, typed, version=now.version, before=standing, by=user)
    if not saving.is_saved:
        return refusal_of(422, saving.read.questions.values())
    response["ETag"] = f'"{saving.study.version}"'
    return ChartOut(version=saving.study.version, chart=_chart(saving.study))


def _refuse_twice(chart: ChartDocument) -> None:
    """A chart on the desk has one result of a test; another would be lost."""
    tests = [lab.analyte.value for lab in chart.labs or ()]
    twice = sorted({test for test in tests if tests.count(test) > 1})
    if twice:
        raise InvalidInput(
            "a laboratory test is given twice",
            value=", ".join(twice),
            accepted="one result of each test",
            remedy="send the one this study is to be judged by",
        )


def _conflict(now: Study, standing: dict[str, str], sent: dict[str, str]) -> ChartConflict:
    names = sorted({*standing, *sent})
    return ChartConflict(
        problem=Problem(
            what="somebody else changed this study after you read it",
            value=f"version {now.version}",
            accepted="the version that stands now",
            remedy="read the chart again, join both, and send it with the new version",
        ),
        version=now.version,
        chart=_chart(now),
        differs=[name for name in names if standing.get(name, "") != sent.get(name, "")],
    )


def _chart(study: Study) -> Any:
    return ChartDocument.model_validate(study.chart)
