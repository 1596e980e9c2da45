"""One woman's research estimate: below the rule engine's answer, with interval and reasons.

Owns when an estimate is given and when it is withheld. It needs numpy alone. It never answers
the criteria: where the rule engine has, nothing is estimated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.criteria import Conclusion, conclude, find
from deeppcos.clinical.exclusions import red_flags
from deeppcos.clinical.patient import AgeGroup
from deeppcos.clinical.profiles import DEFAULT_PROFILE, profile_named
from deeppcos.learning.risk.chart_features import features_of
from deeppcos.learning.risk.dictionary import BY_NAME, FEATURES, NAMES, Tier
from deeppcos.learning.risk.release_file import RiskRelease, TierModel

FEWEST_FEATURES = 3
STATEMENT = (
    "Research estimate. It says how often women with such values carry the label of one data "
    "set; it is no diagnosis, answers no criterion, and is below the answer of the criteria."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one feature adds.

    Attributes:
        feature: Name.
        value: Its value, or None: unknown.
        log_odds: Exact Shapley value against the training women.
    """

    feature: str
    value: float | None
    log_odds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one model says.

    Attributes:
        with_label_defining: Whether criteria were among its features.
        probability: Calibrated probability of the data set's label.
        low: Lower end of its Venn-Abers interval.
        high: Upper end.
        label_set: Labels that cannot be ruled out at the stated coverage.
        coverage: That coverage.
        parts: What each feature adds, largest first.
        outside: Features whose value lies outside what training saw.
        model: The model, for its held-out figures.
    """

    with_label_defining: bool
    probability: float
    low: float
    high: float
    label_set: frozenset[bool]
    coverage: float
    parts: tuple[Part, ...]
    outside: tuple[str, ...]
    model: TierModel


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEstimate:
    """A research estimate, or why there is none.

    Attributes:
        conclusion: What the criteria say; it comes first and stands.
        tier: The tier that was used, or None.
        readings: With and without label-defining features; empty where withheld.
        withheld: Why nothing is estimated; empty where something is.
        unknown: Features of the tier that were not known.
        notes: What was not used, and why.
        label_meaning: What the label says.
    """

    conclusion: Conclusion
    tier: Tier | None
    readings: tuple[Reading, ...]
    withheld: tuple[str, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    label_meaning: str


def estimate(
    chart: PatientChart,
    release: RiskRelease,
    *,
    answers: Mapping[str, bool] | None = None,
    profile: str = DEFAULT_PROFILE,
) -> RiskEstimate:
    """Estimate, where the criteria leave the question open.

    Args:
        chart: The patient's chart.
        release: The models.
        answers: Answers the chart has no place for, such as ``weight_gain``.
        profile: Criteria profile of the rule engine.

    Returns:
        The estimate below the rule engine's conclusion, or the reasons for withholding it.

    Raises:
        InvalidInput: If there is no such profile or question.
    """
    rules = profile_named(profile)
    conclusion = conclude(chart.patient, find(chart, rules), rules, red_flags(chart))
    row, notes = features_of(chart, answers)
    known = [n for n, v in zip(NAMES, row, strict=True) if np.isfinite(v)]
    tier = max((BY_NAME[n].tier for n in known), default=None)
    withheld = _withheld(chart, conclusion, n_known=len(known), release=release)
    if withheld or tier is None:
        return RiskEstimate(
            conclusion=conclusion,
            tier=None,
            readings=(),
            withheld=withheld,
            unknown=(),
            notes=notes,
            label_meaning=release.label_meaning,
        )
    values = dict(zip(NAMES, row.tolist(), strict=True))
    readings = (
        _reading(release.model(tier, with_label_defining=with_label_defining), values)
        for with_label_defining in (True, False)
    )
    return RiskEstimate(
        conclusion=conclusion,
        tier=tier,
        readings=tuple(readings),
        withheld=(),
        unknown=tuple(f.name for f in FEATURES if f.tier <= tier and f.name not in known),
        notes=notes,
        label_meaning=release.label_meaning,
    )


def _withheld(
    chart: PatientChart, conclusion: Conclusion, *, n_known: int, release: RiskRelease
) -> tuple[str, ...]:
    """Every reason for giving no estimate."""
    patient = chart.patient
    low, high = release.models[0].seen_range["age_years"]
    age = patient.age_years
    reasons = {
        f"the criteria are answered ({conclusion.status.value}): that answer stands": (
            conclusion.status.is_settled
        ),
        "red flags come first": bool(conclusion.red_flags),
        "adolescents, and women whose adult status is unknown, are not in the data": (
            patient.age_group is not AgeGroup.ADULT
        ),
        f"age outside {low:g} to {high:g} years, the ages in the data": (
            age is not None and not low <= age <= high
        ),
        "pregnant: cycles, hormones and ovaries cannot be read now": patient.pregnant is True,
        "postmenopausal women are not in the data": patient.postmenopausal is True,
        "on hormonal contraception: cycles, hormones and ovaries show its effect": (
            patient.is_on_contraception is True
        ),
        f"only {n_known} features known, at least {FEWEST_FEATURES} needed": (
            n_known < FEWEST_FEATURES
        ),
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def _reading(model: TierModel, values: Mapping[str, float]) -> Reading:
    """What one model says of one woman."""
    names = model.fitted.model.names
    row = np.array([[values[name] for name in names]])
    score = float(model.fitted.model.score(row)[0])
    added = model.fitted.model.contributions(row)[0]
    low, high = model.fitted.conformal.interval(score)
    probability = float(model.fitted.model.probability(row)[0])
    parts = [
        Part(
            feature=name,
            value=values[name] if np.isfinite(values[name]) else None,
            log_odds=float(part),
        )
        for name, part in zip(names, added, strict=True)
    ]
    return Reading(
        with_label_defining=model.with_label_defining,
        probability=probability,
        # The interval is fitted on other women's scores; it is widened to hold the probability.
        low=min(low, probability),
        high=max(high, probability),
        label_set=model.fitted.conformal.label_set(score),
        coverage=model.fitted.conformal.coverage,
        parts=tuple(sorted(parts, key=lambda p: -abs(p.log_odds))),
        outside=tuple(n for n in names if _is_outside(values[n], model.seen_range.get(n))),
        model=model,
    )


def _is_outside(value: float, seen: tuple[float, float] | None) -> bool:
    """Whether a known value lies outside what training saw."""
    return bool(np.isfinite(value)) and seen is not None and not seen[0] <= value <= seen[1]


def to_document(result: RiskEstimate) -> dict[str, Any]:
    """The estimate as plain data, ``deeppcos.risk-estimate/1``."""
    return {
        "schema": "deeppcos.risk-estimate/1",
        "statement": STATEMENT,
        "criteria": {
            "status": result.conclusion.status.value,
            "profile": result.conclusion.profile,
            "reasons": list(result.conclusion.reasons),
        },
        "withheld": list(result.withheld),
        "tier": None if result.tier is None else result.tier.label,
        "label": result.label_meaning,
        "estimates": [_reading_document(reading) for reading in result.readings],
        "unknown": list(result.unknown),
        "notes": list(result.notes),
    }


def _reading_document(reading: Reading) -> dict[str, Any]:
    """One reading as plain data."""
    return {
        "features": "all" if reading.with_label_defining else "without label-defining",
        "probability": round(reading.probability, 3),
        "interval": [round(reading.low, 3), round(reading.high, 3)],
        "not_ruled_out": sorted("labelled" if x else "not labelled" for x in reading.label_set),
        "coverage": reading.coverage,
        "parts": [
            {
                "feature": part.feature,
                "label": BY_NAME[part.feature].label,
                "value": part.value,
                "log_odds": round(part.log_odds, 3),
            }
            for part in reading.parts
        ],
        "outside_training": list(reading.outside),
        "held_out_auroc": reading.model.figures["auroc"].value,
    }
