"""What is shown: key frames, grades as certain and possible, unknowns with their reasons."""

from typing import Any

import pytest

from deeppcos.app.report.key_frames import (
    FRAMES_PER_SWEEP,
    MOST_PICTURES,
    frame_ranges,
    key_frames_of,
    silent_frames,
    unshown_frames,
)
from deeppcos.app.report.marks import frame_marks, numbered_follicles
from deeppcos.app.report.view import frame_summary, ovary_lines, report_view
from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.assessment_json import document_from_dict


def with_axis(content: dict[str, Any], **axis: object) -> AssessmentDocument:
    return document_from_dict(content | {"severity": {**content["severity"], "metabolic": axis}})


@pytest.mark.parametrize(
    ("axis", "short", "is_open"),
    [
        ({"grade": 2, "lower_bound": 2, "coverage": 1.0}, "B2", False),
        ({"grade": 0, "lower_bound": 0, "coverage": 1.0}, "B0", False),
        ({"grade": 1, "lower_bound": 1, "coverage": 0.75}, "B≥1", True),
        ({"grade": 3, "lower_bound": 3, "coverage": 0.75}, "B3", False),
        ({"grade": None, "lower_bound": 1, "coverage": 0.25}, "B≥1", True),
        ({"grade": None, "lower_bound": 0, "coverage": 0.25}, "B?", False),
        ({"grade": None, "lower_bound": None, "coverage": 0.0}, "B?", False),
        ({"grade": 1, "coverage": 1.0, "borderline": [1, 2]}, "B1–2", False),
    ],
)
def test_a_grade_is_never_shown_surer_than_it_is(
    empty_content: dict[str, Any], axis: dict[str, object], short: str, is_open: bool
) -> None:
    row = report_view(with_axis(empty_content, **axis)).severity[3]
    assert row.short == short
    assert row.is_open is is_open


def test_a_sweep_shows_key_frames_and_says_how_many_more(
    sweep_document: AssessmentDocument,
) -> None:
    shown, further = key_frames_of(sweep_document)
    assert len(shown) == FRAMES_PER_SWEEP
    assert further == 50 - FRAMES_PER_SWEEP


def test_a_frame_a_measurement_cites_is_always_shown(sweep_document: AssessmentDocument) -> None:
    content = sweep_document.model_dump(mode="json")
    content["frames"][41]["ovaries"][0]["follicles"] = []
    reference = {"source": content["frames"][41]["source"], "frame": 41}
    content["measurements"]["left"] = {"fnps": {"value": 4, "sources": [reference]}}
    shown, _ = key_frames_of(document_from_dict(content))
    assert 41 in [frame.frame for frame in shown]


def test_pictures_are_bounded_however_many_files_come(sweep_document: AssessmentDocument) -> None:
    content = sweep_document.model_dump(mode="json")
    for number, frame in enumerate(content["frames"]):
        frame["source"] = f"still-{number}.png"
    shown, further = key_frames_of(document_from_dict(content))
    assert len(shown) == MOST_PICTURES
    assert further == 50 - MOST_PICTURES


def test_neighbouring_silent_frames_stand_together(full_document: AssessmentDocument) -> None:
    (group,) = silent_frames(full_document.frames)
    assert (group.source, group.frames, group.reasons) == (
        "left_sweep.dcm",
        "frames 1–3",
        ("no ovary in view",),
    )


def test_a_sweep_tells_how_many_of_its_frames_are_shown(
    sweep_document: AssessmentDocument,
) -> None:
    (told,) = unshown_frames(sweep_document)
    assert told.endswith(f".dcm: {FRAMES_PER_SWEEP} of 50 assessed frames are shown")


def test_pictures_beyond_the_most_are_counted(sweep_document: AssessmentDocument) -> None:
    content = sweep_document.model_dump(mode="json")
    for number, frame in enumerate(content["frames"]):
        frame["source"] = f"still-{number}.png"
    (told,) = unshown_frames(document_from_dict(content))
    assert told == f"{50 - MOST_PICTURES} more assessed pictures are not shown"


def doubtful(content: dict[str, Any], *frames: int) -> AssessmentDocument:
    for number in frames:
        content["frames"][number] |= {
            "assessable": False,
            "not_assessable_because": ["resembles an ovary, not surely enough"],
        }
        content["frames"][number]["ovaries"][0]["probability"] = 0.3 + number / 100
    return document_from_dict(content)


def test_a_doubtful_frame_takes_no_place_from_an_assessed_one(
    sweep_document: AssessmentDocument,
) -> None:
    document = doubtful(sweep_document.model_dump(mode="json"), *range(49))
    shown, further = key_frames_of(document)
    assert [frame.frame for frame in shown] == [49]
    assert further == 0


def test_of_a_file_of_doubtful_frames_the_surest_is_shown(
    sweep_document: AssessmentDocument,
) -> None:
    shown, _ = key_frames_of(doubtful(sweep_document.model_dump(mode="json"), *range(50)))
    assert [frame.frame for frame in shown] == [49]


def test_nothing_in_a_doubtful_outline_is_counted(full_content: dict[str, Any]) -> None:
    frame = doubtful(full_content, 0).frames[0]
    assert frame_summary(frame) == "1 doubtful outline, nothing counted in it"
    (line,) = ovary_lines(frame)
    assert line.startswith("Doubtful: probability of an ovary 0.30.")
    assert "FNPS" not in line
    assert numbered_follicles(frame) == ()
    marks = frame_marks(frame)
    assert {mark.kind for mark in marks} == {"doubtful", "uncounted"}
    assert [mark.label for mark in marks if mark.label] == ["doubtful"]


def test_beside_a_sure_ovary_an_unlikely_one_is_doubtful(full_content: dict[str, Any]) -> None:
    frame = full_content["frames"][0]
    frame["ovaries"].append({**frame["ovaries"][0], "probability": 0.2})
    seen = document_from_dict(full_content).frames[0]
    assert len(numbered_follicles(seen)) == len(seen.ovaries[0].follicles)
    assert frame_summary(seen) == (
        "1 ovary outlined, 1 doubtful outline, nothing counted in it, 15 follicles marked"
    )


def test_frames_with_the_same_reason_stand_together_wherever_they_lie(
    sweep_document: AssessmentDocument,
) -> None:
    document = doubtful(sweep_document.model_dump(mode="json"), 0, 3, 37, 38, 39)
    (group,) = silent_frames(document.frames)
    assert group.frames == "frames 1, 4, 38–40"


def test_volumes_show_one_decimal_throughout(full_content: dict[str, Any]) -> None:
    full_content["measurements"]["left"]["volume_ml"] |= {"low": 0.27, "high": 10.77}
    rows = {row.title: row for row in report_view(document_from_dict(full_content)).measurements}
    assert rows["Volume"].cells[0].value == "11.4 mL (0.3–10.8)"


def test_diameters_without_thickness_say_why(full_content: dict[str, Any]) -> None:
    full_content["measurements"]["left"]["thickness_mm"] = None
    rows = {row.title: row for row in report_view(document_from_dict(full_content)).measurements}
    cell, unscaled = rows["Diameters"].cells
    assert cell.value == "36.8 × 23.5 mm"
    assert cell.detail == "thickness unknown: it does not lie in this section"
    assert unscaled.value is None
    assert unscaled.detail == "no section with a scale in which the ovary can be judged"


def test_frames_are_counted_from_one() -> None:
    assert frame_ranges([4, 0, 1]) == "frames 1–2, 5"


def test_an_unknown_measurement_tells_its_reason(full_document: AssessmentDocument) -> None:
    view = report_view(full_document)
    rows = {row.title: row for row in view.measurements}
    assert view.sides == ("Left ovary", "Right ovary")
    assert rows["FNPO"].cells[0].value is None
    assert rows["FNPO"].cells[0].detail == "needs a 3D volume"
    assert rows["Volume"].cells[0].value == "11.4 mL (7.6–18.1)"
    assert rows["Volume"].cells[1].detail == "the file states no pixel size"
    assert rows["Tracked estimate"].cells[0].value == "23 (18–29)"


def test_a_measured_zero_is_shown_as_zero(full_content: dict[str, Any]) -> None:
    full_content["measurements"]["left"]["fnps"] |= {"value": 0, "low": 0, "high": 1}
    view = report_view(document_from_dict(full_content))
    assert view.measurements[0].cells[0].value == "0 (0–1)"


def test_nothing_known_still_makes_a_view(empty_document: AssessmentDocument) -> None:
    view = report_view(empty_document)
    assert [card.word for card in view.criteria] == ["Unknown"] * 4
    assert view.severity_profile == "R? M? H? B?"
    assert (view.sides, view.key_frames, view.unshown, view.silent) == ((), (), (), ())
