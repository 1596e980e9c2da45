"""Androgens in blood: total testosterone, free androgen index, calculated free testosterone, AMH.

Owns each hormone's own question (raised or not) and its formula. Putting the answers together
is the business of ``hyperandrogenism``; AMH's part in morphology that of ``morphology``.
"""

from math import sqrt

from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.finding import Finding, absent, agreeing, present, unknown
from deeppcos.clinical.sourcing import Relation, Rule, Verification
from deeppcos.clinical.units import (
    ELECSYS_AMH_PLUS,
    IMMUNOASSAY,
    LC_MS_MS,
    LabValue,
    convert,
)
from deeppcos.errors import InvalidInput

FAI_LC_MS_MS = Rule(
    key="fai_lc_ms_ms",
    value=3.4,
    unit="1",
    relation=Relation.MORE_THAN,
    text="Free androgen index raised, testosterone by mass spectrometry.",
    source="method-dependent cut-offs [F2]",
    verification=Verification.PRIMARY,
)
FAI_COMMON = Rule(
    key="fai_other_assay",
    value=5,
    unit="1",
    relation=Relation.MORE_THAN,
    text="Free androgen index raised, testosterone by another named method: the common cut-off.",
    source="method-dependent cut-offs [F2]",
    verification=Verification.PRIMARY,
)
FAI_IMMUNOASSAY = Rule(
    key="fai_immunoassay",
    value=8,
    unit="1",
    relation=Relation.MORE_THAN,
    text="Free androgen index raised, testosterone by direct immunoassay.",
    source="method-dependent cut-offs [F2]",
    verification=Verification.PRIMARY,
)
FAI_UNRELIABLE_SHBG = Rule(
    key="fai_unreliable_shbg",
    value=30,
    unit="nmol/L",
    relation=Relation.LESS_THAN,
    text="The free androgen index over-reads at low SHBG: calculated free testosterone instead.",
    source="Keevil 2018 [F1]",
    verification=Verification.PRIMARY,
)
AMH_ELECSYS = Rule(
    key="amh_elecsys_amh_plus",
    value=3.2,
    unit="ng/mL",
    relation=Relation.AT_LEAST,
    text="AMH in the polycystic range, Elecsys AMH Plus, found at ages 25 to 45.",
    source="Elecsys AMH Plus cut-off study [A1]",
    verification=Verification.PRIMARY,
)
UPPER_LIMIT = Rule(
    key="laboratory_upper_limit",
    value=1,
    unit="x upper limit",
    relation=Relation.MORE_THAN,
    text="Raised above the upper limit of the laboratory that measured it.",
    source="2023 International Guideline [G2]",
    verification=Verification.SECONDARY,
)
AMH_LABORATORY = Rule(
    key="amh_laboratory_threshold",
    value=1,
    unit="x laboratory threshold",
    relation=Relation.AT_LEAST,
    text="AMH at or above the laboratory's own threshold for polycystic morphology.",
    source="2023 International Guideline: no universal value [G2]",
    verification=Verification.SECONDARY,
)

DEFAULT_ALBUMIN_G_L = 43.0
ALBUMIN_ASSOCIATION_L_MOL = 3.6e4
SHBG_ASSOCIATION_L_MOL = 1e9
ALBUMIN_MOLAR_MASS_G_MOL = 69_000


def free_androgen_index(*, testosterone_nmol_l: float, shbg_nmol_l: float) -> float:
    """Free androgen index: 100 x total testosterone / SHBG.

    Args:
        testosterone_nmol_l: Total testosterone, nmol/L.
        shbg_nmol_l: Sex hormone-binding globulin, nmol/L.

    Returns:
        The index, no unit.

    Raises:
        InvalidInput: If SHBG is not positive.

    Source:
        Keevil 2018 [F1], verification V.

    Examples:
        >>> free_androgen_index(testosterone_nmol_l=2, shbg_nmol_l=40)
        5.0
    """
    if not shbg_nmol_l > 0:
        raise InvalidInput("SHBG is not positive", value=f"{shbg_nmol_l} nmol/L", accepted="> 0")
    return 100 * testosterone_nmol_l / shbg_nmol_l


def calculated_free_testosterone_pmol_l(
    *,
    testosterone_nmol_l: float,
    shbg_nmol_l: float,
    albumin_g_l: float = DEFAULT_ALBUMIN_G_L,
) -> float:
    """Free testosterone from total testosterone, SHBG and albumin (Vermeulen).

    Args:
        testosterone_nmol_l: Total testosterone, nmol/L.
        shbg_nmol_l: Sex hormone-binding globulin, nmol/L.
        albumin_g_l: Albumin, g/L.

    Returns:
        Free testosterone, pmol/L.

    Source:
        Vermeulen's equation as in the clinical reference 1.3, verification M.

    Examples:
        >>> round(calculated_free_testosterone_pmol_l(testosterone_nmol_l=2, shbg_nmol_l=40), 1)
        32.2
    """
    total, shbg = testosterone_nmol_l * 1e-9, shbg_nmol_l * 1e-9
    bound_to_albumin = 1 + ALBUMIN_ASSOCIATION_L_MOL * albumin_g_l / ALBUMIN_MOLAR_MASS_G_MOL
    a = bound_to_albumin * SHBG_ASSOCIATION_L_MOL
    b = bound_to_albumin + SHBG_ASSOCIATION_L_MOL * (shbg - total)
    return (-b + sqrt(b * b + 4 * a * total)) / (2 * a) * 1e12


def raised(chart: PatientChart, analyte: Analyte) -> Finding:
    """Whether a result exceeds the upper limit of its own laboratory."""
    lab = chart.measured(analyte)
    if lab is None:
        return unknown(missing=[analyte.value])
    times = lab.times_upper_limit
    if times is None:
        return unknown(
            f"{lab}: the laboratory's upper limit is not given.",
            missing=[f"{analyte}.upper_limit"],
        )
    # Compared in the laboratory's own unit: no rounding can move a value across its limit.
    is_raised = (lab.value or 0.0) > (lab.upper_limit or 0.0)
    words = "above" if is_raised else "within"
    reason = f"{lab}, {words} the laboratory's upper limit of {lab.upper_limit:g} {lab.unit}."
    return (present if is_raised else absent)(reason, rules=[UPPER_LIMIT])


def raised_free_androgen(chart: PatientChart) -> Finding:
    """Whether free androgen is raised: measured, by the index, or calculated at low SHBG."""
    measured = raised(chart, Analyte.FREE_TESTOSTERONE)
    testosterone = _reading(chart, Analyte.TOTAL_TESTOSTERONE, "nmol/L")
    shbg = _reading(chart, Analyte.SHBG, "nmol/L")
    if testosterone is None or shbg is None:
        if chart.measured(Analyte.FREE_TESTOSTERONE) is not None:
            return measured
        needed = [
            name
            for name, reading in (("total_testosterone", testosterone), ("shbg", shbg))
            if reading is None
        ]
        return unknown(*measured.reasons, missing=needed)
    if FAI_UNRELIABLE_SHBG.applies_to(shbg):
        derived = _by_calculation(chart, testosterone, shbg)
    else:
        derived = _by_index(
            chart, free_androgen_index(testosterone_nmol_l=testosterone, shbg_nmol_l=shbg)
        )
    if measured.state.is_open and chart.measured(Analyte.FREE_TESTOSTERONE) is None:
        return derived
    return agreeing(measured, derived)


def _reading(chart: PatientChart, analyte: Analyte, unit: str) -> float | None:
    """A result in a given unit, or None."""
    lab = chart.lab(analyte)
    return None if lab is None else lab.value_in(unit)


def _by_index(chart: PatientChart, index: float) -> Finding:
    """The index against the cut-off of the testosterone method; unknown method, all must agree."""
    lab = chart.measured(Analyte.TOTAL_TESTOSTERONE)
    cut_offs = fai_cut_offs(None if lab is None else lab.assay)
    verdicts = {rule.applies_to(index) for rule in cut_offs}
    limits = " or ".join(str(rule) for rule in cut_offs)
    if len(verdicts) > 1:
        return unknown(
            f"Free androgen index {index:.1f}: the cut-off depends on the testosterone method, "
            "which is not given.",
            missing=["total_testosterone.assay"],
            rules=cut_offs,
        )
    make, words = (present, "raised") if verdicts.pop() else (absent, "not raised")
    return make(f"Free androgen index {index:.1f}, {words}; cut-off {limits}.", rules=cut_offs)


def fai_cut_offs(assay: str | None) -> tuple[Rule, ...]:
    """The cut-offs that may apply: one for a named method, all for an unnamed one."""
    if assay is None:
        return (FAI_LC_MS_MS, FAI_COMMON, FAI_IMMUNOASSAY)
    return ({LC_MS_MS: FAI_LC_MS_MS, IMMUNOASSAY: FAI_IMMUNOASSAY}.get(assay, FAI_COMMON),)


def _by_calculation(chart: PatientChart, testosterone: float, shbg: float) -> Finding:
    """Calculated free testosterone against the laboratory's limit for free testosterone.

    With albumin unknown, every plausible albumin must give the same answer.
    """
    free = chart.lab(Analyte.FREE_TESTOSTERONE)
    limit = None if free is None else free.upper_limit_in("pmol/L")
    low, central, high = free_testosterone_range(chart, testosterone, shbg)
    words = (
        f"SHBG {shbg:g} nmol/L makes the free androgen index over-read; "
        f"calculated free testosterone {central:.1f} pmol/L"
    )
    if limit is None:
        return unknown(
            f"{words}: no upper limit is published, and the laboratory's is not given.",
            missing=["free_testosterone.upper_limit"],
            rules=[FAI_UNRELIABLE_SHBG],
        )
    rules = [FAI_UNRELIABLE_SHBG, UPPER_LIMIT]
    if low > limit:
        return present(f"{words}, above the limit of {limit:g} pmol/L.", rules=rules)
    if high <= limit:
        return absent(f"{words}, within the limit of {limit:g} pmol/L.", rules=rules)
    return unknown(
        f"{words}, {low:.1f} to {high:.1f} over the plausible albumin: the limit of {limit:g} "
        "pmol/L lies between.",
        missing=["albumin"],
        rules=rules,
    )


def free_testosterone_range(
    chart: PatientChart, testosterone_nmol_l: float, shbg_nmol_l: float
) -> tuple[float, float, float]:
    """Calculated free testosterone, pmol/L: lowest, central and highest for what is known."""
    albumin = _reading(chart, Analyte.ALBUMIN, "g/L")
    facts = ANALYTES[Analyte.ALBUMIN]
    choices = (facts.high, DEFAULT_ALBUMIN_G_L, facts.low) if albumin is None else (albumin,) * 3
    low, central, high = (
        calculated_free_testosterone_pmol_l(
            testosterone_nmol_l=testosterone_nmol_l, shbg_nmol_l=shbg_nmol_l, albumin_g_l=g_l
        )
        for g_l in choices
    )
    return low, central, high


def polycystic_amh(chart: PatientChart) -> Finding:
    """Whether AMH lies in the polycystic range of its laboratory or of its known assay.

    Two thresholds that part the value differently leave the question open.
    """
    lab = chart.measured(Analyte.AMH)
    if lab is None:
        return unknown(missing=["amh"])
    answers = [f for f in (_amh_by_laboratory(lab), _amh_by_assay(lab)) if f is not None]
    if not answers:
        return unknown(
            f"{lab}: no universal threshold exists; the laboratory's threshold for polycystic "
            "morphology is not given and the assay has no published one.",
            missing=["amh.upper_limit"],
        )
    return agreeing(*answers)


def _amh_by_laboratory(lab: LabValue) -> Finding | None:
    """AMH against the laboratory's own threshold, where it gave one."""
    if lab.value is None or lab.upper_limit is None:
        return None
    limit = f"the laboratory's polycystic threshold of {lab.upper_limit:g} {lab.unit}"
    if lab.value >= lab.upper_limit:
        return present(f"{lab}, at or above {limit}.", rules=[AMH_LABORATORY])
    return absent(f"{lab}, below {limit}.", rules=[AMH_LABORATORY])


def _amh_by_assay(lab: LabValue) -> Finding | None:
    """AMH against the published threshold of its assay, where there is one."""
    if lab.value is None or lab.assay != ELECSYS_AMH_PLUS:
        return None
    ng_ml = convert(Analyte.AMH, lab.value, source=lab.unit, target="ng/mL")
    if AMH_ELECSYS.applies_to(ng_ml):
        return present(f"{lab}, in the polycystic range: {AMH_ELECSYS}.", rules=[AMH_ELECSYS])
    return absent(f"{lab}, below the polycystic range: {AMH_ELECSYS}.", rules=[AMH_ELECSYS])
