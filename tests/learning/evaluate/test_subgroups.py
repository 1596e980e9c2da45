"""Figures taken apart by trait: every picture where it belongs, and unknown left out."""

from dataclasses import replace

import cv2
import numpy as np

from deeppcos.learning.evaluate import NOTHING, SampleResult
from deeppcos.learning.evaluate.compare import at_least_score
from deeppcos.learning.evaluate.measured import answers_of, counts_of, measured_figures
from deeppcos.learning.evaluate.subgroups import subgroup_tables
from deeppcos.learning.evaluate.traits import traits_of
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.vision.looking import Look, SeenFollicle, SeenOvary

SHAPE = (200, 240)
SQUARE = np.array([[60, 60], [80, 60], [80, 80], [60, 80]], np.float32)


def sample(number: int = 0, *, marks: int = 2, side: int = 100) -> Sample:
    grey = np.random.default_rng(number).integers(30, 200, SHAPE).astype(np.uint8)
    ovary = np.zeros(SHAPE, bool)
    ovary[50 : 50 + side, 50 : 50 + side] = True
    return Sample(
        name=f"mmotu/{number}",
        source="mmotu",
        group=f"mmotu/{number}",
        kind="ovary",
        grey=grey,
        raw_grey=grey.copy(),
        ovary=ovary,
        lesion=np.zeros(SHAPE, bool),
        readings={"r1": (FollicleMark(polygon=SQUARE, is_sure=True),) * marks},
        subgroup="Ovary_Normal",
    )


def looked_at(one: Sample, *, finds: bool) -> SampleResult:
    corners = ((50.0, 50.0), (150.0, 50.0), (150.0, 150.0), (50.0, 150.0))
    follicle = SeenFollicle(polygon=tuple(map(tuple, SQUARE.tolist())), score=0.9)
    ovary = SeenOvary(polygon=corners, score=0.8, follicles=(follicle,))
    look = Look(ovary_answer=0.9, lesion_answer=0.1, ovaries=(ovary,), lesions=())
    bare = SampleResult(
        name=one.name, group=one.group, source=one.source, kind=one.kind, subgroup=one.subgroup,
        look=look if finds else NOTHING, ovary_dice=1.0 if finds else 0.0, lesion_dice=None,
        ovary_overlaps=(1.0,) if finds else (), follicles=None, traits=traits_of(one),
    )  # fmt: skip
    whole = at_least_score(one, bare, 0.95) if finds else bare
    return replace(whole, traits=traits_of(one))


def test_marks_and_flow_are_told_from_what_was_filled_in() -> None:
    clean = sample()
    marked = sample()
    cv2.line(marked.raw_grey, (20, 20), (60, 60), 255, 1)
    flow = sample()
    flow.raw_grey[20:60, 20:60] = 255 - flow.grey[20:60, 20:60] // 2
    assert [traits_of(s)["graphics"] for s in (clean, marked, flow)] == [
        "clean", "drawn on", "drawn on",
    ]  # fmt: skip
    assert [traits_of(s)["flow"] for s in (clean, marked, flow)] == [
        "without", "without", "with flow or a colour bar",
    ]  # fmt: skip


def test_counts_and_sizes_fall_into_their_ranges() -> None:
    assert [traits_of(sample(marks=n))["follicles"] for n in (0, 2, 3, 9, 10)] == [
        "none", "1 to 2", "3 to 4", "5 to 9", "10 and over",
    ]  # fmt: skip
    sizes = [traits_of(sample(side=side))["ovary size"].partition(":")[0] for side in (40, 60, 110)]
    assert sizes == ["small", "middle", "large"]


def test_what_nobody_looked_for_has_no_size_and_no_count() -> None:
    unknown = replace(sample(), ovary=None, readings={})
    assert {"ovary size", "follicles"}.isdisjoint(traits_of(unknown))


def test_every_picture_stands_once_under_each_trait_it_has() -> None:
    results = [looked_at(sample(n, side=40 if n % 2 else 110), finds=n % 3 > 0) for n in range(12)]
    tables = subgroup_tables(results)
    sizes = tables["size of the ovary in the picture"]
    assert sum(row["ovary Dice median"]["n"] for row in sizes.values()) == 12
    assert "class in the source" in tables
    assert all("lesion Dice median" not in row for row in sizes.values())


def test_everything_measured_is_plain_numbers_for_a_manifest() -> None:
    import json

    results = [looked_at(sample(n), finds=True) for n in range(8)]
    with_marks = [at_least_score(sample(n), r, 0.95) for n, r in enumerate(results)]
    figures = measured_figures(with_marks, drawn_scores=[0.1], least_probability=0.5)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert counts_of(with_marks)[0] == {"source": "mmotu", "machine": 0, "reader": 2}
    assert answers_of(with_marks) == {"ovary": {"ovary": 8, "lesion": 0, "neither": 0}}
