"""Centralised, alone, federated, poisoned: the table of docs/evidence/federated.md.

    python -m benchmarks.federated --data FOLDER

Rounds are joined by Flower's own arithmetic in one process; what the network does is tested with
real processes. Needs the extras train and federated.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from flwr.server.strategy.aggregate import aggregate, aggregate_median, aggregate_trimmed_avg

from deeppcos.learning.classify.examples import Example, lesion_examples
from deeppcos.learning.classify.folds import grouped
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.coordinator import TRIMMED
from deeppcos.learning.federated.local import (
    SiteData,
    fresh_network,
    one_round,
    scores,
    truth_of,
)
from deeppcos.learning.federated.partitions import as_scanned, skewed_sites
from deeppcos.learning.federated.private import patients_of, spent
from deeppcos.learning.federated.weights import Weights, weights_of
from deeppcos.learning.pool import gather

ROUNDS = 12
DRAWS = 1000
JOINS = {
    "mean": aggregate,
    "median": lambda results: aggregate_median(results),
    "trimmed mean": lambda results: aggregate_trimmed_avg(results, TRIMMED),
}


def flipped(site: SiteData, agreement: Agreement) -> SiteData:
    """The site with every label turned round."""
    other = next(e.label for e in site.learning if e.label != agreement.positive)
    turn = {agreement.positive: other, other: agreement.positive}
    return replace(site, learning=tuple(replace(e, label=turn[e.label]) for e in site.learning))


def federate(
    sites: Sequence[SiteData], agreement: Agreement, join: str = "mean", *, lost: int | None = None
) -> Weights:
    """Rounds over sites; one may be lost from the third round on."""
    weights = weights_of(fresh_network(agreement))
    for number in range(ROUNDS):
        there = [s for n, s in enumerate(sites) if n != lost or number < 2]
        answers = [
            (one_round(weights, s, agreement, seed=1000 + number)[0], len(s.learning))
            for s in there
        ]
        weights = [np.asarray(w, np.float32) for w in JOINS[join](answers)]
    return weights


def pictures_as_patients(site: SiteData) -> SiteData:
    """The site with every picture of a patient of its own: what private training would protect."""
    return replace(site, learning=tuple(replace(e, group=e.name) for e in site.learning))


def budgets(sites: Sequence[SiteData], agreement: Agreement) -> str:
    """What private training of all rounds tells of a patient, by site."""
    return "; ".join(
        f"{site.name} {patients} patients, "
        f"{spent(noise=agreement.noise, patients=patients, steps=agreement.steps * ROUNDS)}"
        for site in sites
        for patients in [patients_of(site.learning)]
    )


def alone(start: Weights, site: SiteData, agreement: Agreement) -> Weights:
    """As many steps at one place as all rounds have."""
    return one_round(start, site, agreement, seed=1)[0]


def area(truth: npt.NDArray[np.bool_], said: npt.NDArray[np.float64]) -> float:
    """Area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, said))


def with_interval(
    truth: npt.NDArray[np.bool_], said: npt.NDArray[np.float64], groups: Sequence[str]
) -> str:
    """Area with the interval of a bootstrap over patient groups."""
    chance = np.random.default_rng(7)
    names, place = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(place == n) for n in range(len(names))]
    drawn = []
    for _ in range(DRAWS):
        rows = np.concatenate([members[n] for n in chance.integers(len(names), size=len(names))])
        if truth[rows].any() and not truth[rows].all():
            drawn.append(area(truth[rows], said[rows]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{area(truth, said):.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Train every arm and write a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--only", default="", help="arms whose name holds these words")
    given = parser.parse_args()
    agreement = Agreement(network="plain_cnn", side_px=48, steps=given.steps)
    every = lesion_examples(gather([given.data], synthetic=0), side_px=agreement.side_px)
    fold = next(grouped(every, folds=4))
    learning = [every[n] for n in fold.learning]
    # Each held-out group is seen by each scanner, so that no arm is measured on its own alone.
    held: list[Example] = [as_scanned(every[n], s) for n in fold.measured for s in range(3)]
    truth, groups = truth_of(held, agreement), [e.group for e in held]
    sites = skewed_sites(learning, agreement)
    for site in sites:
        share = truth_of(site.learning, agreement).mean()
        print(f"{site.name}: {len(site.learning)} pictures, {share:.0%} {agreement.positive}")
    print(f"held out: {len(fold.measured)} pictures of {len(set(groups))} groups\n")
    print("| arm | AUROC (95 %, groups) |\n|---|---|", flush=True)
    whole = replace(sites[0], name="all", learning=tuple(e for s in sites for e in s.learning))
    small_lies = (*sites[:2], flipped(sites[2], agreement))
    large_lies = (flipped(sites[0], agreement), *sites[1:])
    start = weights_of(fresh_network(agreement))
    once = replace(agreement, steps=agreement.steps * ROUNDS)
    arms: dict[str, Callable[[], Weights]] = {
        "centralised": partial(alone, start, whole, once),
        **{f"{s.name} alone": partial(alone, start, s, once) for s in sites},
        "federated, mean": lambda: federate(sites, agreement),
        "federated, site-1 lost after round 2": lambda: federate(sites, agreement, lost=0),
        "site-3 (smallest) poisoned, mean": lambda: federate(small_lies, agreement),
        "site-3 (smallest) poisoned, median": lambda: federate(small_lies, agreement, "median"),
        "site-1 (largest) poisoned, mean": lambda: federate(large_lies, agreement),
        "site-1 (largest) poisoned, median": lambda: federate(large_lies, agreement, "median"),
    }
    single = tuple(pictures_as_patients(site) for site in sites)
    for unit, divided, noise in (
        ("pictures", single, 1.0),
        ("patient groups", sites, 8.0),
    ):
        private = replace(agreement, noise=noise)
        name = f"private by {unit}, noise {noise:g}, mean"
        arms[name] = partial(federate, divided, private)
        if given.only in name:
            print(f"{name}: {budgets(divided, private)}\n", file=sys.stderr)
    for name, train in arms.items():
        if given.only not in name:
            continue
        print(
            f"| {name} | {with_interval(truth, scores(train(), held, agreement), groups)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
