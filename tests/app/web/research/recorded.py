"""How each thing of the research pages that changes something is done, once, with success."""

from collections.abc import Callable
from typing import Any

from tests.app.web.research.conftest import add_women

from deeppcos.app.web.models import Job, SavedCohort


def build(world: Any) -> Any:
    """Release a cohort of simulated women at the world's site."""
    add_women(world.study.site, 30)
    asked = {"name": "All", "profile": "guideline_2023", "take": "latest"}
    return world.post("research:new", asked)


def stop(world: Any) -> Any:
    """Stop the export just asked for."""
    export(world)
    job = Job.objects.get(kind="export_rows")
    cohort = SavedCohort.objects.get()
    return world.post("research:stop", cohort_id=cohort.pk, job_id=job.pk)


def export(world: Any) -> Any:
    """Ask for the rows of the cohort just built."""
    build(world)
    cohort = SavedCohort.objects.get()
    return world.post("research:rows", {"format": ["csv"]}, cohort_id=cohort.pk)


RESEARCHED: dict[str, Callable[[Any], Any]] = {
    "research:new": build,
    "research:rows": export,
    "research:stop": stop,
    "research:consent": lambda world: world.post("research:consent", {"consent": "given"}),
}
