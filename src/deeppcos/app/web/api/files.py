"""Calls about a study's files, pictures and the jobs that read them.

Owns requests and answers; what is done stands in ``studies.arrival``, ``jobs`` and
``viewer.pictures``.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja import File, Query, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from deeppcos.app.web.access import Right, account_of, study_for, visible_studies
from deeppcos.app.web.api.paging import PageAsked, page_of
from deeppcos.app.web.api.problems import EVERYWHERE, SENDING
from deeppcos.app.web.api.shapes import (
    ImageOut,
    ImagePage,
    JobOut,
    WithdrawnImageOut,
    image_out,
    job_out,
    withdrawn_image_out,
)
from deeppcos.app.web.api.words import Count
from deeppcos.app.web.models import Job
from deeppcos.app.web.studies.arrival import deliver, have_read
from deeppcos.app.web.studies.handling import stop_job
from deeppcos.app.web.studies.pictures import image_of, name_side, withdrawn_image_of
from deeppcos.app.web.studies.removing import remove_file
from deeppcos.app.web.studies.views import thumbnail
from deeppcos.app.web.studies.withdrawing import (
    LONGEST_REASON,
    restore_picture,
    withdraw_picture,
    withdrawn_pictures,
)
from deeppcos.app.web.viewer.pictures import exact_frame

router = Router(tags=["files and jobs"])

UPLOAD = "upload-files"
"""Name of the one address that may be sent a study's files."""


def picture_answer(kind: str) -> dict[str, Any]:
    """The OpenAPI text of an answer that is a picture."""
    schema = {"type": "string", "format": "binary"}
    return {
        "responses": {200: {"description": "The picture.", "content": {kind: {"schema": schema}}}}
    }


class RefusedFile(BaseModel):
    """A file that was not kept, and why."""

    name: str
    reason: str


class DeliveryOut(BaseModel):
    """What became of the files. What stands under `kept` or `known` is on the server's disk."""

    kept: list[str]
    known: list[str]
    refused: list[RefusedFile]
    chart_from: str | None


class SideNamed(Schema):
    """Which ovary a file shows; null where nobody knows."""

    side: Literal["left", "right"] | None


class Withdrawal(Schema):
    """Why a picture does not belong to its study."""

    because: str = Field(min_length=1, max_length=LONGEST_REASON)


@router.post(
    "/studies/{study_id}/files",
    response={200: DeliveryOut, **SENDING},
    summary="Send files",
    url_name=UPLOAD,
)
def send_files(
    request: HttpRequest, study_id: UUID, files: Annotated[list[UploadedFile], File()]
) -> object:
    """Add stills, sweeps, volumes, DICOM files, a ZIP of them, or a chart beside them.

    Sending a file again is harmless: its content is known and kept once.
    """
    user = account_of(request)
    study = study_for(user, study_id, Right.ADD_STUDIES)
    delivery = deliver(study, files, sender=user)
    return DeliveryOut(
        kept=delivery.kept,
        known=delivery.known,
        refused=[RefusedFile(name=name, reason=why) for name, why in delivery.refused],
        chart_from=delivery.chart_from or None,
    )


@router.get(
    "/studies/{study_id}/images", response={200: ImagePage, **EVERYWHERE}, summary="List files"
)
def list_images(request: HttpRequest, study_id: UUID, asked: Query[PageAsked]) -> object:
    """The files of a study, those that could not be read too."""
    study = study_for(account_of(request), study_id)
    return page_of(study.images.all(), asked, order=("position", "pk"), show=image_out)


@router.delete(
    "/studies/{study_id}/images/{image_id}",
    response={204: None, **EVERYWHERE},
    summary="Remove a file nobody could read",
)
def delete_image(request: HttpRequest, study_id: UUID, image_id: UUID) -> object:
    """Remove a file that was not or could not be read; one that was read can be withdrawn."""
    user = account_of(request)
    study = study_for(user, study_id, Right.ADD_STUDIES)
    remove_file(image_of(study, image_id), by=user)
    return Status(204, None)


@router.get(
    "/studies/{study_id}/withdrawn-images",
    response={200: list[WithdrawnImageOut], **EVERYWHERE},
    summary="List withdrawn pictures",
)
def list_withdrawn_images(request: HttpRequest, study_id: UUID) -> object:
    """The pictures that were withdrawn, the latest first; no other call answers about them."""
    study = study_for(account_of(request), study_id)
    return [withdrawn_image_out(image) for image in withdrawn_pictures(study)]


@router.post(
    "/studies/{study_id}/images/{image_id}/withdraw",
    response={200: WithdrawnImageOut, **SENDING},
    summary="Withdraw a picture",
)
def withdraw_image(request: HttpRequest, study_id: UUID, image_id: UUID, why: Withdrawal) -> object:
    """Take a picture that was read, and does not belong here, out of all that follows.

    The file is kept. A signed study needs an amendment first.
    """
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    withdraw_picture(image_of(study, image_id), because=why.because, by=user)
    return withdrawn_image_out(withdrawn_image_of(study, image_id))


@router.post(
    "/studies/{study_id}/withdrawn-images/{image_id}/restore",
    response={200: ImageOut, **EVERYWHERE},
    summary="Put a withdrawn picture back",
)
def restore_image(request: HttpRequest, study_id: UUID, image_id: UUID) -> object:
    """Let a withdrawn picture count again."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    restore_picture(withdrawn_image_of(study, image_id), by=user)
    return image_out(image_of(study, image_id))


@router.put(
    "/studies/{study_id}/images/{image_id}/side",
    response={200: ImageOut, **SENDING},
    summary="Name the side",
)
def set_side(request: HttpRequest, study_id: UUID, image_id: UUID, named: SideNamed) -> object:
    """Say which ovary a file shows, where the file itself does not."""
    user = account_of(request)
    image = image_of(study_for(user, study_id, Right.MARK), image_id)
    name_side(image, named.side or "", by=user)
    image.refresh_from_db()
    return image_out(image)


@router.get(
    "/studies/{study_id}/images/{image_id}/frames/{frame}",
    response=EVERYWHERE,
    summary="One frame",
    openapi_extra=picture_answer("image/png"),
)
def get_frame(
    request: HttpRequest, study_id: UUID, image_id: UUID, frame: Count
) -> HttpResponseBase:
    """One frame as PNG, pixel for pixel, numbered from 0."""
    return exact_frame(request, study_id, image_id, frame)


@router.get(
    "/studies/{study_id}/images/{image_id}/thumbnail",
    response=EVERYWHERE,
    summary="Small picture",
    openapi_extra=picture_answer("image/jpeg"),
)
def get_thumbnail(request: HttpRequest, study_id: UUID, image_id: UUID) -> HttpResponseBase:
    """The middle frame of a file, small."""
    return thumbnail(request, study_id, image_id)


@router.post(
    "/studies/{study_id}/readings",
    response={202: JobOut, **EVERYWHERE},
    summary="Have a study read",
)
def have_study_read(request: HttpRequest, study_id: UUID) -> object:
    """Have the files read, or read again; the job that is under way already is answered.

    A study without files is assessed from its chart alone.
    """
    user = account_of(request)
    study = study_for(user, study_id, Right.ADD_STUDIES)
    return Status(202, job_out(have_read(study, asked_by=user)))


@router.get(
    "/studies/{study_id}/jobs",
    response={200: list[JobOut], **EVERYWHERE},
    summary="Jobs of a study",
)
def list_jobs(request: HttpRequest, study_id: UUID) -> object:
    """The twenty newest jobs of a study, newest first."""
    study = study_for(account_of(request), study_id)
    return [job_out(job) for job in study.jobs.all()[:20]]


@router.get("/jobs/{job_id}", response={200: JobOut, **EVERYWHERE}, summary="How far a job is")
def get_job(request: HttpRequest, job_id: UUID) -> object:
    """How far a job is; `state` is done, failed or cancelled at its end."""
    return job_out(_job(request, job_id))


@router.post("/jobs/{job_id}/cancel", response={202: JobOut, **EVERYWHERE}, summary="Cancel a job")
def cancel_job(request: HttpRequest, job_id: UUID) -> object:
    """Ask for a job to stop; what it stored before stays. One that has ended is left as it is."""
    user = account_of(request)
    job = _job(request, job_id)
    study_for(user, job.study_id, Right.ADD_STUDIES)  # type: ignore[arg-type]
    if job.is_open:
        stop_job(job, by=user)
    job.refresh_from_db()
    return Status(202, job_out(job))


def _job(request: HttpRequest, job_id: UUID) -> Job:
    """A job of a study of the token's site, or as if there were none."""
    studies = visible_studies(account_of(request))
    job = Job.objects.select_related("study__site").filter(pk=job_id, study__in=studies).first()
    if job is None:
        raise Http404("no such job")
    return job
