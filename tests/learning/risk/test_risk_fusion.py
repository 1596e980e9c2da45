"""Fusion: one patient, one count used once, and what the error of a reading does."""

import math

import numpy as np
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning.risk.fusion import (
    MOST_LOG_RATIO,
    PUBLISHED_FNPO_20,
    ClinicalProbability,
    ImageMeasurement,
    PatientIdentity,
    chance_at_least,
    fuse,
    matched_ratio,
)
from deeppcos.learning.risk.measures import auroc, brier, logistic_line, logit
from deeppcos.learning.risk.simulated_pairs import probabilities, simulate

ANN = PatientIdentity(issuer="Clinic A", identifier="17")
BEA = PatientIdentity(issuer="Clinic A", identifier="18")


def seen(count: float, *, half: float = 0.0, patient: PatientIdentity = ANN) -> ImageMeasurement:
    """A count with a symmetric interval."""
    return ImageMeasurement(
        patient=patient, follicles=count, low=max(0.0, count - half), high=count + half
    )


def before(p: float = 0.3, *features: str) -> ClinicalProbability:
    """A clinical estimate of the first patient."""
    return ClinicalProbability(patient=ANN, probability=p, features=features)


@pytest.mark.parametrize(
    "other",
    [BEA, PatientIdentity(issuer="Clinic B", identifier="17")],
    ids=["other_patient", "other_issuer"],
)
def test_records_of_different_patients_are_refused(other: PatientIdentity) -> None:
    with pytest.raises(InvalidInput, match="different patients"):
        fuse(before(), seen(20, patient=other), ratio=PUBLISHED_FNPO_20)


@pytest.mark.parametrize(("issuer", "identifier"), [("", "1"), ("Clinic", " ")])
def test_a_record_of_nobody_is_refused(issuer: str, identifier: str) -> None:
    with pytest.raises(InvalidInput, match="whose records"):
        PatientIdentity(issuer=issuer, identifier=identifier)


def test_a_count_is_never_used_twice() -> None:
    with pytest.raises(InvalidInput, match="used twice"):
        fuse(before(0.3, "follicles_left"), seen(20), ratio=PUBLISHED_FNPO_20)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_certainty_is_not_moved_by_evidence(p: float) -> None:
    with pytest.raises(InvalidInput, match="cannot be moved"):
        fuse(before(p), seen(20), ratio=PUBLISHED_FNPO_20)


def test_a_sure_positive_moves_the_odds_by_the_published_ratio() -> None:
    after = fuse(before(0.5), seen(30), ratio=PUBLISHED_FNPO_20)
    assert after / (1 - after) == pytest.approx(0.84 / 0.09)


def test_a_reading_that_may_lie_on_either_side_moves_less() -> None:
    sure = PUBLISHED_FNPO_20.log_ratio(seen(22, half=1))
    unsure = PUBLISHED_FNPO_20.log_ratio(seen(22, half=15))
    assert 0 < unsure < sure
    assert chance_at_least(seen(19.5, half=5), 20) == pytest.approx(0.5)


def test_more_follicles_never_lower_a_learned_ratio_and_none_is_boundless() -> None:
    people = simulate(2000, deviation=0.0, seed=3)
    ratio = matched_ratio(people.counted, people.label, source="simulated")
    curve = [ratio.log_ratio(seen(float(count), half=2)) for count in range(0, 60)]
    assert np.all(np.diff(curve) >= 0)
    assert max(map(abs, curve)) <= MOST_LOG_RATIO + 1e-9
    assert curve[3] < 0 < curve[20]
    assert math.isfinite(ratio.log_ratio(seen(500.0)))


def test_fusing_adds_to_either_part_and_the_error_of_the_reading_keeps_it_calibrated() -> None:
    ways = probabilities(
        people := simulate(1500, deviation=5.0, seed=2),
        learned_from=simulate(3000, deviation=5.0, seed=1),
    )
    label = people.label
    score = {name: auroc(p, label) or 0.0 for name, p in ways.items()}
    fused = score["fused, with the error of the reading"]
    assert fused > score["clinical data alone"] + 0.01
    assert fused > score["picture alone"] + 0.05
    assert score["another patient's picture"] < score["clinical data alone"]
    honest = ways["fused, with the error of the reading"]
    ignored = ways["fused, error of the reading ignored"]
    assert logistic_line(logit(honest), label)[0] == pytest.approx(1.0, abs=0.2)
    assert logistic_line(logit(ignored), label)[0] < logistic_line(logit(honest), label)[0]
    assert brier(honest, label) < brier(ignored, label)


def test_an_interval_that_does_not_hold_its_count_is_refused() -> None:
    with pytest.raises(InvalidInput, match="does not hold the count"):
        ImageMeasurement(patient=ANN, follicles=20, low=22, high=25)
