"""Files that arrive for a study: kept, refused in words, or read as its chart.

Owns one delivery. What a file may be is the business of ``deeppcos.app.desk.uploads``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from deeppcos.app.desk.chart_choices import Choice, filled_in
from deeppcos.app.desk.chart_form import read_form
from deeppcos.app.desk.chart_import import chart_in
from deeppcos.app.desk.study_states import Event, follows
from deeppcos.app.desk.uploads import Arrived, NotKept, UploadLimits, arrived_files
from deeppcos.app.web import audit, jobs
from deeppcos.app.web.models import Job, Study, User
from deeppcos.app.web.studies.storing import keep_file, no_room, withdrawn_copy
from deeppcos.errors import DeepPCOSError, InvalidInput, TemporaryFailure

CHART_SUFFIXES = (".json", ".csv")
MOST_REFUSALS_SHOWN = 50


@dataclass(slots=True)
class Delivery:
    """What became of the files somebody sent.

    Attributes:
        kept: Names of the files now in the study.
        known: Names of files whose content the study held already.
        refused: Name and reason of every file that was not kept.
        chart_from: Name of the file the chart was read from, if one was.
    """

    kept: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    chart_from: str = ""


def deliver(study: Study, files: "Iterable[UploadedFile[Any]]", *, sender: User) -> Delivery:
    """Keep what can be kept of the files sent for a study.

    Args:
        study: The study.
        files: Uploaded files.
        sender: Who sends them.

    Returns:
        What became of each file. A file under ``kept`` or ``known`` is on the disk.

    Raises:
        InvalidInput: If the study takes no more files.
        TemporaryFailure: If the disk is full; what was kept before is named in the audit trail.
    """
    if not settings.UPLOADS_ALLOWED:
        raise InvalidInput(
            "this server takes no new files", remedy="it only shows examples; install your own"
        )
    after = follows(study.state, Event.ADD_FILES)
    delivery = Delivery()
    limits = UploadLimits(largest_bytes=settings.LARGEST_UPLOAD_BYTES)
    for sent in files:
        try:
            _unpack(study, sent, delivery, limits)
        except TemporaryFailure:
            raise
        except DeepPCOSError as problem:
            delivery.refused.append((sent.name or "", str(problem)))
        except OSError as problem:
            raise no_room(problem) from problem
    with transaction.atomic():
        if delivery.kept:
            study.state = after
            study.save(update_fields=["state", "updated_at"])
        _remember(study, delivery.refused)
        audit.record(
            "study.files_added",
            actor=sender,
            study=study,
            detail={"kept": len(delivery.kept), "refused": len(delivery.refused)},
        )
    return delivery


def have_read(study: Study, *, asked_by: User) -> Job:
    """Have a study's files read, or its chart alone assessed where there is no file."""
    follows(study.state, Event.READ)
    if not study.images.exists() and not study.is_charted:
        raise InvalidInput(
            "this study has no picture and no chart yet",
            remedy="add stills, sweeps, volumes or a ZIP of them, or fill in the chart",
        )
    return jobs.ask("analyse", study=study, asked_by=asked_by)


def _remember(study: Study, refused: Sequence[tuple[str, str]]) -> None:
    """Keep in sight what was not kept, until somebody has seen it."""
    if refused:
        fresh = [{"name": name[:200], "reason": why[:500]} for name, why in refused]
        now = Study.objects.select_for_update().get(pk=study.pk)
        shown = [*now.refused_files, *fresh]
        known = {(one["name"], one["reason"]): one for one in shown}
        study.refused_files = list(known.values())[-MOST_REFUSALS_SHOWN:]
        study.save(update_fields=["refused_files", "updated_at"])


def _unpack(
    study: Study, sent: "UploadedFile[Any]", delivery: Delivery, limits: UploadLimits
) -> None:
    """Keep one uploaded file, or what an archive holds."""
    assert isinstance(sent, TemporaryUploadedFile)
    incoming = Path(settings.FILE_UPLOAD_TEMP_DIR)
    with TemporaryDirectory(dir=incoming) as scratch:
        path = Path(sent.temporary_file_path())
        name = sent.name or "file"
        for file in arrived_files(path, name=name, scratch=Path(scratch), limits=limits):
            if isinstance(file, Arrived):
                _keep(study, file, delivery)
            else:
                _read_as_chart(study, file, delivery)


def _keep(study: Study, file: Arrived, delivery: Delivery) -> None:
    """Keep a file; what the study knows is said, and what was withdrawn from it stays away."""
    if keep_file(study, file.path, name=file.name) is not None:
        delivery.kept.append(file.name)
    elif (withdrawn := withdrawn_copy(study, file.path)) is not None:
        when = date_format(timezone.localtime(withdrawn.withdrawn_at), "j M Y")
        delivery.refused.append(
            (file.name, f"was withdrawn from this study on {when}; put it back instead")
        )
    else:
        delivery.known.append(file.name)


def _read_as_chart(study: Study, file: NotKept, delivery: Delivery) -> None:
    """Take a chart beside the pictures, where the study has none; else say why not."""
    if not file.name.lower().endswith(CHART_SUFFIXES):
        delivery.refused.append((file.name, file.reason))
        return
    if study.chart:
        delivery.refused.append((file.name, "the study has a chart already; import it there"))
        return
    try:
        given = chart_in(file.path, name=file.name)
    except InvalidInput as problem:
        delivery.refused.append((file.name, str(problem)))
        return
    filled = filled_in({}, given, study_day=study.performed_on)
    if filled.choices:
        delivery.refused.append((file.name, _to_choose(filled.choices)))
        return
    read = read_form(filled.typed)
    if read.questions:
        asked = "; ".join(str(question) for question in read.questions.values())
        delivery.refused.append((file.name, asked))
        return
    study.chart = read.chart
    study.save(update_fields=["chart", "updated_at"])
    delivery.chart_from = file.name


def _to_choose(choices: Sequence[Choice]) -> str:
    """Why a chart with several answers is not taken without asking."""
    several = "; ".join(
        f"{choice.label}: {', '.join(option.words for option in choice.options)}"
        for choice in choices
    )
    return (
        f"holds several results of one test ({several}); nothing of it was taken: open Chart and "
        "fill it in from this file, where you can choose which result counts"
    )
