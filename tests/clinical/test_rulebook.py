from pathlib import Path

import pytest

from deeppcos.clinical.rulebook import as_markdown, rules
from deeppcos.clinical.sourcing import Rule, Verification

PAGE = Path(__file__).parents[2] / "docs" / "clinical-rules.md"
EVERY_RULE = sorted({rule for found in rules().values() for rule in found}, key=lambda r: r.key)


def test_the_published_page_is_the_one_the_code_writes() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == as_markdown(), "write it anew with deeppcos.clinical.rulebook.as_markdown"


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.key)
def test_every_rule_has_its_source_and_verification_on_the_page(rule: Rule) -> None:
    assert rule.source
    assert rule.text.endswith(".")
    row = next(x for x in as_markdown().splitlines() if x.startswith(f"| `{rule.key}` |"))
    assert f"{rule.value:g}" in row
    assert f"| {rule.verification} |" in row


def test_keys_are_unique_and_nothing_claims_a_check_it_has_not_had() -> None:
    assert len({rule.key for rule in EVERY_RULE}) == len(EVERY_RULE)
    assert len(EVERY_RULE) > 50
    assert all((r.verified_by is None) == (r.verified_on is None) for r in EVERY_RULE)
    assert {r.verification for r in EVERY_RULE} == set(Verification)
