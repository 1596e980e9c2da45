"""From a training run to a release: export, measure, calibrate, write the manifest last.

The manifest is written by this program and by nobody else; it is written last, so that its
existence means a complete release. Comparing a candidate with the current release is a later
step and not here yet.
"""

import datetime
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.learning.calibrate import fit_count_interval, fit_ratio_interval
from deeppcos.learning.evaluate import SampleResult, drawn_noise, reader_agreement
from deeppcos.learning.evaluate.intervals import COVERAGE, area_ratios
from deeppcos.learning.evaluate.measured import HOW, figures_of, measured_figures
from deeppcos.learning.evaluate.measured import plain as as_plain
from deeppcos.learning.evaluate.probabilities import SCORES, fitted
from deeppcos.learning.export import export_onnx, load_trained
from deeppcos.learning.operating_points import ChosenPoints, choose_points, look_with, rule_of
from deeppcos.learning.samples import Sample
from deeppcos.learning.train import FOLDS, HELD_OUT_FOLD, SPLIT_SALT, Split
from deeppcos.learning.train.config import SAMPLES_FILE
from deeppcos.vision.looking import look_at
from deeppcos.vision.preprocess import CONTRACT, preprocessing_hash
from deeppcos.vision.release import (
    MANIFEST_FILE,
    MAP_NAMES,
    SCHEMA,
    AreaIntervalEntry,
    CalibrationEntry,
    CountIntervalEntry,
    Manifest,
    Network,
    OnnxNetwork,
    Release,
)

WEIGHTS_FILE = "seeing.onnx"
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
        area_interval=_area_interval(chosen),
        training={**_training_record(config, split), **_begun_on(run)},
        metrics=_metrics(split, network, chosen, plain),
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
        licence_notes=LICENCE_NOTES,
    )
    text = json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n"
    (out / MANIFEST_FILE).write_text(text, encoding="utf-8")
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
    config: dict[str, Any] = json.loads(config_file.read_text(encoding="utf-8"))
    export_onnx(load_trained(config["network"], final), file)
    return config


def _calibrations(results: Sequence[SampleResult]) -> dict[str, CalibrationEntry]:
    """The shipped calibrations, fitted on every held-out group."""
    return {
        which: CalibrationEntry(slope=round(fit.slope, 4), intercept=round(fit.intercept, 4))
        for which in SCORES
        for fit in (fitted(results, which),)
    }


def _count_interval(results: Sequence[SampleResult]) -> CountIntervalEntry:
    """The shipped count interval, fitted on every held-out group."""
    rows = [r.follicles for r in results if r.follicles is not None]
    fit = fit_count_interval(
        [row.counted for row in rows], [row.true for row in rows], coverage=COVERAGE
    )
    return CountIntervalEntry(
        below=round(fit.below, 4), above=round(fit.above, 4), coverage=COVERAGE
    )


def _area_interval(chosen: ChosenPoints) -> AreaIntervalEntry | None:
    """The shipped area interval, fitted on every held-out ovary that would be measured."""
    results = chosen.shipped_results
    ratios = area_ratios(
        results,
        fitted(results, "ovary"),
        least_probability=chosen.shipped.ovary_probability,
    )
    if not ratios:
        return None
    fit = fit_ratio_interval([ratio for _, ratio in ratios], coverage=COVERAGE)
    return AreaIntervalEntry(
        below=round(fit.below, 4), above=round(fit.above, 4), coverage=COVERAGE
    )


def _metrics(
    split: Split,
    network: Network,
    chosen: ChosenPoints,
    plain: Sequence[SampleResult],
) -> dict[str, Any]:
    """Everything measured, beside the baseline and the readers."""
    everybody = [*split.training, *split.held_out]
    drawn_on = look_with(split.held_out, network, chosen.shipped, with_graphics=True)
    return {
        "how": HOW,
        **_measured(network, chosen),
        "plain U-Net, same data, same views": figures_of(plain),
        "second reader against first, all pictures read twice": as_plain(
            reader_agreement(everybody)
        ),
        "release with burned-in graphics left in": figures_of(drawn_on),
        "release at the shipped operating point": figures_of(chosen.shipped_results),
    }


def _measured(network: Network, chosen: ChosenPoints) -> dict[str, Any]:
    """What is measured of one network over its cross-fitted results."""
    rule = rule_of(chosen.shipped)
    looks = [
        look_at(picture, network, points=chosen.shipped, rule=rule)
        for picture in drawn_noise(NOISE_PICTURES, seed=NOISE_SEED)
    ]
    return measured_figures(
        chosen.results,
        drawn_scores=[max((o.score for o in look.ovaries), default=0.0) for look in looks],
        least_probability=chosen.shipped.ovary_probability,
    )


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


def _begun_on(run: Path) -> dict[str, Any]:
    """Which samples the run says it was begun on; runs of before that say nothing."""
    listing = run / SAMPLES_FILE
    return {"samples": json.loads(listing.read_text(encoding="utf-8"))} if listing.is_file() else {}


def measured_again(release: Release, split: Split) -> dict[str, Any]:
    """Measure a loaded release on the held-out groups, cross-fitted as ``make_release`` did.

    Args:
        release: The release.
        split: The split it was trained on.

    Returns:
        What ``make_release`` wrote of the network itself, under the same names.
    """
    chosen = choose_points(split.held_out, release.network)
    return {"how": HOW, **_measured(release.network, chosen)}
