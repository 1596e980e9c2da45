from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.exclusions import exclusions, red_flags
from deeppcos.clinical.finding import State

Chart = Callable[[Mapping[str, Any]], PatientChart]
Parts = dict[str, dict[str, Any]]


@pytest.fixture
def clean(parts: Parts) -> dict[str, Any]:
    return {**parts["adult"], **parts["excluded"]}


@pytest.mark.parametrize(
    ("name", "at", "above"),
    [
        ("labs.17_ohp", (200, "ng/dL"), (200.1, "ng/dL")),
        ("labs.17_ohp", (2, "ng/mL"), (2.01, "ng/mL")),
        ("labs.17_ohp", (6.05, "nmol/L"), (6.06, "nmol/L")),
        ("labs.total_testosterone", (150, "ng/dL"), (150.1, "ng/dL")),
        ("labs.total_testosterone", (5.2, "nmol/L"), (5.21, "nmol/L")),
        ("labs.total_testosterone", (96, "ng/dL", 48), (96.1, "ng/dL", 48)),
        ("labs.dheas", (700, "ug/dL"), (700.1, "ug/dL")),
        ("labs.dheas", (18.99, "umol/L"), (19.01, "umol/L")),
    ],
)
def test_a_red_flag_is_raised_just_above_its_threshold(
    make_chart: Chart, clean: dict[str, Any], name: str, at: Any, above: Any
) -> None:
    assert red_flags(make_chart({**clean, name: at})) == ()
    chart = make_chart({**clean, name: above})
    assert len(red_flags(chart)) == 1
    assert exclusions(chart).state is State.PRESENT


@pytest.mark.parametrize("sign", ["signs.rapid_onset", "signs.virilisation"])
def test_rapid_onset_and_virilisation_are_red_flags_whatever_the_values(
    make_chart: Chart, clean: dict[str, Any], sign: str
) -> None:
    (flag,) = red_flags(make_chart({**clean, sign: True}))
    assert "urgent review" in flag.message


@pytest.mark.parametrize("name", ["tsh", "prolactin", "fsh"])
def test_an_exclusion_test_is_positive_above_the_laboratorys_limit(
    make_chart: Chart, clean: dict[str, Any], name: str
) -> None:
    unit = {"tsh": "mIU/L", "prolactin": "ng/mL", "fsh": "IU/L"}[name]
    for value, state in ((9.9, State.ABSENT), (10, State.ABSENT), (10.1, State.PRESENT)):
        chart = make_chart({**clean, f"labs.{name}": (value, unit, 10)})
        assert exclusions(chart).state is state


@pytest.mark.parametrize("name", ["tsh", "prolactin", "fsh"])
def test_without_the_laboratorys_limit_the_test_stays_unknown(
    make_chart: Chart, clean: dict[str, Any], name: str
) -> None:
    unit = {"tsh": "mIU/L", "prolactin": "ng/mL", "fsh": "IU/L"}[name]
    finding = exclusions(make_chart({**clean, f"labs.{name}": (5, unit)}))
    assert finding.state is State.UNKNOWN
    assert finding.missing == (f"{name}.upper_limit",)


def test_everything_that_must_be_excluded_is_asked_for(make_chart: Chart) -> None:
    assert set(exclusions(make_chart({})).missing) == {
        "patient.pregnant",
        "tsh",
        "prolactin",
        "17_ohp",
        "fsh",
        "signs.rapid_onset",
        "signs.virilisation",
    }


def test_all_looked_for_and_normal_is_absent(make_chart: Chart, clean: dict[str, Any]) -> None:
    assert exclusions(make_chart(clean)).state is State.ABSENT


@pytest.mark.parametrize(
    ("pregnant", "hcg", "state"),
    [
        (None, (1, "IU/L", 5), State.ABSENT),
        (None, (5, "IU/L", 5), State.ABSENT),
        (None, (6, "IU/L", 5), State.PRESENT),
        (None, (6, "IU/L", None), State.UNKNOWN),
        (False, (6, "IU/L", 5), State.PRESENT),
        (True, (1, "IU/L", 5), State.PRESENT),
    ],
)
def test_pregnancy_is_excluded_by_history_or_by_test(
    make_chart: Chart, clean: dict[str, Any], pregnant: bool | None, hcg: Any, state: State
) -> None:
    chart = make_chart({**clean, "patient.pregnant": pregnant, "labs.hcg": hcg})
    assert exclusions(chart).state is state
