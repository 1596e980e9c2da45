"""``deeppcos learn``: from corrected studies to a candidate, a gate, two names and a promotion.

Owns options and words. What the gate asks is ``learning.gate``'s business, what is served
``app.releases``'s.
"""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deeppcos.app.terminal import SOME_REFUSED, told_plainly, with_extra
from deeppcos.app.verbs import learn_feedback, learn_training
from deeppcos.app.verbs.home import HomeOption
from deeppcos.app.verbs.training_data import DataFolders, DataLayout
from deeppcos.errors import InvalidInput

if TYPE_CHECKING:
    from deeppcos.app.releases.shadowing import ShadowSummary
    from deeppcos.app.releases.shelf import Pointer, Shelf

TEST_SALT = "frozen-test"

learn = typer.Typer(
    name="learn",
    help="Better releases from corrected studies, never by accident.",
    no_args_is_help=True,
)
learn_feedback.take_in(learn)
learn.command()(learn_training.train)

By = Annotated[str, typer.Option(help="Name of the person who does this.")]


@learn.command()
def plan(
    out: Annotated[Path, typer.Argument(help="File to write; must be new.")],
    by: Annotated[list[str], typer.Option(help="Who writes the plan; again for more people.")],
) -> None:
    """Write the plan that says what a candidate must show, to be edited before training."""
    with told_plainly():
        from deeppcos.learning.gate.plan import default_plan

        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        written = default_plan(written_by=tuple(by), written_on=today)
        _write_new(out, written.model_dump_json(indent=1, by_alias=True))
    typer.echo(f"plan: {out}")


@learn.command()
def freeze(
    data: DataFolders,
    out: Annotated[Path, typer.Option(help="File to write; must be new.")],
    name: Annotated[str, typer.Option(help="Name of the test set.")],
    by: By,
    share: Annotated[
        float, typer.Option(help="Share of the patients that become the test set.", min=0.05, max=1)
    ] = 0.3,
    layout: DataLayout = "",
) -> None:
    """Freeze whole patients as the test set that training can never touch."""
    with told_plainly(), with_extra("train"):
        from deeppcos.learning.gate.frozen import freeze as freeze_samples
        from deeppcos.learning.pool import gather
        from deeppcos.learning.splits import fold_of

        samples = gather(data, synthetic=0, layout=layout)
        chosen = [s for s in samples if fold_of(s.group, folds=1000, salt=TEST_SALT) < 1000 * share]
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        frozen = freeze_samples(chosen, name=name, frozen_on=today, frozen_by=by)
        _write_new(out, frozen.model_dump_json(indent=1, by_alias=True))
    typer.echo(f"frozen: {len(frozen.pictures)} pictures of {len(frozen.groups)} patients, {out}")


@learn.command()
def gate(
    candidate: Annotated[Path, typer.Argument(help="Folder of the candidate, as released.")],
    data: DataFolders,
    frozen: Annotated[Path, typer.Option(help="The frozen test set.")],
    plan_file: Annotated[Path, typer.Option("--plan", help="The plan.")],
    test_data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder with the pictures of the test set, where they are not among --data; "
            "again for more."
        ),
    ] = None,
    layout: DataLayout = "",
    home: HomeOption = None,
) -> None:
    """Compare a candidate with the current release, and write gate.json and gate.md beside it."""
    with told_plainly(), with_extra("train"):
        from deeppcos.learning.gate.decide import Contest, contestant, decide, write_report
        from deeppcos.learning.gate.frozen import read_frozen, without_test_patients
        from deeppcos.learning.gate.plan import read_plan
        from deeppcos.learning.pool import gather
        from deeppcos.learning.train import split_samples

        test_set, contender = read_frozen(frozen), contestant(candidate)
        config = contender.release.manifest.training.get("config", {})
        samples = gather(data, synthetic=int(config.get("synthetic", 0)), layout=layout)
        learned = split_samples(without_test_patients(test_set, samples)).training
        test = gather(test_data, synthetic=0, layout=layout) if test_data else samples
        folders = " ".join(
            [f"--data {one}" for one in data] + [f"--test-data {one}" for one in test_data or ()]
        )
        report = decide(
            Contest(
                current=contestant(_shelf(home).current_place()),
                candidate=contender,
                plan=read_plan(plan_file),
                frozen=test_set,
                test=test,
                training=learned,
                command=f"deeppcos learn gate {candidate} {folders} --frozen {frozen} "
                f"--plan {plan_file}",
            )
        )
        write_report(report, candidate)
    for question in report.questions:
        typer.echo(f"{'yes' if question.is_passed else 'NO ':3} {question.question}")
        typer.echo(f"    {question.words}")
    typer.echo(f"{'passed' if report.is_passed else 'refused'}: {candidate / 'gate.md'}")
    if not report.is_passed:
        raise typer.Exit(SOME_REFUSED)


@learn.command()
def add(
    candidate: Annotated[Path, typer.Argument(help="Folder of the candidate with gate.json.")],
    by: By,
    home: HomeOption = None,
) -> None:
    """Put a candidate with its gate report on the shelf; nothing is served yet."""
    with told_plainly():
        from deeppcos.app.releases.promotion import add_candidate

        pointer = add_candidate(_shelf(home), candidate, by=by)
    typer.echo(f"on the shelf: {pointer.name}")


@learn.command()
def approve(
    name: Annotated[str, typer.Argument(help="The candidate.")],
    by: By,
    remark: Annotated[str, typer.Option(help="What you want remembered.")] = "",
    home: HomeOption = None,
) -> None:
    """Agree to a candidate's gate report, by name; two people must."""
    with told_plainly():
        from deeppcos.app.releases import promotion

        shelf = _shelf(home)
        count = promotion.approve(shelf, _named(shelf, name), by=by, remark=remark)
    typer.echo(f"{name}: approved by {count}")


@learn.command()
def promote(
    name: Annotated[str, typer.Argument(help="The candidate.")], by: By, home: HomeOption = None
) -> None:
    """Serve a candidate from now on."""
    with told_plainly():
        from deeppcos.app.releases import promotion

        shelf = _shelf(home)
        before = promotion.promote(shelf, _named(shelf, name), by=by)
    typer.echo(f"served: {name}, before: {before.name}")


@learn.command()
def rollback(
    by: By, why: Annotated[str, typer.Option(help="The reason.")], home: HomeOption = None
) -> None:
    """Serve again what was served before."""
    with told_plainly():
        from deeppcos.app.releases.promotion import roll_back

        now = roll_back(_shelf(home), by=by, why=why)
    typer.echo(f"served: {now.name}")


@learn.command()
def shadow(
    name: Annotated[str, typer.Argument(help="The candidate; 'none' stops.")],
    home: HomeOption = None,
) -> None:
    """Run a candidate beside the current release without showing it."""
    with told_plainly():
        shelf = _shelf(home)
        shelf.run_in_shadow(None if name == "none" else _named(shelf, name))
    typer.echo(f"in shadow: {name}")


@learn.command()
def status(home: HomeOption = None) -> None:
    """Say what is served, what waits, and whether the history is whole."""
    with told_plainly():
        from deeppcos.app.releases.history import events, problems
        from deeppcos.app.releases.promotion import approvals
        from deeppcos.app.releases.shadowing import summary
        from deeppcos.app.releases.shelf import REPORT_FILE

        shelf = _shelf(home)
        current, beside = shelf.current(), shelf.shadow()
        typer.echo(f"served: {current.name} ({current.weights_sha256[:12]})")
        typer.echo(f"in shadow: {beside.name if beside else 'none'}")
        if beside is not None:
            typer.echo(_shadow_words(summary(shelf, beside.name)))
        for pointer in shelf.releases():
            has_report = (shelf.folder / pointer.name / REPORT_FILE).is_file()
            agreed = ", ".join(approvals(shelf, pointer)) if has_report else ""
            typer.echo(f"on the shelf: {pointer.name}, approved by {agreed or 'nobody'}")
        for event, _ in events(shelf.folder):
            at = event.at.isoformat(timespec="seconds")
            typer.echo(f"{at} {event.action} {event.about} by {event.actor_name}")
        wrong = problems(shelf.folder)
    for problem in wrong:
        typer.echo(f"history: {problem}", err=True)
    if wrong:
        raise typer.Exit(SOME_REFUSED)


def _shadow_words(seen: "ShadowSummary") -> str:
    """One line of what a release in shadow would have said."""
    change = "-" if seen.mean_change is None else f"{seen.mean_change:+.2f}"
    return (
        f"  {seen.studies} studies read by both, {seen.failures} failed; mean change of "
        f"{seen.counts} counts {change}; {seen.other_conclusions} other conclusions"
    )


def _shelf(home: Path | None) -> "Shelf":
    """The shelf of an installation."""
    from deeppcos.app.connections.working_folder import data_folder
    from deeppcos.app.releases.shelf import SHELF_FOLDER, Shelf

    return Shelf(folder=data_folder(home) / SHELF_FOLDER)


def _named(shelf: "Shelf", name: str) -> "Pointer":
    """A release on the shelf by name."""
    found = {pointer.name: pointer for pointer in shelf.releases()}
    if name not in found:
        raise InvalidInput(
            "no such release on the shelf",
            value=name,
            accepted=", ".join(sorted(found)) or "none yet",
            remedy="add it with `deeppcos learn add`",
        )
    return found[name]


def _write_new(path: Path, text: str) -> None:
    """Write a file that must not be there yet: plans and test sets are never overwritten."""
    if path.exists():
        raise InvalidInput(f"{path} is there already", remedy="name a new file")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
