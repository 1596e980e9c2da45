"""The dictionary: complete, consistent, and printed as the page says."""

from pathlib import Path

import pytest

from deeppcos.learning.risk.adapters import ADAPTERS, Adapter
from deeppcos.learning.risk.dictionary import BY_NAME, FEATURES, INGREDIENTS, Tier, feature_names
from deeppcos.learning.risk.dictionary_page import dictionary_page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "risk-data-dictionary.md"


def test_the_page_is_what_the_command_prints() -> None:
    assert PAGE.read_text(encoding="utf-8").strip() == dictionary_page().strip()


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda a: a.name)
def test_every_column_holds_a_known_feature_once(adapter: Adapter) -> None:
    features = [column.feature for column in adapter.columns]
    assert len(features) == len(set(features))
    assert set(features) <= set(BY_NAME)


def test_every_constraint_has_a_reason_and_every_limit_an_order() -> None:
    for feature in (*FEATURES, *INGREDIENTS):
        assert feature.because
        assert feature.low < feature.high
        usual = feature.usual_median
        assert usual is None or feature.low <= usual[0] < usual[1] <= feature.high


def test_the_criteria_of_the_label_are_marked() -> None:
    marked = {feature.name for feature in FEATURES if feature.defines_label}
    assert marked == {
        "cycle_irregular",
        "hair_growth",
        "hair_loss",
        "acne",
        "follicles_left",
        "follicles_right",
    }
    without = feature_names(Tier.ULTRASOUND, with_label_defining=False)
    assert not marked & set(without)


def test_each_tier_holds_the_one_before_it() -> None:
    for tier in Tier:
        if tier > 1:
            assert set(feature_names(Tier(tier - 1))) < set(feature_names(tier))
