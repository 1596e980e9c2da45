"""A saved query asks what it says, of known values only, and is the same query by its hash."""

import dataclasses

import pytest

from deeppcos.errors import InvalidInput
from deeppcos.research.cohort import VIEW, open_cohort
from deeppcos.research.query import CohortQuery, Take, parse_criteria, query_from
from deeppcos.research.simulation import SimulatedVisit
from deeppcos.research.table import ResearchTable


def asked(*texts: str, take: Take = Take.LATEST) -> CohortQuery:
    return CohortQuery(criteria=parse_criteria(texts), take=take)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age", "could not be read"),
        ("age_year=18..40", "did you mean age_years"),
        ("age_years=40..18", "a lower end below the upper one"),
        ("age_years=18,5..40", "a number with a decimal point"),
        ("age_years=18", "a range such as 18..40"),
        ("performed_on=3/4/2026..", "a date such as 2026-01-31"),
        ("status=diagnosed", "criteria_met"),
        ("consent=perhaps", "true, false"),
        ("axis_metabolic=high", "whole numbers"),
        ("route=transvaginal..transrectal", "values of a text column"),
        ("patient_id=P-1", "names no column"),
        ("age_years=1..'; DROP TABLE cohort; --", "a number with a decimal point"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        asked(text)


def test_a_field_asked_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a field is asked twice"):
        asked("age_years=18..", "age_years=..40")


def test_the_document_brings_back_the_query_and_its_hash() -> None:
    query = asked("phenotype=A,B", "age_years=18..40", "amh_ng_ml=known", take=Take.FIRST)
    again = query_from(query.as_data())
    assert again.sha256 == query.sha256
    assert query_from(query.as_data() | {"name": "ours"}).sha256 == query.sha256


def test_another_criterion_is_another_query() -> None:
    assert asked("age_years=18..40").sha256 != asked("age_years=18..41").sha256
    with pytest.raises(dataclasses.FrozenInstanceError):
        asked().take = Take.FIRST  # type: ignore[misc]


def test_text_of_a_user_is_a_value_and_never_a_statement(table: ResearchTable) -> None:
    query = asked("manufacturer=Aurora' OR 1=1 --")
    with open_cohort(table, query) as cohort:
        assert cohort.women == 0


def test_unknown_never_fulfils_a_criterion(table: ResearchTable) -> None:
    with (
        open_cohort(table, asked("amh_ng_ml=0..1000")) as inside,
        open_cohort(table, asked("amh_ng_ml=known")) as known,
    ):
        assert inside.women == known.women
        assert inside.rows(f"SELECT count(*) FROM {VIEW} WHERE amh_ng_ml IS NULL") == [(0,)]


@pytest.mark.parametrize(
    ("low", "width", "first"), [(14, 60, False), (18, 22, True), (30, 3, False), (45, 1, True)]
)
def test_a_cohort_is_who_plain_counting_finds(
    table: ResearchTable, visits: list[SimulatedVisit], low: int, width: int, first: bool
) -> None:
    take = Take.FIRST if first else Take.LATEST
    fitting: dict[str, list[tuple[str, str]]] = {}
    for visit in visits:
        age = visit.chart.patient.age_years
        if age is not None and low <= age <= low + width:
            key = (str(visit.facts.performed_on), visit.facts.assessment_id)
            fitting.setdefault(str(visit.facts.patient_id), []).append(key)
    pick = min if first else max
    expected = {pick(several)[1] for several in fitting.values()}
    with open_cohort(table, asked(f"age_years={low}..{low + width}", take=take)) as cohort:
        found = {row[0] for row in cohort.rows(f"SELECT assessment_id FROM {VIEW}")}
    assert found == expected
