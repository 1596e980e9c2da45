"""What each way of looking finds, on a validation fold that a training run kept aside.

    python -m benchmarks.looks_on_a_fold --data FOLDER --run RUN [--fold 0] [--out FILE]

``RUN`` is a folder of ``deeppcos train seeing --validation-fold K``: its best network has not
learned from that fold, so that number, width and repetition of looks may be chosen there and the
held-out groups only measure the choice. Each row is one change of the operating points.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.other_machines import in_words
from benchmarks.training_folds import network_of

from deeppcos.errors import InvalidInput
from deeppcos.learning.evaluate.figures import headline
from deeppcos.learning.operating_points import look_with
from deeppcos.learning.pool import gather
from deeppcos.learning.samples import Sample
from deeppcos.learning.train import split_samples
from deeppcos.learning.train.sides import validation_side
from deeppcos.vision import looking
from deeppcos.vision.release import SHIPPED, OnnxNetwork, OperatingPoints, read_manifest

SHOWN = (
    "mmotu follicle F1 at IoU 0.3",
    "mmotu follicle F1 at IoU 0.5",
    "mmotu ovary Dice mean",
    "mmotu ovary missed",
    "closeups follicle F1 at IoU 0.3",
    "closeups ovary Dice mean",
)

Look = tuple[str, OperatingPoints, float]
"""Name, operating points, width of a finer square over that of the picture."""


def looks() -> list[Look]:
    """What is compared: each row changes one thing of the shipped way of looking."""
    shipped = looking.FINER_SHARE
    chosen = read_manifest(SHIPPED).operating_points

    def points(**change: object) -> OperatingPoints:
        return chosen.model_copy(update=change)

    return [
        ("the whole, one close look", points(finer_squares=0, close_looks=1), shipped),
        ("the whole, two close looks", points(finer_squares=0), shipped),
        ("as shipped: nine squares, two close looks", chosen, shipped),
        ("nine squares, one close look", points(close_looks=1), shipped),
        ("without the mirror image", points(asks_mirror_image=False), shipped),
        ("sixteen squares", points(finer_squares=4), shipped),
        ("four squares of 0.65", points(finer_squares=2), 0.65),
    ]


@contextmanager
def squares_of(share: float) -> Iterator[None]:
    """Looks with squares of another width; a release has one, so it is no operating point."""
    before = looking.FINER_SHARE
    looking.FINER_SHARE = share
    try:
        yield
    finally:
        looking.FINER_SHARE = before


def kept_fold(data: Path, run: Path, fold: int) -> list[Sample]:
    """Ovaries of the fold that the run did not learn from.

    Raises:
        InvalidInput: If the run learned from that fold.
    """
    kept = json.loads((run / "config.json").read_text(encoding="utf-8")).get("validation_fold")
    if kept != fold:
        raise InvalidInput(
            "the run learned from this fold",
            value=f"fold {fold}; it kept {'none' if kept is None else kept}",
            accepted="the fold of `deeppcos train seeing --validation-fold`",
        )
    training = split_samples(gather(data, synthetic=0)).training
    return [s for s in validation_side(training, fold=fold).held_out if s.kind == "ovary"]


def row(name: str, samples: Sequence[Sample], network: OnnxNetwork, points: OperatingPoints) -> str:
    """One way of looking."""
    began = time.process_time()
    figures = headline(look_with(samples, network, points))
    each_ms = 1000 * (time.process_time() - began) / len(samples)
    cells = " | ".join(in_words(figures[name]) for name in SHOWN)
    return f"| {name} | {each_ms:.0f} | {cells} |"


def main() -> None:
    """Print the table, and keep it where asked."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--run", type=Path, required=True)
    options.add_argument("--fold", type=int, default=0)
    options.add_argument("--out", type=Path)
    asked = options.parse_args()
    samples = kept_fold(asked.data, asked.run, asked.fold)
    with tempfile.TemporaryDirectory() as folder:
        network = network_of([asked.run], Path(folder))
    groups = len({sample.group for sample in samples})
    lines = [
        f"{len(samples)} pictures with an ovary, {groups} groups; fold {asked.fold} of {asked.run}",
        "",
        "| looks | processor ms | " + " | ".join(SHOWN) + " |",
        "|---|---|" + "---|" * len(SHOWN),
    ]
    print("\n".join(lines), flush=True)
    for name, points, share in looks():
        with squares_of(share):
            lines.append(row(name, samples, network, points))
        print(lines[-1], flush=True)
    if asked.out:
        asked.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
