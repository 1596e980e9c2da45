"""The pictures of a study as its overview shows them, and the side each shows.

Owns small pictures and the naming of sides. The viewer's pictures are the business of
``deeppcos.app.web.viewer``.
"""

from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
from django.conf import settings
from django.db import transaction
from django.http import Http404

from deeppcos.app.desk.study_states import Event, follows
from deeppcos.app.web import audit
from deeppcos.app.web.models import Image, Study, StudyState, User
from deeppcos.errors import InvalidInput

SMALL_WIDTH = 360
SMALL_QUALITY = 80
SIDES = ("left", "right", "")


def image_of(study: Study, image_id: UUID) -> Image:
    """One file of a study, or as if there were none."""
    image = study.images.filter(pk=image_id).first()
    if image is None:
        raise Http404("no such picture")
    return image


def withdrawn_image_of(study: Study, image_id: UUID) -> Image:
    """One withdrawn picture of a study, or as if there were none."""
    withdrawn = Image.with_withdrawn.filter(study=study).exclude(withdrawn_at=None)
    image = withdrawn.filter(pk=image_id).first()
    if image is None:
        raise Http404("no such withdrawn picture")
    return image


def rests_on_withdrawn(study: Study, document: dict[str, Any]) -> bool:
    """Whether an assessment of a study was made with a picture that is withdrawn now."""
    every = Image.with_withdrawn.filter(study=study).exclude(withdrawn_at=None)
    withdrawn = set(every.values_list("name", flat=True))
    return any(frame["source"] in withdrawn for frame in document["frames"])


def small_picture(image: Image) -> Path | None:
    """The middle frame of a file, small; None until the file has been read."""
    if not image.is_ready or not image.frame_count:
        return None
    kept = Path(settings.DEEPPCOS_HOME) / "cache" / "small" / f"{image.pk}.jpg"
    if kept.exists():
        return kept
    frame = image.frame_path(image.frame_count // 2)
    whole = cv2.imread(str(frame))
    if whole is None:
        return None
    height = round(whole.shape[0] * SMALL_WIDTH / whole.shape[1])
    small = cv2.resize(whole, (SMALL_WIDTH, max(height, 1)), interpolation=cv2.INTER_AREA)
    _, packed = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, SMALL_QUALITY])
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_suffix(".partial")
    fresh.write_bytes(packed.tobytes())
    fresh.replace(kept)
    return kept


def name_side(image: Image, side: str, *, by: User) -> None:
    """Say which ovary a file shows.

    Args:
        image: The file; one whose header states a side keeps it.
        side: ``left``, ``right``, or empty where nobody knows.
        by: Who says so.

    Raises:
        InvalidInput: If it is no side, the header states one, or the study is signed.
    """
    if side not in SIDES:
        raise InvalidInput("that is no side", value=side[:20], accepted="left, right or unknown")
    if (image.header or {}).get("laterality"):
        raise InvalidInput("the file itself states the side", value=image.side)
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=image.study_id)
        if study.state != StudyState.ARRIVED:
            study.state = StudyState(follows(study.state, Event.REVIEW))
        study.version += 1
        study.save(update_fields=["state", "version", "updated_at"])
        Image.objects.filter(pk=image.pk).update(side=side)
        audit.record(
            "study.side_named", actor=by, study=study, detail={"image": str(image.pk), "side": side}
        )
