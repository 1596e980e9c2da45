"""Whether the audit trail is whole: every event in its place, unchanged, and none cut off.

Owns reading the chain from the data base. What is wrong with a chain is the business of
``deeppcos.app.desk.audit_chain``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from deeppcos.app.desk.audit_chain import GENESIS, problems_of
from deeppcos.app.web.audit import as_event
from deeppcos.app.web.models import AuditEvent, AuditHead
from deeppcos.errors import InvalidInput

MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """An event somebody noted outside, which must still be what it was.

    Attributes:
        number: Number of the event.
        hash: Its hash, or the first digits of it.
    """

    number: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a verification found.

    Attributes:
        events: Number of the last event that was added.
        head: Its hash; noted outside, it shows later that nothing before it was rewritten.
        problems: What is wrong, the first broken event first; empty when the trail is whole.
    """

    events: int
    head: str
    problems: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(noted: Iterable[Noted] = ()) -> Verified:
    """Read the whole trail and check every link.

    Somebody who may write to the data base can make a new chain that holds together; what was
    noted outside shows it.

    Args:
        noted: Events as they were noted outside.
    """
    head = AuditHead.objects.filter(pk=1).first()
    number, hash_ = (head.number, head.hash) if head else (0, GENESIS)
    # Events that are added meanwhile belong to the next verification.
    rows = AuditEvent.objects.filter(number__lte=number).order_by("number")
    chain = ((as_event(row), row.hash) for row in rows.iterator(chunk_size=2000))
    problems = []
    for problem in problems_of(chain, head_number=number, head_hash=hash_):
        problems.append(problem)
        if len(problems) == MOST_PROBLEMS:
            break
    problems.extend(_missing(noted))
    return Verified(events=number, head=hash_, problems=tuple(problems))


def _missing(noted: Iterable[Noted]) -> Iterable[str]:
    """Noted events that are not there any more as they were."""
    for one in noted:
        stored = AuditEvent.objects.filter(number=one.number).values_list("hash", flat=True).first()
        if stored is None:
            yield f"event {one.number}, which was noted outside, is missing"
        elif not stored.startswith(one.hash):
            yield f"event {one.number} is not the one that was noted outside"


def read_noted(word: str) -> Noted:
    """A note as it is typed: ``NUMBER:HASH``.

    Raises:
        InvalidInput: If it is something else.

    Examples:
        >>> read_noted("12:00ff00ff00ff00ff").number
        12
    """
    number, _, hash_ = word.strip().lower().partition(":")
    is_hash = 16 <= len(hash_) <= 64 and all(digit in "0123456789abcdef" for digit in hash_)
    if not number.isdecimal() or not is_hash:
        raise InvalidInput(
            "this note of an event cannot be read",
            value=word,
            accepted="NUMBER:HASH with at least 16 hexadecimal digits",
            remedy="copy it from what an earlier deeppcos audit-log verify wrote",
        )
    return Noted(number=int(number), hash=hash_)
