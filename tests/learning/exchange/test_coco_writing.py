"""Samples written as COCO and read back: the same masks, marks, readers and patients."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deeppcos.errors import InvalidInput
from deeppcos.learning.exchange.coco import coco_document, write_coco
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.learning.sources.coco import read_coco

SHAPE = (20, 24)
Mask = npt.NDArray[np.bool_]
masks = arrays(np.bool_, SHAPE)
corners = st.lists(st.tuples(st.integers(0, 23), st.integers(0, 19)), min_size=3, max_size=6)
marks = st.lists(st.tuples(corners, st.booleans()), max_size=3)


def sample(
    ovary: Mask | None,
    lesion: Mask | None,
    readings: dict[str, tuple[FollicleMark, ...]],
    name: str = "a",
) -> Sample:
    grey = np.random.default_rng(1).integers(20, 200, SHAPE).astype(np.uint8)
    return Sample(
        name=name,
        source="made",
        group=f"patient of {name}",
        kind="ovary",
        grey=grey,
        ovary=ovary,
        lesion=lesion,
        readings=readings,
        subgroup="made",
        raw_grey=grey,
    )


def drawn(shapes: list[tuple[list[tuple[int, int]], bool]]) -> tuple[FollicleMark, ...]:
    return tuple(
        FollicleMark(polygon=np.array(polygon, np.float32), is_sure=sure)
        for polygon, sure in shapes
    )


@settings(deadline=None, max_examples=40)
@given(masks, masks, marks, marks)
def test_what_is_written_is_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    ovary: Mask,
    lesion: Mask,
    first: list[tuple[list[tuple[int, int]], bool]],
    second: list[tuple[list[tuple[int, int]], bool]],
) -> None:
    folder = tmp_path_factory.mktemp("w") / "set"
    written = sample(ovary, lesion, {"r1": drawn(first), "r2": drawn(second)})
    write_coco([written], folder)
    (read,) = read_coco(folder)
    assert read.ovary is not None
    assert read.lesion is not None
    assert np.array_equal(read.ovary, ovary)
    assert np.array_equal(read.lesion, lesion)
    assert np.array_equal(read.raw_grey, written.raw_grey)
    assert read.group == "set/patient of a"
    assert list(read.readings) == ["r1", "r2"]
    for reader, expected in written.readings.items():
        assert [(m.polygon.tolist(), m.is_sure) for m in read.readings[reader]] == [
            (m.polygon.tolist(), m.is_sure) for m in expected
        ]


def test_what_nobody_looked_for_stays_unknown(tmp_path: Path) -> None:
    nothing = np.zeros(SHAPE, bool)
    write_coco([sample(nothing, None, {})], tmp_path / "set")
    (read,) = read_coco(tmp_path / "set")
    assert read.ovary is not None
    assert not read.ovary.any()
    assert read.lesion is None
    assert read.readings == {}


def test_samples_that_differ_in_what_was_looked_for_are_not_mixed(tmp_path: Path) -> None:
    nothing = np.zeros(SHAPE, bool)
    two = [sample(nothing, None, {}), sample(nothing, nothing, {}, "b")]
    with pytest.raises(InvalidInput, match="write them apart"):
        coco_document(two)
    with pytest.raises(InvalidInput, match="0 kinds"):
        coco_document([])
    (tmp_path / "set").mkdir()
    with pytest.raises(InvalidInput, match="is there already"):
        write_coco(two[:1], tmp_path / "set")
