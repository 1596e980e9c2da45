"""Every question the plan asks of a candidate, answered one by one.

A question that cannot be answered is not passed. Owns the verdict; measuring is the business of
``comparison``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeppcos.learning.evaluate.compare import SampleResult
from deeppcos.learning.gate.comparison import (
    ABSTAINED,
    CALIBRATION,
    WRONGLY_ACCEPTED,
    Difference,
    differences,
)
from deeppcos.learning.gate.leakage import Leakage
from deeppcos.learning.gate.plan import LearningPlan, PrimaryMeasure
from deeppcos.vision.release import Release

Measured = tuple[Sequence[SampleResult], Release]
ROUNDS_IN_SUBGROUPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question and its answer.

    Attributes:
        question: What was asked.
        is_passed: Whether the candidate passed.
        words: The figures behind it, in words.
    """

    question: str
    is_passed: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a release costs to run.

    Attributes:
        seconds: Median time of one look, in seconds, both releases timed in turn.
        megabytes: Size of the weights, in MB.
    """

    seconds: float
    megabytes: float


def enough_patients(results: Sequence[SampleResult], plan: LearningPlan) -> Check:
    """Whether there are enough patients to say anything."""
    groups = len({result.group for result in results})
    return Check(
        question="enough patients in the frozen test set",
        is_passed=groups >= plan.least_test_groups,
        words=f"{groups} patient groups, at least {plan.least_test_groups} asked",
    )


def not_worse(found: Mapping[str, Difference], plan: LearningPlan) -> list[Check]:
    """Non-inferiority on every primary measure: the bad end of the interval is within the margin.

    Args:
        found: Differences by name.
        plan: The plan.

    Returns:
        One check a primary measure.
    """
    return [_not_worse(measure, found.get(measure.name)) for measure in plan.primary]


def _not_worse(measure: PrimaryMeasure, difference: Difference | None) -> Check:
    """One primary measure."""
    question = f"{measure.name}: not worse by more than {measure.margin:g}"
    if difference is None or difference.least_gain is None:
        return Check(question=question, is_passed=False, words="cannot be measured here")
    return Check(
        question=question,
        is_passed=difference.least_gain >= -measure.margin,
        words=in_words(difference),
    )


def in_words(difference: Difference) -> str:
    """Both figures and the paired change, with its interval and n."""
    change, current, candidate = difference.change, difference.current, difference.candidate
    return (
        f"current {_short(current.value)}, candidate {_short(candidate.value)}, "
        f"change {_signed(change.value)} ({_signed(change.low)} to {_signed(change.high)}), "
        f"n {change.n} in {change.groups} groups"
    )


def no_subgroup_falls(current: Measured, candidate: Measured, plan: LearningPlan) -> list[Check]:
    """A floor for every subgroup and scanner.

    The point estimate is judged, not an interval: few patients make wide intervals, and a wide
    interval would let any loss pass. A refusal by chance costs a training run; a fall that
    nobody saw costs patients.

    Args:
        current: Results and release that is current.
        candidate: Results and release that would replace it.
        plan: The plan.

    Returns:
        One check a subgroup that is large enough and measured.
    """
    checks = []
    for trait, value in _subgroups(current[0]):
        members = [r.traits.get(trait) == value for r in current[0]]
        now, then = _only(current, members), _only(candidate, members)
        found = differences(now, then, only=plan.subgroups.measures, rounds=ROUNDS_IN_SUBGROUPS)
        for name, difference in found.items():
            if difference.change.groups < plan.subgroups.least_groups:
                continue
            gain = difference.gain
            checks.append(
                Check(
                    question=f"{name} where {trait} is {value}: loses at most "
                    f"{plan.subgroups.most_loss:g}",
                    is_passed=gain is not None and gain >= -plan.subgroups.most_loss,
                    words=in_words(difference),
                )
            )
    return checks


def _subgroups(results: Sequence[SampleResult]) -> list[tuple[str, str]]:
    """Every trait and value that occurs."""
    return sorted({pair for result in results for pair in result.traits.items()})


def _only(measured: Measured, members: Sequence[bool]) -> Measured:
    """Results of some pictures."""
    results, release = measured
    return [r for r, is_member in zip(results, members, strict=True) if is_member], release


def probabilities_and_abstention(
    found: Mapping[str, Difference], plan: LearningPlan
) -> list[Check]:
    """Calibration, wrong acceptance and abstention: changes of the figures as they are.

    Args:
        found: Differences by name.
        plan: The plan.

    Returns:
        One check each.
    """
    limits = {
        **dict.fromkeys(CALIBRATION, plan.most_calibration_increase),
        WRONGLY_ACCEPTED: plan.most_wrongly_accepted_increase,
        ABSTAINED: plan.most_abstention_increase,
    }
    checks = []
    for name, limit in limits.items():
        difference = found.get(name)
        value = None if difference is None else difference.change.value
        checks.append(
            Check(
                question=f"{name}: rises by at most {limit:g}",
                is_passed=value is not None and value <= limit,
                words="cannot be measured here" if difference is None else in_words(difference),
            )
        )
    return checks


def costs(current: Cost, candidate: Cost, plan: LearningPlan) -> list[Check]:
    """Speed and size.

    Args:
        current: Of the current release.
        candidate: Of the candidate.
        plan: The plan.

    Returns:
        Two checks.
    """
    ratio = candidate.seconds / current.seconds
    return [
        Check(
            question=f"one look takes at most {plan.most_seconds_ratio:g} times as long",
            is_passed=ratio <= plan.most_seconds_ratio,
            words=f"{ratio:.2f} times ({candidate.seconds:.3f} s against {current.seconds:.3f} s)",
        ),
        Check(
            question=f"weights of at most {plan.most_megabytes:g} MB",
            is_passed=candidate.megabytes <= plan.most_megabytes,
            words=f"{candidate.megabytes:.1f} MB, current {current.megabytes:.1f} MB",
        ),
    ]


def learned_from_what_it_says(stated_sha256: str, expected_sha256: str) -> Check:
    """The candidate's own record names the training set that leaves the test patients out."""
    return Check(
        question="learned from the stated data without the test patients",
        is_passed=bool(stated_sha256) and stated_sha256 == expected_sha256,
        words=f"its record says {stated_sha256[:12] or 'nothing'}, "
        f"the data without the test patients give {expected_sha256[:12]}",
    )


def nothing_leaked(leakage: Leakage) -> Check:
    """No training picture shows what a test picture shows."""
    named = "; ".join(f"{a} and {b}" for a, b in leakage.pairs[:5])
    return Check(
        question="no copy of a test picture in training",
        is_passed=not leakage.pairs and not leakage.unusable,
        words=f"{leakage.looked_at} pictures compared, {len(leakage.pairs)} pairs"
        + (f": {named}" if named else "")
        + (f"; not comparable: {', '.join(leakage.unusable[:5])}" if leakage.unusable else ""),
    )


def _short(value: float | None) -> str:
    """Three places, or a dash."""
    return "-" if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    """Three places with a sign, or a dash."""
    return "-" if value is None else f"{value:+.3f}"
