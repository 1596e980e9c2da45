"""The gate, whole: check the test set, look with both releases, ask every question, write it down.

Owns the order. Nothing is trained or promoted here.
"""

import datetime
import hashlib
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.learning.gate.checks import (
    Check,
    Cost,
    costs,
    enough_patients,
    learned_from_what_it_says,
    no_subgroup_falls,
    not_worse,
    nothing_leaked,
    probabilities_and_abstention,
)
from deeppcos.learning.gate.comparison import differences, served
from deeppcos.learning.gate.frozen import FrozenTestSet, refuse_overlap, still_frozen
from deeppcos.learning.gate.leakage import find_leakage
from deeppcos.learning.gate.plan import LearningPlan
from deeppcos.learning.gate.report import SCHEMA_NAME, GateReport, answered, as_markdown, compared
from deeppcos.learning.samples import Sample
from deeppcos.learning.train.config import fingerprint
from deeppcos.vision.release import Release, load_release

TIMED_PICTURES = 12
DRAWN = "synthetic"
REPORT_FILE = "gate.json"
PAGE_FILE = "gate.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A release, and how large its weights are.

    Attributes:
        release: Loaded and checked.
        megabytes: Size of the weights, MB.
    """

    release: Release
    megabytes: float


def contestant(folder: Path) -> Contestant:
    """Load a release for comparison.

    Args:
        folder: Folder of the release.

    Returns:
        The release with its size.

    Raises:
        ContractBroken: If it is not whole.
    """
    release = load_release(folder, threads=2)
    size = (folder / release.manifest.weights_file).stat().st_size
    return Contestant(release=release, megabytes=size / 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Who is compared, on what.

    Attributes:
        current: The release that is served.
        candidate: The release that would replace it.
        plan: What was decided beforehand.
        frozen: The frozen test set.
        test: What is on disk for it; may hold more.
        training: Everything the candidate may have learned from, drawn scenes included.
        command: What repeats this.
    """

    current: Contestant
    candidate: Contestant
    plan: LearningPlan
    frozen: FrozenTestSet
    test: Sequence[Sample]
    training: Sequence[Sample]
    command: str


def decide(contest: Contest) -> GateReport:
    """Ask the plan's questions.

    Args:
        contest: Who is compared, on what.

    Returns:
        The report, whose ``is_passed`` is the verdict.

    Raises:
        ContractBroken: If the test set is not the frozen one.
        InvalidInput: If training touches the test set, or the candidate is the current release.
    """
    current, candidate = contest.current.release, contest.candidate.release
    plan = contest.plan
    if current.manifest.weights_sha256 == candidate.manifest.weights_sha256:
        raise InvalidInput(
            "the candidate has the weights of the current release",
            value=candidate.manifest.weights_sha256[:12],
            remedy="train a candidate first",
        )
    stated = str(candidate.manifest.training.get("samples", {}).get("sha256", ""))
    test = still_frozen(contest.frozen, contest.test)
    refuse_overlap(contest.frozen, contest.training)
    now, then = (served(test, current), current), (served(test, candidate), candidate)
    found = differences(now, then, rounds=plan.bootstrap_rounds)
    checks: list[Check] = [
        enough_patients(now[0], plan),
        learned_from_what_it_says(stated, str(fingerprint(contest.training)["sha256"])),
        nothing_leaked(find_leakage(_real(contest.training), test)),
        *not_worse(found, plan),
        *no_subgroup_falls(now, then, plan),
        *probabilities_and_abstention(found, plan),
        *costs(*timed(contest.current, contest.candidate, test), plan),
    ]
    return GateReport(
        schema=SCHEMA_NAME,
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        plan=plan.name,
        plan_sha256=hashlib.sha256(plan.model_dump_json().encode()).hexdigest(),
        test_set=contest.frozen.name,
        test_set_sha256=contest.frozen.sha256,
        current=current.manifest.name,
        current_sha256=current.manifest.weights_sha256,
        candidate=candidate.manifest.name,
        candidate_sha256=candidate.manifest.weights_sha256,
        training_sha256=stated,
        is_passed=all(check.is_passed for check in checks),
        approvals=plan.approvals,
        questions=tuple(answered(check) for check in checks),
        measures=tuple(compared(difference) for difference in found.values()),
        command=contest.command,
    )


def _real(samples: Sequence[Sample]) -> list[Sample]:
    """Scenes drawn by the program can be no copy of a patient."""
    return [sample for sample in samples if sample.source != DRAWN]


def timed(current: Contestant, candidate: Contestant, test: Sequence[Sample]) -> tuple[Cost, Cost]:
    """Time both releases in turn on the same pictures, so that a busy machine is busy for both.

    Args:
        current: The current release.
        candidate: The candidate.
        test: Pictures; the first dozen are used.

    Returns:
        Cost of the current release, and of the candidate.
    """
    seconds: dict[str, list[float]] = {"current": [], "candidate": []}
    for sample in test[:TIMED_PICTURES]:
        for which, one in (("current", current), ("candidate", candidate)):
            begun = time.perf_counter()
            served([sample], one.release)
            seconds[which].append(time.perf_counter() - begun)
    return (
        Cost(seconds=statistics.median(seconds["current"]), megabytes=current.megabytes),
        Cost(seconds=statistics.median(seconds["candidate"]), megabytes=candidate.megabytes),
    )


def write_report(report: GateReport, folder: Path) -> Path:
    """Write the page first and the document last, whose existence means a complete report.

    Args:
        report: The report.
        folder: Where both go.

    Returns:
        The document.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE_FILE).write_text(as_markdown(report), encoding="utf-8")
    file = folder / REPORT_FILE
    file.write_text(report.model_dump_json(indent=1, by_alias=True) + "\n", encoding="utf-8")
    return file
