"""The criteria profiles: which criteria together meet a definition, and by which thresholds.

Owns the profiles, as data, and finding one by name. Applying them is the business of
``criteria`` and ``morphology``.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from deeppcos.clinical.morphology import MorphologyRules
from deeppcos.clinical.sourcing import Relation, Rule, Verification
from deeppcos.errors import InvalidInput

_GUIDELINE = "2023 International Guideline"


class Criterion(StrEnum):
    """The three criteria every profile is made of."""

    OVULATORY_DYSFUNCTION = "ovulatory_dysfunction"
    HYPERANDROGENISM = "hyperandrogenism"
    POLYCYSTIC_MORPHOLOGY = "polycystic_morphology"


OD, HA, PCOM = Criterion

CRITERION_NAMES = {
    OD: "ovulatory dysfunction",
    HA: "hyperandrogenism",
    PCOM: "polycystic ovarian morphology",
}

PHENOTYPES = {
    "A": frozenset({OD, HA, PCOM}),
    "B": frozenset({OD, HA}),
    "C": frozenset({HA, PCOM}),
    "D": frozenset({OD, PCOM}),
}
"""Source: C2, verification V."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriteriaProfile:
    """One set of criteria with its thresholds.

    Attributes:
        key: Name used on the command line and in documents.
        title: Name as printed.
        accepted: Sets of criteria, any one of which meets the profile.
        morphology: Thresholds of morphology.
        source: Short source of the rule.
        verification: How it was checked.
    """

    key: str
    title: str
    accepted: tuple[frozenset[Criterion], ...]
    morphology: MorphologyRules
    source: str
    verification: Verification


def _threshold(
    key: str, value: float, unit: str, relation: Relation, text: str, source: str, tag: str
) -> Rule:
    """One threshold of morphology."""
    return Rule(
        key=key,
        value=value,
        unit=unit,
        relation=relation,
        text=text,
        source=source,
        verification=Verification(tag),
    )


FNPO_2023 = _threshold(
    "fnpo_guideline_2023",
    20,
    "follicles",
    Relation.AT_LEAST,
    "Follicles of 2-9 mm in the whole of at least one ovary, modern transvaginal probe.",
    f"{_GUIDELINE} [G2, G3, G7]",
    "V2",
)
VOLUME_2023 = _threshold(
    "volume_guideline_2023",
    10,
    "mL",
    Relation.AT_LEAST,
    "Volume of at least one ovary, where follicles cannot be counted throughout; not with a "
    "dominant follicle, corpus luteum or cyst in that ovary.",
    f"{_GUIDELINE} [G2]",
    "V2",
)
FNPS_2023 = _threshold(
    "fnps_guideline_2023",
    10,
    "follicles",
    Relation.AT_LEAST,
    "Follicles of 2-9 mm in one section of at least one ovary, where volume is also read.",
    f"{_GUIDELINE} [G2]",
    "V2",
)
FNPO_ROTTERDAM = _threshold(
    "fnpo_rotterdam_2003",
    12,
    "follicles",
    Relation.AT_LEAST,
    "Follicles of 2-9 mm in the whole of at least one ovary.",
    "Balen 2003 [U1]",
    "V",
)
VOLUME_ROTTERDAM = _threshold(
    "volume_rotterdam_2003",
    10,
    "mL",
    Relation.MORE_THAN,
    "Volume of at least one ovary without a dominant follicle.",
    "Balen 2003 [U1]",
    "V",
)
FNPO_2014 = _threshold(
    "fnpo_aepcos_2014",
    25,
    "follicles",
    Relation.AT_LEAST,
    "Follicles in the whole of at least one ovary, modern transvaginal probe, ages 18 to 35.",
    "AE-PCOS task force 2014 [U3]",
    "V",
)
VOLUME_2014 = _threshold(
    "volume_aepcos_2014",
    10,
    "mL",
    Relation.AT_LEAST,
    "Volume of at least one ovary, where follicles cannot be counted throughout.",
    "AE-PCOS task force 2014, general knowledge",
    "M",
)

_MORPHOLOGY_2023 = MorphologyRules(
    follicles_per_ovary=FNPO_2023,
    volume=VOLUME_2023,
    follicles_per_section=FNPS_2023,
    needs_modern_probe=True,
    uses_amh=True,
)
_MORPHOLOGY_ROTTERDAM = MorphologyRules(
    follicles_per_ovary=FNPO_ROTTERDAM,
    volume=VOLUME_ROTTERDAM,
    follicles_per_section=None,
    needs_modern_probe=False,
    uses_amh=False,
)
_MORPHOLOGY_2014 = MorphologyRules(
    follicles_per_ovary=FNPO_2014,
    volume=VOLUME_2014,
    follicles_per_section=None,
    needs_modern_probe=True,
    uses_amh=False,
)

_ANY_TWO = (frozenset({OD, HA}), frozenset({OD, PCOM}), frozenset({HA, PCOM}))
_HA_AND_ONE = (frozenset({HA, OD}), frozenset({HA, PCOM}))
HA_AND_OD = (frozenset({HA, OD}),)
"""NIH 1990, and what every profile asks of adolescents."""

DEFAULT_PROFILE = "guideline_2023"

PROFILES: dict[str, CriteriaProfile] = {
    profile.key: profile
    for profile in (
        CriteriaProfile(
            key=DEFAULT_PROFILE,
            title="International evidence-based guideline 2023",
            accepted=_ANY_TWO,
            morphology=_MORPHOLOGY_2023,
            source=f"{_GUIDELINE} [G2]",
            verification=Verification.SECONDARY,
        ),
        CriteriaProfile(
            key="rotterdam_2003",
            title="Rotterdam 2003",
            accepted=_ANY_TWO,
            morphology=_MORPHOLOGY_ROTTERDAM,
            source="criteria table [C1]",
            verification=Verification.PRIMARY,
        ),
        CriteriaProfile(
            key="nih_1990",
            title="NIH 1990 (morphology shown by Rotterdam thresholds, not used)",
            accepted=HA_AND_OD,
            morphology=_MORPHOLOGY_ROTTERDAM,
            source="criteria table [C1]",
            verification=Verification.PRIMARY,
        ),
        CriteriaProfile(
            key="aepcos_2006",
            title="AE-PCOS Society 2006",
            accepted=_HA_AND_ONE,
            morphology=_MORPHOLOGY_ROTTERDAM,
            source="criteria table [C1]",
            verification=Verification.PRIMARY,
        ),
        CriteriaProfile(
            key="aepcos_2006_fnpo25",
            title="AE-PCOS Society 2006 with the 2014 follicle threshold",
            accepted=_HA_AND_ONE,
            morphology=_MORPHOLOGY_2014,
            source="criteria table [C1]; task force 2014 [U3]",
            verification=Verification.PRIMARY,
        ),
    )
}


def profile_named(key: str) -> CriteriaProfile:
    """The criteria profile of that name.

    Raises:
        InvalidInput: If there is none; the message lists all and suggests the closest.
    """
    if key in PROFILES:
        return PROFILES[key]
    close = get_close_matches(key, PROFILES, n=1)
    raise InvalidInput(
        "unknown criteria profile",
        value=repr(key),
        accepted=", ".join(PROFILES),
        remedy=f"did you mean {close[0]}?" if close else "choose one of these",
    )
