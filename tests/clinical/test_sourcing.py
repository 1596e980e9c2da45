from dataclasses import replace

import pytest

from deeppcos.clinical.ovulation import FEW_CYCLES, LONG_INTERVAL
from deeppcos.clinical.profiles import FNPO_2023


def test_relations_hold_at_just_below_and_just_above() -> None:
    assert [FNPO_2023.applies_to(n) for n in (19, 20, 21)] == [False, True, True]
    assert [LONG_INTERVAL.applies_to(n) for n in (34, 35, 36)] == [False, False, True]
    assert [FEW_CYCLES.applies_to(n) for n in (7, 8, 9)] == [True, False, False]


def test_a_rule_prints_its_source_and_verification() -> None:
    assert str(FNPO_2023) == "≥ 20 follicles (2023 International Guideline [G2, G3, G7]; V2)"


@pytest.mark.parametrize(
    ("by", "on", "shown"),
    [
        (None, None, None),
        ("Dr A", None, None),
        (None, "2026-11-23", None),
        ("Dr A", "2026-11-23", "1.4.1"),
    ],
)
def test_a_recommendation_number_needs_a_verifier_and_a_date(
    by: str | None, on: str | None, shown: str | None
) -> None:
    rule = replace(FNPO_2023, recommendation="1.4.1", verified_by=by, verified_on=on)
    assert rule.shown_recommendation == shown
