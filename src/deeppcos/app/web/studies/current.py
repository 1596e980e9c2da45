"""The newest assessment of a study, brought up to date with its chart and its reader's marks.

Owns deciding whether what is stored still holds, and making the next one when it does not.
"""

import json
from collections import OrderedDict
from typing import Any

from django.conf import settings
from django.db import transaction

from deeppcos.app.desk.header_hints import chart_hints_from_json
from deeppcos.app.desk.reassess import SeenStudy, as_seen, reassessed
from deeppcos.app.web.models import Assessment, Image, Purpose, Study, User
from deeppcos.app.web.studies.analysis import store_assessment
from deeppcos.app.web.viewer.reading import (
    StudyReading,
    edited_frames,
    picture_findings,
    pictures_of,
    reading_for,
)
from deeppcos.records.assessment_document import AssessmentDocument, InputFile
from deeppcos.records.assessment_json import document_from_dict
from deeppcos.records.chart_json import chart_from_text


def current_assessment(study: Study, user: User) -> Assessment | None:
    """The newest assessment, made anew if chart, marks or profile have changed since.

    Args:
        study: The study.
        user: For whom; whoever asks first is named as its maker.

    Returns:
        The assessment, or None while no file has been read.
    """
    reading = reading_for(study, user, Purpose.REVIEW)
    newest = study.assessments.last()
    if newest is None or reading.base is None or _holds(newest, study, reading):
        return newest
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        newest = study.assessments.last()
        if newest is not None and _holds(newest, study, reading):
            return newest
        document = document_under(study, reading, profile=study.profile)
        return store_assessment(
            study,
            document.model_dump(mode="json"),
            made_by=user,
            marks=reading.mark_set if reading.version else None,
        )


def document_under(study: Study, reading: StudyReading, *, profile: str) -> AssessmentDocument:
    """The record as it follows now, under any profile; nothing is stored.

    Args:
        study: The study, for its chart.
        reading: The marks it rests on; its base must exist.
        profile: Criteria profile.
    """
    assert reading.base is not None
    return reassessed(
        _of_standing_files(document_from_dict(reading.base.document), reading.study),
        seen_study(reading),
        chart_from_text(json.dumps(study.chart)),
        profile=profile,
        name=settings.CONDITION_NAME,
    )


def _of_standing_files(document: AssessmentDocument, study: Study) -> AssessmentDocument:
    """A machine's record that names no withdrawn file among its inputs, and each that counts."""
    every = Image.with_withdrawn.filter(study=study)
    withdrawn = set(every.exclude(withdrawn_at=None).values_list("name", flat=True))
    inputs = [one for one in document.provenance.inputs if one.source not in withdrawn]
    named = {one.source for one in inputs} | {one.source for one in document.refused}
    inputs += [
        InputFile(source=image.name, sha256=image.sha256)
        for image in pictures_of(study)
        if image.is_ready and image.name not in named
    ]
    provenance = document.provenance.model_copy(update={"inputs": inputs})
    return document.model_copy(update={"provenance": provenance})


_SEEN: OrderedDict[tuple[object, ...], SeenStudy] = OrderedDict()
MOST_SEEN = 16


def seen_study(reading: StudyReading) -> SeenStudy:
    """The study as its reader sees it; measuring again only when marks or sides changed."""
    assert reading.base is not None
    images = [image for image in pictures_of(reading.study) if image.kind and image.frame_count]
    marks = reading.mark_set.pk if reading.mark_set else None
    key = (reading.base.pk, marks, reading.version, tuple((one.pk, one.side) for one in images))
    seen = _SEEN.get(key)
    if seen is None:
        headers = [chart_hints_from_json(image.header) for image in images]
        seen = as_seen(picture_findings(reading), headers, edited_frames(reading))
        _SEEN[key] = seen
        while len(_SEEN) > MOST_SEEN:
            _SEEN.popitem(last=False)
    return seen


def _holds(newest: Assessment, study: Study, reading: StudyReading) -> bool:
    """Whether an assessment says what chart, marks, sides and profile say now."""
    marks = reading.mark_set if reading.version else None
    return (
        newest.profile == study.profile
        and newest.chart == study.chart
        and newest.marks_id == (marks.pk if marks else None)
        and (marks is None or newest.marks_version == marks.version)
        and _sides_in(newest.document)
        == {one.name: one.side for one in pictures_of(study) if one.is_ready and one.frame_count}
    )


def _sides_in(document: dict[str, Any]) -> dict[str, str]:
    return {frame["source"]: frame["side"] or "" for frame in document["frames"]}
