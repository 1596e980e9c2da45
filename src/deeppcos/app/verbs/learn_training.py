"""``deeppcos learn train``: a candidate from the desk's own readings, here and now.

Owns options, words and the signals that ask to stop. What is learned from is the business of
``web.learning.training``, training that of ``learning.site``.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, progress_bar, told_plainly, with_extra
from deeppcos.app.verbs.home import HomeOption

if TYPE_CHECKING:
    from deeppcos.learning.site.start import Asking
    from deeppcos.learning.site.training_set import TrainingSet
    from deeppcos.learning.train.loop import Moment


def train(
    name: Annotated[
        str, typer.Argument(help="Name of the candidate; the same command goes on with it.")
    ],
    frozen: Annotated[
        Path | None,
        typer.Option(help="The frozen test set; learning/frozen.json of the data folder."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Optimiser steps at most.", min=1)] = 200,
    batch: Annotated[int, typer.Option(help="Views a step.", min=1)] = 8,
    drawn_scenes: Annotated[
        int, typer.Option(help="Drawn scenes beside the site's pictures.", min=0)
    ] = 40,
    pictures_are_clean: Annotated[
        bool,
        typer.Option(
            help="Somebody made sure that no picture has a name burned in: also learn from "
            "pictures whose ultrasound area is not known."
        ),
    ] = False,
    others_are_drawn: Annotated[
        bool,
        typer.Option(
            help="Every picture of the site is of one kind: accept drawn scenes and photographs "
            "as the only others."
        ),
    ] = False,
    home: HomeOption = None,
) -> None:
    """Train a candidate on this desk's consented, settled readings (web and train extras)."""
    with told_plainly(), with_extra("train"):
        folder, asking, learned = _begun(
            (name, frozen, home),
            numbers=(steps, batch, drawn_scenes),
            pictures_are_clean=pictures_are_clean,
            others_are_drawn=others_are_drawn,
        )
        for line in _lines(learned):
            typer.echo(line)
        candidate = _trained(folder, asking)
    if candidate is None:
        typer.echo("stopped at a checkpoint; give the same command again to go on")
        raise typer.Exit(SOME_REFUSED)
    labels = folder.parent / asking.training_set / "labels"
    typer.echo(f"candidate: {candidate}")
    typer.echo(
        f"ask the gate: deeppcos learn gate {candidate} --data {labels} --frozen {asking.frozen} "
        "--test-data TEST-FOLDER --plan PLAN"
    )


def _begun(
    where: tuple[str, Path | None, Path | None],
    *,
    numbers: tuple[int, int, int],
    pictures_are_clean: bool,
    others_are_drawn: bool,
) -> "tuple[Path, Asking, TrainingSet]":
    """The candidate's folder, what is asked for, and its set: those of before, or new ones."""
    import accelerate  # noqa: F401  # missing, it is better known before pictures are gathered
    import onnx  # noqa: F401
    import torch  # noqa: F401

    name, frozen_given, home = where
    steps, batch, drawn_scenes = numbers
    with with_extra("web"):
        from deeppcos.app.web.preparing import set_up_django

        set_up_django(home)
        from deeppcos.app.web.learning.standing import refuse_without_desk

        refuse_without_desk()
        from deeppcos.app.web.learning import training as desk
    from deeppcos.learning.site.fitness import refuse_unteachable
    from deeppcos.learning.site.start import Asking, begin, begun, is_begun
    from deeppcos.learning.site.training_set import read_set_document

    place = desk.training_place()
    folder = place / desk.checked_name(name)
    frozen_file = (frozen_given or desk.frozen_file()).resolve()
    frozen = desk.read_site_frozen(frozen_file)
    if is_begun(folder):
        learned = place / begun(folder).training_set
        desk.refuse_withdrawn(learned)
    else:
        learned = desk.gathered_set(frozen, by=None, clean=pictures_are_clean)
        refuse_unteachable(read_set_document(learned), others_are_drawn=others_are_drawn)
    asking = Asking(
        name=name,
        training_set=learned.name,
        frozen=str(frozen_file),
        steps=steps,
        batch=batch,
        drawn_scenes=drawn_scenes,
    )
    begin(folder, asking, release=desk.release_to_start_from())
    return folder, asking, read_set_document(learned)


def _lines(learned: "TrainingSet") -> Iterator[str]:
    """What is learned from, and what is not."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in learned.kinds.items())
    yield (
        f"training set {learned.sha256[:16]}: {len(learned.pictures)} pictures ({kinds}) of "
        f"{learned.patients} patients"
    )
    for reason, count in learned.left_out.items():
        yield f"left out: {count} {reason}"


def _trained(folder: Path, asking: "Asking") -> Path | None:
    """The candidate; None where a signal asked to stop."""
    from deeppcos.learning.gate.frozen import read_frozen
    from deeppcos.learning.site.training import learn_on
    from deeppcos.learning.train.checkpoint import Stopped

    with (
        _asked_to_stop() as is_stop_wanted,
        progress_bar(is_wanted=sys.stderr.isatty()) as moved,
    ):

        def watch(moment: "Moment") -> None:
            if moved is not None:
                moved(f"loss {moment.loss:.2f}", moment.step, moment.steps)

        try:
            return learn_on(
                folder, read_frozen(Path(asking.frozen)), watch=watch, is_stop_wanted=is_stop_wanted
            )
        except Stopped:
            return None


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM has come; a second one ends at once."""
    asked: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        for one, handler in before.items():
            signal.signal(one, handler)

    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
