"""Other causes that must be excluded, and red flags that override everything else.

Owns the tests, their limits and what is said when one is positive. A positive test is a reason
to look further, never a diagnosis of the other cause.
"""

from dataclasses import dataclass

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import Finding, State, absent, any_of, present, unknown
from deeppcos.clinical.hormones import raised
from deeppcos.clinical.sourcing import Relation, Rule, Verification

OHP_17 = Rule(
    key="17_ohp",
    value=200,
    unit="ng/dL",
    relation=Relation.MORE_THAN,
    text="Morning follicular 17-hydroxyprogesterone: non-classic congenital adrenal hyperplasia.",
    source="androgen excess table [T1]; screening study [T2]",
    verification=Verification.PRIMARY,
)
TESTOSTERONE_TUMOUR = Rule(
    key="testosterone_red_flag",
    value=150,
    unit="ng/dL",
    relation=Relation.MORE_THAN,
    text="Total testosterone: possible androgen-secreting tumour or hyperthecosis.",
    source="androgen excess table [T1]; [T3]",
    verification=Verification.PRIMARY,
)
TESTOSTERONE_TWICE = Rule(
    key="testosterone_red_flag_times_limit",
    value=2,
    unit="x upper limit",
    relation=Relation.MORE_THAN,
    text="Total testosterone over twice the laboratory's upper limit: as above.",
    source="androgen excess table [T1]; [T3]",
    verification=Verification.PRIMARY,
)
DHEAS_ADRENAL = Rule(
    key="dheas_red_flag",
    value=700,
    unit="ug/dL",
    relation=Relation.MORE_THAN,
    text="DHEAS: possible adrenal source.",
    source="androgen excess tables [T1, T4]",
    verification=Verification.PRIMARY,
)

_HISTORY_SOURCE = "2023 International Guideline [G3]; V2"
_EXCLUDE_SOURCE = "2023 International Guideline [G2]; V2"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedFlag:
    """Something that overrides every other wording.

    Attributes:
        trigger: What was found, with its number.
        message: What it may mean and how urgent it is.
        source: Short source with its verification status.
    """

    trigger: str
    message: str
    source: str


def red_flags(chart: PatientChart) -> tuple[RedFlag, ...]:
    """Every red flag in the chart, in the order in which they are printed."""
    found = [
        _testosterone_flag(chart),
        _flag_above(chart, Analyte.DHEAS, DHEAS_ADRENAL, "possible adrenal source: urgent review"),
        _flag_above(
            chart,
            Analyte.OHP_17,
            OHP_17,
            "consider non-classic congenital adrenal hyperplasia: repeat in the morning of the "
            "follicular phase, or ACTH test",
        ),
        _history_flag(chart.signs.rapid_onset, "rapid onset of androgenic signs"),
        _history_flag(chart.signs.virilisation, "virilisation"),
    ]
    return tuple(flag for flag in found if flag is not None)


def _testosterone_flag(chart: PatientChart) -> RedFlag | None:
    """Total testosterone in the range of tumours, by value or by the laboratory's limit."""
    message = "possible androgen-secreting tumour or ovarian hyperthecosis: urgent review"
    flag = _flag_above(chart, Analyte.TOTAL_TESTOSTERONE, TESTOSTERONE_TUMOUR, message)
    lab = chart.measured(Analyte.TOTAL_TESTOSTERONE)
    if flag is not None or lab is None or lab.value is None or lab.upper_limit is None:
        return flag
    if lab.value > TESTOSTERONE_TWICE.value * lab.upper_limit:
        return RedFlag(
            trigger=f"{lab}, {TESTOSTERONE_TWICE}", message=message, source=_of(TESTOSTERONE_TWICE)
        )
    return None


def _flag_above(chart: PatientChart, analyte: Analyte, rule: Rule, message: str) -> RedFlag | None:
    """A red flag where the result stands to the rule's threshold as it says."""
    lab = chart.lab(analyte)
    reading = None if lab is None else lab.value_in(rule.unit)
    if reading is None or not rule.applies_to(reading):
        return None
    return RedFlag(trigger=f"{lab}, {rule}", message=message, source=_of(rule))


def _of(rule: Rule) -> str:
    """Source and verification of a rule in one string."""
    return f"{rule.source}; {rule.verification}"


def _history_flag(is_there: bool | None, name: str) -> RedFlag | None:
    """A red flag from the history, whatever the laboratory says."""
    if not is_there:
        return None
    return RedFlag(
        trigger=name,
        message="possible androgen-secreting tumour, whatever the values: urgent review",
        source=_HISTORY_SOURCE,
    )


def exclusions(chart: PatientChart) -> Finding:
    """Whether another cause is suspected.

    Present if any test or red flag is positive. Absent only when pregnancy, thyroid,
    prolactin, 17-hydroxyprogesterone, FSH, rapid onset and virilisation were all looked for,
    and, from the age of the menopausal transition, the menopausal state.
    """
    flags = red_flags(chart)
    parts = [
        *(present(f"Red flag: {f.trigger} — {f.message}.") for f in flags),
        _pregnancy(chart),
        _excluded_by(chart, Analyte.TSH, "thyroid disease"),
        _excluded_by(chart, Analyte.PROLACTIN, "hyperprolactinaemia"),
        _excluded_by(chart, Analyte.FSH, "ovarian insufficiency"),
        _congenital_adrenal_hyperplasia(chart),
        _asked(chart.signs.rapid_onset, "signs.rapid_onset"),
        _asked(chart.signs.virilisation, "signs.virilisation"),
    ]
    if chart.patient.needs_menopausal_state:
        parts.append(_asked(chart.patient.postmenopausal, "patient.postmenopausal"))
    return any_of(*parts)


def _asked(answer: bool | None, field: str) -> Finding:
    """A question that must have been asked; a positive answer counts elsewhere."""
    return unknown(missing=[field]) if answer is None else absent()


def _pregnancy(chart: PatientChart) -> Finding:
    """Pregnancy by history or by hCG; either negative excludes, either positive suffices."""
    by_test = raised(chart, Analyte.HCG)
    if chart.patient.pregnant or by_test.state is State.PRESENT:
        return present("Pregnancy: explains absent periods, and the criteria cannot be read now.")
    if chart.patient.pregnant is False or by_test.state is State.ABSENT:
        return absent("Pregnancy excluded.")
    return unknown(*by_test.reasons, missing=["patient.pregnant"])


def _excluded_by(chart: PatientChart, analyte: Analyte, cause: str) -> Finding:
    """A cause excluded by a result within the laboratory's upper limit."""
    finding = raised(chart, analyte)
    if finding.state is State.PRESENT:
        return present(
            *finding.reasons, f"Consider {cause} ({_EXCLUDE_SOURCE}).", rules=finding.rules
        )
    return finding


def _congenital_adrenal_hyperplasia(chart: PatientChart) -> Finding:
    """17-hydroxyprogesterone against the published threshold; positive counts as red flag."""
    lab = chart.lab(Analyte.OHP_17)
    reading = None if lab is None else lab.value_in(OHP_17.unit)
    if reading is None:
        return unknown(missing=["17_ohp"], rules=[OHP_17])
    if OHP_17.applies_to(reading):
        return present(rules=[OHP_17])
    return absent(f"{lab}, not {OHP_17}.", rules=[OHP_17])
