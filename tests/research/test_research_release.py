"""A release says where its numbers are from, is the same when asked again, and is kept."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from deeppcos.errors import ContractBroken, InvalidInput, TemporaryFailure
from deeppcos.research.disclosure.ledger import Ledger
from deeppcos.research.figures.figure import WITHHELD, figure_from
from deeppcos.research.figures.intervals import (
    agreement_icc,
    median_positions,
    paired_change,
    rank_correlation,
    resampled,
    share,
)
from deeppcos.research.query import CohortQuery, parse_criteria
from deeppcos.research.release import CohortRelease, release_cohort, rounded_size
from deeppcos.research.simulation import SimulatedVisit
from deeppcos.research.table import ResearchTable

QUERY = CohortQuery(criteria=parse_criteria(["age_years=16..45"]))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger(folder=tmp_path_factory.mktemp("ledger") / "releases")


@pytest.fixture(scope="module")
def release(table: ResearchTable, ledger: Ledger) -> CohortRelease:
    return release_cohort(table, QUERY, name="Adults", ledger=ledger, command="by hand")


def test_every_figure_names_query_data_release_and_command(
    release: CohortRelease, table: ResearchTable
) -> None:
    origin = release.origin()
    for part in (QUERY.sha256[:12], table.fingerprint[:12], "simulated-release-1", "by hand"):
        assert part in origin


def test_asking_again_shows_the_same_numbers_and_makes_no_second_release(
    release: CohortRelease, table: ResearchTable, ledger: Ledger
) -> None:
    again = release_cohort(table, QUERY, name="Other name", ledger=ledger, command="again")
    assert again.document == json.loads(json.dumps(release.document))
    assert len(list(ledger.documents())) == 1


def test_the_same_query_in_a_new_ledger_gives_the_same_figures(
    release: CohortRelease, table: ResearchTable, tmp_path: Path
) -> None:
    fresh = Ledger(folder=tmp_path / "releases")
    again = release_cohort(table, QUERY, name="Adults", ledger=fresh, command="by hand")
    assert json.dumps(again.document["figures"]) == json.dumps(release.document["figures"])


def test_no_count_of_one_to_nine_stands_anywhere(release: CohortRelease) -> None:
    for figure in release.figures:
        for record in figure.records():
            women = record.get("women")
            assert women == WITHHELD or women is None or women == 0 or int(women) >= 10
            if women == WITHHELD and "share" in record:
                assert record["share"] == record["low"] == record["high"] == WITHHELD


def test_shown_counts_are_those_of_plain_counting(
    release: CohortRelease, visits: list[SimulatedVisit]
) -> None:
    latest: dict[str, SimulatedVisit] = {}
    for visit in visits:
        age = visit.chart.patient.age_years
        if age is not None and 16 <= age <= 45:
            key = str(visit.facts.patient_id)
            if key not in latest or visit.facts.performed_on >= latest[key].facts.performed_on:  # type: ignore[operator]
                latest[key] = visit
    assert release.document["women"] == len(latest)
    unknown = sum(v.rows().assessment["amh_ng_ml"] is None for v in latest.values())
    missing = {r["label"]: r["women"] for r in release.figure("missing").records()}
    assert missing["AMH"] == unknown
    rows = [v.rows().assessment for v in latest.values()]
    pairs = [
        (r["amh_ng_ml"], r["fnpo_largest"])
        for r in rows
        if r["amh_ng_ml"] is not None and r["fnpo_largest"] is not None
    ]
    rho = float(spearmanr(*zip(*pairs, strict=True)).statistic)
    assert f"{rho:.2f}" in release.figure("follicles_amh").summary[0]


def test_figures_come_back_from_the_document(release: CohortRelease) -> None:
    for figure in release.figures:
        assert figure_from(json.loads(json.dumps(figure.as_data()))) == figure
    with pytest.raises(InvalidInput, match="no such figure"):
        release.figure("hair colour")


def test_before_a_release_the_size_is_told_to_the_nearest_ten_below(
    release: CohortRelease, table: ResearchTable
) -> None:
    assert rounded_size(table, QUERY) == release.document["women"] // 10 * 10


def test_noise_is_drawn_once_kept_and_paid_for(table: ResearchTable, tmp_path: Path) -> None:
    pytest.importorskip("opendp", reason="noise needs the research extra")
    fresh = Ledger(folder=tmp_path / "releases")
    one = release_cohort(table, QUERY, name="Noisy", ledger=fresh, command="x", epsilon=2.0)
    same = release_cohort(table, QUERY, name="Noisy", ledger=fresh, command="x", epsilon=2.0)
    assert json.dumps(one.document) == json.dumps(same.document)
    assert fresh.spent() == 2.0
    with pytest.raises(InvalidInput, match="budget of these data is spent"):
        release_cohort(table, QUERY, name="More", ledger=fresh, command="x", epsilon=1.5)


def test_two_releases_at_once_do_not_pass_each_other(table: ResearchTable, tmp_path: Path) -> None:
    fresh = Ledger(folder=tmp_path / "releases")
    with fresh.alone(), pytest.raises(TemporaryFailure, match="another cohort is being released"):
        release_cohort(table, QUERY, name="Second", ledger=fresh, command="x")
    with fresh.alone():
        assert list(fresh.documents()) == []


def test_a_damaged_release_stops_later_ones(table: ResearchTable, tmp_path: Path) -> None:
    fresh = Ledger(folder=tmp_path / "releases")
    release_cohort(table, QUERY, name="One", ledger=fresh, command="x")
    [(place, _)] = fresh.documents()
    (place / "release.json").write_text("{", encoding="utf-8")
    other = CohortQuery(criteria=parse_criteria(["route=transvaginal"]))
    with pytest.raises(ContractBroken, match="a release in the ledger is damaged"):
        release_cohort(table, other, name="Two", ledger=fresh, command="x")


def test_intervals_agree_with_known_answers() -> None:
    assert share(15, 50).words() == "0.30 (0.19 to 0.44)"
    low, high = median_positions(100)
    assert (round(low * 99) + 1, round(high * 99) + 1) == (40, 61)
    change = paired_change(only_before=30, only_after=10, total=200)
    assert change.words(3) == "-0.100 (-0.160 to -0.040)"
    x = np.arange(40.0)
    assert rank_correlation(x, x**3).value == pytest.approx(1.0)


def test_an_interval_of_women_is_wider_than_one_of_rows_that_repeat_them() -> None:
    chance = np.random.default_rng(3)
    values = np.repeat(chance.normal(size=(40, 1)), 10, axis=0)
    women = [str(n // 10) for n in range(400)]
    by_women = resampled(lambda v: float(v.mean()), values, women)
    by_rows = resampled(lambda v: float(v.mean()), values, [str(n) for n in range(400)])
    assert by_women.high - by_women.low > 2 * (by_rows.high - by_rows.low)


def test_a_constant_difference_lowers_absolute_agreement() -> None:
    base = np.arange(20.0)
    assert agreement_icc(np.column_stack([base, base])) == pytest.approx(1.0)
    assert agreement_icc(np.column_stack([base, base + 8])) < 0.6
