"""Analysing a stored study: from its files and chart to the next numbered assessment.

Owns what is written to the data base around the reading process.
"""

import json
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from deeppcos.app.desk.nearness import nearness_of
from deeppcos.app.desk.study_reading import SHADOW_SUFFIX, FileToRead, ReadingTask, read_study
from deeppcos.app.releases.shadowing import keep
from deeppcos.app.web import audit
from deeppcos.app.web.connections.asking import note_reading
from deeppcos.app.web.jobs import Running
from deeppcos.app.web.models import Assessment, Image, MarkSet, Study, StudyState, User
from deeppcos.app.web.served import served_folder, shadow_folder, shelf
from deeppcos.app.workflow import assess_chart
from deeppcos.errors import ContractBroken, NotAssessable
from deeppcos.records.assessment_json import document_from_dict

TELL_SECONDS = 0.5
"""How often progress is written, s; every frame would be too often."""


def analyse_job(running: Running) -> None:
    """Read every file of the job's study and store what follows.

    Raises:
        DeepPCOSError: If it cannot be done; the study keeps what it had.
        Cancelled: If somebody asked to stop.
    """
    study = running.job.study
    if study is None:
        raise ContractBroken("a job to analyse names no study", remedy="ask for it again")
    images = list(study.images.all())
    if not images:
        _assess_chart_alone(study, running)
        return
    # A file that arrives while others are read asks for no job of its own: this one takes it.
    while _read_all(study, running, images):
        images = list(study.images.all())


def _read_all(study: Study, running: Running, images: list[Image]) -> bool:
    """Read files and store what follows, unless others arrived meanwhile; whether they did."""
    result = study.folder / "working" / f"{running.job.pk}-{running.attempt}.json"
    result.parent.mkdir(parents=True, exist_ok=True)
    task = ReadingTask(
        files=tuple(FileToRead(id=str(one.pk), path=str(one.original)) for one in images),
        frames=str(study.folder / "frames"),
        result=str(result),
        chart=study.chart,
        profile=study.profile,
        name=settings.CONDITION_NAME,
        release=str(served_folder()),
        shadow=str(unseen) if (unseen := shadow_folder()) else None,
    )
    read_study(task, _Hearing(running, images).hear, is_cancelled=running.is_cancelled)
    if not study.is_charted and not study.images.filter(is_ready=True).exists():
        result.unlink()
        raise NotAssessable(
            "none of the files could be read, and the chart is empty",
            remedy="look at the reason below each file, then send other files or fill in the chart",
        )
    document = _with_names(result.read_text(encoding="utf-8"), images)
    result.unlink()
    _keep_shadow(study, result, document)
    with transaction.atomic():
        running.hold()
        Study.objects.select_for_update().get(pk=study.pk)
        if study.images.count() > len(images):
            return True
        note_reading(store_assessment(study, document, made_by=running.job.asked_by))
    return False


def _keep_shadow(study: Study, result: Path, document: dict[str, Any]) -> None:
    """Keep what the release in shadow said, if there is one, where nobody is shown it."""
    unseen, pointer = result.with_name(f"{result.name}{SHADOW_SUFFIX}"), shelf().shadow()
    if unseen.is_file() and pointer is not None:
        said = json.loads(unseen.read_text(encoding="utf-8"))
        keep(shelf(), name=pointer.name, study=str(study.pk), shown=document, unseen=said)
    unseen.unlink(missing_ok=True)


def _assess_chart_alone(study: Study, running: Running) -> None:
    """Assess what is known where no picture was taken; nothing is said of what none shows."""
    known = assess_chart(
        json.dumps(study.chart), profile=study.profile, name=settings.CONDITION_NAME
    )
    with transaction.atomic():
        running.hold()
        store_assessment(study, known.model_dump(mode="json"), made_by=running.job.asked_by)


def store_assessment(
    study: Study,
    document: dict[str, Any],
    *,
    made_by: User | None,
    marks: MarkSet | None = None,
) -> Assessment:
    """Add the next assessment of a study and bring its worklist columns up to date.

    Args:
        study: The study; told of its new version.
        document: The assessment, ``deeppcos.assessment/1``.
        made_by: Who caused it; None for the system.
        marks: The reader's marks it rests on; None for the machine's alone.
    """
    record = document_from_dict(document)
    near = nearness_of(record)
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        last = study.assessments.aggregate(last=Max("number"))["last"] or 0
        assessment = Assessment.objects.create(
            study=study,
            number=last + 1,
            made_by=made_by,
            release=str(record.release.get("name", "")),
            profile=record.conclusion.profile,
            schema=record.schema_name,
            document=document,
            chart=study.chart,
            marks=marks,
            marks_version=marks.version if marks else None,
            status=record.conclusion.status,
            phenotype=record.conclusion.phenotype or "",
        )
        changes: dict[str, Any] = {
            "status": record.conclusion.status,
            "count_margin": near.count_margin,
            "volume_margin_ml": near.volume_margin_ml,
            "closeness": near.closeness,
            "analysed_at": timezone.now(),
        }
        if study.state == StudyState.ARRIVED:
            changes["state"] = StudyState.ANALYSED
        Study.objects.filter(pk=study.pk).update(**changes)
        audit.record(
            "study.assessed",
            actor=made_by,
            study=study,
            detail={"assessment": assessment.number, "release": assessment.release},
        )
    study.refresh_from_db()
    return assessment


def _with_names(text: str, images: list[Image]) -> dict[str, Any]:
    """The document with the files' own names where the reader wrote paths of this machine."""
    for image in images:
        stored = json.dumps(str(image.original))[1:-1]
        text = text.replace(stored, json.dumps(image.name)[1:-1])
    content: dict[str, Any] = json.loads(text)
    return content


class _Hearing:
    """Takes the answers of the reading process to the data base."""

    def __init__(self, running: Running, images: list[Image]) -> None:
        self.running = running
        self.images = {str(image.pk): image for image in images}
        self.total = 2 * len(images)
        self.last_told = 0.0
        self.finished: set[tuple[str, str]] = set()

    def hear(self, answer: dict[str, Any]) -> None:
        """Store one answer."""
        if "image" in answer:
            facts = dict(answer["image"])
            image_id = facts.pop("id")
            is_ready = "refused_because" not in facts
            if not facts.get("side"):
                facts.pop("side", None)  # What a person said stays.
            Image.objects.filter(pk=image_id).update(is_ready=is_ready, **facts)
        elif "progress" in answer:
            self._progress(*answer["progress"])

    def _progress(self, image_id: str, done: int, total: int, phase: str) -> None:
        if done >= total:
            self.finished.add((image_id, phase))
        if time.monotonic() - self.last_told < TELL_SECONDS and done < total:
            return
        self.last_told = time.monotonic()
        image = self.images.get(image_id)
        share = 0.0 if (image_id, phase) in self.finished else done / max(total, 1)
        self.running.tell(
            done=round(100 * (len(self.finished) + share)),
            total=100 * self.total,
            message=f"{phase}|{done}|{total}|{image.name if image else ''}",
        )
