"""The virtual ultrasound machine: probe, settings, where the picture lies, where it cuts.

Owns geometry only: polar beams, picture pixels and the plane through the ovary, all in mm.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from deeppcos.errors import InvalidInput

FloatImage = npt.NDArray[np.float32]


class Route(StrEnum):
    """How the ovary is approached."""

    TRANSVAGINAL = "transvaginal"
    TRANSABDOMINAL = "transabdominal"
    TRANSRECTAL = "transrectal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """Probe and machine settings.

    Attributes:
        route: Approach.
        depth_mm: Depth shown below the probe face, mm.
        frequency_mhz: Centre frequency, MHz.
        radius_mm: Curvature of the probe face, mm; a linear array is a very large radius.
        angle_deg: Opening angle, degrees.
        focus_mm: Depth of the lateral focus, mm.
        beam_width: Lateral blur against a well-focused full aperture; 1 is sharpest.
        slice_mm: Thickness of the section at the focus (full width at half maximum), mm.
        gain_db: Overall gain, dB; 0 shows pelvic tissue mid-grey.
        dynamic_range_db: Range compressed into 256 greys, dB.
        tgc_db: Gain error at equal steps of depth from near to far, dB.
        haze_db: Reverberation and side-lobe haze against its cause, dB.
        ring_down_db: Brightness of the rings at the probe face, dB.
        noise_db: Electronic noise at full depth against tissue, dB.
        looks: Views averaged by compounding; 1 leaves fully developed speckle.
        filter_strength: Vendor-like speckle filter, 0 (off) to 1.
        grey_curve: Exponent of the grey map; above 1 darkens the dark parts.
    """

    route: Route = Route.TRANSVAGINAL
    depth_mm: float = 60.0
    frequency_mhz: float = 6.5
    radius_mm: float = 11.0
    angle_deg: float = 130.0
    focus_mm: float = 30.0
    beam_width: float = 1.4
    slice_mm: float = 1.6
    gain_db: float = 0.0
    dynamic_range_db: float = 50.0
    tgc_db: tuple[float, ...] = (0.0, 0.0, 0.0)
    haze_db: float = -20.0
    ring_down_db: float = 15.0
    noise_db: float = -24.0
    looks: int = 2
    filter_strength: float = 0.4
    grey_curve: float = 1.1

    def __post_init__(self) -> None:
        limits = (
            ("depth_mm", self.depth_mm, 10.0, 300.0),
            ("frequency_mhz", self.frequency_mhz, 1.0, 20.0),
            ("angle_deg", self.angle_deg, 0.5, 200.0),
            ("radius_mm", self.radius_mm, 3.0, 10_000.0),
            ("dynamic_range_db", self.dynamic_range_db, 30.0, 120.0),
        )
        for name, value, low, high in limits:
            if not low <= value <= high:
                raise InvalidInput(
                    f"probe setting {name} out of range",
                    value=str(value),
                    accepted=f"{low} to {high}",
                )

    @property
    def half_angle(self) -> float:
        """Half the opening angle, radians."""
        return math.radians(self.angle_deg) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewport:
    """The picture: pixel size and where the probe face's middle lies in it.

    Attributes:
        width_px: Picture width.
        height_px: Picture height.
        mm_per_pixel: Pixel size along both axes, mm.
        probe_x_px: Column of the probe face's middle; may lie outside.
        probe_y_px: Row of the probe face's middle; negative for a zoomed crop.
    """

    width_px: int = 640
    height_px: int = 480
    mm_per_pixel: float = 0.14
    probe_x_px: float = 320.0
    probe_y_px: float = 40.0

    def position_mm(self) -> tuple[FloatImage, FloatImage]:
        """Lateral position and depth of every pixel's centre, each ``(H, W) float32``, mm."""
        x = (np.arange(self.width_px, dtype=np.float32) - self.probe_x_px) * self.mm_per_pixel
        y = (np.arange(self.height_px, dtype=np.float32) - self.probe_y_px) * self.mm_per_pixel
        lateral, depth = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
        return lateral, depth

    def to_pixel(self, lateral_mm: float, depth_mm: float) -> tuple[float, float]:
        """Column and row of a point given in mm from the probe face's middle."""
        return (
            self.probe_x_px + lateral_mm / self.mm_per_pixel,
            self.probe_y_px + depth_mm / self.mm_per_pixel,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Where the section cuts the ovary, and where the ovary lies in the picture.

    Attributes:
        lateral_mm: Ovary centre to the right of the probe axis, mm.
        depth_mm: Ovary centre below the probe face, mm.
        offset_mm: Distance of the section from the ovary centre, out of plane, mm.
        tilt_deg: Fan tilt of the probe about its own face, degrees.
        turn_deg: 0 shows length by width; 90 shows thickness by width (a transverse section).
        pitch_deg: Leans the ovary's length out of the horizontal of the thickness, degrees.
        roll_deg: Turns the ovary within the picture, degrees.
    """

    lateral_mm: float = 0.0
    depth_mm: float = 30.0
    offset_mm: float = 0.0
    tilt_deg: float = 0.0
    turn_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def rotation(self) -> npt.NDArray[np.float32]:
        """Matrix from picture axes (lateral, depth, out of plane) to ovary axes."""
        return np.asarray(
            _about(1, self.turn_deg) @ _about(0, self.pitch_deg) @ _about(2, -self.roll_deg),
            dtype=np.float32,
        )

    def to_ovary(self, lateral: FloatImage, depth: FloatImage, out_mm: float) -> FloatImage:
        """Ovary coordinates of picture points.

        Args:
            lateral: Lateral positions, any shape, mm.
            depth: Depths, same shape, mm.
            out_mm: Distance from the section plane, mm.

        Returns:
            ``(..., 3) float32``, mm.
        """
        tilt = math.radians(self.tilt_deg)
        deep = depth * np.float32(math.cos(tilt)) - np.float32(out_mm * math.sin(tilt))
        out = depth * np.float32(math.sin(tilt)) + np.float32(out_mm * math.cos(tilt))
        points = np.stack(
            [lateral - self.lateral_mm, deep - self.depth_mm, out + self.offset_mm], axis=-1
        ).astype(np.float32)
        return np.asarray(points @ self.rotation().T, dtype=np.float32)

    def from_ovary(self, points: FloatImage) -> FloatImage:
        """Undo ``to_ovary``: picture coordinates (lateral, depth, out of plane) of points.

        Args:
            points: ``(..., 3) float32`` ovary coordinates, mm.

        Returns:
            ``(..., 3) float32``, mm.
        """
        seen = points @ self.rotation()
        lateral = seen[..., 0] + self.lateral_mm
        deep, out = seen[..., 1] + self.depth_mm, seen[..., 2] - self.offset_mm
        tilt = math.radians(self.tilt_deg)
        depth = deep * math.cos(tilt) + out * math.sin(tilt)
        across = out * math.cos(tilt) - deep * math.sin(tilt)
        return np.stack([lateral, depth, across], axis=-1).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class BeamGrid:
    """Samples along beams: row is depth along the beam, column is the beam.

    Attributes:
        probe: The probe.
        n_samples: Samples along a beam.
        n_beams: Beams.
    """

    probe: ProbeSettings
    n_samples: int = 560
    n_beams: int = 300

    @property
    def sample_mm(self) -> float:
        """Distance between samples, mm."""
        return self.probe.depth_mm / self.n_samples

    @property
    def beam_angle(self) -> float:
        """Angle between beams, radians."""
        return 2 * self.probe.half_angle / (self.n_beams - 1)

    @cached_property
    def range_mm(self) -> FloatImage:
        """Distance of each row from the probe face, ``(n_samples,) float32``, mm."""
        return ((np.arange(self.n_samples) + 0.5) * self.sample_mm).astype(np.float32)

    @cached_property
    def position_mm(self) -> tuple[FloatImage, FloatImage]:
        """Lateral position and depth of every sample, each ``(n_samples, n_beams)``, mm."""
        angle = np.linspace(-self.probe.half_angle, self.probe.half_angle, self.n_beams)
        radius = self.range_mm[:, None] + self.probe.radius_mm
        lateral = radius * np.sin(angle)[None, :]
        depth = radius * np.cos(angle)[None, :] - self.probe.radius_mm
        return lateral.astype(np.float32), depth.astype(np.float32)

    def beam_spacing_mm(self) -> FloatImage:
        """Distance between neighbouring beams at each row, ``(n_samples,) float32``, mm."""
        return np.asarray((self.range_mm + self.probe.radius_mm) * self.beam_angle, np.float32)

    def sample_of(self, lateral: FloatImage, depth: FloatImage) -> tuple[FloatImage, FloatImage]:
        """Fractional beam and sample under picture points given in mm."""
        below = depth + np.float32(self.probe.radius_mm)
        reach = np.hypot(lateral, below) - np.float32(self.probe.radius_mm)
        angle = np.arctan2(lateral, below)
        beam = (angle + np.float32(self.probe.half_angle)) / np.float32(self.beam_angle)
        return beam.astype(np.float32), (reach / self.sample_mm - 0.5).astype(np.float32)


def _about(axis: int, degrees: float) -> npt.NDArray[np.float64]:
    """Rotation matrix about one axis."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    first, second = [index for index in range(3) if index != axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = c
    matrix[first, second], matrix[second, first] = -s, s
    return matrix
