"""Requests to take out what was sent by mistake.

Owns requests and answers; what may go stands in ``removing``, what is withdrawn in
``withdrawing``.
"""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deeppcos.app.web.access import Right, account_of, needs, study_for
from deeppcos.app.web.page import home_of
from deeppcos.app.web.studies.pictures import image_of, withdrawn_image_of
from deeppcos.app.web.studies.removing import remove_file, remove_study, set_aside_refusals
from deeppcos.app.web.studies.withdrawing import restore_picture, withdraw_picture


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


@needs(Right.MARK)
@require_POST
def withdraw(request: HttpRequest, study_id: UUID, image_id: UUID) -> HttpResponse:
    """Take a picture that was read, and does not belong here, out of all that follows."""
    user = account_of(request)
    found = study_for(user, study_id, Right.MARK)
    image = image_of(found, image_id)
    withdraw_picture(image, because=request.POST.get("because", ""), by=user)
    messages.success(
        request, _("%(name)s is withdrawn. It counts nowhere any more.") % {"name": image.name}
    )
    return redirect("studies:study", found.pk)


@needs(Right.MARK)
@require_POST
def restore(request: HttpRequest, study_id: UUID, image_id: UUID) -> HttpResponse:
    """Put a withdrawn picture back."""
    user = account_of(request)
    found = study_for(user, study_id, Right.MARK)
    image = withdrawn_image_of(found, image_id)
    restore_picture(image, by=user)
    messages.success(request, _("%(name)s counts again.") % {"name": image.name})
    return redirect("studies:study", found.pk)


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
