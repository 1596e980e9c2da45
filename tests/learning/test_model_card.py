"""The card says what the manifest says, unknown included."""

from typing import Any

import pytest

from deeppcos.learning.gaps import GAPS
from deeppcos.learning.model_card import ORDER, figure_lines, figure_text, model_card
from deeppcos.vision.release import Manifest

FIGURE = {"value": 0.8123, "low": 0.7, "high": 0.9, "n": 40, "groups": 9}


def manifest(**measured: Any) -> Manifest:
    metrics: dict[str, Any] = {
        "how": "held-out groups",
        "release": dict.fromkeys(ORDER, FIGURE),
        "plain U-Net, same data, same views": {},
        "second reader against first, all pictures read twice": {},
        "release with burned-in graphics left in": {},
        "release at the shipped operating point": dict.fromkeys(ORDER, FIGURE),
        "calibration error, cross-fitted": {"ovary": {"value": 0.0412, "n": 30}},
        "count interval coverage, cross-fitted": {"value": 0.912, "asked": 0.9, "n": 34},
        "accepted as an ovary": {"neither": {"n": 7, "accepted": 1}},
    }
    return Manifest.model_construct(
        name="seeing-test",
        created="2026-01-02",
        weights_sha256="a" * 64,
        preprocessing_sha256="b" * 64,
        training={
            "config": {"steps": 4, "batch": 2, "baseline": {"steps": 3, "batch": 2}},
            "split": "fold 1 of 5",
            "training": {"mmotu: ovary": 12},
            "held_out": {"mmotu: ovary": 3, "neither: neither": 1},
            "held_out_groups": 4,
            "marks": "non-clinical readers",
        },
        metrics={**metrics, **measured},
        intended_use="For tests.",
        not_for=("patients", "lesions"),
        licence_notes=("None.",),
    )


def test_every_figure_stands_on_the_card_with_its_interval_and_groups() -> None:
    card = model_card(manifest())
    for name in ORDER:
        assert f"| {name} | 0.81 (0.70 to 0.90), n = 40 in 9 groups |" in card


def test_an_older_manifest_has_a_card_without_pictures() -> None:
    assert "![" not in model_card(manifest(), pictures="pictures/x")


def test_pictures_stand_where_their_figures_do() -> None:
    counts = [{"source": "mmotu", "machine": 1, "reader": 2}]
    card = model_card(manifest(counts=counts), pictures="pictures/x")
    assert "(pictures/x/counts.svg)" in card
    assert "![" not in model_card(manifest(counts=counts))


def test_every_aim_stands_beside_what_was_reached() -> None:
    card = model_card(manifest())
    assert (
        "| mmotu follicle F1 at IoU 0.3 | at least 0.9 | 0.81 (0.70 to 0.90), n = 40 in 9 groups "
        "| short by 0.088; the interval reaches it |" in card
    )
    assert "| calibration error, follicle | at most 0.03 | not measured | not measured |" in card
    assert "not measured: no transabdominal picture of a patient in the pool |" in card


def test_what_was_tried_and_what_would_help_stand_beside_every_shortfall() -> None:
    card = model_card(manifest())
    for gap in GAPS:
        assert f"| {gap.name} | {gap.tried} | {gap.closed_by} |" in card


def test_a_row_that_nobody_measured_is_left_out() -> None:
    row = "mmotu count concordance, maybe set aside"
    assert f"| {row} |" in model_card(manifest())
    older = manifest(release={name: FIGURE for name in ORDER if name != row})
    assert f"| {row} |" not in model_card(older)


def test_the_lowest_patient_group_is_told() -> None:
    coverage = {
        "value": 0.9, "asked": 0.9, "n": 20, "by group": {"a": [9, 9], "b": [7, 9], "c": [0, 2]},
    }  # fmt: skip
    card = model_card(manifest(**{"count interval coverage, cross-fitted": coverage}))
    assert "Of the 2 patient groups with 5 or more such ovaries the lowest had 7 of 9." in card


def test_what_was_not_measured_is_said_to_be() -> None:
    card = model_card(manifest())
    assert f"| {ORDER[0]} | 0.81 (0.70 to 0.90), n = 40 in 9 groups | not measured |" in card


def test_a_calibration_error_over_nothing_is_not_measured() -> None:
    errors = {"lesion": {"value": None, "n": 0}}
    card = model_card(manifest(**{"calibration error, cross-fitted": errors}))
    assert "| lesion | not measured | 0 |" in card


@pytest.mark.parametrize(
    "words",
    [
        "# Model card: seeing-test",
        "For tests.",
        "patients; lesions",
        "| mmotu: ovary | 12 | 3 |",
        "| neither: neither | 0 | 1 |",
        "| ovary | 0.041 | 30 |",
        "91% of 34",
        "asked 90%",
        "| neither | 1 of 7 |",
        "a" * 64,
        "b" * 64,
        "non-clinical readers",
    ],
)
def test_the_card_says(words: str) -> None:
    assert words in model_card(manifest())


def test_the_baselines_configuration_does_not_pass_for_the_releases_own() -> None:
    assert "Configuration: steps 4, batch 2." in model_card(manifest())


def test_a_figure_without_groups_enough_has_no_interval() -> None:
    alone = {"value": 0.5, "low": None, "high": None, "n": 3, "groups": 1}
    assert figure_text(alone) == "0.50, n = 3 in 1 groups"
    assert " ".join(figure_lines({"a": alone})[0].split()) == "a 0.50, n = 3 in 1 groups"
