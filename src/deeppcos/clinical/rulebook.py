"""Every threshold of the clinical rules in one place, for the published table.

Owns the list and how it is written down. The thresholds themselves stand beside the rules that
use them.
"""

from collections.abc import Iterable, Iterator

from deeppcos.clinical import (
    exclusions,
    hormones,
    hyperandrogenism,
    metabolic,
    morphology,
    ovulation,
    patient,
    profiles,
    severity_axes,
    severity_morphology,
)
from deeppcos.clinical.analytes import ANALYTES
from deeppcos.clinical.plausibility import LIMITS
from deeppcos.clinical.sourcing import RULE_VERSION, Rule

_CHAPTERS = (
    ("Age and contraception", patient),
    ("Ovulatory dysfunction", ovulation),
    ("Hyperandrogenism: hair", hyperandrogenism),
    ("Hormones", hormones),
    ("Morphology: conditions", morphology),
    ("Morphology: thresholds by profile", profiles),
    ("Other causes and red flags", exclusions),
    ("Metabolic items", metabolic),
    ("Severity: bands", severity_axes),
    ("Severity: morphology", severity_morphology),
)

_HEAD = """# Clinical rules

Every threshold the software applies, with its source and how far it was checked. Written by
`deeppcos.clinical.rulebook` and compared with the code by `tests/clinical/test_rulebook.py`.

Verification: **V** read in a primary text, abstract, standard file or data; **V2** read only in
a secondary source; **M** general knowledge, unverified; **project** a decision of this project.
The full text of the 2023 guideline has not been read by the authors. A clinician must tick each
rule against it before clinical use; until `verified_by` and `verified_on` are set, no
recommendation number is shown. Keys in square brackets are listed at the end.
"""

_SOURCES = """## Sources

G2 evidence registry citing the 2023 guideline; G3 exam notes citing the guideline and MJA 2024;
G4 contemporaryobgyn.net, Getting a grip on polycystic ovary syndrome; G5 clinicalcommander.com;
G6-G10 notes in public repositories; the guideline itself: PMC10477934, DOI
10.1093/humrep/dead156. N1 Lancet, DOI 10.1016/S0140-6736(26)00717-8. X3 MIMS; X4 tressless.com.
C1 PMC7328349 table 1 and PMC7739243; C2 authorea 314118/444516. H1 population mFG clusters
(n = 9,829); H2 PMID 39371657; H3 PMID 21762890; H4 PMC6935772. F1 Keevil 2018; F2 DOI
10.1111/tog.12069. T1 empendium table 031_5077; T2 Azziz 1999; T3 peeref 33959800; T4 AAFP 2001.
A1 repub.eur.nl 136955. U1 Balen 2003, DOI 10.1093/humupd/dmg044; U2 NBK278959; U3 repub.eur.nl
64104; U5 PMC6858942; U9 Scheffer 2002; U13 obgynkey, ovarian volume against true volume. M1
PMC3244623; M4 PMC5834769; M6 Diabetology & Metabolic Syndrome s13098-019-0503-1; M7 ADA ranges;
M8 wjgnet 2022.

## Readings of this project where the sources leave room

- Unknown contraception: present findings are provisional, absent ones unknown.
- Unknown testosterone method: the free androgen index must give one answer under all cut-offs.
- Unknown albumin: calculated free testosterone must give one answer over all plausible albumin.
- Scan and AMH, chart and picture, that contradict each other leave morphology open.
- A picture shows follicles per section as present, never as absent; a tracked estimate decides
  nothing.
- Second-line androgens raised alone, and one low luteal progesterone with regular cycles, are
  present but provisional: they never suffice for `criteria_met`.
- For progesterone, `upper_limit` is the upper limit of the follicular phase, the ovulation limit.
- Cycles are not read on hormonal contraception: bleeding then does not show ovulation.
- Measurement error assumed on the morphology axis where none is stated: count -5 to +5 (U9, V);
  volume -6.7 to +3.8 mL by 2D, -5.4 to +4.7 mL by 3D (U13, V); to be replaced by own data.
- Below half of the required inputs an axis has no grade, only a lower bound.
- A low TSH and a low FSH are not judged: the chart holds no lower limits.
- Age at menarche unknown from age 20: adult; cycles must be irregular under every stage the age
  allows, menarche at 20 being the latest plausible.
"""


def rules() -> dict[str, tuple[Rule, ...]]:
    """Every threshold by chapter."""
    return {title: tuple(_rules_of(vars(module).values())) for title, module in _CHAPTERS}


def _rules_of(values: Iterable[object]) -> Iterator[Rule]:
    """The rules among some values, looking into tables of them."""
    for value in values:
        if isinstance(value, Rule):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Rule))
        elif isinstance(value, dict):
            yield from (item for item in value.values() if isinstance(item, Rule))


def as_markdown() -> str:
    """The published page."""
    seen: set[str] = set()
    parts = [_HEAD, f"Rule version {RULE_VERSION}.\n"]
    for title, found in rules().items():
        own = [rule for rule in found if rule.key not in seen]
        seen |= {rule.key for rule in own}
        if own:
            parts.append(_table(title, own))
    return "\n".join([*parts, _plausible_table(), _analyte_table(), _SOURCES])


def _table(title: str, found: list[Rule]) -> str:
    """One chapter."""
    rows = [
        f"| `{r.key}` | {r.relation} {r.value:g} | {r.unit} | {r.text} | {r.source} "
        f"| {r.verification} | {r.verified_by or ''} | {r.verified_on or ''} |"
        for r in dict.fromkeys(found)
    ]
    head = "| key | threshold | unit | rule | source | verification | verified by | on |"
    return "\n".join([f"## {title}\n", head, "|---|---|---|---|---|---|---|---|", *rows, ""])


def _plausible_table() -> str:
    """Limits against slips of the pen."""
    rows = [f"| `{field}` | {x.low:g} to {x.high:g} | {x.unit} |" for field, x in LIMITS.items()]
    head = "| field | plausible | unit |"
    return "\n".join(["## Plausible values (project)\n", head, "|---|---|---|", *rows, ""])


def _analyte_table() -> str:
    """Units, plausible ranges and molar masses of the laboratory tests."""
    rows = []
    for analyte, facts in ANALYTES.items():
        mass = f"{facts.molar_mass_g_mol:g} ({facts.compound})" if facts.molar_mass_g_mol else ""
        factor = facts.activity
        note = f"{factor.source}; {factor.verification}" if factor else mass
        rows.append(
            f"| `{analyte}` | {', '.join(facts.units)} | {facts.low:g} to {facts.high:g} "
            f"{facts.units[0]} | {note} |"
        )
    head = "| analyte | units | plausible (project) | molar mass g/mol, or factor |"
    return "\n".join(["## Laboratory tests\n", head, "|---|---|---|---|", *rows, ""])
