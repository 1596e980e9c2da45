"""What the readings of an installation say about its readers and its machine.

Owns gathering rows for ``deeppcos.learning.feedback``. Nothing here leaves the installation, so
consent to learning is not asked; who may look is the business of ``views``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db.models import Q
from django.utils import timezone

from deeppcos.app.desk.marks.edits import DoesNotFit, standing
from deeppcos.app.web.learning.gathering import (
    FinishedReading,
    finished_readings,
    frames_of,
    read_pictures,
    reading_of,
)
from deeppcos.app.web.learning.lot import is_drawn_blind
from deeppcos.app.web.learning.pseudonyms import Pseudonyms
from deeppcos.app.web.models import MarkSet, Purpose, Study
from deeppcos.app.web.viewer.reading import StudyReading, log_of, starting_marks
from deeppcos.learning.feedback.agreement import (
    Agreement,
    agreement_of_pairs,
    agreement_of_readers,
    pair_rows,
)
from deeppcos.learning.feedback.drift import ReaderDrift, drift_of_readers
from deeppcos.learning.feedback.effort import (
    AutomationBias,
    BesideMachine,
    Effort,
    Saving,
    Scan,
    automation_bias,
    effort,
    saving,
)
from deeppcos.learning.feedback.outline_matching import paired
from deeppcos.learning.sources.reviewed_document import (
    SCHEMA_NAME,
    ReviewedDocument,
    ReviewedImage,
    ReviewedStudy,
)

MOST_STUDIES = 400
ROUNDS_SHOWN = 300
NO_PICTURE = "0" * 64
"""Stands for a checksum in a document that is never written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderEffort:
    """What one reader's readings cost.

    Attributes:
        reader: Pseudonym.
        with_machine: Of readings that saw the machine's marks first.
        blind: Of readings that did not.
    """

    reader: str
    with_machine: Effort
    blind: Effort


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderFigures:
    """Everything the page of readers shows.

    Attributes:
        studies: Studies with a finished reading, of the newest ``MOST_STUDIES``.
        pairs: Agreement by pair.
        readers: Agreement of each with all others.
        drift: Change of each reader.
        with_machine: Cost of readings that saw the machine's marks first.
        blind: Cost of readings that did not.
        saving: What the machine's marks save, by lot.
        each: What each reader's readings cost, with the marks first and blind.
        bias: Whether readers follow the machine.
        drawn: Studies of these that were drawn to be read blind first.
        kept: How many of those somebody read blind.
        abandoned: Begun and never finished by people whose account is closed.
    """

    studies: int
    pairs: tuple[Agreement, ...]
    readers: tuple[Agreement, ...]
    drift: tuple[ReaderDrift, ...]
    with_machine: Effort
    blind: Effort
    saving: Saving
    each: tuple[ReaderEffort, ...]
    bias: AutomationBias
    drawn: int
    kept: int
    abandoned: int


def reader_figures(
    sites: Sequence[int] | None, names: Pseudonyms, *, rounds: int = ROUNDS_SHOWN
) -> ReaderFigures:
    """Figures over the newest finished readings.

    Args:
        sites: Ids of the sites; None for all.
        names: Pseudonyms.
        rounds: Bootstrap rounds.
    """
    studies = _read_studies(sites)
    rows = pair_rows(_document(studies, names))
    scans, beside = [], []
    drawn = {study.pk for study in studies if is_drawn_blind(study, names)}
    kept = set()
    for study in studies:
        for finished in finished_readings(study):
            if finished.purpose != Purpose.ADJUDICATION:
                is_drawn = study.pk in drawn
                scans.append(_scan(finished, names, drawn_blind=is_drawn))
                beside += _beside_machine(finished, names, drawn_blind=is_drawn)
                if is_drawn and not finished.machine_first:
                    kept.add(study.pk)
    return ReaderFigures(
        studies=len(studies),
        pairs=agreement_of_pairs(rows, rounds=rounds),
        readers=agreement_of_readers(rows, rounds=rounds),
        drift=drift_of_readers(rows, rounds=rounds),
        with_machine=effort(scans, machine_first=True),
        blind=effort(scans, machine_first=False),
        saving=saving(scans),
        each=_each(scans),
        bias=automation_bias(beside, rounds=rounds),
        drawn=len(drawn),
        kept=len(kept),
        abandoned=_abandoned(sites),
    )


def _each(scans: Sequence[Scan]) -> tuple[ReaderEffort, ...]:
    """What each reader's readings cost, by pseudonym."""
    by_reader: dict[str, list[Scan]] = {}
    for scan in scans:
        by_reader.setdefault(scan.reader, []).append(scan)
    return tuple(
        ReaderEffort(
            reader=reader,
            with_machine=effort(own, machine_first=True),
            blind=effort(own, machine_first=False),
        )
        for reader, own in sorted(by_reader.items())
    )


def _read_studies(sites: Sequence[int] | None) -> list[Study]:
    found = Study.objects.filter(
        Q(mark_sets__finished_at__isnull=False) | Q(reports__isnull=False), is_example=False
    )
    if sites is not None:
        found = found.filter(site__in=sites)
    return list(found.distinct().select_related("patient").order_by("-arrived_at")[:MOST_STUDIES])


def _abandoned(sites: Sequence[int] | None) -> int:
    left = MarkSet.objects.filter(
        reader__is_active=False, finished_at__isnull=True, purpose=Purpose.SECOND_READING
    )
    return left.count() if sites is None else left.filter(study__site__in=sites).count()


def _document(studies: Iterable[Study], names: Pseudonyms) -> ReviewedDocument:
    """Readings as they would be exported, without pictures and whatever consent says."""
    listed = []
    for study in studies:
        images = [
            ReviewedImage(
                file=f"{names.picture(one.image.pk)}-{one.frame}",
                sha256=NO_PICTURE,
                mm_per_pixel=None,
                readings=list(one.readings),
            )
            for one in read_pictures(study, names)
        ]
        listed.append(
            ReviewedStudy(
                study=names.study(study),
                patient_group=names.patient(study.patient),
                may_train=False,
                images=images,
            )
        )
    return ReviewedDocument(
        schema=SCHEMA_NAME,
        exported_at=timezone.now(),
        exported_by="figures of the desk",
        studies=listed,
    )


def _scan(finished: FinishedReading, names: Pseudonyms, *, drawn_blind: bool) -> Scan:
    log = log_of(finished.mark_set, until=finished.until)
    return Scan(
        group=names.patient(finished.study.patient),
        reader=names.reader(finished.reader),
        machine_first=finished.machine_first,
        drawn_blind=drawn_blind,
        edits=len(standing(one.edit for one in log)),
        seconds=finished.seconds,
    )


def _beside_machine(
    finished: FinishedReading, names: Pseudonyms, *, drawn_blind: bool
) -> list[BesideMachine]:
    """Each picture of a reading beside the machine's marks on it."""
    base = StudyReading(
        study=finished.study,
        base=finished.base,
        mark_set=None,
        purpose=Purpose.REVIEW,
        is_blinded=False,
    )
    before, images = starting_marks(base), {str(i.pk): i for i in finished.study.images.all()}
    as_machine = replace(finished, purpose=Purpose.REVIEW)
    try:
        frames = frames_of(finished)
    except DoesNotFit:
        return []
    rows = []
    for place, marks in frames.items():
        own = reading_of(marks, finished, names, images.get(place[0]))
        machine = reading_of(before(place), as_machine, names, images.get(place[0]))
        if own is None or machine is None or own.follicles is None:
            continue
        match = paired(own.follicles, machine.follicles or [])
        rows.append(
            BesideMachine(
                group=names.patient(finished.study.patient),
                machine_first=finished.machine_first,
                drawn_blind=drawn_blind,
                shared=len(match.pairs),
                reader_count=match.predicted,
                machine_count=match.true,
            )
        )
    return rows
