import math

import pytest

from deeppcos.clinical.chart import PatientChart, with_seen_ovaries
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    MeasurementSource,
    OvarianVolume,
    OvaryMeasurements,
    SeenOvary,
    Side,
    TrackedEstimate,
    ellipsoid_volume_ml,
)
from deeppcos.errors import InvalidInput

IMAGE = MeasurementSource.IMAGE


def test_the_three_counts_are_three_types_that_never_compare_equal() -> None:
    section = FollicleNumberPerSection(value=9, low=7, high=11, source=IMAGE)
    ovary = FollicleNumberPerOvary(value=9, low=7, high=11, source=IMAGE)
    tracked = TrackedEstimate(value=9, low=7, high=11, coverage=1)
    counts: list[object] = [section, ovary, tracked]
    assert len(set(counts)) == 3


def test_an_ellipsoid_of_known_diameters_has_its_known_volume() -> None:
    assert ellipsoid_volume_ml(length_mm=20, width_mm=20, thickness_mm=20) == pytest.approx(
        4 / 3 * math.pi
    )


@pytest.mark.parametrize("diameter", [0, -3, math.nan, math.inf])
def test_a_diameter_that_is_no_length_is_refused(diameter: float) -> None:
    with pytest.raises(InvalidInput, match="diameter"):
        ellipsoid_volume_ml(length_mm=30, width_mm=20, thickness_mm=diameter)


def test_an_interval_that_does_not_hold_its_value_is_refused() -> None:
    with pytest.raises(InvalidInput, match="interval"):
        FollicleNumberPerSection(value=12, low=7, high=11, source=IMAGE)
    with pytest.raises(InvalidInput, match="interval"):
        OvarianVolume(ml=8, low_ml=7, source=IMAGE)


def test_coverage_is_a_fraction() -> None:
    with pytest.raises(InvalidInput, match="coverage"):
        TrackedEstimate(value=9, low=7, high=11, coverage=90)


def test_pictures_are_added_beside_what_was_charted() -> None:
    seen = SeenOvary(
        side=Side.LEFT,
        measurements=OvaryMeasurements(
            fnps=FollicleNumberPerSection(value=9, low=7, high=11, source=IMAGE)
        ),
    )
    before = PatientChart()
    after = with_seen_ovaries(before, [seen])
    assert after.ultrasound.seen == (seen,)
    assert after.ultrasound.left == before.ultrasound.left
    assert before.ultrasound.seen == ()
