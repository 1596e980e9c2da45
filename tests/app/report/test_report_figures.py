"""The small figures say what they show, in shapes and in words."""

from typing import Any
from xml.etree import ElementTree

import pytest

from deeppcos.app.report.figures import (
    Box,
    Figure,
    Stroke,
    Words,
    severity_bar,
    size_bins,
    size_histogram,
    state_symbol,
    svg,
)
from deeppcos.app.report.view import AxisRow, report_view
from deeppcos.records.assessment_document import AssessmentDocument, FollicleRecord


def follicle(diameter_mm: float | None) -> FollicleRecord:
    return FollicleRecord(
        polygon=[(0, 0), (1, 0), (0, 1)],
        probability=0.9,
        mean_diameter_mm=diameter_mm,
        kind="antral",
    )


def axis_row(reach: int | None, possible: int, coverage: float = 1.0) -> AxisRow:
    return AxisRow(
        letter="B",
        title="Metabolic",
        reach=reach,
        possible=possible,
        coverage=coverage,
        short="",
        words="words",
        drivers=(),
        missing=(),
        remark="",
        sources=(),
    )


def cells(figure: Figure) -> list[str]:
    boxes = [shape for shape in figure.shapes if isinstance(shape, Box) and shape.height > 10]
    return ["hatched" if box.hatched else box.fill for box in boxes]


@pytest.mark.parametrize(
    ("reach", "possible", "expected"),
    [
        (3, 3, ["ramp-0", "ramp-1", "ramp-2", "ramp-3"]),
        (0, 0, ["ramp-0", "none", "none", "none"]),
        (1, 3, ["ramp-0", "ramp-1", "hatched", "hatched"]),
        (1, 2, ["ramp-0", "ramp-1", "hatched", "none"]),
        (None, 3, ["hatched"] * 4),
    ],
)
def test_certain_cells_are_filled_and_possible_ones_hatched(
    reach: int | None, possible: int, expected: list[str]
) -> None:
    assert cells(severity_bar(axis_row(reach, possible))) == expected


def test_only_a_lower_bound_leaves_the_bar_open() -> None:
    def chevrons(figure: Figure) -> int:
        return sum(isinstance(shape, Stroke) for shape in figure.shapes)

    assert chevrons(severity_bar(axis_row(1, 3, 0.5))) == 1
    assert chevrons(severity_bar(axis_row(1, 2))) == 0
    assert chevrons(severity_bar(axis_row(None, 3, 0.0))) == 0


def test_the_missing_share_of_inputs_is_hatched() -> None:
    figure = severity_bar(axis_row(1, 3, 0.4))
    strip = [shape for shape in figure.shapes if isinstance(shape, Box) and shape.height < 10]
    assert [box.hatched for box in strip] == [False, True]
    assert strip[0].width / figure.width == pytest.approx(0.4, abs=0.01)
    assert "40% of the inputs are known" in figure.alternative


def test_follicles_fall_into_bins_at_the_bounds_of_counting() -> None:
    sizes = [1.99, 2.0, 2.99, 9.99, 10.0, 25.0, None]
    assert size_bins([follicle(size) for size in sizes]) == (1, 2, 0, 0, 0, 0, 0, 0, 1, 2)


def test_without_sizes_there_is_no_histogram() -> None:
    assert size_histogram([follicle(None)]) is None


def test_the_histogram_names_its_numbers() -> None:
    figure = size_histogram([follicle(5.2), follicle(5.9), follicle(12.0)])
    assert figure is not None
    assert figure.alternative == "Follicles by mean diameter. 5 mm: 2, ≥10 mm: 1"
    assert "mean diameter, mm" in [s.text for s in figure.shapes if isinstance(s, Words)]


@pytest.mark.parametrize("state", ["present", "absent", "unknown", "not_assessable"])
def test_every_state_has_its_own_shape(state: str) -> None:
    others = {"present", "absent", "unknown", "not_assessable"} - {state}
    outline = [type(shape).__name__ for shape in state_symbol(state).shapes]
    fill = getattr(state_symbol(state).shapes[0], "fill", None)
    looks = [
        (
            [type(shape).__name__ for shape in state_symbol(other).shapes],
            getattr(state_symbol(other).shapes[0], "fill", None) != "none",
        )
        for other in others
    ]
    assert (outline, fill != "none") not in looks


def test_the_svg_is_well_formed_and_escapes_words(full_document: AssessmentDocument) -> None:
    hostile: Any = Figure(
        width=10,
        height=10,
        alternative='"><script>',
        shapes=(Words(x=0, y=0, text="<script>&", size=5, colour="ink"),),
    )
    root = ElementTree.fromstring(svg(hostile))
    assert root.attrib["aria-label"] == '"><script>'
    assert root[0].text == "<script>&"
    for row in report_view(full_document).severity:
        assert ElementTree.fromstring(svg(severity_bar(row))).attrib["role"] == "img"


def test_a_decorative_figure_is_hidden_from_assistive_technology() -> None:
    root = ElementTree.fromstring(svg(state_symbol("present"), decorative=True))
    assert root.attrib["aria-hidden"] == "true"
    assert "aria-label" not in root.attrib
