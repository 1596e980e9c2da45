"""Reports that a scanner made itself (TID 5000), into the chart of their study.

Owns when a report fills a chart: only fields that are open, never a signed study. What of a report
may be used is the business of ``app.dicom_reports``.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from deeppcos.app.web import audit
from deeppcos.app.web.models import Study
from deeppcos.errors import DeepPCOSError

LOG = logging.getLogger("deeppcos.connections")


def chart_scanner_reports(study: Study, reports: Sequence[Path]) -> None:
    """Fill what the chart leaves open from scanners' reports; the trail says what and from where.

    Args:
        study: The study; not signed.
        reports: Structured reports of the study.
    """
    from deeppcos.app.dicom_reports import chart_json_with, with_reports
    from deeppcos.records.chart_json import chart_from_text
    from deeppcos.records.dicom_report_reading import read_report

    read, notes = [], []
    for path in reports:
        try:
            read.append(read_report(path))
        except DeepPCOSError as problem:
            notes.append(str(problem))
    if not read and not notes:
        return
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        text = json.dumps(now.chart)
        charted = with_reports(chart_from_text(text), read)
        if charted.taken:
            now.chart = json.loads(chart_json_with(text, charted))
            now.version += 1
            now.save(update_fields=["chart", "version", "updated_at"])
        audit.record(
            "study.scanner_report_read",
            actor=None,
            study=now,
            detail={"taken": list(charted.taken), "not_used": [*notes, *charted.notes]},
        )
