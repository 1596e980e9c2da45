import pytest

from deeppcos.clinical.plausibility import LIMITS, require_plausible
from deeppcos.errors import InvalidInput


@pytest.mark.parametrize("field", LIMITS)
def test_a_value_at_either_limit_passes_and_beyond_is_asked_back(field: str) -> None:
    limit = LIMITS[field]
    step = 1 if limit.is_whole else 0.01
    require_plausible(field, limit.low)
    require_plausible(field, limit.high)
    for beyond in (limit.low - step, limit.high + step):
        with pytest.raises(InvalidInput) as refusal:
            require_plausible(field, beyond)
        assert field in str(refusal.value)
        assert limit.unit in refusal.value.accepted


def test_unknown_always_passes_and_infinity_never_does() -> None:
    require_plausible("patient.age_years", None)
    with pytest.raises(InvalidInput):
        require_plausible("patient.age_years", float("inf"))


def test_a_count_must_be_whole() -> None:
    with pytest.raises(InvalidInput, match="whole number"):
        require_plausible("ovary.fnpo", 12.5)
