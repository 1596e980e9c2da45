"""What people do with a study as a whole: begin it, take it, stop its reading.

Owns each change with its event in the audit trail. Files are the business of ``arrival``, the
chart that of ``charting``.
"""

from django.conf import settings
from django.db import transaction

from deeppcos.app.web import audit, jobs
from deeppcos.app.web.models import Job, Study, User
from deeppcos.app.web.studies.forms import NewStudyForm


def begin_study(form: NewStudyForm, *, by: User) -> Study:
    """Store the study a valid form describes."""
    with transaction.atomic():
        begun = form.save(created_by=by, profile=settings.DEFAULT_PROFILE)
        audit.record("study.created", actor=by, study=begun)
    return begun


def assign_study(study: Study, to: User | None, *, by: User) -> None:
    """Give a study to somebody, or back to all when None."""
    with transaction.atomic():
        study.assigned_to = to
        study.save(update_fields=["assigned_to", "updated_at"])
        audit.record("study.taken" if to else "study.given_back", actor=by, study=study)


def stop_job(job: Job, *, by: User) -> None:
    """Ask for a job of a study to stop; what it stored before stays."""
    with transaction.atomic():
        jobs.cancel(job)
        audit.record("job.cancelled", actor=by, study=job.study, detail={"kind": job.kind})
