"""Tables of subgroups: right figures, small groups withheld and not to be worked out."""

import pytest

from deeppcos.research.monitoring.subgroups import (
    PROPERTIES,
    Case,
    GroupTable,
    age_band,
    bmi_band,
    tables,
)

pytest.importorskip("scipy", reason="tables need the research extra")


def table(cases: list[Case], title: str) -> GroupTable:
    return next(one for one in tables(cases) if one.title == title)


def cases_of(**sizes: int) -> list[Case]:
    return [Case(vendor=name) for name, size in sizes.items() for _ in range(size)]


def test_figures_are_those_of_the_group() -> None:
    cases = [
        Case(vendor="A", abstained=n < 5, edits=int(n < 10), count_difference=2.0)
        for n in range(20)
    ] + [Case(vendor="B", abstained=False) for _ in range(20)]
    rows = {row.group: row for row in table(cases, "Scanner").rows}
    a, b = rows["A"], rows["B"]
    assert a.abstained is not None
    assert a.corrected is not None
    assert a.difference is not None
    assert (a.women, a.abstained.value, a.corrected.value) == (20, 0.25, 0.5)
    assert (a.difference.value, a.difference.low) == (2.0, 2.0)
    assert (b.corrected, b.difference, b.outside) == (None, None, None)


def test_a_small_group_takes_another_with_it() -> None:
    rows = {row.group: row.women for row in table(cases_of(A=47, B=20, C=3), "Scanner").rows}
    assert rows == {"A": 47, "B": None, "C": None}


def test_one_small_group_beside_one_large_shows_neither() -> None:
    shown = [row.women for row in table(cases_of(A=37, B=3), "Scanner").rows]
    assert all(women is None for women in shown)


def test_tables_change_by_ten_women_at_once() -> None:
    at_forty, at_forty_nine = cases_of(A=40), cases_of(A=49)
    assert tables(at_forty) == tables(at_forty_nine)


def test_sites_are_compared_over_all_of_them_and_a_small_one_is_withheld() -> None:
    here = [Case(site="Riverside", vendor="A") for _ in range(20)]
    elsewhere = [Case(site="Hillside", vendor="B") for _ in range(36)]
    elsewhere += [Case(site="Lakeside", vendor="B") for _ in range(4)]
    every = {one.title: one for one in tables(here, beside=[*here, *elsewhere])}
    assert [row.group for row in every["Scanner"].rows] == ["A"]
    rows = {row.group: row.women for row in every["Site"].rows}
    assert rows["Lakeside"] is None
    assert sorted(name for name, women in rows.items() if women is not None) in (
        ["Hillside"],
        ["Riverside"],
    )


def test_no_women_make_empty_tables() -> None:
    assert all(one.rows == () for one in tables([]))


def test_there_is_a_table_of_every_property_the_issue_names() -> None:
    wanted = {"Age", "Body mass index", "Population", "Scanner", "Route", "Site", "Phenotype"}
    assert set(PROPERTIES) == wanted


@pytest.mark.parametrize(
    ("years", "band"),
    [(None, "unknown"), (15.0, "under 20"), (24.9, "20 to 24"), (40.0, "40 and over")],
)
def test_ages_fall_into_bands(years: float | None, band: str) -> None:
    assert age_band(years) == band


def test_an_unknown_body_mass_index_is_no_band() -> None:
    assert bmi_band(None) == "unknown"
