"""Taking out what was sent by mistake: a file that shows nothing, a study that holds nothing.

Owns what may be removed, and the event that says so. Nothing that was read, marked or signed is
ever removed here; a picture that was read and does not belong is withdrawn (``withdrawing``).
"""

import shutil
from pathlib import Path

from django.db import transaction

from deeppcos.app.web import audit
from deeppcos.app.web.jobs import OPEN
from deeppcos.app.web.models import Image, Patient, Study, StudyState, User
from deeppcos.errors import InvalidInput


def is_removable(study: Study) -> bool:
    """Whether a study holds nothing that was read: no picture, no assessment, no open job."""
    return not (
        study.assessments.exists()
        or Image.with_withdrawn.filter(study=study, is_ready=True).exists()
        or study.jobs.filter(state__in=OPEN).exists()
    )


def remove_file(image: Image, *, by: User) -> None:
    """Take out a file that could not be read, or was not read yet.

    Raises:
        InvalidInput: If it was read, is being read, or its study is signed.
    """
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=image.study_id)
        if study.state in (StudyState.SIGNED, StudyState.SENT):
            raise InvalidInput("this study is signed", remedy="begin an amendment first")
        if study.jobs.filter(state__in=OPEN).exists():
            raise InvalidInput("this study is being read", remedy="stop the reading first")
        if image.is_ready:
            raise InvalidInput(
                "this file was read, and what was found in it may stand in an assessment",
                accepted="a file that could not be read",
                remedy="withdraw it: it is kept, and counts no more",
            )
        detail = {"image": str(image.pk), "sha256": image.sha256, "bytes": image.size_bytes}
        audit.record("study.file_removed", actor=by, study=study, detail=detail)
        paths = (image.original, image.frame_path(0).parent)
        image.delete()
        transaction.on_commit(lambda: _gone(*paths))


def remove_study(study: Study, *, by: User) -> None:
    """Take out a study that holds nothing, and its patient where she has no other.

    Raises:
        InvalidInput: If something in it was read, assessed or is being read.
    """
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        if not is_removable(now):
            raise InvalidInput(
                "this study holds something that was read",
                accepted="a study without a readable picture and without an assessment",
                remedy="keep it: what was read is part of the record",
            )
        audit.record(
            "study.removed",
            actor=by,
            study=now,
            detail={"accession": now.accession, "files": now.images.count()},
        )
        folder, patient = now.folder, now.patient
        now.delete()
        if not Study.objects.filter(patient=patient).exists():
            Patient.objects.filter(pk=patient.pk).delete()
        transaction.on_commit(lambda: _gone(folder))


def set_aside_refusals(study: Study, *, by: User) -> None:
    """Stop showing which files were not kept; the trail keeps that there were some."""
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        detail = {"refused": len(now.refused_files)}
        audit.record("study.refusals_set_aside", actor=by, study=now, detail=detail)
        now.refused_files = []
        now.save(update_fields=["refused_files", "updated_at"])


def _gone(*paths: Path) -> None:
    """Remove files and folders; what is left behind by a full or broken disk names no row."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
