import math

import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.learning.phantom import (
    Organ,
    PhantomFollicle,
    PhantomOvary,
    PhantomSection,
    Plane,
    ProbeSettings,
    SceneMix,
    Structure,
    SweepKind,
    Viewport,
    burn_in,
    draw_section,
    draw_sweep,
    draw_volume,
    random_ovary,
    random_scene,
)
from deeppcos.learning.phantom.acoustics import Speckle, envelope, transmission_db
from deeppcos.learning.phantom.anatomy import bend_back, unbend
from deeppcos.learning.phantom.probe import BeamGrid
from deeppcos.learning.phantom.tissue import FLUID_ABSORPTION, TissueField, cut

SMALL = Viewport(width_px=240, height_px=240, mm_per_pixel=0.25, probe_x_px=120.0, probe_y_px=-20.0)
NARROW = ProbeSettings(depth_mm=64.0, angle_deg=150.0)


def single_follicle(diameter_mm: float, *, x_mm: float = 0.0) -> PhantomOvary:
    half = diameter_mm / 2
    follicle = PhantomFollicle(centre_mm=(x_mm, 0.0, 0.0), semi_axes_mm=(half, half, half))
    return PhantomOvary(semi_axes_mm=(18.0, 12.0, 12.0), follicles=(follicle,))


def still(
    ovary: PhantomOvary | None,
    *,
    seed: int = 1,
    offset_mm: float = 0.0,
    probe: ProbeSettings = NARROW,
    structures: tuple[Structure, ...] = (),
) -> PhantomSection:
    return draw_section(
        ovary,
        probe,
        plane=Plane(depth_mm=34.0, offset_mm=offset_mm),
        rng=np.random.default_rng(seed),
        viewport=SMALL,
        structures=structures,
    )


def uniform_field(grid: BeamGrid) -> TissueField:
    lateral, depth = grid.position_mm
    return TissueField(
        lateral=lateral,
        depth=depth,
        echo_db=np.zeros_like(lateral),
        absorption=np.full_like(lateral, 0.5),
    )


# What is true


def test_the_ovary_mask_has_the_area_of_the_ellipse_it_is_cut_from() -> None:
    section = still(single_follicle(6.0))
    area_mm2 = section.ovary_mask.sum() * section.mm_per_pixel**2
    assert area_mm2 == pytest.approx(math.pi * 18.0 * 12.0, rel=0.01)


@pytest.mark.parametrize("offset_mm", [0.0, 2.0, 4.0])
def test_a_spherical_follicle_shows_the_circle_the_plane_cuts(offset_mm: float) -> None:
    section = still(single_follicle(10.0), offset_mm=offset_mm)
    radius_mm = math.sqrt(5.0**2 - offset_mm**2)
    area_mm2 = (section.follicle_labels == 1).sum() * section.mm_per_pixel**2
    assert area_mm2 == pytest.approx(math.pi * radius_mm**2, rel=0.03)
    assert section.follicles[0].diameter_mm == pytest.approx(2 * radius_mm, rel=0.02)
    assert section.follicles[0].true_diameter_mm == pytest.approx(10.0)


def test_bending_changes_no_volume_and_hides_no_part_of_a_follicle() -> None:
    ovary = random_ovary(np.random.default_rng(4), follicle_count=14, volume_ml=9.0)
    spacing = 0.4
    axis = np.arange(-26, 26, spacing, dtype=np.float32)
    lateral, depth = np.meshgrid(axis, axis)
    plane = Plane(depth_mm=0.0)
    inside = 0
    per_label = np.zeros(len(ovary.follicles) + 1, dtype=np.int64)
    for out_mm in axis:
        section = cut(ovary, plane, lateral=lateral, depth=depth, out_mm=float(out_mm))
        inside += int((section.capsule_mm <= 0).sum())
        fluid = np.where(section.follicle_mm <= 0, section.label, 0)
        per_label += np.bincount(fluid.ravel(), minlength=per_label.size)
    assert inside * spacing**3 / 1000 == pytest.approx(ovary.volume_ml, rel=0.01)
    for label, follicle in enumerate(ovary.follicles, start=1):
        drawn_ml = per_label[label] * spacing**3 / 1000
        assert drawn_ml == pytest.approx(follicle.volume_ml, rel=0.12, abs=0.002)


def test_bending_back_undoes_unbending() -> None:
    ovary = random_ovary(np.random.default_rng(8), follicle_count=3, volume_ml=8.0)
    points = np.random.default_rng(0).normal(0, 8, (50, 3)).astype(np.float32)
    assert np.allclose(bend_back(unbend(points, ovary.bends), ovary.bends), points, atol=1e-4)


def test_plane_coordinates_go_there_and_back() -> None:
    plane = Plane(lateral_mm=3, depth_mm=25, offset_mm=2, tilt_deg=12, turn_deg=40, roll_deg=-20)
    lateral = np.array([[1.0, -4.0]], dtype=np.float32)
    depth = np.array([[20.0, 31.0]], dtype=np.float32)
    seen = plane.from_ovary(plane.to_ovary(lateral, depth, 1.5))
    assert np.allclose(seen, [[[1.0, 20.0, 1.5], [-4.0, 31.0, 1.5]]], atol=1e-4)


@pytest.mark.parametrize(
    ("diameter_mm", "counted"), [(1.9, 0), (2.0, 1), (9.9, 1), (10.0, 0), (15.0, 0)]
)
def test_only_follicles_of_2_to_9_mm_are_counted_in_the_whole_ovary(
    diameter_mm: float, counted: int
) -> None:
    assert single_follicle(diameter_mm).fnpo == counted


@pytest.mark.parametrize("count", [0, 7, 24, 50])
def test_an_ovary_holds_exactly_the_follicles_asked_for(count: int) -> None:
    ovary = random_ovary(
        np.random.default_rng(count), follicle_count=count, volume_ml=13.0, diameters_mm=(2.2, 5.0)
    )
    assert ovary.fnpo == count
    assert ovary.volume_ml == pytest.approx(13.0)


def test_follicles_that_cannot_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="do not fit"):
        random_ovary(
            np.random.default_rng(0), follicle_count=50, volume_ml=3.0, diameters_mm=(7.0, 9.0)
        )


def test_a_dominant_follicle_is_not_counted_and_a_corpus_luteum_is_no_follicle() -> None:
    ovary = random_ovary(
        np.random.default_rng(3), follicle_count=5, volume_ml=14, dominant_mm=16, corpus_luteum=True
    )
    assert ovary.fnpo == 5
    assert len(ovary.follicles) == 6
    assert ovary.corpus_luteum is not None
    assert max(follicle.diameter_mm for follicle in ovary.follicles) == pytest.approx(16, abs=0.1)


# What the picture shows


def test_uniform_tissue_gives_rayleigh_speckle_before_compression() -> None:
    probe = ProbeSettings(looks=1)
    grid = BeamGrid(probe=probe)
    speckle = Speckle.draw(grid, np.random.default_rng(0))
    amplitude = envelope(np.ones((grid.n_samples, grid.n_beams), np.float32), grid, speckle)
    middle = amplitude[60:-60, 40:-40]
    assert float(middle.mean() / middle.std()) == pytest.approx(1.91, abs=0.06)
    assert float((middle**2).mean()) == pytest.approx(1.0, abs=0.08)


def test_compounding_smooths_speckle() -> None:
    snr = []
    for looks in (1, 3):
        grid = BeamGrid(probe=ProbeSettings(looks=looks))
        speckle = Speckle.draw(grid, np.random.default_rng(0))
        amplitude = envelope(np.ones((grid.n_samples, grid.n_beams), np.float32), grid, speckle)
        snr.append(float(amplitude.mean() / amplitude.std()))
    assert snr[1] > 1.4 * snr[0]


def test_tissue_behind_fluid_is_enhanced_and_behind_gas_is_shadowed() -> None:
    grid = BeamGrid(probe=ProbeSettings())
    field = uniform_field(grid)
    field.absorption[150:250, 100:140] = FLUID_ABSORPTION
    field.absorption[150:160, 200:230] = 8.0
    level = transmission_db(field, grid)
    assert level[400, 120] > 1.5
    assert level[400, 215] < -10
    assert abs(float(level[400, 30])) < 0.01
    assert abs(float(level[100, 120])) < 0.01


def test_enhancement_reaches_the_picture() -> None:
    probe = ProbeSettings(depth_mm=64.0, angle_deg=150.0, grey_curve=1.0)
    with_fluid = still(single_follicle(14.0), probe=probe)
    without = still(PhantomOvary(semi_axes_mm=(18.0, 12.0, 12.0)), probe=probe)
    column, row = SMALL.to_pixel(0.0, 34.0 + 16.0)
    behind = slice(round(row) - 8, round(row) + 8), slice(round(column) - 8, round(column) + 8)
    beside = behind[0], slice(round(column) + 60, round(column) + 76)
    gain = with_fluid.pixels[behind].mean() - without.pixels[behind].mean()
    assert gain > 5
    assert abs(with_fluid.pixels[beside].mean() - without.pixels[beside].mean()) < 3


def test_a_follicle_is_darker_than_the_stroma_but_not_black_where_there_is_haze() -> None:
    hazy = still(
        single_follicle(12.0), probe=ProbeSettings(depth_mm=64, angle_deg=150, haze_db=-12)
    )
    fluid = hazy.pixels[hazy.follicle_labels > 0].mean()
    stroma = hazy.pixels[hazy.ovary_mask & (hazy.follicle_labels == 0)].mean()
    assert 3 < fluid < 0.6 * stroma


def test_a_grazed_follicle_holds_less_fluid_in_the_slice_and_can_be_left_out() -> None:
    probe = ProbeSettings(depth_mm=64, angle_deg=150, slice_mm=3.0)
    central = still(single_follicle(6.0), probe=probe)
    grazed = still(single_follicle(6.0), probe=probe, offset_mm=2.8)
    # Discs of a 6 mm sphere at 0, 1.05 and 2.25 mm from its middle, weighted by the beam.
    assert central.follicles[0].fluid_share == pytest.approx(0.809, abs=0.03)
    assert grazed.follicles[0].fluid_share < central.follicles[0].fluid_share - 0.1
    assert len(central.visible(minimum_fluid=0.7).follicles) == 1
    hidden = grazed.visible(minimum_fluid=0.7)
    assert hidden.follicles == ()
    assert not hidden.follicle_labels.any()


def test_a_follicle_that_came_out_as_grey_as_the_stroma_can_be_left_out() -> None:
    follicle = PhantomFollicle(
        centre_mm=(0.0, 0.0, 0.0), semi_axes_mm=(4.0, 4.0, 4.0), fluid_db=-5.0
    )
    grey = still(PhantomOvary(semi_axes_mm=(18.0, 12.0, 12.0), follicles=(follicle,)))
    dark = still(single_follicle(8.0))
    assert dark.follicles[0].contrast > 0.5 > 0.2 > abs(grey.follicles[0].contrast)
    assert len(dark.visible().follicles) == 1
    assert grey.visible().follicles == ()


def test_nothing_shows_outside_the_sector() -> None:
    section = draw_section(
        None, ProbeSettings(angle_deg=80.0), plane=Plane(), rng=np.random.default_rng(2)
    )
    assert not section.pixels[~section.sector_mask].any()
    assert section.pixels[section.sector_mask].mean() > 20


# Scale and graphics


def test_ten_millimetres_are_ten_millimetres_of_pixels() -> None:
    section = still(single_follicle(6.0))
    start = SMALL.to_pixel(-5.0, 30.0)
    end = SMALL.to_pixel(5.0, 30.0)
    assert section.mm_per_pixel == SMALL.mm_per_pixel
    burnt = burn_in(section, calipers=((start, end),), ruler_column_px=5)
    assert math.dist(start, end) * section.mm_per_pixel == pytest.approx(10.0)
    assert burnt.calipers[0].length_mm == pytest.approx(10.0)
    assert burnt.calipers[0].readout == "1 D 1.00cm"
    assert burnt.ruler is not None
    assert np.allclose(np.diff(burnt.ruler.major_rows_px) * section.mm_per_pixel, 10.0)


def test_graphics_change_exactly_the_pixels_their_mask_says() -> None:
    section = still(single_follicle(6.0))
    burnt = burn_in(
        section,
        calipers=(((40.0, 60.0), (160.0, 130.0)),),
        ruler_column_px=200,
        texts=(("ROV", (20.0, 200.0)),),
        grey_bar=True,
        body_mark=True,
    ).section
    changed = (burnt.pixels != burnt.clean_pixels).any(axis=2)
    assert not changed[~burnt.graphics_mask].any()
    assert changed.sum() > 0.8 * burnt.graphics_mask.sum() > 200
    assert np.array_equal(burnt.clean_pixels, section.pixels)
    assert np.array_equal(burnt.follicle_labels, section.follicle_labels)


# Sweeps and volumes


@pytest.mark.parametrize("kind", list(SweepKind))
def test_a_sweep_from_margin_to_margin_meets_every_follicle(kind: SweepKind) -> None:
    ovary = random_ovary(
        np.random.default_rng(6), follicle_count=15, volume_ml=8.0, diameters_mm=(3.0, 7.0)
    )
    sweep = draw_sweep(
        ovary,
        NARROW,
        plane=Plane(depth_mm=32.0),
        frames=18,
        rng=np.random.default_rng(1),
        kind=kind,
        viewport=SMALL,
    )
    assert sweep.step_mm < 3.0
    assert sweep.labels_seen == frozenset(range(1, 16))
    assert sweep.sections[0].ovary_mask.sum() < 0.1 * sweep.sections[9].ovary_mask.sum()
    assert sweep.sections[-1].ovary_mask.sum() < 0.1 * sweep.sections[9].ovary_mask.sum()


def test_speckle_of_neighbouring_frames_is_alike_and_of_distant_frames_is_not() -> None:
    ovary = single_follicle(6.0)
    sweep = draw_sweep(
        ovary,
        NARROW,
        plane=Plane(depth_mm=34.0),
        frames=40,
        rng=np.random.default_rng(1),
        viewport=Viewport(
            width_px=80, height_px=60, mm_per_pixel=0.2, probe_x_px=40.0, probe_y_px=-200.0
        ),
    )

    def likeness(first: int, second: int) -> float:
        detail = []
        for index in (first, second):
            patch = sweep.sections[index].pixels[:, :, 0].astype(np.float64)
            detail.append((patch - np.roll(patch, 2, axis=0)).ravel())
        first_centred, second_centred = (one - one.mean() for one in detail)
        power = np.sqrt((first_centred @ first_centred) * (second_centred @ second_centred))
        return float(first_centred @ second_centred / power)

    assert likeness(19, 20) > 0.6
    assert likeness(10, 30) < 0.35 < 0.5 * (likeness(19, 20) + likeness(20, 21))


def test_moved_scatterers_keep_the_share_asked_for() -> None:
    grid = BeamGrid(probe=ProbeSettings(looks=1))
    rng = np.random.default_rng(0)
    before = Speckle.draw(grid, rng)
    after = before.moved(0.8, grid, rng)
    kept = float((before.fields * after.fields).mean())
    assert kept == pytest.approx(0.8, abs=0.01)
    assert float(after.fields.std()) == pytest.approx(1.0, abs=0.01)


def test_a_sweep_needs_two_frames() -> None:
    with pytest.raises(InvalidInput, match="one frame"):
        draw_sweep(
            single_follicle(6.0), NARROW, plane=Plane(), frames=1, rng=np.random.default_rng(0)
        )


def test_a_volume_holds_the_whole_ovary_and_every_follicle() -> None:
    ovary = random_ovary(
        np.random.default_rng(9), follicle_count=10, volume_ml=5.0, diameters_mm=(3.5, 6.0)
    )
    volume = draw_volume(
        ovary,
        NARROW,
        plane=Plane(depth_mm=30.0),
        rng=np.random.default_rng(0),
        mm_per_voxel=0.8,
        margin_mm=2.0,
    )
    drawn_ml = volume.ovary_mask.sum() * volume.mm_per_voxel**3 / 1000
    assert drawn_ml == pytest.approx(ovary.volume_ml, rel=0.01)
    assert set(np.unique(volume.follicle_labels)) == set(range(11))
    for face in (volume.ovary_mask[0], volume.ovary_mask[:, 0], volume.ovary_mask[:, :, 0]):
        assert not face.any()


# What is not an ovary, and scenes for training


def dark_share(section: PhantomSection, mask: npt.NDArray[np.bool_]) -> float:
    return float(section.pixels[mask].mean() / section.pixels[section.sector_mask].mean())


def test_a_mass_is_masked_as_a_lesion_and_never_as_a_follicle() -> None:
    cyst = Structure(
        organ=Organ.SIMPLE_CYST, lateral_mm=0, depth_mm=32, length_mm=24, width_mm=18, seed=5
    )
    section = still(None, structures=(cyst,))
    area_mm2 = section.lesion_mask.sum() * section.mm_per_pixel**2
    assert area_mm2 == pytest.approx(math.pi * 12 * 9, rel=0.25)
    assert dark_share(section, section.lesion_mask) < 0.5
    assert not section.ovary_mask.any()
    assert not section.follicle_labels.any()


def test_a_vessel_is_dark_and_neither_follicle_nor_lesion() -> None:
    vessel = Structure(
        organ=Organ.VESSEL, lateral_mm=0, depth_mm=32, length_mm=30, width_mm=6, seed=2
    )
    with_vessel, without = still(None, structures=(vessel,)), still(None)
    darker = without.pixels[:, :, 0].astype(int) - with_vessel.pixels[:, :, 0] > 30
    assert darker.sum() * SMALL.mm_per_pixel**2 > 50
    assert not with_vessel.follicle_labels.any()
    assert not with_vessel.lesion_mask.any()


@pytest.mark.parametrize("organ", list(Organ))
def test_every_organ_changes_the_picture(organ: Organ) -> None:
    part = Structure(organ=organ, lateral_mm=0, depth_mm=32, length_mm=30, width_mm=14, seed=1)
    assert (still(None, structures=(part,)).pixels != still(None).pixels).mean() > 0.01


@pytest.mark.parametrize("seed", range(5))
def test_a_scene_without_an_ovary_has_empty_ovary_and_follicle_masks(seed: int) -> None:
    scene = random_scene(np.random.default_rng(seed), mix=SceneMix(without_ovary=1.0))
    assert not scene.ovary_mask.any()
    assert not scene.follicle_labels.any()
    assert not scene.corpus_luteum_mask.any()
    assert scene.follicles == ()


@pytest.mark.parametrize("seed", range(8))
def test_a_scene_with_an_ovary_shows_it_with_its_follicles_inside(seed: int) -> None:
    scene = random_scene(np.random.default_rng(seed), mix=SceneMix(without_ovary=0.0))
    assert scene.ovary_mask.sum() > 500
    assert scene.pixels.shape == (*scene.ovary_mask.shape, 3)
    assert scene.pixels.dtype == np.uint8
    assert not scene.follicle_labels[~scene.ovary_mask].any()
    assert not (scene.lesion_mask & scene.ovary_mask).any()
    labels = {int(label) for label in np.unique(scene.follicle_labels)} - {0}
    assert labels == {follicle.label for follicle in scene.follicles}


def test_the_same_seed_draws_the_same_scene_and_another_seed_another() -> None:
    first, again, other = (random_scene(np.random.default_rng(seed)) for seed in (11, 11, 12))
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.follicle_labels, again.follicle_labels)
    assert first.follicles == again.follicles
    assert first.pixels.shape != other.pixels.shape or (first.pixels != other.pixels).any()


def test_impossible_probe_settings_are_refused() -> None:
    with pytest.raises(InvalidInput, match="depth_mm"):
        ProbeSettings(depth_mm=-5.0)
