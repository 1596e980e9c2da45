"""From a training run to a release: export, measure, calibrate, write the manifest last.

The manifest is written by this program and by nobody else; it is written last, so that its
existence means a complete release. Comparing a candidate with the current release is a later
step and not here yet.
"""

import datetime
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.learning import evaluate, metrics
from deeppcos.learning.calibrate import fit_count_interval, fit_logistic
from deeppcos.learning.evaluate import SampleResult
from deeppcos.learning.export import export_onnx, load_trained
from deeppcos.learning.operating_points import (
    HALVES,
    ChosenPoints,
    choose_points,
    half_of,
    look_with,
    rule_of,
)
from deeppcos.learning.samples import Sample
from deeppcos.learning.train import FOLDS, HELD_OUT_FOLD, SPLIT_SALT, Split
from deeppcos.vision.looking import look_at
from deeppcos.vision.preprocess import CONTRACT, preprocessing_hash
from deeppcos.vision.release import (
    MANIFEST_FILE,
    MAP_NAMES,
    SCHEMA,
    CalibrationEntry,
    CountIntervalEntry,
    Manifest,
    Network,
    OnnxNetwork,
    OperatingPoints,
    Release,
)
from deeppcos.vision.uncertainty import LogisticCalibration

WEIGHTS_FILE = "seeing.onnx"
COVERAGE = 0.9
OVERLAP_OF_A_HIT = 0.3
NOISE_PICTURES = 100
NOISE_SEED = 5

INTENDED_USE = (
    "Assists qualified clinicians and researchers in outlining ovaries and counting and sizing "
    "follicles in ultrasound pictures of adults. Research use; not a medical device."
)
NOT_FOR = (
    "a decision without a clinician who has looked at the picture",
    "excluding malignancy",
    "pregnancy",
    "the morphology of adolescents",
    "transabdominal pictures: none were in training beyond synthetic ones",
)
LICENCE_NOTES = (
    "Weights: Apache-2.0, as the project.",
    "Encoder started from EfficientNet-Lite0 ImageNet weights (Apache-2.0).",
    "Trained on public research pictures whose licence is unknown; none is distributed.",
)


def make_release(
    run: Path, split: Split, out: Path, *, name: str, baseline: Path | None = None
) -> Manifest:
    """Export a run, measure it on the held-out groups and write the release.

    Args:
        run: Folder of a finished training run.
        split: The split the run was trained on.
        out: Folder of the release; must not hold one yet.
        name: Release name.
        baseline: Folder of a finished run of a plain network, measured beside.

    Returns:
        The manifest.

    Raises:
        InvalidInput: If the run is not finished or the folder is taken.
    """
    if (out / MANIFEST_FILE).exists():
        raise InvalidInput(f"{out} already holds a release", remedy="name a new folder")
    out.mkdir(parents=True, exist_ok=True)
    config = export_run(run, out / WEIGHTS_FILE)
    content = (out / WEIGHTS_FILE).read_bytes()
    network = OnnxNetwork(content, threads=2)
    chosen = choose_points(split.held_out, network)
    plain: tuple[SampleResult, ...] = ()
    if baseline is not None:
        plain_file = out.parent / f"{out.name}-baseline.onnx"
        plain_config = export_run(baseline, plain_file)
        plain_network = OnnxNetwork(plain_file.read_bytes(), threads=2)
        plain = choose_points(split.held_out, plain_network).results
        plain_file.unlink()
        config = {**config, "baseline": plain_config}
    manifest = Manifest(
        release_schema=SCHEMA,
        name=name,
        created=datetime.date.today().isoformat(),
        weights_file=WEIGHTS_FILE,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        preprocessing_sha256=preprocessing_hash(),
        input=str(CONTRACT["input"]),
        map_names=MAP_NAMES,
        operating_points=chosen.shipped,
        calibrations=_calibrations(chosen.shipped_results),
        count_interval=_count_interval(chosen.shipped_results),
        training=_training_record(config, split),
        metrics=_metrics(split, network, chosen, plain),
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
        licence_notes=LICENCE_NOTES,
    )
    text = json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n"
    (out / MANIFEST_FILE).write_text(text)
    return manifest


def export_run(run: Path, file: Path) -> dict[str, Any]:
    """Export the averaged weights of a finished run.

    Args:
        run: Folder of the run.
        file: Where the ONNX file goes.

    Returns:
        The run's configuration.

    Raises:
        InvalidInput: If the run did not finish.
    """
    final, config_file = run / "final.pt", run / "config.json"
    if not (final.is_file() and config_file.is_file()):
        raise InvalidInput(f"{run} holds no finished run", remedy="let the training end first")
    config: dict[str, Any] = json.loads(config_file.read_text())
    export_onnx(load_trained(config["network"], final), file)
    return config


def scored(results: Sequence[SampleResult], which: str) -> list[tuple[float, bool]]:
    """Raw scores and whether each outline was right.

    Args:
        results: Held-out results.
        which: ``ovary``, ``lesion`` or ``follicle``.

    Returns:
        Pairs of score and outcome.
    """
    pairs: list[tuple[float, bool]] = []
    for result in results:
        if which == "ovary" and result.ovary_overlaps is not None:
            hits = [overlap >= OVERLAP_OF_A_HIT for overlap in result.ovary_overlaps]
            pairs += zip((o.score for o in result.look.ovaries), hits, strict=True)
        elif which == "follicle" and result.follicles is not None:
            pairs += zip(result.follicles.scores, result.follicles.is_right, strict=True)
        elif which == "lesion" and result.look.lesions:
            dice = result.lesion_dice or 0.0
            right = dice / (2 - dice) >= OVERLAP_OF_A_HIT
            pairs.append((result.look.lesions[0].score, right))
    return pairs


def _fitted(results: Sequence[SampleResult], which: str) -> LogisticCalibration:
    """Calibration of one score."""
    pairs = scored(results, which)
    return fit_logistic([score for score, _ in pairs], [right for _, right in pairs])


def _calibrations(results: Sequence[SampleResult]) -> dict[str, CalibrationEntry]:
    """The shipped calibrations, fitted on every held-out group."""
    return {
        which: CalibrationEntry(slope=round(fit.slope, 4), intercept=round(fit.intercept, 4))
        for which in ("ovary", "lesion", "follicle")
        for fit in (_fitted(results, which),)
    }


def _counts(results: Sequence[SampleResult]) -> tuple[list[int], list[int]]:
    """Machine's and reader's counts."""
    rows = [r.follicles for r in results if r.follicles is not None]
    return [row.counted for row in rows], [row.true for row in rows]


def _count_interval(results: Sequence[SampleResult]) -> CountIntervalEntry:
    """The shipped count interval, fitted on every held-out group."""
    counted, true = _counts(results)
    fit = fit_count_interval(counted, true, coverage=COVERAGE)
    return CountIntervalEntry(
        below=round(fit.below, 4), above=round(fit.above, 4), coverage=COVERAGE
    )


def cross_fitted(
    results: Sequence[SampleResult],
    measure: Callable[[Sequence[SampleResult], Sequence[SampleResult]], list[tuple[float, float]]],
) -> list[tuple[float, float]]:
    """Fit on one half of the groups, measure on the other, both ways.

    Args:
        results: Held-out results.
        measure: Takes (fitting, measured) results, gives pairs.

    Returns:
        All pairs.
    """
    pairs: list[tuple[float, float]] = []
    for half in range(HALVES):
        fitting = [r for r in results if half_of(r.group) != half]
        measured = [r for r in results if half_of(r.group) == half]
        pairs += measure(fitting, measured)
    return pairs


def _calibration_error(
    results: Sequence[SampleResult], which: str
) -> dict[str, float | int | None]:
    """Cross-fitted expected calibration error."""

    def measure(
        fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
    ) -> list[tuple[float, float]]:
        fit = _fitted(fitting, which)
        return [(fit.probability(s), float(right)) for s, right in scored(measured, which)]

    pairs = cross_fitted(results, measure)
    error = metrics.calibration_error([p for p, _ in pairs], [r > 0.5 for _, r in pairs])
    return {"value": None if error is None else round(error, 4), "n": len(pairs)}


def _coverage(results: Sequence[SampleResult]) -> dict[str, float | int | None]:
    """Cross-fitted coverage of the count interval."""

    def measure(
        fitting: Sequence[SampleResult], measured: Sequence[SampleResult]
    ) -> list[tuple[float, float]]:
        counted, true = _counts(fitting)
        fit = fit_count_interval(counted, true, coverage=COVERAGE)
        pairs = zip(*_counts(measured), strict=True)
        return [
            (float(fit.around(c).low <= t <= fit.around(c).high), float(fit.around(c).high))
            for c, t in pairs
        ]

    pairs = cross_fitted(results, measure)
    share = sum(covered for covered, _ in pairs) / max(len(pairs), 1)
    return {"value": round(share, 4), "asked": COVERAGE, "n": len(pairs)}


def _acceptance(
    results: Sequence[SampleResult],
    network: Network,
    points: OperatingPoints,
    calibration: LogisticCalibration,
) -> dict[str, dict[str, int]]:
    """How many pictures without an ovary pass the gate, by kind; ovaries refused beside them."""

    def accepts(score: float) -> bool:
        return calibration.probability(score) >= points.ovary_probability

    table: dict[str, dict[str, int]] = {}
    for kind in ("neither", "foreign", "lesion", "ovary"):
        tops = [
            max((o.score for o in r.look.ovaries), default=0.0) for r in results if r.kind == kind
        ]
        table[kind] = {"n": len(tops), "accepted": sum(map(accepts, tops))}
    looks = [
        look_at(picture, network, points=points, rule=rule_of(points))
        for picture in evaluate.drawn_noise(NOISE_PICTURES, seed=NOISE_SEED)
    ]
    tops = [max((o.score for o in look.ovaries), default=0.0) for look in looks]
    table["noise, stripes, blobs and pages"] = {
        "n": len(tops),
        "accepted": sum(map(accepts, tops)),
    }
    return table


def _figures(figures: dict[str, metrics.Measured]) -> dict[str, Any]:
    """Figures as plain numbers."""
    return {
        name: {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(figure).items()}
        for name, figure in figures.items()
    }


def _metrics(
    split: Split,
    network: Network,
    chosen: ChosenPoints,
    plain: Sequence[SampleResult],
) -> dict[str, Any]:
    """Everything measured, beside the baseline and the readers."""
    everybody = [*split.training, *split.held_out]
    results = chosen.results
    drawn_on = look_with(split.held_out, network, chosen.shipped, with_graphics=True)
    return {
        "how": "held-out patient groups, exported file, serving road; mirror image, close margin "
        "and least follicle score chosen on the other half of the groups; 95 % bootstrap by group",
        "release": _figures(evaluate.headline(results)),
        "plain U-Net, same data, same views": _figures(evaluate.headline(plain)) if plain else {},
        "second reader against first, all pictures read twice": _figures(
            evaluate.reader_agreement(everybody)
        ),
        "release with burned-in graphics left in": _figures(evaluate.headline(drawn_on)),
        "release at the shipped operating point": _figures(
            evaluate.headline(chosen.shipped_results)
        ),
        "calibration error, cross-fitted": {
            which: _calibration_error(results, which) for which in ("ovary", "follicle", "lesion")
        },
        "count interval coverage, cross-fitted": _coverage(results),
        "accepted as an ovary": _acceptance(
            results, network, chosen.shipped, _fitted(chosen.shipped_results, "ovary")
        ),
    }


def _training_record(config: dict[str, Any], split: Split) -> dict[str, Any]:
    """What the release was trained on and how."""

    def counted(samples: Sequence[Sample]) -> dict[str, int]:
        table: dict[str, int] = {}
        for sample in samples:
            key = f"{sample.source}: {sample.kind}"
            table[key] = table.get(key, 0) + 1
        return dict(sorted(table.items()))

    return {
        "config": config,
        "split": f"fold {HELD_OUT_FOLD} of {FOLDS} by patient group, salt {SPLIT_SALT}",
        "training": counted(split.training),
        "held_out": counted(split.held_out),
        "held_out_groups": len({s.group for s in split.held_out}),
        "marks": "follicles marked by non-clinical readers; no clinician has seen them",
    }


def measured_again(release: Release, split: Split) -> dict[str, Any]:
    """Measure a loaded release on the held-out groups, cross-fitted as ``make_release`` did.

    Args:
        release: The release.
        split: The split it was trained on.

    Returns:
        Figure name to value, interval, n and groups.
    """
    results = choose_points(split.held_out, release.network).results
    return _figures(evaluate.headline(results))
