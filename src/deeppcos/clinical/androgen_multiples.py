"""Each androgen as a multiple of its limit, for grading how far it is raised.

Owns the multiples. Whether a single one counts as raised is the business of ``hormones``.
"""

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.hormones import (
    FAI_UNRELIABLE_SHBG,
    fai_cut_offs,
    free_androgen_index,
    free_testosterone_range,
    raised_free_androgen,
)

_MEASURED = (
    Analyte.TOTAL_TESTOSTERONE,
    Analyte.FREE_TESTOSTERONE,
    Analyte.ANDROSTENEDIONE,
    Analyte.DHEAS,
)


def androgen_multiples(chart: PatientChart) -> list[tuple[str, float]]:
    """Name and multiple of its limit for every androgen that has both."""
    multiples = []
    for analyte in _MEASURED:
        lab = chart.measured(analyte)
        if lab is not None and lab.times_upper_limit is not None:
            multiples.append((analyte.label, lab.times_upper_limit))
    derived = _derived_multiple(chart)
    return multiples if derived is None else [*multiples, derived]


def has_full_first_line(chart: PatientChart) -> int:
    """How many of the two first-line tests, total and free testosterone, were readable."""
    total = chart.measured(Analyte.TOTAL_TESTOSTERONE)
    has_total = total is not None and total.upper_limit is not None
    return has_total + (not raised_free_androgen(chart).state.is_open)


def _derived_multiple(chart: PatientChart) -> tuple[str, float] | None:
    """The free androgen index, or calculated free testosterone at low SHBG, over its limit.

    Where the method is unknown the highest cut-off is taken: a bound, never an overstatement.
    """
    total, shbg = chart.measured(Analyte.TOTAL_TESTOSTERONE), chart.measured(Analyte.SHBG)
    if total is None or shbg is None:
        return None
    testosterone, binding = total.value_in("nmol/L"), shbg.value_in("nmol/L")
    if testosterone is None or binding is None:
        return None
    if not FAI_UNRELIABLE_SHBG.applies_to(binding):
        index = free_androgen_index(testosterone_nmol_l=testosterone, shbg_nmol_l=binding)
        cut_off = max(rule.value for rule in fai_cut_offs(total.assay))
        return "free androgen index", index / cut_off
    free = chart.lab(Analyte.FREE_TESTOSTERONE)
    limit = None if free is None else free.upper_limit_in("pmol/L")
    if limit is None:
        return None
    lowest, _, _ = free_testosterone_range(chart, testosterone, binding)
    return "calculated free testosterone", lowest / limit
