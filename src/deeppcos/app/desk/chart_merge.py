"""Two people changed one chart: what joins by itself, and what somebody must choose.

Owns the three-way comparison. Nothing is dropped: what only one of them changed is kept, and
what both changed differently is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from deeppcos.app.desk.chart_fields import named_fields

Typed = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One field that two people changed differently.

    Attributes:
        name: Name of the field.
        label: Its words.
        before: What both had before them.
        theirs: What stands there now.
        mine: What the person who saves wrote.
    """

    name: str
    label: str
    before: str
    theirs: str
    mine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A joined chart and what is left to choose.

    Attributes:
        typed: The joined form, with what stands there now where there is a conflict.
        conflicts: What somebody must choose.
        joined: Fields of the person who saves that joined by themselves.
    """

    typed: dict[str, str]
    conflicts: tuple[Conflict, ...]
    joined: tuple[str, ...]


def merged(*, before: Typed, theirs: Typed, mine: Typed) -> Merged:
    """Join two changes of one chart.

    Args:
        before: The form both started from.
        theirs: The form as it was saved meanwhile.
        mine: The form as it is being saved.

    Examples:
        >>> both = merged(
        ...     before={"body.height_cm": "160"},
        ...     theirs={"body.height_cm": "165"},
        ...     mine={"body.height_cm": "160", "body.weight_kg": "70"},
        ... )
        >>> both.typed["body.height_cm"], both.typed["body.weight_kg"], both.conflicts
        ('165', '70', ())
    """
    typed: dict[str, str] = {}
    conflicts = []
    joined = []
    for name, label in named_fields():
        was, there, here = (form.get(name, "") for form in (before, theirs, mine))
        typed[name] = there
        if here in (was, there) or _is_of_no_result(name, before, theirs, mine):
            continue
        if there == was:
            typed[name] = here
            joined.append(label)
        else:
            conflicts.append(Conflict(name=name, label=label, before=was, theirs=there, mine=here))
    return Merged(typed=typed, conflicts=tuple(conflicts), joined=tuple(joined))


def _is_of_no_result(name: str, *forms: Typed) -> bool:
    """Whether a field is the unit, limit or method of a test that has a value in no form.

    A list always sends its first unit; that is no change anybody made.
    """
    room, _, part = name.rpartition(".")
    if not room.startswith("labs.") or part == "value":
        return False
    return not any(form.get(f"{room}.value", "") for form in forms)
