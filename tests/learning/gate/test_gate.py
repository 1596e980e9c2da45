"""The gate: a worse candidate is refused whatever its average, training never touches the test."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning.gate.comparison import BETTER, differences, served
from deeppcos.learning.gate.decide import Contest, Contestant, decide
from deeppcos.learning.gate.frozen import FrozenTestSet, freeze, refuse_overlap, still_frozen
from deeppcos.learning.gate.leakage import find_leakage
from deeppcos.learning.gate.plan import LearningPlan, default_plan
from deeppcos.learning.gate.report import GateReport, as_markdown
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.synthetic import draw_synthetic
from deeppcos.learning.train.config import fingerprint
from deeppcos.vision.release import Network, Release, load_release

Maps = npt.NDArray[np.float32]
Answer = tuple[Maps, Maps]


@cache
def pictures() -> tuple[Sample, ...]:
    """Phantoms as patients: two pictures a group, a third without any ovary."""
    drawn = draw_synthetic(count=20, seed=5)
    return tuple(
        replace(one, name=f"p{number:02}", group=f"patient{number // 2}")
        for number, one in enumerate(drawn)
    )


@cache
def current() -> Release:
    """The shipped release without its finer squares: a quarter of the looks, the same gate."""
    shipped = load_release(threads=2)
    points = shipped.manifest.operating_points.model_copy(update={"finer_squares": 0})
    manifest = shipped.manifest.model_copy(update={"operating_points": points})
    return replace(shipped, manifest=manifest)


class Altered:
    """The shipped network with its answers changed."""

    def __init__(self, change: Callable[[Maps, Maps], Answer]) -> None:
        self.change = change

    def __call__(self, pictures: Maps) -> Answer:
        return self.change(*current().network(pictures))


def candidate(network: Network, name: str = "candidate") -> Release:
    learned = {"samples": fingerprint(())}
    manifest = current().manifest.model_copy(
        update={
            "name": name,
            "training": learned,
            "weights_sha256": name.encode().hex().ljust(64, "0")[:64],
        }
    )
    return Release(manifest=manifest, network=network)


def frozen_set(samples: Sequence[Sample]) -> FrozenTestSet:
    return freeze(samples, name="phantoms", frozen_on="2026-01-05", frozen_by="a tester")


def loose_plan() -> LearningPlan:
    """The suggested plan for a dozen phantom patients, timing aside: tests share a machine."""
    return default_plan(written_by=("a tester",), written_on="2026-01-05").model_copy(
        update={"most_seconds_ratio": 1000.0, "bootstrap_rounds": 200}
    )


def gate(release: Release, *, training: Sequence[Sample] = ()) -> GateReport:
    return decide(
        Contest(
            current=Contestant(release=current(), megabytes=5.7),
            candidate=Contestant(release=release, megabytes=5.7),
            plan=loose_plan(),
            frozen=frozen_set(pictures()),
            test=pictures(),
            training=training,
            command="deeppcos learn gate",
        )
    )


def failed(report: GateReport) -> set[str]:
    return {q.question.split(":")[0] for q in report.questions if not q.is_passed}


@pytest.mark.slow
def test_a_candidate_that_answers_the_same_passes_with_no_change() -> None:
    report = gate(candidate(Altered(lambda maps, answers: (maps, answers))))
    assert report.is_passed, failed(report)
    assert {m.change.value for m in report.measures} == {0.0}
    assert len(report.measures) >= 7
    assert "may replace" in as_markdown(report)


@pytest.mark.slow
def test_a_candidate_that_merges_follicles_is_refused_and_the_page_says_why() -> None:
    def blurred(maps: Maps, answers: Maps) -> Answer:
        soft = np.stack([[cv2.GaussianBlur(m, (0, 0), 6.0) for m in one] for one in maps])
        return soft.astype(np.float32), answers

    report = gate(candidate(Altered(blurred)))
    assert not report.is_passed
    assert "follicle F1 at IoU 0.3" in failed(report)
    page = as_markdown(report)
    assert "may not replace" in page
    assert page.index("**no**") < page.index("| yes |")


@pytest.mark.slow
def test_a_candidate_that_takes_everything_for_an_ovary_is_refused() -> None:
    def sure(maps: Maps, answers: Maps) -> Answer:
        whole = maps.copy()
        whole[:, 0] = 1.0
        return whole, np.ones_like(answers)

    assert not gate(candidate(Altered(sure))).is_passed


def test_the_same_weights_under_another_name_are_no_candidate() -> None:
    with pytest.raises(InvalidInput, match="weights of the current release"):
        gate(current())


@pytest.mark.slow
def test_a_candidate_that_learned_from_something_else_than_it_says_is_refused() -> None:
    (other,) = draw_synthetic(count=1, seed=99)
    same = candidate(Altered(lambda maps, answers: (maps, answers)))
    report = gate(same, training=[replace(other, group="somebody else")])
    assert failed(report) == {"learned from the stated data without the test patients"}


@pytest.mark.slow
def test_the_change_is_paired_and_its_sign_follows_the_measure() -> None:
    def nothing(maps: Maps, answers: Maps) -> Answer:
        return np.zeros_like(maps), answers

    blind = candidate(Altered(nothing))
    some = [p for p in pictures() if p.kind == "ovary"][:6]
    now, then = served(some, current()), served(some, blind)
    found = differences((now, current()), (then, blind), rounds=50)
    assert found["ovary missed"].candidate.value == 1.0
    gain, least = found["ovary missed"].gain, found["ovary missed"].least_gain
    assert gain is not None
    assert least is not None
    assert least <= gain <= 0.0
    assert set(found) <= set(BETTER)


def test_one_changed_pixel_unfreezes_the_test_set() -> None:
    frozen = frozen_set(pictures())
    first = pictures()[0]
    grey = first.raw_grey.copy()
    grey[0, 0] ^= 1
    with pytest.raises(ContractBroken, match="other pixels"):
        still_frozen(frozen, (replace(first, raw_grey=grey), *pictures()[1:]))


def test_a_mark_taken_away_unfreezes_the_test_set() -> None:
    frozen = frozen_set(pictures())
    marked = next(p for p in pictures() if any(p.readings.values()))
    bare = replace(marked, readings=dict.fromkeys(marked.readings, ()))
    with pytest.raises(ContractBroken, match="other marks"):
        still_frozen(frozen, [bare if p.name == bare.name else p for p in pictures()])


def test_a_missing_picture_unfreezes_the_test_set() -> None:
    with pytest.raises(ContractBroken, match="missing"):
        still_frozen(frozen_set(pictures()), pictures()[1:])


def test_a_test_set_of_ovaries_alone_cannot_be_frozen() -> None:
    with pytest.raises(InvalidInput, match="one kind"):
        frozen_set([p for p in pictures() if p.kind == "ovary"])


def test_a_test_picture_under_another_name_and_patient_may_not_be_trained_on() -> None:
    renamed = replace(pictures()[3], name="new", group="somebody else")
    with pytest.raises(InvalidInput, match="equal pixels"):
        refuse_overlap(frozen_set(pictures()), [renamed])


def test_another_picture_of_a_test_patient_may_not_be_trained_on() -> None:
    (other,) = draw_synthetic(count=1, seed=99)
    with pytest.raises(InvalidInput, match="patient patient0"):
        refuse_overlap(frozen_set(pictures()), [replace(other, group="patient0")])


def test_other_patients_may_be_trained_on() -> None:
    (other,) = draw_synthetic(count=1, seed=99)
    refuse_overlap(frozen_set(pictures()), [replace(other, group="somebody else")])


def test_a_test_picture_mirrored_and_cropped_is_found_in_training() -> None:
    test = pictures()[:6]
    taken = test[2].raw_grey[:, ::-1][12:-12, 12:-12].copy()
    copied = replace(test[2], name="copied", group="x", raw_grey=taken, grey=taken)
    (fresh,) = draw_synthetic(count=1, seed=99)
    found = find_leakage([replace(fresh, name="fresh"), copied], test)
    assert found.pairs == (("copied", test[2].name),)


def test_a_plan_needs_two_people_and_a_known_measure() -> None:
    plan = default_plan(written_by=("a", "b"))
    assert plan.approvals >= 2
    assert {m.name for m in plan.primary} <= set(BETTER)
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        LearningPlan.model_validate({**plan.model_dump(by_alias=True), "approvals": 1})
