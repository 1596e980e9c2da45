"""Clinical sentences as a reader sees them: no codes, no doubled stops, sources set apart."""

import pytest

from deeppcos.app.report.sentences import POPULATIONS, clauses, sources_of, spelled, told
from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.patient import Population
from deeppcos.clinical.rulebook import rules
from deeppcos.clinical.sourcing import Rule

GUIDELINE = "2023 International Guideline (read in a secondary source only)"


@pytest.mark.parametrize(
    ("sentence", "shown", "sources"),
    [
        (
            "Usual cycle interval 52 days: irregular > 35 d (2023 International Guideline "
            "[G2, G4]; V2).",
            "Usual cycle interval 52 days: irregular > 35 days.",
            (GUIDELINE,),
        ),
        (
            "Acne: weak evidence on its own; does not decide [G2; V2].",
            "Acne: weak evidence on its own; does not decide.",
            (GUIDELINE,),
        ),
        (
            "Retest with other contraception. 2023 International Guideline [G2]; V2.",
            "Retest with other contraception.",
            (GUIDELINE,),
        ),
        (
            "17-OHP 84 ng/dL, not > 200 ng/dL (androgen excess table [T1]; study [T2]; V).",
            "17-OHP 84 ng/dL, not > 200 ng/dL.",
            ("androgen excess table; study (read in a primary source)",),
        ),
        ("FSH 5.6 [IU]/L: no limit.", "FSH 5.6 IU/L: no limit.", ()),
        ("BMI 27.9 kg/m2", "BMI 27.9 kg/m²", ()),
        ("total testosterone 1.27 x upper limit", "Total testosterone 1.27 × upper limit", ()),
        ("not recorded: 17_ohp, patient.pregnant", "Not recorded: 17-OHP, whether pregnant", ()),
        ("scans/right_fsh.dcm: no count", "scans/right_fsh.dcm: no count", ()),
        ("", "", ()),
    ],
)
def test_sentences_read_as_prose_and_keep_their_sources(
    sentence: str, shown: str, sources: tuple[str, ...]
) -> None:
    assert told(sentence) == shown
    assert sources_of([sentence]) == sources


def test_a_source_named_twice_is_told_once() -> None:
    assert sources_of(["a > 1 (g [G2]; V2).", "b > 2 (g [G3]; V2)."]) == (
        "g (read in a secondary source only)",
    )


def test_clauses_never_double_their_stops() -> None:
    assert clauses(["Waist 89 cm: ≥ 80 cm (tables [M1, M6]; V).", "HDL low."]) == (
        "Waist 89 cm: ≥ 80 cm; HDL low"
    )


@pytest.mark.parametrize(
    "rule", [rule for chapter in rules().values() for rule in chapter], ids=lambda rule: rule.key
)
def test_no_rule_leaves_a_code_of_its_source_behind(rule: Rule) -> None:
    sentence = f"Reading: {rule}."
    shown = told(sentence)
    assert "[" not in shown.replace("[IU]", "")
    assert shown.endswith(".")
    assert not shown.endswith((").", ".."))
    assert len(sources_of([sentence])) == 1


@pytest.mark.parametrize("population", Population)
def test_every_population_has_a_name(population: Population) -> None:
    spaced = population.value.replace("_", " ")
    assert spelled(f"mFG score 9, population {spaced}: x") == (
        f"mFG score 9, {POPULATIONS[spaced]} population: x"
    )


@pytest.mark.parametrize("analyte", Analyte)
def test_no_analyte_is_shown_by_its_code(analyte: Analyte) -> None:
    assert "_" not in spelled(f"not recorded: {analyte.value}, {analyte.value}.upper_limit")
