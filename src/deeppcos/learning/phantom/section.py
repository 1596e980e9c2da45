"""One picture of a phantom, with its truth pixel by pixel.

Owns the composition of a picture: tissue, organs and ovary, through the machine, onto pixels.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.phantom.acoustics import Speckle, echo_power, envelope, grey, unevenness_db
from deeppcos.learning.phantom.anatomy import PhantomOvary
from deeppcos.learning.phantom.organs import paint
from deeppcos.learning.phantom.pelvis import pelvic_tissue
from deeppcos.learning.phantom.probe import BeamGrid, FloatImage, Plane, ProbeSettings, Viewport
from deeppcos.learning.phantom.surroundings import (
    LESIONS,
    Structure,
    outline_mm,
)
from deeppcos.learning.phantom.tissue import TissueField, paint_ovary
from deeppcos.learning.phantom.truth import (
    BoolImage,
    LabelImage,
    SectionFollicle,
    section_truth,
)

RgbImage = npt.NDArray[np.uint8]


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

    def visible(
        self,
        *,
        minimum_fluid: float = 0.6,
        minimum_mm: float = 1.8,
        minimum_contrast: float = 0.3,
    ) -> "PhantomSection":
        """The same section without the follicles no reader could see.

        Args:
            minimum_fluid: Smallest share of fluid through the slice kept, 0 to 1; 0.6 leaves a
                follicle 4 dB darker than its surroundings.
            minimum_mm: Smallest diameter in the section kept, mm.
            minimum_contrast: Smallest contrast with the stroma around, as drawn, kept; 0 to 1.

        Returns:
            A section whose instance map and list hold only the rest.
        """
        kept = tuple(
            follicle
            for follicle in self.follicles
            if follicle.fluid_share >= minimum_fluid
            and follicle.diameter_mm >= minimum_mm
            and follicle.contrast >= minimum_contrast
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
    truth = section_truth(
        ovary, plane, viewport, sector, slice_mm=grid.probe.slice_mm, grey=pixels[:, :, 0]
    )
    return PhantomSection(
        pixels=pixels,
        mm_per_pixel=viewport.mm_per_pixel,
        ovary_mask=truth.ovary_mask,
        follicle_labels=truth.follicle_labels,
        corpus_luteum_mask=truth.corpus_luteum_mask,
        follicles=truth.follicles,
        lesion_mask=_lesion_mask(cuts, viewport, sector & ~truth.ovary_mask),
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


def _lesion_mask(cuts: list[Structure], viewport: Viewport, shown: BoolImage) -> BoolImage:
    """Pixels of what is shown that lie inside a mass."""
    mask = np.zeros(shown.shape, dtype=np.bool_)
    lateral, depth = viewport.position_mm()
    for part in cuts:
        if part.organ in LESIONS:
            mask |= outline_mm(part, lateral, depth) <= 0
    return mask & shown
