"""What is known of the studies nobody has read, and the list that follows.

Owns where the signals come from: distance from a threshold, the release's own probabilities, what
a release in shadow would have counted, how unlike the study is to what was read, and the scanner.
"""

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef

from deeppcos.app.releases.shadowing import FOLDER as SHADOW_FOLDER
from deeppcos.app.web.learning.lot import is_drawn_blind
from deeppcos.app.web.learning.pseudonyms import pseudonyms
from deeppcos.app.web.models import MarkSet, SignedReport, Study
from deeppcos.app.web.served import shelf
from deeppcos.learning.feedback.reading_list import BY_LOT, Place, Unread, reading_list

MOST_UNREAD = 500
MOST_READ = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One study in the list.

    Attributes:
        study: The study.
        place: Why it stands there, and whether it is to be read blind.
    """

    study: Study
    place: Place


def listed(
    sites: Sequence[int] | None, *, on: datetime.date, random_share: float = BY_LOT
) -> list[Listed]:
    """The reading list of a day.

    Args:
        sites: Ids of the sites; None for all.
        on: The day; the lots are drawn anew each day, and are the same all day.
        random_share: Share of places drawn by lot.

    Returns:
        Unread studies in order.
    """
    analysed = Study.objects.filter(assessments__isnull=False, is_example=False).distinct()
    if sites is not None:
        analysed = analysed.filter(site__in=sites)
    done = MarkSet.objects.filter(study=OuterRef("pk"), finished_at__isnull=False)
    signed = SignedReport.objects.filter(study=OuterRef("pk"))
    split = analysed.annotate(was_read=Exists(done), was_signed=Exists(signed))
    split = split.select_related("patient", "site").prefetch_related("images")
    unread = list(
        split.filter(was_read=False, was_signed=False).order_by("-arrived_at")[:MOST_UNREAD]
    )
    read = list(split.exclude(was_read=False, was_signed=False).order_by("-arrived_at")[:MOST_READ])
    by_key = {str(study.pk): study for study in unread}
    places = reading_list(
        _signals(unread, read),
        read_by_stratum=Counter(_stratum(study) for study in read),
        seed=on.toordinal(),
        random_share=random_share,
    )
    return [Listed(study=by_key[place.study], place=place) for place in places]


def _signals(unread: Sequence[Study], read: Sequence[Study]) -> list[Unread]:
    """Everything that is known of each unread study."""
    looks = {study.pk: _look(study) for study in (*unread, *read)}
    novelty = _novelty([looks[s.pk] for s in unread], [looks[s.pk] for s in read])
    shadowed, names = _shadow_changes(), pseudonyms()
    return [
        Unread(
            study=str(study.pk),
            margin=study.closeness,
            uncertainty=looks[study.pk].uncertainty,
            novelty=novelty[number],
            disagreement=shadowed.get(str(study.pk)),
            stratum=_stratum(study),
            is_blind=is_drawn_blind(study, names),
        )
        for number, study in enumerate(unread)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a study looks like to the machine."""

    uncertainty: float | None
    features: tuple[float | None, ...]


def _look(study: Study) -> _Look:
    newest = study.assessments.filter(marks=None).order_by("-number").first()
    frames = (newest.document.get("frames") or []) if newest else []
    ovaries = [one for frame in frames for one in frame.get("ovaries") or []]
    follicles = [one for ovary in ovaries for one in ovary.get("follicles") or []]
    chances = [c for one in (*ovaries, *follicles) if (c := one.get("probability")) is not None]
    image = next(iter(study.images.all()), None)
    return _Look(
        uncertainty=_mean(4 * c * (1 - c) for c in chances),
        features=(
            image.mm_per_pixel_x if image else None,
            float(image.width) if image and image.width else None,
            _mean(len(one.get("follicles") or []) for one in ovaries),
            _mean(one["area_mm2"] for one in ovaries if one.get("area_mm2") is not None),
            _mean(c for one in ovaries if (c := one.get("probability")) is not None),
        ),
    )


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return float(np.mean(known)) if known else None


def _novelty(unread: Sequence[_Look], read: Sequence[_Look]) -> list[float | None]:
    """Distance to the most similar study that was read, in standard deviations; None without."""
    if not unread or not read:
        return [None] * len(unread)
    every = np.array(
        [[np.nan if v is None else v for v in one.features] for one in (*unread, *read)]
    )
    known = ~np.isnan(every)
    counts = np.maximum(known.sum(0), 1)
    middle = np.where(known, every, 0).sum(0) / counts
    apart = np.where(known, every - middle, 0.0)
    spread = np.sqrt((apart**2).sum(0) / counts)
    scaled = apart / np.where(spread > 0, spread, 1.0)
    new, old = scaled[: len(unread)], scaled[len(unread) :]
    distances = np.sqrt(((new[:, None] - old[None]) ** 2).sum(-1)).min(1)
    return [float(one) for one in distances]


def _stratum(study: Study) -> str:
    """Maker of the scanner, where a header says it."""
    for image in study.images.all():
        maker = (image.header or {}).get("manufacturer")
        if maker:
            return str(maker)
    return ""


def _shadow_changes() -> dict[str, float]:
    """How far the release in shadow counted from the one that was shown, by study."""
    beside = shelf().shadow()
    file = Path(shelf().folder) / SHADOW_FOLDER / f"{beside.name}.jsonl" if beside else None
    if file is None or not file.is_file():
        return {}
    changes: dict[str, float] = {}
    for line in file.read_text(encoding="utf-8").split("\n")[:-1]:
        row: dict[str, Any] = json.loads(line)
        if not isinstance(row["unseen"], str):
            shown, unseen = row["shown"]["counts"], row["unseen"]["counts"]
            apart = [abs(unseen[k] - v) for k, v in shown.items() if k in unseen]
            if apart:
                changes[row["study"]] = float(max(apart))
    return changes
