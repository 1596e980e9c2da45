"""The small model that is shipped: one step function a feature, added up. Needs numpy alone.

Owns evaluating and explaining it. Fitting is the business of ``additive_training``, the file
that of ``release_file``.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.learning.risk.measures import logistic

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFunction:
    """What one feature adds to the log-odds.

    Attributes:
        name: Feature.
        edges: Upper ends of the steps, rising; a value equal to an edge is still below it.
        scores: What each step adds: one more than edges.
        unknown: What an unknown value adds: a value of its own, never that of a normal result.
    """

    name: str
    edges: tuple[float, ...]
    scores: tuple[float, ...]
    unknown: float

    def of(self, values: Floats) -> Floats:
        """What each value adds, of the shape of the values; NaN is unknown.

        Examples:
            >>> step = StepFunction(name="age", edges=(25.0,), scores=(0.4, -0.1), unknown=0.0)
            >>> step.of(np.array([20.0, 25.0, 26.0, np.nan])).tolist()
            [0.4, 0.4, -0.1, 0.0]
        """
        place = np.searchsorted(np.asarray(self.edges), values, side="left")
        table = np.asarray(self.scores)
        # NaN sorts last; it is then overwritten.
        return np.where(np.isnan(values), self.unknown, table[np.minimum(place, table.size - 1)])


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditiveModel:
    """Log-odds as a base plus what each feature adds.

    The parts are centred on the training women, so that in an additive model each part is the
    exact Shapley value of its feature against them (Lundberg and Lee 2017; Štrumbelj and
    Kononenko 2014): no sampling, no approximation.

    Attributes:
        base: Mean log-odds of the training women.
        steps: One step function a feature.
    """

    base: float
    steps: tuple[StepFunction, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Features in the order of the columns."""
        return tuple(step.name for step in self.steps)

    def contributions(self, features: Floats) -> Floats:
        """What each feature adds to the log-odds.

        Args:
            features: Of shape (n_women, n_features), NaN unknown, columns in order of ``names``.

        Returns:
            Of the same shape, in log-odds.
        """
        parts = [step.of(features[:, i]) for i, step in enumerate(self.steps)]
        return np.column_stack(parts) if parts else np.zeros((len(features), 0))

    def score(self, features: Floats) -> Floats:
        """Log-odds of shape (n_women,)."""
        added = self.contributions(features).sum(axis=1)
        return np.asarray(self.base + added, dtype=np.float64)

    def probability(self, features: Floats) -> Floats:
        """Calibrated probabilities of the label, of shape (n_women,)."""
        return logistic(self.score(features))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformal:
    """What held-out women say about how sure a probability is.

    Attributes:
        coverage: Share of women of either label whose set holds their label, as promised.
        least_positive: Score from which "labelled" belongs to the set.
        most_negative: Score up to which "not labelled" belongs to the set.
        knots: Scores at which the interval of the probability changes, rising.
        low: Lower end from each knot on; one more than knots.
        high: Upper end from each knot on.
    """

    coverage: float
    least_positive: float
    most_negative: float
    knots: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def label_set(self, score: float) -> frozenset[bool]:
        """The labels that cannot be ruled out; both where the model does not know."""
        labels = set()
        if score >= self.least_positive:
            labels.add(True)
        if score <= self.most_negative:
            labels.add(False)
        # Between two thresholds that crossed, neither label is typical: then nothing is ruled out.
        return frozenset(labels or {True, False})

    def interval(self, score: float) -> tuple[float, float]:
        """Venn-Abers interval of the probability at a score."""
        place = int(np.searchsorted(np.asarray(self.knots), score, side="right"))
        return self.low[place], self.high[place]
