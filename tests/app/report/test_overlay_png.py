"""The overlay leaves the picture intact on the left and draws thin marks on the right."""

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from deeppcos.app.report.design import MARKS
from deeppcos.app.report.marks import frame_marks, numbered_follicles, scale_bar
from deeppcos.app.report.overlay import marked_picture, overlay_png
from deeppcos.errors import ContractBroken
from deeppcos.records.assessment_document import AssessmentDocument, FrameRecord
from deeppcos.records.assessment_json import document_from_dict


def opened(png: bytes) -> Any:
    return np.asarray(Image.open(BytesIO(png)))


def test_the_left_half_holds_the_untouched_pixels(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    frame, pixels = full_document.frames[0], pictures["left_sweep.dcm", 12]
    canvas = opened(overlay_png(frame, pixels))
    assert canvas.shape[1] == 4 * frame.width + 16
    assert (canvas[: 2 * frame.height : 2, : 2 * frame.width : 2] == pixels).all()
    assert (canvas[1 : 2 * frame.height : 2, 1 : 2 * frame.width : 2] == pixels).all()


def test_the_marks_are_thin_and_lie_on_the_outlines(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    frame, pixels = full_document.frames[0], pictures["left_sweep.dcm", 12]
    plain = pixels.repeat(2, axis=0).repeat(2, axis=1)
    changed = (marked_picture(frame, pixels) != plain).any(axis=2)
    assert 0.002 < changed.mean() < 0.05
    for mark in frame_marks(frame):
        if mark.kind in ("antral", "ovary", "dominant"):
            for x, y in mark.points:
                row, column = round(2 * y), round(2 * x)
                assert changed[row - 2 : row + 3, column - 2 : column + 3].any()


def test_an_empty_frame_is_left_as_it_was_but_for_its_scale_bar(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    empty = full_document.frames[0].model_copy(update={"ovaries": [], "mm_per_pixel": None})
    pixels = pictures["left_sweep.dcm", 12]
    plain = pixels.repeat(2, axis=0).repeat(2, axis=1)
    assert (marked_picture(empty, pixels) == plain).all()


def test_the_scale_bar_has_the_length_it_names(full_document: AssessmentDocument) -> None:
    frame = full_document.frames[0]
    bar = scale_bar(frame)
    assert bar is not None
    assert frame.mm_per_pixel is not None
    assert bar.length_mm == 20
    assert bar.length_px * frame.mm_per_pixel.x == pytest.approx(20)
    assert bar.length_px <= 0.3 * frame.width


def test_without_a_scale_there_is_no_scale_bar(full_document: AssessmentDocument) -> None:
    assert scale_bar(full_document.frames[-1]) is None


def test_numbers_run_on_over_two_ovaries(full_content: dict[str, Any]) -> None:
    frame = full_content["frames"][0]
    frame["ovaries"].append(frame["ovaries"][0])
    seen = document_from_dict(full_content).frames[0]
    assert [number for number, _ in numbered_follicles(seen)] == list(range(1, 31))
    drawn = [mark.number for mark in frame_marks(seen) if mark.number]
    assert drawn == list(range(1, 31))


def test_pixels_of_another_frame_are_refused(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    with pytest.raises(ContractBroken, match="not those of frame 13"):
        overlay_png(full_document.frames[0], pictures["left_sweep.dcm", 12][:-1])


def test_a_tiny_frame_and_a_long_name_still_make_a_picture(
    full_document: AssessmentDocument,
) -> None:
    tiny = full_document.frames[0].model_copy(
        update={"width": 40, "height": 30, "source": "long" * 80}
    )
    canvas = opened(overlay_png(tiny, np.zeros((30, 40, 3), np.uint8)))
    assert canvas.shape[1] == 176


def test_a_doubtful_ovary_is_drawn_as_such_and_no_follicle_in_it_as_counted(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    sure = full_document.frames[0]
    doubtful = sure.model_copy(update={"assessable": False, "not_assessable_because": ["unsure"]})
    pixels = pictures[sure.source, sure.frame]
    drawn = marked_picture(doubtful, pixels).astype(int)

    def coloured(kind: str, picture: npt.NDArray[np.int_]) -> int:
        colour = MARKS[kind].colour
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        return int((abs(picture - wanted).sum(axis=2) < 12).sum())

    assert coloured("doubtful", drawn) > 100
    empty = doubtful.model_copy(
        update={"ovaries": [doubtful.ovaries[0].model_copy(update={"follicles": []})]}
    )
    assert (drawn != marked_picture(empty, pixels)).any(), "faint, yet there"
    assert coloured("ovary", drawn) == 0
    assert coloured("antral", drawn) == 0
    assert coloured("antral", marked_picture(sure, pixels).astype(int)) > 100


def test_what_looks_like_a_corpus_luteum_has_a_ring_of_its_own_and_keeps_its_number(
    full_document: AssessmentDocument, pictures: Any
) -> None:
    plain = full_document.frames[0]
    ovary = plain.ovaries[0].model_copy(update={"luteal_like": [1]})
    flagged = plain.model_copy(update={"ovaries": [ovary, *plain.ovaries[1:]]})
    pixels = pictures[plain.source, plain.frame]
    [ring] = [mark for mark in frame_marks(flagged) if mark.kind == "luteal_like"]
    assert ring.number is None
    assert ring.description.startswith("Follicle 2: corpus-luteum-like, research flag")
    inside = ovary.follicles[1].polygon
    assert min(x for x, _ in ring.points) < min(x for x, _ in inside), "around its own line"
    kinds = {mark.kind for mark in frame_marks(flagged)} - {"luteal_like"}
    assert kinds == {mark.kind for mark in frame_marks(plain)}, "flags change no kind"
    rgb = [int(MARKS["luteal_like"].colour[at : at + 2], 16) for at in (1, 3, 5)]

    def violet(frame: FrameRecord) -> int:
        drawn = marked_picture(frame, pixels).astype(int)
        return int((abs(drawn - rgb).sum(axis=2) < 40).sum())

    assert violet(flagged) > violet(plain) + 50
