"""Marks and corrections as JSON: what a browser sends, checked, and what it is sent.

Owns the border. Everything that comes in is typed, bounded and rounded here; behind it only
frozen records travel. Roundings are those of the browser, so that both hold the same numbers.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from deeppcos.app.desk.marks.edits import Delta, Edit, KeptEdit, refuse_malformed
from deeppcos.app.desk.marks.mark import By, FrameMarks, KindBy, Mark, MarkKind, Remark, RemarkKind
from deeppcos.errors import InvalidInput
from deeppcos.vision.frame import MmPerPixel, ScaleSource

Model = TypeVar("Model", bound=BaseModel)

MOST_EDITS_AT_ONCE = 200
MOST_CORNERS = 600
MOST_MARKS = 200

Pixel = Annotated[float, Field(ge=-50, le=20_000), AfterValidator(lambda px: round(px, 2))]
Key = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9._:-]+$")]
Text = Annotated[str, Field(max_length=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MarkPart(_Part):
    """A mark that a reader drew."""

    id: Key
    kind: MarkKind
    polygon: Annotated[list[tuple[Pixel, Pixel]], Field(min_length=3, max_length=MOST_CORNERS)]
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    by: By = By.READER
    kind_by: KindBy = KindBy.SIZE
    is_doubtful: bool = False
    is_luteal_like: bool = False
    made_from: Annotated[list[Key], Field(max_length=MOST_MARKS)] = []


class RemarkPart(_Part):
    """A remark that a reader made."""

    id: Key
    kind: RemarkKind
    text: Text = ""
    about: Key | None = None


class EditPart(_Part):
    """A correction as a browser sends it."""

    id: UUID
    delta: Delta
    picture: Key
    frame: Annotated[int, Field(ge=0, le=10_000)]
    removes: Annotated[list[Key], Field(max_length=MOST_MARKS)] = []
    adds: Annotated[list[MarkPart], Field(max_length=MOST_MARKS)] = []
    remarks: Annotated[list[RemarkPart], Field(max_length=10)] = []
    undoes: UUID | None = None
    seconds: Annotated[float, Field(ge=0, le=86_400)]
    at: AwareDatetime
    machine_marks_seen: bool
    release: Annotated[str, Field(max_length=64)] = ""


class EditsSent(_Part):
    """Corrections and the version of the log they were made on."""

    base_version: Annotated[int, Field(ge=0)]
    edits: Annotated[list[EditPart], Field(min_length=1, max_length=MOST_EDITS_AT_ONCE)]


class ScalePart(_Part):
    """The scale of the frame as the browser was told it; it limits how far is searched."""

    x: Annotated[float, Field(ge=0.005, le=2)]
    y: Annotated[float, Field(ge=0.005, le=2)]
    source: ScaleSource


class PointAsked(_Part):
    """A point whose outline a reader asks for."""

    picture: Key
    frame: Annotated[int, Field(ge=0)]
    x: float
    y: float
    mm_per_pixel: ScalePart | None = None

    @property
    def scale(self) -> MmPerPixel | None:
        """The scale as the search takes it."""
        said = self.mm_per_pixel
        return MmPerPixel(x=said.x, y=said.y, source=said.source) if said else None


def read_edits(body: bytes) -> tuple[int, tuple[Edit, ...]]:
    """Read what a browser sent.

    Args:
        body: JSON as of ``EditsSent``.

    Returns:
        The version it was made on, and the corrections.

    Raises:
        InvalidInput: If anything is not as agreed; the message names the first problem.
    """
    sent = _read(EditsSent, body)
    return sent.base_version, tuple(_edit(part) for part in sent.edits)


def read_point(body: bytes) -> PointAsked:
    """Read the point a browser asks about.

    Raises:
        InvalidInput: If it is not as agreed.
    """
    return _read(PointAsked, body)


def _read(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        raise InvalidInput(
            "the corrections cannot be read",
            value=f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            remedy="load the page again; what you drew is kept on this computer",
        ) from problem


def _edit(part: EditPart) -> Edit:
    edit = Edit(
        id=str(part.id),
        delta=part.delta,
        picture=part.picture,
        frame=part.frame,
        removes=tuple(part.removes),
        adds=tuple(_mark(mark) for mark in part.adds),
        remarks=tuple(
            Remark(id=one.id, kind=one.kind, text=one.text, about=one.about) for one in part.remarks
        ),
        undoes=None if part.undoes is None else str(part.undoes),
        seconds=round(part.seconds, 1),
        at=part.at,
        machine_marks_seen=part.machine_marks_seen,
        release=part.release,
    )
    refuse_malformed(edit)
    return edit


def _mark(part: MarkPart) -> Mark:
    return Mark(
        id=part.id,
        kind=part.kind,
        polygon=tuple((x, y) for x, y in part.polygon),
        probability=part.probability,
        by=part.by,
        kind_by=part.kind_by,
        is_doubtful=part.is_doubtful,
        is_luteal_like=part.is_luteal_like,
        made_from=tuple(part.made_from),
    )


def mark_json(mark: Mark) -> dict[str, Any]:
    """A mark as the browser takes it; what has its usual value is left out."""
    sent: dict[str, Any] = {
        "id": mark.id,
        "kind": mark.kind.value,
        "polygon": [list(point) for point in mark.polygon],
        "by": mark.by.value,
        "kind_by": mark.kind_by.value,
    }
    if mark.probability is not None:
        sent["probability"] = mark.probability
    if mark.is_doubtful:
        sent["is_doubtful"] = True
    if mark.is_luteal_like:
        sent["is_luteal_like"] = True
    if mark.made_from:
        sent["made_from"] = list(mark.made_from)
    return sent


def remark_json(remark: Remark) -> dict[str, Any]:
    """A remark as the browser takes it."""
    return {
        "id": remark.id,
        "kind": remark.kind.value,
        "text": remark.text,
        "about": remark.about,
    }


def marks_json(marks: FrameMarks) -> dict[str, Any]:
    """Everything on a frame as the browser takes it."""
    return {
        "marks": [mark_json(mark) for mark in marks.marks.values()],
        "remarks": [remark_json(remark) for remark in marks.remarks.values()],
    }


def edit_json(edit: Edit) -> dict[str, Any]:
    """A correction as it is stored and sent; ``stored_edit`` reads it back."""
    return {
        "id": edit.id,
        "delta": edit.delta.value,
        "picture": edit.picture,
        "frame": edit.frame,
        "removes": list(edit.removes),
        "adds": [mark_json(mark) for mark in edit.adds],
        "remarks": [remark_json(remark) for remark in edit.remarks],
        "undoes": edit.undoes,
        "seconds": edit.seconds,
        "at": edit.at.isoformat(),
        "machine_marks_seen": edit.machine_marks_seen,
        "release": edit.release,
    }


def stored_edit(content: dict[str, Any]) -> Edit:
    """A correction as it was stored.

    Raises:
        InvalidInput: If the stored text was changed by hand.
    """
    try:
        return _edit(EditPart.model_validate(content))
    except ValidationError as problem:
        raise InvalidInput(
            "a stored correction cannot be read", value=str(content.get("id"))
        ) from problem


def kept_json(kept: Iterable[KeptEdit]) -> list[dict[str, Any]]:
    """The log, or a part of it, with who made each correction."""
    return [
        {
            **edit_json(one.edit),
            "number": one.number,
            "reader": one.reader,
            "received": _seconds(one.received),
        }
        for one in kept
    ]


def _seconds(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
