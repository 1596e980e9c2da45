"""What the watch observes of a study: scanner, pictures, woman, the machine's answer, the reader's.

Owns taking it down, once a woman and once a signature. Nothing is filled in: what is unknown is
not observed. Whether it drifts is the business of ``deeppcos.research.monitoring``.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
from django.db import transaction

from deeppcos.app.desk.marks.mark import FOLLICLES, machine_marks
from deeppcos.app.web.models import (
    Assessment,
    EditKind,
    Image,
    ImageKind,
    MarkSet,
    Purpose,
    SignedReport,
    Site,
    Study,
    WatchReading,
)
from deeppcos.app.web.viewer.reading import StudyReading, edited_frames, findings
from deeppcos.errors import DeepPCOSError
from deeppcos.records.chart_json import kept_chart
from deeppcos.research.flatten import SIDES, StudyFacts, flatten

Facts = dict[str, Any]


def observe(site: Site) -> int:
    """Take down every woman and every signature that is new.

    Args:
        site: Where.

    Returns:
        How many women are new.
    """
    fresh = 0
    for study in _new_studies(site):
        with transaction.atomic():
            fresh += _take_down(study)
    for reading in WatchReading.objects.filter(site=site, reader_at=None).select_related("study"):
        report = (
            reading.study.reports.select_related("assessment__marks").order_by("number").first()
        )
        if report is not None:
            _take_down_signature(reading, report)
    return fresh


def _new_studies(site: Site) -> Iterator[Study]:
    """First studies, in the order they were read, of women not yet observed."""
    found = Study.objects.filter(
        site=site,
        is_example=False,
        analysed_at__isnull=False,
        patient__watch_reading=None,
    )
    yield from found.select_related("patient").order_by("analysed_at", "pk").iterator()


def _take_down(study: Study) -> bool:
    """Take down one woman; false where another of her studies was quicker."""
    machines = study.assessments.filter(marks__isnull=True).order_by("number").first()
    if machines is None:
        return False
    _, is_new = WatchReading.objects.get_or_create(
        patient=study.patient,
        defaults={
            "study": study,
            "site_id": study.site_id,
            "observed_at": machines.made_at,
            "release": machines.release,
            "facts": facts_of(study, machines),
        },
    )
    return is_new


def _take_down_signature(reading: WatchReading, report: SignedReport) -> None:
    """Take down what the first signature of a study said of the machine."""
    machines = reading.study.assessments.filter(marks__isnull=True).order_by("number").first()
    signed = report.assessment
    if machines is None or signed is None:
        return
    WatchReading.objects.filter(pk=reading.pk, reader_at=None).update(
        reader_at=report.signed_at, reader_facts=reader_facts_of(reading.study, machines, signed)
    )


def facts_of(study: Study, machines: Assessment) -> Facts:
    """Everything known of a study's first reading; unknown facts are left out.

    Args:
        study: The study.
        machines: The machine's assessment.
    """
    images = [image for image in study.images.all() if image.is_ready or image.header]
    header: Facts = next(
        (i.header for i in images if i.header and i.header.get("manufacturer")), {}
    )
    try:
        row = flatten(
            machines.document,
            StudyFacts(assessment_id=str(machines.pk)),
            chart=kept_chart(machines.chart),
        ).assessment
    except DeepPCOSError:
        row = {}
    document = machines.document
    return _known(
        {
            "scanner": " ".join(
                word for word in (header.get("manufacturer"), header.get("model")) if word
            ),
            "vendor": header.get("manufacturer"),
            "probe": header.get("transducer_type"),
            "probe_mhz": header.get("transducer_mhz") or row.get("probe_mhz"),
            **{name: row.get(name) for name in ("route", "population", "age_years")},
            "bmi_kg_m2": row.get("bmi_kg_m2"),
            "status": machines.status,
            "phenotype": machines.phenotype or None,
            **_of_pictures([image for image in images if image.is_ready]),
            **_of_counts(document),
        }
    )


def _known(facts: Mapping[str, Any]) -> Facts:
    return {name: value for name, value in facts.items() if value is not None and value != ""}


def _of_pictures(images: Sequence[Image]) -> Facts:
    """Depth, brightness and scale of the pictures: medians over the files of a study."""
    if not images:
        return {}
    depths = [
        image.mm_per_pixel_y * _region(image)[3]
        for image in images
        if image.mm_per_pixel_y and image.height
    ]
    bright = [value for image in images if (value := _brightness(image)) is not None]
    return {
        "has_scale": any(image.mm_per_pixel_y for image in images),
        "depth_mm": statistics.median(depths) if depths else None,
        "brightness": statistics.median(bright) if bright else None,
    }


def _region(image: Image) -> tuple[int, int, int, int]:
    """Left, top, width and height of the tissue in pixels; the whole picture where not known."""
    if image.tissue_region and len(image.tissue_region) == 4:
        x0, y0, x1, y1 = (int(value) for value in image.tissue_region)
        return x0, y0, max(1, x1 - x0), max(1, y1 - y0)
    return 0, 0, image.width or 1, image.height or 1


def _brightness(image: Image) -> float | None:
    """Mean grey level of the tissue in the middle frame; None where there is no picture."""
    path = image.frame_path((image.frame_count or 1) // 2)
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
    if grey is None:
        return None
    x, y, width, height = _region(image)
    tissue = grey[y : y + height, x : x + width]
    return float(tissue.mean()) if tissue.size else None


def _of_counts(document: Mapping[str, Any]) -> Facts:
    """The machine's largest count, and whether it gave none though it read pictures."""
    counts = _counts(document)
    if not document.get("frames"):
        return {}
    return {"count": max(counts.values(), default=None), "abstained": not counts}


def _counts(document: Mapping[str, Any]) -> dict[str, float]:
    """Count of a section by side, where there is one."""
    found = {}
    for side in SIDES:
        measured = (document.get("measurements") or {}).get(side) or {}
        value = (measured.get("fnps") or {}).get("value")
        if value is not None:
            found[side] = float(value)
    return found


def reader_facts_of(study: Study, machines: Assessment, signed: Assessment) -> Facts:
    """What a signature says of the machine's reading.

    Args:
        study: The study.
        machines: The machine's assessment.
        signed: The assessment that was signed; the machine's own where nothing was corrected.
    """
    marks = study.mark_sets.filter(base=machines, purpose=Purpose.REVIEW).first()
    theirs, ours = _counts(signed.document), _counts(machines.document)
    both = theirs.keys() & ours.keys()
    outside = [_is_outside(machines.document, side, theirs[side]) for side in both]
    known_outside = [one for one in outside if one is not None]
    return _known(
        {
            "edits": _standing_edits(marks),
            "count_difference": max(theirs.values()) - max(ours.values())
            if theirs and ours
            else None,
            "outside_interval": any(known_outside) if known_outside else None,
            "calibration": _calibration(study, machines, marks),
        }
    )


def _standing_edits(marks: MarkSet | None) -> int:
    """Corrections that were not taken back."""
    if marks is None:
        return 0
    undone = marks.edits.filter(undoes__isnull=False).values("undoes")
    return marks.edits.exclude(kind=EditKind.UNDO).exclude(pk__in=undone).count()


def _is_outside(document: Mapping[str, Any], side: str, count: float) -> bool | None:
    """Whether a reader's count lies outside the machine's interval; None without one."""
    section = document["measurements"][side]["fnps"]
    low, high = section.get("low"), section.get("high")
    return None if low is None or high is None else not low <= count <= high


def _calibration(study: Study, machines: Assessment, marks: MarkSet | None) -> float | None:
    """Share of the machine's follicles that the reader kept minus their mean probability.

    Stills only: of a sweep a reader corrects a few frames and agrees with none of the others.
    """
    reading = StudyReading(
        study=study, base=machines, mark_set=marks, purpose=Purpose.REVIEW, is_blinded=False
    )
    edited = edited_frames(reading)
    surprises = []
    for image in study.images.filter(kind=ImageKind.STILL, is_ready=True):
        before = machine_marks(findings(reading, image)[0], picture=str(image.pk))
        after = edited.get((str(image.pk), 0), before)
        kept = {
            name
            for mark in after.marks.values()
            if mark.kind in FOLLICLES
            for name in (mark.id, *mark.made_from)
        }
        surprises += [
            (mark.id in kept) - mark.probability
            for mark in before.marks.values()
            if mark.kind in FOLLICLES and mark.probability is not None and not mark.is_doubtful
        ]
    return statistics.fmean(surprises) if surprises else None
