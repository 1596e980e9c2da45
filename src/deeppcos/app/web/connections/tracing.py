"""The results of a study of the desk that carry one identifier.

Owns finding the assessment, signed ones first. Following the identifier is the business of
``app.connections.trace``.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from deeppcos.app.connections.trace import find
from deeppcos.app.web.models import Image, Study
from deeppcos.errors import InvalidInput
from deeppcos.records.assessment_json import document_from_dict
from deeppcos.records.dicom_source import read_source_image
from deeppcos.records.file_types import Reader, recognise
from deeppcos.records.result_content import ResultContent, result_content


def content_with(uid: str, *, study: str) -> ResultContent:
    """The newest results that have a measurement of this identifier.

    Args:
        uid: The identifier, as DICOM writes it.
        study: The study's id.

    Raises:
        InvalidInput: If the desk has no such study, or the study no such measurement.
    """
    try:
        found = Study.objects.filter(pk=UUID(study)).first()
    except (ValueError, ValidationError):
        found = None
    if found is None:
        raise InvalidInput(
            "the desk has no such study",
            value=study,
            remedy="name the report's folder with --report",
        )
    for document in _documents(found):
        content = _content(found, document)
        if find(uid, content) is not None:
            return content
    raise InvalidInput("the study has no such measurement any more", value=uid)


def _documents(study: Study) -> Iterator[dict[str, Any]]:
    """Signed assessments, the newest first; then all others."""
    for report in study.reports.order_by("-number"):
        yield report.document
    for assessment in study.assessments.order_by("-number"):
        yield assessment.document


def _content(study: Study, document: dict[str, Any]) -> ResultContent:
    record = document_from_dict(document)
    hashes = {one.source: one.sha256 for one in record.provenance.inputs}
    shown = {frame.source for frame in record.frames}
    images = [
        read_source_image(one.original, source=one.name, sha256=hashes.get(one.name))
        for one in Image.with_withdrawn.filter(study=study)
        if one.name in shown and recognise(one.original, one.name) is Reader.DICOM
    ]
    return result_content(record, images)
