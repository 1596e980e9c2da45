"""What the viewer's page is told, as JSON.

Owns the shape of the answers, described in ``static/viewer/types.d.ts``. What a blinded reader
is not told is left out here, not hidden by the page.
"""

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext

from deeppcos.app.desk.marks.mark import FrameMarks, machine_marks
from deeppcos.app.desk.marks.measures import measured
from deeppcos.app.desk.marks.wire import marks_json
from deeppcos.app.desk.playing import REEL_FRAMES
from deeppcos.app.web.access import Right, rights_of
from deeppcos.app.web.models import Image, MarkSet, Purpose, SignedReport, User
from deeppcos.app.web.viewer.keeping import CLOSED
from deeppcos.app.web.viewer.reading import (
    StudyReading,
    edited_frames,
    findings,
    picture_findings,
    pictures_of,
    reading_for,
)
from deeppcos.vision.analyse import DOMINANT_FROM_MM, SMALLEST_COUNTED_MM

OTHERWISE_FRAMES_PER_SECOND = 15.0
"""Rate at which a sweep without times is played; the page says so."""

MOST_EARLIER_VISITS = 10

ASKED_AS: dict[str, str] = {Purpose.SECOND_READING: "second", Purpose.ADJUDICATION: "adjudicate"}
"""What stands behind ``as`` in an address for every reading but the review."""


def address(name: str, reading: StudyReading, *args: Any) -> str:
    """An address of the viewer, for the same reading."""
    return reverse(f"viewer:{name}", args=[reading.study.pk, *args]) + _asked_as(reading)


def _asked_as(reading: StudyReading) -> str:
    """The end of an address that asks for a reading again."""
    asked = ASKED_AS.get(reading.purpose)
    return f"?as={asked}" if asked else ""


def manifest(reading: StudyReading, user: User) -> dict[str, Any]:
    """What is in the study, who reads it, and what may be done."""
    study = reading.study
    may_edit, why_not = _may_edit(reading, user)
    is_second = reading.purpose != Purpose.REVIEW
    return {
        "study": {
            "id": str(study.pk),
            "title": str(study.patient),
            "subtitle": _visit(study.accession, study.performed_on),
            "url": reverse("studies:study", args=[study.pk]),
        },
        "reading": {
            "id": str(reading.mark_set.pk) if reading.mark_set else None,
            "purpose": reading.purpose.value,
            "is_blinded": reading.is_blinded,
            "may_edit": may_edit,
            "why_not": why_not,
            "version": reading.version,
            "reader": user.get_full_name(),
            "finished": bool(reading.mark_set and reading.mark_set.finished_at),
        },
        "release": "" if is_second or reading.base is None else reading.base.release,
        "limits": {
            "smallest_counted_mm": SMALLEST_COUNTED_MM,
            "dominant_from_mm": DOMINANT_FROM_MM,
        },
        "default_frames_per_second": OTHERWISE_FRAMES_PER_SECOND,
        "pictures": [_picture(reading, image) for image in pictures_of(study)],
        "earlier": [] if is_second else _earlier(reading, user),
        "urls": {
            "edits": address("edits", reading),
            "outline": address("outline", reading),
            "measures": address("measures", reading),
            "sitting": address("sitting", reading),
            "finish": address("finish", reading)
            if reading.purpose == Purpose.SECOND_READING
            else None,
            "sign_in": reverse("accounts:sign-in"),
        },
        "user": str(user.pk),
    }


def _may_edit(reading: StudyReading, user: User) -> tuple[bool, str]:
    study = reading.study
    if Right.MARK not in rights_of(user, study.site_id):
        return False, gettext("Your account may look at marks, not change them.")
    if reading.base is None:
        return False, gettext("The study has not been analysed yet.")
    if reading.mark_set is not None and reading.mark_set.finished_at is not None:
        return False, gettext("You have finished this reading.")
    if reading.purpose == Purpose.REVIEW and study.state in CLOSED:
        return False, _signed_words(_newest_report(reading))
    return True, ""


def _signed_words(report: SignedReport | None) -> str:
    if report is None:
        return gettext("This study is signed. To change it, open an amendment.")
    when = date_format(report.signed_at, "j M Y, H:i")
    words = gettext("Signed by %(name)s on %(when)s. To change it, open an amendment.")
    return words % {"name": report.signer_name, "when": when}


def _newest_report(reading: StudyReading) -> SignedReport | None:
    return reading.study.reports.select_related("assessment").order_by("-number").first()


def _visit(accession: str, day: Any) -> str:
    return f"{accession} · {date_format(day, 'j M Y')}" if day else accession


def _picture(reading: StudyReading, image: Image) -> dict[str, Any]:
    """One file; what stands in braces in an address is for the page to fill."""
    study = reading.study.pk
    end = _asked_as(reading)
    start = f"{reverse('viewer:page', args=[study])}pictures/{image.pk}"
    return {
        "id": str(image.pk),
        "name": image.name,
        "kind": image.kind or "still",
        "side": image.side or None,
        "plane": image.section_plane or None,
        "frame_count": image.frame_count or 0,
        "width": image.width or 0,
        "height": image.height or 0,
        "frames_per_second": None,
        "frame_times_s": image.frame_times_s,
        "slice_spacing_mm": image.slice_spacing_mm,
        "tissue_region": image.tissue_region,
        "is_ready": image.is_ready and not image.refused_because,
        "problem": image.refused_because,
        "reel_frames": REEL_FRAMES,
        "urls": {
            "exact": f"{start}/frames/{{frame}}.png",
            "playing": f"{start}/reels/{{reel}}",
            "small": f"{start}/small.jpg",
            "marks": f"{start}/marks.json{end}",
            "saliency": f"{start}/saliency/{{frame}}{end}",
            "plane": f"{start}/planes/{{plane}}/{{number}}.png",
        },
    }


def _earlier(reading: StudyReading, user: User) -> list[dict[str, str]]:
    """Visits of the same patient before this one, newest first, that this person may see."""
    study = reading.study
    others = study.patient.studies.exclude(pk=study.pk).filter(assessments__isnull=False)
    if study.performed_on is not None:
        others = others.filter(performed_on__lt=study.performed_on)
    found = others.distinct().order_by("-performed_on", "-arrived_at")[:MOST_EARLIER_VISITS]
    return [
        {
            "title": _visit(one.accession, one.performed_on),
            "url": reverse("viewer:manifest", args=[one.pk]),
        }
        for one in found
        if Right.SEE_STUDIES in rights_of(user, one.site_id)
    ]


def marks_file(reading: StudyReading, image: Image, *, version: int) -> dict[str, Any]:
    """Marks of every frame of one file.

    Args:
        reading: Whose.
        image: The file.
        version: Version of the log the page holds; later corrections are left out, it will be
            told of them as corrections.
    """
    key = str(image.pk)
    edited = edited_frames(reading, until=version)
    signed = {} if reading.is_blinded else _signed_frames(reading)
    shown = _for_comparison(reading)
    machine = findings(shown, image)
    frames = []
    for found in findings(reading, image):
        place = (key, found.frame)
        frame: dict[str, Any] = {
            "frame": found.frame,
            "mm_per_pixel": _scale(found.mm_per_pixel),
            "scale_problem": found.scale_problem,
            "assessable": found.is_assessable or reading.starts_empty,
            "because": list(found.not_assessable_because),
        }
        if not reading.is_blinded:
            own = machine[found.frame]
            frame["machine"] = marks_json(machine_marks(own, picture=key))
            frame["assessable"] = own.is_assessable
            frame["because"] = list(own.not_assessable_because)
            frame["interval"] = _interval(own)
        if place in edited:
            frame["reader"] = marks_json(edited[place])
        elif reading.starts_empty:
            frame["reader"] = marks_json(FrameMarks())
        if place in signed:
            frame["signed"] = marks_json(signed[place])
        frames.append(frame)
    return {"picture": key, "version": version, "frames": frames}


def _for_comparison(reading: StudyReading) -> StudyReading:
    """The machine's side of a reading that started from nothing."""
    if not reading.starts_empty or reading.is_blinded:
        return reading
    return StudyReading(
        study=reading.study,
        base=reading.base,
        mark_set=None,
        purpose=Purpose.REVIEW,
        is_blinded=False,
    )


def _scale(scale: Any) -> dict[str, Any] | None:
    return {"x": scale.x, "y": scale.y, "source": scale.source.value} if scale else None


def _interval(found: Any) -> dict[str, int] | None:
    """The machine's count of the section with its interval."""
    if not found.is_assessable or not found.ovaries:
        return None
    count = found.ovaries[0].follicle_count_section
    return {"value": count.value, "low": count.low, "high": count.high}


def _signed_frames(reading: StudyReading) -> dict[tuple[str, int], FrameMarks]:
    """The frames a reader had changed when the newest report was signed."""
    report = _newest_report(reading)
    marks: MarkSet | None = report.assessment.marks if report else None
    if report is None or marks is None:
        return {}
    signed = StudyReading(
        study=reading.study,
        base=marks.base,
        mark_set=marks,
        purpose=Purpose.REVIEW,
        is_blinded=False,
    )
    return edited_frames(signed, until=report.assessment.marks_version)


def measures(reading: StudyReading) -> dict[str, Any]:
    """Counts and measurements, kept apart; a blinded reader is told her own alone."""
    answer: dict[str, Any] = {"version": reading.version, "reader": _readers(reading)}
    if reading.is_blinded:
        return answer
    answer["machine"] = _machines(reading)
    report = _newest_report(reading)
    answer["signed"] = _of_document(report.document) if report else None
    answer["signed_by"] = report.signer_name if report else ""
    return answer


def _machines(reading: StudyReading) -> dict[str, Any] | None:
    """What the machine measured; measured again where its base saw a file that was withdrawn."""
    if reading.base is None:
        return None
    document = reading.base.document
    standing = {image.name for image in pictures_of(reading.study)}
    if {frame["source"] for frame in document["frames"]} <= standing:
        return _of_document(document)
    _, record = measured(picture_findings(_for_comparison(reading)), {})
    return record.model_dump(mode="json")


def _of_document(document: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = document.get("measurements")
    return found


def _readers(reading: StudyReading) -> dict[str, Any] | None:
    """The reader's measurements; None before her first correction."""
    if reading.mark_set is None or reading.version == 0:
        return None
    pictures = tuple((image.pk, image.side) for image in pictures_of(reading.study))
    return _reader_measures(reading.mark_set.pk, reading.version, pictures)


@lru_cache(maxsize=64)
def _reader_measures(
    mark_set_id: UUID, version: int, pictures: tuple[tuple[UUID, str], ...]
) -> dict[str, Any]:
    """Measured once a version and set of pictures: a log only grows, so a version stays."""
    mark_set = MarkSet.objects.select_related("study", "reader").get(pk=mark_set_id)
    reading = reading_for(mark_set.study, mark_set.reader, Purpose(mark_set.purpose))
    _, record = measured(picture_findings(reading), edited_frames(reading, until=version))
    return record.model_dump(mode="json")
