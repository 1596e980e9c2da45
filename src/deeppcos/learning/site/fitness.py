"""Whether a training set can teach anything.

Owns the two refusals of a set. The least number of patients is this project's: with fewer, a fold
of one fifth holds a single woman or none. Needs no torch, so that a page can ask.
"""

from deeppcos.errors import InvalidInput
from deeppcos.learning.site.training_set import TrainingSet

LEAST_PATIENTS = 10


def refuse_unteachable(learned: TrainingSet, *, others_are_drawn: bool) -> None:
    """Refuse a set that is too small, or shows one kind of picture.

    Args:
        learned: The set.
        others_are_drawn: Whether somebody accepts drawn scenes and photographs as the only
            pictures of another kind.

    Raises:
        InvalidInput: If it can teach nothing, or would teach that everything is of its one kind.
    """
    if learned.marked_patients < LEAST_PATIENTS:
        raise InvalidInput(
            "too few patients to learn from",
            value=f"{learned.marked_patients} with follicles looked for, {learned.patients} in all",
            accepted=f"at least {LEAST_PATIENTS} outside the frozen test set",
            remedy="ask for consent, finish and settle more readings, then try again",
        )
    if len(learned.kinds) < 2 and not others_are_drawn:
        raise InvalidInput(
            "a training set of one kind of picture teaches that every picture is of that kind",
            value=", ".join(f"{count} {kind}" for kind, count in learned.kinds.items()),
            accepted="pictures with an ovary, and pictures of something else",
            remedy="let readers also finish pictures without an ovary, or accept drawn scenes and "
            "photographs in their place (--others-are-drawn)",
        )
