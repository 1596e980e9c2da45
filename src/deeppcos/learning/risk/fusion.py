"""Image measurements joined to an estimate of the same patient, through likelihood ratios.

Owns Bayes' rule on the log-odds with the measurement's own uncertainty, and the refusal to pair
what does not belong together. Measuring pictures is the business of ``deeppcos.vision``.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from deeppcos.clinical.sourcing import Verification
from deeppcos.errors import InvalidInput

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

Z_90 = 1.6448536269514722
"""Half-width of a 90 % interval in standard deviations."""
FOLLICLES = ("follicles_left", "follicles_right")
MOST_LOG_RATIO = math.log(50.0)
"""No single measurement may count for more than 50 to 1 (project rule: tails are not known)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientIdentity:
    """Who a record belongs to: an identifier and the body that issued it.

    Attributes:
        issuer: The institution or register that issued the identifier.
        identifier: The patient's identifier there.

    Raises:
        InvalidInput: If either is empty: an unnamed record belongs to nobody.
    """

    issuer: str
    identifier: str

    def __post_init__(self) -> None:
        if not self.issuer.strip() or not self.identifier.strip():
            raise InvalidInput(
                "fusion needs to know whose records these are",
                value=f"issuer {self.issuer!r}, identifier {self.identifier!r}",
                accepted="an issuer and an identifier, both from the record itself",
                remedy="take both from the patient's record; rows and pictures of public data "
                "sets belong to different people and cannot be fused",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalProbability:
    """A probability from clinical data.

    Attributes:
        patient: Whose it is.
        probability: The estimate, strictly between 0 and 1.
        features: Features it used.
    """

    patient: PatientIdentity
    probability: float
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMeasurement:
    """A count from pictures, with its interval.

    Attributes:
        patient: Whose pictures.
        follicles: Follicles in the ovary that has more.
        low: Lower end of the 90 % measurement interval.
        high: Upper end.
    """

    patient: PatientIdentity
    follicles: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.follicles <= self.high:
            raise InvalidInput(
                "the interval does not hold the count",
                value=f"{self.follicles:g} in {self.low:g} to {self.high:g}",
                accepted="0 <= low <= count <= high",
                remedy="pass the interval of the same measurement",
            )

    @property
    def deviation(self) -> float:
        """Standard deviation of the measurement, follicles."""
        return (self.high - self.low) / (2 * Z_90)


class LikelihoodRatio(Protocol):
    """How much more often a measurement occurs with the label than without."""

    @property
    def source(self) -> str:
        """Where it comes from."""
        ...

    @property
    def verification(self) -> Verification:
        """How it was checked."""
        ...

    def log_ratio(self, measured: ImageMeasurement) -> float:
        """Natural logarithm of the likelihood ratio."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRatio:
    """A published test: sensitivity and specificity at one threshold.

    Attributes:
        threshold: Follicles from which the test is positive.
        sensitivity: Share of cases that are positive.
        specificity: Share of the others that are negative.
        source: Where the figures come from.
        verification: How they were checked.
    """

    threshold: float
    sensitivity: float
    specificity: float
    source: str
    verification: Verification

    def log_ratio(self, measured: ImageMeasurement) -> float:
        """The ratio of a result that may lie on either side of the threshold."""
        above = chance_at_least(measured, self.threshold)
        case = above * self.sensitivity + (1 - above) * (1 - self.sensitivity)
        other = above * (1 - self.specificity) + (1 - above) * self.specificity
        return _bounded(math.log(case / other))


PUBLISHED_FNPO_20 = ThresholdRatio(
    threshold=20,
    sensitivity=0.84,
    specificity=0.91,
    source="pooled accuracy of follicle number per ovary (Pea 2024), recalled, text not read",
    verification=Verification.UNVERIFIED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedRatio:
    """A ratio learned where count and label belong to the same women.

    Attributes:
        case: Share of labelled women at each count from 0.
        other: Share of the others at each count from 0.
        source: The data set.
        verification: Always a project figure.
    """

    case: tuple[float, ...]
    other: tuple[float, ...]
    source: str
    verification: Verification = Verification.PROJECT

    def log_ratio(self, measured: ImageMeasurement) -> float:
        """The ratio with both distributions widened by the measurement's own error."""
        return float(np.interp(measured.follicles, *self._curve(measured.deviation)))

    def _curve(self, deviation: float) -> tuple[Floats, Floats]:
        """Counts, and the log-ratio of measuring each: never falling as the count rises."""
        counts = np.arange(len(self.case), dtype=float)
        spread = _errors(counts, deviation)
        ratio = np.log((spread @ np.array(self.case)) / (spread @ np.array(self.other)))
        limited = np.clip(ratio, -MOST_LOG_RATIO, MOST_LOG_RATIO)
        return counts, np.maximum.accumulate(limited)


def matched_ratio(counts: Floats, label: Flags, *, source: str, most: int = 60) -> MatchedRatio:
    """Learn a ratio from counts and labels of the same women.

    Args:
        counts: Follicles of the ovary with more, of shape (n_women,), NaN unknown.
        label: Of shape (n_women,).
        source: The data set, as printed.
        most: Largest count kept apart.

    Returns:
        The ratio, its distributions smoothed by two follicles.
    """
    known = np.isfinite(counts)
    shares = []
    for of_class in (label & known, ~label & known):
        histogram = np.bincount(
            np.clip(counts[of_class], 0, most).astype(int), minlength=most + 1
        ).astype(float)
        smooth = _errors(np.arange(most + 1, dtype=float), 2.0).T @ histogram
        # One woman spread evenly, so that no count is impossible.
        shares.append((smooth + 1 / (most + 1)) / (smooth.sum() + 1))
    return MatchedRatio(
        case=tuple(shares[0].tolist()), other=tuple(shares[1].tolist()), source=source
    )


def fuse(
    clinical: ClinicalProbability, image: ImageMeasurement, *, ratio: LikelihoodRatio
) -> float:
    """The probability after the picture, for one and the same patient.

    The two are multiplied as if independent given the label; where they are not, the result is
    too sure, and the evidence page says by how much.

    Args:
        clinical: Estimate that has used no follicle count.
        image: Measurement of this patient's pictures.
        ratio: How much a count says.

    Returns:
        The probability, in (0, 1).

    Raises:
        InvalidInput: If the records belong to different patients, or the count would be used
            twice.

    Examples:
        >>> ann = PatientIdentity(issuer="Clinic A", identifier="17")
        >>> before = ClinicalProbability(patient=ann, probability=0.5, features=("age_years",))
        >>> seen = ImageMeasurement(patient=ann, follicles=30, low=26, high=34)
        >>> round(fuse(before, seen, ratio=PUBLISHED_FNPO_20), 2)
        0.9
    """
    if clinical.patient != image.patient:
        raise InvalidInput(
            "these records belong to different patients: pairing them would be fabrication",
            value=f"{_who(clinical.patient)} and {_who(image.patient)}",
            accepted="one patient, same issuer and identifier",
            remedy="fuse records of one patient; never match rows and pictures by label",
        )
    used = [name for name in FOLLICLES if name in clinical.features]
    if used:
        raise InvalidInput(
            "the follicle count would be used twice",
            value=", ".join(used),
            accepted="an estimate without follicle counts",
            remedy="estimate from the tier before ultrasound",
        )
    p = clinical.probability
    if not 0 < p < 1:
        raise InvalidInput(
            "a probability of 0 or 1 cannot be moved by evidence",
            value=f"{p:g}",
            accepted="strictly between 0 and 1",
        )
    log_odds = math.log(p / (1 - p)) + ratio.log_ratio(image)
    return 1 / (1 + math.exp(-log_odds))


def chance_at_least(measured: ImageMeasurement, threshold: float) -> float:
    """Chance that the true count reaches a threshold, given the measurement's interval."""
    if measured.deviation == 0:
        return float(measured.follicles >= threshold)
    # Half a follicle below, since counts are whole.
    z = (measured.follicles - (threshold - 0.5)) / measured.deviation
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _errors(counts: Floats, deviation: float) -> Floats:
    """Chance of measuring each count (rows) for each true count (columns)."""
    width = max(deviation, 1e-3)
    kernel = np.exp(-0.5 * ((counts[:, None] - counts[None]) / width) ** 2)
    return np.asarray(kernel / kernel.sum(axis=0), dtype=np.float64)


def _bounded(log_ratio: float) -> float:
    """Kept within what one measurement may count for."""
    return max(-MOST_LOG_RATIO, min(MOST_LOG_RATIO, log_ratio))


def _who(patient: PatientIdentity) -> str:
    """A patient as named in a message."""
    return f"{patient.identifier} of {patient.issuer}"
