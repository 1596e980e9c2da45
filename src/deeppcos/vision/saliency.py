"""Where the network looked: what of a picture spoke for an ovary, and whether that is true.

Asks the network that decided, with pieces of the picture taken away. A heat map that does not
stand its own test is not shown: taking the hottest places away must hurt the answer more, and
giving them back must help it more, than places taken by chance. Owns the occlusion, the test and
the reasons for showing nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import NotAssessable
from deeppcos.vision.analyse import tissue_only
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.graphics import neutralise_graphics
from deeppcos.vision.looking import (
    OVARY,
    candidates_in,
    carried_to_frame,
    joint_score,
    look_over,
)
from deeppcos.vision.preprocess import INPUT_SIDE_PX, View, content_view, to_tensor
from deeppcos.vision.quality import problems_before_looking
from deeppcos.vision.release import Network, Release
from deeppcos.vision.uncertainty import logit

Floats = npt.NDArray[np.float32]
Masks = npt.NDArray[np.bool_]

PIECE_RADIUS_PX = 22.0
"""Standard deviation of the soft piece taken away, network pixels: about a small ovary's half."""

PIECE_STEP_PX = 32
TAKEN_AWAY_BLUR_PX = 16.0
"""Blur that replaces a piece: brightness stays, structure goes."""

TEST_CELLS = 8
"""The test takes cells of an 8 x 8 grid away, hottest first."""

TEST_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
CHANCE_ORDERS = 3
CHANCE_SEED = 20
LEAST_ADVANTAGE = 0.05
"""Mean answer, 0 to 1, by which the map must beat chance in both directions."""

BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SaliencyTest:
    """How the answer moved as places were taken away or given back.

    Attributes:
        deletion: Mean answer while the hottest places are taken away; low is good.
        insertion: Mean answer while the hottest places are given back; high is good.
        chance_deletion: The same for places taken by chance.
        chance_insertion: The same for places given back by chance.
    """

    deletion: float
    insertion: float
    chance_deletion: float
    chance_insertion: float

    @property
    def is_passed(self) -> bool:
        """Whether the map beats chance in both directions."""
        return (
            self.chance_deletion - self.deletion >= LEAST_ADVANTAGE
            and self.insertion - self.chance_insertion >= LEAST_ADVANTAGE
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Saliency:
    """What of a picture spoke for an ovary.

    Attributes:
        heat: ``(H, W) float32`` in [0, 1] in frame pixels; None where none is shown.
        why_none: Reason in words; empty when there is a map.
        test: The map's own test; None where nothing was recognised.
    """

    heat: Floats | None
    why_none: str
    test: SaliencyTest | None


def explain_frame(frame: UltrasoundFrame, release: Release) -> Saliency:
    """``explain_ovary`` of a frame as ``analyse`` shows it to the network.

    Args:
        frame: The frame.
        release: The release that decided.

    Returns:
        The heat map in frame pixels, or the reason why none is shown.
    """
    clean = neutralise_graphics(frame)
    grey = tissue_only(frame, clean)
    problems = problems_before_looking(frame, grey, clean.graphics_mask)
    if problems:
        return Saliency(heat=None, why_none=problems[0], test=None)
    return explain_ovary(grey, release)


def explain_ovary(grey: npt.NDArray[np.uint8], release: Release) -> Saliency:
    """Ask the deciding network which places spoke for an ovary.

    Args:
        grey: ``(H, W) uint8`` luminance without graphics.
        release: The release that decided.

    Returns:
        The heat map, or the reason why none is shown.

    Source:
        Occlusion: Zeiler and Fergus 2014. Deletion and insertion: Petsiuk 2018.
    """
    try:
        view = content_view(grey)
    except NotAssessable as reason:
        return Saliency(heat=None, why_none=reason.what, test=None)
    picture = to_tensor(grey, view)[0, 0]
    asked = _Question.about(grey, view, release)
    if asked is None:
        return Saliency(
            heat=None, why_none="no ovary is recognised, so nothing spoke for one", test=None
        )
    heat = _occlusion_heat(picture, asked)
    if heat.max() <= 0:
        return Saliency(heat=None, why_none="no single place decided the answer", test=None)
    test = tested(picture, heat, asked)
    if not test.is_passed:
        return Saliency(
            heat=None,
            why_none="the map does not explain the answer better than chance, so it is not shown",
            test=test,
        )
    in_frame = carried_to_frame(heat, view, height=grey.shape[0], width=grey.shape[1])
    return Saliency(heat=in_frame, why_none="", test=test)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """How surely is there an ovary at this place? Asked of changed pictures.

    Attributes:
        network: The deciding network.
        place: ``(S, S) bool``, the candidate of the unchanged picture.
    """

    network: Network
    place: Masks

    @classmethod
    def about(cls, grey: npt.NDArray[np.uint8], view: View, release: Release) -> "_Question | None":
        """The question of the best candidate as served; None when there is none.

        Asked of the whole view: where only the finer squares saw the ovary, the map will fail.
        """
        points = release.manifest.operating_points
        maps, _ = look_over(grey, release.network, view, points=points)
        found = candidates_in(maps[OVARY], points)
        return cls(network=release.network, place=found[0].mask) if found else None

    def answers(self, pictures: Sequence[Floats]) -> npt.NDArray[np.float64]:
        """Joint raw score of each picture, 0 to 1: map at the place and picture-level answer."""
        scores: list[float] = []
        for start in range(0, len(pictures), BATCH):
            maps, answers = self.network(np.stack(pictures[start : start + BATCH])[:, None])
            at_place = maps[:, OVARY][:, self.place].mean(axis=1)
            scores += [
                joint_score((float(m), float(a)))
                for m, a in zip(at_place, answers[:, 0], strict=True)
            ]
        return np.asarray(scores)


def _occlusion_heat(picture: Floats, asked: _Question) -> Floats:
    """Loss of log-odds when a soft piece around each place is taken away, 0 to 1."""
    blurred = _blurred(picture)
    pieces = [_piece(x, y) for y in _grid() for x in _grid()]
    whole = logit(float(asked.answers([picture])[0]))
    without = asked.answers([picture * (1 - p) + blurred * p for p in pieces])
    loss = np.array([whole - logit(float(score)) for score in without])
    weighted = sum(p * max(0.0, float(v)) for p, v in zip(pieces, loss, strict=True))
    cover = sum(pieces[1:], pieces[0].copy())
    heat = np.asarray(weighted / np.maximum(cover, 1e-6), np.float32)
    return heat / max(float(heat.max()), 1e-6)


def tested(picture: Floats, heat: Floats, asked: _Question) -> SaliencyTest:
    """Delete and insert the hottest cells first, beside cells by chance.

    What is deleted becomes the picture's median, another filling than the map was made with, so
    that the map is not tested on its own trick.

    Args:
        picture: ``(S, S) float32`` in [0, 1].
        heat: ``(S, S) float32``.
        asked: The question that the map explains.

    Returns:
        Mean answers.
    """
    hottest = np.argsort(-_cell_means(heat), kind="stable")
    rng = np.random.default_rng(CHANCE_SEED)
    orders = [hottest, *(rng.permutation(TEST_CELLS**2) for _ in range(CHANCE_ORDERS))]
    empty = np.full_like(picture, float(np.median(picture[picture > 0.02])))
    deletion = [_mean_answer(picture, empty, order, asked) for order in orders]
    insertion = [_mean_answer(_blurred(picture), picture, order, asked) for order in orders]
    return SaliencyTest(
        deletion=deletion[0],
        insertion=insertion[0],
        chance_deletion=float(np.mean(deletion[1:])),
        chance_insertion=float(np.mean(insertion[1:])),
    )


def _mean_answer(
    start: Floats, end: Floats, order: npt.NDArray[np.intp], asked: _Question
) -> float:
    """Mean answer as cells of one picture are exchanged for another's, in an order."""
    steps = (order[: round(share * len(order))] for share in TEST_SHARES)
    masks = [_cells(step) for step in steps]
    return float(asked.answers([np.where(m, end, start) for m in masks]).mean())


def _cells(numbers: Iterable[int]) -> Masks:
    """``(S, S) bool`` of some cells of the test grid."""
    grid = np.zeros(TEST_CELLS**2, np.uint8)
    grid[list(numbers)] = 1
    side = INPUT_SIDE_PX // TEST_CELLS
    return np.kron(grid.reshape(TEST_CELLS, TEST_CELLS), np.ones((side, side), np.uint8)) > 0


def _cell_means(heat: Floats) -> Floats:
    """Mean heat of each cell of the test grid, row by row."""
    side = INPUT_SIDE_PX // TEST_CELLS
    return np.asarray(heat.reshape(TEST_CELLS, side, TEST_CELLS, side).mean(axis=(1, 3)).ravel())


def _grid() -> range:
    """Centres of the pieces along one side."""
    return range(PIECE_STEP_PX // 2, INPUT_SIDE_PX, PIECE_STEP_PX)


def _piece(x: int, y: int) -> Floats:
    """``(S, S) float32`` soft disc, 1 at its centre."""
    across = np.arange(INPUT_SIDE_PX, dtype=np.float32)
    horizontal = np.exp(-0.5 * ((across - x) / PIECE_RADIUS_PX) ** 2)
    vertical = np.exp(-0.5 * ((across - y) / PIECE_RADIUS_PX) ** 2)
    return np.asarray(np.outer(vertical, horizontal), np.float32)


def _blurred(picture: Floats) -> Floats:
    """The picture without structure."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), TAKEN_AWAY_BLUR_PX), np.float32)
