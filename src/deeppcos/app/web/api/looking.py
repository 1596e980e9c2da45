"""Calls that help whoever draws: an edge around a point, where the network looked, planes.

Owns bodies; the answers are those of the viewer's page.
"""

import json
from typing import Literal
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router
from pydantic import BaseModel, Field

from deeppcos.app.desk.marks.wire import PointAsked
from deeppcos.app.web.access import Right, account_of, study_for
from deeppcos.app.web.api.files import picture_answer
from deeppcos.app.web.api.problems import EVERYWHERE, SENDING
from deeppcos.app.web.api.words import Count
from deeppcos.app.web.viewer import views
from deeppcos.app.web.viewer.pictures import plane
from deeppcos.errors import InvalidInput

router = Router(tags=["marks"])


class OutlineOut(BaseModel):
    """An outline, or why there is none."""

    polygon: list[tuple[float, float]] | None = Field(description="Corners, pixels.")
    contrast: float | None
    reason: str | None


class WhyNot(BaseModel):
    """Why no picture is shown; empty while it is being made (202)."""

    reason: str


_HEAT = picture_answer("image/png")
_HEAT["responses"][200]["content"]["application/json"] = {
    "schema": {"$ref": "#/components/schemas/WhyNot"}
}


@router.post(
    "/studies/{study_id}/outline", response={200: OutlineOut, **SENDING}, summary="Edge at a point"
)
def get_outline(request: HttpRequest, study_id: UUID, point: PointAsked) -> object:
    """The edge around a point, found in the stored pixels. Nothing is stored."""
    study_for(account_of(request), study_id, Right.MARK)
    found = json.loads(views.outline(request, study_id).content)
    if "problem" in found:
        raise InvalidInput(str(found["problem"]))
    return OutlineOut(
        polygon=found.get("polygon"), contrast=found.get("contrast"), reason=found.get("reason")
    )


@router.get(
    "/studies/{study_id}/images/{image_id}/saliency/{frame}",
    response={202: WhyNot, **EVERYWHERE},
    summary="Where the network looked",
    openapi_extra=_HEAT,
)
def get_saliency(
    request: HttpRequest, study_id: UUID, image_id: UUID, frame: Count
) -> HttpResponseBase:
    """A heat map as PNG, or JSON with the reason why there is none; 202 while it is made."""
    return views.saliency(request, study_id, image_id, frame)


@router.get(
    "/studies/{study_id}/images/{image_id}/planes/{name}/{number}",
    response=EVERYWHERE,
    summary="Plane of a volume",
    openapi_extra=picture_answer("image/png"),
)
def get_plane(
    request: HttpRequest,
    study_id: UUID,
    image_id: UUID,
    name: Literal["coronal", "sagittal"],
    number: Count,
) -> HttpResponseBase:
    """A plane of a volume at right angles to its slices, as PNG."""
    return plane(request, study_id, image_id, name, number)
