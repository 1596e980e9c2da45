"""The laboratory tests DeepPCOS knows: kinds of unit, molar mass, plausible range.

Owns one table. Parsing and converting units is the business of ``units.py``; what a value
means that of the modules named after the question.

Molar masses are those of PubChem for the compound named beside each; conversion factors are
computed from them and tested against published factors. The plausible ranges are limits
against slips (project rules), wide enough for disease: a value outside is asked back.
"""

from dataclasses import dataclass
from enum import StrEnum

from deeppcos.clinical.sourcing import Verification


class Analyte(StrEnum):
    """Laboratory tests by the name the chart uses."""

    TOTAL_TESTOSTERONE = "total_testosterone"
    FREE_TESTOSTERONE = "free_testosterone"
    SHBG = "shbg"
    ALBUMIN = "albumin"
    ANDROSTENEDIONE = "androstenedione"
    DHEAS = "dheas"
    AMH = "amh"
    LH = "lh"
    FSH = "fsh"
    TSH = "tsh"
    PROLACTIN = "prolactin"
    OHP_17 = "17_ohp"
    PROGESTERONE = "progesterone"
    FASTING_GLUCOSE = "fasting_glucose"
    GLUCOSE_2H = "glucose_2h"
    HBA1C = "hba1c"
    FASTING_INSULIN = "fasting_insulin"
    TOTAL_CHOLESTEROL = "total_cholesterol"
    HDL = "hdl"
    LDL = "ldl"
    TRIGLYCERIDES = "triglycerides"
    HCG = "hcg"

    @property
    def label(self) -> str:
        """The name as printed.

        Examples:
            >>> Analyte.OHP_17.label, Analyte.TOTAL_TESTOSTERONE.label
            ('17-OHP', 'total testosterone')
        """
        return _LABELS.get(self.value, self.value.replace("_", " "))


_LABELS = {
    "17_ohp": "17-OHP",
    "shbg": "SHBG",
    "dheas": "DHEAS",
    "amh": "AMH",
    "lh": "LH",
    "fsh": "FSH",
    "tsh": "TSH",
    "glucose_2h": "2-h glucose",
    "hba1c": "HbA1c",
    "hdl": "HDL cholesterol",
    "ldl": "LDL cholesterol",
    "hcg": "hCG",
}


class UnitKind(StrEnum):
    """What a unit counts. Only kinds an analyte lists are accepted for it."""

    MASS = "mass"  # grams per litre
    MOLAR = "molar"  # moles per litre
    ACTIVITY = "activity"  # international units per litre
    PERCENT = "percent"  # HbA1c, NGSP
    PER_MILLE = "mmol/mol"  # HbA1c, IFCC


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFactor:
    """How many of another unit one international unit stands for; assay-specific.

    Attributes:
        per_iu: Grams or moles in one international unit.
        kind: Mass or molar.
        source: Where the factor comes from.
        verification: How it was checked.
    """

    per_iu: float
    kind: UnitKind
    source: str
    verification: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyteFacts:
    """What is fixed about one laboratory test.

    Attributes:
        units: Usual units, UCUM; the first is the one limits are stated in.
        low: Smallest plausible value in the first unit.
        high: Largest plausible value in the first unit.
        molar_mass_g_mol: Molar mass, g/mol, where mass and molar units both make sense.
        compound: The compound the molar mass belongs to.
        activity: Factor for international units, where a conversion is in use.
        refused: Kinds that are refused with a reason of their own.
    """

    units: tuple[str, ...]
    low: float
    high: float
    molar_mass_g_mol: float | None = None
    compound: str = ""
    activity: ActivityFactor | None = None
    refused: tuple[tuple[UnitKind, str], ...] = ()


PROLACTIN_ACTIVITY = ActivityFactor(
    per_iu=1e-6 / 21.2e-3,
    kind=UnitKind.MASS,
    source="1 ng/mL = 21.2 mIU/L, WHO standard as commonly quoted; differs by assay",
    verification=Verification.UNVERIFIED,
)

INSULIN_ACTIVITY = ActivityFactor(
    per_iu=6.0e-12 / 1e-3,
    kind=UnitKind.MOLAR,
    source="1 uIU/mL = 6.0 pmol/L; older laboratories used 6.945",
    verification=Verification.UNVERIFIED,
)

_GLUCOSE = AnalyteFacts(
    units=("mmol/L", "mg/dL"), low=0.5, high=60, molar_mass_g_mol=180.16, compound="glucose"
)
_SHBG_MASS = (
    UnitKind.MASS,
    "published mass factors for SHBG disagree (34.7 against 0.105), so mass is not converted",
)
_CHOLESTEROL = 386.65

ANALYTES: dict[Analyte, AnalyteFacts] = {
    Analyte.TOTAL_TESTOSTERONE: AnalyteFacts(
        units=("nmol/L", "ng/dL", "ng/mL"),
        low=0.02,
        high=50,
        molar_mass_g_mol=288.42,
        compound="testosterone",
    ),
    Analyte.FREE_TESTOSTERONE: AnalyteFacts(
        units=("pmol/L", "pg/mL"),
        low=0.1,
        high=1000,
        molar_mass_g_mol=288.42,
        compound="testosterone",
    ),
    Analyte.SHBG: AnalyteFacts(units=("nmol/L",), low=1, high=1000, refused=(_SHBG_MASS,)),
    Analyte.ALBUMIN: AnalyteFacts(units=("g/L", "g/dL"), low=15, high=65),
    Analyte.ANDROSTENEDIONE: AnalyteFacts(
        units=("nmol/L", "ng/mL", "ng/dL"),
        low=0.05,
        high=150,
        molar_mass_g_mol=286.41,
        compound="androstenedione",
    ),
    Analyte.DHEAS: AnalyteFacts(
        units=("umol/L", "ug/dL"),
        low=0.02,
        high=100,
        molar_mass_g_mol=368.5,
        compound="dehydroepiandrosterone sulfate",
    ),
    Analyte.AMH: AnalyteFacts(
        units=("ng/mL", "pmol/L"),
        low=0,
        high=100,
        molar_mass_g_mol=140_000,
        compound="AMH homodimer, 140 kDa",
    ),
    Analyte.LH: AnalyteFacts(units=("[IU]/L", "m[IU]/mL"), low=0, high=250),
    Analyte.FSH: AnalyteFacts(units=("[IU]/L", "m[IU]/mL"), low=0, high=250),
    Analyte.TSH: AnalyteFacts(units=("m[IU]/L", "u[IU]/mL"), low=0, high=500),
    Analyte.PROLACTIN: AnalyteFacts(
        units=("ng/mL", "ug/L", "m[IU]/L"), low=0.2, high=50_000, activity=PROLACTIN_ACTIVITY
    ),
    Analyte.OHP_17: AnalyteFacts(
        units=("nmol/L", "ng/dL", "ng/mL"),
        low=0.05,
        high=1000,
        molar_mass_g_mol=330.46,
        compound="17-hydroxyprogesterone",
    ),
    Analyte.PROGESTERONE: AnalyteFacts(
        units=("nmol/L", "ng/mL"),
        low=0,
        high=1500,
        molar_mass_g_mol=314.46,
        compound="progesterone",
    ),
    Analyte.FASTING_GLUCOSE: _GLUCOSE,
    Analyte.GLUCOSE_2H: _GLUCOSE,
    Analyte.HBA1C: AnalyteFacts(units=("%", "mmol/mol"), low=2.5, high=20),
    Analyte.FASTING_INSULIN: AnalyteFacts(
        units=("u[IU]/mL", "m[IU]/L", "pmol/L"), low=0.1, high=2000, activity=INSULIN_ACTIVITY
    ),
    Analyte.TOTAL_CHOLESTEROL: AnalyteFacts(
        units=("mmol/L", "mg/dL"),
        low=0.5,
        high=30,
        molar_mass_g_mol=_CHOLESTEROL,
        compound="cholesterol",
    ),
    Analyte.HDL: AnalyteFacts(
        units=("mmol/L", "mg/dL"),
        low=0.1,
        high=6,
        molar_mass_g_mol=_CHOLESTEROL,
        compound="cholesterol",
    ),
    Analyte.LDL: AnalyteFacts(
        units=("mmol/L", "mg/dL"),
        low=0.1,
        high=25,
        molar_mass_g_mol=_CHOLESTEROL,
        compound="cholesterol",
    ),
    Analyte.TRIGLYCERIDES: AnalyteFacts(
        units=("mmol/L", "mg/dL"),
        low=0.1,
        high=120,
        molar_mass_g_mol=885.4,
        compound="triolein",
    ),
    Analyte.HCG: AnalyteFacts(units=("[IU]/L", "m[IU]/mL"), low=0, high=5_000_000),
}
