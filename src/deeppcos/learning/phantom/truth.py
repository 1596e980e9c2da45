"""What is true of a section, pixel by pixel and follicle by follicle.

Owns reading masks, labels and diameters from the geometry that the picture was drawn from.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deeppcos.learning.phantom.anatomy import PhantomOvary
from deeppcos.learning.phantom.probe import FloatImage, Plane, Viewport
from deeppcos.learning.phantom.tissue import (
    SLICE_STEPS,
    SLICE_WEIGHTS,
    OvarySection,
    cut_slice,
    window,
)

BoolImage = npt.NDArray[np.bool_]
LabelImage = npt.NDArray[np.uint16]
GreyImage = npt.NDArray[np.uint8]

RING_MM = 1.5
"""Width of the ring of ovary with which a follicle's grey is compared, mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionFollicle:
    """What is true of one follicle in one section.

    Attributes:
        label: Its value in the instance map: its place in ``PhantomOvary.follicles`` plus 1.
        diameter_mm: Mean of the two orthogonal diameters of its outline here, mm.
        true_diameter_mm: Mean of its three diameters in the whole ovary, mm.
        fluid_share: Share of fluid through the slice within its outline, 0 to 1: how dark a
            perfect machine could show it. A grazed follicle has a low share.
        contrast: How much darker it came out than the ovary within 1.5 mm around it, as a share
            of that grey level: 1 is black, 0 is no difference.
    """

    label: int
    diameter_mm: float
    true_diameter_mm: float
    fluid_share: float
    contrast: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionTruth:
    """Masks and follicles of one section.

    Attributes:
        ovary_mask: ``(H, W) bool``.
        follicle_labels: ``(H, W) uint16``.
        corpus_luteum_mask: ``(H, W) bool``.
        follicles: Each follicle with at least one pixel.
    """

    ovary_mask: BoolImage
    follicle_labels: LabelImage
    corpus_luteum_mask: BoolImage
    follicles: tuple[SectionFollicle, ...] = ()


def section_truth(
    ovary: PhantomOvary | None,
    plane: Plane,
    viewport: Viewport,
    sector: BoolImage,
    *,
    slice_mm: float,
    grey: GreyImage,
) -> SectionTruth:
    """Read the truth of a section from its geometry.

    Args:
        ovary: The ovary, or None.
        plane: The section.
        viewport: The picture.
        sector: ``(H, W) bool``: where the machine shows echoes; nothing is true outside.
        slice_mm: Thickness of the section, mm.
        grey: ``(H, W) uint8``: the picture, for contrasts only.

    Returns:
        Masks and follicles; empty where there is no ovary.
    """
    shape = sector.shape
    empty = SectionTruth(
        ovary_mask=np.zeros(shape, dtype=np.bool_),
        follicle_labels=np.zeros(shape, dtype=np.uint16),
        corpus_luteum_mask=np.zeros(shape, dtype=np.bool_),
    )
    if ovary is None:
        return empty
    lateral, depth = viewport.position_mm()
    reach = max(ovary.semi_axes_mm) + ovary.slack_mm + 1.0
    seen = plane.from_ovary(np.zeros((1, 3), dtype=np.float32))[0]
    box = window(lateral, depth, centre=(float(seen[0]), float(seen[1])), reach_mm=reach)
    if box is None:
        return empty
    steps = cut_slice(ovary, plane, lateral=lateral[box], depth=depth[box], slice_mm=slice_mm)
    middle = steps[SLICE_STEPS.index(0.0)]
    inside = (middle.capsule_mm <= 0) & sector[box]
    labels = np.where((middle.follicle_mm <= 0) & inside, middle.label, 0).astype(np.uint16)
    empty.ovary_mask[box] = inside
    empty.follicle_labels[box] = labels
    empty.corpus_luteum_mask[box] = (middle.body_mm <= 0) & inside & (labels == 0)
    return SectionTruth(
        ovary_mask=empty.ovary_mask,
        follicle_labels=empty.follicle_labels,
        corpus_luteum_mask=empty.corpus_luteum_mask,
        follicles=_follicles(
            ovary, labels, _fluid_share(steps), inside, grey[box], viewport.mm_per_pixel
        ),
    )


def _fluid_share(steps: tuple[OvarySection, ...]) -> FloatImage:
    """Share of fluid through the slice at every pixel."""
    share = np.zeros(steps[0].label.shape, dtype=np.float32)
    for weight, at in zip(SLICE_WEIGHTS, steps, strict=True):
        share += np.float32(weight) * (at.follicle_mm <= 0)
    return share


def _follicles(
    ovary: PhantomOvary,
    labels: LabelImage,
    fluid: FloatImage,
    inside: BoolImage,
    grey: GreyImage,
    mm_per_pixel: float,
) -> tuple[SectionFollicle, ...]:
    """Truth of every follicle that has at least one pixel."""
    stroma = inside & (labels == 0)
    found = []
    for label in np.flatnonzero(np.bincount(labels.ravel())):
        if label == 0:
            continue
        mask = labels == label
        found.append(
            SectionFollicle(
                label=int(label),
                diameter_mm=mean_diameter_px(mask) * mm_per_pixel,
                true_diameter_mm=ovary.follicles[int(label) - 1].diameter_mm,
                fluid_share=float(fluid[mask].mean()),
                contrast=_contrast(mask, stroma, grey, ring_px=RING_MM / mm_per_pixel),
            )
        )
    return tuple(found)


def _contrast(mask: BoolImage, stroma: BoolImage, grey: GreyImage, *, ring_px: float) -> float:
    """How much darker the masked pixels are than the stroma in a ring around them."""
    rows, columns = np.nonzero(mask)
    margin = int(np.ceil(ring_px)) + 1
    part = (
        slice(max(0, int(rows.min()) - margin), int(rows.max()) + margin + 1),
        slice(max(0, int(columns.min()) - margin), int(columns.max()) + margin + 1),
    )
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin - 1, 2 * margin - 1))
    grown = cv2.dilate(mask[part].astype(np.uint8), kernel) > 0
    ring = grey[part][grown & stroma[part]]
    around = (
        float(ring.mean()) if ring.size else float(grey[stroma].mean()) if stroma.any() else 0.0
    )
    return 1 - float(grey[mask].mean()) / around if around > 0 else 0.0


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
