"""A little of the fuzz run of docs/evidence/fuzz-hl7-fhir.md, in every test run."""

import pytest

pytest.importorskip("hl7", reason="the records extra is not installed")
pytest.importorskip("fhir.resources", reason="the records extra is not installed")

from benchmarks.fuzz_messages import KINDS, run


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.replace(" ", "-"))
def test_what_is_damaged_is_read_or_refused_and_nothing_else(kind: str) -> None:
    outcomes, _ = run(kind, count=200, seed=7)
    assert outcomes.total() == 200
    assert len(outcomes) > 1, "damage that always or never shows tests nothing"


def test_the_same_seed_does_the_same_damage() -> None:
    assert (
        run("HL7 v2 messages", count=50, seed=3)[0] == run("HL7 v2 messages", count=50, seed=3)[0]
    )
