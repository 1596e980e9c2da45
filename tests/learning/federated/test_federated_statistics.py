"""Statistics over sites: what is counted, what stays at a site, what is refused."""

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="federated statistics need the train extra")
pytest.importorskip("scipy", reason="the rule of suppression needs the research extra")

from deeppcos.app.disclosed import withheld_cells
from deeppcos.errors import InvalidInput
from deeppcos.learning.classify.examples import Example
from deeppcos.learning.federated.pooled import pooled, told
from deeppcos.learning.federated.question import Question, question_from
from deeppcos.learning.federated.statistics import answer_of, as_text, rows_of

ASKED = Question(counts=(("class", "scanner"),), values={"age_years": (18, 25, 35, 45)})


def rows(count: int, start: int = 0, **said: str) -> list[dict[str, str]]:
    known = {"class": "ovary", "scanner": "V8", "age_years": "30"} | said
    return [{"file": f"{n}.png", "group": f"p{n}", **known} for n in range(start, start + count)]


def test_patients_are_counted_not_pictures() -> None:
    answer = answer_of([*rows(30), *rows(30)], ASKED, withheld_cells)
    assert answer.tables["class x scanner"] == {"ovary / V8": 30}
    assert answer.tables["age_years"] == {"1": 30}


def test_small_cells_stay_at_the_site_with_their_names_and_one_more_hides_them() -> None:
    said = [*rows(40), *rows(30, 40, scanner="E10"), *rows(3, 70, scanner="serial 4711")]
    answer = answer_of(said, ASKED, withheld_cells)
    assert answer.tables["class x scanner"] == {"ovary / V8": 40}
    assert answer.withheld["class x scanner"] == 2
    assert "4711" not in json.dumps(as_text(answer))


def test_what_is_missing_is_counted_as_missing_and_never_as_a_number() -> None:
    said = [*rows(30), *rows(20, 30, age_years="", scanner="")]
    answer = answer_of(said, ASKED, withheld_cells)
    assert answer.tables["age_years"] == {"1": 30, "missing": 20}
    assert answer.tables["class x scanner"] == {"ovary / V8": 30, "ovary / missing": 20}


def test_values_outside_the_edges_are_counted_outside() -> None:
    said = [*rows(12, age_years="17"), *rows(12, 12, age_years="45"), *rows(12, 24, age_years="46")]
    answer = answer_of(said, ASKED, withheld_cells)
    assert answer.tables["age_years"] == {"below": 12, "2": 12, "above": 12}


def test_a_patient_whose_pictures_disagree_is_counted_once() -> None:
    said = [*rows(20), *rows(12), *rows(12, scanner="E10")]
    answer = answer_of(said, ASKED, withheld_cells)
    assert answer.tables["class x scanner"] == {}  # 8 on one scanner, 12 on several
    assert answer.withheld["class x scanner"] == 2


def test_too_few_patients_tell_nothing() -> None:
    with pytest.raises(InvalidInput, match="too few patients"):
        answer_of(rows(9), ASKED, withheld_cells)


@pytest.mark.parametrize("column", ["file", "group", "name"])
def test_names_of_patients_are_no_column(column: str) -> None:
    with pytest.raises(InvalidInput, match="does not have or does not tell"):
        answer_of(rows(30), replace(ASKED, counts=((column,),)), withheld_cells)


@pytest.mark.parametrize("value", ["thirty", "nan", "inf"])
def test_a_value_that_is_no_number_is_refused_at_the_site(value: str) -> None:
    with pytest.raises(InvalidInput, match="age_years"):
        answer_of(rows(30, age_years=value), ASKED, withheld_cells)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"fewest": 9}, "so few patients"),
        ({"fewest": True}, "so few patients"),
        ({"counts": [["class"], ["class", "scanner"]]}, "two tables"),
        ({"counts": [["age"]], "values": {"age": [1, 2]}}, "two tables"),
        ({"counts": [], "values": {}}, "without a column"),
        ({"values": {"age": [3, 2]}}, "no edges"),
        ({"values": {"age": [1]}}, "no edges"),
        ({"colour": "red"}, "not a question"),
        ([], "not a question"),
    ],
    ids=["few", "true", "shared", "both", "empty", "falling", "one edge", "unknown", "list"],
)
def test_a_question_that_would_tell_of_single_patients_is_none(
    tmp_path: Path, content: object, words: str
) -> None:
    (tmp_path / "question.json").write_text(json.dumps(content))
    with pytest.raises(InvalidInput, match=words):
        question_from(tmp_path / "question.json")


def test_a_table_is_joined_by_patient_and_what_it_does_not_name_is_missing(tmp_path: Path) -> None:
    def example(n: int) -> Example:
        grey = np.full((4, 4), 0.25, np.float32)
        return Example(name=f"{n}.png", group=f"p{n // 2}", label="ovary", side="", picture=grey)

    file = tmp_path / "t.csv"
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows([["group", "scanner"], ["p0", "V8"]])
    found = rows_of([example(n) for n in range(4)], file)
    assert [row["scanner"] for row in found] == ["V8", "V8", "", ""]
    assert found[0]["grey_mean"] == "0.250000"
    assert found[0]["pictures"] == "2"
    file.write_text("group,class\np0,x\n")
    with pytest.raises(InvalidInput, match="cannot be joined"):
        rows_of([example(0)], file)
    file.write_text("group,scanner\np0,x\np0,y\n")
    with pytest.raises(InvalidInput, match="cannot be joined"):
        rows_of([example(0)], file)


def two_sites() -> dict[str, Mapping[str, object]]:
    north = [*rows(40), *rows(20, 40, scanner="E10", age_years="20")]
    south = [*rows(30, age_years="40"), *rows(12, 30, age_years=""), *rows(2, 50, scanner="E10")]
    return {
        name: as_text(answer_of(one, ASKED, withheld_cells))
        for name, one in (("north", north), ("south", south))
    }


def test_sites_add_up_and_what_a_site_withheld_is_named() -> None:
    found = pooled(two_sites(), ASKED)
    assert found["counts"]["class x scanner"] == {"ovary / V8": 40, "ovary / E10": 20}
    assert found["withheld_at"] == {"class x scanner": ["south"], "age_years": ["south"]}
    age = found["values"]["age_years"]
    assert age["patients"] == [20, 40, 30]
    assert age["quantiles"]["0.5"] == (25, 35)
    low, high = age["mean"]
    assert low <= (20 * 20 + 40 * 30 + 30 * 40) / 90 <= high


@pytest.mark.parametrize(
    "change",
    [
        {"tables": {}},
        {"withheld": 3},
        {"tables": {"class x scanner": {"ovary": 3}, "age_years": {}}},
        {"tables": {"class x scanner": {"ovary": 30.5}, "age_years": {}}},
        {"tables": {"class x scanner": {}, "age_years": {}}, "withheld": {"age_years": -1}},
    ],
    ids=["other tables", "no table", "a few", "half a patient", "negative"],
)
def test_an_answer_that_was_not_agreed_is_left_out(change: dict[str, object]) -> None:
    whole = dict(two_sites()["north"])
    assert told(whole, ASKED) == whole
    with pytest.raises(InvalidInput, match="not asked"):
        told(whole | change, ASKED)


@given(
    st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 60), min_size=1),
    st.integers(10, 15),
)
def test_no_cell_of_a_few_is_shown_or_can_be_worked_out(cells: dict[str, int], fewest: int) -> None:
    hidden = withheld_cells(cells, fewest)
    shown = {name for name, n in cells.items() if n and name not in hidden}
    assert all(cells[name] >= fewest for name in shown)
    small = [n for n in cells.values() if 0 < n < fewest]
    if small and sum(cells.values()) >= fewest:
        assert len(hidden) >= 2
        assert sum(cells[name] for name in hidden) >= fewest
