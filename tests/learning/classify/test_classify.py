"""Comparators under one evaluation: what a split hides, and what is refused."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from deeppcos.errors import InvalidInput
from deeppcos.learning import classify
from deeppcos.learning.classify import COMPARATORS, Example, Plan, compare
from deeppcos.learning.classify import comparison as comparing
from deeppcos.learning.classify.examples import examples_from_folders, small_picture
from deeppcos.learning.classify.folds import crossing, given, grouped

SIDE = 64
ONLY_FEATURES = Plan(comparators=("features_knn",), folds=3, side_px=SIDE)


def example(
    label: str, group: str, number: int, *, side: str = "", strength: float = 0.5
) -> Example:
    """A noisy picture; lesions are bright in the middle, and a group has its own corner."""
    rng = np.random.default_rng([len(label), hash_of(group), number])
    picture = rng.uniform(0.2, 0.5, (SIDE, SIDE)).astype(np.float32)
    if label == "lesion":
        picture[20:44, 20:44] += strength
    picture[: hash_of(group) % 16, :16] = 0.9
    return Example(
        name=f"{label}/{group}/{number}",
        group=group,
        label=label,
        side=side,
        picture=np.clip(picture, 0, 1),
    )


def hash_of(text: str) -> int:
    return sum(text.encode())


def groups_of(label: str, groups: int, *, strength: float = 0.5) -> list[Example]:
    return [
        example(label, f"{label}{g}", n, strength=strength) for g in range(groups) for n in range(4)
    ]


def few() -> list[Example]:
    return [*groups_of("lesion", 4), *groups_of("ovary", 4)]


def test_every_picture_is_measured_once_by_a_model_that_never_saw_its_group() -> None:
    examples = few()
    folds = list(grouped(examples, folds=3))
    assert sorted(i for fold in folds for i in fold.measured) == list(range(len(examples)))
    assert [crossing(examples, fold) for fold in folds] == [0] * len(folds)
    for fold in folds:
        assert {examples[i].label for i in fold.learning} == {"lesion", "ovary"}


def test_a_class_from_one_source_cannot_be_measured() -> None:
    examples = [*groups_of("lesion", 1), *groups_of("ovary", 4)]
    with pytest.raises(InvalidInput, match="class lesion comes from 1 source"):
        list(grouped(examples, folds=3))


def test_a_given_split_that_crosses_sources_is_counted() -> None:
    examples = [
        replace(one, side="test" if number % 4 == 0 else "train")
        for number, one in enumerate(few())
    ]
    (fold,) = given(examples)
    assert crossing(examples, fold) == len(fold.measured) == 8


def test_a_set_without_a_split_of_its_own_is_not_given_one() -> None:
    with pytest.raises(InvalidInput, match="no split of its own"):
        list(given(few()))


@pytest.mark.parametrize(
    ("examples", "plan", "why"),
    [
        pytest.param(few(), Plan(comparators=("oracle",)), "unknown comparator", id="unknown"),
        pytest.param(few()[:16], ONLY_FEATURES, "or none of another", id="one class"),
        pytest.param(few(), replace(ONLY_FEATURES, positive="x"), "class x", id="no positive"),
        pytest.param([], ONLY_FEATURES, "0 pictures of: nothing", id="nothing"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    examples: Sequence[Example], plan: Plan, why: str
) -> None:
    with pytest.raises(InvalidInput, match=why):
        compare(examples, plan)


def test_memorised_photographs_shine_in_the_given_split_and_fail_in_the_grouped_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nothing tells the classes apart; each photograph is known by a look of its own.
    examples = [
        replace(one, side="test" if number % 4 == 0 else "train")
        for number, one in enumerate(
            [*groups_of("lesion", 5, strength=0.0), *groups_of("ovary", 5)]
        )
    ]
    looks = np.stack([np.random.default_rng(hash_of(e.group)).normal(size=16) for e in examples])
    monkeypatch.setattr(comparing, "_features", lambda *args: looks)
    by_split = {one.split: one for one in compare(examples, ONLY_FEATURES)}
    assert by_split["given"].figures["AUROC"].value == pytest.approx(1.0)
    assert by_split["given"].crossing == 10
    assert by_split["grouped"].crossing == 0
    assert (by_split["grouped"].figures["AUROC"].value or 0) < 0.8


def test_a_comparison_is_written_with_what_decided_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.stack([e.picture.ravel() for e in few()]).astype(np.float64)
    monkeypatch.setattr(comparing, "_features", lambda *args: pixels)
    found = compare(few(), ONLY_FEATURES)
    document = classify.as_document(found, ONLY_FEATURES, few())
    files = classify.write_comparison(document, tmp_path)
    assert all(file.stat().st_size > 100 for file in files)
    stored = json.loads((tmp_path / "classification.json").read_text(encoding="utf-8"))
    assert stored["plan"]["folds"] == 3
    assert stored["classes"] == {
        "lesion": {"pictures": 16, "groups": 4}, "ovary": {"pictures": 16, "groups": 4},
    }  # fmt: skip
    lines = classify.comparison_lines(document)
    assert "lesion 16 in 4 groups" in lines[0]
    assert "k-NN" in lines[1]
    assert "AUROC" in lines[1]


def test_folders_are_read_by_the_split_their_audit_wrote(tmp_path: Path) -> None:
    rows = ["file,group,fold"]
    for number, place in enumerate(("train/a", "test/a", "train/b", "test/b")):
        (tmp_path / place).mkdir(parents=True)
        picture = np.random.default_rng(number).integers(0, 255, (90, 120, 1)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / place / "1.png"), picture.repeat(3, axis=2))
        rows.append(f"{place}/1.png,{number // 2},0")
    split = tmp_path / "split.csv"
    split.write_text("\n".join(rows), encoding="utf-8")
    examples = examples_from_folders(tmp_path, split, side_px=SIDE)
    assert [(e.label, e.side, e.group) for e in examples] == [
        ("a", "train", "0"), ("a", "test", "0"), ("b", "train", "1"), ("b", "test", "1"),
    ]  # fmt: skip
    assert all(e.picture.shape == (SIDE, SIDE) for e in examples)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(None, "no grouped split", id="missing"),
        pytest.param("a,b\n1,2\n", "not a grouped split", id="other columns"),
        pytest.param("file,group,fold\nx.png,0,0\n", "has no class", id="no class"),
    ],
)
def test_a_split_file_that_tells_nothing_is_refused(
    tmp_path: Path, content: str | None, why: str
) -> None:
    if content is not None:
        (tmp_path / "split.csv").write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=why):
        examples_from_folders(tmp_path, tmp_path / "split.csv", side_px=SIDE)


def test_a_black_picture_is_still_a_picture() -> None:
    assert small_picture(np.zeros((80, 90), np.uint8), side_px=32).shape == (32, 32)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(COMPARATORS))
def test_every_comparator_learns_what_is_plain_to_see(name: str) -> None:
    (found,) = compare(
        few(), Plan(comparators=(name,), folds=2, steps=25 if name == "plain_cnn" else 6)
    )
    figures = found.figures
    assert set(figures) >= {"AUROC", "accuracy", "sensitivity", "specificity"}
    assert all(one.value is not None and 0.0 <= one.value <= 1.0 for one in figures.values())
    assert figures["AUROC"].n == 32
    # Too few steps for two networks, and 16 pictures are too few for a tree's leaves.
    if name not in ("resnet50", "efficientnet", "features_tree"):
        assert (figures["AUROC"].value or 0.0) > 0.8
