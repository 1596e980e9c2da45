"""The page of releases: what is served, what waits, who agreed, and the way back.

Owns requests, answers and their events in the audit trail. Each event is written in one
transaction with the move: a move that is refused leaves no event, and moves follow one another,
since the trail admits one writer at a time.
"""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.releases import promotion
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, sites_with
from deeppcos.app.web.learning.pages import links
from deeppcos.app.web.learning.releases import (
    is_shipped,
    named,
    refuse_second_hat,
    report_of,
    signed_name,
    view_of,
)
from deeppcos.app.web.monitoring.waiting import reason_of, waiting_alarms
from deeppcos.app.web.served import shelf
from deeppcos.errors import InvalidInput

MOST_WORDS = 1000


@needs(Right.MANAGE_RELEASES)
@require_safe
def releases(request: HttpRequest) -> HttpResponse:
    """Everything on the shelf."""
    user = account_of(request)
    audit.record("release.viewed", actor=user)
    view, alarms = view_of(shelf()), waiting_alarms(sites_with(user, Right.MANAGE_RELEASES))
    context = {
        "view": view,
        "alarms": alarms,
        "reason": reason_of(alarms),
        "is_shipped": is_shipped(view.served),
        **links(request, "learning:releases"),
    }
    return render(request, "learning/releases.html", context)


@needs(Right.MANAGE_RELEASES)
@require_safe
def release(request: HttpRequest, release_name: str) -> HttpResponse:
    """One candidate with its gate report."""
    place, name = shelf(), release_name
    pointer = named(place, name)
    user = account_of(request)
    audit.record("release.report_viewed", actor=user, about=f"release:{name}")
    candidate = next(one for one in view_of(place).candidates if one.pointer == pointer)
    context = {
        "candidate": candidate,
        "report": report_of(place, pointer),
        "has_approved": signed_name(user) in candidate.approved_by,
        "as_whom": signed_name(user),
        **links(request, "learning:releases"),
    }
    return render(request, "learning/release.html", context)


@needs(Right.MANAGE_RELEASES)
@require_POST
def approve(request: HttpRequest, release_name: str) -> HttpResponse:
    """Agree to a gate report, by one's own name."""
    user, place, name = account_of(request), shelf(), release_name
    if request.POST.get("has_read") != "yes":
        raise InvalidInput(
            "an approval without having read the report",
            accepted="the box ticked: I have read the gate report",
            remedy="read it, tick the box, and approve",
        )
    with transaction.atomic():
        pointer = named(place, name)
        audit.record("release.approved", actor=user, about=f"release:{name}")
        refuse_second_hat(place, pointer, user, _others_of_that_name(request))
        count = promotion.approve(
            place, pointer, by=signed_name(user), remark=_words(request, "remark")
        )
    messages.success(request, _("Approved. %(count)d have agreed.") % {"count": count})
    return redirect("learning:release", name)


@needs(Right.MANAGE_RELEASES)
@require_POST
def promote(request: HttpRequest, release_name: str) -> HttpResponse:
    """Serve a candidate from now on."""
    user, place, name = account_of(request), shelf(), release_name
    with transaction.atomic():
        pointer = named(place, name)
        audit.record("release.promoted", actor=user, about=f"release:{name}")
        promotion.promote(place, pointer, by=signed_name(user))
    messages.success(request, _("%(name)s reads new studies from now on.") % {"name": name})
    return redirect("learning:releases")


@needs(Right.MANAGE_RELEASES)
@require_POST
def rollback(request: HttpRequest) -> HttpResponse:
    """Serve again what was served before."""
    user, why = account_of(request), _words(request, "why")
    if not why:
        raise InvalidInput(
            "going back needs a reason", accepted="a sentence", remedy="say what was seen"
        )
    with transaction.atomic():
        audit.record("release.rolled_back", actor=user, detail={"why": why})
        now = promotion.roll_back(shelf(), by=signed_name(user), why=why)
    messages.success(request, _("%(name)s reads new studies again.") % {"name": now.name})
    return redirect("learning:releases")


@needs(Right.MANAGE_RELEASES)
@require_POST
def shadow(request: HttpRequest) -> HttpResponse:
    """Let a candidate read beside the current release, unseen, or stop that."""
    user, name = account_of(request), request.POST.get("name", "")
    with transaction.atomic():
        audit.record(
            "release.shadow_started" if name else "release.shadow_stopped",
            actor=user,
            about=f"release:{name}" if name else "",
        )
        place = shelf()
        place.run_in_shadow(named(place, name) if name else None)
    done = (
        _("%(name)s reads in shadow.") % {"name": name} if name else _("Nothing reads in shadow.")
    )
    messages.success(request, done)
    return redirect("learning:releases")


def _words(request: HttpRequest, field: str) -> str:
    return request.POST.get(field, "").strip()[:MOST_WORDS]


def _others_of_that_name(request: HttpRequest) -> list[str]:
    """The full name, if another account has the same: then it names nobody in particular."""
    from deeppcos.app.web.models import User

    user = account_of(request)
    shared = User.objects.filter(full_name=user.full_name).exclude(pk=user.pk).exists()
    return [user.get_full_name()] if user.full_name and shared else []
