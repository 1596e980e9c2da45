"""The page on which a candidate is trained: what it would learn from, how far it is, what came.

Owns requests and answers. The set is the business of ``training``, the work that of
``training_job``.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs, rights_of
from deeppcos.app.web.learning.pages import links
from deeppcos.app.web.learning.training import (
    candidates,
    frozen_file,
    missing_package,
    would_learn,
)
from deeppcos.app.web.learning.training_job import (
    FEWEST_STEPS,
    KIND,
    MOST_STEPS,
    CandidateAsked,
    ask_to_train,
    open_training,
    stop_training,
)
from deeppcos.app.web.models import Job
from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.learning.gate.frozen import FrozenTestSet, read_frozen
from deeppcos.learning.site.fitness import LEAST_PATIENTS
from deeppcos.learning.site.start import STEPS


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSetSeen:
    """The frozen test set as the page shows it.

    Attributes:
        document: The test set; None where there is none, or it cannot be read.
        problem: What is wrong with it, or None.
    """

    document: FrozenTestSet | None
    problem: DeepPCOSError | None


@needs(Right.TEACH)
@require_safe
def training(request: HttpRequest) -> HttpResponse:
    """What would be learned from, how far a training is, and what came of others."""
    user = account_of(request)
    audit.record("training.viewed", actor=user)
    test_set = _test_set()
    missing = missing_package()
    learned = would_learn(test_set.document)
    context = {
        "learned": learned,
        "kinds": [(_kind(kind), count) for kind, count in learned.kinds.items()],
        "is_one_kind": len(learned.kinds) == 1,
        "is_too_few": learned.marked_patients < LEAST_PATIENTS,
        "least": LEAST_PATIENTS,
        "test_set": test_set,
        "frozen_file": frozen_file(),
        "missing": missing,
        "steps": STEPS,
        "fewest": FEWEST_STEPS,
        "most": MOST_STEPS,
        "candidates": candidates(),
        "may_see_releases": Right.MANAGE_RELEASES in rights_of(user),
        **_progress(),
        **links(request, "learning:training"),
    }
    return render(request, "learning/training.html", context)


@needs(Right.TEACH)
@require_safe
def training_progress(request: HttpRequest) -> HttpResponse:
    """How far the training is, for htmx; the whole page once it has ended."""
    context = _progress()
    response = render(request, "learning/_training.html", context)
    job = context["job"]
    if job is None or not job.is_open:
        response["HX-Refresh"] = "true"
    return response


@needs(Right.TEACH)
@require_POST
def train(request: HttpRequest) -> HttpResponse:
    """Begin a candidate, or go on with one."""
    steps = request.POST.get("steps", str(STEPS))
    if not steps.isascii() or not steps.isdecimal():
        raise InvalidInput(
            "steps of a training", value=steps[:20], accepted=f"{FEWEST_STEPS} to {MOST_STEPS}"
        )
    asked = CandidateAsked(
        name=request.POST.get("name", "").strip(),
        steps=int(steps),
        pictures_are_clean=request.POST.get("pictures_are_clean") == "yes",
        others_are_drawn=request.POST.get("others_are_drawn") == "yes",
    )
    ask_to_train(asked, by=account_of(request))
    messages.success(request, _("The training of %(name)s is asked for.") % {"name": asked.name})
    return redirect("learning:training")


@needs(Right.TEACH)
@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """Have the training stop at its next checkpoint."""
    job = open_training()
    if job is None:
        raise InvalidInput("nothing is being trained", remedy="look at the page again")
    stop_training(job, by=account_of(request))
    messages.success(request, _("The training stops at its next checkpoint."))
    return redirect("learning:training")


def _test_set() -> TestSetSeen:
    """The test set, or what is wrong with it."""
    if not frozen_file().is_file():
        return TestSetSeen(document=None, problem=None)
    try:
        return TestSetSeen(document=read_frozen(frozen_file()), problem=None)
    except DeepPCOSError as problem:
        return TestSetSeen(document=None, problem=problem)


def _progress() -> dict[str, Any]:
    """The newest training and how far it is, in words."""
    job = Job.objects.filter(kind=KIND).select_related("asked_by").first()
    if job is None:
        return {"job": None, "doing": "", "candidate_name": ""}
    return {
        "job": job,
        "doing": _words(job),
        "candidate_name": str(job.arguments.get("name", "")),
    }


def _words(job: Job) -> str:
    """What is being done, in words."""
    phase, _bar, rest = job.message.partition("|")
    if phase == "training" and rest:
        done, total, best = rest.split("|")
        said = _("Step %(done)s of at most %(total)s") % {"done": done, "total": total}
        if best == "0":
            return said
        return said + ", " + _("best on the patients kept aside at step %(best)s") % {"best": best}
    return {
        "gathering": _("Gathering the readings"),
        "reading": _("Reading the pictures and drawing scenes"),
        "training": _("Beginning"),
        "measuring": _("Measuring the candidate"),
    }.get(phase, "")


def _kind(kind: str) -> str:
    """What pictures show, in words."""
    return {
        "ovary": _("an ovary"),
        "lesion": _("another structure"),
        "neither": _("neither"),
    }.get(kind, kind)
