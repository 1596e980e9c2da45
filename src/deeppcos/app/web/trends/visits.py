"""The visits of one patient that somebody may see, as trends take them.

Owns bringing stored studies to ``desk.trends``, which decides what may stand on one line.
"""

from collections.abc import Iterator

from django.utils import timezone

from deeppcos.app.desk.trends import Visit
from deeppcos.app.web.access import visible_studies
from deeppcos.app.web.models import Patient, User
from deeppcos.app.web.viewer.reading import open_blinded_reading
from deeppcos.records.assessment_json import document_from_dict
from deeppcos.records.chart_json import kept_chart


def visits_of(user: User, patient: Patient) -> Iterator[Visit]:
    """The patient's studies that this person may see.

    Of a study she is reading blinded she is told nothing that machine or others measured.
    """
    studies = visible_studies(user).filter(patient=patient).prefetch_related("reports")
    for study in studies:
        signed = max(study.reports.all(), key=lambda report: report.number, default=None)
        latest = study.assessments.order_by("-number").first() if signed is None else None
        content = signed.document if signed else latest.document if latest else None
        if open_blinded_reading(study, user) is not None:
            content = None
        yield Visit(
            day=study.performed_on or timezone.localtime(study.arrived_at).date(),
            study_id=str(study.pk),
            accession=study.accession,
            chart=kept_chart(study.chart),
            document=None if content is None else document_from_dict(content),
            is_signed=signed is not None,
        )
