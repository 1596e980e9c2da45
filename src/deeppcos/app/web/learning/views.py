"""Pages of what to read next and of how readers do.

Owns requests and answers.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, sites_with
from deeppcos.app.web.learning.figures import ReaderFigures, reader_figures
from deeppcos.app.web.learning.listing import Listed, listed
from deeppcos.app.web.learning.pages import links
from deeppcos.app.web.learning.pictures import bars
from deeppcos.app.web.learning.pseudonyms import pseudonyms
from deeppcos.learning.feedback.effort import FEWEST_PATIENTS, FEWEST_RESAMPLED
from deeppcos.learning.feedback.reading_list import BY_LOT, RANDOM_SHARE

SHOWN = 40
REASON_FROM = 0.6
"""Rank from which a reason is worth a word: among the upper two fifths of what is unread."""
WORDS = {
    "near a threshold": _("near a threshold"),
    "uncertain": _("the machine is unsure"),
    "unlike what was read": _("unlike what was read"),
    "rarely read group": _("scanner rarely read"),
    "disagreement": _("the release in shadow counts otherwise"),
}


@needs(Right.MARK)
@require_safe
def reading_list_page(request: HttpRequest) -> HttpResponse:
    """What to read next, and why."""
    user = account_of(request)
    audit.record("learning.list_viewed", actor=user)
    by_gain = request.GET.get("by") == "gain"
    share = RANDOM_SHARE if by_gain else BY_LOT
    places = listed(sites_with(user, Right.MARK), on=timezone.localdate(), random_share=share)
    context = {
        "rows": [_row(number, one) for number, one in enumerate(places[:SHOWN], start=1)],
        "more": max(len(places) - SHOWN, 0),
        "by_gain": by_gain,
        "share": round(100 * RANDOM_SHARE),
        "blind": round(100 * settings.BLIND_SHARE),
        **links(request, "learning:reading-list"),
    }
    return render(request, "learning/reading_list.html", context)


def _row(number: int, one: Listed) -> dict[str, Any]:
    """One place; of a study that is to be read blind nothing is told but that."""
    strongest = sorted(one.place.reasons.items(), key=lambda kv: -kv[1])
    reasons = [WORDS[name] for name, rank in strongest if rank >= REASON_FROM]
    return {
        "number": number,
        "study": one.study,
        "is_random": one.place.is_random,
        "is_blind": one.place.is_blind,
        "reasons": [] if one.place.is_random else reasons[:3],
    }


@needs(Right.TEACH)
@require_safe
def readers(request: HttpRequest) -> HttpResponse:
    """How readers agree, change, and what reading costs; by pseudonym, never by name."""
    user = account_of(request)
    sites = sites_with(user, Right.TEACH)
    audit.record("learning.readers_viewed", actor=user)
    figures = reader_figures(sites, pseudonyms())
    context = {
        "figures": figures,
        "blind": round(100 * settings.BLIND_SHARE),
        "fewest": FEWEST_PATIENTS,
        "fewest_resampled": FEWEST_RESAMPLED,
        **_drawn(figures),
        **links(request, "learning:readers"),
    }
    return render(request, "learning/readers.html", context)


def _drawn(figures: ReaderFigures) -> dict[str, Any]:
    """Pictures of the figures, each set on one scale."""
    kinds = (_("Machine's marks first"), _("Blind"))
    return {
        "cost": [
            {"label": label, "cost": cost, "edits": edits, "seconds": seconds}
            for label, cost, edits, seconds in zip(
                kinds,
                (figures.with_machine, figures.blind),
                bars([figures.with_machine.edits, figures.blind.edits]),
                bars([figures.with_machine.seconds, figures.blind.seconds]),
                strict=True,
            )
        ],
        "bias_bars": bars([figures.bias.machine_first, figures.bias.blind], reach=1.0),
        "difference_bar": bars([figures.bias.difference], reach=1.0)[0],
    }
