"""The desk's assessments as research tables: a snapshot for the sites somebody may see.

Owns which assessment stands for a study, and the cache. An assessment never changes, so its rows
are kept; consent and site are read anew for every snapshot.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from deeppcos.app.cohorts.folders import Gathered, as_plain
from deeppcos.app.cohorts.seen import chart_with_pictures
from deeppcos.app.web.models import Assessment, Image, SignedReport, Site, Study
from deeppcos.clinical.chart import PatientChart
from deeppcos.errors import DeepPCOSError
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.assessment_json import document_from_dict
from deeppcos.records.chart_json import chart_from_text
from deeppcos.records.deidentification import DeidentificationKey, key_at
from deeppcos.records.identifiers import PatientIdentifier
from deeppcos.research.columns import SCHEMA
from deeppcos.research.flatten import SIDES, Flattened, Row, StudyFacts, flatten
from deeppcos.research.table import TABLE_FILE, ResearchTable, open_table

READING_SECONDS = 600.0
ROW_VERSION = f"{SCHEMA}.1"
"""Goes up when rows are made another way: kept rows are then made again."""
WITHDRAWN = "withdrawn_images"


def home() -> Path:
    """Where the ledger of releases and the key of pseudonyms lie; part of every backup."""
    return Path(settings.DEEPPCOS_HOME) / "research"


def kept() -> Path:
    """Where tables and rows are kept that can be made again; no part of a backup."""
    return Path(settings.DEEPPCOS_HOME) / "cache" / "research"


def research_key() -> DeidentificationKey:
    """The key of pseudonyms; made once."""
    return key_at(home() / "deidentification.key")


def snapshot(sites: Sequence[int]) -> ResearchTable:
    """Research tables of the sites as they are now.

    Args:
        sites: Ids of the sites.

    Returns:
        The tables; those of the last call when nothing changed.
    """
    state = _state(_studies(sites))
    folder = kept() / "tables" / state
    if not (folder / TABLE_FILE).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        gathered = _gathered(sites)
        fresh = folder.with_name(f"{state}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        names = ", ".join(Site.objects.filter(pk__in=sites).values_list("name", flat=True))
        gathered.write(fresh, source=f"assessments at {names} of women who agreed")
        fresh.rename(folder)
        _forget_others(folder)
    return open_table(folder)


def _forget_others(folder: Path) -> None:
    """Older snapshots go, but for those somebody may be reading just now."""
    for old in folder.parent.iterdir():
        if old != folder and time.time() - old.stat().st_mtime > READING_SECONDS:
            shutil.rmtree(old, ignore_errors=True)


def _studies(sites: Sequence[int]) -> QuerySet[Study]:
    """Studies of women who agreed to research; of the others nothing is written anywhere."""
    agreed = Study.objects.filter(site__in=sites, is_example=False, patient__may_research=True)
    read = agreed.exclude(status="")
    return read.select_related("patient", "site").defer("chart").order_by("pk")


def _state(studies: Iterable[Study]) -> str:
    """A hash of everything that could change a row."""
    digest = hashlib.sha256(ROW_VERSION.encode())
    for s in studies:
        said = (s.pk, s.updated_at, s.analysed_at, s.performed_on, s.state, s.patient.may_research)
        digest.update(repr(said).encode())
    return digest.hexdigest()[:24]


def _gathered(sites: Sequence[int]) -> Gathered:
    """Rows of every study; documents are read only of assessments not seen before."""
    key = research_key()
    gathered = Gathered()
    with _Kept(kept() / "rows.jsonl") as rows:
        for study in _with_parts(sites):
            try:
                _gather(study, rows, key, gathered)
            except DeepPCOSError as problem:
                gathered.refused.append((str(study.pk), str(problem)))
    return gathered


def _with_parts(sites: Sequence[int]) -> QuerySet[Study]:
    """Studies with their assessments, reports and headers, without the documents."""
    light = Assessment.objects.defer("document", "chart").select_related("marks")
    withdrawn = Image.with_withdrawn.exclude(withdrawn_at=None)
    return _studies(sites).prefetch_related(
        Prefetch("assessments", light.order_by("number")),
        Prefetch("reports", SignedReport.objects.defer("document").order_by("number")),
        Prefetch("images", Image.objects.only("study_id", "header")),
        Prefetch("images", withdrawn.only("study_id", "withdrawn_at"), to_attr=WITHDRAWN),
    )


def studies_with_documents(
    sites: Sequence[int],
) -> Iterator[tuple[Study, Assessment, Literal["machine", "reader", "signed"]]]:
    """Studies of women who agreed, with the assessment that stands and whose it is.

    Args:
        sites: Ids of the sites.
    """
    for study in _with_parts(sites):
        standing, is_signed = _standing(study)
        if standing is not None:
            reader: Literal["machine", "reader"] = (
                "machine" if standing.marks_id is None else "reader"
            )
            yield study, standing, "signed" if is_signed else reader


def _standing(study: Study) -> tuple[Assessment | None, bool]:
    """The assessment that stands for a study, and whether it is signed: else it is the last."""
    assessments, reports = _of_standing_pictures(study), list(study.reports.all())
    signed = reports[-1].assessment_id if reports else None
    last = assessments[-1] if assessments else None
    found = next((one for one in assessments if one.pk == signed), last)
    return found, found is not None and found.pk == signed


def _gather(study: Study, kept: "_Kept", key: DeidentificationKey, into: Gathered) -> None:
    """The rows of one study."""
    assessments, reports = _of_standing_pictures(study), list(study.reports.all())
    standing, signed = _standing(study)
    if standing is None:
        return
    rows = kept.rows_of(standing, study)
    now = _now(study, key)
    keys = {name: now[name] for name in ("assessment_id", "patient_id")}
    into.assessments.append(rows["assessment"] | now | ({"read_by": "signed"} if signed else {}))
    into.ovaries += [one | keys for one in rows["ovaries"]]
    into.labs += [one | keys for one in rows["labs"]]
    into.readings += [one | keys for one in _readings(study, assessments, reports, kept, key)]


def _of_standing_pictures(study: Study) -> list[Assessment]:
    """The assessments of a study made since a picture was withdrawn from it last; all if none."""
    made = list(study.assessments.all())
    withdrawn: list[Image] = getattr(study, WITHDRAWN)
    days = [out.withdrawn_at for out in withdrawn if out.withdrawn_at is not None]
    return [one for one in made if all(one.made_at > day for day in days)]


def _now(study: Study, key: DeidentificationKey) -> Row:
    """What is read anew each time: who, where, and consent."""
    return {
        "assessment_id": assessment_name(study, key),
        "patient_id": patient_name(study, key),
        "site": study.site.name,
        "consent": study.patient.may_research,
        "performed_on": study.performed_on,
    }


def assessment_name(study: Study, key: DeidentificationKey) -> str:
    """What a study is called in the research tables."""
    return key.name_of_content(str(study.pk))[:16]


def patient_name(study: Study, key: DeidentificationKey) -> str:
    """What a study's woman is called in the research tables."""
    return key.pseudonym(PatientIdentifier(issuer=study.site.slug, value=study.patient.identifier))


class _Kept:
    """Rows made before, by assessment; appended to a file of lines."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.known: dict[str, Row] = {}

    def __enter__(self) -> "_Kept":
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self.file.is_file():
            for line in self.file.read_text(encoding="utf-8").splitlines():
                try:
                    one = json.loads(line)
                except ValueError:
                    continue  # the last line of a process that was killed: made again
                if one.get("version") == ROW_VERSION:
                    self.known[one["key"]] = one
        self._forget_withdrawn()
        self.lines = self.file.open("a", encoding="utf-8")
        return self

    def _forget_withdrawn(self) -> None:
        """Rows of women who no longer agree leave the file."""
        agreed = Assessment.objects.filter(study__patient__may_research=True)
        allowed = {str(key) for key in agreed.values_list("pk", flat=True)}
        if self.known.keys() <= allowed:
            return
        self.known = {key: one for key, one in self.known.items() if key in allowed}
        fresh = self.file.with_suffix(".new")
        lines = "".join(json.dumps(one, default=str) + "\n" for one in self.known.values())
        fresh.write_text(lines, encoding="utf-8")
        fresh.replace(self.file)

    def __exit__(self, *_: object) -> None:
        self.lines.close()

    def rows_of(self, assessment: Assessment, study: Study) -> Row:
        """Rows of one assessment."""
        key = str(assessment.pk)
        if key not in self.known:
            made, readings = _rows(assessment, study)
            one = {
                "version": ROW_VERSION,
                "key": key,
                "assessment": made.assessment,
                "ovaries": list(made.ovaries),
                "labs": list(made.labs),
                "readings": readings,
            }
            self.lines.write(json.dumps(one, default=str) + "\n")
            self.known[key] = one
        return self.known[key]


def _rows(assessment: Assessment, study: Study) -> tuple[Flattened, list[Row]]:
    """Rows of an assessment, every criteria profile asked again, and what it measured."""
    document = document_from_dict(assessment.document)
    scanner = next((h for h in _headers(study) if h.get("manufacturer")), {})
    facts = StudyFacts(
        assessment_id=str(assessment.pk),
        manufacturer=scanner.get("manufacturer"),
        model=scanner.get("model"),
        read_by=None if assessment.marks_id is None else "reader",
    )
    rows = flatten(as_plain(document), facts, chart=_chart(assessment, document))
    return rows, list(_measured(document))


def _chart(assessment: Assessment, document: AssessmentDocument) -> PatientChart | None:
    """The chart as it was assessed; None where an old one can no longer be read."""
    try:
        chart = chart_from_text(json.dumps(assessment.chart)) if assessment.chart else None
    except DeepPCOSError:
        return None
    return chart_with_pictures(chart or PatientChart(), document)


def _headers(study: Study) -> Iterator[dict[str, Any]]:
    """What the pictures' headers say."""
    for image in study.images.all():
        if image.header:
            yield image.header


def _readings(
    study: Study,
    assessments: Sequence[Assessment],
    reports: Sequence[SignedReport],
    kept: "_Kept",
    key: DeidentificationKey,
) -> Iterator[Row]:
    """What the machine and each reader measured, the last word of each that is finished."""
    signed = {report.assessment_id for report in reports}
    last: dict[str, Assessment] = {}
    for one in assessments:
        if one.marks is None or one.marks.finished_at is not None or one.pk in signed:
            last[_reader(one, key)] = one
    if len(last) < 2:
        return
    for reader, one in last.items():
        is_blinded = bool(one.marks and one.marks.is_blinded)
        for row in kept.rows_of(one, study)["readings"]:
            yield row | {"reader": reader, "is_blinded": is_blinded}


def _measured(document: AssessmentDocument) -> Iterator[Row]:
    """What a document measured of each ovary, as a reading."""
    for side in SIDES:
        ovary = getattr(document.measurements, side)
        if ovary is not None:
            yield {
                "side": side,
                "fnps": ovary.fnps.value,
                "fnpo": ovary.fnpo.value,
                "volume_ml": ovary.volume_ml.value,
                "status": document.conclusion.status,
            }


def _reader(assessment: Assessment, key: DeidentificationKey) -> str:
    """The machine, or a reader's pseudonym."""
    if assessment.marks is None:
        return "machine"
    return f"reader {key.name_of_content(f'reader {assessment.marks.reader_id}')[:4]}"
