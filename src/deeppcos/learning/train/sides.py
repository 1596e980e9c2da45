"""Who learns, who is measured, who stops the training: always whole patient groups.

Owns the one split every figure of a release stands on. Held-out groups never reach training,
not even to choose when to stop: that is what the validation fold of the training groups is for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning.samples import Sample
from deeppcos.learning.splits import crossing_groups, fold_of

SPLIT_SALT = "deeppcos-2"
FOLDS = 5
HELD_OUT_FOLD = 1
NEEDED: dict[str, Callable[[Sample], bool]] = {
    "an outlined ovary": lambda s: s.ovary is not None and bool(s.ovary.any()),
    "follicle marks": lambda s: any(s.readings.values()),
    "an outlined lesion": lambda s: s.lesion is not None and bool(s.lesion.any()),
}
"""What the maps answer; a map without one example would learn to answer "never"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Samples to learn from and samples to measure on, of different patients."""

    training: tuple[Sample, ...]
    held_out: tuple[Sample, ...]


def split_samples(samples: Sequence[Sample]) -> Split:
    """Hold out one fold of groups; synthetic scenes always train.

    Args:
        samples: Every sample.

    Returns:
        The split.

    Raises:
        ContractBroken: If a group stands on both sides.
    """
    training: list[Sample] = []
    held_out: list[Sample] = []
    for sample in samples:
        (held_out if is_held_out(sample) else training).append(sample)
    _refuse_crossing(training, held_out)
    return Split(training=tuple(training), held_out=tuple(held_out))


def is_held_out(sample: Sample) -> bool:
    """One fold of five; half of the few pictures without an ovary, which are too few to fold."""
    if sample.source == "synthetic":
        return False
    if sample.kind in ("neither", "foreign"):
        return fold_of(sample.group, folds=2, salt=SPLIT_SALT) == 1
    return fold_of(sample.group, folds=FOLDS, salt=SPLIT_SALT) == HELD_OUT_FOLD


def _refuse_crossing(one: Sequence[Sample], other: Sequence[Sample]) -> None:
    """No patient on both sides."""
    crossing = crossing_groups((s.group for s in one), (s.group for s in other))
    if crossing:
        raise ContractBroken("a patient group stands on both sides", value=str(sorted(crossing)))


def refuse_unfit(samples: Sequence[Sample]) -> None:
    """Refuse to learn from held-out groups, or a map without a single example.

    Args:
        samples: The training side.

    Raises:
        InvalidInput: If a held-out group is among them, or nothing shows what is to be learned.
    """
    leaked = sorted(s.name for s in samples if is_held_out(s))
    if leaked:
        raise InvalidInput(
            f"{len(leaked)} samples of the held-out fold are among those to learn from",
            value=", ".join(leaked[:3]),
            accepted="the training side of split_samples",
            remedy="figures of a release are taken on those groups; learning from them voids them",
        )
    missing = [what for what, shows in NEEDED.items() if not any(map(shows, samples))]
    if missing:
        raise InvalidInput(
            f"no picture with {' and none with '.join(missing)}",
            value=f"{len(samples)} samples",
            accepted="at least one example of everything that is to be learned",
            remedy="add a data set that has it, or phantom scenes (synthetic above 0)",
        )


def validation_side(samples: Sequence[Sample], *, fold: int) -> Split:
    """Keep one fold of the training groups for early stopping.

    Args:
        samples: The training side.
        fold: The fold; never the held-out one.

    Returns:
        Learning samples as ``training``, validation samples as ``held_out``.

    Raises:
        InvalidInput: If the fold holds no real sample, or nothing else does.
    """
    kept: list[Sample] = []
    learning: list[Sample] = []
    for sample in samples:
        is_kept = (
            sample.source != "synthetic"
            and fold_of(sample.group, folds=FOLDS, salt=SPLIT_SALT) == fold
        )
        (kept if is_kept else learning).append(sample)
    if not kept or not learning:
        raise InvalidInput(
            "the validation fold leaves one side empty",
            value=f"{len(learning)} to learn from, {len(kept)} to validate on",
            remedy="choose another fold",
        )
    _refuse_crossing(learning, kept)
    return Split(training=tuple(learning), held_out=tuple(kept))
