"""What would settle this: the shortest list of enquiries that turns an open result into an answer.

Owns the search. It runs the rules themselves on the chart with hypothetical answers, so that it
can never promise what the rules would not keep. What can be asked is the business of
``enquiries``.

A list settles a chart when every combination of its hypothetical answers leads to a settled
conclusion. Of all such lists the shortest is given; among equally short ones, the one that
completes what was begun.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.criteria import Findings, status_of
from deeppcos.clinical.enquiries import (
    Enquiry,
    free_androgen_options,
    morphology_options,
    open_enquiries,
)
from deeppcos.clinical.exclusions import exclusions
from deeppcos.clinical.finding import Finding
from deeppcos.clinical.hyperandrogenism import hyperandrogenism
from deeppcos.clinical.morphology import polycystic_morphology
from deeppcos.clinical.ovulation import ovulatory_dysfunction
from deeppcos.clinical.profiles import CriteriaProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlingStep:
    """One enquiry of the shortest list.

    Attributes:
        measurement: Chart field or laboratory test, such as ``prolactin``.
        because: The question it helps to answer.
    """

    measurement: str
    because: str


class Oracle:
    """Whether a hypothetical chart is settled, remembering findings whose inputs did not change.

    Args:
        profile: The criteria profile to conclude under.
    """

    def __init__(self, profile: CriteriaProfile) -> None:
        self._profile = profile
        self._known: dict[object, Finding] = {}

    def is_settled(self, chart: PatientChart) -> bool:
        """Whether the rules settle this chart."""
        findings = Findings(
            ovulatory_dysfunction=self._ovulation(chart),
            hyperandrogenism=self._androgens(chart),
            polycystic_morphology=self._morphology(chart),
            exclusions=self._exclusions(chart),
        )
        status, _ = status_of(chart.patient, findings, self._profile)
        return status.is_settled

    def _ovulation(self, chart: PatientChart) -> Finding:
        key = ("od", chart.patient, chart.cycles, chart.lab(Analyte.PROGESTERONE))
        if key not in self._known:
            self._known[key] = ovulatory_dysfunction(chart)
        return self._known[key]

    def _androgens(self, chart: PatientChart) -> Finding:
        key = ("ha", chart.patient, chart.signs, *(chart.lab(a) for a in _ANDROGENS))
        if key not in self._known:
            self._known[key] = hyperandrogenism(chart)
        return self._known[key]

    def _morphology(self, chart: PatientChart) -> Finding:
        key = ("pcom", chart.patient, chart.ultrasound, chart.lab(Analyte.AMH))
        if key not in self._known:
            self._known[key] = polycystic_morphology(chart, self._profile.morphology)
        return self._known[key]

    def _exclusions(self, chart: PatientChart) -> Finding:
        key = ("ex", chart.patient, chart.signs, *(chart.lab(a) for a in _EXCLUSIONS))
        if key not in self._known:
            self._known[key] = exclusions(chart)
        return self._known[key]

    def settles(self, chart: PatientChart, enquiries: Iterable[Enquiry]) -> bool:
        """Whether every combination of answers leads to a settled conclusion."""
        return all(self.is_settled(c) for c in possible_charts(chart, tuple(enquiries)))


_ANDROGENS = (
    Analyte.TOTAL_TESTOSTERONE,
    Analyte.FREE_TESTOSTERONE,
    Analyte.SHBG,
    Analyte.ALBUMIN,
    Analyte.ANDROSTENEDIONE,
    Analyte.DHEAS,
)
_EXCLUSIONS = (
    Analyte.TSH,
    Analyte.PROLACTIN,
    Analyte.FSH,
    Analyte.OHP_17,
    Analyte.HCG,
    Analyte.TOTAL_TESTOSTERONE,
    Analyte.DHEAS,
)


def possible_charts(chart: PatientChart, enquiries: tuple[Enquiry, ...]) -> Iterator[PatientChart]:
    """The chart under every combination of answers."""
    if not enquiries:
        yield chart
        return
    first, *rest = enquiries
    for answer in first.answers:
        yield from possible_charts(answer(chart), tuple(rest))


def would_settle(chart: PatientChart, profile: CriteriaProfile) -> tuple[SettlingStep, ...]:
    """The shortest list of enquiries that would settle an open conclusion.

    Args:
        chart: The chart as it is.
        profile: The criteria profile.

    Returns:
        The enquiries; empty when the conclusion is settled already, or when nothing that can
        be asked or measured now would settle it whatever the answers.
    """
    oracle = Oracle(profile)
    if oracle.is_settled(chart):
        return ()
    best: tuple[Enquiry, ...] | None = None
    for choice in _choices(chart, profile):
        found = _shortest(oracle, chart, choice, None if best is None else len(best))
        if found is not None:
            best = found
    return tuple(
        SettlingStep(measurement=e.key, because=f"answers the question of {e.question}")
        for e in best or ()
    )


def _choices(chart: PatientChart, profile: CriteriaProfile) -> Iterator[tuple[Enquiry, ...]]:
    """Everything that can be asked, under each way of learning of morphology and free androgen.

    Ways are alternatives: doing two could make them contradict each other.
    """
    common = open_enquiries(chart)
    for morphology in morphology_options(chart, profile.morphology):
        for free in free_androgen_options(chart):
            yield (*common, *free, *morphology)


def _shortest(
    oracle: Oracle, chart: PatientChart, choice: tuple[Enquiry, ...], shorter_than: int | None
) -> tuple[Enquiry, ...] | None:
    """The shortest part of a choice that settles, if it is shorter than what was found before.

    An enquiry without which even all the others do not settle belongs to every settling list;
    only the others are tried in growing combinations.
    """
    askable = tuple(e for e in choice if e.answers)
    if not oracle.settles(chart, askable):
        return None
    needed = [e for e in askable if not oracle.settles(chart, _without(askable, e))]
    others = [e for e in askable if e not in needed]
    limit = len(askable) if shorter_than is None else shorter_than - 1
    for n_others in range(min(len(others), limit - len(needed)) + 1):
        for extra in combinations(others, n_others):
            trial = tuple(e for e in askable if e in needed or e in extra)
            if oracle.settles(chart, trial):
                return trial
    return None


def _without(enquiries: tuple[Enquiry, ...], one: Enquiry) -> tuple[Enquiry, ...]:
    """All enquiries but one."""
    return tuple(e for e in enquiries if e is not one)
