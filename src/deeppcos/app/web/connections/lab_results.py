"""Laboratory results that came as messages, into the chart of the study they belong to.

Owns when a result fills the chart: the one ``records.lab_choice`` takes, where the chart is silent.
What contradicts itself or the chart is asked on the study's page and left open until then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from deeppcos.app.desk.chart_choices import FilledIn, filled_in
from deeppcos.app.desk.chart_form import read_form, typed_form
from deeppcos.app.desk.chart_import import GivenChart, GivenLab
from deeppcos.app.web import audit
from deeppcos.app.web.models import MessageState, ReceivedMessage, Site, Study, StudyState
from deeppcos.records.lab_choice import FoundLab, choose

if TYPE_CHECKING:
    from deeppcos.records.hl7v2.lab_message import LabResults

OPEN = (StudyState.ARRIVED, StudyState.ANALYSED, StudyState.IN_REVIEW)
NO_STUDY = "no open study of this patient yet; the results wait for it"
LABS = "ORU^R01"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStanding:
    """What the laboratory says beside a chart.

    Attributes:
        filled: The form, with what fills itself in, and what must be chosen.
        passed_over: Results that are not used, and why.
    """

    filled: FilledIn
    passed_over: tuple[str, ...]


def apply(message: ReceivedMessage, said: "LabResults", site: Site) -> bool:
    """Put a message's results into the chart of the patient's open study, if there is one.

    Returns:
        Whether it was dealt with; without a study it goes on waiting.
    """
    study = (
        Study.objects.filter(
            site=site, patient__identifier=message.patient, state__in=OPEN, is_example=False
        )
        .order_by("-arrived_at")
        .first()
    )
    if study is None:
        if message.words != NO_STUDY:
            ReceivedMessage.objects.filter(pk=message.pk).update(words=NO_STUDY)
        return False
    ReceivedMessage.objects.filter(pk=message.pk).update(study=study)
    fill_from_messages(study)
    return True


def fill_from_messages(study: Study) -> None:
    """Fill what the chart leaves open from every result that came for the patient."""
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        messages = ReceivedMessage.objects.filter(
            site=now.site, patient=now.patient.identifier, kind=LABS
        ).exclude(state=MessageState.REFUSED)
        if now.state not in OPEN or not messages:
            return
        standing = standing_of(now)
        read = read_form(standing.filled.typed)
        if not read.questions and read.chart != now.chart:
            was = typed_form(now.chart)
            changed = [n for n, text in standing.filled.typed.items() if was.get(n, "") != text]
            now.chart = read.chart
            now.version += 1
            now.save(update_fields=["chart", "version", "updated_at"])
            audit.record(
                "study.labs_filled_in", actor=None, study=now, detail={"fields": sorted(changed)}
            )
        must_ask = bool(standing.filled.choices) or bool(read.questions)
        state = MessageState.ASKED if must_ask else MessageState.APPLIED
        messages.filter(state__in=(MessageState.WAITING, MessageState.ASKED)).update(
            study=now,
            state=state,
            words="; ".join(standing.passed_over),
            applied_at=timezone.now(),
        )


def settle(study: Study) -> None:
    """Somebody has chosen: what was asked is answered."""
    study.messages.filter(state=MessageState.ASKED).update(
        state=MessageState.APPLIED, applied_at=timezone.now()
    )


def standing_of(study: Study) -> LabStanding:
    """What fills itself in and what must be chosen, from all messages of the patient."""
    found, passed = _found(study)
    by_origin = {one.origin: one for one in found}
    choice = choose(found, study_day=study.performed_on)
    open_tests = {one.lab.analyte for one in found} - {one.lab.analyte for one in choice.chosen}
    asked = [
        one
        for one in by_origin.values()
        if one.lab.analyte in open_tests and any(str(one) in words for words in choice.questions)
    ]
    given = GivenChart()
    for one in (*choice.chosen, *asked):
        given.labs[one.lab.analyte].append(_given(one))
    filled = filled_in(typed_form(study.chart), given, study_day=study.performed_on)
    return LabStanding(filled=filled, passed_over=(*passed, *choice.others))


def _found(study: Study) -> tuple[list[FoundLab], list[str]]:
    """Every result of the patient's messages, each named by its message."""
    from deeppcos.app.web.connections import places
    from deeppcos.app.web.connections.messages import hospital_table
    from deeppcos.records.hl7v2.lab_message import LabResults
    from deeppcos.records.hl7v2.messages import read

    table = hospital_table(places.connections())
    found, passed = [], []
    messages = ReceivedMessage.objects.filter(
        site=study.site, patient=study.patient.identifier, kind=LABS
    ).exclude(state=MessageState.REFUSED)
    for message in messages.order_by("received_at"):
        said = read(bytes(message.content), table)
        if not isinstance(said, LabResults):
            continue
        name = f"message {message.control_id}"
        found += [replace(one, origin=f"{name}, {one.origin}") for one in said.found]
        passed += [f"{name}: {words}" for words in (*said.refused, *said.others)]
    return found, passed


def _given(one: FoundLab) -> GivenLab:
    """A result as the chart's form takes it."""
    parts: Mapping[str, str] = {
        "value": f"{one.lab.value:.10g}",
        "unit": one.lab.unit,
        "upper_limit": f"{one.lab.upper_limit:.10g}" if one.lab.upper_limit is not None else "",
        "assay": one.lab.assay or "",
    }
    return GivenLab(parts=parts, day=one.at.date() if one.at else None, place=one.origin)
