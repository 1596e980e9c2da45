"""Counts with noise: differential privacy through OpenDP (MIT), with a budget that runs out.

Owns how noise is drawn and what it costs. A woman adds or removes one from one cell of every
table, so a table of counts has a sensitivity of one, and the costs of several tables add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from deeppcos.errors import ContractBroken, InvalidInput

Cell = TypeVar("Cell")

TOTAL_BUDGET = 3.0
"""Most epsilon that may ever be spent on the women of one place: e to the 3 is about 20."""
LEAST_EPSILON, MOST_EPSILON = 0.01, TOTAL_BUDGET
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyCounts:
    """Counts as they may be released.

    Attributes:
        counts: Noisy counts by cell, never under zero.
        epsilon: What they cost.
        within: True counts lie within this many women of the noisy ones, 95 of 100 times.
    """

    counts: Mapping[Any, int]
    epsilon: float
    within: int


def require_budget(epsilon: float, *, spent: float, total: float = TOTAL_BUDGET) -> None:
    """Refuse a release the budget does not cover.

    Args:
        epsilon: What the release would cost.
        spent: What earlier releases cost.
        total: All that may be spent.

    Raises:
        InvalidInput: If it is out of range or more than is left.
    """
    if not LEAST_EPSILON <= epsilon <= MOST_EPSILON:
        raise InvalidInput(
            "epsilon is out of range",
            value=f"{epsilon:g}",
            accepted=f"{LEAST_EPSILON:g} to {MOST_EPSILON:g}",
        )
    if spent + epsilon > total + 1e-9:
        raise InvalidInput(
            "the privacy budget of these data is spent",
            value=f"{spent:g} of {total:g} spent, {epsilon:g} asked",
            accepted=f"up to {max(0.0, total - spent):g}",
            remedy="use a release made before; a budget cannot be refilled",
        )


def with_noise(tables: Sequence[Mapping[Cell, int]], *, epsilon: float) -> tuple[NoisyCounts, ...]:
    """Draw noise for several tables; the budget is split evenly between them.

    Args:
        tables: Tables in each of which a woman stands in at most one cell.
        epsilon: Budget of all of them together.

    Returns:
        The noisy tables. Draw once and keep: drawing again and averaging undoes the noise.

    Raises:
        ContractBroken: If OpenDP is not installed, or states a higher cost than was planned.
    """
    try:
        import opendp.prelude as dp
    except ModuleNotFoundError as missing:
        raise ContractBroken(
            "noise needs the research extra",
            value=f"{missing.name} is not installed",
            accepted="opendp",
            remedy="pip install 'deeppcos[research]'",
        ) from missing
    dp.enable_features("contrib")
    each = epsilon / len(tables)
    space = (dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int))
    mechanism: Any = dp.m.make_laplace(*space, scale=1.0 / each)
    cost = float(mechanism.map(1))
    if cost > each * (1 + 1e-9):
        raise ContractBroken("noise costs more than planned", value=f"{cost} instead of {each}")
    within = int(dp.discrete_laplacian_scale_to_accuracy(scale=1.0 / each, alpha=1 - CONFIDENCE))
    found = []
    for table in tables:
        drawn = mechanism([int(count) for count in table.values()])
        counts = {cell: max(0, int(value)) for cell, value in zip(table, drawn, strict=True)}
        found.append(NoisyCounts(counts=counts, epsilon=cost, within=within))
    return tuple(found)
