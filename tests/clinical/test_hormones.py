from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import State
from deeppcos.clinical.hormones import (
    calculated_free_testosterone_pmol_l,
    free_androgen_index,
    polycystic_amh,
    raised,
    raised_free_androgen,
)
from deeppcos.errors import InvalidInput

Chart = Callable[[Mapping[str, Any]], PatientChart]
PRESENT, ABSENT, UNKNOWN = State.PRESENT, State.ABSENT, State.UNKNOWN


def test_calculated_free_testosterone_matches_the_test_vector() -> None:
    """T 2, SHBG 40 nmol/L, albumin 43 g/L -> 32.2 pmol/L."""
    free = calculated_free_testosterone_pmol_l(testosterone_nmol_l=2, shbg_nmol_l=40)
    assert free == pytest.approx(32.2, abs=0.05)


def test_free_testosterone_rises_with_testosterone_and_falls_with_shbg_and_albumin() -> None:
    base = calculated_free_testosterone_pmol_l(testosterone_nmol_l=2, shbg_nmol_l=40)
    more = calculated_free_testosterone_pmol_l(testosterone_nmol_l=3, shbg_nmol_l=40)
    bound = calculated_free_testosterone_pmol_l(testosterone_nmol_l=2, shbg_nmol_l=80)
    thick = calculated_free_testosterone_pmol_l(
        testosterone_nmol_l=2, shbg_nmol_l=40, albumin_g_l=50
    )
    assert bound < base < more
    assert thick < base


def test_the_index_needs_a_positive_shbg() -> None:
    assert free_androgen_index(testosterone_nmol_l=1.7, shbg_nmol_l=50) == pytest.approx(3.4)
    with pytest.raises(InvalidInput, match="SHBG"):
        free_androgen_index(testosterone_nmol_l=2, shbg_nmol_l=0)


@pytest.mark.parametrize(("value", "state"), [(47.9, ABSENT), (48, ABSENT), (48.1, PRESENT)])
def test_testosterone_is_raised_above_the_laboratorys_limit(
    make_chart: Chart, value: float, state: State
) -> None:
    chart = make_chart({"labs.total_testosterone": (value, "ng/dL", 48)})
    assert raised(chart, Analyte.TOTAL_TESTOSTERONE).state is state


def test_without_the_laboratorys_limit_a_value_says_nothing(make_chart: Chart) -> None:
    finding = raised(
        make_chart({"labs.total_testosterone": (48, "ng/dL")}), Analyte.TOTAL_TESTOSTERONE
    )
    assert finding.state is UNKNOWN
    assert finding.missing == ("total_testosterone.upper_limit",)


@pytest.mark.parametrize(
    ("assay", "testosterone", "state"),
    [
        # SHBG 100: the index equals testosterone in nmol/L.
        ("lc_ms_ms", 3.3, ABSENT),
        ("lc_ms_ms", 3.4, ABSENT),
        ("lc_ms_ms", 3.5, PRESENT),
        ("Brand X", 4.9, ABSENT),
        ("Brand X", 5.0, ABSENT),
        ("Brand X", 5.1, PRESENT),
        ("immunoassay", 7.9, ABSENT),
        ("immunoassay", 8.0, ABSENT),
        ("immunoassay", 8.1, PRESENT),
        (None, 3.4, ABSENT),
        (None, 3.5, UNKNOWN),
        (None, 8.0, UNKNOWN),
        (None, 8.1, PRESENT),
    ],
)
def test_the_index_is_read_by_the_cut_off_of_its_method(
    make_chart: Chart, assay: str | None, testosterone: float, state: State
) -> None:
    chart = make_chart(
        {
            "labs.total_testosterone": (testosterone, "nmol/L", None, assay),
            "labs.shbg": (100, "nmol/L"),
        }
    )
    assert raised_free_androgen(chart).state is state


@pytest.mark.parametrize(("shbg", "is_index"), [(29.9, False), (30, True), (30.1, True)])
def test_under_30_of_shbg_the_index_is_not_used(
    make_chart: Chart, shbg: float, is_index: bool
) -> None:
    chart = make_chart(
        {
            "labs.total_testosterone": (1.0, "nmol/L", None, "lc_ms_ms"),
            "labs.shbg": (shbg, "nmol/L"),
        }
    )
    finding = raised_free_androgen(chart)
    assert ("calculated" in finding.reasons[0]) is not is_index
    if not is_index:
        assert finding.missing == ("free_testosterone.upper_limit",)


@pytest.mark.parametrize(
    ("limit", "albumin", "state"),
    [
        (60, (43, "g/L"), ABSENT),
        (30, (43, "g/L"), PRESENT),
        (45, None, UNKNOWN),  # lies within what plausible albumin allows
        (20, None, PRESENT),
        (120, None, ABSENT),
    ],
)
def test_calculated_free_testosterone_is_read_by_the_laboratorys_limit(
    make_chart: Chart, limit: float, albumin: Any, state: State
) -> None:
    fields = {
        "labs.total_testosterone": (2, "nmol/L", None, "lc_ms_ms"),
        "labs.shbg": (25, "nmol/L"),
        "labs.free_testosterone": (None, "pmol/L", limit),
    }
    chart = make_chart(fields if albumin is None else {**fields, "labs.albumin": albumin})
    finding = raised_free_androgen(chart)
    assert finding.state is state
    if state is UNKNOWN:
        assert finding.missing == ("albumin",)


def test_measured_and_derived_free_androgen_that_disagree_leave_it_open(
    make_chart: Chart,
) -> None:
    chart = make_chart(
        {
            "labs.total_testosterone": (1.0, "nmol/L", None, "lc_ms_ms"),
            "labs.shbg": (60, "nmol/L"),
            "labs.free_testosterone": (50, "pmol/L", 30),
        }
    )
    finding = raised_free_androgen(chart)
    assert finding.state is UNKNOWN
    assert finding.is_contradicted


@pytest.mark.parametrize(("value", "state"), [(3.19, ABSENT), (3.2, PRESENT), (3.21, PRESENT)])
def test_elecsys_amh_plus_is_polycystic_from_3_2(
    make_chart: Chart, value: float, state: State
) -> None:
    chart = make_chart({"labs.amh": (value, "ng/mL", None, "elecsys_amh_plus")})
    assert polycystic_amh(chart).state is state


@pytest.mark.parametrize(("value", "state"), [(4.9, ABSENT), (5, PRESENT), (5.1, PRESENT)])
def test_amh_is_read_by_the_laboratorys_own_threshold(
    make_chart: Chart, value: float, state: State
) -> None:
    assert polycystic_amh(make_chart({"labs.amh": (value, "ng/mL", 5)})).state is state


def test_amh_without_a_threshold_says_nothing(make_chart: Chart) -> None:
    finding = polycystic_amh(make_chart({"labs.amh": (9, "ng/mL", None, "Brand X")}))
    assert finding.state is UNKNOWN
    assert finding.missing == ("amh.upper_limit",)


def test_two_amh_thresholds_that_part_the_value_leave_it_open(make_chart: Chart) -> None:
    chart = make_chart({"labs.amh": (4, "ng/mL", 5, "elecsys_amh_plus")})
    assert polycystic_amh(chart).is_contradicted
