"""How each thing of the learning pages that changes something is done, once, with success."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from tests.app.releases.made_up import candidate_in
from tests.app.web.conftest import PASSWORD
from tests.app.web.learning.test_learning_export import CENTRES, read_blind

from deeppcos.app.releases import promotion
from deeppcos.app.web.learning.adjudicating import cases_of
from deeppcos.app.web.learning.pseudonyms import pseudonyms
from deeppcos.app.web.learning.training import frozen_file
from deeppcos.app.web.models import Grant, Role, Study, User
from deeppcos.app.web.served import shelf

NAME = "site-1"
ELSEWHERE = ((110.0, 160.0), (150.0, 160.0), (190.0, 160.0))


def bring(name: str = NAME, *, is_passed: bool = True) -> None:
    """Put a candidate on the shelf that the gate let pass, or refused."""
    questions = [
        {"question": "follicle F1 at IoU 0.3: not worse by more than 0.02", "is_passed": is_passed,
         "words": "changed by -0.004 (-0.011 to 0.003)"},
        {"question": "lesion Dice mean: not worse by more than 0.02", "is_passed": True,
         "words": "changed by 0.012 (0.004 to 0.021)"},
    ]  # fmt: skip
    figure = {"value": 0.842, "low": 0.81, "high": 0.871, "n": 64, "groups": 21}
    change = {"value": -0.004, "low": -0.011, "high": 0.003, "n": 64, "groups": 21}
    measures = [
        {"name": "follicle F1 at IoU 0.3", "better": "more", "current": figure,
         "candidate": figure, "change": change},
        {"name": "count concordance", "better": "more", "current": figure,
         "candidate": {"value": None, "low": None, "high": None, "n": 0, "groups": 0},
         "change": {"value": None, "low": None, "high": None, "n": 0, "groups": 0}},
    ]  # fmt: skip
    place = candidate_in(
        Path(settings.DEEPPCOS_HOME), name, is_passed=is_passed, candidate=name,
        current="seeing-2.1", plan="plan of January", plan_sha256="a" * 64, test_set="frozen",
        test_set_sha256="b" * 64, made_at="2026-01-05T10:00:00+00:00", questions=questions,
        measures=measures, command="deeppcos learn gate <b>site-1</b>",
    )  # fmt: skip
    promotion.add_candidate(shelf(), place, by="Terry Trainer")


def approved(*names: str) -> None:
    """A candidate on the shelf, agreed to by these people."""
    bring()
    (pointer,) = shelf().releases()
    for name in names:
        promotion.approve(shelf(), pointer, by=name)


def promoted() -> None:
    """A candidate that is served."""
    approved("One", "Two")
    (pointer,) = shelf().releases()
    promotion.promote(shelf(), pointer, by="One")


def colleague(study: Study, name: str) -> User:
    """Another clinician of the study's site."""
    user = User.objects.create_user(name, password=PASSWORD, full_name=f"Dr {name.title()}")
    Grant.objects.create(user=user, site=study.site, role=Role.CLINICIAN)
    return user


def contradicted(study: Study) -> dict[str, str]:
    """Two readers who share no follicle, and the form that settles it."""
    read_blind(study, colleague(study, "cy"), *CENTRES)
    read_blind(study, colleague(study, "di"), *ELSEWHERE)
    cases = cases_of(study, pseudonyms())
    return {f"choice:{c.key}": "A" for c in cases} | {f"seal:{c.key}": c.seal for c in cases}


def _approve(world: Any) -> Any:
    bring()
    return world.post("learning:approve", {"has_read": "yes"}, release_name=NAME)


def _promote(world: Any) -> Any:
    approved("One", "Two")
    return world.post("learning:promote", release_name=NAME)


def _roll_back(world: Any) -> Any:
    promoted()
    return world.post("learning:rollback", {"why": "it misses follicles"})


def _shadow(world: Any) -> Any:
    bring()
    return world.post("learning:shadow", {"name": NAME})


def _draw(world: Any) -> Any:
    form = contradicted(world.study)
    (key,) = (name.removeprefix("choice:") for name in form if name.startswith("choice:"))
    return world.post("learning:draw", form | {"draw": f"A|{key}"})


def frozen_here() -> None:
    """A frozen test set of two made-up patients, where the desk looks for it."""
    pictures = [
        {"name": f"t{n}", "group": f"test patient {n}", "pixels_sha256": f"{n}" * 64,
         "truth_sha256": f"{n}" * 64}
        for n in (1, 2)
    ]  # fmt: skip
    document = {"schema": "deeppcos.frozen-test/1", "name": "frozen", "frozen_on": "2026-01-05",
                "frozen_by": "a", "pictures": pictures}  # fmt: skip
    frozen_file().parent.mkdir(parents=True, exist_ok=True)
    frozen_file().write_text(json.dumps(document), encoding="utf-8")


def _train(world: Any) -> Any:
    frozen_here()
    return world.post("learning:train", {"name": NAME, "steps": "40"})


def _stop_training(world: Any) -> Any:
    _train(world)
    return world.post("learning:stop-training")


LEARNED: dict[str, Callable[[Any], Any]] = {
    "learning:consent": lambda world: world.post("learning:consent", {"consent": "given"}),
    "learning:settle": lambda world: world.post("learning:settle", contradicted(world.study)),
    "learning:draw": _draw,
    "learning:approve": _approve,
    "learning:promote": _promote,
    "learning:rollback": _roll_back,
    "learning:shadow": _shadow,
    "learning:train": _train,
    "learning:stop-training": _stop_training,
}
"""Address, and how it is done."""
