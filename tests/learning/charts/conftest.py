"""Measured numbers of every kind, as a manifest holds them."""

from typing import Any

import pytest


def figure(value: float, *, n: int = 40) -> dict[str, Any]:
    return {"value": value, "low": value - 0.1, "high": value + 0.05, "n": n, "groups": 7}


@pytest.fixture
def measured() -> dict[str, Any]:
    """What ``measured_figures`` gives."""
    alone = {"value": 0.8, "low": None, "high": None, "n": 3, "groups": 1}
    bins = [{"probability": p / 10, "share": p / 11, "n": 2 + p} for p in range(1, 10)]
    unknown: dict[str, Any] = {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "groups": 0,
        "bins": [],
    }
    counts = [("mmotu", m, r) for m, r in ((0, 0), (1, 1), (1, 1), (3, 2), (5, 7))]
    counts += [("closeups", 11, 12)]
    return {
        "release": {"mmotu follicle F1 at IoU 0.3": figure(0.76), "lesion Dice mean": alone},
        "calibration error, cross-fitted": {
            "ovary": {**figure(0.05), "bins": bins},
            "follicle": {**figure(0.02), "bins": bins},
            "lesion": unknown,
        },
        "count interval coverage, cross-fitted": {
            **figure(0.91), "asked": 0.9, "by group": {"a": [8, 9], "b": [4, 6], "c": [1, 2]},
            "by subgroup": {"data set": {"mmotu": [12, 15], "closeups": [1, 2]}},
        },
        "area interval coverage, cross-fitted": {**figure(0.88), "asked": 0.9},
        "accepted as an ovary": {
            "neither": {"n": 1, "accepted": 0},
            "foreign": {"n": 14, "accepted": 1},
            "noise, stripes, blobs and pages": {"n": 85, "accepted": 0},
            "ovary": {"n": 49, "accepted": 28},
        },
        "least ovary probability": 0.5,
        "risk and coverage, cross-fitted": [
            {"probability": 0.9, "coverage": 0.5, "risk": 0.0},
            {"probability": 0.2, "coverage": 1.0, "risk": 0.5},
        ],
        "subgroups": {
            "data set": {"mmotu": {"follicle F1 at IoU 0.3": figure(0.7)}},
            "colour Doppler": {"without": {"ovary Dice median": alone}},
        },
        "counts": [{"source": s, "machine": m, "reader": r} for s, m, r in counts],
        "answers": {"ovary": {"ovary": 9, "lesion": 1, "neither": 0}},
    }  # fmt: skip
