"""Every comparator under one evaluation: the same folds, the same figures, intervals by group.

Owns what is measured of a class answer. A score is judged where no model that gave it had seen
the patient; the given split is measured too, where a set has one, to show what it hides.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput
from deeppcos.learning import metrics
from deeppcos.learning.classify.comparators import COMPARATORS
from deeppcos.learning.classify.examples import Example
from deeppcos.learning.classify.folds import Fold, crossing, given, grouped
from deeppcos.learning.metrics import Items, Measured

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that decides a comparison; saved with its figures.

    Attributes:
        comparators: Keys of ``COMPARATORS``.
        positive: Class the scores are for.
        folds: Grouped folds.
        steps: Steps of every network in every fold.
        side_px: Side of the pictures.
        seed: Seed of every random choice.
    """

    comparators: tuple[str, ...] = tuple(COMPARATORS)
    positive: str = "lesion"
    folds: int = 5
    steps: int = 200
    side_px: int = 64
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What one comparator reached under one split.

    Attributes:
        comparator: Key of ``COMPARATORS``.
        split: ``grouped`` or ``given``.
        crossing: Measured pictures whose own patient or photograph was learned from.
        figures: Figure name to figure.
    """

    comparator: str
    split: str
    crossing: int
    figures: dict[str, Measured]


def compare(
    examples: Sequence[Example], plan: Plan, *, progress: Progress | None = None
) -> tuple[Comparison, ...]:
    """Measure every comparator of a plan.

    Args:
        examples: Every example.
        plan: What is compared.
        progress: Told of comparator, fits done and fits in all.

    Returns:
        One comparison a comparator and split; the given split only where the set has one.

    Raises:
        InvalidInput: If a comparator is unknown, a class is missing, or a class comes from one
            patient only.
    """
    _refuse_unfit(examples, plan)
    splits = {"grouped": tuple(grouped(examples, folds=plan.folds))}
    if {e.side for e in examples} >= {"train", "test"}:
        splits["given"] = tuple(given(examples))
    fits = len(plan.comparators) * sum(map(len, splits.values()))
    features = _features(examples, plan)
    done, found = 0, []
    for name in plan.comparators:
        for split, folds in splits.items():
            scored = []
            for fold in folds:
                if progress is not None:
                    progress(COMPARATORS[name].words, done, fits)
                scored.append(_scores(name, examples, fold, features, plan))
                done += 1
            found.append(_comparison(name, split, examples, folds, scored, plan))
    return tuple(found)


def _refuse_unfit(examples: Sequence[Example], plan: Plan) -> None:
    """Two classes, one of them the positive one, and comparators that exist."""
    unknown = sorted(set(plan.comparators) - set(COMPARATORS))
    if unknown:
        raise InvalidInput(
            "unknown comparator", value=", ".join(unknown), accepted=", ".join(COMPARATORS)
        )
    classes = sorted({e.label for e in examples})
    if len(classes) != 2 or plan.positive not in classes:
        raise InvalidInput(
            f"no example of class {plan.positive}, or none of another",
            value=f"{len(examples)} pictures of: {', '.join(classes) or 'nothing'}",
            accepted="two classes, one of them the positive one",
            remedy="check the folder, or name the class with --positive",
        )


def _features(examples: Sequence[Example], plan: Plan) -> Floats:
    """Features of all examples, once: the network that makes them learns from none."""
    if not any(COMPARATORS[name].method for name in plan.comparators):
        return np.zeros((len(examples), 0))
    from deeppcos.learning.classify.fit import features_of

    return features_of(examples)


def _scores(
    name: str, examples: Sequence[Example], fold: Fold, features: Floats, plan: Plan
) -> Floats:
    """Scores of the measured pictures of a fold."""
    from deeppcos.learning.classify.fit import scores_of_method, scores_of_network

    comparator = COMPARATORS[name]
    learning, measured = list(fold.learning), list(fold.measured)
    truth = np.array([examples[i].label == plan.positive for i in learning])
    if comparator.method is not None:
        return scores_of_method(
            comparator, features[learning], truth, features[measured], seed=plan.seed
        )
    return scores_of_network(
        comparator,
        [examples[i] for i in learning],
        truth,
        [examples[i] for i in measured],
        steps=plan.steps,
        seed=plan.seed,
    )


def _comparison(
    name: str,
    split: str,
    examples: Sequence[Example],
    folds: Sequence[Fold],
    scored: Iterable[Floats],
    plan: Plan,
) -> Comparison:
    """Figures over the measured pictures of every fold."""
    measured = [i for fold in folds for i in fold.measured]
    return Comparison(
        comparator=name,
        split=split,
        crossing=sum(crossing(examples, fold) for fold in folds),
        figures=class_figures(
            np.concatenate(list(scored)),
            np.array([examples[i].label == plan.positive for i in measured]),
            [examples[i].group for i in measured],
        ),
    )


def class_figures(
    scores: Floats, truth: npt.NDArray[np.bool_], groups: Sequence[str]
) -> dict[str, Measured]:
    """Figures of a class answer, with intervals by patient group.

    Args:
        scores: ``(n,)`` scores in [0, 1].
        truth: ``(n,) bool``.
        groups: Group of each.

    Returns:
        Figure name to figure; sensitivity and specificity are at a score of one half.
    """
    says = scores >= 0.5

    def share(right: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_]) -> Callable[..., Any]:
        def measure(items: Items) -> float | None:
            chosen = among[items]
            return float(right[items][chosen].mean()) if chosen.any() else None

        return measure

    everything = np.ones(len(truth), bool)
    measures = {
        "AUROC": metrics.auroc_of(scores, truth),
        "accuracy": share(says == truth, everything),
        "sensitivity": share(says, truth),
        "specificity": share(~says, ~truth),
        "calibration error": lambda items: metrics.calibration_error(
            scores[items].tolist(), truth[items].tolist()
        ),
    }
    return {name: metrics.by_group(m, groups, rounds=1000) for name, m in measures.items()}


def as_document(
    comparisons: Sequence[Comparison], plan: Plan, examples: Sequence[Example]
) -> dict[str, Any]:
    """Comparisons as plain numbers, with what decided them.

    Args:
        comparisons: What was found.
        plan: The plan.
        examples: What was told apart.

    Returns:
        A JSON document.
    """
    classes = sorted({e.label for e in examples})
    return {
        "plan": asdict(plan),
        "classes": {
            label: {
                "pictures": sum(e.label == label for e in examples),
                "groups": len({e.group for e in examples if e.label == label}),
            }
            for label in classes
        },
        "comparisons": [asdict(one) for one in comparisons],
    }
