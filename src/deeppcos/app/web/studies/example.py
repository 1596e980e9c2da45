"""The example study of a new installation: synthetic, ready to be read and signed.

Owns nothing but the way from its files to a stored study.
"""

import datetime
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from deeppcos.app.example_study import STUDY_DATE, write_example_study
from deeppcos.app.web.models import Patient, Site, Study
from deeppcos.app.web.studies.storing import keep_file

IDENTIFIER = "PHANTOM-EXAMPLE"
ACCESSION = "EXAMPLE-1"


def example_study(site: Site) -> Study | None:
    """Store the example at a site, or nothing if it has been there."""
    if Study.objects.filter(is_example=True).exists():
        return None
    with TemporaryDirectory() as scratch:
        written = write_example_study(Path(scratch) / "study")
        patient, _ = Patient.objects.get_or_create(
            site=site,
            identifier=IDENTIFIER,
            defaults={"name": "Example, Phantom", "may_teach": True},
        )
        study = Study.objects.create(
            site=site,
            patient=patient,
            accession=ACCESSION,
            performed_on=datetime.date.fromisoformat(STUDY_DATE),
            chart=json.loads(written.chart.read_text(encoding="utf-8")),
            is_example=True,
        )
        for path in (*written.stills, written.sweep):
            keep_file(study, path, name=path.name)
    return study
