"""An invented study with a speckle-like picture, for every test of the reports."""

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from deeppcos.records.assessment_document import AssessmentDocument
from deeppcos.records.assessment_json import document_from_dict

Pixels = npt.NDArray[np.uint8]
WIDTH, HEIGHT, MM = 640, 480, 0.105
OVARY = (330.0, 240.0, 175.0, 112.0)
UNKNOWN = {"state": "unknown", "reasons": [], "missing": []}


def ellipse(x: float, y: float, a: float, b: float, points: int = 40) -> list[list[float]]:
    turns = [2 * math.pi * step / points for step in range(points)]
    return [[x + a * math.cos(turn), y + b * math.sin(turn)] for turn in turns]


def ring_of_follicles(count: int) -> list[tuple[float, float, float]]:
    """Centre and radius of follicles placed in the ovary's rim, then further in."""
    x, y, a, b = OVARY
    places = []
    for number in range(count):
        ring, place = divmod(number, 14)
        depth = 0.78 - 0.27 * ring
        turn = 2 * math.pi * (place + 0.5 * ring) / 14
        radius = max(12.0 + 7.0 * math.sin(2.1 * number) - 2.5 * ring, 3.0)
        places.append((x + depth * a * math.cos(turn), y + depth * b * math.sin(turn), radius))
    return places


def ovary_content(follicles: int = 15) -> dict[str, Any]:
    marked = []
    for number, (x, y, radius) in enumerate(ring_of_follicles(follicles)):
        diameter = 2 * radius * MM
        kind = "dominant" if diameter >= 10 else "antral" if diameter >= 2 else "below_range"
        if number == 3:
            kind, diameter = "below_range", 1.8
        if number == 9:
            kind, diameter = "dominant", 10.6
        marked.append(
            {
                "polygon": ellipse(x, y, radius * 1.1, radius * 0.9),
                "probability": 0.97 - 0.03 * number % 0.5,
                "mean_diameter_mm": diameter,
                "kind": kind,
            }
        )
    return {
        "polygon": ellipse(*OVARY, points=70),
        "probability": 0.934,
        "follicle_count_section": {
            "value": follicles,
            "low": max(follicles - 3, 0),
            "high": follicles + 2,
        },
        "follicles": marked,
        "length_mm": 2 * OVARY[2] * MM,
        "width_mm": 2 * OVARY[3] * MM,
        "area_mm2": math.pi * OVARY[2] * OVARY[3] * MM**2,
    }


def frame_content(source: str, frame: int = 0, *, follicles: int = 15) -> dict[str, Any]:
    return {
        "source": source,
        "frame": frame,
        "width": WIDTH,
        "height": HEIGHT,
        "mm_per_pixel": {"x": MM, "y": MM, "source": "dicom_regions"},
        "side": "left",
        "assessable": True,
        "not_assessable_because": [],
        "ovaries": [ovary_content(follicles)],
        "lesions": [],
        "burned_in_graphics": ["calipers"],
    }


def silent_frame_content(source: str, frame: int, reason: str) -> dict[str, Any]:
    return {
        **frame_content(source, frame),
        "mm_per_pixel": None,
        "scale_problem": "the file states no pixel size",
        "assessable": False,
        "not_assessable_because": [reason],
        "ovaries": [],
    }


def full_content() -> dict[str, Any]:
    """A document that uses every field."""
    unscaled = frame_content("right_still.png", follicles=8)
    unscaled |= {"mm_per_pixel": None, "scale_problem": "the file states no pixel size"}
    unscaled |= {"side": "right"}
    unscaled["lesions"] = [
        {"polygon": ellipse(420, 420, 46, 28), "probability": 0.71, "largest_diameter_mm": None}
    ]
    for follicle in unscaled["ovaries"][0]["follicles"]:
        follicle |= {"mean_diameter_mm": None, "kind": "unsized"}
    unscaled["ovaries"][0] |= {"length_mm": None, "width_mm": None, "area_mm2": None}
    return {
        "schema": "deeppcos.assessment/1",
        "conclusion": {
            "status": "exclusion_incomplete",
            "profile": "guideline_2023",
            "phenotype": "A or B",
            "reasons": [
                "ovulatory dysfunction: cycles of 50 days, longer than 35",
                "hyperandrogenism: mFG score 9 reaches the cut-off 5 (Han Chinese)",
            ],
            "missing": ["prolactin", "17_ohp"],
            "red_flags": [
                {
                    "trigger": "rapid onset",
                    "message": "consider an androgen-secreting source; urgent review",
                    "source": "2023 International Guideline [G3], V2",
                }
            ],
        },
        "findings": {
            "ovulatory_dysfunction": {
                "state": "present",
                "reasons": ["cycle interval 50 days; irregular above 35 days"],
            },
            "hyperandrogenism": {
                "state": "present",
                "reasons": ["mFG score 9; cut-off 5", "total testosterone 62 ng/dL; limit 48"],
                "provisional_on": ["recent hair removal"],
            },
            "polycystic_morphology": {
                "state": "not_assessable",
                "reasons": ["an ovary holds a follicle of 10 mm or more: volume does not count"],
                "missing": ["fnpo", "amh"],
            },
            "exclusions": {
                "state": "unknown",
                "reasons": ["TSH 1.9 m[IU]/L is within 0.4-4.0"],
                "missing": ["prolactin", "17_ohp"],
            },
        },
        "severity": {
            "reproductive": {
                "grade": 3,
                "lower_bound": 3,
                "coverage": 1.0,
                "drivers": ["longest interval 95 days"],
            },
            "morphology": {
                "grade": None,
                "coverage": 0.0,
                "missing": ["fnpo"],
                "not_graded_because": "a single section gives no grade",
                "confidence": "none",
            },
            "androgen": {
                "grade": 1,
                "lower_bound": 1,
                "coverage": 1.0,
                "drivers": ["mFG 9", "total testosterone 1.3 times the limit"],
                "borderline": [1, 2],
                "confidence": "borderline",
            },
            "metabolic": {
                "grade": None,
                "lower_bound": 1,
                "coverage": 0.4,
                "drivers": ["BMI 25.7 kg/m2"],
                "missing": ["fasting_glucose", "hdl", "triglycerides"],
            },
        },
        "considerations": [
            {
                "text": "The guideline suggests considering a 75 g glucose tolerance test.",
                "because": "recommended at assessment whatever the BMI",
                "source": "2023 international guideline, section 1.9",
                "verification": "V2",
            },
            {
                "text": "The guideline suggests considering a lipid profile.",
                "source": "2023 international guideline, section 1.8",
                "verification": "V2",
            },
        ],
        "would_settle": [
            {"measurement": "prolactin", "because": "answers the question of other causes"},
            {"measurement": "17_ohp", "because": "answers the question of other causes"},
        ],
        "rule_version": "1.0.0",
        "rules": [
            {
                "key": "interval_upper_adult",
                "value": 35,
                "unit": "d",
                "relation": ">",
                "text": "cycles longer than 35 days are irregular",
                "source": "2023 guideline",
                "verification": "V2",
            }
        ],
        "measurements": {
            "left": {
                "fnps": {
                    "value": 15,
                    "low": 12,
                    "high": 17,
                    "method": "largest section",
                    "sources": [{"source": "left_sweep.dcm", "frame": 12}],
                },
                "tracked_estimate": {
                    "value": 23,
                    "low": 18,
                    "high": 29,
                    "method": "linked across 48 frames",
                    "coverage": 0.86,
                    "sources": [{"source": "left_sweep.dcm", "frame": 12}],
                },
                "fnpo": {"unknown_because": "needs a 3D volume"},
                "volume_ml": {
                    "value": 11.42,
                    "low": 7.6,
                    "high": 18.1,
                    "method": "ellipsoid from three diameters in two sections",
                    "sources": [{"source": "left_sweep.dcm", "frame": 12}],
                },
                "length_mm": 36.8,
                "width_mm": 23.5,
                "thickness_mm": 25.2,
            },
            "right": {
                "fnps": {
                    "value": 8,
                    "low": 6,
                    "high": 10,
                    "method": "largest section",
                    "sources": [{"source": "right_still.png", "frame": 0}],
                },
                "tracked_estimate": {"unknown_because": "no sweep of this side"},
                "fnpo": {"unknown_because": "needs a 3D volume"},
                "volume_ml": {"unknown_because": "the file states no pixel size"},
            },
        },
        "frames": [
            frame_content("left_sweep.dcm", 12),
            silent_frame_content("left_sweep.dcm", 0, "no ovary in view"),
            silent_frame_content("left_sweep.dcm", 1, "no ovary in view"),
            silent_frame_content("left_sweep.dcm", 2, "no ovary in view"),
            unscaled,
        ],
        "refused": [
            {
                "source": "notes.dcm",
                "reason": "a PDF named .dcm; accepted: DICOM; export the images again",
            }
        ],
        "release": {
            "name": "ovary-2026.11",
            "version": "1",
            "weights_sha256": "5f" * 32,
            "preprocessing_sha256": "a1" * 32,
        },
        "provenance": {
            "created": "2026-11-23T06:30:00Z",
            "version": "0.1.0",
            "inputs": [
                {"source": "left_sweep.dcm", "sha256": "0b" * 32},
                {"source": "right_still.png", "sha256": "9e" * 32},
            ],
        },
    }


def empty_content() -> dict[str, Any]:
    """Nothing known, no frame."""
    axis = {
        "grade": None,
        "lower_bound": None,
        "coverage": 0.0,
        "missing": ["cycles.interval_days"],
    }
    return {
        "schema": "deeppcos.assessment/1",
        "conclusion": {"status": "indeterminate", "profile": "guideline_2023"},
        "findings": dict.fromkeys(
            (
                "ovulatory_dysfunction",
                "hyperandrogenism",
                "polycystic_morphology",
                "exclusions",
            ),
            UNKNOWN,
        ),
        "severity": dict.fromkeys(("reproductive", "morphology", "androgen", "metabolic"), axis),
    }


def picture(follicles: int = 15, seed: int = 7) -> Pixels:
    """A speckled fan with a grey ovary and dark follicles; invented, not a simulation."""
    random = np.random.default_rng(seed)
    tissue = np.full((HEIGHT, WIDTH), 88.0)
    x, y, a, b = OVARY
    cv2.ellipse(tissue, ((x, y), (2 * a, 2 * b), 0), 120.0, -1)
    for fx, fy, radius in ring_of_follicles(follicles):
        cv2.ellipse(tissue, ((fx, fy), (2.2 * radius, 1.8 * radius), 0), 14.0, -1)
    speckle = random.rayleigh(0.75, (HEIGHT, WIDTH))
    grainy = cv2.GaussianBlur(cv2.GaussianBlur(tissue, (0, 0), 1.5) * speckle, (0, 0), 1.3)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    angle = np.arctan2(columns - WIDTH / 2, rows + 90.0)
    depth = np.hypot(columns - WIDTH / 2, rows + 90.0)
    grainy[(abs(angle) > 0.72) | (depth < 110) | (depth > 560)] = 0
    grey = np.clip(grainy * np.exp(-rows / 900), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


@pytest.fixture(name="full_content")
def full_content_fixture() -> dict[str, Any]:
    return full_content()


@pytest.fixture(name="empty_content")
def empty_content_fixture() -> dict[str, Any]:
    return empty_content()


@pytest.fixture
def full_document() -> AssessmentDocument:
    return document_from_dict(full_content())


@pytest.fixture
def empty_document() -> AssessmentDocument:
    return document_from_dict(empty_content())


@pytest.fixture
def sweep_document() -> AssessmentDocument:
    """Fifty frames of sixty follicles under a very long name, and little else."""
    name = "a-very-long-name-" * 12 + ".dcm"
    frames = [frame_content(name, number, follicles=60) for number in range(50)]
    return document_from_dict({**empty_content(), "frames": frames})


@pytest.fixture
def hostile_document() -> AssessmentDocument:
    """File names and reasons written by someone who wishes us ill."""
    content = full_content()
    name = '<script>alert(1)</script>"><img src=x onerror=alert(2)>.dcm'
    content["frames"][0]["source"] = name
    content["refused"][0]["source"] = "\x1b[31m<b>red</b>.dcm"
    content["conclusion"]["reasons"] = ["</style><script>alert(3)</script>", "{{ 7 * 7 }} & <i>"]
    return document_from_dict(content)


@pytest.fixture
def pictures() -> dict[tuple[str, int], Pixels]:
    return {("left_sweep.dcm", 12): picture(), ("right_still.png", 0): picture(8, seed=8)}
