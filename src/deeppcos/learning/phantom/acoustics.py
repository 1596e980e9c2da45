"""From tissue to grey values along beams: the machine itself.

Owns attenuation, walls, haze, speckle, noise, gain and log compression. The picture's shape
is the business of ``section``; the tissue map comes from ``tissue`` and ``surroundings``.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from deeppcos.learning.phantom.probe import BeamGrid, FloatImage, ProbeSettings
from deeppcos.learning.phantom.texture import blurred, smooth_noise
from deeppcos.learning.phantom.tissue import TISSUE_ABSORPTION, TissueField

SOUND_MM_PER_US = 1.54
MID_GREY = 0.42
BLUR_LEVELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Speckle:
    """White complex noise standing for the scatterers, one field a look.

    Attributes:
        fields: ``(looks, 2, n_samples, n_beams) float32``, real and imaginary, unit variance.
        electronic: ``(2, n_samples, n_beams) float32``.
    """

    fields: FloatImage
    electronic: FloatImage

    @classmethod
    def draw(cls, grid: BeamGrid, rng: np.random.Generator) -> "Speckle":
        """Fresh scatterers."""
        shape = (grid.n_samples, grid.n_beams)
        return cls(
            fields=rng.standard_normal((grid.probe.looks, 2, *shape), dtype=np.float32),
            electronic=rng.standard_normal((2, *shape), dtype=np.float32),
        )

    def moved(self, share: float, grid: BeamGrid, rng: np.random.Generator) -> "Speckle":
        """Scatterers after the probe moved: ``share`` (0 to 1) of the field is kept."""
        fresh = Speckle.draw(grid, rng)
        kept, new = np.float32(share), np.float32(np.sqrt(1 - share**2))
        return Speckle(fields=kept * self.fields + new * fresh.fields, electronic=fresh.electronic)


def transmission_db(field: TissueField, grid: BeamGrid) -> FloatImage:
    """Two-way gain or loss against uniform soft tissue, which the machine's TGC corrects for.

    Positive behind fluid (posterior enhancement), negative behind gas and at the edges of
    round fluid spaces (refraction).

    Returns:
        ``(n_samples, n_beams) float32``, dB.
    """
    excess = field.absorption - np.float32(TISSUE_ABSORPTION)
    beam_mm = grid.beam_spacing_mm()[:, None]
    sideways = np.abs(np.gradient(field.absorption, axis=1)) / beam_mm
    edge = np.clip(sideways - np.float32(0.12), 0, 0.5) * np.float32(1.3)
    step_cm = np.float32(grid.sample_mm / 10)
    loss = np.cumsum(excess + edge, axis=0) * np.float32(2 * grid.probe.frequency_mhz) * step_cm
    # A machine's own adaptive gain holds back what physics would give behind large cysts.
    gain = np.float32(9.0) * np.tanh(-np.minimum(loss, 0) / np.float32(9.0))
    return blurred((gain - np.maximum(loss, 0)).astype(np.float32), across=1.2, along=0)


def echo_power(field: TissueField, grid: BeamGrid) -> FloatImage:
    """Mean echo power of every sample before speckle: tissue, walls, attenuation and haze.

    Returns:
        ``(n_samples, n_beams) float32``; 1 is pelvic tissue.
    """
    probe = grid.probe
    power = _with_walls(field.echo_db) * 10 ** (transmission_db(field, grid) / 10)
    return (power + _haze(power.astype(np.float32), grid)).astype(np.float32) * _penetration(
        probe, grid
    )


def envelope(power: FloatImage, grid: BeamGrid, speckle: Speckle) -> FloatImage:
    """Detected amplitude: speckle through the point spread function, compounded.

    With one look and uniform power this is Rayleigh distributed with mean square 1.

    Returns:
        ``(n_samples, n_beams) float32``.
    """
    amplitude = np.sqrt(power / 2)
    total = np.zeros_like(power)
    for real, imaginary in speckle.fields:
        first, second = (
            _point_spread(np.asarray(part * amplitude, dtype=np.float32), grid)
            for part in (real, imaginary)
        )
        total += first**2 + second**2
    return np.sqrt(total / len(speckle.fields)).astype(np.float32)


def grey(amplitude: FloatImage, grid: BeamGrid, speckle: Speckle) -> FloatImage:
    """Noise, rings at the probe, gain and log compression.

    Returns:
        ``(n_samples, n_beams) float32`` in [0, 1].
    """
    probe = grid.probe
    depth_cm = grid.range_mm[:, None] / 10
    floor_db = probe.noise_db + 1.6 * (depth_cm - probe.depth_mm / 10)
    noise = blurred(speckle.electronic[0], across=0.5, along=0.6) ** 2
    noise = noise + blurred(speckle.electronic[1], across=0.5, along=0.6) ** 2
    power = amplitude**2 + noise * 10 ** (floor_db / 10) + _rings(grid, speckle)
    level = 10 * np.log10(power + 1e-7) + probe.gain_db + _tgc(probe, grid)[:, None]
    value = np.clip(level / probe.dynamic_range_db + MID_GREY, 0, 1)
    return np.asarray(value**probe.grey_curve, dtype=np.float32)


def _with_walls(echo_db: FloatImage) -> FloatImage:
    """Add specular echoes where the level steps along the beam: lateral walls get none."""
    step = cv2.Sobel(echo_db, cv2.CV_32F, 0, 1, ksize=3) / 8
    bright = cv2.dilate(echo_db, np.ones((5, 1), np.uint8))
    strength = np.clip(np.abs(step) / 4.0, 0, 1.5) ** 2
    return np.asarray(10 ** (echo_db / 10) + 3.0 * strength * 10 ** (bright / 10), np.float32)


def _haze(power: FloatImage, grid: BeamGrid) -> FloatImage:
    """Side lobes (sideways) and reverberation (downwards) that fill fluid with grey."""
    shrunk = cv2.resize(power, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    small: FloatImage = np.minimum(shrunk, 8.0).astype(np.float32)
    sideways = blurred(small, across=7, along=0.8)
    long_mm = 4 * grid.sample_mm
    trail = blurred(small, across=1.2, along=2.5 / long_mm)
    trail = np.roll(trail, int(2.5 / long_mm), axis=0)
    near = np.exp(-np.arange(small.shape[0]) * long_mm / 7.0)[:, None].astype(np.float32)
    haze = 0.5 * sideways + trail + 1.2 * near
    full = cv2.resize(np.asarray(haze, np.float32), power.shape[::-1])
    return np.asarray(full, np.float32) * np.float32(10 ** (grid.probe.haze_db / 10))


def _penetration(probe: ProbeSettings, grid: BeamGrid) -> FloatImage:
    """Loss of signal with depth that the TGC does not make up, as a power factor."""
    far = np.clip(grid.range_mm / probe.depth_mm - 0.35, 0, 1)
    return np.asarray(10 ** (-far * 0.11 * probe.frequency_mhz)[:, None], dtype=np.float32)


def _point_spread(part: FloatImage, grid: BeamGrid) -> FloatImage:
    """Blur by the pulse along the beam and by a width that changes with depth across it.

    Scaled so that white noise of unit variance keeps unit variance.
    """
    probe = grid.probe
    wavelength = SOUND_MM_PER_US / probe.frequency_mhz
    along = max(0.6, 0.55 * wavelength / grid.sample_mm)
    focus_width = 1.15 * probe.beam_width * wavelength
    away = np.abs(grid.range_mm - probe.focus_mm) / max(probe.focus_mm, 15.0)
    width_mm = focus_width * np.sqrt(1 + (0.9 * away) ** 2)
    sigma = np.clip(width_mm / grid.beam_spacing_mm(), 0.6, 12.0)
    levels = np.geomspace(sigma.min(), sigma.max() + 1e-3, BLUR_LEVELS)
    at = np.interp(sigma, levels, np.arange(BLUR_LEVELS))
    axial = blurred(part, across=0, along=along)
    blended = np.zeros_like(part)
    energy = np.zeros(part.shape[0], dtype=np.float32)
    shares = [np.clip(1 - np.abs(at - index), 0, 1) for index in range(BLUR_LEVELS)]
    for index, level in enumerate(levels):
        rows = np.flatnonzero(shares[index] > 0)
        if rows.size == 0:
            continue
        band = slice(int(rows[0]), int(rows[-1]) + 1)
        wide = blurred(np.ascontiguousarray(axial[band]), across=float(level), along=0)
        blended[band] += wide * shares[index][band, None].astype(np.float32)
        for other, other_level in enumerate(levels):
            overlap = 1 / np.sqrt(2 * np.pi * (level**2 + other_level**2))
            energy += (shares[index] * shares[other] * overlap).astype(np.float32)
    axial_energy = 1 / (2 * np.sqrt(np.pi) * along)
    return np.asarray(blended / np.sqrt(energy * axial_energy)[:, None], dtype=np.float32)


def _rings(grid: BeamGrid, speckle: Speckle) -> FloatImage:
    """Bright arcs just below the probe face, power."""
    reach = grid.range_mm
    spacing = 0.8 + 3.0 / grid.probe.frequency_mhz
    comb = 0.5 + 0.5 * np.cos(2 * np.pi * reach / spacing)
    level = np.exp(-reach / (0.8 * spacing)) * comb**2
    rng = np.random.default_rng(abs(int(speckle.electronic[0, 0, 0] * 1e6)))
    uneven = np.exp(0.35 * rng.standard_normal(grid.n_beams // 16 + 2)).astype(np.float32)
    along_face = cv2.resize(uneven[None, :], (grid.n_beams, 1), interpolation=cv2.INTER_CUBIC)
    strength = np.float32(10 ** (grid.probe.ring_down_db / 10))
    return np.asarray(strength * level[:, None] * np.asarray(along_face), dtype=np.float32)


def _tgc(probe: ProbeSettings, grid: BeamGrid) -> FloatImage:
    """Gain error at every sample, dB."""
    at = np.linspace(0, probe.depth_mm, len(probe.tgc_db))
    return np.interp(grid.range_mm, at, probe.tgc_db).astype(np.float32)


def unevenness_db(grid: BeamGrid, rng: np.random.Generator) -> FloatImage:
    """Slow changes of sensitivity across beams (contact, overlying fat), dB."""
    lateral, depth = grid.position_mm
    return 2.0 * smooth_noise(rng, lateral, depth, cell_across_mm=25.0, cell_along_mm=60.0)
