"""What the measurements of a set of pictures mean for an evaluation.

Owns the sentences and their weight. The measurements come from ``image_audit``.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from deeppcos.learning.audit.findings import Finding, Weight, counted, percent
from deeppcos.learning.audit.image_audit import GraphicsShare, ImageAudit
from deeppcos.learning.audit.trivial import FEATURES, SAYS_NOTHING_MEDICAL, SplitAccuracy

MOST_EXAMPLES = 20
MARGIN = 0.10
"""Accuracy above the majority rate, at the lower end of the interval, that counts."""

NEARLY_ALL = 0.90
FEW_SOURCES = 30
GRAPHICS_GAP = 0.25
GRAPHICS_WORDS = {
    "coloured_marks": "coloured calipers or labels",
    "colour_doppler": "colour Doppler or a colour bar",
    "white_marks": "white marks or lettering",
}


def image_findings(audit: ImageAudit) -> tuple[Finding, ...]:
    """Everything worth saying, the gravest first.

    Args:
        audit: What was measured.
    """
    found = [
        *_copies_across_splits(audit),
        *_copies_across_classes(audit),
        *_few_sources(audit),
        *_duplicates(audit),
        *_trivial(audit),
        *_graphics(audit.graphics),
        *_neighbours(audit),
        *_groups_across_splits(audit),
        *_masks(audit),
        *_files(audit),
        *_classes(audit),
    ]
    order = list(Weight)
    return tuple(sorted(found, key=lambda finding: order.index(finding.weight)))


def _crossing(audit: ImageAudit) -> list[tuple[int, ...]]:
    """Groups of copies that lie in more than one split."""
    listed = audit.pictures.pictures
    return [
        group
        for group in audit.copies.sources
        if len({listed[n].split for n in group if listed[n].split}) > 1
    ]


def _copies_across_splits(audit: ImageAudit) -> Iterable[Finding]:
    groups = _crossing(audit)
    if not groups:
        return
    listed = audit.pictures.pictures
    held_out = [n for n in audit.facts if listed[n].split not in (None, "train")]
    crossing = {n for group in groups for n in group}
    hit = [
        n
        for group in groups
        if any(listed[m].split == "train" for m in group)
        for n in group
        if listed[n].split not in (None, "train")
    ]
    pairs = [p for p in audit.copies.near_pairs if {p.first, p.second} <= crossing]
    pairs = [p for p in pairs if listed[p.first].split != listed[p.second].split]
    equal = _equal_pairs_across(audit)
    yield Finding(
        code="copies_across_splits",
        weight=Weight.SPOILS,
        title=f"{len(hit)} of {counted(len(held_out), 'held-out image')} have a copy in training"
        f" ({counted(equal, 'equal file')}, {counted(len(pairs), 'near-duplicate pair')}"
        " across the split)",
        meaning="A model is asked again what it was shown. Accuracy on these images says how well"
        " it remembers.",
        remedy="Use the grouped split, which keeps all copies of one picture together.",
        figures={
            "held_out": len(held_out),
            "held_out_with_copy": len(hit),
            "equal_files": equal,
            "near_pairs": len(pairs),
            "groups": len(groups),
        },
        examples=_shown(audit, groups),
    )


def _equal_pairs_across(audit: ImageAudit) -> int:
    """Held-out files whose pixels are those of a training file."""
    listed = audit.pictures.pictures
    pixels = {fact.pixel_digest for n, fact in audit.facts.items() if listed[n].split == "train"}
    return sum(
        fact.pixel_digest in pixels
        for n, fact in audit.facts.items()
        if listed[n].split not in (None, "train")
    )


def _copies_across_classes(audit: ImageAudit) -> Iterable[Finding]:
    listed = audit.pictures.pictures
    groups = [
        group
        for group in audit.copies.sources
        if len({listed[n].label for n in group if listed[n].label}) > 1
    ]
    if groups:
        images = sum(map(len, groups))
        yield Finding(
            code="copies_across_classes",
            weight=Weight.SPOILS,
            title=f"{counted(len(groups), 'source picture')} in {counted(images, 'file')} carry"
            " more than one class",
            meaning="The same picture cannot be both, unless the class names a part of it. Labels"
            " contradict each other.",
            remedy="Have the labels of these pictures read again, or leave them out.",
            figures={"sources": len(groups), "images": images},
            examples=_shown(audit, groups),
        )


def _few_sources(audit: ImageAudit) -> Iterable[Finding]:
    usable, sources = len(audit.facts), len(audit.copies.sources)
    if usable and sources < usable:
        few = sources < FEW_SOURCES and sources <= usable // 2
        yield Finding(
            code="source_images",
            weight=Weight.SPOILS if few else Weight.NOTE,
            title=f"{counted(usable, 'image')} come from {counted(sources, 'source picture')}",
            meaning="Copies, crops, turns and flips of a picture add no patient. The interval of a"
            " figure is that of the sources, not of the files.",
            remedy="Report the number of sources, and resample by source for intervals.",
            figures={"images": usable, "sources": sources},
        )


def _duplicates(audit: ImageAudit) -> Iterable[Finding]:
    same, pixels = audit.copies.same_files, audit.copies.same_pixels
    near = audit.copies.near_pairs
    for groups, code, words in (
        (same, "equal_files", "equal files"),
        (pixels, "equal_pixels", "files with equal pixels"),
    ):
        if groups:
            extra = sum(len(group) - 1 for group in groups)
            yield Finding(
                code=code,
                weight=Weight.CAUTION,
                title=f"{counted(len(groups), 'group')} of {words}, {extra} more than needed",
                meaning="They weigh more than other pictures in training and in every figure.",
                remedy="Keep one of each.",
                figures={"groups": len(groups), "superfluous": extra},
                examples=_shown(audit, groups),
            )
    if near:
        turned = sum(pair.agreement.is_mirrored for pair in near)
        yield Finding(
            code="near_duplicates",
            weight=Weight.CAUTION,
            title=f"{counted(len(near), 'near-duplicate pair')} confirmed ({turned} mirrored)",
            meaning="Crops, flips, turns or other sizes of one picture.",
            remedy="Keep each group on one side of a split.",
            figures={"pairs": len(near), "mirrored": turned, "compared": audit.copies.compared},
            examples=_shown(audit, [(pair.first, pair.second) for pair in near]),
        )


def _trivial(audit: ImageAudit) -> Iterable[Finding]:
    """Features that see no ovary and yet tell the classes apart, the best first."""
    telling = [result for result in audit.trivial if _tells(result.given)]
    telling.sort(key=lambda result: -_reached(result.given))
    if not telling:
        return
    best = telling[0]
    split = "given" if audit.has_given_split else "random"
    spoils = any(
        r.feature in SAYS_NOTHING_MEDICAL or _reached(r.given) >= NEARLY_ALL for r in telling
    )
    majority = best.given.majority if best.given else None
    yield Finding(
        code="trivial_features",
        weight=Weight.SPOILS if spoils else Weight.CAUTION,
        title=f"{FEATURES[best.feature].capitalize()} alone reaches {percent(_reached(best.given))}"
        f" under the {split} split, where the commonest class gives {percent(majority)}",
        meaning="A network that sees no ovary at all would look this good.",
        remedy="Measure under the grouped split, and report this beside every accuracy.",
        figures={
            f"{r.feature}_{name}": measured.accuracy.value
            for r in telling
            for name, measured in ((split, r.given), ("grouped", r.grouped))
            if measured
        },
        examples=tuple(
            f"{FEATURES[r.feature]}: {percent(_reached(r.given))} under the {split} split"
            + (f", {percent(_reached(r.grouped))} under a grouped one" if r.grouped else "")
            for r in telling
        ),
    )


def _tells(measured: SplitAccuracy | None) -> bool:
    """Whether the lower end of the interval is clearly above always the commonest class."""
    if measured is None or measured.accuracy.value is None:
        return False
    low = measured.accuracy.low
    floor = measured.accuracy.value if low is None else low
    return floor >= measured.majority + MARGIN


def _reached(measured: SplitAccuracy | None) -> float:
    return (measured.accuracy.value or 0.0) if measured else 0.0


def _graphics(shares: Sequence[GraphicsShare]) -> Iterable[Finding]:
    for kind, words in GRAPHICS_WORDS.items():
        of_kind = [s for s in shares if s.kind == kind and s.share.value is not None]
        if len(of_kind) < 2:
            continue
        least = min(of_kind, key=lambda s: s.share.value or 0.0)
        most = max(of_kind, key=lambda s: s.share.value or 0.0)
        gap = (most.share.value or 0.0) - (least.share.value or 0.0)
        if gap < GRAPHICS_GAP or (most.share.low or 0.0) <= (least.share.high or 0.0):
            continue
        yield Finding(
            code=f"graphics_{kind}",
            weight=Weight.CAUTION,
            title=f"{words.capitalize()} in {percent(most.share.value)} of {most.label} and"
            f" {percent(least.share.value)} of {least.label}",
            meaning="What the examiner drew tells the classes apart, at least in part.",
            remedy="Fill burned-in graphics before training, and test on pictures without any.",
            figures={
                "most": most.share.value,
                "least": least.share.value,
                "most_n": most.share.n,
                "least_n": least.share.n,
            },
        )


def _neighbours(audit: ImageAudit) -> Iterable[Finding]:
    seen = audit.neighbours
    if seen is None or seen.more_alike.low is None or seen.more_alike.low <= 0.55:
        return
    crosses = seen.beside_training > 0
    title = (
        f"Neighbouring files are more alike than {percent(seen.more_alike.value)} of chance pairs"
        " of their class"
    )
    if crosses:
        title += (
            f"; {seen.beside_training} of {counted(seen.held_out, 'held-out image')} have a"
            " same-class neighbour in training"
        )
    yield Finding(
        code="neighbouring_files_alike",
        weight=Weight.SPOILS if crosses else Weight.CAUTION,
        title=title,
        meaning="File numbers follow the patients. A split by file puts one patient on both sides.",
        remedy="Use the grouped split, which keeps runs of alike neighbours together; better, ask"
        " the authors for patient numbers.",
        figures={
            "more_alike": seen.more_alike.value,
            "low": seen.more_alike.low,
            "high": seen.more_alike.high,
            "pairs": seen.more_alike.n,
            "runs": len(seen.runs),
            "held_out": seen.held_out,
            "beside_training": seen.beside_training,
        },
    )


def _groups_across_splits(audit: ImageAudit) -> Iterable[Finding]:
    splits: dict[str, set[str]] = {}
    for picture in audit.pictures.pictures:
        if picture.group and picture.split:
            splits.setdefault(picture.group, set()).add(picture.split)
    crossing = sorted(group for group, found in splits.items() if len(found) > 1)
    if crossing:
        yield Finding(
            code="patients_across_splits",
            weight=Weight.SPOILS,
            title=f"{len(crossing)} of {counted(len(splits), 'stated group')} (patients or studies)"
            " lie on both sides of the split",
            meaning="A patient seen in training is easier to recognise than a new one.",
            remedy="Use the grouped split.",
            figures={"crossing": len(crossing), "groups": len(splits)},
            examples=tuple(crossing[:MOST_EXAMPLES]),
        )


def _masks(audit: ImageAudit) -> Iterable[Finding]:
    masks = audit.masks
    if masks is None:
        return
    lonely = audit.pictures.masks
    for code, names, words, meaning in (
        ("masks_missing", audit.names(masks.missing), "without a mask", "Taken for background."),
        ("masks_alone", lonely, "are masks without an image", "Probably a renamed or lost image."),
        (
            "masks_wrong_size",
            audit.names(masks.wrong_size),
            "with a mask of another size",
            "The outline lies in the wrong place.",
        ),
        ("masks_empty", audit.names(masks.empty), "with an empty mask", "Nothing is outlined."),
    ):
        if names:
            yield Finding(
                code=code,
                weight=Weight.SPOILS if code == "masks_wrong_size" else Weight.CAUTION,
                title=f"{counted(len(names), 'file')} {words}",
                meaning=meaning,
                remedy="Complete the pair, or leave it out.",
                figures={"files": len(names)},
                examples=names[:MOST_EXAMPLES],
            )


def _files(audit: ImageAudit) -> Iterable[Finding]:
    refused = [*audit.refused, *(audit.masks.refused if audit.masks else ())]
    odd = [(n, fact.note) for n, fact in audit.facts.items() if fact.note]
    listed = audit.pictures.pictures
    flat = [n for n, fact in audit.facts.items() if not fact.gist.any()]
    for code, examples, words, remedy in (
        (
            "unreadable_files",
            [f"{r.name}: {r.reason}" for r in refused],
            "cannot be read or decoded",
            "Copy them again from their source, or leave them out.",
        ),
        (
            "mislabelled_files",
            [f"{listed[n].name}: {note}" for n, note in odd],
            "not what the name says, or several pages",
            "Rename them, or export one picture a file.",
        ),
        (
            "absent_files",
            list(audit.pictures.absent),
            "named in the table but not there",
            "Fetch them.",
        ),
        ("flat_images", list(audit.names(flat)), "nothing but one tone", "Leave them out."),
    ):
        if examples:
            yield Finding(
                code=code,
                weight=Weight.CAUTION,
                title=f"{counted(len(examples), 'file')}: {words}",
                meaning="They are not part of anything else in this report."
                if code in ("unreadable_files", "absent_files")
                else "Programs treat them differently.",
                remedy=remedy,
                figures={"files": len(examples)},
                examples=tuple(examples[:MOST_EXAMPLES]),
            )


def _classes(audit: ImageAudit) -> Iterable[Finding]:
    """Classes that cannot be evaluated: all their pictures are one or two sources."""
    listed = audit.pictures.pictures
    sources: Counter[str] = Counter()
    for group in audit.copies.sources:
        sources.update({label for n in group if (label := listed[n].label)})
    poor = sorted(label for label, count in sources.items() if count < 5)
    if poor and len(sources) > 1:
        said = ", ".join(f"{label} ({sources[label]})" for label in poor[:5])
        yield Finding(
            code="class_with_few_sources",
            weight=Weight.SPOILS,
            title=f"{counted(len(poor), 'class', 'classes')} with fewer than five source pictures:"
            f" {said}",
            meaning="No split can show that a model knows such a class.",
            remedy="Collect more patients, or leave the class out.",
            figures={"classes": len(poor)},
        )


def _shown(audit: ImageAudit, groups: Iterable[Sequence[int]]) -> tuple[str, ...]:
    """Groups as lines of names."""
    lines = []
    for group in groups:
        names = audit.names(group)
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        lines.append(" = ".join(names[:4]) + more)
        if len(lines) == MOST_EXAMPLES:
            break
    return tuple(lines)
