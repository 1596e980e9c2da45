"""Signing: from a draft that somebody looked at to a locked report, all of it or nothing.

Owns what is checked before a signature and what is written by it. How the report looks is the
business of ``deeppcos.app.report``.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from deeppcos.app.desk.study_states import Event, follows
from deeppcos.app.report.html import render_html
from deeppcos.app.report.key_frames import key_frames_of
from deeppcos.app.report.pdf import render_pdf
from deeppcos.app.web import audit
from deeppcos.app.web.connections.asking import note_signature
from deeppcos.app.web.models import Assessment, SignedReport, Study, StudyState, User
from deeppcos.app.web.studies.current import current_assessment
from deeppcos.app.web.studies.storing import no_room
from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.records.assessment_document import AssessmentDocument, Signature
from deeppcos.records.assessment_json import document_from_dict, to_json
from deeppcos.records.on_disk import force_folder_to_disk

HTML, PDF, JSON = "report.html", "report.pdf", "assessment.json"
READ_ONLY = 0o444


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody signs.

    Attributes:
        assessment_number: The assessment that was looked at.
        role: What the signer signs as.
        comment: The signer's own words; may be empty.
        because: Why an earlier report is amended; empty for the first.
    """

    assessment_number: int
    role: str
    comment: str = ""
    because: str = ""


class Changed(InvalidInput):
    """What would be signed is no longer what was looked at."""


def sign_study(study: Study, wanted: Wanted, *, signer: User) -> SignedReport:
    """Sign a study's current assessment and lock its report.

    Args:
        study: The study.
        wanted: What is signed.
        signer: Who signs.

    Returns:
        The report. Its files are on the disk before its row says so.

    Raises:
        Changed: If marks or chart changed since the signer looked.
        InvalidInput: If the study cannot be signed, or an amendment gives no reason.
        TemporaryFailure: If the disk is full; nothing is signed then.
    """
    folder: Path | None = None
    try:
        with transaction.atomic():
            now = Study.objects.select_for_update().select_related("site").get(pk=study.pk)
            after = follows(now.state, Event.SIGN)
            assessment = _looked_at(now, wanted, signer)
            before = now.reports.order_by("-number").first()
            if before is not None and not wanted.because.strip():
                raise InvalidInput(
                    "an amendment needs its reason", remedy="say what changed and why"
                )
            report = _write_report(now, assessment, wanted, signer, before)
            folder = report.folder
            now.state = StudyState(after)
            now.signed_at = report.signed_at
            now.version += 1
            now.save(update_fields=["state", "signed_at", "version", "updated_at"])
            audit.record(
                "report.signed",
                actor=signer,
                study=now,
                detail={
                    "report": report.number,
                    "assessment": assessment.number,
                    "html_sha256": report.html_sha256,
                    "pdf_sha256": report.pdf_sha256,
                    "json_sha256": report.json_sha256,
                },
            )
            note_signature(report)
    except BaseException as problem:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(problem, OSError):
            raise no_room(problem) from problem
        raise
    return report


def begin_amendment(study: Study, *, by: User) -> None:
    """Open a signed study again; the signed report stays as it is.

    Raises:
        InvalidInput: If the study is not signed.
    """
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        now.state = StudyState(follows(now.state, Event.AMEND))
        now.version += 1
        now.save(update_fields=["state", "version", "updated_at"])
        audit.record("report.amendment_begun", actor=by, study=now)


def locked_file(report: SignedReport, name: str) -> bytes:
    """One file of a signed report, exactly as it was signed.

    Args:
        report: The report.
        name: ``report.html``, ``report.pdf`` or ``assessment.json``.

    Raises:
        ContractBroken: If it is not what was signed.
    """
    expected = {
        HTML: report.html_sha256,
        PDF: report.pdf_sha256,
        JSON: report.json_sha256,
    }[name]
    try:
        content = (report.folder / name).read_bytes()
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != expected:
        raise ContractBroken(
            f"{name} of this report is not what was signed",
            value=str(report),
            remedy="tell your administrator: it must be restored from a backup",
        )
    return content


def draft_pdf(assessment: Assessment) -> bytes:
    """The report of an assessment nobody has signed, as PDF; it says that it is a draft."""
    document = document_from_dict(assessment.document)
    return render_pdf(document, _pictures(assessment.study, document))


def _looked_at(study: Study, wanted: Wanted, signer: User) -> Assessment:
    """The current assessment, if it is the one the signer looked at."""
    assessment = current_assessment(study, signer)
    if assessment is None:
        raise InvalidInput("this study has not been read", remedy="have it read first")
    if assessment.number != wanted.assessment_number:
        raise Changed(
            "marks or chart changed after you opened this page",
            remedy="look at what would be signed now, then sign",
        )
    return assessment


def _write_report(
    study: Study, assessment: Assessment, wanted: Wanted, signer: User, before: SignedReport | None
) -> SignedReport:
    """Write the locked files and the row."""
    signed_at = timezone.now().replace(microsecond=0)
    signature = Signature(name=signer.get_full_name(), role=wanted.role or None, signed=signed_at)
    document = document_from_dict(assessment.document).model_copy(update={"signature": signature})
    last = study.reports.aggregate(last=Max("number"))["last"] or 0
    report = SignedReport(
        study=study,
        number=last + 1,
        assessment=assessment,
        document=document.model_dump(mode="json"),
        signer=signer,
        signer_name=signature.name,
        signer_role=wanted.role,
        signed_at=signed_at,
        comment=wanted.comment,
        amends=before,
        amended_because=wanted.because,
    )
    pictures = _pictures(study, document)
    files = {
        HTML: render_html(document, pictures).encode(),
        PDF: render_pdf(document, pictures),
        JSON: to_json(document).encode(),
    }
    _lock(files, report.folder)
    report.html_sha256, report.pdf_sha256, report.json_sha256 = (
        hashlib.sha256(files[name]).hexdigest() for name in (HTML, PDF, JSON)
    )
    report.save(force_insert=True)
    return report


def _pictures(
    study: Study, document: AssessmentDocument
) -> dict[tuple[str, int], npt.NDArray[np.uint8]]:
    """Pixels of the frames the report shows."""
    images = {image.name: image for image in study.images.all()}
    shown, _ = key_frames_of(document)
    pictures: dict[tuple[str, int], npt.NDArray[np.uint8]] = {}
    for frame in shown:
        image = images.get(frame.source)
        pixels = cv2.imread(str(image.frame_path(frame.frame))) if image else None
        if pixels is not None:
            rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
            pictures[frame.source, frame.frame] = np.asarray(rgb, np.uint8)
    return pictures


def _lock(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files read-only beside their place, then move them there at once.

    A folder already there belongs to a signature that never came to be: no row names it.
    """
    fresh = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, content in files.items():
        with (fresh / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        (fresh / name).chmod(READ_ONLY)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.replace(folder)
    force_folder_to_disk(folder.parent)
