"""One of three readers is careless or malicious: what becomes of labels, and of a candidate?

Part 1 corrupts the marks of one of three simulated readers of the normal ovaries of MMOTU and
measures, against the marks they were made from, her labels alone, everything pooled, and the
consensus. Part 2 (``--gate``) puts candidates before the gate whose answers are degraded as a
network is that learned such labels, on phantoms. No network is trained here.

    python benchmarks/adversarial_feedback.py --data FOLDER/mmotu --gate --out FILE.json
"""

import argparse
import datetime
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deeppcos.learning.feedback.agreement import (
    agreement_of_readers,
    pair_rows,
)
from deeppcos.learning.feedback.conflicts import conflict_between
from deeppcos.learning.feedback.consensus import consensus_of
from deeppcos.learning.feedback.outline_matching import paired, polygon
from deeppcos.learning.metrics import by_group, pooled_f1
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.reviewed_document import (
    SCHEMA_NAME,
    Outline,
    Reading,
    ReviewedDocument,
    ReviewedImage,
    ReviewedStudy,
)
from deeppcos.vision.geometry import area_px, centroid

DAY = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC)
MISSED, EXTRA, JITTER = 0.08, 0.04, 0.06
"""An honest reader misses 8 % of the follicles, adds 4 %, and draws edges 6 % off: two such
readers agree by an F1 of about 0.9, as the readers of MMOTU do."""

Corruption = Callable[[Sequence[Outline], Sample, np.random.Generator], list[Outline]]


def circle(x: float, y: float, radius: float, sample: Sample) -> Outline:
    height, width = sample.grey.shape
    turns = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    xs = np.clip(x + radius * np.cos(turns), 0, width - 1)
    ys = np.clip(y + radius * np.sin(turns), 0, height - 1)
    return Outline(
        polygon=[(float(a), float(b)) for a, b in zip(xs, ys, strict=True)], certainty="sure"
    )


def anywhere(sample: Sample, rng: np.random.Generator) -> tuple[float, float]:
    """A point in the ovary."""
    inside = (
        np.argwhere(sample.ovary) if sample.ovary is not None else np.argwhere(sample.grey >= 0)
    )
    y, x = inside[rng.integers(len(inside))]
    return float(x), float(y)


def honest(truth: Sequence[Outline], sample: Sample, rng: np.random.Generator) -> list[Outline]:
    kept = [_jittered(one, rng) for one in truth if rng.random() > MISSED]
    wrong = rng.binomial(max(len(truth), 1), EXTRA)
    return kept + [circle(*anywhere(sample, rng), _radius(truth), sample) for _ in range(wrong)]


def _jittered(one: Outline, rng: np.random.Generator) -> Outline:
    points, middle = np.array(polygon(one)), np.array(centroid(polygon(one)))
    radius = np.sqrt(area_px(polygon(one)) / np.pi)
    moved = middle + (points - middle) * rng.normal(1, JITTER) + rng.normal(0, JITTER * radius, 2)
    return Outline(polygon=[(float(x), float(y)) for x, y in moved], certainty=one.certainty)


def _radius(truth: Sequence[Outline]) -> float:
    areas = [area_px(polygon(one)) for one in truth]
    return float(np.sqrt(np.mean(areas) / np.pi)) if areas else 18.0


def random_marks(
    truth: Sequence[Outline], sample: Sample, rng: np.random.Generator
) -> list[Outline]:
    return [
        circle(*anywhere(sample, rng), _radius(truth), sample) for _ in range(rng.integers(1, 9))
    ]


def over_marking(
    truth: Sequence[Outline], sample: Sample, rng: np.random.Generator
) -> list[Outline]:
    more = [circle(*anywhere(sample, rng), 0.7 * _radius(truth), sample) for _ in range(8)]
    return honest(truth, sample, rng) + more


def nothing(truth: Sequence[Outline], sample: Sample, rng: np.random.Generator) -> list[Outline]:
    return []


CORRUPTIONS: dict[str, Corruption] = {
    "none": honest,
    "random marks": random_marks,
    "eight follicles more on each": over_marking,
    "every follicle left out": nothing,
    "half called a lesion": honest,
}


def reading(name: str, outlines: list[Outline], sample: Sample, *, is_lesion: bool) -> Reading:
    shows: Literal["ovary", "lesion"] = "lesion" if is_lesion else "ovary"
    return Reading(
        reader=name, is_clinician=None, read_at=DAY, release_shown=None, shows=shows,
        ovaries=None, follicles=None if is_lesion else outlines,
        lesions=outlines if is_lesion else None,
    )  # fmt: skip


def truth_of(sample: Sample) -> list[Outline]:
    marks = next(iter(sample.readings.values()))
    return [
        Outline(polygon=[(float(x), float(y)) for x, y in m.polygon], certainty="sure")
        for m in marks
    ]


def score(labels: Sequence[list[Outline] | None], samples: Sequence[Sample]) -> dict[str, Any]:
    """Labels against what they were made from; None where nothing would be learned."""
    rows = [
        (paired(found, truth_of(s)), s.group)
        for found, s in zip(labels, samples, strict=True)
        if found is not None
    ]
    hits = np.array([len(m.pairs) for m, _ in rows], float)
    made = np.array([m.predicted for m, _ in rows], float)
    true = np.array([m.true for m, _ in rows], float)

    groups = [group for _, group in rows]
    return {
        "pictures": len(rows),
        "F1": _plain(by_group(pooled_f1(matched=hits, predicted=made, true=true), groups)),
        "mean count error": _plain(by_group(lambda i: float((made - true)[i].mean()), groups)),
    }


def _plain(one: Any) -> list[float | None]:
    return [None if v is None else round(v, 3) for v in (one.value, one.low, one.high)]


def labels_damage(samples: Sequence[Sample], name: str, corrupt: Corruption) -> dict[str, Any]:
    rng = np.random.default_rng(11)
    alone, pooled, together, settled, rows = [], [], [], [], []
    for sample in samples:
        truth = truth_of(sample)
        flips = name == "half called a lesion" and bool(rng.random() < 0.5)
        said = [
            reading("reader-a", honest(truth, sample, rng), sample, is_lesion=False),
            reading("reader-b", honest(truth, sample, rng), sample, is_lesion=False),
            reading("reader-c", corrupt(truth, sample, rng), sample, is_lesion=flips),
        ]
        consensus = consensus_of(said)
        alone.append(said[2].follicles if said[2].follicles is not None else [])
        pooled.append([o for one in said for o in one.follicles or []])
        together.append(consensus.follicles if consensus else None)
        settled.append(None if conflict_between(said) else together[-1])
        rows.append((sample, said))
    document = ReviewedDocument(
        schema=SCHEMA_NAME, exported_at=DAY, exported_by="benchmark",
        studies=[
            ReviewedStudy(study=s.name, patient_group=s.group, may_train=True, images=[
                ReviewedImage(file=f"{n}.png", sha256="0" * 64, mm_per_pixel=None, readings=said)
            ]) for n, (s, said) in enumerate(rows)
        ],
    )  # fmt: skip
    seen = {one.first: _plain(one.f1) for one in agreement_of_readers(pair_rows(document))}
    return {
        "her labels alone": score(alone, samples),
        "all three pooled": score(pooled, samples),
        "consensus of three": score(together, samples),
        "what is exported unsettled": score(settled, samples),
        "agreement of each with the others": seen,
    }


def gate_answers() -> dict[str, Any]:
    """Candidates degraded as such labels would degrade them, before the gate on phantoms."""
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1]))
    import cv2
    from tests.learning.gate.test_gate import Altered, candidate, gate

    rng = np.random.default_rng(5)

    def noise(maps: Any, answers: Any) -> Any:
        low = rng.normal(0, 1, (len(maps), maps.shape[2] // 16, maps.shape[3] // 16))
        blots = np.stack([cv2.resize(m, maps.shape[:1:-1]) for m in low])
        changed = maps.copy()
        changed[:, 1:] = np.clip(changed[:, 1:] + 0.6 * blots[:, None], 0, 1)
        return changed.astype(np.float32), answers

    def more(maps: Any, answers: Any) -> Any:
        changed = maps.copy()
        changed[:, 1:] = np.clip(changed[:, 1:] * 2.5, 0, 1)
        return changed, answers

    def fewer(maps: Any, answers: Any) -> Any:
        changed = maps.copy()
        changed[:, 1:] *= 0.5
        return changed, answers

    def flipped(maps: Any, answers: Any) -> Any:
        changed = maps.copy()
        changed[:, 0] *= 0.4
        return changed, np.asarray(answers * 0.4, np.float32)

    found = {}
    for name, change in {
        "none (the same answers)": lambda maps, answers: (maps, answers),
        "random marks": noise,
        "over-marking": more,
        "follicles left out": fewer,
        "ovaries called lesions": flipped,
    }.items():
        report = gate(candidate(Altered(change), name=name.replace(" ", "-")[:30]))
        found[name] = {
            "passed": report.is_passed,
            "refused by": [q.question for q in report.questions if not q.is_passed],
        }
        print("gate |", name, "|", "passed" if report.is_passed else "refused", flush=True)
    return found


def main() -> None:
    """Run and write the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path)
    asked.add_argument("--gate", action="store_true")
    asked.add_argument("--out", type=Path, required=True)
    given = asked.parse_args()
    found: dict[str, Any] = {}
    if given.data is not None:
        from deeppcos.learning.sources.mmotu import read_mmotu

        samples = [s for s in read_mmotu(given.data) if s.readings]
        found["pictures"], found["groups"] = len(samples), len({s.group for s in samples})
        for name, corrupt in CORRUPTIONS.items():
            found[name] = labels_damage(samples, name, corrupt)
            print(name, json.dumps(found[name]), flush=True)
    if given.gate:
        found["gate"] = gate_answers()
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
