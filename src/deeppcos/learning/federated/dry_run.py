"""Everything that can go wrong at a site, tried before it counts in a round.

Owns the checks and their words. The coordinator is only called, never asked to train.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from deeppcos.errors import DeepPCOSError
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.keys import sign
from deeppcos.learning.federated.local import SiteData, truth_of
from deeppcos.learning.federated.private import ASSUMED, patients_of, spent
from deeppcos.learning.federated.site import SiteOptions, reach
from deeppcos.learning.federated.work import (
    Pictures,
    first_weights,
    refuse_unfit_pictures,
    trained,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was tried.

    Attributes:
        what: What.
        problem: Why it does not work; empty where it does.
        said: What was found.
    """

    what: str
    said: str = ""
    problem: str = ""


def dry_run(options: SiteOptions[Agreement], data: Pictures) -> Iterator[Check]:
    """Try a site, step by step.

    Args:
        options: How it would take part.
        data: Its pictures.

    Yields:
        A check a step; later ones are tried although an earlier one fails.
    """
    yield _pictures(options, data)
    yield key_signs(options)
    yield _training(options, data)
    yield coordinator_answers(options)


def _pictures(options: SiteOptions[Agreement], data: Pictures) -> Check:
    try:
        refuse_unfit_pictures(data, options.agreement)
    except DeepPCOSError as problem:
        return Check(what="pictures", problem=str(problem))
    shared = {e.group for e in data.learning} & {e.group for e in data.measured}
    if shared:
        return Check(what="pictures", problem=f"{len(shared)} patients are learned and measured")
    positive = ""
    if isinstance(data, SiteData):
        count = int(truth_of(data.learning, options.agreement).sum())
        positive = f", {count} of them {options.agreement.positive}"
    said = f"{len(data.learning)} to learn from{positive}; {len(data.measured)} to measure on"
    return Check(what="pictures", said=said)


def key_signs(options: SiteOptions[Any]) -> Check:
    """Whether the site can prove who it is."""
    try:
        sign(options.key, "dry run")
    except (OSError, ValueError, DeepPCOSError) as problem:
        return Check(what="key", problem=str(problem))
    return Check(what="key", said=f"{options.key} signs")


def _training(options: SiteOptions[Agreement], data: Pictures) -> Check:
    try:
        agreement = replace(options.agreement, steps=2)
        _, loss = trained(first_weights(agreement), data, agreement, seed=1)
    except (DeepPCOSError, ValueError, RuntimeError) as problem:
        return Check(what="training", problem=str(problem))
    if not options.agreement.noise:
        return Check(what="training", said=f"two steps, loss {loss:.3f}")
    budget = spent(
        noise=options.agreement.noise,
        patients=patients_of(data.learning),
        steps=options.agreement.steps,
    )
    return Check(what="training", said=f"two private steps; a round spends {budget} ({ASSUMED})")


def coordinator_answers(options: SiteOptions[Any]) -> Check:
    """Whether the coordinator answers, and is vouched for."""
    try:
        said = f"{options.address} answers with {reach(options)}"
    except (OSError, ValueError) as problem:
        return Check(what="connection", problem=f"{options.address}: {problem}")
    return Check(what="connection", said=said)
