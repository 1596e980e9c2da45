"""Everything a data folder offers, read into samples in a fixed order.

Owns which sources are looked for where. A folder is a data set of a known layout, or holds
several; what is left out is named in the report, and a folder without any data set is refused.
"""

import hashlib
import importlib.util
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.learning.layouts import LAYOUTS, Layout, layout_named, layout_of
from deeppcos.learning.pool_folders import (
    Pairs,
    copies_across,
    kept_apart,
    refuse_folders_named_twice,
)
from deeppcos.learning.pool_report import PoolReport, report_of
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.ledger import Ledger, strict
from deeppcos.learning.sources.refusals import read_refusals
from deeppcos.learning.sources.synthetic import draw_synthetic
from deeppcos.learning.splits import joined_groups

SYNTHETIC_SEED = 11
FIRST_FOLDERS = ("mmotu", "ovary_closeups")
"""Read first and in this order, so that a run on the same data is the same run."""

REFUSALS_FOLDER = "refuse"
PHOTOGRAPH_FOLDERS = (("skimage", "data"), ("sklearn", "datasets/images"))
PHOTOGRAPH_ENDINGS = frozenset({".png", ".jpg"})
"""Photographs, pages and micrographs that ordinary packages ship: pictures without ovaries."""


def gather(data: Path | Sequence[Path], *, synthetic: int, layout: str = "") -> list[Sample]:
    """Read every data set below one or several folders, all of it.

    There is no report here, so nothing faulty is passed over: the first fault is refused.

    Args:
        data: Data sets, or folders that hold data sets.
        synthetic: Number of phantom scenes to add.
        layout: Layout of every data set named; found out when empty.

    Returns:
        Samples in a fixed order.

    Raises:
        InvalidInput: If a folder holds no data set, or an entry of one is faulty.
    """
    return _pool(data, strict(), synthetic=synthetic, layout=layout)


def gather_with_report(
    data: Path | Sequence[Path], *, synthetic: int, layout: str = ""
) -> tuple[list[Sample], PoolReport]:
    """Read every data set below one or several folders, and account for what was passed over.

    Args:
        data: Data sets, or folders that hold data sets.
        synthetic: Number of phantom scenes to add.
        layout: Layout of every data set named; found out when empty.

    Returns:
        Samples in a fixed order, and the report.

    Raises:
        InvalidInput: If a folder holds no data set, or a data set is refused.
    """
    ledger = Ledger()
    samples = _pool(data, ledger, synthetic=synthetic, layout=layout)
    return samples, report_of(samples, ledger)


def _pool(
    data: Path | Sequence[Path], ledger: Ledger, *, synthetic: int, layout: str
) -> list[Sample]:
    """Data sets, photographs and phantoms, in this order."""
    samples, pairs = _read_all(data, layout, ledger)
    photographs = [s for place in photograph_folders() for s in _photographs(place, ledger)]
    samples += sorted(photographs, key=lambda sample: sample.name)
    samples += draw_synthetic(count=synthetic, seed=SYNTHETIC_SEED)
    _refuse_same_names(samples)
    return join_copies(samples, ledger, pairs)


def read_sets(data: Path | Sequence[Path], *, layout: str = "") -> tuple[list[Sample], PoolReport]:
    """Read data sets alone, without the photographs and phantoms that training adds.

    Args:
        data: Data sets, or folders that hold data sets.
        layout: Layout of every data set named; found out when empty.

    Returns:
        Samples in a fixed order, and the report.

    Raises:
        InvalidInput: If a folder holds no data set, or a data set is refused.
    """
    ledger = Ledger()
    samples, pairs = _read_all(data, layout, ledger)
    _refuse_same_names(samples)
    samples = join_copies(samples, ledger, pairs)
    return samples, report_of(samples, ledger)


def join_copies(samples: list[Sample], ledger: Ledger, pairs: Pairs = ()) -> list[Sample]:
    """Give copies of one picture one group, whichever data sets they came from.

    Args:
        samples: Samples of all data sets.
        ledger: Where it is said that groups were joined.
        pairs: Numbers of samples known to be made from one picture.

    Returns:
        The samples in their order; groups that share no picture keep their names.
    """
    pictures: dict[str, list[str]] = defaultdict(list)
    for sample in samples:
        content = hashlib.sha256(sample.raw_grey.tobytes()).hexdigest()
        if content not in pictures[sample.group]:
            pictures[sample.group].append(content)
    for first, second in pairs:
        for number in (first, second):
            pictures[samples[number].group].append(f"pair {first} {second}")
    joined = joined_groups(pictures)
    moved = sorted(group for group, together in joined.items() if group != together)
    if moved:
        ledger.remark(
            f"{len(moved)} patient groups hold a picture of another one and were joined to it, "
            f"such as {moved[0]} to {joined[moved[0]]}"
        )
    return [s if joined[s.group] == s.group else replace(s, group=joined[s.group]) for s in samples]


def photograph_folders() -> list[Path]:
    """Folders of the installed packages that ship pictures."""
    found = []
    for package, below in PHOTOGRAPH_FOLDERS:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found.append(Path(spec.origin).parent / below)
    return [place for place in found if place.is_dir()]


def _read_all(
    data: Path | Sequence[Path], layout: str, ledger: Ledger
) -> tuple[list[Sample], Pairs]:
    """One or several folders, and the pairs of their samples made from one picture."""
    folders = [data] if isinstance(data, Path) else data
    refuse_folders_named_twice(folders)
    read = [_read(folder, layout, ledger) for folder in folders]
    pairs = copies_across(read)
    if pairs:
        copied = len({number for pair in pairs for number in pair})
        ledger.remark(
            f"{copied} pictures of one folder are copies of pictures in another; their patient "
            "groups count as one"
        )
    return kept_apart(read, ledger), pairs


def _read(folder: Path, layout: str, ledger: Ledger) -> list[Sample]:
    """One data set, or every data set directly below a folder."""
    if layout:
        return _read_set(folder, layout_named(layout), ledger)
    found = layout_of(folder)
    if found is not None and found.has_outlines:
        return _read_set(folder, found, ledger)
    sets = _sets_below(folder, ledger)
    if found is not None and not sets:
        return _read_set(folder, found, ledger)
    samples = [s for place, one in sets for s in _read_set(place, one, ledger)]
    if not samples:
        raise InvalidInput(
            f"{folder} holds no data set",
            accepted="; ".join(f"{one.name} ({one.holds})" for one in LAYOUTS.values()),
            remedy="name the folder of a data set, or the one above several",
        )
    refusals = folder / REFUSALS_FOLDER
    return samples + (read_refusals(refusals, ledger, kind="neither") if refusals.is_dir() else [])


def _sets_below(folder: Path, ledger: Ledger) -> list[tuple[Path, Layout]]:
    """Data sets with outlines directly below a folder; what is left out is remarked."""
    below = sorted(folder.iterdir()) if folder.is_dir() else []
    places = [p for p in below if p.is_dir() and not p.name.startswith(".")]
    places.sort(key=lambda p: (*(p.name != first for first in FIRST_FOLDERS), p.name))
    found = []
    for place in places:
        one = layout_of(place)
        if one is not None and one.has_outlines:
            found.append((place, one))
        elif one is not None:
            ledger.remark(
                f"{place.name}/ has classes but no outlines: left out; name it to read it"
            )
        elif place.name != REFUSALS_FOLDER:
            ledger.remark(f"{place.name}/ has no known layout: left out")
    return found


def _read_set(folder: Path, layout: Layout, ledger: Ledger) -> list[Sample]:
    """One data set; refused when nothing of it can be read."""
    passed_over = len(ledger.skipped)
    samples = layout.read(folder, ledger)
    if not samples:
        reasons = [item.reason for item in ledger.skipped[passed_over:]]
        raise InvalidInput(
            f"{folder}: nothing of this {layout.name} set can be read",
            value=f"{len(reasons)} passed over, first: {reasons[0]}" if reasons else "no entry",
            accepted=layout.holds,
            remedy="correct it, or leave it out",
        )
    return samples


def _refuse_same_names(samples: list[Sample]) -> None:
    """Refuse two data sets of one name, whose samples could not be told apart."""
    seen: set[str] = set()
    for sample in samples:
        if sample.name in seen:
            raise InvalidInput(
                f"two samples named {sample.name}",
                remedy="rename one of the data sets' folders, or name it once",
            )
        seen.add(sample.name)


def _photographs(folder: Path, ledger: Ledger | None = None) -> list[Sample]:
    """Pictures of one package; its Shepp-Logan phantom is left out, it resembles anatomy."""
    return [
        sample
        for sample in read_refusals(
            folder, ledger or strict(), kind="foreign", endings=PHOTOGRAPH_ENDINGS
        )
        if not sample.name.endswith("/phantom.png")
    ]
