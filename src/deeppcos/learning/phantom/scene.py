"""Scenes for training: ovaries, and what is not one, on machines of many tempers.

Owns domain randomisation. Every range below is a guess at how widely real pictures differ,
set by looking at public ones; none is a measured distribution.
"""

from dataclasses import dataclass, replace

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning.phantom.anatomy import PhantomOvary
from deeppcos.learning.phantom.finish import finish
from deeppcos.learning.phantom.growth import Layout, random_ovary
from deeppcos.learning.phantom.probe import Plane, ProbeSettings, Route, Viewport
from deeppcos.learning.phantom.section import (
    PhantomSection,
    draw_section,
    fitting_viewport,
)
from deeppcos.learning.phantom.surroundings import LESIONS, Organ, Structure

SIZES = ((640, 480), (640, 480), (560, 560), (512, 400), (480, 620), (720, 540))


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneMix:
    """How often each kind of scene is drawn.

    Attributes:
        without_ovary: Share of scenes with uterus, bowel or bladder and no ovary.
        close_up: Share of ovary scenes that are tight crops.
        lesion: Share of scenes with a mass.
        graphics: Share of scenes with burned-in graphics.
    """

    without_ovary: float = 0.18
    close_up: float = 0.35
    lesion: float = 0.12
    graphics: float = 0.5


def random_scene(rng: np.random.Generator, *, mix: SceneMix | None = None) -> PhantomSection:
    """Draw one scene, widely randomised, holding only follicles a reader could see.

    Args:
        rng: Source of all chance: the same state draws the same scene.
        mix: How often each kind of scene is drawn.

    Returns:
        The picture and its truth.
    """
    mix = mix or SceneMix()
    if rng.random() < mix.without_ovary:
        section = _scene_without_ovary(rng, mix)
    else:
        section = _scene_with_ovary(rng, mix)
    return finish(section.visible(), rng, with_graphics=rng.random() < mix.graphics)


def random_probe(
    rng: np.random.Generator, *, route: Route, depth_mm: float, angle_deg: float
) -> ProbeSettings:
    """A machine of random temper.

    Args:
        rng: Source of chance.
        route: Approach; sets curvature and frequency.
        depth_mm: Depth shown, mm.
        angle_deg: Opening angle, degrees.

    Returns:
        The settings.
    """
    abdominal = route is Route.TRANSABDOMINAL
    return ProbeSettings(
        route=route,
        depth_mm=depth_mm,
        angle_deg=angle_deg,
        frequency_mhz=float(rng.uniform(3.0, 5.0) if abdominal else rng.uniform(5.0, 9.0)),
        radius_mm=float(rng.uniform(40, 62) if abdominal else rng.uniform(8.5, 14)),
        focus_mm=float(rng.uniform(0.3, 0.8) * depth_mm),
        beam_width=float(rng.uniform(0.9, 2.6)),
        slice_mm=float(rng.uniform(2.5, 4.5) if abdominal else rng.uniform(1.0, 2.4)),
        gain_db=float(rng.normal(1.0, 3.5)),
        dynamic_range_db=float(rng.uniform(38, 58)),
        tgc_db=tuple(float(step) for step in rng.normal(0, 2.2, 4)),
        haze_db=float(rng.uniform(-30, -14)),
        ring_down_db=float(rng.uniform(4, 20)),
        noise_db=float(rng.uniform(-36, -15)),
        looks=int(rng.choice((1, 2, 3), p=(0.45, 0.4, 0.15))),
        filter_strength=float(rng.uniform(0, 0.8)),
        grey_curve=float(rng.uniform(0.9, 1.5)),
    )


def scene_ovary(rng: np.random.Generator) -> PhantomOvary:
    """An ovary of any kind: few follicles, many, very many, dominant, corpus luteum."""
    volume = float(np.clip(rng.lognormal(np.log(8.5), 0.45), 2.5, 25))
    kind = rng.choice(4, p=[0.06, 0.24, 0.47, 0.23])
    low, high = ((0, 5), (5, 14), (14, 30), (30, 51))[kind]
    count = int(rng.integers(low, high))
    if kind == 3:
        volume = max(volume, 8.0)
    # Follicles may fill a bit over a third of an ovary; many must therefore be smaller.
    share_mm3 = 0.40 * volume * 1000 / max(count, 1)
    largest = float(np.clip((share_mm3 * 6 / np.pi) ** (1 / 3) * 1.9, 4.0, rng.uniform(5.5, 12)))
    for _ in range(12):
        try:
            return random_ovary(
                rng,
                follicle_count=count,
                volume_ml=volume,
                layout=Layout.PERIPHERAL if rng.random() < 0.6 else Layout.SCATTERED,
                diameters_mm=(float(rng.uniform(1.6, 3.0)), largest),
                dominant_mm=float(rng.uniform(10, 22)) if rng.random() < 0.13 else None,
                corpus_luteum=bool(rng.random() < 0.1),
            )
        except InvalidInput:
            largest, volume = max(3.0, 0.85 * largest), 1.1 * volume
    return random_ovary(rng, follicle_count=6, volume_ml=10.0)


def random_structures(
    rng: np.random.Generator, *, depth_mm: float, half_width_mm: float, organs: tuple[Organ, ...]
) -> tuple[Structure, ...]:
    """Organs strewn over the picture."""
    sizes = {
        Organ.UTERUS: ((40, 75), (22, 42)),
        Organ.BOWEL: ((15, 40), (10, 24)),
        Organ.BLADDER: ((35, 80), (15, 45)),
        Organ.VESSEL: ((8, 35), (1.8, 5.5)),
        Organ.FASCIA: ((15, 60), (0.6, 1.4)),
        Organ.FREE_FLUID: ((12, 35), (6, 14)),
    }
    return tuple(
        Structure(
            organ=organ,
            lateral_mm=float(rng.uniform(-half_width_mm, half_width_mm)),
            depth_mm=float(rng.uniform(0.1, 0.95) * depth_mm),
            length_mm=float(rng.uniform(*sizes.get(organ, ((18, 55), (15, 45)))[0])),
            width_mm=float(rng.uniform(*sizes.get(organ, ((18, 55), (15, 45)))[1])),
            angle_deg=float(rng.uniform(-70, 70)),
            seed=int(rng.integers(2**31)),
        )
        for organ in organs
    )


def _scene_with_ovary(rng: np.random.Generator, mix: SceneMix) -> PhantomSection:
    """An ovary with its neighbours, whole sector or tight crop."""
    ovary = scene_ovary(rng)
    longest = max(ovary.semi_axes_mm)
    abdominal = rng.random() < 0.14
    top = float(rng.uniform(25, 60) if abdominal else rng.uniform(4, 22))
    plane = Plane(
        lateral_mm=float(rng.normal(0, 9)),
        depth_mm=top + 0.8 * longest,
        offset_mm=float(rng.uniform(-0.45, 0.45) * min(ovary.semi_axes_mm)),
        turn_deg=float(rng.uniform(0, 180)),
        pitch_deg=float(rng.normal(0, 25)),
        roll_deg=float(rng.uniform(-70, 70)),
    )
    route = Route.TRANSABDOMINAL if abdominal else Route.TRANSVAGINAL
    close_up = rng.random() < mix.close_up
    room = float(rng.uniform(4, 18) if close_up else rng.uniform(15, 45))
    depth = plane.depth_mm + longest + room
    angle = float(rng.uniform(60, 75) if abdominal else rng.uniform(105, 165))
    probe = random_probe(rng, route=route, depth_mm=depth, angle_deg=angle)
    organs = _neighbours(rng, lesion=rng.random() < mix.lesion)
    structures = random_structures(rng, depth_mm=depth, half_width_mm=38, organs=organs)
    if abdominal:
        structures = (*structures, _bladder_above(rng, top))
    if close_up:
        probe = replace(probe, angle_deg=min(angle, 95.0))
        viewport = _crop(rng, plane, longest)
    else:
        viewport = _whole_picture(rng, probe)
    return draw_section(
        ovary, probe, plane=plane, rng=rng, viewport=viewport, structures=structures
    )


def _scene_without_ovary(rng: np.random.Generator, mix: SceneMix) -> PhantomSection:
    """Uterus, bowel, bladder or bare tissue: what must not be called an ovary."""
    depth = float(rng.uniform(40, 95))
    probe = random_probe(
        rng, route=Route.TRANSVAGINAL, depth_mm=depth, angle_deg=float(rng.uniform(105, 165))
    )
    kind = rng.choice(5, p=[0.4, 0.2, 0.12, 0.16, 0.12])
    organs = (
        (),
        (Organ.BOWEL,) * int(rng.integers(3, 7)),
        (Organ.BLADDER,),
        (LESIONS[int(rng.integers(len(LESIONS)))],),
        (Organ.VESSEL,) * int(rng.integers(2, 6)),
    )[kind]
    extra = _neighbours(rng, lesion=False)
    if kind == 0:
        extra = tuple(organ for organ in extra if organ is not Organ.UTERUS)
    structures = random_structures(
        rng, depth_mm=0.8 * depth, half_width_mm=25, organs=(*extra, *organs)
    )
    if kind == 0:
        structures = (*structures, sagittal_uterus(rng, depth_mm=depth))
    viewport = _whole_picture(rng, probe)
    return draw_section(
        None, probe, plane=Plane(), rng=rng, viewport=viewport, structures=structures
    )


def sagittal_uterus(rng: np.random.Generator, *, depth_mm: float) -> Structure:
    """A uterus lengthwise, filling the picture."""
    width = float(rng.uniform(0.45, 0.75) * depth_mm)
    return Structure(
        organ=Organ.UTERUS,
        lateral_mm=float(rng.normal(0, 8)),
        depth_mm=float(rng.uniform(0.45, 0.55) * depth_mm),
        length_mm=float(width * rng.uniform(1.5, 2.4)),
        width_mm=width,
        angle_deg=float(rng.normal(0, 22)),
        seed=int(rng.integers(2**31)),
    )


def _neighbours(rng: np.random.Generator, *, lesion: bool) -> tuple[Organ, ...]:
    """Which organs lie around."""
    pool = (Organ.FASCIA, Organ.VESSEL, Organ.BOWEL, Organ.UTERUS, Organ.FREE_FLUID)
    drawn = rng.choice(len(pool), size=int(rng.integers(1, 7)), p=[0.36, 0.28, 0.2, 0.09, 0.07])
    masses = (LESIONS[int(rng.integers(len(LESIONS)))],) if lesion else ()
    return (*(pool[int(index)] for index in drawn), *masses)


def _bladder_above(rng: np.random.Generator, top_mm: float) -> Structure:
    """A filled bladder between the abdominal wall and the ovary."""
    height = float(rng.uniform(0.45, 0.75) * top_mm)
    return Structure(
        organ=Organ.BLADDER,
        lateral_mm=float(rng.normal(0, 15)),
        depth_mm=top_mm - height / 2 - float(rng.uniform(0, 4)),
        length_mm=float(rng.uniform(50, 90)),
        width_mm=height,
        angle_deg=float(rng.normal(0, 8)),
        seed=int(rng.integers(2**31)),
    )


def _whole_picture(rng: np.random.Generator, probe: ProbeSettings) -> Viewport:
    """A whole machine picture, sometimes zoomed or shifted a little."""
    width, height = SIZES[int(rng.integers(len(SIZES)))]
    fitted = fitting_viewport(probe, width_px=width, height_px=height)
    return replace(
        fitted,
        mm_per_pixel=fitted.mm_per_pixel * float(rng.uniform(0.78, 1.05)),
        probe_x_px=fitted.probe_x_px + float(rng.normal(0, 0.06 * width)),
        probe_y_px=float(rng.uniform(-0.02, 0.16) * height),
    )


def _crop(rng: np.random.Generator, plane: Plane, longest_mm: float) -> Viewport:
    """A tight crop around the ovary."""
    size = int(rng.integers(300, 560))
    width, height = size, int(size * rng.uniform(0.75, 1.2))
    scale = 2 * longest_mm * float(rng.uniform(0.95, 1.7)) / min(width, height)
    shift = rng.normal(0, 0.05, 2)
    return Viewport(
        width_px=width,
        height_px=height,
        mm_per_pixel=scale,
        probe_x_px=width * (0.5 + float(shift[0])) - plane.lateral_mm / scale,
        probe_y_px=height * (0.5 + float(shift[1])) - plane.depth_mm / scale,
    )
