"""Simulated patients with clinical scores and follicle counts: what fusing adds.

Owns the simulation. Nobody in it exists; every figure made from it says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeppcos.learning.risk.fusion import (
    ClinicalProbability,
    ImageMeasurement,
    MatchedRatio,
    PatientIdentity,
    fuse,
    matched_ratio,
)
from deeppcos.learning.risk.measures import logistic

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SEPARATION = 1.65
"""Distance of the two classes' clinical scores in standard deviations: AUROC 0.88, as measured
for the laboratory tier."""
_PREVALENCE = 0.33
_COUNTS = {True: (12.0, 5.0), False: (6.0, 3.5)}
"""Mean and standard deviation of the count of the fuller ovary, with and without the label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPatients:
    """Patients who do not exist.

    Attributes:
        label: Of shape (n,).
        clinical: Probability before the picture, calibrated by construction, of shape (n,).
        counted: True count, of shape (n,).
        measured: Count as read from a picture, of shape (n,).
        deviation: Standard deviation of the reading, follicles.
    """

    label: Flags
    clinical: Floats
    counted: Floats
    measured: Floats
    deviation: float


def simulate(n: int, *, deviation: float, seed: int) -> SimulatedPatients:
    """Draw patients whose score and count are independent given the label.

    Args:
        n: How many.
        deviation: Standard deviation of the picture's count, follicles.
        seed: Seed of every draw.
    """
    rng = np.random.default_rng(seed)
    label = rng.random(n) < _PREVALENCE
    score = rng.normal(size=n) + SEPARATION * label
    prior = np.log(_PREVALENCE / (1 - _PREVALENCE))
    log_odds = prior + SEPARATION * score - SEPARATION**2 / 2
    mean, width = (np.where(label, _COUNTS[True][i], _COUNTS[False][i]) for i in (0, 1))
    counted = np.clip(np.round(rng.normal(mean, width)), 0, 60)
    measured = np.clip(np.round(counted + rng.normal(0, deviation, n)), 0, 60)
    return SimulatedPatients(
        label=label,
        clinical=logistic(log_odds),
        counted=counted,
        measured=measured,
        deviation=deviation,
    )


def probabilities(
    patients: SimulatedPatients, *, learned_from: SimulatedPatients
) -> dict[str, Floats]:
    """Each way of using what is known of the simulated patients, as probabilities.

    Args:
        patients: Those that are scored.
        learned_from: Others, from whom the likelihood ratio is learned.
    """
    ratio = matched_ratio(learned_from.counted, learned_from.label, source="simulated patients")
    shuffled = np.random.default_rng(7).permutation(patients.label.size)
    return {
        "clinical data alone": patients.clinical,
        "picture alone": _fused(patients, ratio, lambda i: i, prior=_PREVALENCE),
        "fused, error of the reading ignored": _fused(patients, ratio, lambda i: i, deviation=0.0),
        "fused, with the error of the reading": _fused(patients, ratio, lambda i: i),
        "another patient's picture": _fused(patients, ratio, lambda i: int(shuffled[i])),
    }


def _fused(
    patients: SimulatedPatients,
    ratio: MatchedRatio,
    picture_of: Callable[[int], int],
    *,
    prior: float | None = None,
    deviation: float | None = None,
) -> Floats:
    """Fuse each patient with a picture; every one of them under the simulation's own name."""
    half = 1.6448536269514722 * (patients.deviation if deviation is None else deviation)
    fused = []
    for place in range(patients.label.size):
        # The simulation names the wrong picture after the patient: that is the mistake it shows.
        who = PatientIdentity(issuer="simulation", identifier=f"{place}")
        count = float(patients.measured[picture_of(place)])
        image = ImageMeasurement(
            patient=who, follicles=count, low=max(0.0, count - half), high=count + half
        )
        before = float(np.clip(prior or patients.clinical[place], 1e-6, 1 - 1e-6))
        clinical = ClinicalProbability(patient=who, probability=before, features=())
        fused.append(fuse(clinical, image, ratio=ratio))
    return np.array(fused)
