"""What was passed over while a data set was read, and remarks on what was read.

Owns the promise that a training file is never left out silently: every reader writes each file
it passes over here, with the reason. A strict ledger refuses instead, for callers who want the
first fault to stop them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deeppcos.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """One file or entry that was passed over.

    Attributes:
        source: Data set, as the report names it.
        item: File or entry, as the user would find it.
        reason: Why.
    """

    source: str
    item: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Filled by the readers while they read.

    Attributes:
        is_strict: Whether the first fault stops the reading.
        skipped: What was passed over, in reading order.
        remarks: What else the user should know, such as a split that was not used.
    """

    is_strict: bool = False
    skipped: list[Skipped] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @contextmanager
    def passing_over(self, source: str, item: str) -> Iterator[None]:
        """Write a refusal of one item down, and go on with the next.

        Args:
            source: Data set.
            item: File or entry.

        Raises:
            InvalidInput: If the ledger is strict and the item was refused.

        Examples:
            >>> ledger = Ledger()
            >>> with ledger.passing_over("coco", "a.png"):
            ...     raise InvalidInput("a.png: not a readable picture")
            >>> ledger.skipped[0].reason
            'a.png: not a readable picture'
        """
        try:
            yield
        except InvalidInput as problem:
            if self.is_strict:
                raise
            self.skipped.append(Skipped(source=source, item=item, reason=str(problem)))

    def skip(self, source: str, item: str, reason: str) -> None:
        """Pass over an item for a reason that is no fault of the file, such as no consent.

        Args:
            source: Data set.
            item: File or entry.
            reason: Why.
        """
        self.skipped.append(Skipped(source=source, item=item, reason=reason))

    def remark(self, text: str) -> None:
        """Note something about a data set as a whole.

        Args:
            text: One sentence that names the data set.
        """
        self.remarks.append(text)


def strict() -> Ledger:
    """A ledger that refuses at the first fault."""
    return Ledger(is_strict=True)
