"""Fills an installation with simulated women and their assessments, to see cohorts.

Owns nothing real: charts are simulated, assessed by the real rule engine, and say so.
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from deeppcos.app.web.models import Assessment, Image, Patient, Site, Study, StudyState
from deeppcos.records.assessment_json import document_from_dict
from deeppcos.research.simulation import SimulatedVisit, simulated_visits


class Command(BaseCommand):
    """``python -m deeppcos.app.web simulate_cohort --women 400``."""

    help = "Add simulated women with assessments, without pictures"

    def add_arguments(self, parser: CommandParser) -> None:
        """How many, and the seed that makes the same ones again."""
        parser.add_argument("--women", type=int, default=400)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        """Add them at the first site."""
        site = Site.objects.order_by("pk").first()
        if site is None:
            site = Site.objects.create(name="Simulated clinic", slug="simulated")
        count = 0
        with transaction.atomic():
            for visit in simulated_visits(options["women"], seed=options["seed"]):
                add_visit(site, visit)
                count += 1
        self.stdout.write(f"added {count} simulated studies")


def add_visit(site: Site, visit: SimulatedVisit) -> Study:
    """Store one simulated visit as a study with its assessment.

    Args:
        site: Where.
        visit: The visit.
    """
    facts = visit.facts
    identifier = f"SIM-{facts.patient_id}"
    patient, _ = Patient.objects.get_or_create(
        site=site,
        identifier=identifier,
        defaults={"name": f"Simulated {identifier[-7:]}", "may_research": facts.consent},
    )
    document = dict(visit.document)
    whole: dict[str, Any] = document_from_dict(document).model_dump(mode="json")
    study = Study.objects.create(
        site=site,
        patient=patient,
        accession=facts.assessment_id,
        performed_on=facts.performed_on,
        state=StudyState.ANALYSED,
        status=document["conclusion"]["status"],
        analysed_at=timezone.now(),
        chart=_chart_json(visit),
    )
    Image.objects.create(
        study=study,
        name="simulated.dcm",
        stored_as="simulated.dcm",
        sha256=facts.assessment_id.encode().hex().ljust(64, "0")[-64:],
        size_bytes=0,
        header={"manufacturer": facts.manufacturer, "model": facts.model},
        refused_because="simulated: there is no picture",
    )
    Assessment.objects.create(
        study=study,
        number=1,
        release=whole["release"]["name"],
        profile=whole["conclusion"]["profile"],
        schema=whole["schema"],
        document=whole,
        chart=study.chart,
        status=whole["conclusion"]["status"],
        phenotype=whole["conclusion"]["phenotype"] or "",
    )
    return study


def _chart_json(visit: SimulatedVisit) -> dict[str, Any]:
    """The chart as ``deeppcos.chart/1``."""
    chart = visit.chart
    scan = chart.ultrasound
    content = {
        "schema": "deeppcos.chart/1",
        "patient": {
            "age_years": chart.patient.age_years,
            "age_at_menarche_years": chart.patient.age_at_menarche_years,
            "population": chart.patient.population,
            "pregnant": chart.patient.pregnant,
            "postmenopausal": chart.patient.postmenopausal,
            "hormonal_contraception": chart.patient.hormonal_contraception,
        },
        "cycles": {"interval_days": chart.cycles.interval_days},
        "signs": {
            "mfg_score": chart.signs.mfg_score,
            "acne": chart.signs.acne,
            "rapid_onset": chart.signs.rapid_onset,
            "virilisation": chart.signs.virilisation,
        },
        "labs": [
            {
                "analyte": lab.analyte, "value": lab.value, "unit": lab.unit,
                "upper_limit": lab.upper_limit, "assay": lab.assay,
            }
            for lab in chart.labs
        ],
        "body": {
            "height_cm": chart.body.height_cm,
            "weight_kg": chart.body.weight_kg,
            "waist_cm": chart.body.waist_cm,
            "systolic_mmhg": chart.body.systolic_mmhg,
        },
        "ultrasound": {
            "route": scan.route,
            "probe_mhz": scan.probe_mhz,
            **{
                side: {
                    "fnpo": None if ovary.fnpo is None else ovary.fnpo.value,
                    "volume_ml": None if ovary.volume is None else ovary.volume.ml,
                    "dominant_follicle_or_corpus_luteum": ovary.dominant_follicle_or_corpus_luteum,
                }
                for side, ovary in (("left", scan.left), ("right", scan.right))
            },
        },
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(content, default=str))
    return plain
