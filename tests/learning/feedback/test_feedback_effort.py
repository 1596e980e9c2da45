"""What readings cost and whether the machine sways them: lots, few patients, intervals."""

import numpy as np
import pytest

from deeppcos.learning.feedback.effort import (
    FEWEST_PATIENTS,
    FEWEST_RESAMPLED,
    AutomationBias,
    BesideMachine,
    Scan,
    automation_bias,
    effort,
    saving,
    student_95,
)


def scan(group: object, *, first: bool = True, drawn: bool = False, seconds: float = 60.0) -> Scan:
    return Scan(
        group=str(group), reader="r", machine_first=first, drawn_blind=drawn, edits=2,
        seconds=seconds,
    )  # fmt: skip


def row(group: object, *, first: bool, shared: int, drawn: bool | None = None) -> BesideMachine:
    return BesideMachine(
        group=str(group), machine_first=first, drawn_blind=not first if drawn is None else drawn,
        shared=shared, reader_count=5, machine_count=5,
    )  # fmt: skip


def swayed(patients: int) -> AutomationBias:
    """Every second patient seen with the marks first and copied, the others read blind."""
    rows = [row(n, first=n % 2 == 0, shared=5 if n % 2 == 0 else 3) for n in range(patients)]
    return automation_bias(rows, rounds=200)


def test_untimed_scans_are_left_out_of_the_time_and_not_taken_for_zero() -> None:
    scans = [
        Scan(group="a", machine_first=True, edits=2, seconds=60.0),
        Scan(group="b", machine_first=True, edits=4, seconds=None),
        Scan(group="c", machine_first=False, edits=9, seconds=200.0),
    ]
    found = effort(scans, machine_first=True)
    assert (found.edits.value, found.edits.n) == (3.0, 2)
    assert (found.seconds.value, found.seconds.n) == (60.0, 1)


def test_nothing_read_costs_nothing_that_is_known() -> None:
    found = effort([], machine_first=True)
    assert (found.seconds.value, found.seconds.n, found.readers) == (None, 0, 0)


def test_few_patients_have_a_mean_and_no_interval() -> None:
    few = effort([scan(n) for n in range(FEWEST_PATIENTS - 1)], machine_first=True).seconds
    enough = effort([scan(n) for n in range(FEWEST_PATIENTS)], machine_first=True).seconds
    assert (few.value, few.low) == (60.0, None)
    assert enough.low == enough.high == 60.0


def test_many_scans_of_one_patient_are_one_draw() -> None:
    scans = [scan(n % 5, seconds=50.0 + 10 * (n % 5)) for n in range(500)]
    measured = effort(scans, machine_first=True).seconds
    assert (measured.n, measured.groups) == (500, 5)
    assert measured.low is not None
    assert measured.low < 60, "a hundred times the same five women say no more than once"


@pytest.mark.parametrize("patients", [6, 12, 40])
def test_an_interval_of_a_mean_holds_what_it_promises(patients: int) -> None:
    chance = np.random.default_rng(patients)
    held = 0
    for _ in range(400):
        drawn = chance.normal(90, 30, patients)
        found = effort([scan(n, seconds=v) for n, v in enumerate(drawn)], machine_first=True)
        assert found.seconds.low is not None
        assert found.seconds.high is not None
        held += found.seconds.low <= 90 <= found.seconds.high
    assert 0.92 <= held / 400 <= 0.98


def test_the_reach_of_an_interval_is_students() -> None:
    for freedom, known in ((3, 3.182), (4, 2.776), (9, 2.262), (29, 2.045)):
        assert student_95(freedom) == pytest.approx(known, abs=0.03)


def test_what_is_saved_is_told_of_readings_that_kept_to_their_lot() -> None:
    kept = [scan(n, seconds=60.0) for n in range(8)]
    kept += [scan(n, first=False, drawn=True, seconds=100.0) for n in range(8, 16)]
    off = [scan("x", drawn=True, seconds=1.0), scan("y", first=False, seconds=9999.0)]
    found = saving([*kept, *off]).seconds
    assert (found.value, found.low, found.high) == (-40.0, -40.0, -40.0)
    assert found.n == 16


def test_without_blind_readings_nothing_is_said_of_what_is_saved() -> None:
    assert saving([scan(n) for n in range(20)]).seconds.value is None


def test_readers_who_copy_the_machine_show_a_bias_and_independent_ones_none() -> None:
    bias = swayed(40).difference
    assert bias.low is not None
    assert bias.value == pytest.approx(0.4)
    assert bias.low > 0.3
    free = [row(n, first=n % 2 == 0, shared=3) for n in range(40)]
    assert automation_bias(free, rounds=50).difference.value == 0


def test_few_patients_have_a_bias_and_no_interval() -> None:
    few, enough = swayed(2 * FEWEST_RESAMPLED - 2), swayed(2 * FEWEST_RESAMPLED)
    assert few.difference.value == pytest.approx(0.4)
    assert few.difference.low is None
    assert few.machine_first.low is None
    assert enough.difference.low is not None


def test_a_reader_who_chose_what_to_read_blind_is_not_taken_for_unswayed() -> None:
    rows = [row(n, first=True, shared=4) for n in range(20)]
    # She read the easy ones blind though nobody had drawn them: they flatter her.
    chosen = [row(n, first=False, shared=5, drawn=False) for n in range(20, 40)]
    found = automation_bias([*rows, *chosen], rounds=50)
    assert found.difference.value is None
    assert found.off_lot == 20


def test_without_a_blind_reading_nothing_is_said_about_bias() -> None:
    assert automation_bias([row("a", first=True, shared=1)], rounds=10).difference.value is None
