"""The state of every signal since a window: evidence, alarm, and what changed in words.

Owns joining window, ranks and bets. The same observations in the same order give the same state.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp

from deeppcos.research.monitoring.betting import log_capital, threshold, usual_share
from deeppcos.research.monitoring.ranks import Value, ranks
from deeppcos.research.monitoring.signals import BY_NAME, Kind, Signal
from deeppcos.research.monitoring.window import Window

RECENT = 50
"""Latest women that "now" is told of."""
FEWEST_TOLD = 10
"""Under it no figure of the latest women is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One value of one signal.

    Attributes:
        key: What it belongs to, such as the id of a study; decides ties and nothing else.
        at: When it came into being: this is the order of the test.
        value: The value; unknown values are not observed.
    """

    key: str
    at: datetime
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalState:
    """Where one signal stands.

    Attributes:
        signal: Which.
        women: Women since the window.
        reference: Values in the window.
        log_evidence: Logarithm of the capital after each of them.
        limit: Logarithm of the capital at which it alarms.
        alarmed_at: When it first reached the limit; None while it did not.
        women_until_alarm: How many women that took.
        before: The window in a few words.
        now: The latest women in a few words; empty under ten.
    """

    signal: Signal
    women: int
    reference: int
    log_evidence: tuple[float, ...]
    limit: float
    alarmed_at: datetime | None
    women_until_alarm: int | None
    before: str
    now: str

    @property
    def evidence(self) -> float:
        """Capital now; 1 at the start. Against no change, as odds of a fair bet."""
        return exp(min(self.log_evidence[-1], 700.0)) if self.log_evidence else 1.0

    @property
    def closeness(self) -> float:
        """How near the highest evidence so far came to the limit, from 0 to 1."""
        top = max(self.log_evidence, default=0.0)
        return min(1.0, max(0.0, top / self.limit))


def watch(
    window: Window, observed: Mapping[str, Sequence[Observed]], *, salt: str = ""
) -> tuple[SignalState, ...]:
    """State of every signal of a window.

    Args:
        window: The reference.
        observed: Values since, by signal.
        salt: Makes ties of one window independent of those of another; its id.

    Returns:
        A state a signal, in the order of the window.
    """
    limit = threshold(false_alarm_rate=window.false_alarm_rate, signals=len(window.values))
    return tuple(
        _state(BY_NAME[name], reference, observed.get(name, ()), limit, salt)
        for name, reference in window.values.items()
    )


def _state(
    signal: Signal,
    reference: Sequence[Value],
    observed: Sequence[Observed],
    limit: float,
    salt: str,
) -> SignalState:
    """State of one signal."""
    stream = sorted(observed, key=lambda one: (one.at, one.key))
    ties = [_tie(salt, signal.name, one.key) for one in stream]
    pairs = ((one.value, tie) for one, tie in zip(stream, ties, strict=True))
    found = list(ranks(signal.kind, reference, pairs))
    usual = usual_share(signal.kind, reference)
    logs = tuple(float(v) for v in log_capital(found, usual_share=usual)) if found else ()
    crossed = next((number for number, one in enumerate(logs) if one >= limit), None)
    latest = [one.value for one in stream[-RECENT:]]
    return SignalState(
        signal=signal,
        women=len(stream),
        reference=len(reference),
        log_evidence=logs,
        limit=limit,
        alarmed_at=None if crossed is None else stream[crossed].at,
        women_until_alarm=None if crossed is None else crossed + 1,
        before=told(signal, reference),
        now=told(signal, latest) if len(latest) >= FEWEST_TOLD else "",
    )


def _tie(salt: str, signal: str, key: str) -> float:
    """A number from 0 to 1 that depends on the woman and the signal, never on the value."""
    digest = hashlib.sha256(f"{salt}|{signal}|{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def told(signal: Signal, values: Sequence[Value]) -> str:
    """A few words about some values.

    Words that fewer than ten women share are told together.

    Examples:
        >>> told(BY_NAME["count"], [3.0, 5.0, 10.0])
        'median 5'
        >>> told(BY_NAME["abstained"], [True, False, False, False])
        '25 %'
        >>> told(BY_NAME["route"], ["transvaginal"] * 30 + ["transrectal"] * 2)
        'transvaginal 94 %, others 6 %'
    """
    if signal.kind is Kind.NUMBER:
        middle = round(sorted(float(value) for value in values)[len(values) // 2], 2) + 0.0
        text = f"{middle:.2f}" if abs(middle) < 2 and middle != round(middle) else f"{middle:.0f}"
        return f"median {text}{f' {signal.unit}' if signal.unit else ''}"
    if signal.kind is Kind.SHARE:
        return f"{100 * sum(bool(value) for value in values) / len(values):.0f} %"
    counts = Counter(str(value) for value in values)
    often = [(name, n) for name, n in counts.most_common(3) if n >= FEWEST_TOLD]
    rest = len(values) - sum(n for _, n in often)
    parts = [f"{name.replace('_', ' ')} {100 * n / len(values):.0f} %" for name, n in often]
    if rest:
        parts.append(f"others {100 * rest / len(values):.0f} %")
    return ", ".join(parts)
