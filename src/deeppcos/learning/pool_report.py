"""What was read from where, and what was passed over and why: the account beside every pool.

Owns the report's shape and its text. Printing it is the business of the command line, writing it
that of the run.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.ledger import Ledger, Skipped

SHOWN = 20
"""Passed-over items that the text names; the document names all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCount:
    """What one data set gave.

    Attributes:
        source: Data set.
        samples: Samples read.
        groups: Patient groups.
        kinds: Kind to samples.
        with_ovary: Samples with an ovary outline that is not empty.
        with_follicles: Samples in which follicles were looked for by a reader.
        follicles: Marks of all readers.
        skipped: Items passed over.
    """

    source: str
    samples: int
    groups: int
    kinds: dict[str, int]
    with_ovary: int
    with_follicles: int
    follicles: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReport:
    """The account of a pool.

    Attributes:
        sources: One count a data set, in reading order.
        skipped: Everything passed over, with its reason.
        remarks: What else the reader of the report should know.
    """

    sources: tuple[SourceCount, ...]
    skipped: tuple[Skipped, ...]
    remarks: tuple[str, ...]

    def lines(self) -> list[str]:
        """The report for people, one line each."""
        found = [_line(count) for count in self.sources]
        reasons = Counter(_reason_kind(item) for item in self.skipped)
        found += [f"passed over: {n} x {reason}" for reason, n in reasons.most_common()]
        found += [f"  {item.source}/{item.item}: {item.reason}" for item in self.skipped[:SHOWN]]
        if len(self.skipped) > SHOWN:
            found.append(f"  and {len(self.skipped) - SHOWN} more, all in the JSON report")
        return found + [f"note: {remark}" for remark in self.remarks]

    def document(self) -> dict[str, Any]:
        """The report as JSON, schema ``deeppcos.pool-report/1``."""
        return {"schema": "deeppcos.pool-report/1", **asdict(self)}


def report_of(samples: Sequence[Sample], ledger: Ledger) -> PoolReport:
    """The account of what was read.

    Args:
        samples: Everything that was read.
        ledger: What was written down meanwhile.

    Returns:
        The report.
    """
    by_source: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_source[sample.source].append(sample)
    skipped = Counter(item.source for item in ledger.skipped)
    names = [*by_source, *(name for name in skipped if name not in by_source)]
    return PoolReport(
        sources=tuple(_count(name, by_source.get(name, []), skipped[name]) for name in names),
        skipped=tuple(ledger.skipped),
        remarks=tuple(ledger.remarks),
    )


def _count(name: str, samples: list[Sample], skipped: int) -> SourceCount:
    """Count one data set."""
    return SourceCount(
        source=name,
        samples=len(samples),
        groups=len({sample.group for sample in samples}),
        kinds=dict(sorted(Counter(sample.kind for sample in samples).items())),
        with_ovary=sum(s.ovary is not None and bool(s.ovary.any()) for s in samples),
        with_follicles=sum(bool(s.readings) for s in samples),
        follicles=sum(len(marks) for s in samples for marks in s.readings.values()),
        skipped=skipped,
    )


def _line(count: SourceCount) -> str:
    """One data set on one line."""
    kinds = ", ".join(f"{number} {kind}" for kind, number in count.kinds.items()) or "nothing"
    text = f"{count.source}: {count.samples} pictures of {count.groups} groups ({kinds})"
    if count.with_follicles:
        text += f", {count.follicles} follicle marks on {count.with_follicles} pictures"
    return text + (f", {count.skipped} passed over" if count.skipped else "")


def _reason_kind(item: Skipped) -> str:
    """A reason without the name of its file, so that equal ones are counted together."""
    first = item.reason.split(";")[0]
    for name in (item.item, item.item.rsplit("/", 1)[-1]):
        first = first.removeprefix(f"{name}: ")
    return first.rsplit(": ", 1)[-1]
