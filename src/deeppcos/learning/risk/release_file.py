"""The shipped risk release: one small JSON file, checked against its own sum when loaded.

Owns the file's schema, writing and reading. pydantic guards the border; inside, plain records.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning.metrics import Measured
from deeppcos.learning.risk.additive import AdditiveModel, Conformal, StepFunction
from deeppcos.learning.risk.additive_training import FittedRisk
from deeppcos.learning.risk.dictionary import Tier, feature_names

SCHEMA = "deeppcos.risk/1"
SHIPPED = Path(__file__).parent / "release" / "risk.json"
LARGEST_BYTES = 500_000


class _Strict(BaseModel):
    """A part of the file that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StepEntry(_Strict):
    """One step function."""

    name: str
    edges: list[float]
    scores: list[float]
    unknown: float


class ConformalEntry(_Strict):
    """Label sets and intervals; a missing threshold rules nothing out."""

    coverage: float
    least_positive: float | None
    most_negative: float | None
    knots: list[float]
    low: list[float]
    high: list[float]


class TierEntry(_Strict):
    """One model and its held-out figures: value, low, high."""

    tier: int
    with_label_defining: bool
    base: float
    steps: list[StepEntry]
    conformal: ConformalEntry
    seen_range: dict[str, tuple[float, float]]
    figures: dict[str, tuple[float | None, float | None, float | None]]


class RiskFile(_Strict):
    """The whole file."""

    schema_name: Literal["deeppcos.risk/1"]
    data: str
    label_meaning: str
    n_rows: int
    n_women: int
    n_positive: int
    made_with: dict[str, str]
    models_sha256: str
    models: list[TierEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierModel:
    """One model of a release.

    Attributes:
        tier: What must have been measured.
        with_label_defining: Whether criteria are among its features.
        fitted: The model and its certainty.
        seen_range: Least and largest value of each feature in training.
        figures: Held-out figures by name.
    """

    tier: Tier
    with_label_defining: bool
    fitted: FittedRisk
    seen_range: dict[str, tuple[float, float]]
    figures: dict[str, Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRelease:
    """A release of the tabular side.

    Attributes:
        data: Name of the table it was made from.
        label_meaning: What its label says.
        n_rows: Rows of the table.
        n_women: Different women.
        n_positive: Rows with the label.
        made_with: Versions of what made it.
        models: One model for each tier, with and without label-defining features.
    """

    data: str
    label_meaning: str
    n_rows: int
    n_women: int
    n_positive: int
    made_with: dict[str, str]
    models: tuple[TierModel, ...]

    def model(self, tier: Tier, *, with_label_defining: bool) -> TierModel:
        """The model of a tier."""
        return next(
            m
            for m in self.models
            if m.tier is tier and m.with_label_defining is with_label_defining
        )


def write_release(release: RiskRelease, path: Path) -> None:
    """Write a release; the same release gives the same bytes.

    Raises:
        ContractBroken: If the file would be larger than 500 kB.
    """
    models = [_entry(model) for model in release.models]
    document = RiskFile(
        schema_name="deeppcos.risk/1",
        data=release.data,
        label_meaning=release.label_meaning,
        n_rows=release.n_rows,
        n_women=release.n_women,
        n_positive=release.n_positive,
        made_with=dict(sorted(release.made_with.items())),
        models_sha256=_sum(models),
        models=models,
    )
    text = json.dumps(document.model_dump(mode="json"), separators=(",", ":")) + "\n"
    if len(text) > LARGEST_BYTES:
        raise ContractBroken(
            "the risk release grew too large",
            value=f"{len(text)} bytes",
            accepted=f"up to {LARGEST_BYTES}",
            remedy="fewer steps or features",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def load_release(path: Path = SHIPPED) -> RiskRelease:
    """Read a release and check it.

    Args:
        path: The file; the shipped one by default.

    Raises:
        InvalidInput: If the file is absent or no release.
        ContractBroken: If its models are not those the sum was made of, or name other features
            than this version has.
    """
    try:
        document = RiskFile.model_validate_json(path.read_bytes())
    except FileNotFoundError as problem:
        raise InvalidInput(
            "there is no such risk release",
            value=str(path),
            accepted="a risk.json as `deeppcos risk report` writes it",
            remedy="check the path",
        ) from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        raise InvalidInput(
            f"{path.name} is no risk release",
            value=f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            accepted=SCHEMA,
            remedy="make one with `deeppcos risk report`",
        ) from problem
    if _sum(document.models) != document.models_sha256:
        raise ContractBroken(
            "the risk release was changed after it was written",
            value=path.name,
            accepted="models that give the sum in the file",
            remedy="reinstall, or make the release again",
        )
    return RiskRelease(
        data=document.data,
        label_meaning=document.label_meaning,
        n_rows=document.n_rows,
        n_women=document.n_women,
        n_positive=document.n_positive,
        made_with=document.made_with,
        models=tuple(_model(entry) for entry in document.models),
    )


def _sum(models: list[TierEntry]) -> str:
    """SHA-256 of the models as canonical JSON."""
    text = json.dumps([m.model_dump(mode="json") for m in models], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _entry(model: TierModel) -> TierEntry:
    """A model as it is written."""
    additive, conformal = model.fitted.model, model.fitted.conformal
    return TierEntry(
        tier=int(model.tier),
        with_label_defining=model.with_label_defining,
        base=_short(additive.base),
        steps=[
            StepEntry(
                name=step.name,
                edges=[float(edge) for edge in step.edges],
                scores=[_short(score) for score in step.scores],
                unknown=_short(step.unknown),
            )
            for step in additive.steps
        ],
        conformal=ConformalEntry(
            coverage=conformal.coverage,
            least_positive=_finite(conformal.least_positive),
            most_negative=_finite(conformal.most_negative),
            knots=[_short(v) for v in conformal.knots],
            low=[_short(v) for v in conformal.low],
            high=[_short(v) for v in conformal.high],
        ),
        seen_range=model.seen_range,
        figures={name: (f.value, f.low, f.high) for name, f in model.figures.items()},
    )


def _model(entry: TierEntry) -> TierModel:
    """A model as it was written."""
    tier = Tier(entry.tier)
    names = tuple(step.name for step in entry.steps)
    if names != feature_names(tier, with_label_defining=entry.with_label_defining):
        raise ContractBroken(
            "the risk release names other features than this version",
            value=", ".join(names),
            accepted=", ".join(feature_names(tier, with_label_defining=entry.with_label_defining)),
            remedy="make the release again with this version",
        )
    steps = tuple(
        StepFunction(name=s.name, edges=tuple(s.edges), scores=tuple(s.scores), unknown=s.unknown)
        for s in entry.steps
    )
    c = entry.conformal
    conformal = Conformal(
        coverage=c.coverage,
        least_positive=float("-inf") if c.least_positive is None else c.least_positive,
        most_negative=float("inf") if c.most_negative is None else c.most_negative,
        knots=tuple(c.knots),
        low=tuple(c.low),
        high=tuple(c.high),
    )
    return TierModel(
        tier=tier,
        with_label_defining=entry.with_label_defining,
        fitted=FittedRisk(model=AdditiveModel(base=entry.base, steps=steps), conformal=conformal),
        seen_range=entry.seen_range,
        figures=_figures(entry.figures),
    )


def _figures(
    written: Mapping[str, tuple[float | None, float | None, float | None]],
) -> dict[str, Measured]:
    """Figures as they were written; how many women stands in the release itself."""
    return {
        name: Measured(value=value, low=low, high=high, n=0, groups=0)
        for name, (value, low, high) in written.items()
    }


def _short(number: float) -> float:
    """Six significant digits: more would claim more than the model knows."""
    return float(f"{number:.6g}")


def _finite(number: float) -> float | None:
    """A threshold, or None where it is infinite."""
    return _short(number) if abs(number) < 1e9 else None


def as_plain(release: RiskRelease) -> dict[str, Any]:
    """What a release says of itself, without its models."""
    return {
        "data": release.data,
        "label": release.label_meaning,
        "rows": release.n_rows,
        "women": release.n_women,
        "labelled": release.n_positive,
        "made_with": release.made_with,
    }
