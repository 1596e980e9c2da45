"""One set as several hospitals: whole patients, skewed by scanner and class.

Owns the division for evidence and tests. Real sites have their own pictures.
"""

from collections.abc import Sequence

import numpy as np

from deeppcos.learning.classify.examples import Example
from deeppcos.learning.federated.agreement import Agreement
from deeppcos.learning.federated.local import SiteData

CONTRAST = (1.0, 0.75, 1.3)
BRIGHT = (0.0, 0.12, -0.08)
"""What another scanner's settings do to the grey levels of each site."""
POSITIVE_SHARES = (0.8, 0.5, 0.2)
"""How much of the positive class each site's patients are drawn with, relative to the others."""


def skewed_sites(
    examples: Sequence[Example], agreement: Agreement, *, sites: int = 3, seed: int = 1
) -> tuple[SiteData, ...]:
    """Divide whole patient groups among sites.

    Args:
        examples: All examples to learn from.
        agreement: Says which class is the positive one.
        sites: At most three.
        seed: Of the draw.

    Returns:
        A site each, with a fifth of its groups to measure on.
    """
    chance = np.random.default_rng(seed)
    groups: dict[str, list[Example]] = {}
    for one in examples:
        groups.setdefault(one.group, []).append(one)
    of_site: list[list[str]] = [[] for _ in range(sites)]
    for group in sorted(groups):
        share = np.mean([e.label == agreement.positive for e in groups[group]])
        pull = np.array([s if share > 0.5 else 1 - s for s in POSITIVE_SHARES[:sites]])
        of_site[int(chance.choice(sites, p=pull / pull.sum()))].append(group)
    return tuple(
        _site(number, [groups[name] for name in names], chance)
        for number, names in enumerate(of_site)
    )


def _site(number: int, groups: list[list[Example]], chance: np.random.Generator) -> SiteData:
    """A site with its own scanner settings."""
    is_measured = chance.random(len(groups)) < 0.2
    parts: dict[bool, list[Example]] = {False: [], True: []}
    for held, group in zip(is_measured, groups, strict=True):
        parts[bool(held)] += [as_scanned(one, number) for one in group]
    return SiteData(
        name=f"site-{number + 1}", learning=tuple(parts[False]), measured=tuple(parts[True])
    )


def as_scanned(example: Example, scanner: int) -> Example:
    """The picture as another scanner's gain and contrast would show it."""
    grey = np.clip((example.picture - 0.3) * CONTRAST[scanner] + 0.3 + BRIGHT[scanner], 0, 1)
    return Example(
        name=example.name,
        group=example.group,
        label=example.label,
        side=example.side,
        picture=grey.astype(np.float32),
    )
