"""Near duplicates: found whatever was done to a picture, and never between different ones."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.learning.audit.candidates import find_candidates
from deeppcos.learning.audit.confirm import compare
from deeppcos.learning.audit.copies import Copies, Groups, find_copies
from deeppcos.learning.audit.local_features import FeatureStore, describe, mirrored
from deeppcos.learning.audit.looking_at_pictures import look_at_all
from deeppcos.learning.audit.picture_set import picture_folder
from deeppcos.learning.phantom import random_scene

Pixels = npt.NDArray[np.uint8]


def scene(seed: int) -> Pixels:
    """A phantom picture, RGB."""
    return random_scene(np.random.default_rng([11, seed])).pixels


@pytest.fixture(scope="module")
def scenes() -> list[Pixels]:
    return [scene(seed) for seed in range(4)]


def grey(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def turned(pixels: Pixels, *, degrees: float, border: int) -> Pixels:
    height, width = pixels.shape[:2]
    way = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(pixels, way, (width, height), borderMode=border), np.uint8)


def cropped(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    return pixels[height // 8 : -height // 8, width // 5 :].copy()


def resized(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor), np.uint8)


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "cropped": cropped,
    "flipped": lambda p: p[:, ::-1].copy(),
    "upside_down": lambda p: p[::-1].copy(),
    "turned_filled_by_repetition": lambda p: turned(p, degrees=25, border=cv2.BORDER_REPLICATE),
    "turned_filled_by_reflection": lambda p: turned(p, degrees=-14, border=cv2.BORDER_REFLECT),
    "on_its_side": lambda p: np.rot90(p).copy(),
    "smaller": lambda p: resized(p, 0.5),
    "padded": lambda p: cv2.copyMakeBorder(
        p, 40, 10, 70, 0, cv2.BORDER_CONSTANT, value=(90, 90, 90)
    ).astype(np.uint8),
    "brighter": lambda p: np.clip(p.astype(np.float32) * 1.3 + 8, 0, 255).astype(np.uint8),
    "flipped_turned_cropped": lambda p: cropped(
        turned(p[:, ::-1].copy(), degrees=10, border=cv2.BORDER_CONSTANT)
    ),
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_changed_picture_is_recognised(name: str, scenes: list[Pixels]) -> None:
    first, second = describe(grey(scenes[0])), describe(grey(CHANGES[name](scenes[0])))
    agreements = [compare(first, second, is_mirrored=turn) for turn in (False, True)]
    assert any(agreement and agreement.is_copy for agreement in agreements)


def test_different_pictures_are_not_copies(scenes: list[Pixels]) -> None:
    features = [describe(grey(pixels)) for pixels in scenes]
    for place, first in enumerate(features):
        for second in features[place + 1 :]:
            for turn in (False, True):
                agreement = compare(first, second, is_mirrored=turn)
                assert agreement is None or not agreement.is_copy


def test_the_logo_of_one_machine_does_not_make_its_pictures_copies(
    tmp_path: Path, scenes: list[Pixels]
) -> None:
    for number, pixels in enumerate(scenes):
        marked = pixels.copy()
        cv2.putText(marked, "MACHINE 12 cm", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 1, (255,) * 3, 2)
        write(tmp_path / f"{number}.png", marked)
    assert len(copies_of(tmp_path).sources) == len(scenes)


def test_mirrored_descriptors_are_those_of_the_mirror_image(scenes: list[Pixels]) -> None:
    picture = grey(scenes[1])
    straight, flipped = describe(picture), describe(np.ascontiguousarray(picture[:, ::-1]))
    agreement = compare(straight, flipped, is_mirrored=True)
    assert agreement is not None
    assert agreement.inliers > 60
    assert agreement.rotation_degrees == pytest.approx(0, abs=1)
    assert agreement.scale == pytest.approx(1, abs=0.02)
    assert (mirrored(mirrored(straight.descriptors)) == straight.descriptors).all()


def test_groups_are_the_source_pictures(tmp_path: Path, scenes: list[Pixels]) -> None:
    for number, pixels in enumerate(scenes):
        write(tmp_path / f"{number}_a.png", pixels)
        write(tmp_path / f"{number}_b.png", CHANGES["flipped"](pixels))
        write(tmp_path / f"{number}_c.jpg", CHANGES["turned_filled_by_reflection"](pixels))
    found = copies_of(tmp_path)
    assert found.sources == tuple((3 * n, 3 * n + 1, 3 * n + 2) for n in range(len(scenes)))
    assert found.same_files == ()


def test_equal_files_and_equal_pixels_are_told_apart(tmp_path: Path, scenes: list[Pixels]) -> None:
    write(tmp_path / "a.png", scenes[0])
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    write(tmp_path / "c.bmp", scenes[0])
    write(tmp_path / "d.png", scenes[1])
    found = copies_of(tmp_path)
    assert found.same_files == ((0, 1),)
    assert found.same_pixels == ((0, 1, 2),)
    assert found.sources == ((0, 1, 2), (3,))


def test_any_number_of_threads_gives_the_same_answer(tmp_path: Path, scenes: list[Pixels]) -> None:
    for number, pixels in enumerate(scenes):
        write(tmp_path / f"{number}.png", pixels)
        write(tmp_path / f"{number}s.png", CHANGES["smaller"](pixels))
    one, four = copies_of(tmp_path, threads=1), copies_of(tmp_path, threads=4)
    assert one.sources == four.sources
    assert [(p.first, p.second) for p in one.near_pairs] == [
        (p.first, p.second) for p in four.near_pairs
    ]


def test_the_index_proposes_the_copy_among_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deeppcos.learning.audit.candidates.COMPARE_ALL_UP_TO", 1)
    drawn = np.random.default_rng(4)
    noise = [cv2.GaussianBlur(drawn.random((200, 240)), (0, 0), 3) for _ in range(24)]
    pictures = [((n - n.min()) / np.ptp(n) * 255).astype(np.uint8) for n in noise]
    pictures.append(np.ascontiguousarray(pictures[7][20:, ::-1]))
    with FeatureStore(len(pictures)) as store:
        for number, picture in enumerate(pictures):
            store.put(number, describe(picture))
        gists = np.zeros((len(pictures), 256), np.float32)
        candidates = find_candidates(store, list(range(len(pictures))), gists, threads=2)
    assert (candidates[0].first, candidates[0].second, candidates[0].is_mirrored) == (7, 24, True)
    assert len(candidates) < len(pictures) * 20


def test_features_survive_the_store(scenes: list[Pixels]) -> None:
    features = [describe(grey(pixels)) for pixels in scenes]
    with FeatureStore(len(features)) as store:
        for number in reversed(range(len(features))):
            store.put(number, features[number])
        for number, kept in enumerate(features):
            again = store.get(number)
            assert (again.working == kept.working).all()
            assert (again.points == kept.points).all()
            assert (again.descriptors == kept.descriptors).all()


def test_a_flat_picture_has_no_keypoints_and_no_copies() -> None:
    flat = describe(np.full((100, 120), 90, np.uint8))
    assert len(flat.points) == 0
    assert compare(flat, flat, is_mirrored=False) is None


def test_groups_join_through_a_third() -> None:
    groups = Groups([3, 1, 2, 5])
    groups.join(1, 2)
    groups.join(5, 2)
    assert groups.listed() == ((1, 2, 5), (3,))


def write(path: Path, pixels: Pixels) -> None:
    assert cv2.imwrite(str(path), pixels[:, :, ::-1])


def copies_of(folder: Path, *, threads: int = 2) -> Copies:
    pictures = picture_folder(folder).pictures
    with FeatureStore(len(pictures)) as store:
        facts, refused = look_at_all(pictures, store, threads=threads)
        assert refused == ()
        return find_copies(facts, store, threads=threads)
