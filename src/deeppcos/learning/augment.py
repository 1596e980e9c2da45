"""Views of a sample as the network is trained on them: geometry, light, graphics and paste.

Chance is separated from effect: every function takes the random generator it draws from, and
the road from grey levels to tensor is ``vision.preprocess``, as in serving.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.errors import NotAssessable
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.vision.preprocess import (
    INPUT_SIDE_PX,
    View,
    close_view,
    content_view,
    normalise,
    warp,
)

Floats = npt.NDArray[np.float32]
Greys = npt.NDArray[np.uint8]

MAYBE_WEIGHT = 0.5
"""A reader's "maybe" is about a coin flip."""

OUTSIDE_LESION_WEIGHT = 0.4
"""A lesion picture says little about the ovary beside it, which nobody outlined."""

DRAWN_GRAPHICS_SHARE = 0.5
PASTE_SHARE = 0.35
FLIP_SHARE = 0.5
CONTRAST_SHARE = 0.5
CONTRAST_LOG_RANGE = (-0.4, 0.5)
"""A dynamic range half as wide again or a third narrower: what cost most on other machines."""

MASS_SIDE_SHARES = (0.2, 0.5)
MASS_PLACES_TRIED = 16
TISSUE_LEVEL = 25
MAX_TILT_DEGREES = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingView:
    """One input and its truth.

    Attributes:
        picture: ``(S, S) float32`` in [0, 1].
        target: ``(4, S, S) float32`` in [0, 1]: ovary, lesion, follicle, core.
        weight: ``(4, S, S) float32``: 0 where nobody looked.
        answers: ``(2,) float32``: ovary shown, lesion shown.
        answer_weight: ``(2,) float32``.
    """

    picture: Floats
    target: Floats
    weight: Floats
    answers: Floats
    answer_weight: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class DonorFollicle:
    """A follicle cut out with its rim, to be pasted elsewhere.

    Attributes:
        patch: ``(h, w) uint8``.
        alpha: ``(h, w) float32`` in [0, 1], feathered.
        inside: ``(h, w) uint8``, 1 inside the follicle.
    """

    patch: Greys
    alpha: Floats
    inside: Greys


def truth_maps(sample: Sample) -> Greys:
    """Whole-frame targets and weights of a sample.

    Args:
        sample: The sample.

    Returns:
        ``(H, W, 8) uint8``: four targets and four weights, 0 to 255.
    """
    height, width = sample.grey.shape
    maps = np.zeros((height, width, 8), np.uint8)
    for number, mask in ((0, sample.ovary), (1, sample.lesion)):
        if mask is not None:
            maps[..., number] = mask * np.uint8(255)
            maps[..., 4 + number] = 255
    if sample.kind == "lesion" and sample.lesion is not None:
        near = cv2.dilate(sample.lesion.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        maps[..., 4] = np.where(near, 255, round(255 * OUTSIDE_LESION_WEIGHT))
    if sample.readings:
        follicle, core = _reader_average(sample)
        maps[..., 2], maps[..., 3] = follicle, core
        maps[..., 6:8] = 255
    elif sample.kind in ("neither", "foreign"):
        maps[..., 6:8] = 255
    return maps


def _reader_average(sample: Sample) -> tuple[Greys, Greys]:
    """Follicle and core maps, averaged over readers."""
    shape = sample.grey.shape
    follicle = np.zeros(shape, np.float32)
    core = np.zeros(shape, np.float32)
    for marks in sample.readings.values():
        one_follicle, one_core = follicle_maps(marks, height=shape[0], width=shape[1])
        follicle += one_follicle
        core += one_core
    readers = len(sample.readings)
    return (
        np.asarray(np.round(follicle / readers * 255), np.uint8),
        np.asarray(np.round(core / readers * 255), np.uint8),
    )


def follicle_maps(
    marks: tuple[FollicleMark, ...], *, height: int, width: int
) -> tuple[Floats, Floats]:
    """Interior and core of one reader's follicles.

    The core is the distance to the rim over the largest distance in that follicle: a hill a
    follicle, so that touching follicles keep separate tops.

    Args:
        marks: The reader's marks.
        height: Frame height, pixels.
        width: Frame width, pixels.

    Returns:
        Two ``(height, width) float32`` maps in [0, 1].
    """
    follicle = np.zeros((height, width), np.float32)
    core = np.zeros((height, width), np.float32)
    for mark in marks:
        canvas = np.zeros((height, width), np.uint8)
        cv2.fillPoly(canvas, [np.round(mark.polygon).astype(np.int32)], 1)
        depth = cv2.distanceTransform(canvas, cv2.DIST_L2, 3)
        certainty = 1.0 if mark.is_sure else MAYBE_WEIGHT
        follicle = np.maximum(follicle, canvas * np.float32(certainty))
        core = np.maximum(core, depth / max(float(depth.max()), 1.0) * certainty)
    return follicle, np.asarray(core, np.float32)


def frame_view(sample: Sample, rng: np.random.Generator) -> View:
    """The whole frame, jittered in size and place."""
    try:
        view = content_view(sample.grey)
    except NotAssessable:
        view = View(x=0.0, y=0.0, side=float(max(sample.grey.shape)))
    side = view.side * float(np.exp(rng.uniform(-0.5, 0.2)))
    slack = view.side * 0.12
    return View(
        x=view.x + (view.side - side) / 2 + float(rng.uniform(-slack, slack)),
        y=view.y + (view.side - side) / 2 + float(rng.uniform(-slack, slack)),
        side=side,
    )


def object_view(mask: npt.NDArray[np.bool_], rng: np.random.Generator) -> View:
    """A close view of one outlined object, as sloppy as a predicted outline would give."""
    x, y, w, h = _largest_box(mask)
    view = close_view(x0=x, y0=y, x1=x + w, y1=y + h, margin=float(rng.uniform(0.0, 0.7)))
    slack = 0.15 * max(w, h)
    return View(
        x=view.x + float(rng.uniform(-slack, slack)),
        y=view.y + float(rng.uniform(-slack, slack)),
        side=view.side,
    )


def _largest_box(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, width and height of the largest connected part of a mask."""
    stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8))[2]
    number = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    x, y, w, h = (int(v) for v in stats[number, :4])
    return x, y, w, h


def elsewhere_view(sample: Sample, rng: np.random.Generator) -> View | None:
    """A square of tissue that touches neither ovary nor lesion; None when there is none."""
    if sample.ovary is None:
        return None
    height, width = sample.grey.shape
    busy = np.zeros(sample.grey.shape, bool)
    for mask in (sample.ovary, sample.lesion):
        if mask is not None:
            busy |= mask
    for _ in range(12):
        side = int(min(height, width) * rng.uniform(0.3, 0.7))
        x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
        window = (slice(y, y + side), slice(x, x + side))
        if not busy[window].any() and (sample.grey[window] > TISSUE_LEVEL).mean() > 0.6:
            return View(x=float(x), y=float(y), side=float(side))
    return None


def draw_view(
    sample: Sample,
    maps: Greys,
    view: View,
    rng: np.random.Generator,
    donors: tuple[DonorFollicle, ...] = (),
    *,
    mass: Sample | None = None,
    varies_contrast: bool = False,
) -> TrainingView:
    """One augmented training view.

    Args:
        sample: The sample.
        maps: Its ``truth_maps``.
        view: The square to show.
        rng: Source of chance.
        donors: Follicles that may be pasted into the ovary; none to switch pasting off.
        mass: A sample whose lesion is pasted beside the ovary.
        varies_contrast: Whether the dynamic range is narrowed or widened, too.

    Returns:
        The view with its truth.
    """
    matrix = tilted(view.matrix(), rng)
    picture = warp(sample.grey, matrix)
    side = (INPUT_SIDE_PX, INPUT_SIDE_PX)
    seen = np.asarray(cv2.warpAffine(maps, matrix, side, flags=cv2.INTER_LINEAR), np.uint8)
    target = np.moveaxis(seen[..., :4].astype(np.float32) / 255.0, -1, 0).copy()
    weight = np.moveaxis(seen[..., 4:].astype(np.float32) / 255.0, -1, 0).copy()
    _weigh_the_outside(sample, weight)
    if donors and sample.readings and rng.random() < PASTE_SHARE:
        picture = pasted(picture, target, donors, rng)
    if mass is not None and mass.lesion is not None and mass.lesion.any():
        picture = with_mass(picture, target, weight, mass, rng)
    shown = target[:2].reshape(2, -1)
    visible = np.array([(shown[0] > 0.5).mean() > 0.01, (shown[1] > 0.5).mean() > 0.01])
    answer_weight = np.ones(2, np.float32)
    if sample.kind == "lesion":
        answer_weight[0] = 0.5
    if sample.ovary is None:
        answer_weight[0] = 0.0
    return TrainingView(
        picture=normalise(relit(picture, rng, varies_contrast=varies_contrast)),
        target=target,
        weight=weight,
        answers=visible.astype(np.float32),
        answer_weight=answer_weight,
    )


def _weigh_the_outside(sample: Sample, weight: Floats) -> None:
    """Outside the frame there is nothing to see: known empty for every map that was judged."""
    if sample.ovary is not None:
        weight[0] = np.where(weight[0] == 0, 0.2, weight[0])
    if sample.lesion is not None:
        weight[1] = np.where(weight[1] == 0, 0.2, weight[1])


def tilted(matrix: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A view matrix with a random tilt, stretch and left-right flip about its centre."""
    centre = (INPUT_SIDE_PX - 1) / 2
    angle = float(np.deg2rad(np.clip(rng.normal(0, 10), -MAX_TILT_DEGREES, MAX_TILT_DEGREES)))
    stretch = float(np.exp(rng.normal(0, 0.08)))
    mirror = -1.0 if rng.random() < FLIP_SHARE else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos * stretch * mirror, -sin / stretch], [sin * stretch * mirror, cos]])
    whole = np.eye(3)
    whole[:2, :2] = turn
    whole[:2, 2] = centre - turn @ np.array([centre, centre])
    base = np.vstack([matrix, [0, 0, 1]])
    return np.asarray((whole @ base)[:2])


def relit(picture: Greys, rng: np.random.Generator, *, varies_contrast: bool = False) -> Greys:
    """Another machine's look: gamma, gain over depth, haze, blur, speckle, drawn graphics."""
    level = picture.astype(np.float32) / 255.0
    level = level ** float(np.exp(rng.normal(0, 0.3)))
    if varies_contrast and rng.random() < CONTRAST_SHARE:
        middle = float(rng.uniform(0.25, 0.5))
        contrast = float(np.exp(rng.uniform(*CONTRAST_LOG_RANGE)))
        level = np.clip(middle + (level - middle) * contrast, 0, 1) * (level > 0.01)
    ramp = np.linspace(rng.uniform(0.6, 1.3), rng.uniform(0.6, 1.3), INPUT_SIDE_PX)
    level = level * ramp[:, None].astype(np.float32)
    if rng.random() < 0.3:
        level = level + float(rng.uniform(0, 0.15)) * (level > 0.01)
    if rng.random() < 0.3:
        level = np.asarray(cv2.GaussianBlur(level, (0, 0), float(rng.uniform(0.5, 1.6))))
    if rng.random() < 0.4:
        grain = rng.normal(0, 1, level.shape).astype(np.float32)
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), float(rng.uniform(0.5, 1.5))))
        level = level * (1 + float(rng.uniform(0.05, 0.35)) * grain)
    lit = np.asarray(np.clip(level * 255, 0, 255), np.uint8)
    if rng.random() < DRAWN_GRAPHICS_SHARE:
        draw_graphics(lit, rng)
    return lit


def draw_graphics(picture: Greys, rng: np.random.Generator) -> None:
    """Draw crosses, dotted lines and letters anywhere, so that they carry no meaning."""
    for _ in range(int(rng.integers(1, 5))):
        grey = int(rng.integers(90, 256))
        a = rng.integers(8, INPUT_SIDE_PX - 8, 2)
        b = rng.integers(8, INPUT_SIDE_PX - 8, 2)
        arm = int(rng.integers(3, 8))
        for point in (a, b):
            x, y = int(point[0]), int(point[1])
            cv2.line(picture, (x - arm, y), (x + arm, y), grey, 1)
            cv2.line(picture, (x, y - arm), (x, y + arm), grey, 1)
        if rng.random() < 0.6:
            for step in np.linspace(0, 1, int(np.hypot(*(a - b)) / 6) + 2):
                x, y = (a + (b - a) * step).astype(int)
                picture[y, x] = grey
        if rng.random() < 0.3:
            text = "".join(rng.choice(list("0123456789.cmDRLOV "), 6))
            origin = (int(a[0]), int(a[1]))
            cv2.putText(picture, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.35, grey, 1)


def donor_follicles(sample: Sample) -> list[DonorFollicle]:
    """Cut out the sure follicles of a sample's first reader."""
    donors = []
    for mark in next(iter(sample.readings.values()), ()):
        x, y, w, h = cv2.boundingRect(np.round(mark.polygon).astype(np.int32))
        pad = max(3, round(0.25 * max(w, h)))
        y0, x0 = y - pad, x - pad
        y1, x1 = y + h + pad, x + w + pad
        fits = y0 >= 0 and x0 >= 0 and y1 <= sample.grey.shape[0] and x1 <= sample.grey.shape[1]
        if not (mark.is_sure and fits and min(w, h) >= 8):
            continue
        inside = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(inside, [np.round(mark.polygon - [x0, y0]).astype(np.int32)], 1)
        wide = cv2.dilate(inside, np.ones((3, 3), np.uint8), iterations=max(1, pad // 3))
        alpha = cv2.GaussianBlur(wide.astype(np.float32), (0, 0), max(1.0, pad / 4))
        donors.append(
            DonorFollicle(
                patch=sample.grey[y0:y1, x0:x1].copy(),
                alpha=np.asarray(alpha, np.float32),
                inside=inside,
            )
        )
    return donors


def pasted(
    picture: Greys,
    target: Floats,
    donors: tuple[DonorFollicle, ...],
    rng: np.random.Generator,
) -> Greys:
    """Paste follicles into free stroma of the ovary; updates ``target`` in place."""
    ovary = target[0] > 0.5
    if ovary.sum() < 800:
        return picture
    free = ovary & (target[2] < 0.2)
    span = float(np.sqrt(ovary.sum()))
    level = picture.astype(np.float32)
    for _ in range(int(rng.integers(1, 9))):
        donor = donors[int(rng.integers(len(donors)))]
        size = span * float(rng.uniform(0.08, 0.32))
        _paste_one(level, target, free, donor, size, rng)
    return np.clip(level, 0, 255).astype(np.uint8)


def _paste_one(
    level: Floats,
    target: Floats,
    free: npt.NDArray[np.bool_],
    donor: DonorFollicle,
    size: float,
    rng: np.random.Generator,
) -> None:
    """Paste one follicle where it fits; leave everything alone where it does not."""
    scale = size / np.sqrt(max(float(donor.inside.sum()), 1.0))
    shape = (
        max(5, round(donor.patch.shape[1] * scale)),
        max(5, round(donor.patch.shape[0] * scale)),
    )
    inside = cv2.resize(donor.inside, shape, interpolation=cv2.INTER_NEAREST) > 0
    centres = np.argwhere(free)
    if len(centres) == 0 or max(shape) > 120 or inside.sum() < 12:
        return
    cy, cx = centres[int(rng.integers(len(centres)))]
    y, x = int(cy - shape[1] // 2), int(cx - shape[0] // 2)
    if y < 0 or x < 0 or y + shape[1] > level.shape[0] or x + shape[0] > level.shape[1]:
        return
    window = (slice(y, y + shape[1]), slice(x, x + shape[0]))
    if not free[window][inside].all():
        return
    alpha = cv2.resize(donor.alpha, shape)
    patch = cv2.resize(donor.patch, shape).astype(np.float32)
    rim = (alpha > 0.3) & ~inside
    if rim.sum() > 4:
        gain = (level[window][rim].mean() + 5) / (patch[rim].mean() + 5)
        patch = patch * float(np.clip(gain, 0.5, 2.0))
    level[window] = level[window] * (1 - alpha) + patch * alpha
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
    target[2][window] = np.where(inside, 1.0, target[2][window])
    target[3][window] = np.where(inside, depth / max(float(depth.max()), 1.0), target[3][window])
    free[window] &= ~inside


def with_mass(
    picture: Greys, target: Floats, weight: Floats, mass: Sample, rng: np.random.Generator
) -> Greys:
    """Paste another woman's mass into tissue beside the ovary; updates truth in place.

    Frames that show an ovary and a mass together are rare among marked pictures, and the ovary in
    them is what the network misses.

    Args:
        picture: ``(S, S) uint8`` view.
        target: ``(4, S, S)``, its truth.
        weight: ``(4, S, S)``, what was looked at.
        mass: Sample with an outlined lesion.
        rng: Source of chance.

    Returns:
        The picture, unchanged where the mass fits nowhere.
    """
    patch, inside = _cut_mass(mass, rng)
    height, width = inside.shape
    alpha = np.asarray(cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(1.5, width / 30)))
    kept = cv2.dilate((target[0] > 0.1).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    for _ in range(MASS_PLACES_TRIED):
        y = int(rng.integers(0, INPUT_SIDE_PX - height + 1))
        x = int(rng.integers(0, INPUT_SIDE_PX - width + 1))
        window = (slice(y, y + height), slice(x, x + width))
        covered = alpha > 0.05
        if kept[window][covered].any() or (picture[window] > TISSUE_LEVEL).mean() < 0.5:
            continue
        level = picture.astype(np.float32)
        rim = (alpha > 0.05) & ~inside
        gain = (level[window][rim].mean() + 5) / (patch[rim].mean() + 5) if rim.any() else 1.0
        lit = patch * float(np.clip(gain, 0.5, 2.0))
        level[window] = level[window] * (1 - alpha) + lit * alpha
        target[1][window] = np.maximum(target[1][window], inside)
        weight[1][window] = np.maximum(weight[1][window], covered)
        target[2:, y : y + height, x : x + width] *= ~inside
        return np.clip(level, 0, 255).astype(np.uint8)
    return picture


def _cut_mass(mass: Sample, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The largest lesion of a sample at a random size, grey levels and inside, with its rim."""
    assert mass.lesion is not None
    x, y, w, h = _largest_box(mass.lesion)
    pad = max(3, round(0.12 * max(w, h)))
    window = (slice(max(0, y - pad), y + h + pad), slice(max(0, x - pad), x + w + pad))
    grey, inside = mass.grey[window], mass.lesion[window].astype(np.uint8)
    if rng.random() < FLIP_SHARE:
        grey, inside = grey[:, ::-1], inside[:, ::-1]
    side = INPUT_SIDE_PX * float(rng.uniform(*MASS_SIDE_SHARES))
    scale = side / max(grey.shape)
    size = (max(8, round(grey.shape[1] * scale)), max(8, round(grey.shape[0] * scale)))
    patch = cv2.resize(np.ascontiguousarray(grey), size, interpolation=cv2.INTER_AREA)
    cut = cv2.resize(np.ascontiguousarray(inside), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(patch, np.float32), cut > 0


@lru_cache(maxsize=1)
def _noise_bank() -> Floats:
    """Smooth noise reused by ``noise_picture``; made once, it is only texture."""
    return np.random.default_rng(7).normal(0, 1, (512, 512)).astype(np.float32)


def noise_picture(rng: np.random.Generator) -> Greys:
    """Speckle, static, gradients or a flat field: nothing that could be an ovary."""
    y, x = (int(v) for v in rng.integers(0, 512 - INPUT_SIDE_PX, 2))
    field = _noise_bank()[y : y + INPUT_SIDE_PX, x : x + INPUT_SIDE_PX]
    blurred = np.asarray(cv2.GaussianBlur(field, (0, 0), float(rng.uniform(0.3, 12))))
    blurred = (blurred - blurred.min()) / (float(np.ptp(blurred)) + 1e-6)
    ramp = np.linspace(0, 1, INPUT_SIDE_PX, dtype=np.float32)[:, None]
    mixed = blurred * float(rng.uniform(0.2, 1)) + ramp * float(rng.uniform(-0.5, 0.5))
    return np.asarray(np.clip(mixed * 255, 0, 255), np.uint8)
