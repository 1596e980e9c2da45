"""One picture of a phantom, with its truth pixel by pixel.

Owns the composition of a picture: tissue, organs and ovary, through the machine, onto pixels.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.phantom.acoustics import Speckle, echo_power, envelope, grey, unevenness_db
from deeppcos.learning.phantom.anatomy import PhantomOvary
from deeppcos.learning.phantom.probe import BeamGrid, FloatImage, Plane, ProbeSettings, Viewport
from deeppcos.learning.phantom.surroundings import (
    LESIONS,
    Structure,
    outline_mm,
    paint,
    pelvic_tissue,
)
from deeppcos.learning.phantom.tissue import (
    SLICE_STEPS,
    SLICE_WEIGHTS,
    TissueField,
    cut,
    paint_ovary,
    window,
)

BoolImage = npt.NDArray[np.bool_]
LabelImage = npt.NDArray[np.uint16]
RgbImage = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionFollicle:
    """What is true of one follicle in one section.

    Attributes:
        label: Its value in the instance map: its place in ``PhantomOvary.follicles`` plus 1.
        diameter_mm: Mean of the two orthogonal diameters of its outline here, mm.
        true_diameter_mm: Mean of its three diameters in the whole ovary, mm.
        fluid_share: Share of fluid through the slice within its outline, 0 to 1: how dark a
            perfect machine could show it. A grazed follicle has a low share.
    """

    label: int
    diameter_mm: float
    true_diameter_mm: float
    fluid_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomSection:
    """One synthetic picture and its truth.

    Attributes:
        pixels: ``(H, W, 3) uint8`` RGB.
        mm_per_pixel: Exact pixel size along both axes, mm.
        ovary_mask: ``(H, W) bool``, within the sector; empty where there is no ovary.
        follicle_labels: ``(H, W) uint16``: 0, or a follicle's label.
        lesion_mask: ``(H, W) bool``: masses that are not follicles.
        corpus_luteum_mask: ``(H, W) bool``.
        sector_mask: ``(H, W) bool``: where the machine shows echoes.
        follicles: Truth of each follicle in this section.
        graphics_mask: ``(H, W) bool``: burned-in graphics; empty where there are none.
        clean_pixels: The picture without graphics.
        viewport: Where the probe lies in the picture.
    """

    pixels: RgbImage
    mm_per_pixel: float
    ovary_mask: BoolImage
    follicle_labels: LabelImage
    lesion_mask: BoolImage
    corpus_luteum_mask: BoolImage
    sector_mask: BoolImage
    follicles: tuple[SectionFollicle, ...]
    graphics_mask: BoolImage
    clean_pixels: RgbImage
    viewport: Viewport

    def visible(self, *, minimum_fluid: float = 0.6, minimum_mm: float = 1.8) -> "PhantomSection":
        """The same section without the follicles no reader could see.

        Args:
            minimum_fluid: Smallest share of fluid through the slice kept, 0 to 1; 0.6 leaves a
                follicle 4 dB darker than its surroundings.
            minimum_mm: Smallest diameter in the section kept, mm.

        Returns:
            A section whose instance map and list hold only the rest.
        """
        kept = tuple(
            follicle
            for follicle in self.follicles
            if follicle.fluid_share >= minimum_fluid and follicle.diameter_mm >= minimum_mm
        )
        shown = np.isin(self.follicle_labels, [follicle.label for follicle in kept])
        return replace(
            self,
            follicles=kept,
            follicle_labels=np.where(shown, self.follicle_labels, 0).astype(np.uint16),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What stays the same from frame to frame of one examination.

    Attributes:
        tissue_db: Echo level of the pelvic tissue on the beam grid, dB.
        uneven_db: Unevenness across beams, dB.
        speckle: The scatterers.
    """

    tissue_db: FloatImage
    uneven_db: FloatImage
    speckle: Speckle

    @classmethod
    def draw(cls, grid: BeamGrid, rng: np.random.Generator) -> "Ground":
        """Fresh ground."""
        lateral, depth = grid.position_mm
        tissue = pelvic_tissue(lateral, depth, radius_mm=grid.probe.radius_mm, rng=rng)
        return cls(
            tissue_db=tissue.echo_db,
            uneven_db=unevenness_db(grid, rng),
            speckle=Speckle.draw(grid, rng),
        )


def draw_section(
    ovary: PhantomOvary | None,
    probe: ProbeSettings,
    *,
    plane: Plane,
    rng: np.random.Generator,
    viewport: Viewport | None = None,
    structures: tuple[Structure, ...] = (),
) -> PhantomSection:
    """Draw one still picture.

    Args:
        ovary: The ovary, or None for a picture without one.
        probe: Probe and machine.
        plane: Where the section cuts, and where the ovary lies.
        rng: Source of all chance: the same state draws the same picture.
        viewport: The picture; by default one that holds the whole sector.
        structures: Organs and masses around.

    Returns:
        The picture and its truth.
    """
    grid = BeamGrid(probe=probe)
    return compose(
        ovary,
        grid,
        plane=plane,
        viewport=viewport or fitting_viewport(probe),
        structures=structures,
        ground=Ground.draw(grid, rng),
    )


def fitting_viewport(
    probe: ProbeSettings, *, width_px: int = 640, height_px: int = 480
) -> Viewport:
    """A picture of this size that holds the full depth; wide sectors lose their sides."""
    return Viewport(
        width_px=width_px,
        height_px=height_px,
        mm_per_pixel=probe.depth_mm / (0.88 * height_px),
        probe_x_px=width_px / 2,
        probe_y_px=0.05 * height_px,
    )


def compose(
    ovary: PhantomOvary | None,
    grid: BeamGrid,
    *,
    plane: Plane,
    viewport: Viewport,
    structures: tuple[Structure, ...],
    ground: Ground,
) -> PhantomSection:
    """Draw one picture on given ground: the step that stills, sweeps and volumes share."""
    lateral, depth = grid.position_mm
    field = TissueField(
        lateral=lateral,
        depth=depth,
        echo_db=ground.tissue_db.copy(),
        absorption=np.full(lateral.shape, 0.5, dtype=np.float32),
    )
    lean = float(np.sin(np.radians(plane.tilt_deg)))
    cuts = [
        part
        for item in structures
        if (part := item.shrunk(plane.offset_mm + item.depth_mm * lean)) is not None
    ]
    for part in cuts:
        paint(field, part)
    if ovary is not None:
        paint_ovary(field, ovary, plane, slice_mm=grid.probe.slice_mm)
    field.echo_db += ground.uneven_db
    amplitude = envelope(echo_power(field, grid), grid, ground.speckle)
    beams = grey(amplitude, grid, ground.speckle)
    pixels, sector = _scan_convert(beams, grid, viewport)
    truth = _truth(ovary, plane, viewport, sector, slice_mm=grid.probe.slice_mm)
    return PhantomSection(
        pixels=pixels,
        mm_per_pixel=viewport.mm_per_pixel,
        ovary_mask=truth[0],
        follicle_labels=truth[1],
        corpus_luteum_mask=truth[2],
        follicles=truth[3],
        lesion_mask=_lesion_mask(cuts, viewport, sector & ~truth[0]),
        sector_mask=sector,
        graphics_mask=np.zeros(sector.shape, dtype=np.bool_),
        clean_pixels=pixels,
        viewport=viewport,
    )


def _scan_convert(
    beams: FloatImage, grid: BeamGrid, viewport: Viewport
) -> tuple[RgbImage, BoolImage]:
    """Put beams onto pixels, smooth as a vendor would, black outside the sector."""
    beam, sample = grid.sample_of(*viewport.position_mm())
    sector = (beam >= 0) & (beam <= grid.n_beams - 1) & (sample >= 0) & (sample < grid.n_samples)
    picture = cv2.remap(beams, beam, sample, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shown = np.asarray(picture * 255, dtype=np.float32)
    strength = grid.probe.filter_strength
    if strength > 0:
        smooth = cv2.bilateralFilter(shown, 5, 60 * strength + 10, 1.6)
        shown = (1 - strength) * shown + strength * np.asarray(smooth, dtype=np.float32)
    level = np.where(sector, np.clip(shown + 0.5, 0, 255), 0).astype(np.uint8)
    return np.repeat(level[:, :, None], 3, axis=2), sector


def _truth(
    ovary: PhantomOvary | None,
    plane: Plane,
    viewport: Viewport,
    sector: BoolImage,
    *,
    slice_mm: float,
) -> tuple[BoolImage, LabelImage, BoolImage, tuple[SectionFollicle, ...]]:
    """Ovary mask, instance map, corpus luteum and the list of follicles, from the geometry."""
    nothing = np.zeros(sector.shape, dtype=np.bool_)
    if ovary is None:
        return nothing, nothing.astype(np.uint16), nothing, ()
    lateral, depth = viewport.position_mm()
    reach = max(ovary.semi_axes_mm) + ovary.slack_mm + 1.0
    box = window(lateral, depth, centre=_centre_seen(plane), reach_mm=reach)
    if box is None:
        return nothing, nothing.astype(np.uint16), nothing, ()
    lateral, depth = lateral[box], depth[box]
    steps = [
        cut(ovary, plane, lateral=lateral, depth=depth, out_mm=step * slice_mm)
        for step in SLICE_STEPS
    ]
    middle = steps[SLICE_STEPS.index(0.0)]
    inside = (middle.capsule_mm <= 0) & sector[box]
    labels = np.where((middle.follicle_mm <= 0) & inside, middle.label, 0).astype(np.uint16)
    body = (middle.body_mm <= 0) & inside & (labels == 0)
    fluid = np.zeros(labels.shape, dtype=np.float32)
    for weight, at in zip(SLICE_WEIGHTS, steps, strict=True):
        fluid += np.float32(weight) * (at.follicle_mm <= 0)
    whole_labels = nothing.astype(np.uint16)
    whole_labels[box] = labels
    return (
        _framed(nothing, box, inside),
        whole_labels,
        _framed(nothing, box, body),
        _follicles_seen(ovary, labels, fluid, viewport.mm_per_pixel),
    )


def _centre_seen(plane: Plane) -> tuple[float, float]:
    """Where the ovary's centre lies in the picture, mm, tilt included."""
    seen = plane.from_ovary(np.zeros((1, 3), dtype=np.float32))[0]
    return float(seen[0]), float(seen[1])


def _framed(nothing: BoolImage, box: tuple[slice, slice], part: BoolImage) -> BoolImage:
    """A part put back into an empty picture."""
    whole = nothing.copy()
    whole[box] = part
    return whole


def _follicles_seen(
    ovary: PhantomOvary, labels: LabelImage, fluid: FloatImage, mm_per_pixel: float
) -> tuple[SectionFollicle, ...]:
    """Truth of every follicle that has at least one pixel."""
    present = [int(label) for label in np.flatnonzero(np.bincount(labels.ravel())) if label > 0]
    return tuple(
        SectionFollicle(
            label=label,
            diameter_mm=mean_diameter_px(labels == label) * mm_per_pixel,
            true_diameter_mm=ovary.follicles[label - 1].diameter_mm,
            fluid_share=float(fluid[labels == label].mean()),
        )
        for label in present
    )


def mean_diameter_px(mask: BoolImage) -> float:
    """Mean of the two orthogonal diameters of a filled outline, pixels.

    Uses second moments, which give an ellipse's two diameters exactly.
    """
    rows, columns = np.nonzero(mask)
    if rows.size < 3:
        return float(np.sqrt(4 * rows.size / np.pi))
    spread = np.cov(np.stack([rows, columns]).astype(np.float64), bias=True)
    axes = np.sqrt(np.maximum(np.linalg.eigvalsh(spread), 0.0) + 1 / 12)
    return float(2 * axes.sum())


def _lesion_mask(cuts: list[Structure], viewport: Viewport, shown: BoolImage) -> BoolImage:
    """Pixels of what is shown that lie inside a mass."""
    mask = np.zeros(shown.shape, dtype=np.bool_)
    lateral, depth = viewport.position_mm()
    for part in cuts:
        if part.organ in LESIONS:
            mask |= outline_mm(part, lateral, depth) <= 0
    return mask & shown
