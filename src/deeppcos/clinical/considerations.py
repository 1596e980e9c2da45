"""What the guideline suggests considering, for this conclusion and these findings.

Owns the wording of each suggestion, its source, how far it was checked and when it applies.
Suggests, never orders; whether it fits the patient is for the clinician. Once another cause is
suspected only the suggestions about that cause remain.
"""

from collections.abc import Callable
from dataclasses import dataclass

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.criteria import Conclusion, Findings, Status
from deeppcos.clinical.finding import State
from deeppcos.clinical.severity import Axis, Severity
from deeppcos.clinical.sourcing import Verification, shown_recommendation

_LEAD = "The guideline suggests considering"
_V2, _M = Verification.SECONDARY, Verification.UNVERIFIED
_GUIDELINE = "2023 International Guideline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consideration:
    """One suggestion.

    Attributes:
        key: Stable name.
        text: The suggestion; begins "The guideline suggests considering".
        because: What in this chart brought it up.
        source: Short source.
        verification: How it was checked.
        recommendation: Recommendation number claimed, or None.
        verified_by: Clinician who ticked it against the primary text, or None.
        verified_on: Date of that, ISO 8601, or None.
    """

    key: str
    text: str
    because: str
    source: str
    verification: Verification
    recommendation: str | None = None
    verified_by: str | None = None
    verified_on: str | None = None

    @property
    def shown_recommendation(self) -> str | None:
        """The recommendation number, only where a named clinician has ticked it on a date."""
        return shown_recommendation(self.recommendation, self.verified_by, self.verified_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a suggestion may depend on."""

    chart: PatientChart
    findings: Findings
    conclusion: Conclusion
    severity: Severity


Trigger = Callable[[Situation], str]
"""Why a suggestion applies, in words; empty when it does not."""


def considerations(situation: Situation) -> tuple[Consideration, ...]:
    """Every suggestion that applies, in the order in which it is printed."""
    found = [
        Consideration(
            key=key,
            text=f"{_LEAD} {text}.",
            because=because,
            source=source,
            verification=verification,
            recommendation=recommendation,
        )
        for key, text, source, verification, recommendation, trigger in _SUGGESTIONS
        if (because := trigger(situation))
    ]
    return tuple(found)


def _met(now: Situation) -> str:
    is_met = now.conclusion.status is Status.CRITERIA_MET
    return "the criteria are met" if is_met else ""


def _bound(axis: Axis) -> int:
    """The grade an axis proves, for triggers only: an unknown axis triggers nothing."""
    return axis.lower_bound or 0


def _no_periods(now: Situation) -> str:
    is_so = bool(_met(now)) and _bound(now.severity.reproductive) >= 3
    return "an interval over 90 days or no periods" if is_so else ""


def _wants_cycle_or_hair_care(now: Situation) -> str:
    axes = now.severity
    is_so = bool(_met(now)) and (_bound(axes.reproductive) >= 2 or _bound(axes.androgen) >= 1)
    return "irregular cycles or androgen excess" if is_so else ""


def _metabolic(now: Situation) -> str:
    is_so = bool(_met(now)) and _bound(now.severity.metabolic) >= 1
    return "metabolic features" if is_so else ""


def _androgenic(now: Situation) -> str:
    is_so = bool(_met(now)) and _bound(now.severity.androgen) >= 1
    return "androgen excess" if is_so else ""


def _anovulatory(now: Situation) -> str:
    state = now.findings.ovulatory_dysfunction.state
    is_so = bool(_met(now)) and state is State.PRESENT
    return "ovulatory dysfunction" if is_so else ""


def _red_flag(now: Situation) -> str:
    return "; ".join(flag.trigger for flag in now.conclusion.red_flags)


def _other_cause(now: Situation) -> str:
    is_so = now.conclusion.status is Status.OTHER_CAUSE_SUSPECTED
    return "an exclusion test is positive" if is_so and not now.conclusion.red_flags else ""


def _adolescent(now: Situation) -> str:
    is_so = now.conclusion.status is Status.INCREASED_RISK_ADOLESCENT
    return "one of two required features under 8 years after menarche" if is_so else ""


def _incomplete(now: Situation) -> str:
    if now.conclusion.status is not Status.EXCLUSION_INCOMPLETE:
        return ""
    return "not recorded: " + ", ".join(now.conclusion.missing)


def _contraception(now: Situation) -> str:
    is_override = now.conclusion.status is Status.OTHER_CAUSE_SUSPECTED
    is_on = now.chart.patient.is_on_contraception
    return "hormonal contraception in use or recent" if is_on and not is_override else ""


_SUGGESTIONS: tuple[tuple[str, str, str, Verification, str | None, Trigger], ...] = (
    (
        "red_flag",
        "urgent specialist review for another cause of androgen excess before anything else",
        f"{_GUIDELINE} [G3]; androgen excess tables [T1]",
        _V2,
        None,
        _red_flag,
    ),
    (
        "other_cause",
        "work-up of the positive exclusion test first; these criteria are read after it",
        f"{_GUIDELINE} [G2]",
        _V2,
        None,
        _other_cause,
    ),
    (
        "exclusions",
        "completing what excludes other causes",
        f"{_GUIDELINE} [G2]",
        _V2,
        None,
        _incomplete,
    ),
    (
        "contraception_retest",
        "androgen tests 3 months or more after stopping hormonal contraception, with other "
        "contraception meanwhile",
        f"{_GUIDELINE} [G2]",
        _V2,
        None,
        _contraception,
    ),
    (
        "adolescent_reassessment",
        "symptom-directed care now and reassessment by about 8 years after menarche",
        f"{_GUIDELINE} [G2, G3, G5, G6]",
        _V2,
        None,
        _adolescent,
    ),
    (
        "glycaemia",
        "glycaemic status at diagnosis whatever the weight or age, then every 1 to 3 years by "
        "risk; a 75-g oral glucose tolerance test is preferred, else fasting glucose or HbA1c",
        f"{_GUIDELINE}, section 1.9 [G2]; older bodies differ [M8]",
        _V2,
        "1.9.1",
        _met,
    ),
    (
        "glycaemia_before_pregnancy",
        "where pregnancy is planned, an oral glucose tolerance test before conception, or early "
        "in pregnancy, and at 24 to 28 weeks",
        f"{_GUIDELINE}, section 1.9 [X3, X4]",
        _V2,
        None,
        _met,
    ),
    (
        "lipids",
        "a lipid profile at diagnosis, repeated by risk",
        f"{_GUIDELINE}, section 1.8 [G2]",
        _V2,
        "1.8.3",
        _met,
    ),
    (
        "blood_pressure",
        "blood pressure yearly and before pregnancy or fertility care",
        f"{_GUIDELINE}, section 1.8; one secondary source says more often [G2]",
        _M,
        None,
        _met,
    ),
    (
        "mental_health",
        "screening for depression and anxiety, and asking about eating, body image and "
        "psychosexual health",
        f"{_GUIDELINE}, section 2 [G2]",
        _V2,
        None,
        _met,
    ),
    (
        "sleep_apnoea",
        "a sleep apnoea questionnaire or referral where there is snoring with unrefreshing sleep "
        "or sleepiness; no blanket sleep testing",
        f"{_GUIDELINE}, section 1.10 [G2]",
        _V2,
        None,
        _met,
    ),
    (
        "endometrium",
        "protection of the endometrium (progestogen or combined contraceptive); no routine "
        "ultrasound screening, as the absolute risk of cancer is low",
        f"{_GUIDELINE}, section 1.11 [G2]; progestogen M",
        _V2,
        None,
        _no_periods,
    ),
    (
        "lifestyle",
        "healthy living as for everyone, 150 to 300 minutes of activity a week, no diet being "
        "superior, in words aware of weight stigma",
        f"{_GUIDELINE}, section 3 [G2, G9]",
        _V2,
        None,
        _met,
    ),
    (
        "combined_contraceptive",
        "a combined oral contraceptive where pregnancy is not wished, after an eligibility check",
        f"{_GUIDELINE}, section 4 [G6]",
        _V2,
        None,
        _wants_cycle_or_hair_care,
    ),
    (
        "metformin",
        "metformin, mainly for metabolic features",
        f"{_GUIDELINE}, section 4 [G6]",
        _V2,
        None,
        _metabolic,
    ),
    (
        "hair",
        "hair removal where it is wished, and an anti-androgen only with contraception where "
        "androgen excess persists",
        f"{_GUIDELINE}, section 4",
        _M,
        None,
        _androgenic,
    ),
    (
        "letrozole",
        "letrozole as the first medicine where pregnancy is wished and ovulation fails",
        f"{_GUIDELINE}, section 5 [G3, G10]",
        _V2,
        None,
        _anovulatory,
    ),
)
"""Key, text, source, verification, recommendation number claimed, trigger."""
