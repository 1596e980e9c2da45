"""Hyperandrogenism: clinical by hair score, biochemical by testosterone, second line last.

Owns how the answers are put together and when they may be read. Each hormone's own question is
the business of ``hormones``.
"""

from dataclasses import replace

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import (
    Finding,
    State,
    absent,
    any_of,
    hinging_on,
    not_assessable,
    present,
    unknown,
)
from deeppcos.clinical.hormones import raised, raised_free_androgen
from deeppcos.clinical.patient import Population, Signs
from deeppcos.clinical.sourcing import Relation, Rule, Verification


def _mfg(population: str, value: float, source: str) -> Rule:
    """The hirsutism cut-off of one population."""
    return Rule(
        key=f"mfg_{population}",
        value=value,
        unit="points",
        relation=Relation.AT_LEAST,
        text=f"Hirsutism by modified Ferriman-Gallwey score, {population.replace('_', ' ')}.",
        source=source,
        verification=Verification.PRIMARY,
    )


_CLUSTERS = "cluster analysis of mFG, n = 9,829 [H1]"

MFG_CUT_OFFS: dict[Population, Rule] = {
    population: _mfg(population, value, source)
    for population, value, source in (
        (Population.WHITE_AMERICAN, 4, _CLUSTERS),
        (Population.KOREAN, 4, _CLUSTERS),
        (Population.ASIAN_RUSSIAN, 4, _CLUSTERS),
        (Population.HAN_CHINESE, 5, _CLUSTERS),
        (Population.WHITE_RUSSIAN, 5, _CLUSTERS),
        (Population.TURKISH, 5, _CLUSTERS),
        (Population.BLACK_AMERICAN, 5, _CLUSTERS),
        (Population.WHITE_ITALIAN, 7, _CLUSTERS),
        (Population.BLACK_AFRICAN, 7, _CLUSTERS),
        (Population.WHITE_IRANIAN, 8, _CLUSTERS),
        (Population.SOUTH_INDIAN, 5, "South Indian series [H2]"),
        (Population.SOUTHERN_CHINESE, 5, "Southern Chinese series [H3]"),
        (Population.FILIPINO, 7, "Filipino series [H4]"),
    )
}

MFG_BORDERLINE = Rule(
    key="mfg_population_unknown_borderline",
    value=4,
    unit="points",
    relation=Relation.AT_LEAST,
    text="Population unknown: 4 to 6 points are borderline, below is absent.",
    source="clinical reference 1.3, from the guideline's 4-6 zone [H1, G2]",
    verification=Verification.PROJECT,
)
MFG_POSITIVE = Rule(
    key="mfg_population_unknown_positive",
    value=7,
    unit="points",
    relation=Relation.AT_LEAST,
    text="Population unknown: 7 points or more are hirsutism; provisional until no population's "
    "cut-off lies higher.",
    source="clinical reference 1.3",
    verification=Verification.PROJECT,
)

SECOND_LINE = (Analyte.ANDROSTENEDIONE, Analyte.DHEAS)
SECOND_LINE_CONFIRMATION = "confirmation of the second-line androgen"


def hyperandrogenism(chart: PatientChart) -> Finding:
    """Whether there is clinical or biochemical hyperandrogenism.

    Absent only when the hair score, total testosterone and free androgen were all looked for
    and normal, with hormonal contraception known not to be in use.
    """
    closed = _closed_because(chart)
    if closed:
        return not_assessable(*closed)
    first_line = any_of(
        hirsutism(chart), raised(chart, Analyte.TOTAL_TESTOSTERONE), raised_free_androgen(chart)
    )
    finding = _with_second_line(chart, _with_weak_signs(chart.signs, first_line))
    if chart.patient.is_on_contraception is None:
        return hinging_on(
            finding,
            "patient.hormonal_contraception",
            "Hormonal contraception is not recorded: it makes androgens unreliable.",
        )
    return finding


def _closed_because(chart: PatientChart) -> tuple[str, ...]:
    """Why androgen excess cannot be read at all; empty when it can."""
    if chart.patient.pregnant:
        return ("Pregnant: androgens rise in pregnancy and cannot be read.",)
    if not chart.patient.is_on_contraception:
        return ()
    reason = (
        f"Hormonal contraception ({chart.patient.hormonal_contraception}): androgens are "
        "unreliable and an absent sign settles nothing; retest 3 months or more after stopping, "
        "with other contraception. 2023 International Guideline [G2]; V2."
    )
    clinical = hirsutism(chart)
    if clinical.state is State.PRESENT:
        return (reason, *clinical.reasons, "Hirsutism despite contraception deserves a retest.")
    return (reason,)


def hirsutism(chart: PatientChart) -> Finding:
    """Clinical hyperandrogenism by the hair score of the patient's population."""
    score = chart.signs.mfg_score
    population = chart.patient.population
    if score is None:
        return unknown(missing=["signs.mfg_score"])
    if population is None:
        return _hirsutism_of_unknown_population(score)
    rule = MFG_CUT_OFFS[population]
    name = f"mFG score {score:g}, population {population.replace('_', ' ')}"
    if rule.applies_to(score):
        return present(f"{name}: hirsutism {rule}.", rules=[rule])
    return absent(
        f"{name}: below the cut-off {rule}. Recent hair removal can lower the score.", rules=[rule]
    )


def _hirsutism_of_unknown_population(score: float) -> Finding:
    """The hair score where population is unknown or declined."""
    rules = [MFG_BORDERLINE, MFG_POSITIVE]
    if not MFG_BORDERLINE.applies_to(score):
        return absent(f"mFG score {score:g}, below every population's cut-off.", rules=rules)
    if not MFG_POSITIVE.applies_to(score):
        return unknown(
            f"mFG score {score:g} is borderline: cut-offs differ by population.",
            missing=["patient.population"],
            rules=rules,
        )
    finding = present(f"mFG score {score:g}: hirsutism {MFG_POSITIVE}.", rules=rules)
    if all(rule.applies_to(score) for rule in MFG_CUT_OFFS.values()):
        return finding
    return hinging_on(finding, "patient.population", "A higher cut-off holds in some populations.")


def _with_weak_signs(signs: Signs, finding: Finding) -> Finding:
    """Acne or scalp hair loss are mentioned and never decide."""
    names = [
        name
        for name, is_there in (("acne", signs.acne), ("scalp hair loss", signs.scalp_hair_loss))
        if is_there
    ]
    if not names:
        return finding
    note = (
        f"{' and '.join(names).capitalize()}: weak evidence on its own; does not decide [G2; V2]."
    )
    return replace(finding, reasons=(*finding.reasons, note))


def _with_second_line(chart: PatientChart, finding: Finding) -> Finding:
    """Androstenedione and DHEAS, read only where the first line does not show excess.

    They are less accurate: raised alone they make the finding present but provisional.
    """
    if finding.state is State.PRESENT:
        return finding
    seen = [raised(chart, a) for a in SECOND_LINE if chart.measured(a) is not None]
    high = [f for f in seen if f.state is State.PRESENT]
    if not high:
        return finding
    return present(
        *finding.reasons,
        *(r for f in high for r in f.reasons),
        "Second-line androgens are less accurate: they do not settle the question alone [G2; V2].",
        rules=(*finding.rules, *(r for f in high for r in f.rules)),
        provisional_on=[SECOND_LINE_CONFIRMATION],
    )
