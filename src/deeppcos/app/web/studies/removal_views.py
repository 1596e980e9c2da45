"""Requests to take out what was sent by mistake; what may go stands in ``removing``."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.page import home_of
from deeppcos.app.web.studies.pictures import image_of
from deeppcos.app.web.studies.removing import remove_file, remove_study, set_aside_refusals


@needs(Right.ADD_STUDIES)
@require_POST
def file(request: HttpRequest, study_id: UUID, image_id: UUID) -> HttpResponse:
    """Take out a file that shows nothing."""
    user = account_of(request)
    study = study_for(user, study_id, Right.ADD_STUDIES)
    image = image_of(study, image_id)
    name = image.name
    remove_file(image, by=user)
    messages.success(request, _("%(name)s was removed.") % {"name": name})
    return redirect("studies:study", study.pk)


@needs(Right.ADD_STUDIES)
@require_POST
def study(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Take out a study that holds nothing."""
    user = account_of(request)
    found = study_for(user, study_id, Right.ADD_STUDIES)
    accession = found.accession
    remove_study(found, by=user)
    messages.success(request, _("Study %(number)s was removed.") % {"number": accession})
    return redirect(home_of(user))


@needs(Right.ADD_STUDIES)
@require_POST
def refusals(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Stop showing which files were not kept."""
    user = account_of(request)
    found = study_for(user, study_id, Right.ADD_STUDIES)
    set_aside_refusals(found, by=user)
    return redirect("studies:study", found.pk)
