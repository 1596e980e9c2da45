"""A ready study to try DeepPCOS on: synthetic DICOM pictures of two ovaries, and a chart.

Owns what the example holds and how its files are written. The pictures come from
``deeppcos.learning.phantom``; no person, and no real picture, stands behind any of it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from deeppcos.errors import InvalidInput
from deeppcos.learning.phantom import (
    Layout,
    Organ,
    PhantomOvary,
    PhantomSection,
    Plane,
    ProbeSettings,
    Structure,
    Viewport,
    burn_in,
    draw_section,
    draw_sweep,
    fitting_viewport,
    random_ovary,
)

PATIENT_NAME = "PHANTOM^EXAMPLE"
STUDY_DATE = "20260105"
SWEEP_FRAMES = 40
FRAME_TIME_MS = 50.0
JPEG_QUALITY = 85
PROBE_MHZ = 8.0

STILLS = (
    ("left_ovary_long.dcm", "L", 0.0),
    ("left_ovary_trans.dcm", "L", 90.0),
    ("right_ovary_long.dcm", "R", 0.0),
    ("right_ovary_trans.dcm", "R", 90.0),
)
"""File, side, and how far the section is turned from the ovary's length, degrees."""

SWEEP = "right_ovary_sweep.dcm"
CHART = "chart.json"
README = "README.txt"

PLANE_CODES = {0.0: ("38717003", "Longitudinal"), 90.0: ("62824007", "Transverse")}
SIDE_CODES = {"L": ("7771000", "Left"), "R": ("24028007", "Right")}
"""SNOMED CT qualifiers."""

CHART_CONTENT: dict[str, Any] = {
    "schema": "deeppcos.chart/1",
    "patient": {
        "age_years": 27.5,
        "age_at_menarche_years": 12,
        "population": "turkish",
        "pregnant": False,
        "postmenopausal": False,
        "hormonal_contraception": "none",
    },
    "cycles": {"interval_days": 52, "per_year": 6, "longest_interval_days": 84, "bleeding_days": 5},
    "signs": {
        "mfg_score": 9,
        "acne": True,
        "scalp_hair_loss": False,
        "rapid_onset": False,
        "virilisation": False,
    },
    "labs": [
        {
            "analyte": "total_testosterone",
            "value": 61,
            "unit": "ng/dL",
            "upper_limit": 48,
            "assay": "lc_ms_ms",
        },
        {"analyte": "shbg", "value": 34, "unit": "nmol/L"},
        {"analyte": "tsh", "value": 1.9, "unit": "mIU/L", "upper_limit": 4.2},
        {"analyte": "17_ohp", "value": 84, "unit": "ng/dL"},
        {"analyte": "fsh", "value": 5.6, "unit": "IU/L", "upper_limit": 10.2},
        {"analyte": "hcg", "value": 0.5, "unit": "IU/L", "upper_limit": 5},
        {"analyte": "fasting_glucose", "value": 93, "unit": "mg/dL"},
        {"analyte": "hdl", "value": 46, "unit": "mg/dL"},
        {"analyte": "triglycerides", "value": 128, "unit": "mg/dL"},
    ],
    "body": {
        "height_cm": 165,
        "weight_kg": 76,
        "waist_cm": 89,
        "systolic_mmhg": 122,
        "diastolic_mmhg": 78,
    },
    "ultrasound": {
        "route": "transvaginal",
        "probe_mhz": PROBE_MHZ,
        "left": {"dominant_follicle_or_corpus_luteum": False},
        "right": {"dominant_follicle_or_corpus_luteum": False},
    },
}
"""An invented woman. Prolactin is left out on purpose: the example shows an honest unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleStudy:
    """What was written, and what is true of it.

    Attributes:
        folder: Where it lies.
        stills: Four DICOM stills: left and right, lengthwise and across.
        sweep: A DICOM sweep through the right ovary.
        chart: The chart, ``deeppcos.chart/1``.
        readme: Says that everything is synthetic, and what is true.
        left: The left ovary.
        right: The right ovary.
    """

    folder: Path
    stills: tuple[Path, ...]
    sweep: Path
    chart: Path
    readme: Path
    left: PhantomOvary
    right: PhantomOvary


def write_example_study(folder: Path, *, force: bool = False) -> ExampleStudy:
    """Write the example study. The same files come out each time.

    Args:
        folder: Where to write; made if it is not there.
        force: Whether files of the same names may be overwritten.

    Returns:
        The paths and the truth.

    Raises:
        InvalidInput: If ``folder`` is a file, or holds a file of the same name and ``force``
            is false; nothing is written then.
    """
    _refuse_overwriting(folder, force=force)
    folder.mkdir(parents=True, exist_ok=True)
    ovaries = {"L": left_ovary(), "R": right_ovary()}
    for number, (name, side, turn_deg) in enumerate(STILLS, start=1):
        still = _still(ovaries[side], side=side, turn_deg=turn_deg)
        _write_still(folder / name, still, side=side, number=number, turn_deg=turn_deg)
    _write_sweep(folder / SWEEP, _sweep(ovaries["R"]), number=len(STILLS) + 1)
    (folder / CHART).write_text(json.dumps(CHART_CONTENT, indent=2) + "\n", encoding="utf-8")
    (folder / README).write_text(_readme(ovaries["L"], ovaries["R"]), encoding="utf-8")
    return ExampleStudy(
        folder=folder,
        stills=tuple(folder / name for name, _, _ in STILLS),
        sweep=folder / SWEEP,
        chart=folder / CHART,
        readme=folder / README,
        left=ovaries["L"],
        right=ovaries["R"],
    )


def left_ovary() -> PhantomOvary:
    """An ordinary ovary: a few small follicles."""
    return random_ovary(
        np.random.default_rng(21),
        follicle_count=9,
        volume_ml=7.2,
        layout=Layout.SCATTERED,
        diameters_mm=(3.0, 8.0),
    )


def right_ovary() -> PhantomOvary:
    """An ovary with many follicles along its rim."""
    return random_ovary(
        np.random.default_rng(3),
        follicle_count=32,
        volume_ml=13.5,
        layout=Layout.PERIPHERAL,
        diameters_mm=(3.2, 8.0),
    )


def _refuse_overwriting(folder: Path, *, force: bool) -> None:
    """Stop before anything of the user's is lost."""
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(
            "the example study needs a folder",
            value=f"{folder} is a file",
            accepted="a new or existing folder",
            remedy="name another place",
        )
    names = [*(name for name, _, _ in STILLS), SWEEP, CHART, README]
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        raise InvalidInput(
            "the example study would overwrite files",
            value=f"{folder} already holds {', '.join(there)}",
            accepted="a folder without them",
            remedy="name another folder, or add --force",
        )


def _probe() -> ProbeSettings:
    """The machine of the example: a sharp endovaginal probe, well set."""
    return ProbeSettings(
        depth_mm=52.0,
        frequency_mhz=PROBE_MHZ,
        angle_deg=128.0,
        focus_mm=24.0,
        slice_mm=1.1,
        gain_db=0.5,
        dynamic_range_db=48.0,
        haze_db=-20.0,
        noise_db=-28.0,
    )


def _plane(ovary: PhantomOvary, turn_deg: float) -> Plane:
    """The ovary's middle, a little below the probe, leaning a little."""
    depth = 9.0 + 1.15 * ovary.semi_axes_mm[1]
    return Plane(lateral_mm=1.5, depth_mm=depth, turn_deg=turn_deg, roll_deg=9.0)


def _around(side: str) -> tuple[Structure, ...]:
    """Neighbours: uterus on the inner side, bowel on the outer, a vessel and fascia below."""
    inner = 1.0 if side == "R" else -1.0
    return (
        Structure(organ=Organ.UTERUS, lateral_mm=36.0 * inner, depth_mm=22.0, length_mm=42.0,
                  width_mm=26.0, angle_deg=55.0 * inner, seed=3),
        Structure(organ=Organ.BOWEL, lateral_mm=-33.0 * inner, depth_mm=33.0, length_mm=24.0,
                  width_mm=14.0, angle_deg=-35.0 * inner, seed=8),
        Structure(organ=Organ.VESSEL, lateral_mm=-24.0 * inner, depth_mm=42.0, length_mm=22.0,
                  width_mm=3.6, angle_deg=-28.0 * inner, seed=4),
        Structure(organ=Organ.FASCIA, lateral_mm=4.0, depth_mm=46.0, length_mm=40.0,
                  width_mm=1.0, angle_deg=4.0, seed=5),
    )  # fmt: skip


def _still(ovary: PhantomOvary, *, side: str, turn_deg: float) -> PhantomSection:
    """One still with a depth ruler and a grey bar, as a machine shows it."""
    rng = np.random.default_rng([ord(side), int(turn_deg)])
    section = draw_section(
        ovary, _probe(), plane=_plane(ovary, turn_deg), rng=rng, structures=_around(side)
    )
    return burn_in(section, ruler_column_px=622, grey_bar=True).section


def _sweep(ovary: PhantomOvary) -> tuple[PhantomSection, ...]:
    """Parallel sections from margin to margin of the right ovary."""
    return draw_sweep(
        ovary,
        _probe(),
        plane=_plane(ovary, 0.0),
        frames=SWEEP_FRAMES,
        rng=np.random.default_rng(53),
        viewport=fitting_viewport(_probe(), width_px=512, height_px=400),
        structures=_around("R"),
    ).sections


def _write_still(
    path: Path, section: PhantomSection, *, side: str, number: int, turn_deg: float
) -> None:
    """Write one uncompressed still."""
    grey = _grey(section)
    image = _header(grey, section.viewport, side=side, number=number, is_sweep=False)
    image.ViewCodeSequence = [_coded(*PLANE_CODES[turn_deg])]
    image.PixelData = grey.tobytes()
    _save(image, path, ExplicitVRLittleEndian)


def _write_sweep(path: Path, sections: tuple[PhantomSection, ...], *, number: int) -> None:
    """Write a sweep, each frame a baseline JPEG."""
    frames = [_grey(section) for section in sections]
    packed = [_as_jpeg(frame) for frame in frames]
    image = _header(frames[0], sections[0].viewport, side="R", number=number, is_sweep=True)
    image.NumberOfFrames = len(frames)
    image.FrameIncrementPointer = 0x00181063  # Frame Time
    image.FrameTime = FRAME_TIME_MS
    image.CineRate = round(1000 / FRAME_TIME_MS)
    image.LossyImageCompression = "01"
    ratio = sum(frame.size for frame in frames) / sum(len(one) for one in packed)
    image.LossyImageCompressionRatio = round(ratio, 2)
    image.LossyImageCompressionMethod = "ISO_10918_1"
    image.PixelData = encapsulate(packed)
    image["PixelData"].is_undefined_length = True
    _save(image, path, JPEGBaseline8Bit)


def _grey(section: PhantomSection) -> npt.NDArray[np.uint8]:
    """The picture as ``(H, W) uint8``; the example has no colour."""
    return np.ascontiguousarray(section.pixels[:, :, 0])


def _as_jpeg(frame: npt.NDArray[np.uint8]) -> bytes:
    """One frame as baseline JPEG."""
    _, packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return bytes(packed.tobytes())


def _header(
    grey: npt.NDArray[np.uint8], viewport: Viewport, *, side: str, number: int, is_sweep: bool
) -> Dataset:
    """Everything but the pixels."""
    image = Dataset()
    image.SOPClassUID = UltrasoundMultiFrameImageStorage if is_sweep else UltrasoundImageStorage
    image.SOPInstanceUID = _uid(f"instance {number}")
    image.StudyInstanceUID = _uid("study")
    image.SeriesInstanceUID = _uid(f"series {'sweep' if is_sweep else 'stills'}")
    _describe_patient(image)
    _describe_examination(image, side=side, number=number, is_sweep=is_sweep)
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = grey.shape
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit = 7
    image.PixelRepresentation = 0
    image.BurnedInAnnotation = "NO"
    if not is_sweep:
        image.LossyImageCompression = "00"
    image.SequenceOfUltrasoundRegions = [_region(grey, viewport)]
    return image


def _describe_patient(image: Dataset) -> None:
    """A patient nobody can mistake for a person."""
    image.PatientName = PATIENT_NAME
    image.PatientID = "PHANTOM-EXAMPLE"
    image.PatientBirthDate = ""
    image.PatientSex = "F"
    image.PatientAge = "027Y"
    image.PatientIdentityRemoved = "YES"
    image.DeidentificationMethod = "Synthetic phantom: there is no patient"


def _describe_examination(image: Dataset, *, side: str, number: int, is_sweep: bool) -> None:
    """Study, equipment, anatomy and probe."""
    image.SpecificCharacterSet = "ISO_IR 192"
    image.ImageType = ["ORIGINAL", "PRIMARY", "ENDOVAGINAL", "0001"]
    image.Modality = "US"
    image.Manufacturer = "DeepPCOS phantom"
    image.ManufacturerModelName = "Synthetic ovary simulator"
    image.StudyDate = image.SeriesDate = image.ContentDate = STUDY_DATE
    image.StudyTime = image.SeriesTime = "100000"
    image.ContentTime = f"10{number:02d}00"
    image.StudyDescription = "Synthetic pelvic ultrasound (example)"
    image.StudyID = "EXAMPLE"
    image.AccessionNumber = ""
    image.ReferringPhysicianName = ""
    image.SeriesNumber = 2 if is_sweep else 1
    image.InstanceNumber = number
    image.ImageLaterality = side
    image.PatientOrientation = ""
    region = _coded("15497006", "Ovary")
    region.AnatomicRegionModifierSequence = [_coded(*SIDE_CODES[side])]
    image.AnatomicRegionSequence = [region]
    image.TransducerData = ["PHANTOM ENDOCAVITY", "", ""]
    image.TransducerType = "ENDOCAV_CLA"


def _region(grey: npt.NDArray[np.uint8], viewport: Viewport) -> Dataset:
    """One calibrated region that covers the whole picture."""
    region = Dataset()
    region.RegionSpatialFormat = 1  # 2D
    region.RegionDataType = 1  # tissue
    region.RegionFlags = 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1 = grey.shape[1] - 1
    region.RegionLocationMaxY1 = grey.shape[0] - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # cm
    region.PhysicalDeltaX = region.PhysicalDeltaY = viewport.mm_per_pixel / 10
    region.ReferencePixelX0 = round(viewport.probe_x_px)
    region.ReferencePixelY0 = round(viewport.probe_y_px)
    region.ReferencePixelPhysicalValueX = region.ReferencePixelPhysicalValueY = 0.0
    region.TransducerFrequency = round(PROBE_MHZ * 1000)  # kHz
    return region


def _coded(value: str, meaning: str) -> Dataset:
    """A SNOMED CT code."""
    code = Dataset()
    code.CodeValue = value
    code.CodingSchemeDesignator = "SCT"
    code.CodeMeaning = meaning
    return code


def _uid(of: str) -> UID:
    """A valid UID that is the same every time."""
    return generate_uid(entropy_srcs=["DeepPCOS example study 1", of])


def _save(image: Dataset, path: Path, syntax: UID) -> None:
    """Write a conforming file."""
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = syntax
    image.save_as(path, enforce_file_format=True)


def _readme(left: PhantomOvary, right: PhantomOvary) -> str:
    """What the folder holds and what is true of it."""
    return f"""DeepPCOS example study: EVERYTHING HERE IS SYNTHETIC

The pictures were computed by DeepPCOS' own ovary phantom. The chart describes a woman who does
not exist. Nothing here comes from a patient, and nothing here says how well DeepPCOS does on one.

Read it:  deeppcos analyze .  --chart chart.json  --out report

left_ovary_long.dcm, left_ovary_trans.dcm     stills of the left ovary, with scale
right_ovary_long.dcm, right_ovary_trans.dcm   stills of the right ovary, with scale
right_ovary_sweep.dcm                         {SWEEP_FRAMES} frames through the right ovary
chart.json                                    history, signs, laboratory (prolactin left out)

True by construction:
  left ovary   {left.volume_ml:4.1f} mL, {left.fnpo:2d} follicles of 2-9 mm in the whole ovary
  right ovary  {right.volume_ml:4.1f} mL, {right.fnpo:2d} follicles of 2-9 mm in the whole ovary
A single section shows only some of them.
"""
