"""A launch, its answer, and the chart it fills in."""

from collections.abc import Mapping
from importlib.util import find_spec
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.desk.chart_choices import filled_in
from deeppcos.app.desk.chart_form import read_form, typed_form
from deeppcos.app.web import audit
from deeppcos.app.web.access import (
    Right,
    account_of,
    needs,
    sites_with,
    study_for,
    visible_studies,
)
from deeppcos.app.web.models import Site, Study, User
from deeppcos.app.web.smart import servers
from deeppcos.app.web.smart.reading import given_by, read_record
from deeppcos.app.web.smart.remembering import (
    Reading,
    remember_launch,
    remember_reading,
    remembered_reading,
    take_launch,
)
from deeppcos.app.web.studies.chart_import_views import choice_page
from deeppcos.app.web.studies.chart_views import form_page
from deeppcos.app.web.studies.charting import OPEN_FOR_CHARTS
from deeppcos.app.web.studies.forms import NewStudyForm
from deeppcos.app.web.studies.handling import begin_study
from deeppcos.errors import InvalidInput
from deeppcos.records.fhir.smart import begin_launch, finish_launch

MOST_NOTES = 5


@needs(Right.MARK)
@never_cache
@require_safe
def launch(request: HttpRequest) -> HttpResponse:
    """The record system opens this program for the patient on its screen."""
    server = servers.known_server(request.GET.get("iss", ""))
    token = request.GET.get("launch", "")
    if not token:
        raise InvalidInput("the record system gave no launch", accepted="iss and launch")
    return _lead_there(request, server, launch=token)


@needs(Right.MARK)
@never_cache
@require_safe
def ask(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Ask the record system from here, for the patient of a study."""
    study = study_for(account_of(request), study_id, Right.MARK)
    if not servers.is_offered():
        raise Http404("no record system")
    server = servers.known_server(request.GET.get("server", ""))
    return _lead_there(request, server, study=str(study.pk))


@needs(Right.MARK)
@never_cache
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """The answer: the patient's record is read, and the token forgotten."""
    remembered, study = take_launch(request, request.GET.get("state", ""))
    server = servers.known_server(remembered.server)
    context = finish_launch(
        {name: str(value) for name, value in request.GET.items()},
        remembered,
        servers.client_of(server),
        servers.configuration_of(server),
    )
    reading = read_record(context)
    remember_reading(request, reading, lasts_s=context.lasts_s)
    audit.record(
        "smart.patient_read",
        actor=account_of(request),
        detail={"server": reading.server, "patient": context.patient},
    )
    return redirect("smart:fill", study) if study else redirect("smart:which")


@needs(Right.MARK)
@never_cache
@require_safe
def which(request: HttpRequest) -> HttpResponse:
    """Which study of hers it is for; the only open one is taken without asking."""
    user = account_of(request)
    reading = remembered_reading(request)
    open_studies = list(_studies_of(user, reading).filter(state__in=OPEN_FOR_CHARTS)[:50])
    if len(open_studies) == 1:
        return redirect("smart:fill", open_studies[0].pk)
    sites = Site.objects.filter(pk__in=sites_with(user, Right.ADD_STUDIES))
    content = {"reading": reading, "studies": open_studies, "sites": sites}
    return render(request, "smart/which.html", content)


@needs(Right.ADD_STUDIES)
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a study of the patient that was read."""
    user = account_of(request)
    reading = remembered_reading(request)
    said: Mapping[str, str] = {
        "identifier": reading.number,
        "name": reading.name,
        "birth_date": reading.birth_date,
        "site": request.POST.get("site", ""),
        "urgency": "0",
    }
    form = NewStudyForm(said, sites=sites_with(user, Right.ADD_STUDIES))
    if not form.is_valid():
        asked = "; ".join(str(words) for found in form.errors.values() for words in found)
        raise InvalidInput(
            _("no study can begin with what the record system says"),
            value=asked,
            remedy=_("begin the study by hand, then ask the record system from its chart"),
        )
    return redirect("smart:fill", begin_study(form, by=user).pk)


@needs(Right.MARK)
@never_cache
@require_safe
def fill(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Fill the chart's form from what was read; nothing is saved until somebody has looked."""
    user = account_of(request)
    study = study_for(user, study_id, Right.MARK)
    reading = remembered_reading(request)
    _refuse_stranger(study, reading)
    given, known = given_by(reading, study_day=study.performed_on)
    standing = typed_form(study.chart)
    filled = filled_in(standing, given, study_day=study.performed_on)
    audit.record("chart.filled_in", actor=user, study=study, detail={"from": reading.server})
    for words in (*known.questions, *known.refused)[:MOST_NOTES]:
        messages.warning(request, words)
    if filled.choices:
        return choice_page(request, study, filled, standing, _("The record system"))
    messages.info(request, _("Filled in from the record system. Look it over, then save."))
    return form_page(
        request,
        study,
        filled.typed,
        questions=read_form(filled.typed).questions,
        before=standing,
    )


def _refuse_stranger(study: Study, reading: Reading) -> None:
    """Refuse another number, and another birth date under the same number."""
    if study.patient.identifier != reading.number:
        raise InvalidInput(
            _("the record system showed another patient than this study's"),
            value=reading.number,
            accepted=study.patient.identifier,
            remedy=_("open her there, then begin again"),
        )
    born = study.patient.birth_date
    is_stated = born is not None and len(reading.birth_date) == len("YYYY-MM-DD")
    if born is not None and is_stated and born.isoformat() != reading.birth_date:
        raise InvalidInput(
            _("the record system has another birth date under this number"),
            value=reading.birth_date,
            accepted=born.isoformat(),
            remedy=_("find out whether this is the same woman before anything is filled in"),
        )


def _lead_there(
    request: HttpRequest, server: str, *, launch: str = "", study: str = ""
) -> HttpResponse:
    """Lead the browser to the record system, and remember that we did."""
    if find_spec("fhir") is None:
        raise InvalidInput(
            "the records extra is not installed",
            remedy='ask an administrator to install it: pip install "deeppcos[records]"',
        )
    url, remembered = begin_launch(
        servers.configuration_of(server),
        servers.client_of(server),
        redirect_uri=request.build_absolute_uri(reverse("smart:back")),
        launch=launch,
    )
    remember_launch(request, remembered, study)
    return redirect(url)


def _studies_of(user: User, reading: Reading) -> QuerySet[Study]:
    """Her studies this person may chart."""
    return (
        visible_studies(user, Right.MARK)
        .filter(patient__identifier=reading.number, is_example=False)
        .select_related("patient", "site")
        .order_by("-arrived_at")
    )
