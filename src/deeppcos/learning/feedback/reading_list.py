"""Which study to read next: by lot, or by expected gain with a share that is drawn by lot.

By lot is what ships: in simulation on real pictures the order of expected gain taught less
(docs/evidence/feedback.md). Where it is chosen all the same, what was read is no fair sample of
what arrives; the random share is, and how good a release is must be judged by it alone. Owns the
order; where the signals come from is the business of the web application.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput

Floats = npt.NDArray[np.float64]

RANDOM_SHARE = 0.2
"""In the order of expected gain every fifth place is drawn by lot."""
BY_LOT = 1.0
"""Random share of the order that ships."""
BLIND_SHARE = 0.2
"""Every fifth study goes out blind, whatever the order, and only such as were drawn by lot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """One study nobody has read yet. None: not known, and then neither a reason for nor against.

    Attributes:
        study: Its key.
        margin: How far its measurement lies from a threshold, in any unit; 0 on the threshold.
        uncertainty: How unsure the release is; larger is less sure.
        novelty: How unlike what was read before; larger is less alike.
        disagreement: How far readers or networks disagree on it; larger is more.
        stratum: Scanner, population or another group that monitoring looks at; empty unknown.
        is_blind: Whether it was drawn to be read blind; None: the list draws the lot.
    """

    study: str
    margin: float | None = None
    uncertainty: float | None = None
    novelty: float | None = None
    disagreement: float | None = None
    stratum: str = ""
    is_blind: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place in the list.

    Attributes:
        study: Its key.
        gain: Expected gain, 0 to 1: the weighted mean of ``reasons``.
        reasons: Rank of the study by each signal among all unread, 0 to 1; unknown signals are
            left out.
        is_random: Whether it was drawn by lot: only such studies may be used to monitor.
        is_blind: Whether it is to be read without the machine's marks.
    """

    study: str
    gain: float
    reasons: Mapping[str, float]
    is_random: bool
    is_blind: bool


WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "near a threshold": 1.0,
        "uncertain": 1.0,
        "unlike what was read": 1.0,
        "rarely read group": 1.0,
        "disagreement": 1.0,
    }
)


def reading_list(
    unread: Sequence[Unread],
    *,
    read_by_stratum: Mapping[str, int],
    seed: int,
    random_share: float = BY_LOT,
    weights: Mapping[str, float] = WEIGHTS,
) -> tuple[Place, ...]:
    """Order what is unread.

    Args:
        unread: Studies without a finished reading.
        read_by_stratum: How many of each stratum were read already.
        seed: Of the lots; the same seed and studies give the same list.
        random_share: Share of places that are drawn by lot, 0 to 1; by default all.
        weights: Weight of each reason.

    Returns:
        Every study once.

    Raises:
        InvalidInput: If the share is none, or a study is named twice.

    Examples:
        >>> near, far = Unread(study="near", margin=0.5), Unread(study="far", margin=9.0)
        >>> [p.study for p in reading_list([far, near], read_by_stratum={}, seed=1, random_share=0)]
        ['near', 'far']
    """
    if not 0 <= random_share <= 1:
        raise InvalidInput(
            "the random share of a reading list",
            value=str(random_share),
            accepted="0 to 1; 0.2 draws every fifth place by lot",
        )
    if len({one.study for one in unread}) < len(unread):
        raise InvalidInput("a study stands twice in what is unread", remedy="name each once")
    # The order of what comes in must not decide lots or ties.
    listed = sorted(unread, key=lambda one: one.study)
    rng = np.random.default_rng(seed)
    reasons = reasons_of(listed, read_by_stratum=read_by_stratum)
    gains = [_gain(one, weights) for one in reasons]
    blind_of_lots = min(1.0, BLIND_SHARE / random_share) if random_share else 0.0
    left = sorted(range(len(listed)), key=lambda n: (-gains[n], rng.random()))
    places = []
    while left:
        by_lot = bool(rng.random() < random_share)
        number = left.pop(int(rng.integers(len(left))) if by_lot else 0)
        places.append(
            Place(
                study=listed[number].study,
                gain=gains[number],
                reasons=reasons[number],
                is_random=by_lot,
                is_blind=_is_blind(listed[number], by_lot and bool(rng.random() < blind_of_lots)),
            )
        )
    return tuple(places)


def _is_blind(unread: Unread, drawn_here: bool) -> bool:
    return drawn_here if unread.is_blind is None else unread.is_blind


def reasons_of(
    unread: Sequence[Unread], *, read_by_stratum: Mapping[str, int]
) -> list[Mapping[str, float]]:
    """Rank of each study by each signal that is known of it.

    Args:
        unread: The studies.
        read_by_stratum: How many of each stratum were read already.

    Returns:
        Reason to rank, 0 to 1, for each study.
    """
    seen = Counter(read_by_stratum)
    signals = {
        "near a threshold": [None if u.margin is None else -abs(u.margin) for u in unread],
        "uncertain": [u.uncertainty for u in unread],
        "unlike what was read": [u.novelty for u in unread],
        "rarely read group": [-float(seen[u.stratum]) if u.stratum else None for u in unread],
        "disagreement": [u.disagreement for u in unread],
    }
    ranks = {name: _ranks(values) for name, values in signals.items()}
    return [
        {name: rank for name, column in ranks.items() if (rank := column[n]) is not None}
        for n in range(len(unread))
    ]


def _ranks(values: Sequence[float | None]) -> list[float | None]:
    """Share of the other known values that a value is above, ties counting half."""
    known = np.sort(np.array([value for value in values if value is not None], float))
    if len(known) < 2:
        return [None if value is None else 0.5 for value in values]

    def rank(value: float) -> float:
        below = np.searchsorted(known, value, side="left")
        not_above = np.searchsorted(known, value, side="right")
        return float((below + not_above - 1) / 2 / (len(known) - 1))

    return [None if value is None else rank(value) for value in values]


def _gain(reasons: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Weighted mean over what is known; the middle where nothing is."""
    weight = sum(weights[name] for name in reasons)
    if weight == 0:
        return 0.5
    return sum(weights[name] * rank for name, rank in reasons.items()) / weight
