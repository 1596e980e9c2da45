"""What may change in a release, and what a candidate must show: written before it is trained.

The structure follows what regulators ask of a predetermined change control plan: what changes,
how it is checked, what the change may do to users. Owns the document and its defaults; asking the
questions is the business of ``checks``.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deeppcos.errors import InvalidInput
from deeppcos.learning.gate.comparison import BETTER, Better

SCHEMA_NAME: Literal["deeppcos.learning-plan/1"] = "deeppcos.learning-plan/1"
Amount = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    """Frozen, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PrimaryMeasure(_Part):
    """One measure on which a candidate must not be worse than the current release.

    The margin is in the measure's own units: the loss that would still be accepted.
    """

    name: str
    margin: Amount

    @property
    def better(self) -> Better:
        """Whether more of it is better, or less."""
        return BETTER[self.name]


class SubgroupFloor(_Part):
    """How much a subgroup may lose, whatever the average wins.

    A subgroup of fewer patient groups than ``least_groups`` is listed, not judged.
    """

    measures: tuple[str, ...]
    most_loss: Amount
    least_groups: Annotated[int, Field(ge=1)]


class LearningPlan(_Part):
    """What is decided before anything is trained.

    Attributes:
        schema_name: Version of this layout.
        name: Name of the plan.
        written_on: ISO date.
        written_by: Named people.
        may_change: What a candidate may differ in.
        may_not_change: What makes it another product, not another release.
        effect_on_users: What a clinician could notice.
        primary: Measures that must not get worse.
        subgroups: What each subgroup keeps.
        most_calibration_increase: Of the calibration error of each score.
        most_wrongly_accepted_increase: Of the share of pictures without ovary that pass as one.
        most_abstention_increase: Of the share of ovaries called not assessable.
        most_seconds_ratio: Time of one look, candidate over current.
        most_megabytes: Of the weights.
        least_test_groups: Patient groups the frozen test set must hold.
        approvals: Named people who must agree before promotion.
        bootstrap_rounds: Draws of patients behind each interval.
    """

    schema_name: Literal["deeppcos.learning-plan/1"] = Field(alias="schema")
    name: str
    written_on: str
    written_by: tuple[str, ...]
    may_change: tuple[str, ...]
    may_not_change: tuple[str, ...]
    effect_on_users: tuple[str, ...]
    primary: Annotated[tuple[PrimaryMeasure, ...], Field(min_length=1)]
    subgroups: SubgroupFloor
    most_calibration_increase: Amount
    most_wrongly_accepted_increase: Amount
    most_abstention_increase: Amount
    most_seconds_ratio: Annotated[float, Field(gt=0)]
    most_megabytes: Annotated[float, Field(gt=0)]
    least_test_groups: Annotated[int, Field(ge=2)]
    approvals: Annotated[int, Field(ge=2)]
    bootstrap_rounds: Annotated[int, Field(ge=200)] = 2000


def default_plan(*, written_by: tuple[str, ...] = (), written_on: str = "") -> LearningPlan:
    """The plan that DeepPCOS suggests; a site writes its own and says who did.

    The margins are this project's: no published margin for follicle detection was found. They are
    about a third of the distance between the shipped release and the second reader on held-out
    MMOTU groups (docs/model-card.md), so that three accepted losses in a row are not a small one.
    """
    return LearningPlan(
        schema=SCHEMA_NAME,
        name="suggested by DeepPCOS",
        written_on=written_on,
        written_by=written_by,
        may_change=(
            "weights, after training on more or corrected pictures",
            "operating points and calibrations, fitted beside them",
        ),
        may_not_change=(
            "what is asked of the network: ovary, follicles, lesion, and whether it can be judged",
            "the preprocessing contract",
            "clinical rules and thresholds",
            "intended use",
        ),
        effect_on_users=(
            "other outlines and counts on the same picture",
            "other pictures called not assessable",
        ),
        primary=(
            PrimaryMeasure(name="follicle F1 at IoU 0.3", margin=0.05),
            PrimaryMeasure(name="count mean absolute error", margin=0.3),
            PrimaryMeasure(name="ovary Dice mean", margin=0.05),
            PrimaryMeasure(name="ovary missed", margin=0.05),
        ),
        subgroups=SubgroupFloor(
            measures=("follicle F1 at IoU 0.3", "ovary Dice mean"), most_loss=0.1, least_groups=5
        ),
        most_calibration_increase=0.05,
        most_wrongly_accepted_increase=0.01,
        most_abstention_increase=0.05,
        most_seconds_ratio=1.25,
        most_megabytes=10.0,
        least_test_groups=10,
        approvals=2,
    )


def read_plan(path: Path) -> LearningPlan:
    """Read a plan file.

    Args:
        path: JSON file.

    Returns:
        The plan.

    Raises:
        InvalidInput: If it cannot be read, does not follow the layout, names nobody who wrote it,
            or asks for a measure that is not measured.
    """
    try:
        plan = LearningPlan.model_validate_json(path.read_bytes())
    except OSError as problem:
        raise InvalidInput(f"{path}: the plan cannot be read", value=str(problem)) from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        raise InvalidInput(
            f"{path}: not a learning plan",
            value=f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            accepted=SCHEMA_NAME,
            remedy="write one with `deeppcos learn plan`, and edit that",
        ) from problem
    asked = {measure.name for measure in plan.primary} | set(plan.subgroups.measures)
    unknown = sorted(asked - set(BETTER))
    if unknown:
        raise InvalidInput(
            f"{path}: asks for what is not measured",
            value=", ".join(unknown),
            accepted=", ".join(sorted(BETTER)),
        )
    if not plan.written_by:
        raise InvalidInput(
            f"{path}: nobody is named who wrote the plan", remedy="fill in written_by"
        )
    return plan
