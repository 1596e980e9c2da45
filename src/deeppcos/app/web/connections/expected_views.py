"""Who is expected: from orders and the worklist, and beginning a study from one."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.connections import peers as as_peers
from deeppcos.app.connections.tables import DicomPeerTable
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, sites_with
from deeppcos.app.web.connections import orders, places
from deeppcos.app.web.models import ExpectedStudy, Site
from deeppcos.errors import InvalidInput

MOST_SHOWN = 200


@needs(Right.ADD_STUDIES)
@never_cache
@require_safe
def expected(request: HttpRequest) -> HttpResponse:
    """Examinations that were announced and not begun."""
    user = account_of(request)
    audit.record("expected.viewed", actor=user)
    waiting = ExpectedStudy.objects.filter(
        site__in=sites_with(user, Right.ADD_STUDIES), study=None, is_cancelled=False
    )
    asked = _worklist_peers() if places.is_connected() else {}
    return render(
        request,
        "connections/expected.html",
        {
            "expected": waiting.select_related("site").order_by("scheduled_at", "accession")[
                :MOST_SHOWN
            ],
            "worklists": list(asked),
            "is_connected": places.is_connected(),
        },
    )


@needs(Right.ADD_STUDIES)
@require_POST
def ask_worklist(request: HttpRequest) -> HttpResponse:
    """Ask every worklist who is scheduled for today."""
    from deeppcos.records.dicom_network.worklist import worklist

    user = account_of(request)
    told, peers = places.connections(), _worklist_peers()
    if not peers:
        raise InvalidInput(
            "no peer answers worklist queries",
            accepted="a peer of kind dicom with worklist = true",
            remedy="say so in connections.toml",
        )
    site = Site.objects.filter(pk__in=sites_with(user, Right.ADD_STUDIES)).order_by("pk").first()
    if site is None:
        raise Http404("no site")
    noted = 0
    for name, peer in peers.items():
        entries = worklist(
            as_peers.dicom(peer),
            day=timezone.localdate(),
            unstated_character_set="\\".join(peer.unstated_character_set),
        )
        noted += orders.take_worklist(entries, site, source=name, issuer=told.issuer)
    audit.record("expected.worklist_asked", actor=user, site=site, detail={"noted": noted})
    words = ngettext("One examination is scheduled.", "%(n)d examinations are scheduled.", noted)
    messages.success(request, words % {"n": noted})
    return redirect("connections:expected")


@needs(Right.ADD_STUDIES)
@require_POST
def begin(request: HttpRequest, expected_id: UUID) -> HttpResponse:
    """Begin the study of an announced examination."""
    user = account_of(request)
    sites = sites_with(user, Right.ADD_STUDIES)
    announced = ExpectedStudy.objects.filter(pk=expected_id, site__in=sites).first()
    if announced is None:
        raise Http404("no such examination")
    study = orders.begin_expected(announced, by=user)
    messages.success(request, _("Patient and number are filled in. Add the pictures."))
    return redirect("studies:study", study.pk)


def _worklist_peers() -> dict[str, DicomPeerTable]:
    """The peers that answer worklist queries."""
    return {
        name: peer
        for name, peer in places.connections().peers.items()
        if isinstance(peer, DicomPeerTable) and peer.worklist
    }
