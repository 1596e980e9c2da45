"""Who the patient is: age, years since menarche, contraception, cycles, signs and body.

Owns the record types of history and examination and what age and contraception permit. Reading
cycles or signs as findings is the business of ``ovulation`` and ``hyperandrogenism``.
"""

from dataclasses import dataclass
from enum import StrEnum

from deeppcos.clinical.plausibility import LIMITS, require_plausible
from deeppcos.clinical.sourcing import Relation, Rule, Verification
from deeppcos.errors import InvalidInput

ADULT = Rule(
    key="adult_years_since_menarche",
    value=8,
    unit="years since menarche",
    relation=Relation.AT_LEAST,
    text="Adult rules, ultrasound and AMH apply from 8 years after menarche.",
    source="2023 International Guideline, via G2, G3",
    verification=Verification.SECONDARY,
)

PRESUMED_ADULT = Rule(
    key="presumed_adult_age",
    value=20,
    unit="years of age",
    relation=Relation.AT_LEAST,
    text="With age at menarche unknown, adolescent status is unknown below this age.",
    source="clinical reference 1.1",
    verification=Verification.PROJECT,
)

PERIMENOPAUSE = Rule(
    key="menopausal_state_needed_age",
    value=45,
    unit="years of age",
    relation=Relation.AT_LEAST,
    text="From this age irregular cycles may be the menopausal transition: the state is asked for.",
    source="project rule; cycle limits hold to perimenopause (G2)",
    verification=Verification.PROJECT,
)


class Contraception(StrEnum):
    """Hormonal contraception now or recently."""

    NONE = "none"
    COMBINED = "combined"
    PROGESTOGEN = "progestogen"
    STOPPED_UNDER_3_MONTHS = "stopped_under_3_months"


class Population(StrEnum):
    """Populations with a published hirsutism cut-off."""

    WHITE_AMERICAN = "white_american"
    BLACK_AMERICAN = "black_american"
    WHITE_RUSSIAN = "white_russian"
    ASIAN_RUSSIAN = "asian_russian"
    WHITE_ITALIAN = "white_italian"
    TURKISH = "turkish"
    WHITE_IRANIAN = "white_iranian"
    BLACK_AFRICAN = "black_african"
    SOUTH_INDIAN = "south_indian"
    HAN_CHINESE = "han_chinese"
    SOUTHERN_CHINESE = "southern_chinese"
    KOREAN = "korean"
    FILIPINO = "filipino"


class AgeGroup(StrEnum):
    """Which column of the guideline's table applies."""

    ADULT = "adult"
    ADOLESCENT = "adolescent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is known of the patient; None is unknown.

    Attributes:
        age_years: Age, years.
        age_at_menarche_years: Age at first period, years. None says nothing about whether
            menarche has happened.
        population: Population for the hirsutism and body-size limits.
        pregnant: Whether pregnant now.
        postmenopausal: Whether postmenopausal.
        hormonal_contraception: Use now or within the last three months.

    Raises:
        InvalidInput: If an age is implausible or menarche lies after the present age.
    """

    age_years: float | None = None
    age_at_menarche_years: float | None = None
    population: Population | None = None
    pregnant: bool | None = None
    postmenopausal: bool | None = None
    hormonal_contraception: Contraception | None = None

    def __post_init__(self) -> None:
        require_plausible("patient.age_years", self.age_years)
        require_plausible("patient.age_at_menarche_years", self.age_at_menarche_years)
        years = self.years_since_menarche
        if years is not None and years < 0:
            raise InvalidInput(
                "patient.age_at_menarche_years is greater than patient.age_years",
                value=f"{self.age_at_menarche_years:g} and {self.age_years:g} years",
                accepted="menarche at or before the present age",
                remedy="correct one of the two, or leave age_at_menarche_years out",
            )

    @property
    def years_since_menarche(self) -> float | None:
        """Gynaecological age in years, or None if either age is unknown."""
        if self.age_years is None or self.age_at_menarche_years is None:
            return None
        return self.age_years - self.age_at_menarche_years

    @property
    def least_years_since_menarche(self) -> float | None:
        """The fewest years since menarche the known ages allow, or None if age is unknown.

        With the age at menarche unknown, the latest plausible one is taken.
        """
        if self.age_years is None or self.years_since_menarche is not None:
            return self.years_since_menarche
        return max(0.0, self.age_years - LIMITS["patient.age_at_menarche_years"].high)

    @property
    def age_group(self) -> AgeGroup:
        """Adult, adolescent, or unknown.

        Examples:
            >>> Patient(age_years=27, age_at_menarche_years=12).age_group.value
            'adult'
            >>> Patient(age_years=19).age_group.value
            'unknown'
        """
        years = self.years_since_menarche
        if years is not None:
            return AgeGroup.ADULT if ADULT.applies_to(years) else AgeGroup.ADOLESCENT
        if self.age_years is not None and PRESUMED_ADULT.applies_to(self.age_years):
            return AgeGroup.ADULT
        return AgeGroup.UNKNOWN

    @property
    def is_on_contraception(self) -> bool | None:
        """Whether hormonal contraception is in use or was within three months; None unknown."""
        if self.hormonal_contraception is None:
            return None
        return self.hormonal_contraception is not Contraception.NONE

    @property
    def needs_menopausal_state(self) -> bool:
        """Whether the age makes the menopausal state a question that must be answered."""
        return self.age_years is not None and PERIMENOPAUSE.applies_to(self.age_years)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycles:
    """Menstrual history; None is unknown.

    Attributes:
        interval_days: Usual interval from first day to first day, days.
        per_year: Cycles in the last year.
        longest_interval_days: Longest single interval, days.
        bleeding_days: Days of bleeding. Never an interval: some tables mislabel it as one.
    """

    interval_days: float | None = None
    per_year: float | None = None
    longest_interval_days: float | None = None
    bleeding_days: float | None = None

    def __post_init__(self) -> None:
        require_plausible("cycles.interval_days", self.interval_days)
        require_plausible("cycles.per_year", self.per_year)
        require_plausible("cycles.longest_interval_days", self.longest_interval_days)
        require_plausible("cycles.bleeding_days", self.bleeding_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Signs of androgen excess; None is unknown.

    Attributes:
        mfg_score: Modified Ferriman-Gallwey score of terminal hair, 0 to 36.
        acne: Acne beyond adolescence or severe.
        scalp_hair_loss: Hair loss of female pattern.
        rapid_onset: Signs that came or worsened within months.
        virilisation: Deep voice, clitoromegaly, male muscle pattern.
    """

    mfg_score: float | None = None
    acne: bool | None = None
    scalp_hair_loss: bool | None = None
    rapid_onset: bool | None = None
    virilisation: bool | None = None

    def __post_init__(self) -> None:
        require_plausible("signs.mfg_score", self.mfg_score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Body measurements; None is unknown.

    Attributes:
        height_cm: Height, cm.
        weight_kg: Weight, kg.
        waist_cm: Waist circumference, cm.
        systolic_mmhg: Systolic blood pressure, mmHg.
        diastolic_mmhg: Diastolic blood pressure, mmHg.
    """

    height_cm: float | None = None
    weight_kg: float | None = None
    waist_cm: float | None = None
    systolic_mmhg: float | None = None
    diastolic_mmhg: float | None = None

    def __post_init__(self) -> None:
        for name in ("height_cm", "weight_kg", "waist_cm", "systolic_mmhg", "diastolic_mmhg"):
            require_plausible(f"body.{name}", getattr(self, name))
        if self.systolic_mmhg is None or self.diastolic_mmhg is None:
            return
        if self.systolic_mmhg <= self.diastolic_mmhg:
            raise InvalidInput(
                "body.systolic_mmhg is not above body.diastolic_mmhg",
                value=f"{self.systolic_mmhg:g}/{self.diastolic_mmhg:g} mmHg",
                accepted="systolic above diastolic",
                remedy="check whether the two were exchanged",
            )
