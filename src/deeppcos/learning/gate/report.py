"""The impact report: everything the gate saw, as a document and as a page to read.

Owns the layout. The verdict in it is a conjunction: one question that is not passed refuses.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from deeppcos.learning.gate.checks import Check
from deeppcos.learning.gate.comparison import BETTER, Difference
from deeppcos.learning.metrics import Measured

SCHEMA_NAME: Literal["deeppcos.gate-report/1"] = "deeppcos.gate-report/1"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    """Frozen, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Figure(_Part):
    """A figure with its interval by patient group; null where undefined."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    groups: int


class ComparedMeasure(_Part):
    """One measure of both releases, and the paired change."""

    name: str
    better: Literal["more", "less"]
    current: Figure
    candidate: Figure
    change: Figure


class AnsweredQuestion(_Part):
    """One question of the plan, and its answer."""

    question: str
    is_passed: bool
    words: str


class GateReport(_Part):
    """What was compared with what, under which plan, and what came out.

    Attributes:
        schema_name: Version of this layout.
        made_at: ISO time with zone.
        plan: Name of the plan.
        plan_sha256: Of the plan as it was read.
        test_set: Name of the frozen test set.
        test_set_sha256: Which test set it was.
        current: Name of the current release.
        current_sha256: Of its weights.
        candidate: Name of the candidate.
        candidate_sha256: Of its weights.
        training_sha256: Of what the candidate learned from; empty where it does not say.
        is_passed: Whether every question was passed.
        approvals: Named people who must agree before promotion.
        questions: The questions in the order of the plan.
        measures: Everything measured, asked for or not.
        command: What repeats this report.
    """

    schema_name: Literal["deeppcos.gate-report/1"] = Field(alias="schema")
    made_at: str
    plan: str
    plan_sha256: Sha256
    test_set: str
    test_set_sha256: Sha256
    current: str
    current_sha256: Sha256
    candidate: str
    candidate_sha256: Sha256
    training_sha256: str
    is_passed: bool
    approvals: int
    questions: tuple[AnsweredQuestion, ...]
    measures: tuple[ComparedMeasure, ...]
    command: str


def answered(check: Check) -> AnsweredQuestion:
    """A check as it is written down."""
    return AnsweredQuestion(question=check.question, is_passed=check.is_passed, words=check.words)


def compared(difference: Difference) -> ComparedMeasure:
    """A difference as it is written down."""
    return ComparedMeasure(
        name=difference.name,
        better=BETTER[difference.name].value,
        current=_figure(difference.current),
        candidate=_figure(difference.candidate),
        change=_figure(difference.change),
    )


def as_markdown(report: GateReport) -> str:
    """The report as a page: verdict first, then what refused, then everything.

    Args:
        report: The report.

    Returns:
        Markdown.
    """
    refused = [question for question in report.questions if not question.is_passed]
    verdict = (
        f"**{report.candidate} may replace {report.current}**, once the named people agree."
        if report.is_passed
        else f"**{report.candidate} may not replace {report.current}**: "
        f"{len(refused)} of {len(report.questions)} questions were not passed."
    )
    lines = [
        f"# Gate: {report.candidate} against {report.current}",
        "",
        verdict,
        "",
        f"Plan: {report.plan} (`{report.plan_sha256[:12]}`). Frozen test set: {report.test_set} "
        f"(`{report.test_set_sha256[:12]}`). Made {report.made_at}.",
        "",
        "| question | passed | figures |",
        "|---|---|---|",
        *(
            f"| {q.question} | {'yes' if q.is_passed else '**no**'} | {q.words} |"
            for q in (*refused, *(q for q in report.questions if q.is_passed))
        ),
        "",
        "| measure | better | current | candidate | change |",
        "|---|---|---|---|---|",
        *(
            f"| {m.name} | {m.better} | {_words(m.current)} | {_words(m.candidate)} "
            f"| {_words(m.change)} |"
            for m in report.measures
        ),
        "",
        "Brackets: 95 % intervals, bootstrap over patient groups; changes are paired, both "
        "releases on the same draws.",
        "",
        f"Reproduce: `{report.command}`",
        "",
    ]
    return "\n".join(lines)


def _figure(measured: Measured) -> Figure:
    """Plain, short numbers."""

    def short(value: float | None) -> float | None:
        return None if value is None else round(value, 4)

    return Figure(
        value=short(measured.value),
        low=short(measured.low),
        high=short(measured.high),
        n=measured.n,
        groups=measured.groups,
    )


def _words(figure: Figure) -> str:
    """A figure with its interval."""
    if figure.value is None:
        return "-"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
