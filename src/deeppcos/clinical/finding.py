"""Present, absent, unknown, not assessable: the values every clinical question is answered in.

Owns the answer and the ways of putting answers together. Knows no medicine.

Unknown is a value. It is never zero, false or normal, and the combinators keep it so: an
``any_of`` is absent only when every part was looked for and absent. ``not_assessable`` means
that the question cannot be answered now, whatever is measured; the logic treats it exactly as
unknown, and the report shows it as itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from deeppcos.clinical.sourcing import Rule


class State(StrEnum):
    """The four answers."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    NOT_ASSESSABLE = "not_assessable"

    @property
    def is_open(self) -> bool:
        """Whether the question has no answer yet."""
        return self in (State.UNKNOWN, State.NOT_ASSESSABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An answer, why it was given, and what it still lacks.

    Attributes:
        state: The answer.
        reasons: Sentences a clinician can check, each with its numbers.
        missing: Chart fields or laboratory tests that were not there, such as ``prolactin``
            or ``cycles.interval_days``.
        provisional_on: For a present finding: what could still withdraw it. A finding that is
            provisional counts as present, but never suffices for ``criteria_met``.
        rules: The thresholds that were applied, with their sources.
        is_contradicted: Whether it is open because two answers contradict each other. A third
            answer does not decide between them.
    """

    state: State
    reasons: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    provisional_on: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    is_contradicted: bool = False

    @property
    def is_provisional(self) -> bool:
        """Whether something unknown could still withdraw this finding."""
        return bool(self.provisional_on)

    @property
    def firm_state(self) -> State:
        """The state with a provisional answer read as unknown."""
        return State.UNKNOWN if self.provisional_on else self.state


def present(
    *reasons: str, rules: Iterable[Rule] = (), provisional_on: Iterable[str] = ()
) -> Finding:
    """A finding that was looked for and found."""
    return Finding(
        state=State.PRESENT,
        reasons=reasons,
        rules=tuple(rules),
        provisional_on=tuple(provisional_on),
    )


def absent(*reasons: str, rules: Iterable[Rule] = ()) -> Finding:
    """A finding that was looked for and not found."""
    return Finding(state=State.ABSENT, reasons=reasons, rules=tuple(rules))


def unknown(*reasons: str, missing: Iterable[str] = (), rules: Iterable[Rule] = ()) -> Finding:
    """A finding that cannot be told from what is known."""
    return Finding(state=State.UNKNOWN, reasons=reasons, missing=tuple(missing), rules=tuple(rules))


def not_assessable(*reasons: str, rules: Iterable[Rule] = ()) -> Finding:
    """A finding that cannot be told now, whatever is measured."""
    return Finding(state=State.NOT_ASSESSABLE, reasons=reasons, rules=tuple(rules))


def hinging_on(finding: Finding, field: str, reason: str) -> Finding:
    """The finding while an unknown field could still make it unreadable.

    Absent becomes unknown, because not everything was looked for. Present stays present and
    becomes provisional, so that it cannot settle a conclusion on its own. Open stays open.
    """
    if finding.state is State.ABSENT:
        return replace(
            finding,
            state=State.UNKNOWN,
            reasons=(*finding.reasons, reason),
            missing=(*finding.missing, field),
        )
    if finding.state is State.PRESENT:
        return replace(
            finding,
            reasons=(*finding.reasons, reason),
            provisional_on=(*finding.provisional_on, field),
        )
    return replace(finding, missing=unique((*finding.missing, field)))


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """The items without repeats, in the order of their first appearance."""
    return tuple(dict.fromkeys(items))


def any_of(*findings: Finding) -> Finding:
    """Present if one is present, absent if all are absent, else open.

    Examples:
        >>> any_of(absent(), unknown(missing=["tsh"])).state.value
        'unknown'
        >>> any_of(absent(), present("seen"), unknown()).state.value
        'present'
    """
    return at_least(1, *findings)


def at_least(count: int, *findings: Finding) -> Finding:
    """Present if ``count`` are present, absent if so many can no longer be reached, else open.

    Reasons and rules of the parts that decided are kept; what is missing is kept only while
    the question is open. A present answer is provisional when it would not stand without its
    provisional parts.

    Args:
        count: How many must be present, at least 1.
        *findings: The parts; at least one.

    Returns:
        The combined finding.
    """
    state = at_least_state(count, [f.state for f in findings])
    if state is State.PRESENT:
        return _joined(state, [f for f in findings if f.state is State.PRESENT], count)
    if state is State.ABSENT:
        return _joined(state, [f for f in findings if f.state is State.ABSENT], count)
    return _joined(state, list(findings), count)


def at_least_state(count: int, states: list[State]) -> State:
    """The three-valued count on bare states; open parts all not assessable stay so."""
    n_present = states.count(State.PRESENT)
    n_absent = states.count(State.ABSENT)
    if n_present >= count:
        return State.PRESENT
    if len(states) - n_absent < count:
        return State.ABSENT
    return State.UNKNOWN if State.UNKNOWN in states else State.NOT_ASSESSABLE


def agreeing(*findings: Finding) -> Finding:
    """Several ways of asking the same question: one answer if they agree, unknown if not.

    An open way is ignored beside an answered one. Two answers that contradict each other make
    the question open again, and it stays open whatever a third says: a further test must not
    reverse what an earlier one settled, not even by way of a contradiction.
    """
    answered = [f for f in findings if not f.state.is_open]
    contradicted = [f for f in findings if f.is_contradicted]
    states = {f.state for f in answered}
    if contradicted or len(states) > 1:
        combined = _joined(State.UNKNOWN, [*contradicted, *answered], 1)
        return replace(
            combined,
            reasons=unique(("The tests contradict each other.", *combined.reasons)),
            is_contradicted=True,
        )
    if states:
        return _joined(states.pop(), answered, 1)
    return _joined(at_least_state(1, [f.state for f in findings]), list(findings), 1)


def _joined(state: State, parts: list[Finding], count: int) -> Finding:
    """One finding from the parts that decided it."""
    firm = sum(f.state is State.PRESENT and not f.is_provisional for f in parts)
    is_provisional = state is State.PRESENT and firm < count
    is_open = state.is_open
    return Finding(
        state=state,
        reasons=unique(r for f in parts for r in f.reasons),
        missing=unique(m for f in parts for m in f.missing) if is_open else (),
        provisional_on=unique(p for f in parts for p in f.provisional_on) if is_provisional else (),
        rules=tuple(dict.fromkeys(r for f in parts for r in f.rules)),
        is_contradicted=is_open and any(f.is_contradicted for f in parts),
    )
