"""The page of the connections: who is there, what waits, and what somebody can do about it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.connections.checking import Verdict, check
from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.reach import note_reach
from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, sites_with
from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.showing import (
    due_dispatches,
    open_items,
    peer_rows,
    rule_rows,
)
from deeppcos.app.web.models import MessageState, ReceivedMessage, Study, User
from deeppcos.errors import InvalidInput

MOST_MESSAGES = 50


@needs(Right.MANAGE_CONNECTIONS)
@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Every peer and everything that waits."""
    user = account_of(request)
    audit.record("connection.viewed", actor=user)
    return render(request, "connections/page.html", _content(user))


@needs(Right.MANAGE_CONNECTIONS)
@require_POST
def test(request: HttpRequest, peer: str) -> HttpResponse:
    """Try a peer, step by step."""
    user = account_of(request)
    table = places.connections().peer(peer)
    is_writing = request.POST.get("write") == "yes"
    steps = list(check(table, is_writing=is_writing))
    failed = [step for step in steps if step.verdict is Verdict.FAILS]
    note_reach(places.outbox(), peer, words="; ".join(step.words for step in failed))
    audit.record(
        "connection.tested",
        actor=user,
        about=f"peer:{peer}",
        detail={"works": not failed, "written": is_writing},
    )
    found = {"steps": steps, "peer_name": peer, "works": not failed}
    if request.headers.get("HX-Request"):
        return render(request, "connections/_steps.html", found)
    return render(request, "connections/page.html", _content(user) | {"tested": found})


@needs(Right.MANAGE_CONNECTIONS)
@require_POST
def retry(request: HttpRequest, number: int) -> HttpResponse:
    """Have an item tried again now."""
    user = account_of(request)
    box = places.outbox()
    study = _study_of(box, number, user)
    box.retry(number, by=user.get_full_name())
    _recorded("connection.retried", number, study, user)
    messages.success(request, _("It is tried again now."))
    return redirect("connections:page")


@needs(Right.MANAGE_CONNECTIONS)
@require_POST
def give_up(request: HttpRequest, number: int) -> HttpResponse:
    """Stop trying an item."""
    user = account_of(request)
    box = places.outbox()
    study = _study_of(box, number, user)
    box.give_up(number, by=user.get_full_name())
    _recorded("connection.given_up", number, study, user)
    messages.info(request, _("It is not tried any more. It stays in the list."))
    return redirect("connections:page")


@needs(Right.MANAGE_CONNECTIONS)
@require_POST
def read_again(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Have a refused message read again, after the hospital's table was corrected."""
    user = account_of(request)
    sites = sites_with(user, Right.MANAGE_CONNECTIONS)
    with transaction.atomic():
        message = ReceivedMessage.objects.filter(
            pk=message_id, site__in=sites, state=MessageState.REFUSED
        ).first()
        if message is None:
            raise Http404("no such message")
        message.state = MessageState.WAITING
        message.save(update_fields=["state"])
        audit.record(
            "message.read_again", actor=user, site=message.site, about=f"message:{message.pk}"
        )
    messages.success(request, _("The message is read again."))
    return redirect("connections:page")


def _content(user: User) -> dict[str, Any]:
    """What the page shows; a file that is wrong is shown with what is wrong."""
    sites = sites_with(user, Right.MANAGE_CONNECTIONS)
    refused = ReceivedMessage.objects.filter(site__in=sites, state=MessageState.REFUSED)
    content: dict[str, Any] = {
        "path": places.file(),
        "is_connected": places.is_connected(),
        "refused_messages": refused.order_by("-received_at")[:MOST_MESSAGES],
        "waiting_messages": ReceivedMessage.objects.filter(
            site__in=sites, state=MessageState.WAITING
        ).count(),
        "dispatches": due_dispatches(sites),
    }
    if not content["is_connected"]:
        return content
    try:
        told = places.connections()
    except InvalidInput as problem:
        return content | {"problem": problem}
    box = places.outbox(told)
    return content | {
        "peers": peer_rows(told, box),
        "items": open_items(box, user),
        "listeners": told.listeners,
        "rules": rule_rows(told),
        "set_aside": _set_aside(),
    }


def _set_aside() -> list[Any]:
    """Received instances that could not be kept, and why."""
    from deeppcos.records.dicom_network.inbox import Inbox

    if not places.inbox_folder().is_dir():
        return []
    with Inbox(places.inbox_folder()) as inbox:
        return list(inbox.quarantined()[-MOST_MESSAGES:])


def _study_of(box: Outbox, number: int, user: User) -> Study | None:
    """The study of an item, if somebody keeps its site's connections; None of one sent by hand."""
    item = box.item(number)
    study = Study.objects.filter(pk=item.study).first() if len(item.study) == 36 else None
    sites = sites_with(user, Right.MANAGE_CONNECTIONS)
    if study is not None and study.site_id not in sites:
        raise PermissionDenied
    return study


def _recorded(action: str, number: int, study: Study | None, user: User) -> None:
    audit.record(action, actor=user, study=study, about=f"item:{number}", detail={"item": number})
