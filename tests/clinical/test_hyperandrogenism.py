from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import State
from deeppcos.clinical.hyperandrogenism import (
    MFG_CUT_OFFS,
    SECOND_LINE_CONFIRMATION,
    hirsutism,
    hyperandrogenism,
)
from deeppcos.clinical.patient import Population

Chart = Callable[[Mapping[str, Any]], PatientChart]
Parts = dict[str, dict[str, Any]]
PRESENT, ABSENT, UNKNOWN = State.PRESENT, State.ABSENT, State.UNKNOWN

PUBLISHED = {
    4: ["white_american", "korean", "asian_russian"],
    5: [
        "han_chinese",
        "white_russian",
        "turkish",
        "black_american",
        "south_indian",
        "southern_chinese",
    ],
    7: ["white_italian", "black_african", "filipino"],
    8: ["white_iranian"],
}
CUT_OFFS = [(name, score) for score, names in PUBLISHED.items() for name in names]


def test_every_population_has_its_published_cut_off() -> None:
    assert {p.value: rule.value for p, rule in MFG_CUT_OFFS.items()} == dict(CUT_OFFS)
    assert set(MFG_CUT_OFFS) == set(Population)


@pytest.mark.parametrize(("population", "cut_off"), CUT_OFFS)
def test_hirsutism_begins_at_the_populations_cut_off(
    make_chart: Chart, population: str, cut_off: int
) -> None:
    for score, state in ((cut_off - 1, ABSENT), (cut_off, PRESENT), (cut_off + 1, PRESENT)):
        chart = make_chart({"patient.population": population, "signs.mfg_score": score})
        assert hirsutism(chart).state is state


@pytest.mark.parametrize(
    ("score", "state"),
    [(3, ABSENT), (4, UNKNOWN), (5, UNKNOWN), (6, UNKNOWN), (7, PRESENT), (8, PRESENT)],
)
def test_with_the_population_unknown_4_to_6_is_borderline_and_7_is_positive(
    make_chart: Chart, score: int, state: State
) -> None:
    assert hirsutism(make_chart({"signs.mfg_score": score})).state is state


def test_7_points_stay_provisional_while_a_population_with_8_is_possible(
    make_chart: Chart,
) -> None:
    assert hirsutism(make_chart({"signs.mfg_score": 7})).provisional_on == ("patient.population",)
    assert not hirsutism(make_chart({"signs.mfg_score": 8})).is_provisional


def test_acne_and_scalp_hair_loss_alone_are_weak_and_only_mentioned(
    make_chart: Chart, parts: Parts
) -> None:
    fields = {**parts["adult"], **parts["no_androgen_excess"]}
    chart = make_chart({**fields, "signs.acne": True, "signs.scalp_hair_loss": True})
    finding = hyperandrogenism(chart)
    assert finding.state is ABSENT
    assert any("weak evidence" in reason for reason in finding.reasons)


@pytest.mark.parametrize("name", ["signs.mfg_score", "labs.total_testosterone", "labs.shbg"])
def test_absent_needs_hair_score_testosterone_and_free_androgen(
    make_chart: Chart, parts: Parts, name: str
) -> None:
    fields = {**parts["adult"], **parts["no_androgen_excess"]}
    assert hyperandrogenism(make_chart(fields)).state is ABSENT
    del fields[name]
    finding = hyperandrogenism(make_chart(fields))
    assert finding.state is UNKNOWN
    assert name.removeprefix("labs.") in finding.missing


@pytest.mark.parametrize("use", ["combined", "progestogen", "stopped_under_3_months"])
def test_on_hormonal_contraception_it_is_not_assessable(
    make_chart: Chart, parts: Parts, use: str
) -> None:
    change = {"patient.hormonal_contraception": use}
    quiet = hyperandrogenism(
        make_chart({**parts["adult"], **parts["no_androgen_excess"], **change})
    )
    assert quiet.state is State.NOT_ASSESSABLE
    assert "absent sign settles nothing" in quiet.reasons[0]
    hairy = hyperandrogenism(make_chart({**parts["adult"], **parts["hirsute"], **change}))
    assert hairy.state is State.NOT_ASSESSABLE
    assert any("mFG score 12" in reason for reason in hairy.reasons)


@pytest.mark.parametrize("analyte", ["dheas", "androstenedione"])
def test_a_second_line_androgen_raised_alone_is_present_but_provisional(
    make_chart: Chart, parts: Parts, analyte: str
) -> None:
    unit = "umol/L" if analyte == "dheas" else "nmol/L"
    fields = {**parts["adult"], **parts["no_androgen_excess"]}
    for value, state in ((9.9, ABSENT), (10, ABSENT), (10.1, PRESENT)):
        finding = hyperandrogenism(make_chart({**fields, f"labs.{analyte}": (value, unit, 10)}))
        assert finding.state is state
    assert finding.provisional_on == (SECOND_LINE_CONFIRMATION,)


def test_lh_and_fsh_drive_nothing(make_chart: Chart, parts: Parts) -> None:
    fields = {**parts["adult"], **parts["no_androgen_excess"]}
    with_ratio = {**fields, "labs.lh": (30, "IU/L", 12), "labs.fsh": (5, "IU/L", 12)}
    assert hyperandrogenism(make_chart(with_ratio)) == hyperandrogenism(make_chart(fields))


def test_unknown_contraception_keeps_present_provisional_and_forbids_absent(
    make_chart: Chart, parts: Parts
) -> None:
    unasked = {**parts["adult"], "patient.hormonal_contraception": None}
    hairy = hyperandrogenism(make_chart({**unasked, **parts["hirsute"]}))
    quiet = hyperandrogenism(make_chart({**unasked, **parts["no_androgen_excess"]}))
    assert hairy.provisional_on == ("patient.hormonal_contraception",)
    assert quiet.state is UNKNOWN
    assert quiet.missing == ("patient.hormonal_contraception",)
