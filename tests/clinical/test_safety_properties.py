"""The two decisions that carry the safety, and monotonicity, over whole assessments."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.criteria import Conclusion, Findings, Status, conclude, find
from deeppcos.clinical.exclusions import red_flags
from deeppcos.clinical.finding import State
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    MeasurementSource,
    OvaryMeasurements,
    SeenOvary,
    Side,
    TrackedEstimate,
)
from deeppcos.clinical.patient import AgeGroup, Contraception
from deeppcos.clinical.profiles import PROFILES
from deeppcos.errors import InvalidInput

Chart = Callable[[Mapping[str, Any]], PatientChart]

ANY_PROFILE = st.sampled_from(sorted(PROFILES))


def search(test: Any, n_examples: int) -> Any:
    """The property test with a number of examples, without a clock: the machine may be busy."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=n_examples, deadline=None, suppress_health_check=quiet)(test)


def quick(test: Any) -> Any:
    return search(test, 80)


def lab(low: float, high: float, unit: str, *limits: float | None, assays: Any = (None,)) -> Any:
    value = st.floats(low, high).map(lambda v: round(v, 2))
    return st.tuples(value, st.just(unit), st.sampled_from(limits), st.sampled_from(assays))


ASSAYS = (None, "lc_ms_ms", "immunoassay", "brand x")


def count(make: Any, value: int, error: int) -> Any:
    low, high = max(0, value - error), value + error
    return make(value=value, low=low, high=high, source=MeasurementSource.IMAGE)


SEEN = st.tuples(
    st.builds(
        SeenOvary,
        side=st.sampled_from([None, Side.LEFT, Side.RIGHT]),
        is_single_frame=st.booleans(),
        measurements=st.sampled_from(
            [
                OvaryMeasurements(fnps=count(FollicleNumberPerSection, 12, 1)),
                OvaryMeasurements(fnps=count(FollicleNumberPerSection, 9, 2)),
                OvaryMeasurements(fnpo=count(FollicleNumberPerOvary, 30, 3)),
                OvaryMeasurements(fnpo=count(FollicleNumberPerOvary, 8, 2)),
                OvaryMeasurements(tracked=TrackedEstimate(value=28, low=24, high=33, coverage=0.9)),
            ]
        ),
    )
)

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "ultrasound.seen": SEEN,
    "patient.age_years": st.sampled_from([13, 14.5, 16, 19.9, 20, 21, 22, 24, 27, 35, 46, 52]),
    "patient.age_at_menarche_years": st.sampled_from([9, 11, 12, 13, 14, 16, 18, 19.5]),
    "patient.population": st.sampled_from(["white_american", "han_chinese", "white_iranian"]),
    "patient.pregnant": st.sampled_from([False, False, False, True]),
    "patient.postmenopausal": st.sampled_from([False, False, False, True]),
    "patient.hormonal_contraception": st.sampled_from(["none", "none", "none", "combined"]),
    "cycles.interval_days": st.sampled_from([18, 21, 28, 35, 36, 40, 45, 46, 60, 91, 100]),
    "cycles.per_year": st.sampled_from([0, 5, 7, 8, 12]),
    "cycles.longest_interval_days": st.sampled_from([30, 90, 91, 200]),
    "cycles.bleeding_days": st.sampled_from([3, 5, 40]),
    "signs.mfg_score": st.sampled_from([0, 3, 4, 5, 6, 7, 8, 9, 20]),
    "signs.acne": st.booleans(),
    "signs.rapid_onset": st.sampled_from([False, False, False, True]),
    "signs.virilisation": st.sampled_from([False, False, False, True]),
    "labs.total_testosterone": lab(0.5, 3.6, "nmol/L", 1.7, None, 2.4, assays=ASSAYS),
    "labs.free_testosterone": lab(5, 60, "pmol/L", 30, None),
    "labs.shbg": lab(10, 120, "nmol/L", None),
    "labs.albumin": lab(20, 60, "g/L", None),
    "labs.androstenedione": lab(1, 14, "nmol/L", 9, None),
    "labs.dheas": lab(1, 18, "umol/L", 10, None),
    "labs.amh": lab(0.5, 9, "ng/mL", 3.2, None, 5, assays=(None, "elecsys_amh_plus")),
    "labs.progesterone": lab(0.5, 40, "nmol/L", 10, None),
    "labs.tsh": lab(1, 4.5, "mIU/L", 4, None),
    "labs.prolactin": lab(5, 27, "ng/mL", 25, None),
    "labs.fsh": lab(3, 13, "IU/L", 12, None),
    "labs.17_ohp": lab(20, 210, "ng/dL", None, 150),
    "labs.hcg": lab(0, 6, "IU/L", 5, None),
    "ultrasound.route": st.sampled_from(["transvaginal", "transvaginal", "transabdominal"]),
    "ultrasound.probe_mhz": st.sampled_from([5, 8, 9]),
    "left.fnpo": st.sampled_from([5, 11, 12, 19, 20, 24, 25, 40]),
    "right.fnpo": st.sampled_from([5, 11, 12, 19, 20, 24, 25, 40]),
    "left.fnps": st.sampled_from([4, 9, 10, 15]),
    "right.fnps": st.sampled_from([4, 9, 10, 15]),
    "left.volume_ml": st.sampled_from([5.0, 9.9, 10.0, 10.1, 15.0]),
    "right.volume_ml": st.sampled_from([5.0, 9.9, 10.0, 10.1, 15.0]),
    "left.dominant_follicle_or_corpus_luteum": st.booleans(),
    "right.dominant_follicle_or_corpus_luteum": st.booleans(),
}

CLEAN: dict[str, Any] = {
    "patient.age_years": 27,
    "patient.age_at_menarche_years": 12,
    "patient.pregnant": False,
    "patient.postmenopausal": False,
    "patient.hormonal_contraception": "none",
    "signs.rapid_onset": False,
    "signs.virilisation": False,
    "labs.tsh": (2, "mIU/L", 4),
    "labs.prolactin": (10, "ng/mL", 25),
    "labs.fsh": (6, "IU/L", 12),
    "labs.17_ohp": (60, "ng/dL", None),
}


NORMAL: dict[str, Any] = {
    "cycles.interval_days": 28,
    "cycles.per_year": 12,
    "cycles.longest_interval_days": 30,
    "signs.mfg_score": 1,
    "labs.total_testosterone": (1.0, "nmol/L", 1.7, "lc_ms_ms"),
    "labs.shbg": (60, "nmol/L", None),
    "ultrasound.route": "transvaginal",
    "ultrasound.probe_mhz": 9,
    "left.fnpo": 8,
    "right.fnpo": 8,
}


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    """Any part of a chart, on a background that is empty, clean, or clean and normal.

    The backgrounds are there so that answers of every kind are reached often.
    """
    background = draw(st.sampled_from([{}, CLEAN, {**CLEAN, **NORMAL}]))
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=20))
    return {**background, **{name: draw(FIELDS[name]) for name in names}}


def concluded(chart: PatientChart, profile: str) -> tuple[Findings, Conclusion]:
    findings = find(chart, PROFILES[profile])
    return findings, conclude(chart.patient, findings, PROFILES[profile], red_flags(chart))


def built(make_chart: Chart, content: Mapping[str, Any]) -> PatientChart:
    try:
        return make_chart(content)
    except InvalidInput:
        assume(False)
        raise


def was_measured(chart: PatientChart, *names: str) -> bool:
    return all(chart.measured(Analyte(name)) is not None for name in names)


def cycles_were_looked_at(chart: PatientChart) -> bool:
    cycles, patient = chart.cycles, chart.patient
    years = patient.years_since_menarche
    needs_count = years is None or years >= 3
    return (
        patient.hormonal_contraception is Contraception.NONE
        and patient.age_years is not None
        and cycles.interval_days is not None
        and cycles.longest_interval_days is not None
        and (not needs_count or cycles.per_year is not None)
    )


def androgens_were_looked_at(chart: PatientChart) -> bool:
    has_free = was_measured(chart, "free_testosterone") or was_measured(chart, "shbg")
    return (
        chart.patient.hormonal_contraception is Contraception.NONE
        and chart.signs.mfg_score is not None
        and was_measured(chart, "total_testosterone")
        and has_free
    )


def ovaries_were_looked_at(chart: PatientChart) -> bool:
    left, right = chart.ultrasound.left, chart.ultrasound.right
    by_count = all(
        ovary.fnpo is not None
        or any(s.side is side and s.measurements.fnpo is not None for s in chart.ultrasound.seen)
        for side, ovary in ((Side.LEFT, left), (Side.RIGHT, right))
    )
    by_older_scan = all(
        o.volume is not None and o.dominant_follicle_or_corpus_luteum is False
        for o in (left, right)
    )
    return (
        chart.patient.hormonal_contraception is Contraception.NONE
        and chart.patient.age_group is AgeGroup.ADULT
        and (by_count or by_older_scan or was_measured(chart, "amh"))
    )


def other_causes_were_looked_for(chart: PatientChart) -> bool:
    has_pregnancy = chart.patient.pregnant is False or was_measured(chart, "hcg")
    return (
        has_pregnancy
        and was_measured(chart, "tsh", "prolactin", "fsh", "17_ohp")
        and chart.signs.rapid_onset is False
        and chart.signs.virilisation is False
    )


@quick
@given(profile=ANY_PROFILE, content=fields())
def test_absent_always_means_that_everything_was_looked_for(
    make_chart: Chart, profile: str, content: dict[str, Any]
) -> None:
    chart = built(make_chart, content)
    findings, conclusion = concluded(chart, profile)
    looked = {
        "od": (findings.ovulatory_dysfunction, cycles_were_looked_at(chart)),
        "ha": (findings.hyperandrogenism, androgens_were_looked_at(chart)),
        "pcom": (findings.polycystic_morphology, ovaries_were_looked_at(chart)),
        "other": (findings.exclusions, other_causes_were_looked_for(chart)),
    }
    for name, (finding, was_looked_for) in looked.items():
        if finding.state is State.ABSENT:
            assert was_looked_for, name
            assert not finding.missing, name
    if conclusion.status is Status.CRITERIA_MET:
        assert other_causes_were_looked_for(chart)
        assert chart.patient.hormonal_contraception is Contraception.NONE
    if conclusion.status is Status.CRITERIA_NOT_MET:
        n_looked = sum(was for name, (_, was) in looked.items() if name != "other")
        assert n_looked >= (1 if profile == "nih_1990" or "aepcos" in profile else 2)


@quick
@given(profile=ANY_PROFILE, content=fields(), data=st.data())
def test_resolving_an_unknown_never_reverses_a_conclusion(
    make_chart: Chart, profile: str, content: dict[str, Any], data: st.DataObject
) -> None:
    never_reversed(make_chart, profile, content, data)


def never_reversed(
    make_chart: Chart, profile: str, content: dict[str, Any], data: st.DataObject
) -> None:
    """What may follow a settled conclusion is written down here, and nothing else may."""
    removed = data.draw(st.lists(st.sampled_from(sorted(content) or [""]), unique=True))
    known = {name: value for name, value in content.items() if name not in removed}
    before_findings, before = concluded(built(make_chart, known), profile)
    after_findings, after = concluded(built(make_chart, content), profile)

    assert after.status in MAY_FOLLOW[before.status]
    assert_never_reversed(before_findings, after_findings)


OPEN = {Status.INDETERMINATE, Status.EXCLUSION_INCOMPLETE}
MAY_FOLLOW: dict[Status, set[Status]] = {
    # Withdrawn when contraception, menopause, or an adolescent's menarche becomes known, or two
    # tests contradict each other; overridden when another cause is found. Never reversed.
    Status.CRITERIA_MET: set(Status) - {Status.CRITERIA_NOT_MET},
    Status.CRITERIA_NOT_MET: set(Status) - {Status.CRITERIA_MET},
    Status.INCREASED_RISK_ADOLESCENT: set(Status) - {Status.CRITERIA_MET, Status.CRITERIA_NOT_MET},
    # A raised exclusion test or red flag stays, whatever else is learnt.
    Status.OTHER_CAUSE_SUSPECTED: {Status.OTHER_CAUSE_SUSPECTED},
    Status.INDETERMINATE: set(Status),
    Status.EXCLUSION_INCOMPLETE: set(Status),
}


def assert_never_reversed(before: Findings, after: Findings) -> None:
    """A firm finding never turns into its opposite, firm or not yet."""
    pairs = (
        (before.ovulatory_dysfunction, after.ovulatory_dysfunction),
        (before.hyperandrogenism, after.hyperandrogenism),
        (before.polycystic_morphology, after.polycystic_morphology),
        (before.exclusions, after.exclusions),
    )
    for first, second in pairs:
        if first.firm_state is State.PRESENT:
            assert second.firm_state is not State.ABSENT
        if first.state is State.ABSENT and second.state is State.PRESENT:
            assert second.is_provisional or second is after.exclusions


@quick
@given(profile=ANY_PROFILE, content=fields(), data=st.data())
def test_a_firmly_settled_adult_stays_settled_when_only_measurements_are_added(
    make_chart: Chart, profile: str, content: dict[str, Any], data: st.DataObject
) -> None:
    """With history, contraception and exclusions known, met stays met or becomes open."""
    content = {**content, **CLEAN}
    addable = sorted(n for n in content if n not in CLEAN)
    removed = data.draw(st.lists(st.sampled_from(addable or [""]), unique=True))
    known = {name: value for name, value in content.items() if name not in removed}
    _, before = concluded(built(make_chart, known), profile)
    _, after = concluded(built(make_chart, content), profile)
    if before.status is Status.CRITERIA_MET:
        assert after.status in {Status.CRITERIA_MET, Status.OTHER_CAUSE_SUSPECTED, *OPEN}
    if before.status is Status.CRITERIA_NOT_MET:
        assert after.status in {Status.CRITERIA_NOT_MET, Status.OTHER_CAUSE_SUSPECTED, *OPEN}


ORDER = {State.ABSENT: 0, State.NOT_ASSESSABLE: 1, State.UNKNOWN: 1, State.PRESENT: 2}
MORE_FOLLICLES = ["left.fnpo", "right.fnpo", "left.fnps", "right.fnps"]
MORE_OVARY = [*MORE_FOLLICLES, "left.volume_ml", "right.volume_ml"]


@quick
@given(
    profile=ANY_PROFILE, content=fields(), name=st.sampled_from(MORE_OVARY), more=st.integers(1, 30)
)
@example(
    profile="guideline_2023",
    content={
        **CLEAN,
        "ultrasound.route": "transvaginal",
        "ultrasound.probe_mhz": 9,
        "left.fnpo": 19,
        "right.fnpo": 5,
    },
    name="left.fnpo",
    more=1,
)
def test_more_follicles_or_volume_never_make_morphology_less_polycystic(
    make_chart: Chart, profile: str, content: dict[str, Any], name: str, more: int
) -> None:
    assume(name in content)
    fewer = find(built(make_chart, content), PROFILES[profile])
    fuller = {**content, name: content[name] + more}
    greater = find(built(make_chart, fuller), PROFILES[profile])
    assert ORDER[greater.polycystic_morphology.state] >= ORDER[fewer.polycystic_morphology.state]


ANDROGENS = ["total_testosterone", "free_testosterone", "androstenedione", "dheas"]


@quick
@given(
    content=fields(),
    name=st.sampled_from([*(f"labs.{a}" for a in ANDROGENS), "signs.mfg_score"]),
    factor=st.floats(1.01, 3),
)
def test_more_androgen_never_makes_a_woman_less_hyperandrogenic(
    make_chart: Chart, content: dict[str, Any], name: str, factor: float
) -> None:
    assume(name in content)
    value = content[name]
    if name == "signs.mfg_score":
        higher: Any = min(36, value + 3)
    else:
        higher = (value[0] * factor, *value[1:])
    before = find(built(make_chart, content), PROFILES["guideline_2023"])
    after = find(built(make_chart, {**content, name: higher}), PROFILES["guideline_2023"])
    assert ORDER[after.hyperandrogenism.state] >= ORDER[before.hyperandrogenism.state]


@quick
@given(content=fields())
def test_a_red_flag_or_raised_exclusion_test_overrides_every_other_conclusion(
    make_chart: Chart, content: dict[str, Any]
) -> None:
    chart = built(make_chart, {**content, "signs.virilisation": True})
    _, conclusion = concluded(chart, "guideline_2023")
    assert conclusion.status is Status.OTHER_CAUSE_SUSPECTED
    assert conclusion.phenotype is None
    assert "virilisation" in [flag.trigger for flag in conclusion.red_flags]


@quick
@given(content=fields())
def test_days_of_bleeding_never_change_anything(make_chart: Chart, content: dict[str, Any]) -> None:
    without = {name: v for name, v in content.items() if name != "cycles.bleeding_days"}
    first = concluded(built(make_chart, {**without, "cycles.bleeding_days": 4}), "guideline_2023")
    second = concluded(built(make_chart, without), "guideline_2023")
    assert first == second


@pytest.mark.slow
@partial(search, n_examples=5000)
@given(profile=ANY_PROFILE, content=fields(), data=st.data())
def test_no_conclusion_is_reversed_over_many_more_charts(
    make_chart: Chart, profile: str, content: dict[str, Any], data: st.DataObject
) -> None:
    never_reversed(make_chart, profile, content, data)
