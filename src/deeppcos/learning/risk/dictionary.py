"""The data dictionary: every clinical feature, its unit, limits, tier, and what it may do.

Owns one table. Which column of which data set holds a feature is the business of ``adapters``;
checking a cell that of ``repair``.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from deeppcos.clinical.analytes import Analyte


class Tier(IntEnum):
    """What has been measured; each tier includes those before it."""

    QUESTIONNAIRE = 1
    EXAMINATION = 2
    LABORATORY = 3
    ULTRASOUND = 4

    @property
    def label(self) -> str:
        """The tier as printed.

        Examples:
            >>> Tier.LABORATORY.label
            'questionnaire + examination + laboratory'
        """
        return " + ".join(tier.name.lower() for tier in Tier if tier <= self)


class Kind(StrEnum):
    """What the numbers of a feature are."""

    NUMBER = "number"
    YES_NO = "yes or no"
    COUNT = "count"


class Direction(IntEnum):
    """How the estimate may move as the feature rises, everything else equal."""

    FALLING = -1
    FREE = 0
    RISING = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One clinical feature.

    Attributes:
        name: Name with its unit, as used everywhere.
        label: Words for people.
        tier: The first tier it belongs to.
        kind: What its numbers are.
        low: Smallest plausible value; below it a cell is asked back.
        high: Largest plausible value.
        unit: Unit, or empty.
        defines_label: Whether it is part of the criteria the label of such tables rests on.
        direction: The monotone constraint.
        because: Why it has that constraint, or why none.
        usual_median: Where the median of a column lies in any table of adult women; a column
            outside is taken to be in another unit and asked back. None: not checked.
        analyte: The laboratory test whose units convert to this one, or None.
        recomputed_from: Columns it is always recomputed from, never read.
    """

    name: str
    label: str
    tier: Tier
    kind: Kind = Kind.NUMBER
    low: float
    high: float
    unit: str = ""
    defines_label: bool = False
    direction: Direction = Direction.FREE
    because: str
    usual_median: tuple[float, float] | None = None
    analyte: Analyte | None = None
    recomputed_from: tuple[str, ...] = ()


_Q, _E, _L, _U = Tier
_UP, _DOWN = Direction.RISING, Direction.FALLING


def _yes_no(
    name: str, label: str, because: str, *, defines: bool = False, direction: Direction = _UP
) -> Feature:
    """A question answered yes (1) or no (0)."""
    return Feature(
        name=name,
        label=label,
        tier=_Q,
        kind=Kind.YES_NO,
        low=0,
        high=1,
        defines_label=defines,
        direction=direction,
        because=because,
    )


FEATURES: tuple[Feature, ...] = (
    Feature(
        name="age_years",
        label="age",
        tier=_Q,
        low=10,
        high=60,
        unit="years",
        direction=_DOWN,
        because="follicle number, AMH and androgens fall with age in adults",
        usual_median=(15, 50),
    ),
    Feature(
        name="body_mass_index",
        label="body mass index",
        tier=_Q,
        low=12,
        high=70,
        unit="kg/m2",
        direction=_UP,
        because="weight worsens insulin resistance, which drives androgens",
        recomputed_from=("weight_kg", "height_cm"),
        usual_median=(18, 35),
    ),
    _yes_no("cycle_irregular", "irregular cycles", "a criterion", defines=True),
    Feature(
        name="bleeding_days",
        label="days of bleeding",
        tier=_Q,
        low=0,
        high=30,
        unit="days",
        because="short and long bleeding both occur; no direction is known",
        usual_median=(2, 9),
    ),
    _yes_no("weight_gain", "weight gain", "as body mass index"),
    _yes_no("hair_growth", "excess hair growth", "a sign of androgen excess", defines=True),
    _yes_no("skin_darkening", "skin darkening", "acanthosis is a sign of insulin resistance"),
    _yes_no("hair_loss", "scalp hair loss", "a weak sign of androgen excess", defines=True),
    _yes_no("acne", "acne", "a weak sign of androgen excess", defines=True),
    _yes_no("fast_food", "fast food", "habit; no direction is claimed", direction=Direction.FREE),
    _yes_no(
        "regular_exercise",
        "regular exercise",
        "habit; women may exercise because of it",
        direction=Direction.FREE,
    ),
    Feature(
        name="waist_cm",
        label="waist",
        tier=_E,
        low=40,
        high=200,
        unit="cm",
        direction=_UP,
        because="as body mass index",
        usual_median=(60, 115),
    ),
    Feature(
        name="waist_hip_ratio",
        label="waist to hip ratio",
        tier=_E,
        low=0.5,
        high=1.5,
        direction=_UP,
        because="central fat goes with insulin resistance",
        recomputed_from=("waist_cm", "hip_cm"),
        usual_median=(0.7, 1.0),
    ),
    Feature(
        name="systolic_mmhg",
        label="systolic pressure",
        tier=_E,
        low=60,
        high=260,
        unit="mmHg",
        because="confounded by age; no direction is claimed",
        usual_median=(95, 140),
    ),
    Feature(
        name="diastolic_mmhg",
        label="diastolic pressure",
        tier=_E,
        low=30,
        high=160,
        unit="mmHg",
        because="as systolic pressure",
        usual_median=(58, 95),
    ),
    Feature(
        name="pulse_bpm",
        label="pulse",
        tier=_E,
        low=35,
        high=200,
        unit="1/min",
        because="no direction is known",
        usual_median=(55, 100),
    ),
    Feature(
        name="amh_ng_ml",
        label="AMH",
        tier=_L,
        low=0.01,
        high=40,
        unit="ng/mL",
        direction=_UP,
        because="AMH rises with the number of small follicles",
        usual_median=(0.8, 9),
        analyte=Analyte.AMH,
    ),
    Feature(
        name="lh_iu_l",
        label="LH",
        tier=_L,
        low=0.01,
        high=150,
        unit="IU/L",
        direction=_UP,
        because="often raised, not lowered; no rule of ours rests on it",
        usual_median=(0.8, 15),
        analyte=Analyte.LH,
    ),
    Feature(
        name="fsh_iu_l",
        label="FSH",
        tier=_L,
        low=0.1,
        high=150,
        unit="IU/L",
        direction=_DOWN,
        because="high FSH points to ovarian insufficiency, another cause",
        usual_median=(2.5, 12),
        analyte=Analyte.FSH,
    ),
    Feature(
        name="tsh_miu_l",
        label="TSH",
        tier=_L,
        low=0.005,
        high=60,
        unit="mIU/L",
        because="a test for another cause; no direction is claimed",
        usual_median=(0.8, 5),
        analyte=Analyte.TSH,
    ),
    Feature(
        name="prolactin_ng_ml",
        label="prolactin",
        tier=_L,
        low=0.2,
        high=500,
        unit="ng/mL",
        because="a test for another cause; no direction is claimed",
        usual_median=(6, 40),
        analyte=Analyte.PROLACTIN,
    ),
    Feature(
        name="progesterone_ng_ml",
        label="progesterone",
        tier=_L,
        low=0.02,
        high=40,
        unit="ng/mL",
        direction=_DOWN,
        because="a high value shows an ovulation",
        usual_median=(0.1, 12),
        analyte=Analyte.PROGESTERONE,
    ),
    Feature(
        name="vitamin_d_ng_ml",
        label="25-OH vitamin D",
        tier=_L,
        low=2,
        high=200,
        unit="ng/mL",
        because="no causal direction is established",
        usual_median=(9, 60),
    ),
    Feature(
        name="random_glucose_mg_dl",
        label="random glucose",
        tier=_L,
        low=40,
        high=600,
        unit="mg/dL",
        direction=_UP,
        because="insulin resistance raises it",
        usual_median=(75, 140),
        analyte=Analyte.FASTING_GLUCOSE,
    ),
    Feature(
        name="haemoglobin_g_dl",
        label="haemoglobin",
        tier=_L,
        low=4,
        high=20,
        unit="g/dL",
        because="no direction is known",
        usual_median=(9.5, 15.5),
    ),
    Feature(
        name="follicles_left",
        label="follicles, left ovary",
        tier=_U,
        kind=Kind.COUNT,
        low=0,
        high=80,
        unit="follicles",
        defines_label=True,
        direction=_UP,
        because="a criterion",
        usual_median=(2, 40),
    ),
    Feature(
        name="follicles_right",
        label="follicles, right ovary",
        tier=_U,
        kind=Kind.COUNT,
        low=0,
        high=80,
        unit="follicles",
        defines_label=True,
        direction=_UP,
        because="a criterion",
        usual_median=(2, 40),
    ),
    Feature(
        name="mean_follicle_left_mm",
        label="mean follicle size, left",
        tier=_U,
        low=1,
        high=40,
        unit="mm",
        because="depends on the day of the cycle; no direction is claimed",
        usual_median=(3, 22),
    ),
    Feature(
        name="mean_follicle_right_mm",
        label="mean follicle size, right",
        tier=_U,
        low=1,
        high=40,
        unit="mm",
        because="depends on the day of the cycle; no direction is claimed",
        usual_median=(3, 22),
    ),
    Feature(
        name="endometrium_mm",
        label="endometrium",
        tier=_U,
        low=1,
        high=40,
        unit="mm",
        because="depends on the day of the cycle; no direction is claimed",
        usual_median=(3, 15),
    ),
)
"""Every feature in the order of its tier. Plausible limits are project rules against slips.

Random glucose converts like any glucose: the analyte gives the molar mass, not the meaning.
"""

INGREDIENTS: tuple[Feature, ...] = (
    Feature(
        name="weight_kg",
        label="weight",
        tier=_Q,
        low=25,
        high=250,
        unit="kg",
        because="enters as body mass index",
        usual_median=(42, 95),
    ),
    Feature(
        name="height_cm",
        label="height",
        tier=_Q,
        low=120,
        high=210,
        unit="cm",
        because="enters as body mass index",
        usual_median=(145, 180),
    ),
    Feature(
        name="hip_cm",
        label="hip",
        tier=_E,
        low=50,
        high=220,
        unit="cm",
        because="enters as waist to hip ratio",
        usual_median=(75, 125),
    ),
)
"""Columns read only to recompute a feature."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
BY_NAME: dict[str, Feature] = {feature.name: feature for feature in (*FEATURES, *INGREDIENTS)}


def feature_names(tier: Tier, *, with_label_defining: bool = True) -> tuple[str, ...]:
    """The features available at a tier.

    Args:
        tier: What has been measured.
        with_label_defining: Whether features that are criteria themselves are among them.

    Returns:
        Names in the order of the dictionary.

    Examples:
        >>> "cycle_irregular" in feature_names(Tier.QUESTIONNAIRE)
        True
        >>> "cycle_irregular" in feature_names(Tier.QUESTIONNAIRE, with_label_defining=False)
        False
    """
    return tuple(
        feature.name
        for feature in FEATURES
        if feature.tier <= tier and (with_label_defining or not feature.defines_label)
    )
